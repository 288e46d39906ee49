package s3_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

// presignV2 is a path presigned with Signature Version 2, as botocore does it.
// Sub-resources are part of path.
func presignV2(method, path string, expires time.Time, c sigv4.Credentials) string {
	when := fmt.Sprint(expires.Unix())
	text := method + "\n\n\n" + when + "\n"
	query := url.Values{"AWSAccessKeyId": {c.AccessKeyID}, "Expires": {when}}
	if c.SessionToken != "" {
		text += "x-amz-security-token:" + c.SessionToken + "\n"
		query.Set("x-amz-security-token", c.SessionToken)
	}
	mac := hmac.New(sha1.New, []byte(c.SecretAccessKey))
	mac.Write([]byte(text + path))
	query.Set("Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	if strings.Contains(path, "?") {
		return path + "&" + query.Encode()
	}
	return path + "?" + query.Encode()
}

// signedV2 sends what presignV2 has signed.
func signedV2(t *testing.T, c *thingtest.Client, method, target, body string, headers ...string) *thingtest.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.Endpoint+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &thingtest.Response{Status: resp.StatusCode, Header: resp.Header, Body: answer}
}

const lampPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::fleet/lamp/*"},
	{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::fleet/lamp/v4/*","Condition":{"StringNotEquals":{"s3:signatureversion":"AWS4-HMAC-SHA256"}}},
	{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::fleet/lamp/fresh/*","Condition":{"NumericGreaterThan":{"s3:signatureAge":"600000"}}}]}`

// lamp is a device's session, by the device door.
func (w *world) lamp() *thingtest.Client {
	w.Helper()
	const trust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	const assume = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*"}]}`
	w.query("iam", "CreateRole", "RoleName", "Device", "AssumeRolePolicyDocument", trust)
	w.query("iam", "PutRolePolicy", "RoleName", "Device", "PolicyName", "p", "PolicyDocument", lampPolicy)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	cert, id, err := w.admin.Enrol(w.Context(), key, "lamp")
	if err != nil {
		w.Fatal(err)
	}
	for _, call := range []struct {
		method, path string
		body         map[string]any
	}{
		{http.MethodPost, "/role-aliases/lamp", map[string]any{"roleArn": "arn:aws:iam::123456789012:role/Device"}},
		{http.MethodPost, "/policies/p", map[string]any{"policyDocument": assume}},
		{http.MethodPut, "/target-policies/p", map[string]any{"target": "arn:aws:iot:us-east-1:123456789012:cert/" + id}},
	} {
		if err := w.admin.Call(w.Context(), call.method, call.path, call.body, nil); err != nil {
			w.Fatal(err)
		}
	}
	c, _, err := w.server.Device(cert).Credentials(w.Context(), "lamp", "")
	if err != nil {
		w.Fatal(err)
	}
	return w.server.Client(c)
}

func TestPresignedV2(t *testing.T) {
	w := newWorld(t)
	lamp := w.lamp()
	for _, key := range []string{"fleet/lamp/v4/x", "fleet/lamp/fresh/x", "fleet/bulb/x"} {
		w.want(w.admin, "PUT /"+key, "stored", 200, "")
	}
	w.want(lamp, "GET /fleet/lamp/fresh/x", "", 200, "")
	tests := []struct {
		who          *thingtest.Client
		method, path string
		after        time.Duration // until it expires
		add          string        // to the query, unsigned
		status       int
		code         string
	}{
		{lamp, "PUT", "/fleet/lamp/a%20b%2F", time.Hour, "", 200, ""},
		{lamp, "GET", "/fleet/lamp/a%20b%2F", time.Hour, "", 200, ""},
		{lamp, "HEAD", "/fleet/lamp/a%20b%2F", time.Hour, "", 200, ""},
		{lamp, "GET", "/fleet/lamp/a%20b%2F?response-content-type=text/x", time.Hour, "", 200, ""},
		{w.admin, "GET", "/fleet/lamp/a%20b%2F", time.Hour, "", 200, ""},
		{w.admin, "HEAD", "/fleet", time.Hour, "", 200, ""},
		{w.admin, "GET", "/fleet?policy", time.Hour, "", 404, "NoSuchBucketPolicy"},
		{lamp, "GET", "/fleet/bulb/x", time.Hour, "", 403, "AccessDenied"},
		{lamp, "GET", "/fleet/lamp/v4/x", time.Hour, "", 403, "AccessDenied"},
		{lamp, "GET", "/fleet/lamp/fresh/x", time.Hour, "", 403, "AccessDenied"}, // it may be as old as six days
		{lamp, "GET", "/fleet/lamp/a%20b%2F", -time.Minute, "", 403, "AccessDenied"},
		{lamp, "GET", "/fleet/lamp/a%20b%2F", 8 * 24 * time.Hour, "", 400, "AuthorizationQueryParametersError"},
		{lamp, "GET", "/fleet/lamp/a%20b%2F", time.Hour, "&tagging", 403, "SignatureDoesNotMatch"},
		{lamp, "GET", "/fleet/lamp/a%20b%2F", time.Hour, "&x-id=GetObject", 400, "InvalidRequest"},
		{lamp, "GET", "/fleet/lamp/a%20b%2F", time.Hour, "&X-Amz-Algorithm=AWS4-HMAC-SHA256", 400, "InvalidArgument"},
		{w.admin, "GET", "/fleet", time.Hour, "&list-type=2", 400, "InvalidRequest"},
		{w.admin, "POST", "/fleet?delete", time.Hour, "", 400, "InvalidRequest"},
		{lamp, "DELETE", "/fleet/lamp/a%20b%2F", time.Hour, "", 204, ""},
	}
	for _, test := range tests {
		target := presignV2(test.method, test.path, time.Now().Add(test.after), test.who.Credentials)
		r := signedV2(t, w.admin, test.method, target+test.add, "body")
		if got := codeOf(r); r.Status != test.status || got != test.code {
			t.Errorf("%s %s%s: %d %s, want %d %s\n%s", test.method, test.path, test.add, r.Status, got, test.status, test.code, r.Body)
		}
		if token := test.who.Credentials.SessionToken; token != "" && strings.Contains(string(r.Body), token) {
			t.Errorf("%s %s%s: the answer holds the token\n%s", test.method, test.path, test.add, r.Body)
		}
	}
	w.contains(signedV2(t, w.admin, "GET", presignV2("GET", "/fleet/bulb/x", time.Now().Add(-time.Hour), w.admin.Credentials), ""),
		"<Message>Request has expired</Message>", "<Expires>")
	signed := presignV2("GET", "/fleet/bulb/x", time.Now().Add(time.Hour), w.admin.Credentials)
	if r := signedV2(t, w.admin, "GET", signed, "", "Authorization", "AWS a:b"); codeOf(r) != "InvalidArgument" {
		t.Errorf("signed twice: %d\n%s", r.Status, r.Body)
	}
	if r := signedV2(t, w.admin, "GET", "/fleet/bulb/x", "", "Authorization", "AWS a:b"); codeOf(r) != "InvalidRequest" {
		t.Errorf("the header form: %d\n%s", r.Status, r.Body)
	}
	w.want(w.admin, "GET /fleet/bulb/x?Expires=1", "", 400, "InvalidArgument")
}

func TestPresignedV2SwitchedOff(t *testing.T) {
	server, err := thingtest.Start(t.Context(), thingtest.Options{NoPresignV2: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	r := signedV2(t, server.Admin, "GET", presignV2("GET", "/fleet/x", time.Now().Add(time.Hour), server.Admin.Credentials), "")
	if r.Status != 400 || codeOf(r) != "InvalidRequest" || !strings.Contains(string(r.Body), "signature_version=s3v4") {
		t.Errorf("%d\n%s", r.Status, r.Body)
	}
}

// TestPresignedV2Hosted: the bucket is signed before the path, also where the host
// names it, which Version 2 does not sign: a URL for one bucket is none for a key
// of another.
func TestPresignedV2Hosted(t *testing.T) {
	s, err := thingtest.Start(t.Context(), thingtest.Options{S3Domains: []string{"s3.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &world{T: t, server: s, admin: s.Admin}
	w.want(w.admin, "PUT /fleet", "", 200, "")
	w.want(w.admin, "PUT /other", "", 200, "")
	w.want(w.admin, "PUT /fleet/k", "of fleet", 200, "")
	w.want(w.admin, "PUT /other/fleet/k", "of other", 200, "")
	until := time.Now().Add(time.Minute)
	for _, q := range []struct {
		host, signed, sent string
		status             int
		body               string
	}{
		{"fleet.s3.example.com", "/fleet/k", "/k", 200, "of fleet"},
		{"FLEET.s3.example.com:9443", "/fleet/k", "/k", 200, "of fleet"},
		{"fleet.s3.example.com", "/fleet/", "/", 200, "<Key>k</Key>"},
		{"s3.example.com", "/fleet/k", "/fleet/k", 200, "of fleet"},
		{"fleet.s3.example.com", "/k", "/k", 403, "SignatureDoesNotMatch"},
		{"other.s3.example.com", "/fleet/k", "/fleet/k", 403, "SignatureDoesNotMatch"},
	} {
		_, query, _ := strings.Cut(presignV2("GET", q.signed, until, w.admin.Credentials), "?")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.admin.Endpoint+q.sent+"?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = q.host
		resp, err := w.admin.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != q.status || !strings.Contains(string(body), q.body) {
			t.Errorf("%s%s signed as %s: %d %s", q.host, q.sent, q.signed, resp.StatusCode, body)
		}
	}
}
