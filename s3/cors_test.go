package s3_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

const exampleCORS = `<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<CORSRule><ID>page</ID><AllowedOrigin>https://*.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>
<AllowedHeader>x-amz-*</AllowedHeader><AllowedHeader>Content-Type</AllowedHeader><ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-amz-version-id</ExposeHeader><MaxAgeSeconds>3000</MaxAgeSeconds></CORSRule>
<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule></CORSConfiguration>`

// TestCORSConfiguration: what is no set of rules is refused (API reference,
// "PutBucketCors", "CORSRule"), and what is kept is answered as it was.
func TestCORSConfiguration(t *testing.T) {
	w := newWorld(t)
	rule := func(inner string) string {
		return `<CORSConfiguration><CORSRule>` + inner + `</CORSRule></CORSConfiguration>`
	}
	const right = `<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>`
	for _, bad := range []struct{ document, code string }{
		{"", "MalformedXML"},
		{"<CORSConfiguration/>", "MalformedXML"},
		{"<Other/>", "MalformedXML"},
		{rule(""), "MalformedXML"},
		{rule("<AllowedMethod>GET</AllowedMethod>"), "MalformedXML"},
		{rule("<AllowedOrigin>*</AllowedOrigin>"), "MalformedXML"},
		{rule("<AllowedOrigin></AllowedOrigin><AllowedMethod>GET</AllowedMethod>"), "MalformedXML"},
		{rule(right + "<Strange>1</Strange>"), "MalformedXML"},
		{rule(right + "<MaxAgeSeconds>-1</MaxAgeSeconds>"), "MalformedXML"},
		{rule(right + "<MaxAgeSeconds>a</MaxAgeSeconds>"), "MalformedXML"},
		{rule(right + "<MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>2</MaxAgeSeconds>"), "MalformedXML"},
		{rule(right + "<ExposeHeader>a&#13;&#10;Set-Cookie: b</ExposeHeader>"), "MalformedXML"},
		{rule(right + "<AllowedMethod>OPTIONS</AllowedMethod>"), "InvalidRequest"},
		{rule(right + "<AllowedMethod>get</AllowedMethod>"), "InvalidRequest"},
		{rule(right + "<AllowedOrigin>http://*.example.*</AllowedOrigin>"), "InvalidRequest"},
		{rule(right + "<AllowedHeader>*-*</AllowedHeader>"), "InvalidRequest"},
		{rule(right + "<ExposeHeader>*</ExposeHeader>"), "InvalidRequest"},
		{rule(right + "<ID>" + strings.Repeat("a", 256) + "</ID>"), "InvalidRequest"},
		{"<CORSConfiguration>" + strings.Repeat("<CORSRule>"+right+"</CORSRule>", 101) + "</CORSConfiguration>", "InvalidRequest"},
	} {
		w.want(w.admin, "PUT /fleet?cors", bad.document, 400, bad.code)
	}
	w.want(w.admin, "GET /fleet?cors", "", 404, "NoSuchCORSConfiguration")
	w.want(w.admin, "PUT /nowhere?cors", exampleCORS, 404, "NoSuchBucket")
	w.want(w.device, "PUT /fleet?cors", exampleCORS, 403, "AccessDenied")
	w.want(w.admin, "PUT /fleet?cors", "<CORSConfiguration>"+strings.Repeat("<CORSRule>"+right+"</CORSRule>", 100)+"</CORSConfiguration>", 200, "")
	w.want(w.admin, "PUT /fleet?cors", exampleCORS, 200, "")
	w.contains(w.want(w.admin, "GET /fleet?cors", "", 200, ""), "<ID>page</ID>", "<AllowedOrigin>https://*.example.com</AllowedOrigin>",
		"<AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>", "<MaxAgeSeconds>3000</MaxAgeSeconds>", "<ExposeHeader>ETag</ExposeHeader>", "<AllowedHeader>x-amz-*</AllowedHeader>")
	w.want(w.admin, "DELETE /fleet?cors", "", 204, "")
	w.want(w.admin, "GET /fleet?cors", "", 404, "NoSuchCORSConfiguration")
}

