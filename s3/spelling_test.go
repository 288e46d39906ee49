package s3_test

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/checksum"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/upstream"
)

// What clients send need not look as what we answer.

// begin begins an upload and returns its id and where it is.
func (w *world) begin(key string, headers ...string) string {
	w.Helper()
	var out struct{ UploadId string }
	if err := xml.Unmarshal(w.want(w.admin, "POST "+key+"?uploads", "", 200, "", headers...).Body, &out); err != nil || out.UploadId == "" {
		w.Fatalf("no upload: %v", err)
	}
	return key + "?uploadId=" + out.UploadId
}

// sumOf is a checksum in base64.
func sumOf(algorithm, text string) string {
	a, ok := checksum.Find(algorithm)
	if !ok {
		panic(algorithm)
	}
	h := a.New()
	_, _ = h.Write([]byte(text))
	return checksum.Encode(h.Sum(nil))
}

// compositeOf is the composite checksum of parts without their number.
func compositeOf(algorithm string, parts ...string) string {
	all := ""
	for _, p := range parts {
		raw, _ := base64.StdEncoding.DecodeString(sumOf(algorithm, p))
		all += string(raw)
	}
	return sumOf(algorithm, all)
}

func etagOf(text string) string { return fmt.Sprintf("%x", md5.Sum([]byte(text))) }

// partOf is an element of a completion.
func partOf(n int, etag string, more ...string) string {
	return fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag>%s</Part>", n, etag, strings.Join(more, ""))
}

func completionOf(parts ...string) string {
	return "<CompleteMultipartUpload>" + strings.Join(parts, "") + "</CompleteMultipartUpload>"
}

// text is contains for what the embedded store explains; an engine's own texts
// are not shown.
func (w *world) text(r *thingtest.Response, part string) {
	w.Helper()
	if os.Getenv(throughEngine) == "" {
		w.contains(r, part)
	}
}

var large = strings.Repeat("0123456789abcdef", 5<<20/16) // the smallest part but the last

// TestCompositeChecksums: S3 takes a composite checksum with and without the
// number of parts (minio/minio#19670; versity/versitygw#1589), and no other number.
func TestCompositeChecksums(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	parts := []string{large, "tail"}
	for _, name := range []string{"crc32", "CRC32C", "sha1", "SHA256"} {
		algorithm := strings.ToLower(name)
		header, element := "X-Amz-Checksum-"+name, "Checksum"+strings.ToUpper(name)
		sum := compositeOf(algorithm, parts...)
		key := "/fleet/" + algorithm
		at := w.begin(key, "x-amz-checksum-algorithm", name)
		list := ""
		for i, text := range parts {
			r := w.want(a, fmt.Sprintf("PUT %s&partNumber=%d", at, i+1), text, 200, "", header, sumOf(algorithm, text))
			if got := r.Header.Get("X-Amz-Checksum-" + algorithm); got != sumOf(algorithm, text) {
				t.Errorf("%s: part %d has %q", name, i+1, got)
			}
			list += partOf(i+1, r.Header.Get("Etag"), "<"+element+"> "+sumOf(algorithm, text)+"\n</"+element+">")
		}
		bare := completionOf(partOf(1, etagOf(large)), partOf(2, etagOf("tail")))
		missing := w.want(a, "POST "+at, bare, 400, "InvalidRequest") // aws/aws-sdk-php#2648
		w.text(missing, "The upload was created using a "+algorithm+" checksum. The complete request must include the checksum for each part. It was missing for part 1 in the request.")
		for _, wrong := range []string{sum + "-1", sum + "-3", sum + "-02", sum + "-", compositeOf(algorithm, "tail", large), "-2"} {
			w.want(a, "POST "+at, completionOf(list), 400, "BadDigest", header, wrong)
		}
		w.want(a, "POST "+at, completionOf(list), 400, "BadDigest", "x-amz-checksum-type", "FULL_OBJECT") // API reference, CompleteMultipartUpload
		headers := []string{header, sum, "x-amz-checksum-type", "COMPOSITE"}
		if algorithm == "crc32c" || algorithm == "sha256" { // with the number, and without a type
			headers = []string{header, sum + "-2"}
		}
		r := w.want(a, "POST "+at, completionOf(list), 200, "", headers...)
		w.contains(r, "<"+element+">"+sum+"-2</"+element+">", "<ChecksumType>COMPOSITE</ChecksumType>")
		if os.Getenv(throughEngine) == string(upstream.Other) { // which keeps no checksums
			continue
		}
		head := w.want(a, "HEAD "+key, "", 200, "", "x-amz-checksum-mode", "ENABLED")
		if head.Header.Get("X-Amz-Checksum-"+algorithm) != sum+"-2" || head.Header.Get("X-Amz-Checksum-Type") != "COMPOSITE" {
			t.Errorf("%s: %v", name, head.Header)
		}
		// Measured on AWS in floci-io/floci#3083: here it has no number.
		w.contains(w.want(a, "GET "+key+"?attributes", "", 200, "", "x-amz-object-attributes", "Checksum,ObjectParts"), "<"+element+">"+sum+"</"+element+">")
	}
}

