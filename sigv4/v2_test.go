package sigv4

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

type v2Vector struct {
	name, method, target string
	header               []string
}

// v2Vectors were made with botocore 1.43.11: HmacV1QueryAuth(credentials,
// expires=3600).add_auth(AWSRequest(method, url, headers)) with time.time held
// at docTime, the token (where there is one) "to+k/en==". For the last two
// auth_path was "/fleet/", which is what an S3 client sets, and the x-amz-
// parameters were sent as the headers that they are.
var v2Vectors = []v2Vector{
	{"get", "GET", "/fleet/a%20b/%C3%BC%2B%26%3D%2541?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=dqq8oR5YlzcnLJSR94I1CisDTkw%3D&Expires=1369357200", nil},
	{"get with a token", "GET", "/fleet/a%20b/%C3%BC%2B%26%3D%2541?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=oZCQmj4fpJe3SjxzfgXycQjaw7k%3D&x-amz-security-token=to%2Bk%2Fen%3D%3D&Expires=1369357200", nil},
	{"head", "HEAD", "/fleet/a%20b/%C3%BC%2B%26%3D%2541?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=6pksR0GRmBhQ4Iw5pGLGR4r7xms%3D&x-amz-security-token=to%2Bk%2Fen%3D%3D&Expires=1369357200", nil},
	{"delete", "DELETE", "/fleet/a//b/../c?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=jq6FQN4dMHhBG4ze4Dxkh6pNiY4%3D&Expires=1369357200", nil},
	{"put", "PUT", "/fleet/a%20b/%C3%BC%2B%26%3D%2541?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=3y0gzqGA%2BDePlJgef6d0SpE5xhM%3D&Expires=1369357200", nil},
	{"put with headers", "PUT", "/fleet/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=BT9xL3xIBCr5%2BXejnE9%2BtDmaTzg%3D&content-type=text%2Fplain&content-md5=1B2M2Y8AsgTpgAmY7PhCfg%3D%3D&x-amz-security-token=to%2Bk%2Fen%3D%3D&Expires=1369357200", []string{"Content-Type", "text/plain", "Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}},
	{"part", "PUT", "/fleet/k?uploadId=u%2F1&partNumber=2&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=MJwP0w5JXmKFLq91KlnlQH61pgw%3D&Expires=1369357200", nil},
	{"bare sub-resource", "GET", "/fleet/k?tagging&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=fgnvWcTGns0yuFjBhvylN7TfQCQ%3D&Expires=1369357200", nil},
	{"overrides", "GET", "/fleet/k?response-content-disposition=attachment%3B%20filename%3D%22a%2Bb%26c.txt%22&response-content-type=text%2Fplain&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=GUXiJxJbyZBSkoq%2FjtbQ8xWMorc%3D&Expires=1369357200", nil},
	{"bucket", "HEAD", "/fleet?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=6rT5treibtTTVbzqOjB33%2B2q4Dg%3D&Expires=1369357200", nil},
	{"bucket with a slash", "HEAD", "/fleet/?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=i2XCBD5hJDDx6YwOfUWYF93rCvI%3D&Expires=1369357200", nil},
	{"all buckets", "GET", "/?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=2atzAsMyY7DGKrWIDEMKgNMBhyg%3D&Expires=1369357200", nil},
	{"bucket as a client signs it", "HEAD", "/fleet?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=i2XCBD5hJDDx6YwOfUWYF93rCvI%3D&Expires=1369357200", nil},
	{"x-amz- headers", "PUT", "/fleet/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=6IjA7ID16gfC8C%2FY56qscCDZ6hE%3D&Expires=1369357200", []string{"X-Amz-Meta-B", " two ", "X-Amz-Acl", "private"}},
}

func (v *v2Vector) request() *http.Request {
	r := httptest.NewRequest(v.method, "https://other.example"+v.target, nil)
	for i := 0; i < len(v.header); i += 2 {
		r.Header.Set(v.header[i], v.header[i+1])
	}
	return r
}

func v2Rules(after time.Duration) Rules { return Rules{S3: true, Now: docTime.Add(after)} }

func TestV2Vectors(t *testing.T) {
	for _, v := range v2Vectors {
		t.Run(v.name, func(t *testing.T) {
			s, err := verifyRequest(v.request(), docCredentials, v2Rules(0), "")
			if err != nil {
				t.Fatal(err)
			}
			token := ""
			if strings.Contains(v.target, "x-amz-security-token") {
				token = "to+k/en=="
			}
			if s.Token != token || s.Service != "s3" || !s.Presigned {
				t.Errorf("%#v", *s)
			}
			_, err = verifyRequest(v.request(), Credentials{AccessKeyID: docKey, SecretAccessKey: "other"}, v2Rules(0), "")
			wantKind(t, err, Mismatch)
			_, err = verifyRequest(v.request(), Credentials{AccessKeyID: docKey}, v2Rules(0), "")
			wantKind(t, err, Mismatch)
		})
	}
}

// The example of AWS's text, in path style.
func TestV2Example(t *testing.T) {
	r := httptest.NewRequest("GET", "/johnsmith/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620", nil)
	_, err := verifyRequest(r, docCredentials, Rules{S3: true, Now: time.Unix(1175139620, 0)}, "")
	wantKind(t, err, 0)
}

func TestV2Times(t *testing.T) {
	for after, want := range map[time.Duration]Kind{
		time.Hour:                                0,
		time.Hour + time.Second:                  PresignExpired,
		time.Hour - 7*24*time.Hour:               0,
		time.Hour - 7*24*time.Hour - DefaultSkew: 0,
		time.Hour - 7*24*time.Hour - DefaultSkew - time.Second: BadExpires,
	} {
		_, err := verifyRequest(v2Vectors[0].request(), docCredentials, v2Rules(after), "")
		wantKind(t, err, want)
		if e, ok := errors.AsType[*Error](err); ok && want == PresignExpired && (!e.Limit.Equal(docTime.Add(time.Hour)) || e.Message != "Request has expired" || !e.Query) {
			t.Errorf("%#v", *e)
		}
	}
}

// Whatever is changed, added or left out: the request is refused.
func TestV2Mutations(t *testing.T) {
	vector := map[string]*v2Vector{}
	for i := range v2Vectors {
		vector[v2Vectors[i].name] = &v2Vectors[i]
	}
	query := func(change func(url.Values)) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			change(q)
			r.URL.RawQuery = q.Encode()
		}
	}
	add := func(raw string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery += "&" + raw }
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := []struct {
		name, of string
		change   func(*http.Request)
		want     Kind
	}{
		{"nothing", "get with a token", query(func(url.Values) {}), 0},
		{"method", "get", func(r *http.Request) { r.Method = "HEAD" }, Mismatch},
		{"method to write", "get", func(r *http.Request) { r.Method = "DELETE" }, Mismatch},
		{"post", "put", func(r *http.Request) { r.Method = "POST" }, UnsupportedAlgorithm},
		{"path", "get", func(r *http.Request) { r.URL.Path, r.URL.RawPath = r.URL.Path+"x", "" }, Mismatch},
		{"path cleaned", "delete", func(r *http.Request) { r.URL.Path = "/fleet/a/c" }, Mismatch},
		{"path encoded otherwise", "put with headers", func(r *http.Request) { r.URL.RawPath = "/fleet/%6b" }, Mismatch},
		{"bucket to object", "bucket", func(r *http.Request) { r.URL.Path = "/fleet/k" }, Mismatch},
		{"object to bucket", "put with headers", func(r *http.Request) { r.URL.Path = "/fleet" }, Mismatch},
		{"expires", "get", query(func(q url.Values) { q.Set("Expires", "1369357201") }), Mismatch},
		{"expires written otherwise", "get", query(func(q url.Values) { q.Set("Expires", "01369357200") }), Mismatch},
		{"expires in words", "get", query(func(q url.Values) { q.Set("Expires", "Fri, 24 May 2013 01:00:00 GMT") }), BadExpires},
		{"expires with a sign", "get", query(func(q url.Values) { q.Set("Expires", "+1369357200") }), BadExpires},
		{"expires before 1970", "get", query(func(q url.Values) { q.Set("Expires", "-1") }), BadExpires},
		{"expires beyond all", "get", query(func(q url.Values) { q.Set("Expires", "9223372036854775807") }), BadExpires},
		{"expires in a year", "get", query(func(q url.Values) { q.Set("Expires", "1400889600") }), BadExpires},
		{"no expires", "get", query(func(q url.Values) { q.Del("Expires") }), Incomplete},
		{"no key", "get", query(func(q url.Values) { q.Del("AWSAccessKeyId") }), Incomplete},
		{"no signature", "get", query(func(q url.Values) { q.Del("Signature") }), Incomplete},
		{"empty signature", "get", query(func(q url.Values) { q.Set("Signature", "") }), Incomplete},
		{"signature", "get", query(func(q url.Values) { q.Set("Signature", q.Get("Signature")[1:]) }), Mismatch},
		{"token", "get with a token", query(func(q url.Values) { q.Set("x-amz-security-token", "other") }), Mismatch},
		{"no token", "get with a token", query(func(q url.Values) { q.Del("x-amz-security-token") }), Mismatch},
		{"late token", "get", add("x-amz-security-token=t"), Mismatch},
		{"token of two lines", "get", add("x-amz-security-token=t%0Ax-amz-acl:private"), Incomplete},
		{"token in the header", "get with a token", header("X-Amz-Security-Token", "to+k/en=="), Ambiguous},
		{"token in the header only", "get", header("X-Amz-Security-Token", "t"), Ambiguous},
		{"sub-resource", "get", add("acl"), Mismatch},
		{"sub-resource spelled in escapes", "get", add("%61cl"), Mismatch},
		{"no sub-resource", "bare sub-resource", func(r *http.Request) { r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery, "tagging&") }, Mismatch},
		{"value of a sub-resource", "part", query(func(q url.Values) { q.Set("partNumber", "3") }), Mismatch},
		{"override", "get", add("response-content-type=text/html"), Mismatch},
		{"override to sub-resource", "overrides", add("tagging"), UnsupportedAlgorithm},
		{"listing", "bucket", add("list-type=2"), UnsupportedAlgorithm},
		{"prefix", "bucket", add("prefix=a"), UnsupportedAlgorithm},
		{"parameter", "get", add("x-id=GetObject"), UnsupportedAlgorithm},
		{"parameter without a name", "get", add("=1"), UnsupportedAlgorithm},
		{"header as a parameter", "put", add("x-amz-acl=private"), UnsupportedAlgorithm},
		{"parameter of the other case", "get", add("expires=1"), UnsupportedAlgorithm},
		{"parameter twice", "get", add("Expires=1369357200"), Ambiguous},
		{"sub-resource twice", "bare sub-resource", add("tagging"), Ambiguous},
		{"broken escape", "get", add("acl=%zz"), Incomplete},
		{"also version 4", "get", add("X-Amz-Algorithm=AWS4-HMAC-SHA256"), Ambiguous},
		{"parameter of version 4", "get", add("X-Amz-Expires=1"), UnsupportedAlgorithm},
		{"also a header", "get", header("Authorization", "AWS "+docKey+":x"), Ambiguous},
		{"header", "put", header("X-Amz-Acl", "private"), Mismatch},
		{"copy source", "put", header("X-Amz-Copy-Source", "/fleet/other"), Mismatch},
		{"value of a header", "x-amz- headers", header("X-Amz-Meta-B", "three"), Mismatch},
		{"no header", "x-amz- headers", func(r *http.Request) { r.Header.Del("X-Amz-Acl") }, Mismatch},
		{"header twice", "x-amz- headers", func(r *http.Request) { r.Header.Add("X-Amz-Acl", "private") }, Mismatch},
		{"media type", "put", header("Content-Type", "text/html"), Mismatch},
		{"media type but not its copy", "put with headers", header("Content-Type", "text/html"), Ambiguous},
		{"no media type", "put with headers", func(r *http.Request) { r.Header.Del("Content-Type") }, Ambiguous},
		{"media type and its copy", "put with headers", func(r *http.Request) {
			r.Header.Set("Content-Type", "text/html")
			query(func(q url.Values) { q.Set("content-type", "text/html") })(r)
		}, Mismatch},
		{"media type twice", "put", func(r *http.Request) { r.Header["Content-Type"] = []string{"a/b", "c/d"} }, Ambiguous},
		{"digest", "put", header("Content-Md5", b64(md5sum("x"))), Mismatch},
		{"body hash", "put", header("X-Amz-Content-Sha256", emptyHash), Mismatch},
		{"stream", "put", header("X-Amz-Content-Sha256", streamSigned), UnsupportedAlgorithm},
	}
	for _, test := range tests {
		r := vector[test.of].request()
		test.change(r)
		_, err := verifyRequest(r, docCredentials, v2Rules(0), "")
		if got := kindOf(t, err); got != test.want {
			t.Errorf("%s of %s: kind %d, want %d; error: %v", test.name, test.of, got, test.want, err)
		}
		if e, ok := errors.AsType[*Error](err); ok && e.Kind != Ambiguous && !e.Query {
			t.Errorf("%s: error %v does not say that the query is signed", test.name, e)
		}
	}
}

