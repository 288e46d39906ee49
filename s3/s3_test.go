package s3_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

// world is a running server, its administrator, and a device's session that
// may do as the policy below says.
type world struct {
	*testing.T
	server *thingtest.Server
	admin  *thingtest.Client
	device *thingtest.Client
}

const devicePolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::fleet/lamp/*"},
	{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::fleet","Condition":{"StringLike":{"s3:prefix":"lamp/*"}}},
	{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::own","arn:aws:s3:::own/*"]}]}`

func newWorld(t *testing.T) *world {
	t.Helper()
	server, err := thingtest.Start(t.Context(), thingtest.Options{Log: slog.New(slog.DiscardHandler), S3Engines: through(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	w := &world{T: t, server: server, admin: server.Admin}
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}}`
	w.query("iam", "CreateRole", "RoleName", "Lamp", "AssumeRolePolicyDocument", trust)
	w.query("iam", "PutRolePolicy", "RoleName", "Lamp", "PolicyName", "p", "PolicyDocument", devicePolicy)
	var out struct {
		Result struct {
			Credentials struct{ AccessKeyId, SecretAccessKey, SessionToken string }
		} `xml:"AssumeRoleResult"`
	}
	body := w.query("sts", "AssumeRole", "RoleArn", "arn:aws:iam::123456789012:role/Lamp", "RoleSessionName", "lamp")
	if err := xml.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	c := out.Result.Credentials
	w.device = server.Client(sigv4.Credentials{AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken})
	for _, bucket := range []string{"fleet", "own"} {
		w.want(w.admin, "PUT /"+bucket, "", 200, "")
	}
	return w
}

func (w *world) query(service, action string, parameters ...string) []byte {
	w.Helper()
	r, err := w.admin.Query(w.Context(), service, action, parameters...)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		w.Fatalf("%s: %v", action, err)
	}
	return r.Body
}

// do sends a request given as "METHOD /path", with headers as name and value in
// turn.
func (w *world) do(c *thingtest.Client, line, body string, headers ...string) *thingtest.Response {
	w.Helper()
	method, path, _ := strings.Cut(line, " ")
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	r, err := c.Do(w.Context(), "s3", method, path, h, []byte(body))
	if err != nil {
		w.Fatalf("%s: %v", line, err)
	}
	return r
}

func codeOf(r *thingtest.Response) string {
	var e struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}
	_ = xml.Unmarshal(r.Body, &e) // no error document, no code
	return e.Code
}

// want sends a request and checks status and error code.
func (w *world) want(c *thingtest.Client, line, body string, status int, code string, headers ...string) *thingtest.Response {
	w.Helper()
	r := w.do(c, line, body, headers...)
	if got := codeOf(r); r.Status != status || got != code {
		w.Errorf("%s %q: %d %s, want %d %s\n%s", line, headers, r.Status, got, status, code, r.Body)
	}
	return r
}

func (w *world) contains(r *thingtest.Response, parts ...string) {
	w.Helper()
	for _, part := range parts {
		if !strings.Contains(string(r.Body), part) {
			w.Errorf("answer lacks %s:\n%s", part, r.Body)
		}
	}
}

func TestBuckets(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	w.want(a, "PUT /fleet", "", 200, "") // us-east-1 alone is so lenient
	w.want(a, "PUT /other", `<CreateBucketConfiguration xmlns="x"><LocationConstraint>mars-1</LocationConstraint></CreateBucketConfiguration>`, 400, "IllegalLocationConstraintException")
	w.want(a, "PUT /other", `<CreateBucketConfiguration><Bucket><Type>Directory</Type></Bucket></CreateBucketConfiguration>`, 501, "NotImplemented")
	w.want(a, "PUT /other", `<broken`, 400, "MalformedXML")
	w.want(a, "PUT /Other", "", 400, "InvalidBucketName")
	if r := w.want(a, "HEAD /fleet", "", 200, ""); r.Header.Get("X-Amz-Bucket-Region") != "us-east-1" || r.Header.Get("X-Amz-Request-Id") == "" {
		t.Errorf("head bucket: %v", r.Header)
	}
	w.want(a, "HEAD /nothing", "", 404, "")
	w.contains(w.want(a, "GET /", "", 200, ""), "<Name>fleet</Name>", "<Name>own</Name>")
	w.contains(w.want(a, "GET /?prefix=o&max-buckets=1", "", 200, ""), "<Buckets><Bucket><Name>own</Name>")
	w.want(a, "PUT /fleet/k", "x", 200, "")
	w.want(a, "DELETE /fleet", "", 409, "BucketNotEmpty")
	w.want(a, "DELETE /fleet/k", "", 204, "")
	w.want(a, "DELETE /fleet", "", 204, "")
	w.want(a, "DELETE /fleet", "", 404, "NoSuchBucket")
	w.want(a, "PUT /fleet/k", "x", 404, "NoSuchBucket")
	w.want(a, "GET /fleet?list-type=2", "", 404, "NoSuchBucket")
	w.want(a, "GET /fleet?versioning", "", 404, "NoSuchBucket")
}

func TestConfiguration(t *testing.T) {
	w := newWorld(t)
	for parameter, code := range map[string]string{
		"policy": "NoSuchBucketPolicy", "policyStatus": "NoSuchBucketPolicy", "cors": "NoSuchCORSConfiguration", "website": "NoSuchWebsiteConfiguration",
		"lifecycle": "NoSuchLifecycleConfiguration", "replication": "ReplicationConfigurationNotFoundError",
		"object-lock": "ObjectLockConfigurationNotFoundError", "tagging": "NoSuchTagSet",
		"encryption":        "ServerSideEncryptionConfigurationNotFoundError",
		"publicAccessBlock": "NoSuchPublicAccessBlockConfiguration", "ownershipControls": "OwnershipControlsNotFoundError",
	} {
		w.want(w.admin, "GET /fleet?"+parameter, "", 404, code)
		w.want(w.admin, "GET /fleet?"+parameter+"=", "", 404, code)
	}
	for parameter, part := range map[string]string{
		"versioning": "VersioningConfiguration", "logging": "BucketLoggingStatus", "accelerate": "AccelerateConfiguration",
		"notification": "NotificationConfiguration", "requestPayment": "<Payer>BucketOwner</Payer>", "acl": "FULL_CONTROL", "location": "LocationConstraint",
	} {
		w.contains(w.want(w.admin, "GET /fleet?"+parameter, "", 200, ""), part)
		w.want(w.device, "GET /fleet?"+parameter, "", 403, "AccessDenied")
	}
}

func TestObjects(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	put := w.want(a, "PUT /fleet/k", "hello world", 200, "",
		"Content-Type", "text/plain", "Cache-Control", "no-store", "x-amz-meta-Room", "Küche", "x-amz-checksum-crc32", "DUoRhQ==")
	etag := put.Header.Get("Etag")
	if etag != `"5eb63bbbe01eeed093cb22bb8f5acdc3"` || put.Header.Get("X-Amz-Checksum-Crc32") != "DUoRhQ==" {
		t.Errorf("put: %v", put.Header)
	}
	get := w.want(a, "GET /fleet/k", "", 200, "", "x-amz-checksum-mode", "ENABLED")
	for name, want := range map[string]string{
		"Content-Type": "text/plain", "Cache-Control": "no-store", "X-Amz-Meta-Room": "Küche", "Etag": etag, "Accept-Ranges": "bytes",
		"Content-Length": "11", "X-Amz-Checksum-Crc32": "DUoRhQ==", "X-Amz-Checksum-Type": "FULL_OBJECT",
	} {
		if got := get.Header.Get(name); got != want {
			t.Errorf("get: %s is %q, want %q", name, got, want)
		}
	}
	if string(get.Body) != "hello world" {
		t.Errorf("get: %q", get.Body)
	}
	part := w.want(a, "GET /fleet/k", "", 206, "", "Range", "bytes=6-8", "x-amz-checksum-mode", "ENABLED")
	if string(part.Body) != "wor" || part.Header.Get("Content-Range") != "bytes 6-8/11" || part.Header.Get("X-Amz-Checksum-Crc32") != "" {
		t.Errorf("range: %q %v", part.Body, part.Header)
	}
	if r := w.want(a, "HEAD /fleet/k", "", 206, "", "Range", "bytes=6-8"); r.Header.Get("Content-Length") != "3" {
		t.Errorf("head of a range: %v", r.Header)
	}
	w.want(a, "GET /fleet/k", "", 416, "InvalidRange", "Range", "bytes=11-")
	w.want(a, "GET /fleet/k", "", 304, "", "If-None-Match", etag)
	w.want(a, "GET /fleet/k", "", 412, "PreconditionFailed", "If-Match", `"other"`)
	over := w.want(a, "GET /fleet/k?response-content-type=a%2Fb&response-expires=never", "", 200, "")
	if over.Header.Get("Content-Type") != "a/b" || over.Header.Get("Expires") != "never" {
		t.Errorf("overridden: %v", over.Header)
	}
	w.want(a, "GET /fleet/k?partNumber=1", "", 206, "")
	w.want(a, "GET /fleet/k?partNumber=2", "", 400, "InvalidPart")
	w.want(a, "PUT /fleet/k", "x", 412, "PreconditionFailed", "If-None-Match", "*")
	w.want(a, "PUT /fleet/k", "x", 412, "PreconditionFailed", "If-Match", `"other"`)
	w.want(a, "PUT /fleet/none", "x", 404, "NoSuchKey", "If-Match", etag)
	w.want(a, "DELETE /fleet/k", "", 501, "NotImplemented", "If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT")
	if os.Getenv(throughEngine) == "" { // see TestForwardedConditions
		w.want(a, "DELETE /fleet/k", "", 412, "PreconditionFailed", "If-Match", `"other"`)
		w.want(a, "DELETE /fleet/k", "", 412, "PreconditionFailed", "x-amz-if-match-size", "1")
	}
	w.contains(w.want(a, "GET /fleet/k?acl", "", 200, ""), "FULL_CONTROL")
	w.contains(w.want(a, "GET /fleet/k?tagging", "", 200, ""), "<TagSet></TagSet>")
	w.want(a, "GET /fleet/k?versionId=null", "", 200, "")
	w.want(a, "GET /fleet/k?versionId=v1", "", 404, "NoSuchVersion")
	for _, header := range []string{"x-amz-server-side-encryption: AES256", "x-amz-storage-class: GLACIER", "x-amz-object-lock-legal-hold: ON", "x-amz-website-redirect-location: /x"} {
		name, value, _ := strings.Cut(header, ": ")
		w.want(a, "PUT /fleet/k", "x", 501, "NotImplemented", name, value)
	}
	w.want(a, "PUT /fleet/k", "x", 400, "AccessControlListNotSupported", "x-amz-acl", "public-read")
	w.want(a, "PUT /fleet/k", "x", 400, "AccessControlListNotSupported", "x-amz-grant-read", "id=1")
	w.want(a, "PUT /fleet/owned", "x", 200, "", "x-amz-acl", "bucket-owner-full-control")
	w.want(a, "PUT /bucket-of-all", "", 400, "AccessControlListNotSupported", "x-amz-acl", "public-read")
	w.want(a, "GET /fleet/k?retention", "", 501, "NotImplemented")
	w.want(a, "GET /fleet/k", "", 403, "AccessDenied", "x-amz-expected-bucket-owner", "999999999999")
	w.want(a, "GET /fleet/k", "", 200, "", "x-amz-expected-bucket-owner", "123456789012")
	w.want(a, "PUT /fleet/k", "x", 400, "MetadataTooLarge", "x-amz-meta-a", strings.Repeat("a", 2048))
	w.want(a, "PUT /fleet/k", "x", 400, "BadDigest", "x-amz-checksum-sha256", "bad")
}

// A body that does not verify leaves the key as it was.
func TestBadBodies(t *testing.T) {
	w := newWorld(t)
	w.want(w.admin, "PUT /fleet/k", "old", 200, "")
	md5of := func(s string) string { sum := md5.Sum([]byte(s)); return base64.StdEncoding.EncodeToString(sum[:]) }
	w.want(w.admin, "PUT /fleet/k", "new", 400, "BadDigest", "Content-MD5", md5of("other"))
	w.want(w.admin, "PUT /fleet/k", "new", 400, "InvalidDigest", "Content-MD5", "x")
	w.want(w.admin, "PUT /fleet/k", "new", 400, "BadDigest", "x-amz-checksum-crc32", "AAAAAA==")
	w.want(w.admin, "PUT /fleet/k", "new", 400, "BadDigest", "x-amz-checksum-crc32", "AA==")
	if r := w.stream("PUT /fleet/k", "hello", crc("other")); codeOf(r) != "BadDigest" {
		t.Errorf("wrong trailer: %d %s", r.Status, r.Body)
	}
	if r := w.want(w.admin, "GET /fleet/k", "", 200, ""); string(r.Body) != "old" {
		t.Errorf("object is %q", r.Body)
	}
	w.contains(w.want(w.admin, "GET /fleet?list-type=2", "", 200, ""), "<KeyCount>1</KeyCount>")
	if r := w.stream("PUT /fleet/k", "hello", crc("hello")); r.Status != 200 || r.Header.Get("X-Amz-Checksum-Crc32") != crc("hello") {
		t.Errorf("right trailer: %d %s", r.Status, r.Body)
	}
	if r := w.want(w.admin, "GET /fleet/k", "", 200, "", "x-amz-checksum-mode", "ENABLED"); string(r.Body) != "hello" || r.Header.Get("Content-Encoding") != "" || r.Header.Get("X-Amz-Checksum-Crc32") != crc("hello") {
		t.Errorf("object is %q, %v", r.Body, r.Header)
	}
}

func crc(s string) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(s))))
}

// stream puts as today's SDKs do over TLS: framed, with a checksum at the end.
func (w *world) stream(line, body, sum string) *thingtest.Response {
	w.Helper()
	method, path, _ := strings.Cut(line, " ")
	framed := fmt.Sprintf("%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n", len(body), body, sum)
	r, err := http.NewRequestWithContext(w.Context(), method, w.server.APIURL()+path, io.MultiReader(strings.NewReader(framed)))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
	r.Header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(len(body)))
	r.Header.Set("Content-Encoding", "aws-chunked")
	sigv4.Sign(r, w.admin.Credentials, "us-east-1", "s3", time.Now(), "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	resp, err := w.admin.HTTP.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(resp.Body)
	return &thingtest.Response{Status: resp.StatusCode, Header: resp.Header, Body: answer}
}

func TestFence(t *testing.T) {
	w := newWorld(t)
	d := w.device
	w.want(w.admin, "PUT /fleet/bulb/x", "secret", 200, "")
	w.want(d, "PUT /fleet/lamp/x", "mine", 200, "")
	w.want(d, "GET /fleet/lamp/x", "", 200, "")
	for _, path := range []string{"/fleet/bulb/x", "/fleet/x", "/fleet/lamp", "/fleet//lamp/x", "/fleet/Lamp/x", "/fleet/./lamp/x"} {
		w.want(d, "GET "+path, "", 403, "AccessDenied")
		w.want(d, "PUT "+path, "x", 403, "AccessDenied")
		w.want(d, "DELETE "+path, "", 403, "AccessDenied")
		w.want(d, "HEAD "+path, "", 403, "")
	}
	// A key is its bytes: this one lies in the device's folder and nowhere else.
	w.want(d, "PUT /fleet/lamp/../bulb/x", "literal", 200, "")
	if r := w.want(w.admin, "GET /fleet/bulb/x", "", 200, ""); string(r.Body) != "secret" {
		t.Errorf("the other's object is %q", r.Body)
	}
	w.want(d, "GET /", "", 403, "AccessDenied")
	w.want(d, "GET /fleet", "", 403, "AccessDenied")
	w.want(d, "HEAD /fleet", "", 403, "")
	w.want(d, "GET /fleet?prefix=bulb/", "", 403, "AccessDenied")
	w.contains(w.want(d, "GET /fleet?list-type=2&prefix=lamp/", "", 200, ""), "<Key>lamp/../bulb/x</Key>", "<Key>lamp/x</Key>")
	w.want(d, "GET /fleet/lamp/none", "", 403, "AccessDenied") // may not list: learns nothing
	w.want(d, "HEAD /fleet/lamp/none", "", 403, "")
	w.want(d, "GET /own/none", "", 404, "NoSuchKey")
	w.want(d, "PUT /own/copy", "", 403, "AccessDenied", "x-amz-copy-source", "/fleet/bulb/x")
	w.want(d, "PUT /fleet/bulb/y", "", 403, "AccessDenied", "x-amz-copy-source", "/fleet/lamp/x")
	w.want(d, "PUT /own/copy", "", 200, "", "x-amz-copy-source", "/fleet/lamp/x")
	w.want(d, "POST /fleet/bulb/y?uploads", "", 403, "AccessDenied")
	w.want(d, "GET /fleet/lamp/x?acl", "", 403, "AccessDenied")
}

func TestDeleteObjects(t *testing.T) {
	w := newWorld(t)
	for _, k := range []string{"lamp/1", "lamp/2", "bulb/1"} {
		w.want(w.admin, "PUT /fleet/"+k, "x", 200, "")
	}
	body := `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>lamp/1</Key></Object><Object><Key>bulb/1</Key></Object>
		<Object><Key>lamp/none</Key></Object><Object><Key>lamp/2</Key><VersionId>null</VersionId></Object><Object><Key>lamp/2</Key><VersionId>v1</VersionId></Object><Object><Key>lamp/2</Key><Size>2</Size></Object>
		<Object><Key>lamp/2</Key><ETag>"other"</ETag></Object></Delete>`
	r := w.want(w.device, "POST /fleet?delete", body, 200, "")
	w.contains(r, "<Deleted><Key>lamp/1</Key></Deleted>", "<Deleted><Key>lamp/none</Key></Deleted>",
		"<Error><Key>bulb/1</Key><Code>AccessDenied</Code>", "<Error><Key>lamp/2</Key><VersionId>null</VersionId><Code>AccessDenied</Code>",
		"<Error><Key>lamp/2</Key><VersionId>v1</VersionId><Code>AccessDenied</Code>", "<Error><Key>lamp/2</Key><Code>PreconditionFailed</Code>")
	w.want(w.admin, "GET /fleet/lamp/1", "", 404, "NoSuchKey")
	w.want(w.admin, "GET /fleet/lamp/2", "", 200, "")
	w.want(w.admin, "GET /fleet/bulb/1", "", 200, "")
	quiet := w.want(w.admin, "POST /fleet?delete", `<Delete><Quiet>true</Quiet><Object><Key>lamp/2</Key></Object></Delete>`, 200, "")
	if strings.Contains(string(quiet.Body), "lamp/2") {
		t.Errorf("not quiet: %s", quiet.Body)
	}
	w.want(w.admin, "POST /fleet?delete", "", 400, "MalformedXML")
	w.want(w.admin, "POST /fleet?delete", "<Delete></Delete>", 400, "MalformedXML")
	w.want(w.admin, "POST /fleet?delete", "<Delete>"+strings.Repeat("<Object><Key>k</Key></Object>", 1001)+"</Delete>", 400, "MalformedXML")
	w.want(w.admin, "POST /nothing?delete", `<Delete><Object><Key>k</Key></Object></Delete>`, 404, "NoSuchBucket")
}

// TestDeleteObjectsTellsNothing: whether a key exists is for those who may list.
func TestDeleteObjectsTellsNothing(t *testing.T) {
	w := newWorld(t)
	const body = `<Delete><Object><Key>lamp/none</Key><ETag>"00"</ETag></Object></Delete>`
	w.contains(w.want(w.device, "POST /fleet?delete", body, 200, ""), "<Code>AccessDenied</Code>")
	w.contains(w.want(w.admin, "POST /fleet?delete", body, 200, ""), "<Code>NoSuchKey</Code>")
}

// TestUnlistableKeys: no document could name them.
func TestUnlistableKeys(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"PUT /own/%01", "PUT /own/a%EF%BF%BF", "POST /own/%0B?uploads"} {
		w.want(w.device, line, "", 400, "InvalidArgument")
	}
	w.want(w.device, "PUT /own/k", "x", 200, "")
	w.want(w.device, "PUT /own/%7F%01", "", 400, "InvalidArgument", "x-amz-copy-source", "/own/k")
	w.want(w.device, "GET /own/%01", "", 404, "NoSuchKey")
}

// TestAuthType: policies hear how the request was really signed.
func TestAuthType(t *testing.T) {
	w := newWorld(t)
	w.query("iam", "PutRolePolicy", "RoleName", "Lamp", "PolicyName", "query", "PolicyDocument", `{"Version":"2012-10-17","Statement":
		{"Effect":"Deny","Action":"s3:GetObject","Resource":"*","Condition":{"StringNotEquals":{"s3:authType":"REST-QUERY-STRING"}}}}`)
	time.Sleep(700 * time.Millisecond)
	for _, query := range []string{"", "?X-Amz-Signature=", "?X-Amz-Signature=&X-Amz-Date=20990101T000000Z"} {
		w.want(w.device, "GET /own/k"+query, "", 403, "AccessDenied")
	}
}

func TestCopy(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	w.want(a, "PUT /fleet/a%20b", "hello", 200, "", "x-amz-meta-a", "1", "Content-Type", "text/plain", "x-amz-checksum-crc32", crc("hello"))
	w.contains(w.want(a, "PUT /own/c", "", 200, "", "x-amz-copy-source", "fleet/a%20b"), "<CopyObjectResult", "<ChecksumCRC32>"+crc("hello"))
	if r := w.want(a, "GET /own/c", "", 200, ""); string(r.Body) != "hello" || r.Header.Get("X-Amz-Meta-A") != "1" || r.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("copy: %q %v", r.Body, r.Header)
	}
	w.want(a, "PUT /own/c", "", 400, "InvalidRequest", "x-amz-copy-source", "/own/c")
	w.want(a, "PUT /own/c", "", 200, "", "x-amz-copy-source", "/own/c", "x-amz-metadata-directive", "REPLACE", "x-amz-meta-b", "2")
	if r := w.want(a, "HEAD /own/c", "", 200, ""); r.Header.Get("X-Amz-Meta-A") != "" || r.Header.Get("X-Amz-Meta-B") != "2" {
		t.Errorf("replaced: %v", r.Header)
	}
	w.want(a, "PUT /own/d", "", 404, "NoSuchKey", "x-amz-copy-source", "/own/none")
	w.want(a, "PUT /own/d", "", 412, "PreconditionFailed", "x-amz-copy-source", "/own/c", "x-amz-copy-source-if-match", "x")
	w.want(a, "PUT /own/d", "", 412, "PreconditionFailed", "x-amz-copy-source", "/own/c", "x-amz-copy-source-if-none-match", "*")
	w.want(a, "PUT /own/d", "", 404, "NoSuchVersion", "x-amz-copy-source", "/own/c?versionId=1")
	w.want(a, "PUT /own/d", "", 200, "", "x-amz-copy-source", "/own/c?versionId=null")
}

func TestMultipart(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	create := w.want(a, "POST /fleet/m?uploads", "", 200, "", "x-amz-checksum-algorithm", "CRC32", "x-amz-checksum-type", "FULL_OBJECT", "x-amz-meta-a", "1")
	var out struct{ UploadId string }
	if err := xml.Unmarshal(create.Body, &out); err != nil || out.UploadId == "" {
		t.Fatalf("%s, %v", create.Body, err)
	}
	at := "/fleet/m?uploadId=" + out.UploadId
	first := strings.Repeat("0123456789abcdef", 5<<20/16)
	one := w.want(a, "PUT "+at+"&partNumber=1", first, 200, "", "x-amz-checksum-crc32", crc(first))
	w.want(a, "PUT /fleet/src", "[tail]", 200, "")
	two := w.want(a, "PUT "+at+"&partNumber=2", "", 200, "", "x-amz-copy-source", "/fleet/src", "x-amz-copy-source-range", "bytes=1-4")
	w.contains(two, "<CopyPartResult", "<ChecksumCRC32>"+crc("tail"))
	w.want(a, "PUT "+at+"&partNumber=2", "", 400, "InvalidArgument", "x-amz-copy-source", "/fleet/src", "x-amz-copy-source-range", "bytes=1-6")
	w.want(a, "PUT "+at+"&partNumber=0", "", 400, "InvalidArgument")
	w.want(a, "PUT /fleet/m?uploadId=none&partNumber=1", "", 404, "NoSuchUpload")
	w.contains(w.want(a, "GET "+at+"&max-parts=1", "", 200, ""), "<IsTruncated>true</IsTruncated>", "<NextPartNumberMarker>1</NextPartNumberMarker>", "<ChecksumCRC32>"+crc(first))
	w.contains(w.want(a, "GET /fleet?uploads", "", 200, ""), "<UploadId>"+out.UploadId)
	w.want(a, "GET /fleet/m", "", 404, "NoSuchKey")

	etag := one.Header.Get("Etag")
	part := func(n int, etag, more string) string {
		return fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag>%s</Part>", n, etag, more)
	}
	tail := md5.Sum([]byte("tail"))
	second := part(2, fmt.Sprintf("%x", tail), "")
	complete := func(parts string) string {
		return "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>"
	}
	w.want(a, "POST "+at, complete(second+part(1, etag, "")), 400, "InvalidPartOrder")
	w.want(a, "POST "+at, complete(part(1, `"x"`, "")), 400, "InvalidPart")
	w.want(a, "POST "+at, complete(part(1, etag, "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>")), 400, "InvalidPart")
	w.want(a, "POST "+at, "", 400, "MalformedXML")
	w.want(a, "POST "+at, complete(part(1, etag, "")+second), 400, "BadDigest", "x-amz-checksum-crc32", crc("other"))
	w.want(a, "POST "+at, complete(part(1, etag, "")+second), 400, "InvalidRequest", "x-amz-mp-object-size", "1")
	sum := crc(first + "tail")
	done := w.want(a, "POST "+at, complete(part(1, etag, "<ChecksumCRC32>"+crc(first)+"</ChecksumCRC32>")+second), 200, "", "x-amz-checksum-crc32", sum)
	w.contains(done, "-2&#34;</ETag>", "<ChecksumCRC32>"+sum, "/fleet/m</Location>")
	w.want(a, "POST "+at, complete(part(1, etag, "")+second), 200, "") // asked again
	get := w.want(a, "GET /fleet/m", "", 200, "", "x-amz-checksum-mode", "ENABLED")
	if string(get.Body) != first+"tail" || get.Header.Get("X-Amz-Checksum-Crc32") != sum || get.Header.Get("X-Amz-Meta-A") != "1" {
		t.Errorf("%d bytes, %v", len(get.Body), get.Header)
	}
	if r := w.want(a, "GET /fleet/m?partNumber=2", "", 206, ""); string(r.Body) != "tail" || r.Header.Get("X-Amz-Mp-Parts-Count") != "2" {
		t.Errorf("part: %q %v", r.Body, r.Header)
	}
	if r := w.want(a, "GET /fleet/m", "", 206, "", "Range", fmt.Sprintf("bytes=%d-%d", len(first)-2, len(first)+1)); string(r.Body) != "efta" {
		t.Errorf("range across parts: %q", r.Body)
	}
	w.want(a, "DELETE "+at, "", 404, "NoSuchUpload")
}

// Keys come back from storing, reading and listing as they went in.
func TestOddKeys(t *testing.T) {
	w := newWorld(t)
	keys := []string{"a//b", "/", "//", "./x", "../up", "a/../b", "%41", "q?x#y", "'()*!", "é€", "a b", "a+b", "a\nb", "a\r\tb", "dir/", `\`, "<&>", "~", strings.Repeat("k", 1024)}
	for _, k := range keys {
		path := "/own/" + escape(k)
		w.want(w.device, "PUT "+path, k, 200, "")
		if r := w.want(w.device, "GET "+path, "", 200, ""); string(r.Body) != k {
			t.Errorf("%q holds %q", k, r.Body)
		}
	}
	var got []string
	for token := ""; ; {
		r := w.want(w.device, "GET /own?list-type=2&encoding-type=url&max-keys=5"+token, "", 200, "")
		var page struct {
			NextContinuationToken string
			Contents              []struct{ Key string }
		}
		if err := xml.Unmarshal(r.Body, &page); err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Contents {
			k, err := url.PathUnescape(c.Key)
			if err != nil {
				t.Error(err)
			}
			got = append(got, k)
		}
		if page.NextContinuationToken == "" {
			break
		}
		token = "&continuation-token=" + page.NextContinuationToken
	}
	if len(got) != len(keys) {
		t.Errorf("listed %q", got)
	}
	for _, k := range keys {
		if !bytes.Contains([]byte("\x00"+strings.Join(got, "\x00")+"\x00"), []byte("\x00"+k+"\x00")) {
			t.Errorf("%q is not listed", k)
		}
		w.want(w.device, "DELETE /own/"+escape(k), "", 204, "")
	}
	w.want(w.device, "DELETE /own", "", 204, "")
}

// escape encodes as S3 clients do: the slash stays.
func escape(key string) string {
	var b strings.Builder
	for i := range len(key) {
		if c := key[i]; 'a' <= c && c <= 'z' || c == '/' || c == '.' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func TestListing(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	for _, k := range []string{"a", "b/1", "b/2", "c"} {
		w.want(a, "PUT /fleet/"+k, "x", 200, "")
	}
	w.contains(w.want(a, "GET /fleet?delimiter=/&max-keys=2", "", 200, ""), "<Key>a</Key>", "<CommonPrefixes><Prefix>b/</Prefix>", "<NextMarker>b/</NextMarker>", "<IsTruncated>true")
	w.contains(w.want(a, "GET /fleet?delimiter=/&marker=b/", "", 200, ""), "<Key>c</Key>", "<IsTruncated>false")
	w.contains(w.want(a, "GET /fleet?list-type=2&start-after=b/1&fetch-owner=true", "", 200, ""), "<Key>b/2</Key>", "<KeyCount>2</KeyCount>", "<Owner><ID>")
	w.contains(w.want(a, "GET /fleet?max-keys=0", "", 200, ""), "<MaxKeys>0</MaxKeys>", "<IsTruncated>false")
	w.contains(w.want(a, "GET /fleet?max-keys=5000", "", 200, ""), "<MaxKeys>1000</MaxKeys>")
	w.contains(w.want(a, "GET /fleet?versions&max-keys=1", "", 200, ""), "<Version><Key>a</Key><VersionId>null</VersionId><IsLatest>true",
		"<NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>null")
	w.contains(w.want(a, "GET /fleet?versions&key-marker=b/2", "", 200, ""), "<Version><Key>c</Key>")
	w.want(a, "GET /fleet?max-keys=x", "", 400, "InvalidArgument")
	w.want(a, "GET /fleet?max-keys=-1", "", 400, "InvalidArgument")
	w.want(a, "GET /fleet?encoding-type=x", "", 400, "InvalidArgument")
	w.want(a, "GET /fleet?list-type=3", "", 400, "InvalidArgument")
	w.contains(w.want(a, "GET /fleet?list-type=2&continuation-token=", "", 200, ""), "<ContinuationToken></ContinuationToken>", "<KeyCount>4</KeyCount>")
	w.contains(w.want(a, "GET /fleet?prefix=%0A&encoding-type=url", "", 200, ""), "<Prefix>&#xa;</Prefix>")
	w.want(a, "GET /fleet?list-type=2&continuation-token=x", "", 400, "InvalidArgument")
}

func TestPresigned(t *testing.T) {
	w := newWorld(t)
	w.want(w.device, "PUT /fleet/lamp/x", "mine", 200, "")
	for path, want := range map[string]int{"/fleet/lamp/x": 200, "/fleet/bulb/x": 403} {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.server.APIURL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := w.device.HTTP.Get(sigv4.Presign(r, w.device.Credentials, "us-east-1", "s3", time.Now(), time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}