// TestETags: ETags come with quotes or without, and in lists (RFC 9110, 13.1);
// a weak one equals none in If-Match, which compares strongly (13.1.1).
func TestETags(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	w.want(a, "PUT /own/k", "x", 200, "")
	etag := etagOf("x")
	for v, status := range map[string][3]int{ // of If-Match and of If-None-Match on a GET, and of If-Match on a PUT
		etag: {200, 304, 200}, `"` + etag + `"`: {200, 304, 200}, "*": {200, 304, 200}, ` "a" , "` + etag + `"`: {200, 304, 200}, `a,` + etag: {200, 304, 200},
		`W/"` + etag + `"`: {412, 304, 412}, `"a", W/"` + etag + `"`: {412, 304, 412}, `"a"`: {412, 200, 412}, `"a", "b"`: {412, 200, 412}, `"` + etag + `-1"`: {412, 200, 412},
	} {
		code := map[int]string{412: "PreconditionFailed"}
		w.want(a, "GET /own/k", "", status[0], code[status[0]], "If-Match", v)
		w.want(a, "GET /own/k", "", status[1], "", "If-None-Match", v)
		if os.Getenv(throughEngine) == string(upstream.Other) { // of which it is not known whether it holds writes to conditions
			continue
		}
		if strings.ContainsAny(v, ", ") || strings.HasPrefix(v, "W/") { // a write has one: see exactConditions
			w.want(a, "PUT /own/k", "x", 400, "InvalidArgument", "If-Match", v)
		} else {
			w.want(a, "PUT /own/k", "x", status[2], code[status[2]], "If-Match", v)
		}
		w.want(a, "PUT /own/copy", "", status[0], code[status[0]], "x-amz-copy-source", "own/k", "x-amz-copy-source-if-match", v)
	}
	at := w.begin("/own/m")
	w.want(a, "PUT "+at+"&partNumber=1", "x", 200, "")
	w.want(a, "POST "+at, completionOf(partOf(1, "\n&quot;"+etag+"&quot; ")), 200, "")
}

// TestCopySources: S3 reads the header as a form, so that "+" is a blank
// (aws/aws-sdk-js#1821; aws/aws-cli#614; aws/aws-sdk-php#236), and takes one slash
// in front, encoded or not (aws/aws-sdk-ruby#2545).
func TestCopySources(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	cleans := os.Getenv(throughEngine) == string(upstream.Other) // and takes no key with an empty segment
	for _, key := range []string{"a b", "a+b", "a%2Bb", "a?b", "/a b", "a/b c+d/é", "a?versionId=1"} {
		if cleans && key[0] == '/' {
			continue
		}
		w.want(a, "PUT /own/"+escape(key), key, 200, "")
	}
	for source, key := range map[string]string{
		"own/a+b": "a b", "own/a%20b": "a b", "own/a b": "a b", "/own/a+b": "a b", "own%2Fa+b": "a b", "%2Fown%2Fa%20b": "a b", "%2fown%2fa+b": "a b",
		"own/a%2Bb": "a+b", "%2Fown%2Fa%2bb": "a+b", "own/a%252Bb": "a%2Bb", "own/a%3Fb": "a?b", "own/a%3FversionId%3D1": "a?versionId=1",
		"own//a+b": "/a b", "/own//a%20b": "/a b", "%2Fown%2F%2Fa+b": "/a b", "own/a%2Fb+c%2Bd%2F%C3%A9": "a/b c+d/é", "own/a+b?versionId=null": "a b",
		url.QueryEscape("own/a b"): "a b", "own/" + url.QueryEscape("a/b c+d/é"): "a/b c+d/é", // as gocloud.dev sends it
	} {
		if cleans && key[0] == '/' {
			w.want(a, "PUT /own/to", "", 400, "InvalidArgument", "x-amz-copy-source", source)
			continue
		}
		w.want(a, "PUT /own/to", "", 200, "", "x-amz-copy-source", source)
		if r := w.want(a, "GET /own/to", "", 200, ""); string(r.Body) != key {
			t.Errorf("%s copied %q, want %q", source, r.Body, key)
		}
	}
	for _, source := range []string{"", "own", "own/", "/own", "//own/a%20b", "%2F%2Fown/a%20b", "/%2Fown/a%20b", "own/a%2", "own/%zz", "+own/a%20b"} {
		if source != "" {
			w.want(a, "PUT /own/to", "", 400, "InvalidArgument", "x-amz-copy-source", source)
		}
	}
	// What is allowed is what is copied.
	w.want(a, "PUT /fleet/lamp/a%20b", "allowed", 200, "")
	w.want(a, "PUT /fleet/lamp%20a", "denied", 200, "")
	w.want(w.device, "PUT /own/to", "", 200, "", "x-amz-copy-source", "fleet/lamp/a+b")
	w.want(w.device, "PUT /own/to", "", 200, "", "x-amz-copy-source", "%2Ffleet%2Flamp%2Fa+b")
	w.want(w.device, "PUT /own/to", "", 403, "AccessDenied", "x-amz-copy-source", "fleet/lamp+a")
	w.want(w.device, "PUT /own/to", "", 403, "AccessDenied", "x-amz-copy-source", "%2Ffleet%2Flamp+a")
}