// A value with a & in it reads like two parameters once it is signed: neither
// may become what the other was.
func TestV2OverridesStayOverrides(t *testing.T) {
	const signature = "?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=j2DxtKaj6q5EUb4pwrD5t2pdpkc%3D&Expires=1369357200"
	for query, want := range map[string]Kind{
		"&response-content-type=a%26tagging": 0,
		"&response-content-type=a&tagging":   UnsupportedAlgorithm,
	} {
		_, err := verifyRequest(httptest.NewRequest("GET", "/fleet/k"+signature+query, nil), docCredentials, v2Rules(0), "")
		wantKind(t, err, want)
	}
}

func TestV2Refused(t *testing.T) {
	for name, rules := range map[string]Rules{
		"switched off": {S3: true, NoV2: true, Now: docTime},
		"not S3":       {Now: docTime},
	} {
		_, err := verifyRequest(v2Vectors[0].request(), docCredentials, rules, "")
		if wantKind(t, err, UnsupportedAlgorithm); err == nil || !strings.Contains(err.Error(), "signature_version=s3v4") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The body is not signed, but what the headers say of it is checked.
func TestV2Body(t *testing.T) {
	for _, test := range []struct {
		header, value string
		want          Kind
	}{
		{"", "", 0},
		{"Content-Md5", b64(md5sum("abc")), 0},
		{"Content-Md5", b64(md5sum("x")), BadDigest},
		{"X-Amz-Content-Sha256", emptyHash, PayloadMismatch},
		{"X-Amz-Content-Sha256", UnsignedPayload, 0},
		{"X-Amz-Checksum-Crc32", "AAAAAA==", BadChecksum},
	} {
		r := httptest.NewRequest("PUT", v2Vectors[0].target, strings.NewReader("abc"))
		if test.header != "" {
			r.Header.Set(test.header, test.value)
		}
		s, err := Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Body(r, docSecret)
		if err == nil {
			_, err = io.ReadAll(b)
		}
		wantKind(t, err, test.want)
	}
}
