package s3_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/upstream"
)

// TestForwardedPreflight: the engine's own rules answer browsers, and its
// refusals say nothing of the bucket.
func TestForwardedPreflight(t *testing.T) {
	var asked *http.Request
	w, e := frontOf(t, upstream.Ceph, nil)
	e.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodOptions {
			return false
		}
		asked = r
		switch {
		case strings.HasSuffix(r.URL.Path, "/none"):
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuchBucket</Code></Error>")
		case strings.HasSuffix(r.URL.Path, "/down"):
			w.WriteHeader(http.StatusBadGateway)
		case r.Header.Get("Origin") != "https://a":
			w.WriteHeader(http.StatusForbidden)
		default:
			h := w.Header()
			h.Set("Access-Control-Allow-Origin", "https://a")
			h.Set("Access-Control-Allow-Methods", "PUT")
			h.Set("Vary", "Origin")
			h.Set("X-Amz-Meta-A", "secret")
			w.WriteHeader(http.StatusNoContent)
		}
		return true
	}
	ask := func(path, origin string, status int) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, w.server.APIURL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		asked = nil
		r.Header = http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"PUT"}, "Access-Control-Request-Headers": {"x-amz-date, authorization"},
			"Cookie": {"c"}, "X-Forwarded-For": {"1.2.3.4"}}
		resp, err := w.admin.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s of %s: %d", path, origin, resp.StatusCode)
		}
		return resp
	}
	h := ask("/cam-a/k%2Fx", "https://a", 200).Header
	if h.Get("Access-Control-Allow-Origin") != "https://a" || h.Get("Access-Control-Allow-Methods") != "PUT" || h.Get("Vary") != "Origin" || h.Get("X-Amz-Meta-A") != "" {
		t.Errorf("the client saw %v", h)
	}
	if asked == nil || asked.URL.Path != "/cam-a/k/x" || asked.Header.Get("Access-Control-Request-Headers") != "x-amz-date, authorization" ||
		asked.Header.Get("Authorization") != "" || asked.Header.Get("Cookie") != "" || asked.Header.Get("X-Forwarded-For") != "" {
		t.Errorf("the engine saw %v", asked)
	}
	ask("/cam-a?x-id=1", "https://a", 200)
	ask("/cam-a/k", "https://b", 403)
	ask("/cam-a/none", "https://a", 403)
	ask("/cam-a/down", "https://a", 503)
}

// TestForwardedOrigin: an engine's word on an origin is for who named one, also in
// errors and in what is answered anew here.
func TestForwardedOrigin(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://a")
		w.Header().Set("Vary", "Origin")
		switch {
		case strings.HasSuffix(r.URL.Path, "/none"):
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
		case r.Method != http.MethodGet:
			_, _ = io.WriteString(w, "<DeleteResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'/>")
		}
	})
	for _, q := range []struct {
		line, body string
		status     int
		code       string
	}{
		{"GET /cam-a/k", "", 200, ""}, {"GET /cam-a/none", "", 404, "NoSuchKey"}, {"PUT /cam-a/k", "x", 200, ""},
		{"POST /cam-a?delete", "<Delete><Object><Key>k</Key></Object></Delete>", 200, ""},
	} {
		if r := w.want(w.admin, q.line, q.body, q.status, q.code); r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", q.line, r.Header)
		}
		r := w.want(w.admin, q.line, q.body, q.status, q.code, "Origin", "https://a")
		if got := e.last(); r.Header.Get("Access-Control-Allow-Origin") != "https://a" || r.Header.Get("Vary") != "Origin" || got.Header.Get("Origin") != "https://a" {
			t.Errorf("%s with an origin: %v", q.line, r.Header)
		}
	}
}

// TestForwardedPreflightOfStrangers: who has shown no signature does not learn of
// which kind an engine is.
func TestForwardedPreflightOfStrangers(t *testing.T) {
	w, _ := frontOf(t, upstream.Other, nil)
	for _, path := range []string{"k/..", "k?versionId=a_b", "k?uploadId=..", "k"} {
		w.want(w.admin, "OPTIONS /cam-a/"+path, "", 403, "AccessForbidden", "Origin", "https://a", "Access-Control-Request-Method", "PUT", "If-Match", "x")
	}
}
