package sigv4

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func BenchmarkVerify(b *testing.B) {
	c := docCredentials
	c.SessionToken = strings.Repeat("t", 600) // as long as a session's may be
	for name, service := range map[string]string{"s3": "s3", "generic": "iot"} {
		rules := Rules{S3: service == "s3", Now: docTime}
		r := httptest.NewRequest("GET", "https://host.example/bucket/some/key%20of/an/object?x-id=GetObject", nil)
		r.Header.Set("User-Agent", "aws-cli/2.9.19")
		Sign(r, c, "local-1", service, docTime, "")
		b.Run(name+"/header", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifyRequest(r, c, rules, emptyHash); err != nil {
					b.Fatal(err)
				}
			}
		})
		p := presigned(service, "https://host.example/bucket/some/key%20of/an/object?x-id=GetObject", time.Hour, c)
		b.Run(name+"/query", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifyRequest(p, c, rules, emptyHash); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBody(b *testing.B) {
	data := streamed(8 << 20)
	for name, payload := range map[string]string{
		"hash": PayloadHash([]byte(data)), "unsigned": UnsignedPayload, "chunks": streamSigned, "trailer": streamUnsignedTrailer,
	} {
		b.Run(name, func(b *testing.B) {
			var wire string
			r := put(data, payload, "", "")
			if strings.HasPrefix(payload, "STREAMING") {
				s := newStream(payload, data, 64<<10, trailerFor(payload, data))
				r, wire = s.request(), strings.Join(s.chunks, "")+s.tail
			} else {
				wire = data
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(strings.NewReader(wire))
				body, err := open(r)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, body, make([]byte, 64<<10)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