// TestEmptyRanges: a suffix of an empty object is all of it (RFC 9110, 14.1.2), as
// AWS answers (apache/arrow-rs-object-store#846).
func TestEmptyRanges(t *testing.T) {
	w := newWorld(t)
	w.want(w.admin, "PUT /own/empty", "", 200, "")
	for header, status := range map[string]int{
		"bytes=-5": 200, "bytes=-1": 200, "bytes=-99999999999999999999": 200, "bytes=-0": 416, "bytes=0-": 416, "bytes=0-0": 416, "bytes=1-": 416,
	} {
		code := map[int]string{416: "InvalidRange"}[status]
		if r := w.want(w.admin, "GET /own/empty", "", status, code, "Range", header); status == 200 && (r.Header.Get("Content-Length") != "0" || r.Header.Get("Content-Range") != "") {
			t.Errorf("%s: %v", header, r.Header)
		}
		if r := w.want(w.admin, "HEAD /own/empty", "", status, "", "Range", header); status == 416 && r.Header.Get("Content-Range") != "bytes */0" {
			t.Errorf("HEAD, %s: %v", header, r.Header)
		}
	}
}

// TestFramingHasNoCase: content codings have none (RFC 9110, 8.4.1).
func TestFramingHasNoCase(t *testing.T) {
	w := newWorld(t)
	for in, want := range map[string]string{"AWS-Chunked": "", "aws-chunked,gzip": "gzip", "gzip, Aws-Chunked": "gzip", "AWS-CHUNKED , br, zstd": "br, zstd", "GZIP": "GZIP"} {
		w.want(w.admin, "PUT /own/k", "x", 200, "", "Content-Encoding", in)
		if r := w.want(w.admin, "HEAD /own/k", "", 200, ""); r.Header.Get("Content-Encoding") != want {
			t.Errorf("%s is kept as %q", in, r.Header.Get("Content-Encoding"))
		}
	}
}

// TestCopyRanges: S3 calls a range that is not in the source an invalid argument
// (versity/versitygw#610).
func TestCopyRanges(t *testing.T) {
	w := newWorld(t)
	w.want(w.admin, "PUT /own/src", "0123", 200, "")
	at := w.begin("/own/m") + "&partNumber=1"
	for header, status := range map[string]int{"bytes=0-3": 200, "bytes=3-3": 200, "bytes=0-4": 400, "bytes=4-4": 400, "bytes=0-99999999999999999999": 400,
		"bytes=1-": 400, "bytes=-1": 400, "bytes=2-1": 400, "0-1": 400, "bytes=0-1,2-3": 400} {
		code := map[int]string{400: "InvalidArgument"}[status]
		r := w.want(w.admin, "PUT "+at, "", status, code, "x-amz-copy-source", "own/src", "x-amz-copy-source-range", header)
		if header == "bytes=0-4" {
			w.text(r, "Range specified is not valid for source object of size: 4")
		}
	}
}

// TestFormChecksums: what a form says of its file is held against it, and an
// engine is given nothing before.
func TestFormChecksums(t *testing.T) {
	w := newWorld(t)
	digest := md5.Sum([]byte("hello"))
	for name, field := range map[string]struct {
		name, value string
		status      int
		code        string
	}{
		"crc32":        {"x-amz-checksum-crc32", sumOf("crc32", "hello"), 204, ""},
		"sha256":       {"x-amz-checksum-sha256", sumOf("sha256", "hello"), 204, ""},
		"wrong crc32c": {"x-amz-checksum-crc32c", sumOf("crc32c", "other"), 400, "BadDigest"},
		"wrong sha256": {"x-amz-checksum-sha256", sumOf("sha256", "other"), 400, "BadDigest"},
		"no checksum":  {"x-amz-checksum-sha1", "x", 400, "InvalidRequest"},
		"md5":          {"Content-MD5", base64.StdEncoding.EncodeToString(digest[:]), 204, ""},
		"wrong md5":    {"content-md5", sumOf("md5", "other"), 400, "BadDigest"},
		"no md5":       {"Content-MD5", "x", 400, "InvalidDigest"},
		"algorithm":    {"x-amz-checksum-algorithm", "CRC32C", 204, ""},
		"no algorithm": {"x-amz-checksum-algorithm", "CRC", 400, "InvalidRequest"},
	} {
		fields := formOf(w.admin.Credentials, signatureFields+`,{"bucket":"own"},["starts-with","$key",""],["starts-with","$`+field.name+`",""]`)
		fields = append(fields, [2]string{"key", name}, [2]string{field.name, field.value})
		if r := w.post("own", fields, "f", "hello"); r.Status != field.status || codeOf(r) != field.code {
			t.Errorf("%s: %d %s, want %d %s", name, r.Status, r.Body, field.status, field.code)
		}
		w.want(w.admin, "HEAD /own/"+escape(name), "", map[int]int{204: 200, 400: 404}[field.status], "")
	}
}

// TestCompletedAgain: a completion that is asked for again must be the first one
// (adobe/S3Mock#2586: idempotent "with the same parameters"; getmoto/moto#9209:
// whatever If-None-Match says).
func TestCompletedAgain(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	at := w.begin("/own/m", "x-amz-checksum-algorithm", "SHA256")
	sums := map[string]string{}
	for i, text := range []string{large, "tail"} {
		sums[text] = "<ChecksumSHA256>" + sumOf("sha256", text) + "</ChecksumSHA256>"
		w.want(a, fmt.Sprintf("PUT %s&partNumber=%d", at, i+1), text, 200, "", "x-amz-checksum-sha256", sumOf("sha256", text))
	}
	one, two := partOf(1, etagOf(large), sums[large]), partOf(2, etagOf("tail"), sums["tail"])
	first := w.want(a, "POST "+at, completionOf(one), 200, "", "x-amz-checksum-sha256", compositeOf("sha256", large))
	for _, headers := range [][]string{nil, {"x-amz-checksum-sha256", compositeOf("sha256", large) + "-1"}, {"x-amz-mp-object-size", fmt.Sprint(len(large))},
		{"x-amz-checksum-type", "COMPOSITE"}} {
		if again := w.want(a, "POST "+at, completionOf(one), 200, "", headers...); string(again.Body) != string(first.Body) {
			t.Errorf("%q: %s, first %s", headers, again.Body, first.Body)
		}
	}
	for _, list := range []string{one + two, two, partOf(1, "0123"), partOf(1, etagOf("tail"), sums[large]), partOf(2, etagOf(large), sums[large]), partOf(1, etagOf(large), sums["tail"])} {
		w.want(a, "POST "+at, completionOf(list), 400, "InvalidPart")
	}
	w.want(a, "POST "+at, completionOf(one), 400, "BadDigest", "x-amz-checksum-sha256", compositeOf("sha256", "tail"))
	w.want(a, "POST "+at, completionOf(one), 400, "BadDigest", "x-amz-checksum-type", "FULL_OBJECT")
	w.want(a, "POST "+at, completionOf(one), 400, "InvalidRequest", "x-amz-mp-object-size", "99")
	if os.Getenv(throughEngine) != string(upstream.Other) {
		w.want(a, "POST "+at, completionOf(one), 412, "PreconditionFailed", "If-Match", `"x"`)
		w.want(a, "POST "+at, completionOf(one), 200, "", "If-None-Match", "*")
		// The condition of the first held before there was its object.
		at = w.begin("/own/m")
		w.want(a, "PUT "+at+"&partNumber=1", "x", 200, "")
		old := w.want(a, "HEAD /own/m", "", 200, "").Header.Get("Etag")
		for range 2 {
			w.want(a, "POST "+at, completionOf(partOf(1, etagOf("x"))), 200, "", "If-Match", old)
		}
		w.want(a, "POST "+at, completionOf(partOf(1, etagOf("x"))), 412, "PreconditionFailed", "If-Match", `"other"`)
	}
	w.want(a, "PUT /own/m", "another", 200, "")
	w.want(a, "POST "+at, completionOf(one), 404, "NoSuchUpload")
}

// TestUploadChecksums: what a client says of a whole upload or of its parts is held
// against the parts, whatever the engine does with it.
func TestUploadChecksums(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	for _, plan := range [][]string{{"x-amz-checksum-algorithm", "CRC64NVME", "x-amz-checksum-type", "COMPOSITE"}, {"x-amz-checksum-algorithm", "SHA256", "x-amz-checksum-type", "FULL_OBJECT"},
		{"x-amz-checksum-algorithm", "CRC"}, {"x-amz-checksum-type", "COMPOSITE"}} {
		w.want(a, "POST /own/m?uploads", "", 400, "InvalidRequest", plan...)
	}
	at := w.begin("/own/m", "x-amz-checksum-algorithm", "crc32", "x-amz-checksum-type", "FULL_OBJECT")
	w.want(a, "PUT "+at+"&partNumber=1", large, 200, "", "x-amz-checksum-crc32", crc(large))
	w.want(a, "PUT "+at+"&partNumber=2", "tail", 200, "") // S3 computes it
	w.want(a, "PUT "+at+"&partNumber=3", "x", 400, "InvalidRequest", "x-amz-checksum-sha256", sumOf("sha256", "x"))
	w.want(a, "PUT "+at+"&partNumber=3", "x", 400, "BadDigest", "x-amz-checksum-crc32", crc("y"))
	list := func(sum string) string {
		return completionOf(partOf(1, etagOf(large), "<ChecksumCRC32>"+crc(large)+"</ChecksumCRC32>"), partOf(2, etagOf("tail"), sum))
	}
	w.want(a, "POST "+at, list("<ChecksumCRC32>AAAAAA==</ChecksumCRC32>"), 400, "InvalidPart")
	w.want(a, "POST "+at, list("<ChecksumSHA1>"+sumOf("sha1", "tail")+"</ChecksumSHA1>"), 400, "InvalidPart") // of which nothing is known
	w.want(a, "POST "+at, list(""), 400, "BadDigest", "x-amz-checksum-crc32", "AAAAAA==", "x-amz-checksum-type", "FULL_OBJECT")
	w.want(a, "POST "+at, list(""), 400, "BadDigest", "x-amz-checksum-crc32", crc(large+"tail")+"-2")
	w.want(a, "POST "+at, list(""), 400, "BadDigest", "x-amz-checksum-sha256", sumOf("sha256", large+"tail"))
	w.want(a, "POST "+at, list(""), 400, "BadDigest", "x-amz-checksum-type", "COMPOSITE")
	w.want(a, "POST "+at, list(""), 400, "InvalidRequest", "x-amz-mp-object-size", "99")
	done := w.want(a, "POST "+at, list("<ChecksumCRC32>"+crc("tail")+"</ChecksumCRC32>"), 200, "",
		"x-amz-checksum-crc32", crc(large+"tail"), "x-amz-checksum-type", "FULL_OBJECT", "x-amz-mp-object-size", fmt.Sprint(len(large)+4))
	w.contains(done, "<ChecksumCRC32>"+crc(large+"tail"), "<ChecksumType>FULL_OBJECT")

	// A part that is copied has no checksum where an engine makes none.
	w.want(a, "PUT /own/src", "copied", 200, "")
	at = w.begin("/own/copied", "x-amz-checksum-algorithm", "SHA1")
	sum := ""
	if part := w.want(a, "PUT "+at+"&partNumber=1", "", 200, "", "x-amz-copy-source", "own/src"); os.Getenv(throughEngine) != string(upstream.Other) {
		sum = "<ChecksumSHA1>" + sumOf("sha1", "copied") + "</ChecksumSHA1>"
		w.contains(part, sum)
	} else {
		w.want(a, "POST "+at, completionOf(partOf(1, etagOf("copied"))), 501, "NotImplemented", "x-amz-checksum-sha1", compositeOf("sha1", "copied"))
		w.want(a, "POST "+at, completionOf(partOf(1, etagOf("copied"))), 400, "InvalidRequest", "x-amz-mp-object-size", "5")
	}
	w.want(a, "POST "+at, completionOf(partOf(1, etagOf("copied"), sum)), 200, "", "x-amz-mp-object-size", "6")
}
