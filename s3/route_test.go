package s3

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/wire"
)

func testService() *service {
	return &service{
		Config: Config{Place: thingpass.Place{Account: "123456789012", Region: "us-east-1"}, Now: time.Now, Domains: []string{"S3.example.org", "store.s3.example.org"}},
		table:  newTable(), words: newWords("123456789012"),
	}
}

// request makes one as the server would have read it.
func request(t testing.TB, line string, headers ...string) *http.Request {
	t.Helper()
	text := line + " HTTP/1.1\r\nHost: localhost\r\n"
	for i := 0; i < len(headers); i += 2 {
		text += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n")))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return r
}

// called is the call that a request comes in. It is signed when its header says.
func called(r *http.Request) *gate.Call {
	at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	return &gate.Call{Request: r, Signature: &sigv4.Signature{Time: at}}
}

// code is the name of the operation, or the error's code.
func routeCode(s *service, r *http.Request) string {
	name, _, err := s.route(r)
	if e, ok := err.(*wire.Error); ok {
		return e.Code
	}
	return name
}

func TestRoute(t *testing.T) {
	s := testService()
	const source = "x-amz-copy-source"
	tests := []struct {
		line    string
		headers []string
		want    string
	}{
		{"GET /", nil, "ListBuckets"},
		{"GET /?x-id=ListBuckets", nil, "ListBuckets"},
		{"GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=c&X-Amz-Date=d&X-Amz-Expires=1&X-Amz-SignedHeaders=h&X-Amz-Security-Token=t&X-Amz-Signature=s", nil, "ListBuckets"},
		{"GET /?acl", nil, "NotImplemented"},
		{"POST /", nil, "MethodNotAllowed"},
		{"PUT /bkt", nil, "CreateBucket"},
		{"PUT /bkt/", nil, "CreateBucket"},
		{"PUT /bkt", []string{"x-amz-acl", "private"}, "CreateBucket"},
		{"PUT /bkt", []string{"x-amz-acl", "public-read"}, "CreateBucket"},
		{"PUT /bkt", []string{"x-amz-bucket-object-lock-enabled", "true"}, "CreateBucket"},
		{"PUT /bkt?policy", nil, "PutBucketPolicy"},
		{"PUT /bkt?acl", nil, "PutBucketAcl"},
		{"DELETE /bkt", nil, "DeleteBucket"},
		{"DELETE /bkt?policy", nil, "DeleteBucketPolicy"},
		{"DELETE /bkt?tagging", nil, "DeleteBucketTagging"},
		{"HEAD /bkt", nil, "HeadBucket"},
		{"GET /bkt", nil, "ListObjects"},
		{"GET /bkt?prefix=a&marker=b&max-keys=1&delimiter=/&encoding-type=url", nil, "ListObjects"},
		{"GET /bkt?list-type=2&prefix=&start-after=a&continuation-token=b&fetch-owner=true", nil, "ListObjectsV2"},
		{"GET /bkt?list-type=2&marker=a", nil, "NotImplemented"},
		{"GET /bkt?versions&key-marker=a", nil, "ListObjectVersions"},
		{"GET /bkt?uploads", nil, "ListMultipartUploads"},
		{"GET /bkt?location", nil, "GetBucketLocation"},
		{"GET /bkt?policy=", nil, "GetBucketPolicy"},
		{"GET /bkt?policy&acl", nil, "NotImplemented"},
		{"GET /bkt?policyStatus", nil, "GetBucketPolicyStatus"},
		{"GET /bkt?analytics", nil, "ListBucketAnalyticsConfigurations"},
		{"GET /bkt?Policy", nil, "NotImplemented"},
		{"POST /bkt?delete", nil, "DeleteObjects"},
		{"POST /bkt", nil, "PostObject"}, {"POST /bkt?policy", nil, "NotImplemented"},
		{"PATCH /bkt", nil, "MethodNotAllowed"},
		{"GET /bkt/k", nil, "GetObject"},
		{"GET /bkt//", nil, "GetObject"},
		{"GET /bkt/..", nil, "GetObject"},
		{"GET /bkt/k?versionId=null", nil, "GetObject"},
		{"GET /bkt/k?response-content-type=a&partNumber=1", nil, "GetObject"},
		{"GET /bkt/k?acl", nil, "GetObjectAcl"},
		{"GET /bkt/k?acl&versionId=1", nil, "GetObjectAcl"},
		{"GET /bkt/k?tagging", nil, "GetObjectTagging"},
		{"GET /bkt/k?attributes", nil, "GetObjectAttributes"},
		{"GET /bkt/k?torrent", nil, "GetObjectTorrent"},
		{"GET /bkt/k", []string{"x-amz-server-side-encryption-customer-key", "x"}, "GetObject"},
		{"GET /bkt/k", []string{"x-amz-checksum-mode", "ENABLED"}, "GetObject"},
		{"GET /bkt/k?uploadId=u", nil, "ListParts"},
		{"HEAD /bkt/k", nil, "HeadObject"},
		{"HEAD /bkt/k?acl", nil, "NotImplemented"},
		{"PUT /bkt/k", nil, "PutObject"},
		{"PUT /bkt/k?x-id=PutObject", []string{"x-amz-meta-a", "b", "x-amz-checksum-crc32", "AAAAAA=="}, "PutObject"},
		{"PUT /bkt/k", []string{"x-amz-meta-a", "b", "X-Amz-Meta-A", "c"}, "PutObject"},
		{"PUT /bkt/k", []string{"x-amz-tagging", "a=b"}, "PutObject"},
		{"PUT /bkt/k", []string{"x-amz-acl", "bucket-owner-full-control"}, "PutObject"},
		{"PUT /bkt/k", []string{"x-amz-grant-read", "id=1"}, "PutObject"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-mode", "GOVERNANCE"}, "PutObject"},
		{"PUT /bkt/k", []string{"x-amz-server-side-encryption", "aws:kms"}, "PutObject"},
		{"PUT /bkt/k", []string{"x-amz-write-offset-bytes", "1"}, "NotImplemented"},
		{"PUT /bkt/k", []string{"x-amz-storage-class", "STANDARD", "x-amz-storage-class", "GLACIER"}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"x-amz-storage-class", "GLACIER"}, "PutObject"},
		{"PUT /bkt/k", []string{"if-match", "a", "if-match", "b"}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"if-none-match", "*"}, "PutObject"},
		{"PUT /bkt/k", []string{"if-none-match", ""}, "NotImplemented"},
		{"PUT /bkt/k", []string{"if-none-match", `""`}, "NotImplemented"},
		{"PUT /bkt/k", []string{"if-none-match", `"*"`}, "NotImplemented"},
		{"PUT /bkt/k", []string{"if-none-match", `"abc"`}, "PutObject"},
		{"PUT /bkt/k", []string{"if-none-match", `*, "abc"`}, "NotImplemented"},
		{"PUT /bkt/k", []string{"if-match", "*"}, "PutObject"},
		{"PUT /bkt/k", []string{"if-match", `"abc-2"`}, "PutObject"},
		{"PUT /bkt/k", []string{"if-match", "abc"}, "PutObject"},
		{"PUT /bkt/k", []string{"if-match", ""}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"if-match", `""`}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"if-match", `"`}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"if-match", `"*"`}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"if-match", `W/"abc"`}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"if-match", `"a", "b"`}, "InvalidArgument"},
		{"PUT /bkt/k", []string{source, "/b/k", "if-none-match", ""}, "NotImplemented"},
		{"PUT /bkt/k?partNumber=1&uploadId=u", []string{"if-none-match", ""}, "NotImplemented"},
		{"POST /bkt/k?uploads", []string{"if-none-match", ""}, "NotImplemented"},
		{"POST /bkt/k?uploadId=u", []string{"if-none-match", `"abc"`}, "CompleteMultipartUpload"},
		{"POST /bkt/k?uploadId=u", []string{"if-match", ""}, "InvalidArgument"},
		{"DELETE /bkt/k", []string{"if-match", ""}, "InvalidArgument"},
		{"DELETE /bkt/k", []string{"if-match", `"abc"`}, "DeleteObject"},
		{"DELETE /bkt/k", []string{"if-none-match", "*"}, "NotImplemented"},
		{"POST /bkt", nil, "PostObject"},
		{"POST /bkt", []string{"if-none-match", "*"}, "NotImplemented"},
		{"POST /bkt?delete", []string{"if-match", "*"}, "NotImplemented"},
		{"POST /bkt?delete", []string{"if-unmodified-since", "x"}, "NotImplemented"},
		{"GET /bkt/k", []string{"if-none-match", ""}, "GetObject"},
		{"PUT /bkt/k", []string{source, "/b/k"}, "CopyObject"},
		{"PUT /bkt/k", []string{source, "/b/k", "x-amz-metadata-directive", "MERGE"}, "NotImplemented"},
		{"PUT /bkt/k?partNumber=1&uploadId=u", nil, "UploadPart"},
		{"PUT /bkt/k?partNumber=1&uploadId=u", []string{source, "/b/k", "x-amz-copy-source-range", "bytes=0-1"}, "UploadPartCopy"},
		{"PUT /bkt/k?uploadId=u", nil, "NotImplemented"},
		{"PUT /bkt/k?partNumber=1", nil, "NotImplemented"},
		{"PUT /bkt/k?retention", nil, "PutObjectRetention"},
		{"PUT /bkt/k?legal-hold", nil, "PutObjectLegalHold"},
		{"POST /bkt/k?uploads", nil, "CreateMultipartUpload"},
		{"POST /bkt/k?uploadId=u", nil, "CompleteMultipartUpload"},
		{"POST /bkt/k?restore", nil, "RestoreObject"},
		{"POST /bkt/k?select&select-type=2", nil, "SelectObjectContent"},
		{"DELETE /bkt/k", nil, "DeleteObject"},
		{"DELETE /bkt/k?uploadId=u", nil, "AbortMultipartUpload"},
		{"DELETE /bkt/k?versionId=1", nil, "DeleteObject"},
		{"DELETE /bkt/k", []string{"x-amz-bypass-governance-retention", "true"}, "DeleteObject"},
		{"GET /bkt?max-keys=3%20", nil, "InvalidArgument"},
		{"GET /bkt?max-keys=%203", nil, "InvalidArgument"},
		{"GET /bkt?max-keys=%2B3", nil, "InvalidArgument"},
		{"GET /bkt?max-keys=-3", nil, "InvalidArgument"},
		{"GET /bkt?max-keys=", nil, "InvalidArgument"},
		{"GET /bkt?max-keys=3x", nil, "InvalidArgument"},
		{"GET /bkt?max-keys=%D9%A3", nil, "InvalidArgument"},
		{"GET /bkt?max-keys=0x3", nil, "InvalidArgument"},
		{"GET /bkt?max-keys=2147483648", nil, "InvalidArgument"},
		{"GET /bkt?max-keys=18446744073709551619", nil, "InvalidArgument"},
		{"GET /bkt?list-type=2&max-keys=3%09", nil, "InvalidArgument"},
		{"GET /bkt?versions&max-keys=3%0A", nil, "InvalidArgument"},
		{"GET /bkt?uploads&max-uploads=1%20", nil, "InvalidArgument"},
		{"GET /?max-buckets=1%20", nil, "InvalidArgument"},
		{"GET /bkt/k?uploadId=u&max-parts=1%20", nil, "InvalidArgument"},
		{"GET /bkt/k?uploadId=u&part-number-marker=%2B1", nil, "InvalidArgument"},
		{"GET /bkt/k?partNumber=1%20", nil, "InvalidArgument"},
		{"PUT /bkt/k?partNumber=1%20&uploadId=u", nil, "InvalidArgument"},
		{"PUT /bkt/k?partNumber=&uploadId=u", nil, "InvalidArgument"},
		{"GET /bkt/k?attributes", []string{"x-amz-max-parts", "+1"}, "InvalidArgument"},
		{"GET /bkt/k?attributes", []string{"x-amz-part-number-marker", "1 0"}, "InvalidArgument"},
		{"GET /bkt/k?attributes", []string{"x-amz-max-parts", "1"}, "GetObjectAttributes"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-mode", "GOVERNANCE", "x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00.5+02:00"}, "PutObject"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-retain-until-date", ""}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-retain-until-date", "2030-01-01"}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00"}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-retain-until-date", "20300101T000000Z"}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-retain-until-date", "Tue, 01 Jan 2030 00:00:00 GMT"}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-retain-until-date", "2030-01-01 00:00:00Z"}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00+0000"}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-retain-until-date", "1893456000"}, "InvalidArgument"},
		{"PUT /bkt/k", []string{"x-amz-object-lock-retain-until-date", "9999-12-31T23:59:59-01:00"}, "InvalidArgument"},
		{"GET /bkt?prefix=a&prefix=b", nil, "InvalidArgument"},
		{"GET /bkt?prefix=a;b", nil, "InvalidURI"},
		{"GET /bkt?prefix=%zz", nil, "InvalidURI"},
		{"GET /b", nil, "InvalidBucketName"},
		{"GET //k", nil, "InvalidBucketName"},
		{"GET /a%2Fb/c", nil, "InvalidBucketName"},
		{"GET /../c", nil, "InvalidBucketName"},
		{"GET /Bucket/c", nil, "InvalidBucketName"},
		{"GET /10.0.0.1/c", nil, "InvalidBucketName"},
		{"GET /bkt/%00", nil, "InvalidURI"},
		{"GET /bkt/%ff", nil, "InvalidURI"},
		{"GET /bkt/" + strings.Repeat("k", 1025), nil, "KeyTooLongError"},
		{"OPTIONS *", nil, "InvalidURI"},
	}
	for _, test := range tests {
		if got := routeCode(s, request(t, test.line, test.headers...)); got != test.want {
			t.Errorf("%s %q: %s, want %s", test.line, test.headers, got, test.want)
		}
	}
}