// preflight asks what a browser asks, with nobody's signature.
func (w *world) preflight(path, origin, method, headers string) *thingtest.Response {
	w.Helper()
	var h []string
	for name, v := range map[string]string{"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers} {
		if v != "" {
			h = append(h, name, v)
		}
	}
	return w.unsigned("OPTIONS "+path, "", h...)
}

func TestPreflight(t *testing.T) {
	w := newWorld(t)
	w.want(w.admin, "PUT /fleet?cors", exampleCORS, 200, "")
	for _, test := range []struct {
		path, origin, method, headers string
		status                        int
		code                          string
	}{
		{"/fleet/lamp/a", "https://www.example.com", "PUT", "x-amz-date, content-type", 200, ""},
		{"/fleet", "https://www.example.com", "GET", "", 200, ""},
		{"/fleet/", "https://www.example.com", "GET", "", 200, ""},
		{"/fleet/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00", "https://www.example.com", "PUT", "", 200, ""},
		{"/fleet/k?uploadId=u&partNumber=1", "https://www.example.com", "PUT", "", 200, ""},
		{"/fleet/k", "https://www.example.com", "DELETE", "", 403, "AccessForbidden"},
		{"/fleet/k", "https://www.example.com.evil.org", "GET", "", 403, "AccessForbidden"},
		{"/fleet/k", "https://example.com", "GET", "", 403, "AccessForbidden"},
		{"/fleet/k", "null", "GET", "", 403, "AccessForbidden"},
		{"/fleet/k", "https://www.example.com", "PUT", "authorization", 403, "AccessForbidden"},
		{"/fleet/k", "https://www.example.com", "PUT", "x-amz-date,authorization", 403, "AccessForbidden"},
		{"/fleet/k", "https://www.example.com", "PUT", strings.Repeat("x-amz-a,", 65), 403, "AccessForbidden"},
		{"/own/k", "https://www.example.com", "GET", "", 403, "AccessForbidden"},
		{"/nowhere/k", "https://www.example.com", "GET", "", 403, "AccessForbidden"},
		{"/", "https://www.example.com", "GET", "", 403, "AccessForbidden"},
		{"/fleet/k", "", "GET", "", 400, "BadRequest"},
		{"/fleet/k", "https://www.example.com", "", "", 400, "BadRequest"},
		{"/fleet/k", "https://www.example.com", "PATCH", "", 400, "BadRequest"},
		{"/Fleet/k", "https://www.example.com", "GET", "", 400, "InvalidBucketName"},
	} {
		r := w.preflight(test.path, test.origin, test.method, test.headers)
		if code := codeOf(r); r.Status != test.status || code != test.code {
			t.Errorf("%+v: %d %s", test, r.Status, r.Body)
		}
		if got := r.Header.Get("Access-Control-Allow-Origin"); (got != "") != (test.status == 200) {
			t.Errorf("%+v: allowed origin %q", test, got)
		}
	}
	r := w.preflight("/fleet/lamp/a", "https://www.example.com", "PUT", "x-amz-date,content-type")
	wantHeaders(t, r.Header, map[string]string{
		"Access-Control-Allow-Origin": "https://www.example.com", "Access-Control-Allow-Methods": "GET, PUT",
		"Access-Control-Allow-Headers": "x-amz-date, content-type", "Access-Control-Expose-Headers": "ETag, x-amz-version-id",
		"Access-Control-Max-Age": "3000", "Access-Control-Allow-Credentials": "true",
		"Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method", "Content-Length": "0",
	})
	if len(r.Body) > 0 {
		t.Errorf("body %q", r.Body)
	}
	r = w.preflight("/fleet/lamp/a", "https://elsewhere.org", "HEAD", "")
	wantHeaders(t, r.Header, map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "HEAD",
		"Access-Control-Allow-Credentials": "", "Access-Control-Allow-Headers": "", "Access-Control-Max-Age": ""})
	here, nowhere := w.preflight("/own/k", "https://a.example.com", "GET", ""), w.preflight("/nowhere/k", "https://a.example.com", "GET", "")
	if plain(here) != plain(nowhere) {
		t.Errorf("a preflight tells which buckets there are:\n%s\n%s", here.Body, nowhere.Body)
	}
	// Signed or not, it is what it is, and does nothing else.
	if r := w.do(w.admin, "OPTIONS /fleet/lamp/a", ""); r.Status != 400 {
		t.Errorf("signed: %d %s", r.Status, r.Body)
	}
}

// plain is an error without what is another for each request.
func plain(r *thingtest.Response) string {
	text, _, _ := strings.Cut(string(r.Body), "<RequestId>")
	return fmt.Sprint(r.Status, text)
}

func wantHeaders(t *testing.T, h http.Header, want map[string]string) {
	t.Helper()
	for name, v := range want {
		if got := strings.Join(h[name], "|"); got != v {
			t.Errorf("%s: %q, want %q", name, got, v)
		}
	}
}

// TestCrossOrigin: what a page may see of an answer, errors above all, is said
// in the answer itself.
func TestCrossOrigin(t *testing.T) {
	w := newWorld(t)
	w.want(w.admin, "PUT /fleet?cors", exampleCORS, 200, "")
	w.want(w.admin, "PUT /fleet/lamp/a", "x", 200, "")
	const page = "https://www.example.com"
	for _, test := range []struct {
		c            *thingtest.Client // nil for an unsigned request
		line, origin string
		status       int
		allowed      string
	}{
		{w.device, "GET /fleet/lamp/a", page, 200, page},
		{w.device, "PUT /fleet/lamp/b", page, 200, page},
		{w.device, "GET /fleet/lamp/none", page, 403, page},
		{w.device, "GET /fleet/other", page, 403, page},
		{w.admin, "GET /fleet/none", page, 404, page},
		{nil, "GET /fleet/lamp/a", page, 403, page},
		{nil, "PUT /fleet/lamp/a", page, 403, page},
		{w.device, "DELETE /fleet/lamp/b", page, 204, ""},
		{w.device, "GET /fleet/lamp/a", "https://elsewhere.org", 200, ""},
		{w.device, "HEAD /fleet/lamp/a", "https://elsewhere.org", 200, "*"},
		{w.device, "GET /fleet/lamp/a", "", 200, ""},
		{w.admin, "GET /own/none", page, 404, ""},
		{w.admin, "GET /", page, 200, ""},
	} {
		var headers []string
		if test.origin != "" {
			headers = []string{"Origin", test.origin}
		}
		r := (*thingtest.Response)(nil)
		if test.c == nil {
			r = w.unsigned(test.line, "", headers...)
		} else {
			r = w.do(test.c, test.line, "", headers...)
		}
		if got := r.Header.Get("Access-Control-Allow-Origin"); r.Status != test.status || got != test.allowed {
			t.Errorf("%s from %q: %d, allowed %q, want %d, %q", test.line, test.origin, r.Status, got, test.status, test.allowed)
		}
		if varies := r.Header.Get("Vary") != ""; varies != (test.allowed != "") {
			t.Errorf("%s from %q: Vary %q", test.line, test.origin, r.Header["Vary"])
		}
	}
	r := w.do(w.device, "GET /fleet/lamp/a", "", "Origin", page)
	wantHeaders(t, r.Header, map[string]string{"Access-Control-Allow-Methods": "GET, PUT", "Access-Control-Expose-Headers": "ETag, x-amz-version-id",
		"Access-Control-Max-Age": "3000", "Access-Control-Allow-Credentials": "true"})
	w.want(w.admin, "DELETE /fleet?cors", "", 204, "")
	if r := w.do(w.device, "GET /fleet/lamp/a", "", "Origin", page); r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("rules outlive their removal")
	}
}

