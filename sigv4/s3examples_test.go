package sigv4

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// The examples of the Amazon S3 API Reference, "Authenticating Requests (AWS
// Signature Version 4)": each text is the request, each signature AWS's own.
const docScope = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="

var docExamples = []struct{ name, text string }{
	{"get object", `GET /test.txt HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Authorization: ` + docScope + `host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41
Range: bytes=0-9
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
x-amz-date: 20130524T000000Z
`},
	{"put object", `PUT /test$file.text HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Date: Fri, 24 May 2013 00:00:00 GMT
Authorization: ` + docScope + `date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd
x-amz-date: 20130524T000000Z
x-amz-storage-class: REDUCED_REDUNDANCY
x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072
Content-Length: 21

Welcome to Amazon S3.`},
	{"get bucket lifecycle", `GET /?lifecycle HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Authorization: ` + docScope + `host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543
x-amz-date: 20130524T000000Z
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
`},
	{"list objects", `GET /?prefix=J&max-keys=2 HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Authorization: ` + docScope + `host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7
x-amz-date: 20130524T000000Z
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
`},
	{"presigned get", `GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1
Host: examplebucket.s3.amazonaws.com
`},
	{"chunked", `PUT /examplebucket/chunkObject.txt HTTP/1.1
Host: s3.amazonaws.com
x-amz-date: 20130524T000000Z
x-amz-storage-class: REDUCED_REDUNDANCY
Authorization: ` + docScope + `content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9
x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD
Content-Encoding: aws-chunked
x-amz-decoded-content-length: 66560
Content-Length: 66824

` + docChunk("10000", 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648") +
		docChunk("400", 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497") +
		docChunk("0", 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")},
	{"chunked with trailer", `PUT /examplebucket/chunkObject.txt HTTP/1.1
Host: s3.amazonaws.com
x-amz-date: 20130524T000000Z
x-amz-storage-class: REDUCED_REDUNDANCY
Authorization: ` + docScope + `content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e
x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
Content-Encoding: aws-chunked
x-amz-decoded-content-length: 66560
x-amz-trailer: x-amz-checksum-crc32c
Content-Length: 66946

` + docChunk("10000", 65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2") +
		docChunk("400", 1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7") +
		"0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
		"x-amz-checksum-crc32c:sOO8/Q==\r\n" +
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"},
	{"unsigned chunks with trailer", `PUT /Key+ HTTP/1.1
Host: amzn-s3-demo-bucket.s3.amazonaws.com
x-amz-date: 20130524T000000Z
Authorization: ` + docScope + `content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-trailer,Signature=8fdf2b7a7005b82789d2a9cec832705457298e8a6a908f8c85f17e44c707aa64
x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER
Content-Encoding: aws-chunked
x-amz-decoded-content-length: 17408
x-amz-trailer: x-amz-checksum-crc32
Content-Length: 17468

` + "2000\r\n" + strings.Repeat("a", 8192) + "\r\n2000\r\n" + strings.Repeat("a", 8192) + "\r\n400\r\n" +
		strings.Repeat("a", 1024) + "\r\n0\r\nx-amz-checksum-crc32:s3SFCQ==\n\r\n\r\n"},
}

func docChunk(size string, n int, signature string) string {
	return size + ";chunk-signature=" + signature + "\r\n" + strings.Repeat("a", n) + "\r\n"
}

// docVerify verifies the whole of an example, and returns its body.
func docVerify(text string) ([]byte, *Body, error) {
	r, err := received(text)
	if err != nil {
		return nil, nil, err
	}
	s, err := verifyRequest(r, docCredentials, Rules{S3: true, Now: docTime}, "")
	if err != nil {
		return nil, nil, err
	}
	b, err := s.Body(r, docSecret)
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(b)
	return data, b, err
}

func TestS3Examples(t *testing.T) {
	bodies := map[string]string{
		"put object":                   "Welcome to Amazon S3.",
		"chunked":                      strings.Repeat("a", 66560),
		"chunked with trailer":         strings.Repeat("a", 66560),
		"unsigned chunks with trailer": strings.Repeat("a", 17408),
	}
	sums := map[string][2]string{
		"chunked with trailer":         {"crc32c", "sOO8/Q=="},
		"unsigned chunks with trailer": {"crc32", "s3SFCQ=="},
	}
	for _, example := range docExamples {
		t.Run(example.name, func(t *testing.T) {
			data, b, err := docVerify(example.text)
			if err != nil {
				if e, ok := err.(*Error); ok {
					t.Log(e.CanonicalRequest, e.StringToSign)
				}
				t.Fatal(err)
			}
			if want := bodies[example.name]; string(data) != want || b.Length() != int64(len(want)) {
				t.Errorf("%d bytes, length %d, want %d", len(data), b.Length(), len(want))
			}
			if sum, ok := sums[example.name]; ok && (len(b.Checksums()) != 1 || b.Checksums()[sum[0]] != sum[1]) {
				t.Errorf("checksums %v, want %v", b.Checksums(), sum)
			}
		})
	}
}

// No byte of an example can be changed, but the case of a chunk size and the
// kind of line end in the trailer, which mean the same.
func TestS3ExamplesMutated(t *testing.T) {
	for _, example := range docExamples {
		t.Run(example.name, func(t *testing.T) {
			text := example.text
			eachMutation(text, func(i int, mutated string) {
				if strings.HasPrefix(text[lineStart(text, i):], "Content-Length") {
					return // another length is another request on the wire
				}
				if _, _, err := docVerify(mutated); err == nil {
					t.Errorf("accepted with byte %d (%q) changed", i, text[i])
				}
			})
		})
	}
}

func lineStart(text string, i int) int { return strings.LastIndexByte(text[:i], '\n') + 1 }

// Sign and Presign make AWS's own signatures.
func TestSignExamples(t *testing.T) {
	for _, example := range docExamples[:4] {
		t.Run(example.name, func(t *testing.T) {
			r := mustReceive(t, example.text)
			want := r.Header.Get("Authorization")
			payload := r.Header.Get("X-Amz-Content-Sha256")
			Sign(r, docCredentials, "us-east-1", "s3", docTime, payload)
			got := r.Header.Get("Authorization")
			if got = strings.ReplaceAll(got, ", ", ","); got != want {
				t.Errorf("Authorization\n%s, want\n%s", got, want)
			}
		})
	}
	t.Run("presigned get", func(t *testing.T) {
		r := mustReceive(t, "GET /test.txt HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n")
		got := Presign(r, docCredentials, "us-east-1", "s3", docTime, 24*time.Hour)
		want, _, _ := strings.Cut(strings.TrimPrefix(docExamples[4].text, "GET "), " ")
		if got != want {
			t.Errorf("URL\n%s, want\n%s", got, want)
		}
	})
}

func TestCheckValueCRC64NVME(t *testing.T) {
	c, err := newChecksum("x-amz-checksum-crc64nvme")
	if err != nil {
		t.Fatal(err)
	}
	c.sum.Write([]byte("123456789")) // the catalogue's check value is ae8b14860a799888
	if got := c.sum.Sum(nil); !bytes.Equal(got, []byte{0xae, 0x8b, 0x14, 0x86, 0x0a, 0x79, 0x98, 0x88}) {
		t.Errorf("%x", got)
	}
}