// The key that is authorised is the key on the wire, decoded once.
func TestResource(t *testing.T) {
	s := testService()
	for path, key := range map[string]string{
		"a/../b": "a/../b", "a//b": "a//b", "./a": "./a", "%2e%2e/a": "../a", "a%2Fb": "a/b", "a%252Fb": "a%2Fb",
		"a+b": "a+b", "a%20b": "a b", "%E2%82%AC": "€", "a%3Fb": "a?b", "a*b": "a*b", "/": "/", "a%23": "a#", "${x}": "${x}", "a%0Ab": "a\nb",
	} {
		r := request(t, "GET /bkt/"+path)
		target, err := s.parse(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := s.access(target, called(r), "s3:GetObject").Resource, "arn:aws:s3:::bkt/"+key; got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// Host and path name the same object in both styles.
func TestVirtualHost(t *testing.T) {
	s := testService()
	for _, test := range []struct{ host, path, want string }{
		{"bkt.s3.example.org", "/a/../b", "bkt a/../b"}, {"bkt.S3.Example.org:9443", "/", "bkt "}, {"BKT.s3.example.org", "//k", "bkt /k"},
		{"a.b.s3.example.org", "/k", "a.b k"}, {"s3.example.org", "/bkt/k", "bkt k"}, {"xs3.example.org", "/bkt/k", "bkt k"},
		{".s3.example.org", "/bkt/k", "bkt k"}, {"bkt.s3.example.org.", "/bkt/k", "bkt bkt/k"}, {"bkt.s3.example.org.:80", "/k", "bkt k"}, {"[::1]:9443", "/bkt/k", "bkt k"}, {"127.0.0.1", "/bkt/k", "bkt k"},
		{"b_t.s3.example.org", "/k", "InvalidBucketName"}, {"bkt%2fx.s3.example.org", "/k", "InvalidBucketName"},
		{"bk%74.s3.example.org", "/k", "InvalidBucketName"}, {"x@bkt.s3.example.org", "/k", "InvalidBucketName"}, {"10.0.0.1.s3.example.org", "/k", "InvalidBucketName"},
		{"bkt..s3.example.org", "/k", "InvalidBucketName"}, {"10.0.0.1", "/bkt/k", "bkt k"}, {"bkt.s3.example.org@evil", "/own/k", "own k"},
		{"store.s3.example.org", "/bkt/k", "bkt k"}, {"bkt.store.s3.example.org", "/k", "bkt k"}, // a domain below another
	} {
		r := request(t, "GET "+test.path)
		r.Host = test.host
		got := ""
		if target, err := s.parse(r); err != nil {
			got = err.(*wire.Error).Code
		} else {
			got = target.bucket + " " + target.key
		}
		if got != test.want {
			t.Errorf("%s %s: %q, want %q", test.host, test.path, got, test.want)
		}
	}
}

func TestConditionKeys(t *testing.T) {
	s := testService()
	at, _ := time.Parse(time.RFC3339, "2026-01-02T03:04:05Z")
	s.Now = func() time.Time { return at.Add(1500 * time.Millisecond) }
	base := map[string][]string{
		"s3:authType": {"REST-HEADER"}, "s3:signatureversion": {"AWS4-HMAC-SHA256"}, "s3:ResourceAccount": {"123456789012"},
		"s3:signatureAge": {"1500"}, "s3:x-amz-content-sha256": {"UNSIGNED-PAYLOAD"},
	}
	signed := []string{"x-amz-date", "20260102T030405Z", "x-amz-content-sha256", "UNSIGNED-PAYLOAD"}
	tests := []struct {
		line    string
		headers []string
		want    []map[string][]string // besides base
		asks    []string
	}{
		{"GET /", nil, []map[string][]string{{}}, []string{"s3:ListAllMyBuckets arn:aws:s3:::*"}},
		{"HEAD /bkt", nil, []map[string][]string{{}}, []string{"s3:ListBucket arn:aws:s3:::bkt"}},
		{"GET /bkt", nil, []map[string][]string{{"s3:max-keys": {"1000"}}}, []string{"s3:ListBucket arn:aws:s3:::bkt"}},
		{"GET /bkt?list-type=2&prefix=&delimiter=/&max-keys=7", nil,
			[]map[string][]string{{"s3:max-keys": {"7"}, "s3:prefix": {""}, "s3:delimiter": {"/"}}}, []string{"s3:ListBucket arn:aws:s3:::bkt"}},
		{"GET /bkt?uploads&prefix=a", nil, []map[string][]string{{}}, []string{"s3:ListBucketMultipartUploads arn:aws:s3:::bkt"}},
		{"PUT /bkt", []string{"Content-Length", "5"}, []map[string][]string{{"s3:LocationConstraint": {"us-east-1"}}}, []string{"s3:CreateBucket arn:aws:s3:::bkt"}},
		{"PUT /bkt/k", []string{"x-amz-acl", "private", "If-None-Match", "*", "x-amz-storage-class", "STANDARD"},
			[]map[string][]string{
				{"s3:x-amz-acl": {"private"}, "s3:if-none-match": {"*"}, "s3:x-amz-storage-class": {"STANDARD"}, "s3:ObjectCreationOperation": {"true"}},
				{"s3:x-amz-acl": {"private"}, "s3:if-none-match": {"*"}, "s3:x-amz-storage-class": {"STANDARD"}, "s3:ObjectCreationOperation": {"true"}},
			},
			[]string{"s3:PutObject arn:aws:s3:::bkt/k", "s3:PutObjectAcl arn:aws:s3:::bkt/k"}},
		{"PUT /bkt/k?partNumber=1&uploadId=u", nil, []map[string][]string{{"s3:ObjectCreationOperation": {"false"}}}, []string{"s3:PutObject arn:aws:s3:::bkt/k"}},
		{"PUT /bkt/k", []string{"x-amz-copy-source", "src/a%2F..%2Fb", "x-amz-metadata-directive", "COPY"},
			[]map[string][]string{
				{"s3:x-amz-copy-source": {"src/a/../b"}, "s3:x-amz-metadata-directive": {"COPY"}, "s3:ObjectCreationOperation": {"true"}},
				{},
			},
			[]string{"s3:PutObject arn:aws:s3:::bkt/k", "s3:GetObject arn:aws:s3:::src/a/../b"}},
		{"DELETE /bkt/k", nil, []map[string][]string{{}}, []string{"s3:DeleteObject arn:aws:s3:::bkt/k"}},
		{"DELETE /bkt/k?uploadId=u", nil, []map[string][]string{{}}, []string{"s3:AbortMultipartUpload arn:aws:s3:::bkt/k"}},
		{"GET /bkt/k?versionId=v", nil, []map[string][]string{{"s3:VersionId": {"v"}}}, []string{"s3:GetObjectVersion arn:aws:s3:::bkt/k"}},
		{"GET /bkt/k?tagging&versionId=v", nil, []map[string][]string{{"s3:VersionId": {"v"}}}, []string{"s3:GetObjectVersionTagging arn:aws:s3:::bkt/k"}},
		{"DELETE /bkt/k?versionId=v", []string{"x-amz-bypass-governance-retention", "true"}, []map[string][]string{{"s3:VersionId": {"v"}}, {"s3:VersionId": {"v"}}},
			[]string{"s3:DeleteObjectVersion arn:aws:s3:::bkt/k", "s3:BypassGovernanceRetention arn:aws:s3:::bkt/k"}},
		{"GET /bkt/k?attributes", nil, []map[string][]string{{}, {}}, []string{"s3:GetObject arn:aws:s3:::bkt/k", "s3:GetObjectAttributes arn:aws:s3:::bkt/k"}},
		{"PUT /bkt/k", []string{"x-amz-tagging", "a=b", "x-amz-object-lock-mode", "GOVERNANCE", "x-amz-object-lock-retain-until-date", "2026-01-05T05:04:05.25+02:00"},
			slices.Repeat([]map[string][]string{{"s3:ObjectCreationOperation": {"true"}, "s3:RequestObjectTag/a": {"b"}, "s3:object-lock-mode": {"GOVERNANCE"},
				"s3:object-lock-retain-until-date": {"2026-01-05T03:04:05Z"}, "s3:object-lock-remaining-retention-days": {"2"}}}, 3),
			[]string{"s3:PutObject arn:aws:s3:::bkt/k", "s3:PutObjectTagging arn:aws:s3:::bkt/k", "s3:PutObjectRetention arn:aws:s3:::bkt/k"}},
		{"PUT /bkt", []string{"x-amz-acl", "public-read", "x-amz-bucket-object-lock-enabled", "true"},
			[]map[string][]string{{"s3:x-amz-acl": {"public-read"}}, {"s3:x-amz-acl": {"public-read"}}, {}, {}},
			[]string{"s3:CreateBucket arn:aws:s3:::bkt", "s3:PutBucketAcl arn:aws:s3:::bkt", "s3:PutBucketObjectLockConfiguration arn:aws:s3:::bkt", "s3:PutBucketVersioning arn:aws:s3:::bkt"}},
		{"PUT /bkt/k", []string{"x-amz-copy-source", "/src/k?versionId=v"},
			[]map[string][]string{{"s3:x-amz-copy-source": {"src/k"}, "s3:ObjectCreationOperation": {"true"}}, {"s3:VersionId": {"v"}}},
			[]string{"s3:PutObject arn:aws:s3:::bkt/k", "s3:GetObjectVersion arn:aws:s3:::src/k"}},
		{"GET /bkt?cors", nil, []map[string][]string{{}}, []string{"s3:GetBucketCORS arn:aws:s3:::bkt"}},
	}
	for _, test := range tests {
		r := request(t, test.line, append(test.headers, signed...)...)
		target, err := s.parse(r)
		if err == nil {
			err = s.table.find(target, r)
		}
		if err != nil {
			t.Fatalf("%s: %v", test.line, err)
		}
		op := target.op
		access := []gateAccess{s.access(target, called(r), op.actions[0])}
		if op.access != nil {
			if access, err = op.access(s, target, called(r)); err != nil {
				t.Fatal(err)
			}
		}
		var asks []string
		for i, a := range access {
			asks = append(asks, a.Action+" "+a.Resource)
			want := map[string][]string{}
			for _, m := range []map[string][]string{base, test.want[i]} {
				for k, v := range m {
					want[k] = v
				}
			}
			if diff := cmp.Diff(want, a.Context); diff != "" {
				t.Errorf("%s: %s", test.line, diff)
			}
			if !slices.Contains(op.actions, a.Action) {
				t.Errorf("%s: %s is not in its row", test.line, a.Action)
			}
		}
		if diff := cmp.Diff(test.asks, asks); diff != "" {
			t.Errorf("%s: %s", test.line, diff)
		}
	}
}

func TestCopySource(t *testing.T) {
	for v, want := range map[string]string{
		"/src/k": "src k", "src/k": "src k", "/src/a%2Fb": "src a/b", "/src/a%252Fb": "src a%2Fb", "/src/a+b": "src a b", "src//k": "src /k",
		"/src/k?versionId=1": "src k", "/src/k?acl": "NotImplemented", "/src/k?versionId=": "InvalidArgument", "/src": "InvalidArgument", "/src/": "InvalidArgument", "": "InvalidArgument", "/src/%zz": "InvalidArgument",
		"arn:aws:s3:us-east-1:1:accesspoint/a/object/k": "InvalidArgument", "/src/%00": "InvalidURI", "src%2Fk": "src k",
	} {
		r := httptest.NewRequest(http.MethodPut, "/bkt/k", nil)
		r.Header.Set(copySourceHeader, v)
		got := ""
		if target, err := copySource(r); err != nil {
			got = err.(*wire.Error).Code
		} else {
			got = target.bucket + " " + target.key
		}
		if got != want {
			t.Errorf("%q: %s, want %s", v, got, want)
		}
	}
}

// Every row has an action, and no two rows take the same request.
func TestTable(t *testing.T) {
	rows := newTable().rows
	seen := map[string]bool{}
	for i, op := range rows {
		if seen[op.name] {
			t.Errorf("%s twice", op.name)
		}
		seen[op.name] = true
		if op.method == http.MethodOptions { // taken by its method alone, and asks for nothing
			continue
		}
		if len(op.actions) == 0 || op.decides && op.ask == nil && op.serve == nil {
			t.Errorf("%s is incomplete", op.name)
		}
		r := httptest.NewRequest(op.method, "/", nil)
		if op.header != "" {
			r.Header.Set(op.header, "/src/k")
		}
		target := &target{level: op.level, query: url.Values{}}
		for _, name := range op.need {
			target.query.Set(name, "")
		}
		for j := range rows {
			other := &rows[j]
			fits := other.method == op.method && other.level == op.level && other.wanted(target, r)
			if strange, _ := other.look(target, r); fits && strange == "" != (i == j) {
				t.Errorf("the request of %s and the row of %s: %q", op.name, other.name, strange)
			}
		}
	}
}

// FuzzRoute holds recognition to the path: whatever is taken for a bucket and a
// key is what the path says, and nothing panics.
func FuzzRoute(f *testing.F) {
	f.Add("GET", "/bkt/a/../b?acl", "x-amz-acl", "private")
	f.Add("PUT", "/bkt//%2e%2e/%252f?partNumber=1&uploadId=2", "x-amz-copy-source", "/src/a%2fb?versionId=1")
	f.Add("POST", "/bkt?delete", "Range", "bytes=1-")
	f.Add("DELETE", "http://evil/bkt/k?versionId=3", "x-amz-bypass-governance-retention", "true")
	f.Add("GET", "/bkt/k?X-Amz-Signature=1&prefix=a;b", "", "")
	s := testService()
	f.Fuzz(func(t *testing.T, method, uri, header, value string) {
		text := method + " " + uri + " HTTP/1.1\r\nHost: h\r\n"
		if header != "" {
			text += header + ": " + value + "\r\n"
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n")))
		if err != nil {
			t.Skip()
		}
		name, in, err := s.route(r)
		if err != nil {
			if name != "" || toWireCode(err) == "" {
				t.Errorf("%q with error %v", name, err)
			}
			return
		}
		target := in.(*target)
		wire, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(uri, "http://"+r.URL.Host), "https://"+r.URL.Host), "?")
		decoded, err := url.PathUnescape(wire)
		if err != nil {
			t.Skip() // not what was sent: the server would have refused it
		}
		whole := "/" + target.bucket + "/" + target.key
		if target.level == onService {
			whole = "/"
		}
		if strings.HasPrefix(uri, "/") && decoded != whole && decoded+"/" != whole {
			t.Errorf("%q is taken for bucket %q, key %q", uri, target.bucket, target.key)
		}
		op := target.op
		if strange, _ := op.look(target, r); op.name != name || op.method != method || op.level != target.level || strange != "" {
			t.Errorf("%s %s is taken for %s", method, uri, name)
		}
		if op.access == nil {
			return
		}
		access, err := op.access(s, target, called(r))
		if err == nil && len(access) == 0 {
			t.Errorf("%s asks for nothing", name)
		}
		for _, a := range access {
			if !strings.HasPrefix(a.Resource, "arn:aws:s3:::") {
				t.Errorf("%s asks for %q", name, a.Resource)
			}
		}
	})
}

func toWireCode(err error) string {
	if e, ok := err.(*wire.Error); ok && e.Status >= 400 {
		return e.Code
	}
	return fmt.Sprint()
}