// browser does what a browser does with a request of a page (Fetch Standard,
// "CORS protocol"): it asks beforehand unless the request could be a form's, and
// shows the page what the answer lets it see.
func (w *world) browser(origin, method, path, body string, headers map[string]string) (r *thingtest.Response, etag string, err error) {
	w.Helper()
	var names, sent []string
	for name, v := range headers {
		names, sent = append(names, strings.ToLower(name)), append(sent, name, v)
	}
	if method != "GET" && method != "HEAD" && method != "POST" || len(names) > 0 {
		ask := w.preflight(path, origin, method, strings.Join(names, ","))
		if ask.Status < 200 || ask.Status > 299 || !allows(ask.Header, origin) {
			return nil, "", fmt.Errorf("preflight: %d", ask.Status)
		}
		if !strings.Contains(", "+ask.Header.Get("Access-Control-Allow-Methods")+",", ", "+method+",") {
			return nil, "", fmt.Errorf("method %s is not allowed", method)
		}
		allowed := ", " + strings.ToLower(ask.Header.Get("Access-Control-Allow-Headers")) + ","
		for _, name := range names {
			if !strings.Contains(allowed, ", "+name+",") {
				return nil, "", fmt.Errorf("header %s is not allowed", name)
			}
		}
	}
	r = w.unsigned(method+" "+path, body, append(sent, "Origin", origin)...)
	if !allows(r.Header, origin) {
		return nil, "", fmt.Errorf("the answer, %d, is not for this page", r.Status)
	}
	if strings.Contains(r.Header.Get("Access-Control-Expose-Headers"), "ETag") {
		etag = r.Header.Get("ETag")
	}
	return r, etag, nil
}

func allows(h http.Header, origin string) bool {
	got := h["Access-Control-Allow-Origin"]
	return len(got) == 1 && (got[0] == "*" || got[0] == origin)
}

// TestPage: a page uploads and downloads with URLs that somebody presigned for
// it, and a page from elsewhere does not, with the same URLs.
func TestPage(t *testing.T) {
	w := newWorld(t)
	w.want(w.admin, "PUT /fleet?cors", exampleCORS, 200, "")
	url := func(method string) string {
		r, err := http.NewRequestWithContext(t.Context(), method, w.server.APIURL()+"/fleet/lamp/photo", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, path, _ := strings.Cut(sigv4.Presign(r, w.device.Credentials, "us-east-1", "s3", time.Now(), time.Minute), w.server.APIURL())
		return path
	}
	const page = "https://www.example.com"
	kind := map[string]string{"Content-Type": "image/png"}
	r, etag, err := w.browser(page, "PUT", url("PUT"), "pixels", kind)
	if err != nil || r.Status != 200 || etag == "" {
		t.Fatalf("upload: %+v, %q, %v", r, etag, err)
	}
	if r, _, err := w.browser(page, "GET", url("GET"), "", nil); err != nil || r.Status != 200 || string(r.Body) != "pixels" {
		t.Errorf("download: %+v, %v", r, err)
	}
	if r, _, err := w.browser(page, "GET", strings.Replace(url("GET"), "photo", "other", 1), "", nil); err != nil || r.Status != 403 {
		t.Errorf("the page does not hear of errors: %+v, %v", r, err)
	}
	for name, try := range map[string]func() error{
		"another origin": func() error { return third(w.browser("https://evil.example", "PUT", url("PUT"), "x", kind)) },
		"another method": func() error { return third(w.browser(page, "DELETE", url("DELETE"), "", nil)) },
		"another header": func() error {
			return third(w.browser(page, "PUT", url("PUT"), "x", map[string]string{"Authorization": "x"}))
		},
		"a simple GET":   func() error { return third(w.browser("https://evil.example", "GET", url("GET"), "", nil)) },
		"another bucket": func() error { return third(w.browser(page, "GET", "/own/k", "", nil)) },
	} {
		if try() == nil {
			t.Errorf("%s is let through", name)
		}
	}
	if r := w.do(w.admin, "GET /fleet/lamp/photo", ""); string(r.Body) != "pixels" {
		t.Errorf("the object is %q", r.Body)
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }
