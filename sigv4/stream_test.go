package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// stream is an aws-chunked upload in pieces, so that a test can spoil any.
type stream struct {
	payload string // x-amz-content-sha256
	header  [][2]string
	chunks  []string // head and data with their line ends
	tail    string   // the empty chunk and all after it
	data    string   // what it decodes to
}

// newStream cuts data into chunks of the given size, and signs them.
func newStream(payload, data string, size int, trailer string) *stream {
	s := &stream{payload: payload, data: data, header: [][2]string{{"X-Amz-Decoded-Content-Length", fmt.Sprint(len(data))}}}
	name, _, _ := strings.Cut(trailer, ":")
	if trailer != "" {
		s.header = append(s.header, [2]string{"X-Amz-Trailer", name})
	}
	signature, _ := Parse(s.request())
	previous, key := signature.provided, signature.signingKey(docSecret, nil)
	head := func(chunk string) string {
		if payload == streamUnsignedTrailer {
			return fmt.Sprintf("%x\r\n", len(chunk))
		}
		text := signature.appendToSign(nil, "AWS4-HMAC-SHA256-PAYLOAD")
		text = append(text, previous+"\n"+emptyHash+"\n"+PayloadHash([]byte(chunk))...)
		previous = signHex(key, text)
		return fmt.Sprintf("%x;chunk-signature=%s\r\n", len(chunk), previous)
	}
	for rest := data; rest != ""; {
		chunk := rest[:min(size, len(rest))]
		rest = rest[len(chunk):]
		s.chunks = append(s.chunks, head(chunk)+chunk+"\r\n")
	}
	s.tail = head("")
	if trailer != "" {
		s.tail += trailer + "\r\n"
	}
	if payload == streamSignedTrailer {
		hash := sha256.Sum256([]byte(trailer + "\n"))
		text := signature.appendToSign(nil, "AWS4-HMAC-SHA256-TRAILER")
		text = append(text, previous+"\n"+hex.EncodeToString(hash[:])...)
		s.tail += trailerSignature + ":" + signHex(key, text) + "\r\n"
	}
	s.tail += "\r\n"
	return s
}

// request is the signed upload with the stream as it is now.
func (s *stream) request() *http.Request {
	body := strings.Join(s.chunks, "") + s.tail
	r := httptest.NewRequest("PUT", "http://h.example/bucket/key", io.MultiReader(strings.NewReader(body)))
	r.ContentLength = -1
	for _, h := range s.header {
		r.Header.Set(h[0], h[1])
	}
	Sign(r, docCredentials, "local-1", "s3", docTime, s.payload)
	return r
}

// open verifies the request's head and opens its body.
func open(r *http.Request) (*Body, error) {
	s, err := verifyRequest(r, docCredentials, Rules{S3: true, Now: docTime}, "")
	if err != nil {
		return nil, err
	}
	return s.Body(r, docSecret)
}

// streamed is data that shows when it is swapped.
func streamed(n int) string {
	var text strings.Builder
	for i := 0; text.Len() < n; i++ {
		fmt.Fprintf(&text, "%d,", i)
	}
	return text.String()[:n]
}

var bufferSizes = []int{1, 7, 8192, 1 << 17}

// refused demands that reading r fails with want, and that the last byte of
// data, and nothing that is not of data, has come out before.
func refused(t *testing.T, open func() (*Body, error), data string, want Kind) {
	t.Helper()
	for _, size := range bufferSizes {
		b, err := open()
		if err != nil {
			wantKind(t, err, want)
			continue
		}
		got, err := readBy(b, size)
		wantKind(t, err, want)
		if len(data) > 0 && len(got) >= len(data) {
			t.Errorf("buffer %d: released %d bytes of %d", size, len(got), len(data))
		}
		if b.Checksums() != nil {
			t.Errorf("buffer %d: checksums %v", size, b.Checksums())
		}
		if n, err := b.Read(make([]byte, 1)); n != 0 || kindOf(t, err) != want {
			t.Errorf("buffer %d: reading on gives %d, %v", size, n, err)
		}
	}
}
