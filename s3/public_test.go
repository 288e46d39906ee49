package s3_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/upstream"
)

// openWorld is a server that takes unsigned requests, with the bucket own that
// lets everybody do everything with its objects.
func openWorld(t *testing.T, domains ...string) *world {
	t.Helper()
	s, err := thingtest.Start(t.Context(), thingtest.Options{S3Public: true, S3Domains: domains})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &world{T: t, server: s, admin: s.Admin}
	w.want(w.admin, "PUT /own", "", 200, "")
	w.want(w.admin, "PUT /own?policy", everybodys("own"), 204, "")
	w.eventually(func() bool { return w.unsigned("PUT /own/k", "x").Status == 200 })
	return w
}

func everybodys(bucket string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::` + bucket + `/*"}]}`
}

// unsigned sends a request that nobody signed, or that a URL signs.
func (w *world) unsigned(line, body string, headers ...string) *thingtest.Response {
	w.Helper()
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(w.Context(), method, w.server.APIURL()+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	resp, err := w.admin.HTTP.Transport.RoundTrip(r)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return &thingtest.Response{Status: resp.StatusCode, Header: resp.Header, Body: answer}
}

// TestUnsignedOverrides: who signs nothing must not make the server say that an
// object is a page (GetObject, "Overriding response header values").
func TestUnsignedOverrides(t *testing.T) {
	w := openWorld(t)
	for _, method := range []string{"GET", "HEAD"} {
		for _, query := range []string{"response-content-type=text/html", "response-expires=", "partNumber=1&response-content-disposition=x"} {
			r := w.unsigned(method+" /own/k?"+query, "")
			if r.Status != 400 || method == "GET" && codeOf(r) != "InvalidRequest" {
				t.Errorf("%s %s: %d %s", method, query, r.Status, r.Body)
			}
		}
		if r := w.unsigned(method+" /own/k", ""); r.Status != 200 {
			t.Errorf("%s: %d %s", method, r.Status, r.Body)
		}
	}
	w.want(w.admin, "GET /own/k?response-content-type=text/html", "", 200, "")
}

// TestSignedPayload: policies hear of a body what its signer said of it, and not
// what its sender says (user guide, "Bucket policies using condition keys").
func TestSignedPayload(t *testing.T) {
	w := openWorld(t)
	w.want(w.admin, "PUT /own?policy", strings.Replace(everybodys("own"), `"Statement":[`, `"Statement":[
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::own/*","Condition":{"StringEquals":{"s3:x-amz-content-sha256":"UNSIGNED-PAYLOAD"}}},`, 1), 204, "")
	w.eventually(func() bool { return w.unsigned("PUT /own/k", "x").Status == 403 })
	w.want(w.admin, "PUT /own/k", "x", 200, "")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.server.APIURL()+"/own/k", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, v4, _ := strings.Cut(sigv4.Presign(r, w.admin.Credentials, "us-east-1", "s3", time.Now(), time.Minute), w.server.APIURL())
	v2 := presignV2(http.MethodPut, "/own/k", time.Now().Add(time.Minute), w.admin.Credentials)
	for _, path := range []string{v4, v2, "/own/k"} {
		for _, headers := range [][]string{nil, {"X-Amz-Content-Sha256", sigv4.PayloadHash([]byte("x"))}} {
			if path == v2 && headers != nil {
				continue // Version 2 signs this header
			}
			if r := w.unsigned("PUT "+path, "x", headers...); r.Status != 403 || codeOf(r) != "AccessDenied" {
				t.Errorf("%s %q: %d %s", path, headers, r.Status, r.Body)
			}
		}
	}
	form := signatureFields + `,{"bucket":"own"},{"key":"k"}`
	if r := w.post("own", append(formOf(w.admin.Credentials, form), [2]string{"key", "k"}), "f", "x"); r.Status != 403 {
		t.Errorf("a form: %d %s", r.Status, r.Body)
	}
}

// TestHosts: where a bucket is named by the host, that is where its objects are;
// and Version 2, which signs no host, signs it before the path.
func TestHosts(t *testing.T) {
	w := openWorld(t, "s3.example.org")
	w.want(w.admin, "PUT /vault", "", 200, "")
	w.want(w.admin, "PUT /vault/own/k", "secret", 200, "")
	path := presignV2(http.MethodGet, "/own/k", time.Now().Add(time.Minute), w.admin.Credentials)
	if r := w.unsigned("GET "+path, ""); r.Status != 200 || string(r.Body) != "x" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if r := w.unsigned("GET "+path, "", "Host", "vault.s3.example.org"); r.Status != 403 || codeOf(r) != "SignatureDoesNotMatch" {
		t.Errorf("in another bucket: %d %s", r.Status, r.Body)
	}
	const form = "--b\r\nContent-Disposition: form-data; name=key\r\n\r\na b\r\n--b\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--b--\r\n"
	if r := w.unsigned("POST /", form, "Host", "own.s3.example.org", "Content-Type", "multipart/form-data; boundary=b"); r.Status != 204 || r.Header.Get("Location") != "https://own.s3.example.org/a%20b" {
		t.Errorf("a form: %d %s %v", r.Status, r.Body, r.Header)
	}
	if r := w.unsigned("GET /k", "", "Host", "own.s3.example.org"); r.Status != 200 || string(r.Body) != "x" {
		t.Errorf("unsigned: %d %s", r.Status, r.Body)
	}
}

// TestAccessBlockOfEngine: the policies of an engine's buckets are here, so what
// the engine was told of public ones holds here.
func TestAccessBlockOfEngine(t *testing.T) {
	var block atomic.Pointer[string]
	e := &engine{t: t, answer: func(w http.ResponseWriter, r *http.Request) {
		if text := block.Load(); r.URL.RawQuery != "publicAccessBlock" {
			_, _ = io.WriteString(w, "bytes")
		} else if text == nil {
			w.WriteHeader(http.StatusNotFound)
		} else {
			_, _ = io.WriteString(w, "<PublicAccessBlockConfiguration><"+*text+">true</"+*text+"></PublicAccessBlockConfiguration>")
		}
	}}
	listening := httptest.NewServer(e)
	t.Cleanup(listening.Close)
	u, err := url.Parse(listening.URL)
	if err != nil {
		t.Fatal(err)
	}
	s, err := thingtest.Start(t.Context(), thingtest.Options{
		S3Public:  true,
		S3Engines: []upstream.Config{{Name: "back", Endpoint: u, Region: "eu-back-1", Prefix: "cam-", Kind: upstream.Ceph, AccessKeyID: "ENGINEKEY", SecretKey: thingpass.NewSecret(engineSecret)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &world{T: t, server: s, admin: s.Admin}
	policy, forbids, restricts := everybodys("cam-a"), "BlockPublicPolicy", "RestrictPublicBuckets"
	block.Store(&forbids)
	w.want(w.admin, "PUT /cam-a?policy", policy, 403, "AccessDenied")
	block.Store(nil)
	w.want(w.admin, "PUT /cam-a?policy", policy, 204, "")
	w.eventually(func() bool { return w.unsigned("GET /cam-a/k", "").Status == 200 })
	block.Store(&restricts)
	if r := w.unsigned("GET /cam-a/k", ""); r.Status != 403 {
		t.Errorf("restricted: %d %s", r.Status, r.Body)
	}
	w.want(w.admin, "GET /cam-a/k", "", 200, "")
}
