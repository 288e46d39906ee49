package sigv4

import (
	"crypto/md5"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/thingpass/thingpass/checksum"
)

// put is a signed upload of body with a header more.
func put(body, payload, name, value string) *http.Request {
	r := httptest.NewRequest("PUT", "http://h.example/bucket/key", strings.NewReader(body))
	if name != "" {
		r.Header.Set(name, value)
	}
	Sign(r, docCredentials, "local-1", "s3", docTime, payload)
	return r
}

func TestPlainBodies(t *testing.T) {
	data := streamed(20000)
	sum := PayloadHash([]byte(data))
	tests := []struct {
		name, body, payload, header, value string
		want                               Kind
	}{
		{"hash", data, sum, "", "", 0},
		{"hash in upper case", data, strings.ToUpper(sum), "", "", 0},
		{"unsigned", data, UnsignedPayload, "", "", 0},
		{"wrong hash", data, emptyHash, "", "", PayloadMismatch},
		{"byte changed", data[:19999] + "!", sum, "", "", PayloadMismatch},
		{"md5", data, sum, "Content-Md5", b64(md5sum(data)), 0},
		{"wrong md5", data, sum, "Content-Md5", b64(md5sum("x")), BadDigest},
		{"short md5", data, sum, "Content-Md5", "YWJj", InvalidDigest},
		{"no md5", data, sum, "Content-Md5", "not base64", InvalidDigest},
		{"wrong crc32", data, sum, "X-Amz-Checksum-Crc32", "AAAAAA==", BadChecksum},
		{"wrong crc32, unsigned", data, UnsignedPayload, "X-Amz-Checksum-Crc32", "AAAAAA==", BadChecksum},
		{"malformed crc32", data, sum, "X-Amz-Checksum-Crc32", "AAAA", InvalidChecksum},
		{"empty crc32", data, sum, "X-Amz-Checksum-Crc32", "", InvalidChecksum},
		{"unknown sum", data, sum, "X-Amz-Checksum-Crc99", "AAAA", InvalidChecksum},
		{"no sum", data, sum, "X-Amz-Checksum-Mode", "ENABLED", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			make := func() (*Body, error) { return open(put(test.body, test.payload, test.header, test.value)) }
			if test.want != 0 {
				refused(t, make, test.body, test.want)
				return
			}
			for _, size := range bufferSizes {
				b, err := make()
				if err != nil {
					t.Fatal(err)
				}
				got, err := readBy(b, size)
				if err != nil || string(got) != test.body || b.Length() != int64(len(test.body)) {
					t.Errorf("buffer %d: %d bytes, length %d, %v", size, len(got), b.Length(), err)
				}
			}
		})
	}
}

func md5sum(data string) []byte { sum := md5.Sum([]byte(data)); return sum[:] }

func TestChecksumHeaders(t *testing.T) {
	data := streamed(1000)
	for _, name := range checksum.Names() {
		a, _ := checksum.Find(name)
		h := a.New()
		io.WriteString(h, data)
		sum := b64(h.Sum(nil))
		b, err := open(put(data, UnsignedPayload, "x-amz-checksum-"+name, sum))
		if err != nil {
			t.Fatal(err)
		}
		if b.Claims() != name || b.Checksums() != nil {
			t.Errorf("%s: claims %q, checksums %v before the end", name, b.Claims(), b.Checksums())
		}
		b.Compute(name) // it is, already
		if _, err := io.ReadAll(b); err != nil || len(b.Checksums()) != 1 || b.Checksums()[name] != sum {
			t.Errorf("%s: %v, %v", name, b.Checksums(), err)
		}
		refused(t, func() (*Body, error) {
			b, err := open(put(data, UnsignedPayload, "x-amz-checksum-"+name, b64(make([]byte, a.Size))))
			if err == nil {
				b.Compute("crc32") // makes no difference
			}
			return b, err
		}, data, BadChecksum)
	}
}

// What is computed only is compared with nothing, and is no claim.
func TestCompute(t *testing.T) {
	b, err := open(put("abc", UnsignedPayload, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	b.Compute("sha1")
	b.Compute("sha1")
	b.Compute("none")
	if _, err := io.ReadAll(b); err != nil || b.Claims() != "" || len(b.Checksums()) != 1 || b.Checksums()["sha1"] != "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=" {
		t.Errorf("%q %v, %v", b.Claims(), b.Checksums(), err)
	}
}

// The checksum of CompleteMultipartUpload is that of the object.
func TestCompleteMultipartUpload(t *testing.T) {
	for query, want := range map[string]Kind{"?uploadId=1": 0, "?upload%49d=1": 0, "?uploads": InvalidChecksum} {
		r := httptest.NewRequest("POST", "http://h.example/b/k"+query, strings.NewReader("<x/>"))
		r.Header.Set("X-Amz-Checksum-Crc32", "AAAAAA==-3")
		Sign(r, docCredentials, "local-1", "s3", docTime, PayloadHash([]byte("<x/>")))
		_, err := open(r)
		wantKind(t, err, want)
	}
}

func TestBodyLengths(t *testing.T) {
	r := put("abc", UnsignedPayload, "", "")
	r.ContentLength = -1
	_, err := open(r)
	wantKind(t, err, MissingLength)

	for length, want := range map[int64]Kind{2: BadLength, 4: IncompleteBody} {
		refused(t, func() (*Body, error) {
			r := put("abc", UnsignedPayload, "", "")
			r.ContentLength = length
			return open(r)
		}, "abcd"[:length], want)
	}

	r = httptest.NewRequest("GET", "/", nil)
	r.Body = nil // as a request to be sent has it
	Sign(r, docCredentials, "local-1", "s3", docTime, "")
	b, err := open(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(b); len(got) != 0 || err != nil || b.Length() != 0 {
		t.Errorf("%q, %v, length %d", got, err, b.Length())
	}
}

func TestBodyReadErrors(t *testing.T) {
	cause := errors.New("connection reset")
	r := put("abc", UnsignedPayload, "", "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(cause)))
	b, err := open(r)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(b)
	wantKind(t, err, IncompleteBody)
	if !errors.Is(err, cause) {
		t.Errorf("%v does not wrap its cause", err)
	}
}

// A reader that returns its last bytes and io.EOF together, or one byte at a
// time, makes no difference.
func TestBodyReaders(t *testing.T) {
	data := streamed(300)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"eof with data": iotest.DataErrReader, "one byte": iotest.OneByteReader, "half": iotest.HalfReader,
	} {
		for _, payload := range append(streamKinds, UnsignedPayload, PayloadHash([]byte(data))) {
			r := put(data, payload, "", "")
			if strings.HasPrefix(payload, "STREAMING") {
				r = newStream(payload, data, 8192, trailerFor(payload, data)).request()
			}
			r.Body = io.NopCloser(wrap(r.Body))
			b, err := open(r)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(b); err != nil || string(got) != data {
				t.Errorf("%s %s: %d bytes, %v", name, payload, len(got), err)
			}
		}
	}
}

// What the signature of a presigned URL says about the body cannot be undone
// by a header that is not signed; where it says nothing the header counts.
func TestPresignedBody(t *testing.T) {
	tests := []struct {
		query, header string
		want          Kind
	}{
		{"", "", 0},
		{"", UnsignedPayload, 0},
		{"", PayloadHash([]byte("abc")), 0},
		{"", emptyHash, PayloadMismatch},
		{"", "nonsense", BadPayloadHash},
		{UnsignedPayload, "", 0},
		{PayloadHash([]byte("abc")), "", 0},
		{emptyHash, UnsignedPayload, PayloadMismatch},
	}
	for _, test := range tests {
		r := httptest.NewRequest("PUT", "http://h.example/b/k", strings.NewReader("abc"))
		payload := UnsignedPayload
		if test.query != "" {
			payload = test.query
			r.URL.RawQuery = "X-Amz-Content-Sha256=" + test.query + "&"
		}
		s := newSignature(docCredentials, "local-1", "s3", docTime)
		s.SignedHeaders = []string{"host"}
		r.URL.RawQuery += "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + docKey + "/" + s.Scope() +
			"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
		r.URL.RawQuery += "&X-Amz-Signature=" + s.signRequest(r, docCredentials, payload)
		if test.header != "" {
			r.Header.Set("X-Amz-Content-Sha256", test.header)
		}
		b, err := open(r)
		if err == nil {
			_, err = io.ReadAll(b)
		}
		wantKind(t, err, test.want)
	}
}
