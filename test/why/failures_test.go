package why_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/upstream"
	"github.com/thingpass/thingpass/why"
)

// What fails after it was allowed: each cause is told, with a next step.

// listen answers each connection as answer does, until the test ends.
func listen(t *testing.T, answer func(net.Conn)) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c)
		}
	}()
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

// withEngines is a world of the administrator alone, in front of engines.
func withEngines(t *testing.T, engines ...upstream.Config) *world {
	t.Helper()
	for i := range engines {
		engines[i].Region = "us-east-1"
		if engines[i].AccessKeyID == "" {
			engines[i].AccessKeyID, engines[i].SecretKey = "AKIAENGINE", thingpass.NewSecret("engine-secret")
		}
		engines[i].Timeouts = upstream.Timeouts{Stall: time.Second}
	}
	s, err := thingtest.Start(t.Context(), thingtest.Options{Account: account, S3Engines: engines})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &world{t: t, Server: s, control: server.NewControl(s.Dir)}
}

// failing sends a request of the administrator that must fail with a code, and
// returns its id.
func (w *world) failing(line, code string, header http.Header, body []byte) string {
	w.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	resp, err := w.Admin.Do(w.t.Context(), "s3", method, path, header, body)
	w.must(err)
	if got := resp.Header.Get("X-Amz-Error-Code"); got != code && !strings.Contains(string(resp.Body), "<Code>"+code+"</Code>") {
		w.t.Fatalf("%s answered %d %s, want %s", line, resp.Status, resp.Body, code)
	}
	return w.id2(resp)
}

func TestEngineFaults(t *testing.T) {
	refused := listen(t, func(c net.Conn) { _ = c.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := &url.URL{Scheme: "http", Host: l.Addr().String()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	garbage := listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n"); _ = c.Close() })
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	half := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 8192))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("half", 100000))
		_ = c.Close()
	})
	w := withEngines(t,
		upstream.Config{Name: "gone", Prefix: "gone", Endpoint: down}, upstream.Config{Name: "closing", Prefix: "closing", Endpoint: refused},
		upstream.Config{Name: "garbage", Prefix: "garbage", Endpoint: garbage}, upstream.Config{Name: "silent", Prefix: "silent", Endpoint: silent},
		upstream.Config{Name: "half", Prefix: "half", Endpoint: half},
	)
	for _, c := range []struct {
		line string
		want []string
	}{
		{"GET /gone/key", []string{"the S3 engine gone, which has the bucket, cannot be reached", "connection refused", "/readyz", "FAILED", "engine"}},
		{"HEAD /gone/key", []string{"cannot be reached", "503 SlowDown"}},
		{"GET /closing/key", []string{"connection to the S3 engine closing broke"}},
		{"GET /garbage/key", []string{"connection to the S3 engine garbage broke", "speaks S3"}},
		{"PUT /silent/key", []string{"the S3 engine silent took the request and then neither took nor gave a byte"}},
	} {
		w.why([]string{w.failing(c.line, "SlowDown", nil, nil)}, append(c.want, "FAILED", "It was allowed", "503 SlowDown")...)
	}
	resp, err := w.Admin.Do(t.Context(), "s3", http.MethodGet, "/half/key", nil, nil)
	if err == nil || resp == nil {
		t.Fatalf("half an answer was not begun, or taken for a whole one: %v", err)
	}
	e := w.explanation(w.id2(resp))
	w.why([]string{e.RequestID}, "FAILED", "The answer had begun when it failed", "connection to the S3 engine half broke")
	if e.Outcome != why.Failed || e.Engine != "half" || e.Cause != "engine-broke" || e.Reason == "" {
		t.Errorf("%+v", e)
	}
}

