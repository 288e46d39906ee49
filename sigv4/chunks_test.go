package sigv4

import (
	"crypto/sha1"
	"encoding/base64"
	"hash/crc32"
	"strings"
	"testing"
)

func crc32Trailer(data string) string {
	sum := crc32.ChecksumIEEE([]byte(data))
	return "x-amz-checksum-crc32:" + base64.StdEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

// trailerFor is the trailer for the kinds of body that have one.
func trailerFor(payload, data string) string {
	if payload == streamSigned {
		return ""
	}
	return crc32Trailer(data)
}

var streamKinds = []string{streamSigned, streamSignedTrailer, streamUnsignedTrailer}

func TestStreams(t *testing.T) {
	for _, payload := range streamKinds {
		for _, n := range []int{0, 1, 8191, 8192, 8193, 30000} {
			s := newStream(payload, streamed(n), 8192, trailerFor(payload, streamed(n)))
			for _, size := range bufferSizes {
				b, err := open(s.request())
				if err != nil {
					t.Fatal(err)
				}
				got, err := readBy(b, size)
				if err != nil || string(got) != s.data || b.Length() != int64(n) {
					t.Errorf("%s, %d bytes, buffer %d: %d bytes, length %d, %v", payload, n, size, len(got), b.Length(), err)
				}
				if want := strings.TrimPrefix(trailerFor(payload, s.data), "x-amz-checksum-crc32:"); b.Checksums()["crc32"] != want {
					t.Errorf("checksums %v, want %s", b.Checksums(), want)
				}
			}
		}
	}
}

// What clients do differently at the end must not matter.
func TestStreamEnds(t *testing.T) {
	data := streamed(10000)
	for _, payload := range streamKinds {
		for _, end := range []string{"\r\n", "\r\n\r\n", "\n\r\n\r\n"} {
			s := newStream(payload, data, 8192, trailerFor(payload, data))
			s.tail = strings.TrimRight(s.tail, "\r\n") + "\r\n" + end
			b, err := open(s.request())
			if err != nil {
				t.Fatal(err)
			}
			if got, err := readBy(b, 4096); err != nil || string(got) != data {
				t.Errorf("%s, end %q: %d bytes, %v", payload, end, len(got), err)
			}
		}
	}
}

// minio-go and others put an empty line before the trailer's signature, or
// before the trailer.
func TestStreamTrailerLines(t *testing.T) {
	data := streamed(10)
	for _, replace := range [][2]string{
		{"\r\nx-amz-trailer-signature", "\n\r\nx-amz-trailer-signature"},
		{"\r\nx-amz-checksum", "\r\n\r\nx-amz-checksum"},
		{"crc32:", "crc32: "},
		{"x-amz-checksum", "X-Amz-Checksum"},
	} {
		s := newStream(streamSignedTrailer, data, 8192, crc32Trailer(data))
		before := s.tail
		if s.tail = strings.Replace(s.tail, replace[0], replace[1], 1); s.tail == before {
			t.Fatalf("no %q", replace[0])
		}
		b, err := open(s.request())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readBy(b, 4096); err != nil || string(got) != data {
			t.Errorf("%q: %q, %v", replace[1], got, err)
		}
	}
}

func TestUnknownLength(t *testing.T) {
	data := streamed(20000)
	s := newStream(streamUnsignedTrailer, data, 8192, crc32Trailer(data))
	s.header = s.header[1:]
	b, err := open(s.request())
	if err != nil {
		t.Fatal(err)
	}
	got, err := readBy(b, 1000)
	if err != nil || string(got) != data || b.Length() != -1 {
		t.Errorf("%d bytes, length %d, %v", len(got), b.Length(), err)
	}
	s.tail = "0\r\n" + crc32Trailer("other") + "\r\n\r\n"
	refused(t, func() (*Body, error) { return open(s.request()) }, data, BadChecksum)
	s.tail = ""
	refused(t, func() (*Body, error) { return open(s.request()) }, data, IncompleteBody)

	r := s.request()
	r.ContentLength = 20100
	_, err = open(r)
	wantKind(t, err, MissingLength)
	s.payload = streamSignedTrailer
	_, err = open(s.request())
	wantKind(t, err, MissingLength)
}

// Every way of tampering is refused before the last byte.
func TestStreamTampered(t *testing.T) {
	data := streamed(30000)
	const signed, trailer, unsigned = streamSigned, streamSignedTrailer, streamUnsignedTrailer
	other := newStream(trailer, strings.ToUpper(strings.ReplaceAll(data, ",", "x")), 8192, crc32Trailer(data))
	tests := []struct {
		name string
		edit func(s *stream)
		want map[string]Kind
	}{
		{"swapped chunks", func(s *stream) { s.chunks[0], s.chunks[1] = s.chunks[1], s.chunks[0] },
			map[string]Kind{signed: Mismatch, trailer: Mismatch, unsigned: BadChecksum}},
		{"first chunk changed", func(s *stream) { s.chunks[0] = s.chunks[0][:200] + "!" + s.chunks[0][201:] },
			map[string]Kind{signed: Mismatch, trailer: Mismatch, unsigned: BadChecksum}},
		{"last chunk changed", func(s *stream) { s.chunks[3] = s.chunks[3][:200] + "!" + s.chunks[3][201:] },
			map[string]Kind{signed: Mismatch, trailer: Mismatch, unsigned: BadChecksum}},
		{"last byte changed", func(s *stream) { n := len(s.chunks[3]); s.chunks[3] = s.chunks[3][:n-3] + "!\r\n" },
			map[string]Kind{signed: Mismatch, trailer: Mismatch, unsigned: BadChecksum}},
		{"chunk missing", func(s *stream) { s.chunks = s.chunks[1:] },
			map[string]Kind{signed: Mismatch, trailer: Mismatch, unsigned: BadLength}},
		{"last chunk missing", func(s *stream) { s.chunks = s.chunks[:3] },
			map[string]Kind{signed: BadLength, trailer: BadLength, unsigned: BadLength}},
		{"chunk replayed", func(s *stream) { s.chunks[1] = s.chunks[0] },
			map[string]Kind{signed: Mismatch, trailer: Mismatch, unsigned: BadChecksum}},
		{"chunk repeated", func(s *stream) { s.chunks = append(s.chunks, s.chunks[3]) },
			map[string]Kind{signed: BadLength, trailer: BadLength, unsigned: BadLength}},
		{"chunk of another upload", func(s *stream) { s.chunks[0] = other.chunks[0] },
			map[string]Kind{signed: Mismatch, trailer: Mismatch}},
		{"empty chunk missing", func(s *stream) { s.tail = "" },
			map[string]Kind{signed: IncompleteBody, trailer: IncompleteBody, unsigned: IncompleteBody}},
		{"empty chunk without signature", func(s *stream) { s.tail = "0\r\n\r\n" },
			map[string]Kind{signed: IncompleteBody, trailer: IncompleteBody}},
		{"empty chunk with a wrong signature", func(s *stream) { s.tail = "0;chunk-signature=" + strings.Repeat("0", 64) + "\r\n\r\n" },
			map[string]Kind{signed: Mismatch, trailer: Mismatch, unsigned: IncompleteBody}},
		{"empty chunk too early", func(s *stream) { s.chunks = append(s.chunks[:1], append([]string{s.tail}, s.chunks[1:]...)...) },
			map[string]Kind{signed: BadLength, trailer: BadLength, unsigned: BadLength}},
		{"truncated within a chunk", func(s *stream) { s.chunks[3] = s.chunks[3][:300]; s.tail = "" },
			map[string]Kind{signed: IncompleteBody, trailer: IncompleteBody, unsigned: IncompleteBody}},
		{"truncated within a head", func(s *stream) { s.chunks[3] = s.chunks[3][:3]; s.tail = "" },
			map[string]Kind{signed: IncompleteBody, trailer: IncompleteBody, unsigned: IncompleteBody}},
		{"no empty line at the end", func(s *stream) { s.tail = strings.TrimSuffix(s.tail, "\r\n") },
			map[string]Kind{signed: IncompleteBody, trailer: IncompleteBody, unsigned: IncompleteBody}},
		{"half a line end at the end", func(s *stream) { s.tail = strings.TrimSuffix(s.tail, "\n") },
			map[string]Kind{signed: IncompleteBody, trailer: IncompleteBody, unsigned: IncompleteBody}},
		{"something after the end", func(s *stream) { s.tail += "x" },
			map[string]Kind{signed: IncompleteBody, trailer: IncompleteBody, unsigned: IncompleteBody}},
		{"a line after the end", func(s *stream) { s.tail += "x\r\n\r\n" },
			map[string]Kind{signed: IncompleteBody, trailer: IncompleteBody, unsigned: BadTrailer}},
		{"a second stream after the end", func(s *stream) { s.tail += strings.Join(s.chunks, "") + s.tail },
			map[string]Kind{signed: BadTrailer, trailer: BadTrailer, unsigned: BadTrailer}},
		{"line ends without end", func(s *stream) { s.tail += strings.Repeat("\r\n", 100) },
			map[string]Kind{signed: BadTrailer, trailer: BadTrailer, unsigned: BadTrailer}},
		{"much after the end", func(s *stream) { s.tail += strings.Repeat(" ", 1<<20) },
			map[string]Kind{signed: BadTrailer, trailer: BadTrailer, unsigned: BadTrailer}},
		{"trailer missing", func(s *stream) { s.tail = strings.Replace(s.tail, crc32Trailer(data)+"\r\n", "", 1) },
			map[string]Kind{trailer: BadTrailer, unsigned: BadTrailer}},
		{"all of the trailer missing", func(s *stream) { s.tail, _, _ = strings.Cut(s.tail, "x-amz-checksum"); s.tail += "\r\n" },
			map[string]Kind{trailer: IncompleteBody, unsigned: BadTrailer}},
		{"trailer with another sum", func(s *stream) { s.tail = strings.Replace(s.tail, crc32Trailer(data), crc32Trailer("x"), 1) },
			map[string]Kind{trailer: Mismatch, unsigned: BadChecksum}},
		{"trailer twice", func(s *stream) { s.tail = strings.Replace(s.tail, "x-amz-ch", crc32Trailer(data)+"\r\nx-amz-ch", 1) },
			map[string]Kind{trailer: BadTrailer, unsigned: BadTrailer}},
		{"trailer that was not announced", func(s *stream) { s.tail = strings.Replace(s.tail, "\r\n", "\r\nx-amz-meta-a:b\r\n", 1) },
			map[string]Kind{signed: IncompleteBody, trailer: BadTrailer, unsigned: BadTrailer}},
		{"trailer of another kind", func(s *stream) { s.tail = strings.Replace(s.tail, "crc32", "crc32c", 1) },
			map[string]Kind{trailer: BadTrailer, unsigned: BadTrailer}},
		{"trailer without signature", func(s *stream) { s.tail, _, _ = strings.Cut(s.tail, trailerSignature); s.tail += "\r\n" },
			map[string]Kind{trailer: IncompleteBody}},
		{"trailer with half a signature", func(s *stream) { s.tail = s.tail[:len(s.tail)-14] + "\r\n\r\n" },
			map[string]Kind{trailer: IncompleteBody}},
		{"trailer with another signature", func(s *stream) { s.tail = s.tail[:len(s.tail)-68] + strings.Repeat("0", 64) + "\r\n\r\n" },
			map[string]Kind{trailer: Mismatch}},
		{"signature of the trailer first", func(s *stream) {
			s.tail = strings.Replace(s.tail, crc32Trailer(data)+"\r\n", "", 1)
			s.tail = strings.TrimSuffix(s.tail, "\r\n") + crc32Trailer(data) + "\r\n\r\n"
		}, map[string]Kind{trailer: IncompleteBody}},
		{"trailer ended by another character", func(s *stream) { s.tail = strings.Replace(s.tail, crc32Trailer(data)+"\r", crc32Trailer(data)+"\f", 1) },
			map[string]Kind{trailer: Mismatch, unsigned: InvalidChecksum}},
		{"trailer malformed", func(s *stream) { s.tail = strings.Replace(s.tail, "crc32:", "crc32:!", 1) },
			map[string]Kind{trailer: Mismatch, unsigned: InvalidChecksum}},
		{"chunk longer than it says", func(s *stream) { s.chunks[2] = strings.Replace(s.chunks[2], "\r\n", "\r\n+", 1) },
			map[string]Kind{signed: IncompleteBody, trailer: IncompleteBody, unsigned: IncompleteBody}},
		{"decoded length too short", func(s *stream) { s.header[0][1] = "29999" },
			map[string]Kind{signed: Mismatch, trailer: Mismatch, unsigned: BadLength}},
		{"decoded length too long", func(s *stream) { s.header[0][1] = "30001" },
			map[string]Kind{signed: Mismatch, trailer: Mismatch, unsigned: BadLength}},
		{"decoded length no number", func(s *stream) { s.header[0][1] = "-5" },
			map[string]Kind{signed: MissingLength, trailer: MissingLength, unsigned: MissingLength}},
	}
	for _, test := range tests {
		for payload, want := range test.want {
			t.Run(test.name+" "+payload, func(t *testing.T) {
				s := newStream(payload, data, 8192, trailerFor(payload, data))
				test.edit(s)
				refused(t, func() (*Body, error) { return open(s.request()) }, data, want)
			})
		}
	}
}

// A signed trailer whose sum is wrong is refused although its signature is good.
func TestSignedTrailerWithWrongSum(t *testing.T) {
	data := streamed(9000)
	s := newStream(streamSignedTrailer, data, 8192, crc32Trailer("x"))
	refused(t, func() (*Body, error) { return open(s.request()) }, data, BadChecksum)
}

func TestChunkHeads(t *testing.T) {
	data := streamed(100)
	for head, want := range map[string]Kind{
		"64\n":                                 IncompleteBody,
		"\r\n":                                 IncompleteBody,
		"-64\r\n":                              IncompleteBody,
		"+64\r\n":                              IncompleteBody,
		"0x64\r\n":                             IncompleteBody,
		"64 \r\n":                              IncompleteBody,
		"64;a=b\r\n":                           IncompleteBody,
		"140000001\r\n":                        BadChunk,
		"ffffffffffffffffff\r\n":               BadChunk,
		"65\r\n":                               BadLength,
		strings.Repeat("0", 300) + "64\r\n":    IncompleteBody,
		strings.Repeat("0", 100000) + "64\r\n": IncompleteBody,
		"0000000000000064\r\n":                 0,
	} {
		s := newStream(streamUnsignedTrailer, data, 8192, crc32Trailer(data))
		s.chunks[0] = head + data + "\r\n"
		if want != 0 {
			refused(t, func() (*Body, error) { return open(s.request()) }, data, want)
			continue
		}
		b, err := open(s.request())
		if err != nil {
			t.Fatal(err)
		}
		if _, err = readBy(b, 100); err != nil {
			t.Error(err)
		}
	}
}

// As with AWS, only the last chunk may be small, signed or not.
func TestSmallChunks(t *testing.T) {
	data := streamed(100)
	for _, payload := range streamKinds {
		s := newStream(payload, data, 50, trailerFor(payload, data))
		refused(t, func() (*Body, error) { return open(s.request()) }, data, BadChunk)
	}
}

// Chunks that nobody signs need no trailer; then nothing may be in its place.
func TestUnsignedChunksWithoutTrailer(t *testing.T) {
	data := streamed(10000)
	s := newStream(streamUnsignedTrailer, data, 8192, "")
	b, err := open(s.request())
	if err != nil {
		t.Fatal(err)
	}
	b.Compute("crc32")
	if got, err := readBy(b, 100); err != nil || string(got) != data || "x-amz-checksum-crc32:"+b.Checksums()["crc32"] != crc32Trailer(data) {
		t.Errorf("%d bytes, %v, %v", len(got), b.Checksums(), err)
	}
	s.tail = "0\r\n" + crc32Trailer(data) + "\r\n\r\n"
	refused(t, func() (*Body, error) { return open(s.request()) }, data, BadTrailer)
}

func TestAnnouncedTrailers(t *testing.T) {
	data := streamed(10)
	tests := []struct {
		payload, announced string
		more               [2]string
		want               Kind
	}{
		{streamSigned, "x-amz-checksum-crc32", [2]string{}, BadTrailer},
		{streamSignedTrailer, "", [2]string{}, BadTrailer},
		{streamUnsignedTrailer, "", [2]string{}, 0},
		{streamUnsignedTrailer, "x-amz-meta-a", [2]string{}, BadTrailer},
		{streamUnsignedTrailer, "x-amz-checksum-crc32,content-md5", [2]string{}, BadTrailer},
		{streamUnsignedTrailer, "x-amz-checksum-crc99", [2]string{}, InvalidChecksum},
		{streamUnsignedTrailer, "x-amz-checksum-crc32, x-amz-checksum-sha1", [2]string{}, InvalidChecksum},
		{streamUnsignedTrailer, "x-amz-checksum-crc32", [2]string{"X-Amz-Checksum-Sha1", b64(make([]byte, sha1.Size))}, InvalidChecksum},
		{streamUnsignedTrailer, " X-Amz-Checksum-CRC32 ", [2]string{"X-Amz-Sdk-Checksum-Algorithm", "CRC32"}, 0},
		{streamUnsignedTrailer, "x-amz-checksum-crc32", [2]string{"X-Amz-Sdk-Checksum-Algorithm", "SHA1"}, InvalidChecksum},
	}
	for _, test := range tests {
		s := newStream(test.payload, data, 8192, trailerFor(test.payload, data))
		s.header = append(s.header[:1], [2]string{"X-Amz-Trailer", test.announced})
		if test.more[0] != "" {
			s.header = append(s.header, test.more)
		}
		_, err := open(s.request())
		wantKind(t, err, test.want)
	}
}

func b64(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }
