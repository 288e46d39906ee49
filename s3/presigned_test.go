package s3_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

// link presigns a path and its query with Version 4 and sends it with further
// headers, which are signed.
func (w *world) link(c *thingtest.Client, line, body string, headers ...string) *thingtest.Response {
	w.Helper()
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(w.Context(), method, c.Endpoint+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	target := sigv4.Presign(r, c.Credentials, "us-east-1", "s3", time.Now(), time.Minute)
	return signedV2(w.T, c, method, strings.TrimPrefix(target, c.Endpoint), body, headers...)
}

// Parameters of a presigned URL that are headers of the operation count as those
// headers; the value of a checksum is signed and ignored (localstack#5269 and
// #12164, measured on AWS; aws-sdk-js-v3#4448).
func TestPresignedHeaders(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	w.want(a, "PUT /own/source", "the source", 200, "")
	tests := []struct {
		line    string
		headers []string
		status  int
		code    string
	}{
		{"PUT /own/k?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject", nil, 200, ""}, // as AWS's SDK for JavaScript
		{"PUT /own/k?x-amz-meta-a=b%2Bc%20d", nil, 200, ""},
		{"PUT /own/k?X-Amz-Meta-A=b", nil, 200, ""},
		{"PUT /own/k?x-amz-acl=private", nil, 200, ""},
		{"PUT /own/k?x-amz-storage-class=STANDARD", nil, 200, ""},
		{"PUT /own/k?x-amz-tagging=a%3Db", nil, 200, ""},
		{"PUT /own/k?x-amz-user-agent=x&x-amz-request-payer=requester&x-amz-expected-bucket-owner=123456789012", nil, 200, ""},
		{"PUT /own/k?x-amz-expected-bucket-owner=999999999999", nil, 403, "AccessDenied"},
		{"PUT /own/k?x-amz-request-payer=somebody", nil, 501, "NotImplemented"},
		{"PUT /own/k?x-amz-content-sha256=UNSIGNED-PAYLOAD", nil, 200, ""},
		{"PUT /own/k?x-amz-content-sha256=" + sigv4.PayloadHash([]byte("other")), nil, 400, "XAmzContentSHA256Mismatch"},
		{"PUT /own/k?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&x-amz-content-sha256=UNSIGNED-PAYLOAD", nil, 400, "InvalidArgument"},
		{"PUT /own/copy?x-amz-copy-source=own%2Fsource", nil, 200, ""},
		{"PUT /own/k?x-amz-write-offset-bytes=1", nil, 501, "NotImplemented"},
		{"PUT /own/k?x-amz-date=x", nil, 501, "NotImplemented"},
		{"PUT /own/k?x-amz-trailer=x-amz-checksum-crc32", nil, 501, "NotImplemented"},
		{"PUT /own/k?x-amz-decoded-content-length=1", nil, 501, "NotImplemented"},
		{"PUT /own/k?x-amz-checksum-rot13=x", nil, 501, "NotImplemented"},
		{"PUT /own/k?x-amz-meta-a%0d%0ab=c", nil, 501, "NotImplemented"},
		{"PUT /own/k?x-amz-meta-a=b%0d%0ax-amz-acl:%20public-read", nil, 400, "InvalidArgument"},
		{"PUT /own/k?x-amz-meta-a=b&X-Amz-Meta-a=c", nil, 400, "InvalidArgument"},
		{"PUT /own/k?x-amz-meta-a=b", []string{"x-amz-meta-a", "c"}, 400, "InvalidArgument"},
		{"PUT /own/k?x-amz-meta-a=b", []string{"x-amz-meta-a", "b"}, 200, ""},
		{"GET /own/source?x-amz-checksum-mode=ENABLED&x-device=7&X-Device=7", nil, 200, ""},
		{"GET /own/source?xdevice=7", nil, 501, "NotImplemented"},
	}
	for _, tt := range tests {
		r := w.link(a, tt.line, "the body", tt.headers...)
		if got := codeOf(r); r.Status != tt.status || got != tt.code {
			t.Errorf("%s %q: %d %s, want %d %s\n%s", tt.line, tt.headers, r.Status, got, tt.status, tt.code, r.Body)
		}
	}
	if r := w.want(a, "GET /own/copy", "", 200, ""); string(r.Body) != "the source" {
		t.Errorf("the copy is %q", r.Body)
	}
	w.link(a, "PUT /own/m?x-amz-meta-a=b%2Bc%20d&x-amz-tagging=a%3Db", "x")
	if r := w.want(a, "HEAD /own/m", "", 200, ""); r.Header.Get("x-amz-meta-a") != "b+c d" || r.Header.Get("x-amz-tagging-count") != "1" {
		t.Errorf("headers of what was put by a link: %v", r.Header)
	}
	w.want(a, "GET /own/source?x-device=7", "", 200, "")
	w.want(a, "PUT /own/k?x-amz-acl=private", "x", 501, "NotImplemented") // a parameter of a request with a signature in its header is none
}

// What the query says counts in every condition, and so does the source.
func TestPresignedHeadersFence(t *testing.T) {
	w := newWorld(t)
	w.want(w.admin, "PUT /own/k", "own", 200, "")
	w.want(w.admin, "PUT /fleet/secret", "secret", 200, "")
	deny := func(key, value string) string {
		return fmt.Sprintf(`{"Effect":"Deny","Action":"s3:PutObject","Resource":"*","Condition":{"StringEquals":{%q:%q}}}`, key, value)
	}
	policy := `{"Version":"2012-10-17","Statement":[` + deny("s3:RequestObjectTag/secret", "yes") + `,` + deny("s3:x-amz-acl", "bucket-owner-full-control") + `,` +
		deny("s3:x-amz-storage-class", "STANDARD") + `,` + deny("s3:x-amz-copy-source", "own/k") + `,` + deny("s3:x-amz-content-sha256", sigv4.PayloadHash([]byte("x"))) + `]}`
	w.query("iam", "PutRolePolicy", "RoleName", "Lamp", "PolicyName", "deny", "PolicyDocument", policy)
	time.Sleep(1100 * time.Millisecond) // decisions are kept for a second
	for line, want := range map[string]int{
		"PUT /own/n":                                                        200,
		"PUT /own/n?x-amz-tagging=secret%3Dno":                              200,
		"PUT /own/n?x-amz-tagging=secret%3Dyes":                             403,
		"PUT /own/n?X-Amz-Tagging=secret%3Dyes":                             403,
		"PUT /own/n?x-amz-acl=private":                                      200,
		"PUT /own/n?x-amz-acl=bucket-owner-full-control":                    403,
		"PUT /own/n?x-amz-storage-class=STANDARD":                           403,
		"PUT /own/n?x-amz-copy-source=own%2Fk":                              403,
		"PUT /own/n?x-amz-copy-source=own%2Fn":                              400, // to itself
		"PUT /own/n?x-amz-copy-source=fleet%2Fsecret":                       403,
		"PUT /own/n?x-amz-content-sha256=" + sigv4.PayloadHash([]byte("x")): 403,
	} {
		if r := w.link(w.device, line, "x"); r.Status != want {
			t.Errorf("%s: %d, want %d\n%s", line, r.Status, want, r.Body)
		}
	}
}

// botocore moves x-amz- headers of a URL of Version 2 to the query and signs them
// as headers (botocore, HmacV1QueryAuth).
func TestPresignedV2Headers(t *testing.T) {
	w := newWorld(t)
	c := w.admin.Credentials
	link := func(path string, signed, sent [][2]string) string {
		when := fmt.Sprint(time.Now().Add(time.Minute).Unix())
		text, query := "PUT\n\n\n"+when+"\n", url.Values{"AWSAccessKeyId": {c.AccessKeyID}, "Expires": {when}}
		for _, h := range signed {
			text += h[0] + ":" + h[1] + "\n"
		}
		for _, h := range sent {
			query.Set(h[0], h[1])
		}
		mac := hmac.New(sha1.New, []byte(c.SecretAccessKey))
		mac.Write([]byte(text + path))
		query.Set("Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return path + "?" + query.Encode()
	}
	acl, meta, other := [2]string{"x-amz-acl", "private"}, [2]string{"x-amz-meta-a", "b c"}, [2]string{"x-amz-meta-a", "other"}
	own := [2]string{"x-device", "7"}
	for name, tt := range map[string]struct {
		signed, sent [][2]string
		headers      []string
		status       int
	}{
		"signed":         {[][2]string{acl, meta}, [][2]string{acl, meta}, nil, 200},
		"not signed":     {[][2]string{acl}, [][2]string{acl, meta}, nil, 403},
		"other value":    {[][2]string{acl, meta}, [][2]string{acl, other}, nil, 403},
		"left out":       {[][2]string{acl, meta}, [][2]string{acl}, nil, 403},
		"header differs": {[][2]string{acl, meta}, [][2]string{acl, meta}, []string{"x-amz-meta-a", "other"}, 400},
		"header too":     {[][2]string{acl, meta}, [][2]string{acl, meta}, []string{"x-amz-meta-a", "b c"}, 200},
		"two lines":      {[][2]string{acl, meta}, [][2]string{{"x-amz-acl", "private\nx-amz-meta-a:b c"}}, nil, 400},
		"log":            {nil, [][2]string{own}, nil, 200},
	} {
		if r := signedV2(t, w.admin, "PUT", link("/own/v2", tt.signed, tt.sent), "x", tt.headers...); r.Status != tt.status {
			t.Errorf("%s: %d, want %d\n%s", name, r.Status, tt.status, r.Body)
		}
	}
	if r := w.want(w.admin, "HEAD /own/v2", "", 200, ""); r.Header.Get("x-amz-meta-a") != "" {
		t.Error("the last put kept metadata of another")
	}
}

// Values of metadata are decoded by RFC 2047 before they are stored and encoded
// so before they are returned; ASCII is returned as it is (Amazon S3 user guide,
// "Working with object metadata").
func TestMetadataCharset(t *testing.T) {
	w := newWorld(t)
	for sent, want := range map[string]string{
		"plain = text":                             "plain = text",
		"grüße":                                    "=?UTF-8?q?gr=C3=BC=C3=9Fe?=",
		"=?UTF-8?Q?gr=C3=BC=C3=9Fe?=":              "=?UTF-8?q?gr=C3=BC=C3=9Fe?=",
		"=?utf-8?b?Z3LDvMOfZQ==?=":                 "=?UTF-8?q?gr=C3=BC=C3=9Fe?=",
		"=?ISO-8859-1?Q?gr=FC=DFe?=":               "=?UTF-8?q?gr=C3=BC=C3=9Fe?=",
		"gr\xfc\xdfe":                              "=?UTF-8?q?gr=C3=BC=C3=9Fe?=",
		"=?UTF-8?Q?abc?=":                          "abc",
		"=?UTF-8?Q?a=0D=0Ab?=":                     "=?UTF-8?q?a=0D=0Ab?=",
		"中文":                                       "=?UTF-8?b?5Lit5paH?=",
		"=?x-unknown?Q?abc?=":                      "=?x-unknown?Q?abc?=",
		"=?UTF-8?Q?gr=C3=BC?= =?UTF-8?Q?=C3=9Fe?=": "=?UTF-8?q?gr=C3=BC=C3=9Fe?=",
	} {
		w.want(w.admin, "PUT /own/meta", "x", 200, "", "x-amz-meta-a", sent)
		if got := w.want(w.admin, "HEAD /own/meta", "", 200, "").Header.Get("x-amz-meta-a"); got != want {
			t.Errorf("%q: answered %q, want %q", sent, got, want)
		}
	}
}

// Reserved names are those of the user guide's "General purpose bucket naming
// rules".
func TestReservedBucketNames(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"xn--bucket", "sthree-bucket", "sthree-configurator", "amzn-s3-demo-bucket", "bucket-s3alias", "bucket--ol-s3", "bucket.mrap", "b--use1-az1--x-s3", "bucket--table-s3"} {
		w.want(w.admin, "PUT /"+name, "", 400, "InvalidBucketName")
		w.want(w.admin, "HEAD /"+name, "", 404, "")
	}
	for _, name := range []string{"sthree", "s3alias", "mrap", "x-s3", "amzn-s3-demo"} {
		w.want(w.admin, "PUT /"+name, "", 200, "")
	}
}
