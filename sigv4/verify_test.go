package sigv4

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func signedRequest(service string, edit func(*http.Request)) *http.Request {
	r := httptest.NewRequest("GET", "https://host.example:8443/a%20b/c?x=1&y=%2F", nil)
	if edit != nil {
		edit(r)
	}
	Sign(r, docCredentials, "local-1", service, docTime, "")
	return r
}

func TestVerifyTimes(t *testing.T) {
	tests := []struct {
		after time.Duration // server's time after signing
		want  Kind
		limit time.Duration // of the limit after signing
	}{
		{0, 0, 0},
		{15 * time.Minute, 0, 0},
		{-15 * time.Minute, 0, 0},
		{15*time.Minute + time.Second, Expired, time.Second},
		{-15*time.Minute - time.Second, NotYet, -time.Second},
	}
	for _, service := range []string{"s3", "iam"} {
		for _, test := range tests {
			t.Run(fmt.Sprint(service, test.after), func(t *testing.T) {
				rules := Rules{S3: service == "s3", Now: docTime.Add(test.after)}
				_, err := verifyRequest(signedRequest(service, nil), docCredentials, rules, emptyHash)
				wantKind(t, err, test.want)
				if e, ok := errors.AsType[*Error](err); ok {
					want := []time.Time{docTime, rules.Now, docTime.Add(test.limit)}
					if got := []time.Time{e.RequestTime, e.ServerTime, e.Limit}; !slices.Equal(got, want) || e.Skew != DefaultSkew {
						t.Errorf("times %v skew %v, want %v", got, e.Skew, want)
					}
				}
			})
		}
	}
}

func TestTimeTexts(t *testing.T) {
	_, err := verifyRequest(signedRequest("iam", nil), docCredentials, Rules{Now: docTime.Add(time.Hour)}, emptyHash)
	if want := "Signature expired: 20130524T000000Z is now earlier than 20130524T004500Z (20130524T010000Z - 15 min.)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	_, err = verifyRequest(signedRequest("iam", nil), docCredentials, Rules{Now: docTime.Add(-time.Hour)}, emptyHash)
	if want := "Signature not yet current: 20130524T000000Z is still later than 20130523T231500Z (20130523T230000Z + 15 min.)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func presigned(service, rawURL string, expires time.Duration, c Credentials) *http.Request {
	return httptest.NewRequest("GET", Presign(httptest.NewRequest("GET", rawURL, nil), c, "local-1", service, docTime, expires), nil)
}

func TestVerifyPresigned(t *testing.T) {
	withToken := docCredentials
	withToken.SessionToken = "a+b/c=="
	tests := []struct {
		after, expires time.Duration
		want           Kind
	}{
		{0, time.Hour, 0},
		{time.Hour, time.Hour, 0},
		{time.Hour + time.Second, time.Hour, PresignExpired},
		{-15 * time.Minute, time.Hour, 0},
		{-15*time.Minute - time.Second, time.Hour, NotYet},
		{0, 7 * 24 * time.Hour, 0},
		{0, 7*24*time.Hour + time.Second, BadExpires},
		{0, 0, BadExpires},
		{0, -time.Hour, BadExpires},
	}
	for _, service := range []string{"s3", "sts"} {
		for _, c := range []Credentials{docCredentials, withToken} {
			for _, test := range tests {
				rules := Rules{S3: service == "s3", Now: docTime.Add(test.after)}
				r := presigned(service, "https://h.example/k%20%2Fy?Action=GetCallerIdentity&v=a+b", test.expires, c)
				s, err := verifyRequest(r, c, rules, emptyHash)
				wantKind(t, err, test.want)
				if err == nil && (s.Token != c.SessionToken || !s.Presigned || s.Expires != test.expires) {
					t.Errorf("signature %#v", s)
				}
				if e, ok := errors.AsType[*Error](err); ok && !e.Query {
					t.Errorf("error %v does not say that the query is signed", e)
				}
			}
		}
	}
}

// Some clients presign for STS without X-Amz-Expires.
func TestPresignedWithoutExpires(t *testing.T) {
	for _, s3 := range []bool{true, false} {
		r := httptest.NewRequest("GET", "https://h.example/", nil)
		s := newSignature(docCredentials, "local-1", "sts", docTime)
		payload := emptyHash
		if s3 {
			s.Service, payload = "s3", UnsignedPayload
		}
		s.SignedHeaders = []string{"host"}
		r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + docKey + "/" + s.Scope() +
			"&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host"
		r.URL.RawQuery += "&X-Amz-Signature=" + s.signRequest(r, docCredentials, payload)
		_, err := verifyRequest(r, docCredentials, Rules{S3: s3, Now: docTime.Add(15 * time.Minute)}, emptyHash)
		if s3 {
			wantKind(t, err, BadExpires)
			continue
		}
		wantKind(t, err, 0)
		_, err = verifyRequest(r, docCredentials, Rules{Now: docTime.Add(16 * time.Minute)}, emptyHash)
		wantKind(t, err, PresignExpired)
	}
}

func TestUnsignedHeaders(t *testing.T) {
	tests := []struct {
		name        string
		s3, generic Kind
	}{
		{"X-Amz-Acl", UnsignedHeaders, 0},
		{"X-Amz-Security-Token", UnsignedHeaders, UnsignedHeaders},
		{"X-Amz-Target", UnsignedHeaders, UnsignedHeaders},
		{"X-Amzn-Trace-Id", 0, 0},
		{"Content-Type", 0, 0},
	}
	for _, test := range tests {
		for service, want := range map[string]Kind{"s3": test.s3, "iot": test.generic} {
			r := signedRequest(service, nil)
			r.Header.Set(test.name, "late")
			_, err := verifyRequest(r, docCredentials, Rules{S3: service == "s3", Now: docTime}, emptyHash)
			wantKind(t, err, want)
			if e, ok := errors.AsType[*Error](err); ok && !slices.Equal(e.Headers, []string{strings.ToLower(test.name)}) {
				t.Errorf("headers %v, want %s", e.Headers, test.name)
			}
		}
	}
	r := presigned("s3", "https://h.example/k", time.Hour, docCredentials)
	r.Header.Set("X-Amz-Content-Sha256", emptyHash)
	_, err := verifyRequest(r, docCredentials, Rules{S3: true, Now: docTime}, "")
	wantKind(t, err, 0)
	r.Header.Set("X-Amz-Acl", "public-read")
	_, err = verifyRequest(r, docCredentials, Rules{S3: true, Now: docTime}, "")
	wantKind(t, err, UnsignedHeaders)
}

func TestHeadersOutsideTheMap(t *testing.T) {
	r := httptest.NewRequest("PUT", "https://h.example/k", strings.NewReader("12345"))
	r.Header.Set("X-Amz-Content-Sha256", UnsignedPayload)
	r.Header.Set("X-Amz-Date", "20130524T000000Z")
	s := newSignature(docCredentials, "local-1", "s3", docTime)
	s.SignedHeaders = []string{"content-length", "host", "x-amz-content-sha256", "x-amz-date"}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+docKey+"/"+s.Scope()+",SignedHeaders="+
		strings.Join(s.SignedHeaders, ";")+", Signature="+s.signRequest(r, docCredentials, UnsignedPayload))
	rules := Rules{S3: true, Now: docTime}
	_, err := verifyRequest(r, docCredentials, rules, "")
	wantKind(t, err, 0)
	r.ContentLength = 6
	_, err = verifyRequest(r, docCredentials, rules, "")
	wantKind(t, err, Mismatch)
	r.ContentLength = -1
	_, err = verifyRequest(r, docCredentials, rules, "")
	wantKind(t, err, Mismatch)
	r.ContentLength, r.Host = 5, "other.example"
	_, err = verifyRequest(r, docCredentials, rules, "")
	wantKind(t, err, Mismatch)
}

func TestS3PayloadHeader(t *testing.T) {
	for value, want := range map[string]Kind{
		"":                      MissingPayloadHash,
		"abc":                   BadPayloadHash,
		strings.Repeat("z", 64): BadPayloadHash,
		"STREAMING-SOMETHING":   BadPayloadHash,
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD":         UnsupportedAlgorithm,
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER": UnsupportedAlgorithm,
		UnsignedPayload: 0,
		emptyHash:       0,
		streamSigned:    0,
	} {
		r := httptest.NewRequest("GET", "https://h.example/", nil)
		Sign(r, docCredentials, "local-1", "s3", docTime, value)
		if value == "" {
			r.Header.Del("X-Amz-Content-Sha256")
		}
		_, err := verifyRequest(r, docCredentials, Rules{S3: true, Now: docTime}, "")
		wantKind(t, err, want)
	}
}

func TestMismatchCarriesTheStrings(t *testing.T) {
	r := signedRequest("s3", nil)
	_, err := verifyRequest(r, Credentials{AccessKeyID: docKey, SecretAccessKey: "wrong"}, Rules{S3: true, Now: docTime}, "")
	wantKind(t, err, Mismatch)
	e, _ := errors.AsType[*Error](err)
	if !strings.HasPrefix(e.CanonicalRequest, "GET\n/a%20b/c\nx=1&y=%2F\nhost:host.example:8443\n") ||
		!strings.HasPrefix(e.StringToSign, "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/local-1/s3/aws4_request\n") || len(e.Provided) != 64 {
		t.Errorf("%#v", e)
	}
	_, err = verifyRequest(signedRequest("iam", nil), Credentials{AccessKeyID: docKey}, Rules{Now: docTime}, emptyHash)
	wantKind(t, err, Mismatch)
}

// A request signed with no secret at all must not be taken.
func TestEmptySecret(t *testing.T) {
	r := httptest.NewRequest("GET", "https://h.example/", nil)
	c := Credentials{AccessKeyID: docKey}
	Sign(r, c, "local-1", "iam", docTime, "")
	_, err := verifyRequest(r, c, Rules{Now: docTime}, emptyHash)
	wantKind(t, err, Mismatch)
}

// The same key, written in the two ways clients write it, has one signature
// with S3; the generic rules tell them apart.
func TestPathRules(t *testing.T) {
	tests := []struct{ target, s3, generic string }{
		{"/", "/", "/"},
		{"/a//b/../c/./d/", "/a//b/../c/./d/", "/a/c/d/"},
		{"/a%20b", "/a%20b", "/a%2520b"},
		{"/%3Fa=b%20c", "/%3Fa%3Db%20c", "/%253Fa%3Db%2520c"},
		{"/a%2Fb", "/a/b", "/a%252Fb"},
		{"/a+b", "/a%2Bb", "/a%2Bb"},
		{"/%e2%82%ac", "/%E2%82%AC", "/%25e2%2582%25ac"},
		{"/~-._", "/~-._", "/~-._"},
	}
	for _, test := range tests {
		r := mustReceive(t, "GET "+test.target+" HTTP/1.1\nHost: h\n")
		if got := string(appendPath(nil, s3Path(r.URL))); got != test.s3 {
			t.Errorf("%s: S3 %s, want %s", test.target, got, test.s3)
		}
		if got := string(appendPath(nil, genericPath(wirePath(r.URL)))); got != test.generic {
			t.Errorf("%s: generic %s, want %s", test.target, got, test.generic)
		}
	}
}

func TestCanonicalQuery(t *testing.T) {
	tests := []struct{ raw, want string }{
		{"", ""},
		{"acl", "acl="},
		{"acl=", "acl="},
		{"b=2&a=1&a=0&&a", "a=&a=0&a=1&b=2"},
		{"a-=1&a=1", "a=1&a-=1"},
		{"x=a+b%20c%2B", "x=a%20b%20c%2B"},
		{"x=%e2%82%AC;y", "x=%E2%82%AC%3By"},
		{"x=a=b", "x=a%3Db"},
		{"X-Amz-Signature=1&a=b&%58-Amz-Signature=2", "a=b"},
		{"=x", "=x"},
	}
	for _, test := range tests {
		if got, err := appendQuery(nil, test.raw); err != nil || string(got) != test.want {
			t.Errorf("%q: %q, %v, want %q", test.raw, got, err, test.want)
		}
	}
	for _, raw := range []string{"a=%", "a=%2", "%zz=1", "a=%2g"} {
		_, err := appendQuery(nil, raw)
		wantKind(t, err, Incomplete)
	}
}