// TestEngineRefusesUs: keys that an engine does not know are the operator's
// doing, and one that they may not be shown with.
func TestEngineRefusesUs(t *testing.T) {
	engine, err := thingtest.Start(t.Context(), thingtest.Options{Account: account, Configure: func(c *server.Config) { c.HTTPListen = "127.0.0.1:0" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	endpoint := &url.URL{Scheme: "http", Host: engine.Addresses().HTTP}
	w := withEngines(t, upstream.Config{Name: "other", Prefix: "other", Endpoint: endpoint, Kind: upstream.Other},
		upstream.Config{Name: "good", Prefix: "good", Endpoint: endpoint, Kind: upstream.Other,
			AccessKeyID: engine.Env.AccessKeyID, SecretKey: engine.Env.SecretAccessKey})
	for _, line := range []string{"PUT /other-bucket/key", "GET /other-bucket/key", "HEAD /other-bucket/key", "PUT /other-bucket"} {
		out := w.why([]string{w.failing(line, "SlowDown", nil, nil)}, "FAILED", "the S3 engine other does not take the request from us", "credentials=",
			"aws --endpoint-url ENGINE-ENDPOINT")
		w.silent(out, "engine-secret")
	}
	w.s3(http.MethodPut, "/good-bucket", nil)
	w.s3(http.MethodPut, "/here", nil)
	w.s3(http.MethodPut, "/here/key", []byte("content"))
	for _, c := range []struct {
		line, code string
		header     http.Header
		want       []string
	}{
		{"PUT /good-bucket/copy", "NotImplemented", http.Header{"X-Amz-Copy-Source": {"/here/key"}}, []string{"the source of the copy is on another S3 engine", "aws s3 cp s3://SOURCE-BUCKET/KEY - | aws s3 cp - s3://good-bucket/KEY"}},
		{"PUT /good-bucket/a//b", "InvalidArgument", nil, []string{"of a kind that is not sent such a request", "kind="}},
		{"GET /good-bucket/none", "NoSuchKey", nil, []string{"there is no such object", "good has the bucket", "aws s3api list-objects-v2 --bucket good-bucket --prefix ''"}},
		{"GET /good-none/none", "NoSuchBucket", nil, []string{"there is no bucket good-none", "aws s3api create-bucket --bucket good-none"}},
		{"GET /here/x/none", "NoSuchKey", nil, []string{"--bucket here --prefix x/"}},
		{"GET /none/none", "NoSuchBucket", nil, []string{"aws s3api create-bucket --bucket none"}},
		{"GET /here?policy", "NoSuchBucketPolicy", nil, []string{"the bucket has no such setting"}},
		{"GET /here?session", "NotImplemented", nil, []string{"docs/compatibility.md"}},
		{"HEAD /here/key", "AccessDenied", http.Header{"X-Amz-Expected-Bucket-Owner": {"999999999999"}}, []string{"whose bucket it expects", "--expected-bucket-owner"}},
		{"PUT /here/key", "BadDigest", http.Header{"Content-Md5": {"1B2M2Y8AsgTpgAmY7PhCfA=="}}, []string{"not what its checksum", "Nothing of it is stored"}},
		{"PUT /good-bucket/key", "BadDigest", http.Header{"Content-Md5": {"1B2M2Y8AsgTpgAmY7PhCfA=="}}, []string{"not what its checksum", "Nothing of it is stored"}},
		{"PUT /here?policy", "MalformedPolicy", nil, []string{"thingpass policy lint --kind resource POLICY.json"}},
		{"PUT /here/key", "PreconditionFailed", http.Header{"If-None-Match": {"*"}}, []string{"does not hold"}},
	} {
		w.why([]string{w.failing(c.line, c.code, c.header, []byte("body"))}, append(c.want, "FAILED", c.code)...)
	}
}

// TestPublicPolicyBlocked: the block is what refuses, and it is allowed to.
func TestPublicPolicyBlocked(t *testing.T) {
	w := withEngines(t)
	w.s3(http.MethodPut, "/here", nil)
	w.s3(http.MethodPut, "/here?publicAccessBlock", []byte(`<PublicAccessBlockConfiguration><BlockPublicPolicy>true</BlockPublicPolicy></PublicAccessBlockConfiguration>`))
	open := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::here/*"}]}`
	id := w.failing("PUT /here?policy", "AccessDenied", nil, []byte(open))
	w.why([]string{id}, "FAILED", "BlockPublicPolicy", "aws s3api delete-public-access-block --bucket here")
}

// TestForms: what is wrong with a form is said, and that no policy of IAM is.
func TestForms(t *testing.T) {
	w := withEngines(t)
	w.s3(http.MethodPut, "/here", nil)
	for _, c := range []struct {
		name, policy, key, code string
		want                    []string
	}{
		{"a field that the policy does not have", `[{"bucket":"here"}]`, "a", "AccessDenied", []string{"does not keep to the policy that was signed with it", "Extra input fields", "no IAM policy is involved"}},
		{"another key", `[{"bucket":"here"},["starts-with","$key","photos/"],["starts-with","$x-amz-credential",""],["starts-with","$x-amz-algorithm",""],["starts-with","$x-amz-date",""]]`, "a", "AccessDenied", []string{"Policy Condition failed", "starts-with"}},
		{"too large", `[{"bucket":"here"},["starts-with","$key",""],["content-length-range",0,3],["starts-with","$x-amz-credential",""],["starts-with","$x-amz-algorithm",""],["starts-with","$x-amz-date",""]]`, "a", "EntityTooLarge", []string{"content-length-range", "Nothing is stored"}},
		{"no conditions", `7`, "a", "InvalidPolicyDocument", []string{"cannot be read", "expiration"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{t: t, Server: w.Server, control: w.control}
			resp := w.form("/here", c.policy, c.key)
			if !strings.Contains(string(resp.Body), "<Code>"+c.code+"</Code>") {
				t.Fatalf("%d %s, want %s", resp.Status, resp.Body, c.code)
			}
			w.why([]string{w.id2(resp)}, append(c.want, "FAILED", "s3 PostObject")...)
		})
	}
}

// form uploads a form that the administrator signed.
func (w *world) form(path, conditions, key string) *thingtest.Response {
	w.t.Helper()
	now := time.Now().UTC()
	day := now.Format("20060102")
	policy := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"expiration":%q,"conditions":%s}`, now.Add(time.Hour).Format("2006-01-02T15:04:05.000Z"), conditions))
	sum := []byte("AWS4" + w.Admin.Credentials.SecretAccessKey)
	for _, text := range []string{day, "us-east-1", "s3", "aws4_request", policy} {
		h := hmac.New(sha256.New, sum)
		h.Write([]byte(text))
		sum = h.Sum(nil)
	}
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for _, f := range [][2]string{
		{"key", key}, {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"}, {"X-Amz-Credential", w.Admin.Credentials.AccessKeyID + "/" + day + "/us-east-1/s3/aws4_request"},
		{"X-Amz-Date", now.Format("20060102T150405Z")}, {"Policy", policy}, {"X-Amz-Signature", hex.EncodeToString(sum)},
	} {
		w.must(m.WriteField(f[0], f[1]))
	}
	file, err := m.CreateFormFile("file", "photo.jpg")
	w.must(err)
	_, err = io.WriteString(file, "content")
	w.must(err)
	w.must(m.Close())
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.APIURL()+path, &body)
	w.must(err)
	r.Header.Set("Content-Type", m.FormDataContentType())
	resp, err := w.Admin.HTTP.Do(r)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	return &thingtest.Response{Status: resp.StatusCode, Header: resp.Header, Body: text}
}

// TestRevokedUnderWay: the certificate is turned off while an upload is under way.
func TestRevokedUnderWay(t *testing.T) {
	w := newWorld(t)
	c := w.session("bulbthing")
	body, feed := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.APIURL()+"/vincent-iot/bulbthing/film", body)
	w.must(err)
	r.ContentLength = 1 << 20
	r.Header.Set("X-Amz-Content-Sha256", sigv4.UnsignedPayload)
	sigv4.Sign(r, c.Credentials, "us-east-1", "s3", w.clock(), sigv4.UnsignedPayload)
	go func() {
		_, _ = feed.Write(make([]byte, 300<<10))
		w.iot(http.MethodPut, "/certificates/"+w.id+"?newStatus=INACTIVE", nil)
	}()
	resp, err := c.HTTP.Do(r)
	w.must(err)
	_ = feed.Close()
	w.must(resp.Body.Close())
	w.why([]string{resp.Header.Get("X-Amz-Request-Id")}, "DENIED", "allowed when it began", "nothing of an upload is stored", "--new-status ACTIVE")
}

// TestLockedBucket: the policy denies everybody to change it. What is proposed is
// what still works.
func TestLockedBucket(t *testing.T) {
	w := newWorld(t)
	w.s3(http.MethodPut, "/vincent-iot?policy", []byte(`{"Version":"2012-10-17","Statement":[{"Sid":"Stop","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["`+bucket+`","`+bucket+`/*"]}]}`))
	w.settle()
	locked := []string{"DENIED", `"Stop"`, "a Deny always wins", "thingpass recover-bucket --data " + w.Dir + " vincent-iot"}
	w.why([]string{w.refused(w.Admin, http.MethodDelete, "/vincent-iot?policy", "AccessDenied")}, locked...)
	w.why([]string{w.refused(w.session("bulbthing"), http.MethodGet, "/vincent-iot/bulbthing/x", "AccessDenied")}, locked...)
	w.says(w.program("", 1, "recover-bucket", "vincent"), "there is no bucket vincent", "buckets with a policy: vincent-iot")
	w.says(w.program("", 0, "recover-bucket", "vincent-iot"), `"Sid":"Stop"`)
	w.settle()
	w.s3(http.MethodPut, "/vincent-iot?policy", []byte(`{"Version":"2012-10-17","Statement":[{"Sid":"Stop","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"`+bucket+`/*"}]}`))
	w.settle()
	out := w.why([]string{w.refused(w.Admin, http.MethodGet, "/vincent-iot/x", "AccessDenied")}, "DENIED", `"Stop"`, "aws s3api delete-bucket-policy --bucket vincent-iot")
	w.silent(out, "recover-bucket")
}

// TestPreflight: what a browser asks beforehand is refused by the bucket's rules,
// and answered without asking who it is.
func TestPreflight(t *testing.T) {
	w := withEngines(t)
	w.s3(http.MethodPut, "/here", nil)
	ask := func(header http.Header) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, w.APIURL()+"/here/k", nil)
		w.must(err)
		r.Header = header
		resp, err := w.Admin.HTTP.Do(r)
		w.must(err)
		w.must(resp.Body.Close())
		return resp.Header.Get("X-Amz-Request-Id")
	}
	page := http.Header{"Origin": {"https://app.example"}, "Access-Control-Request-Method": {"PUT"}}
	for id, want := range map[string][]string{
		ask(page): {"FAILED", "the bucket here has no CORS rule", "CORS is not enabled", "aws s3api get-bucket-cors --bucket here"},
		ask(nil):  {"FAILED", "no question that a browser asks", "Origin"},
	} {
		if out := w.why([]string{id}, want...); strings.Contains(out, "server failed") || strings.Contains(out, "It was allowed") {
			t.Error("nothing failed, and nothing was allowed")
		}
	}
	w.s3(http.MethodPut, "/here?cors", []byte(`<CORSConfiguration><CORSRule><AllowedOrigin>https://app.example</AllowedOrigin><AllowedMethod>PUT</AllowedMethod></CORSRule></CORSConfiguration>`))
	if out := w.why([]string{ask(page)}, "ALLOWED", "CORS rules"); strings.Contains(out, "failed") {
		t.Error("nothing failed")
	}
}

// TestFormWithoutFile: it is not known what a form is before it can be read.
func TestFormWithoutFile(t *testing.T) {
	w := withEngines(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.APIURL()+"/here", strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na\r\n--x--\r\n"))
	w.must(err)
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	resp, err := w.Admin.HTTP.Do(r)
	w.must(err)
	w.must(resp.Body.Close())
	w.why([]string{resp.Header.Get("X-Amz-Request-Id")}, "The form cannot be read", "the file as the last field, named file")
}
