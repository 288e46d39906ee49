package s3_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/upstream"
)

const engineSecret = "engine-secret-that-nobody-may-see"

// engine is a server that checks signatures as S3 does, and notes what it saw.
type engine struct {
	t      testing.TB
	answer http.HandlerFunc
	before func(http.ResponseWriter, *http.Request) bool // what is not signed; true when it has answered

	mu   sync.Mutex
	seen []*seen
}

type seen struct {
	*http.Request
	path string // decoded
	body string
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "engine/1")
	w.Header().Set("X-Amz-Request-Id", "of-the-engine")
	w.Header().Set("X-Rgw-Object-Type", "Normal")
	if r.URL.RawQuery == "max-buckets=1" {
		return // whether it is there
	}
	if e.before != nil && e.before(w, r) {
		return
	}
	sig, err := sigv4.Parse(r)
	if err == nil {
		err = sig.Verify(r, engineSecret, sigv4.Rules{S3: true, Now: time.Now()}, "")
	}
	var body *sigv4.Body
	if err == nil {
		body, err = sig.Body(r, engineSecret)
	}
	var read []byte
	if err == nil {
		read, err = io.ReadAll(body)
	}
	if err != nil {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>ENGINEKEY</AWSAccessKeyId></Error>")
		return
	}
	e.mu.Lock()
	e.seen = append(e.seen, &seen{r, r.URL.Path, string(read)})
	e.mu.Unlock()
	if e.answer != nil {
		e.answer(w, r)
	}
}

// last returns what the engine saw since the last call, if anything.
func (e *engine) last() *seen {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.seen) == 0 {
		return nil
	}
	s := e.seen[len(e.seen)-1]
	e.seen = nil
	return s
}

// behind starts a world in front of an engine that has the buckets cam-*.
func behind(t testing.TB, endpoint string, kind upstream.Kind, log io.Writer) *thingtest.Server {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if log == nil {
		log = io.Discard
	}
	cfg := upstream.Config{Name: "back", Endpoint: u, Region: "eu-back-1", Prefix: "cam-", Kind: kind,
		AccessKeyID: "ENGINEKEY", SecretKey: thingpass.NewSecret(engineSecret),
		Timeouts: upstream.Timeouts{Stall: 700 * time.Millisecond, Turn: 100 * time.Millisecond, Think: time.Second}}
	s, err := thingtest.Start(t.Context(), thingtest.Options{
		Log:       slog.New(slog.NewJSONHandler(log, nil)),
		S3Engines: []upstream.Config{cfg},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func frontOf(t *testing.T, kind upstream.Kind, answer http.HandlerFunc) (*world, *engine) {
	t.Helper()
	e := &engine{t: t, answer: answer}
	listening := httptest.NewServer(e)
	t.Cleanup(listening.Close)
	s := behind(t, listening.URL, kind, nil)
	return &world{T: t, server: s, admin: s.Admin}, e
}

// TestForwarded: what an engine is given, and what a client is shown.
func TestForwarded(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"abc"`)
		w.Header().Set("X-Amz-Meta-Some-Name", "v")
		w.Header().Set("X-Amz-Version-Id", "7")
		if r.URL.Query().Has("versioning") {
			documents(w, r)
		} else if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, "hello")
		}
	})
	r := w.want(w.admin, "PUT /cam-a/k?x-id=PutObject", "hello", 200, "", "Content-Type", "text/x", "Content-Encoding", "aws-chunked,gzip",
		"X-Amz-Meta-B", "1  2", "Cookie", "secret", "X-Forwarded-For", "1.2.3.4", "Forwarded", "for=1", "If-None-Match", "*", "X-Amz-User-Agent", "x", "Via", "y", "Expect", "100-continue")
	got := e.last()
	for name, want := range map[string]string{
		"Content-Type": "text/x", "Content-Encoding": "gzip", "X-Amz-Meta-B": "1  2", "Cookie": "", "X-Forwarded-For": "", "Forwarded": "",
		"If-None-Match": "*", "X-Amz-Security-Token": "", "X-Amz-User-Agent": "", "Via": "", "Expect": "", "X-Amz-Content-Sha256": sigv4.PayloadHash([]byte("hello")),
		"User-Agent": "thingpass", "Accept-Encoding": "identity", "Content-Length": "5",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: the engine saw %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if got.body != "hello" || got.RequestURI != "/cam-a/k" || len(got.TransferEncoding) > 0 || !strings.Contains(got.Header.Get("Authorization"), "ENGINEKEY/") {
		t.Errorf("the engine saw %s %q %v", got.RequestURI, got.body, got.Header)
	}
	for name, want := range map[string]string{"Etag": `"abc"`, "Server": "", "X-Rgw-Object-Type": "", "X-Amz-Version-Id": "7"} {
		if r.Header.Get(name) != want {
			t.Errorf("%s: the client saw %q, want %q", name, r.Header.Get(name), want)
		}
	}
	if r.Header.Get("X-Amz-Request-Id") == "of-the-engine" {
		t.Error("the client saw the engine's request id")
	}
	r = w.want(w.admin, "GET /cam-a/k?response-content-type=a%2Bb%20c&partNumber=1", "", 200, "", "Range", "bytes=0-1")
	if got = e.last(); got.Header.Get("Range") != "bytes=0-1" || got.URL.Query().Get("response-content-type") != "a+b c" || string(r.Body) != "hello" {
		t.Errorf("the engine saw %s %v", got.RequestURI, got.Header)
	}
	w.want(w.admin, "PUT /own", "", 200, "")
	w.want(w.admin, "PUT /own/k", "here", 200, "")
	if got = e.last(); got != nil {
		t.Errorf("the engine saw %s", got.RequestURI)
	}
}

// TestForwardedErrors: an engine's error reaches the client as S3's, and says
// nothing of the engine.
func TestForwardedErrors(t *testing.T) {
	answers := map[string]struct {
		status int
		body   string
	}{
		"nokey":     {404, "<?xml version='1.0'?><Error><Code>NoSuchKey</Code><BucketName>cam-a</BucketName><RequestId>tx1</RequestId><HostId>node7-default</HostId></Error>"},
		"signature": {403, "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>ENGINEKEY</AWSAccessKeyId><StringToSign>x</StringToSign></Error>"},
		"keyid":     {403, "<Error><Code>InvalidAccessKeyId</Code><Message>ENGINEKEY is not known</Message></Error>"},
		"skew":      {403, "<Error><Code>RequestTimeTooSkewed</Code></Error>"},
		"redirect":  {301, "<Error><Code>PermanentRedirect</Code><Endpoint>node7.example</Endpoint></Error>"},
		"moved":     {307, ""},
		"garbage":   {500, "<html>node7"},
		"gateway":   {502, ""},
		"length":    {411, ""},
		"internal":  {500, "<Error><Code>InternalError</Code><Message>oops</Message></Error>"},
		"quota":     {403, "<Error><Code>QuotaExceeded</Code></Error>"},
		"argument":  {400, "<Error><Code>InvalidArgument</Code></Error>"},
	}
	w, _ := frontOf(t, upstream.Ceph, func(w http.ResponseWriter, r *http.Request) {
		a := answers[strings.TrimPrefix(r.URL.Path, "/cam-a/")]
		w.Header().Set("Location", "http://node7.example/")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	})
	for key, want := range map[string]struct {
		status int
		code   string
	}{
		"nokey": {404, "NoSuchKey"}, "signature": {503, "SlowDown"}, "keyid": {503, "SlowDown"}, "skew": {503, "SlowDown"}, "redirect": {503, "SlowDown"},
		"moved": {503, "SlowDown"}, "garbage": {503, "SlowDown"}, "gateway": {503, "SlowDown"}, "length": {503, "SlowDown"},
		"internal": {500, "InternalError"}, "quota": {403, "QuotaExceeded"}, "argument": {400, "InvalidArgument"},
	} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			r := w.want(w.admin, method+" /cam-a/"+key, "", want.status, want.code)
			w.contains(r, "<Message>", "<RequestId>"+r.Header.Get("X-Amz-Request-Id")+"</RequestId>")
			shown := fmt.Sprint(r.Header, string(r.Body))
			for _, own := range []string{"ENGINEKEY", "node7", "tx1", "engine/1", engineSecret, "of-the-engine", "Part number"} {
				if strings.Contains(shown, own) {
					t.Errorf("%s: the client saw %s: %s", key, own, shown)
				}
			}
		}
		if r := w.do(w.admin, "HEAD /cam-a/"+key, ""); r.Status < 400 {
			t.Errorf("HEAD %s: %d", key, r.Status)
		}
	}
}

// lines is an audit log that can be asked for its last line.
type lines struct {
	mu   sync.Mutex
	text []byte
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

// resource waits for the audit line of one request and returns what was
// authorised.
func (l *lines) resource(t testing.TB) string {
	t.Helper()
	for range 2000 {
		l.mu.Lock()
		text := l.text
		if i := bytes.IndexByte(text, '\n'); i >= 0 && bytes.Contains(text[:i], []byte(`"msg":"request"`)) {
			l.text = nil
			l.mu.Unlock()
			var line struct{ Resource, Decision string }
			if err := json.Unmarshal(text[:i], &line); err != nil {
				t.Fatal(err)
			}
			return line.Resource
		}
		l.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
	t.Fatal("no audit line")
	return ""
}

// TestForwardedKey and FuzzForwardedKey compare the key that was authorised with
// the one that the engine saw, for what may stand in a path, in a copy source
// and in a list of deletions.
func TestForwardedKey(t *testing.T) {
	check := keyCheck(t)
	for i, key := range oddKeys {
		check(t, key, oddIDs[i%len(oddIDs)])
	}
}

var oddKeys = []string{
	"k", "a/b", "..", "../x", "a/../b", "./a", "a//b", "/", "//", "/a", "a/", "a%2Fb", "%2e%2e/x", "a%25b", "a%2525b", "a+b", "a%2Bb", "a%20b",
	"%00", "a%00b", "%ff%fe", "a%3Fb=c", "a%3fuploads", "a%23b", "a;b", "a&b=c", "a%3Bb", "~a", "'()*!", "%E2%82%AC", "a%0Ab", "a%0D%0AHost:x", "a%5Cb",
	"a:b@c", "=", "a%", "a%zz", "%", "a%C0%AFb", "%7Fx", "b?acl", "b?versionId=x", "b?partNumber=1%26uploadId=x",
}

// oddIDs are of uploads and versions.
var oddIDs = []string{
	"2~abcdefghijklmnopqrstuvwxyz-_123", "b.2~x", "2~x.2~y", "2~a.b", ".", "abcdefghijklmnopqrstuvwx.yz-123", "abcdefghijklmnopqrstuvwx.yz-12_b", "_", "null", "null_b", "",
}

func FuzzForwardedKey(f *testing.F) {
	for i, key := range oddKeys {
		f.Add(key, oddIDs[i%len(oddIDs)])
	}
	check := keyCheck(f)
	f.Fuzz(func(t *testing.T, key, id string) { check(t, key, id) })
}

func keyCheck(tb testing.TB) func(t testing.TB, key, id string) {
	e := &engine{t: tb, answer: documents}
	listening := httptest.NewServer(e)
	tb.Cleanup(listening.Close)
	log := &lines{}
	s := behind(tb, listening.URL, upstream.Ceph, log)
	base, err := url.Parse(s.APIURL())
	if err != nil {
		tb.Fatal(err)
	}
	send := func(t testing.TB, method, path string, header http.Header, body []byte) (int, string) {
		r := &http.Request{Method: method, URL: &url.URL{Scheme: base.Scheme, Host: base.Host}, Host: base.Host, Header: header}
		target, query, _ := strings.Cut(path, "?")
		decoded, err := url.PathUnescape(target)
		if err != nil || strings.ContainsAny(path, " \r\n\t#") || slices.ContainsFunc([]byte(path), func(c byte) bool { return c < 0x21 || c > 0x7e }) {
			return 0, "" // no client can send it
		}
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = decoded, target, query
		if _, err := url.ParseQuery(query); err != nil {
			return 0, ""
		}
		if body != nil {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		log.mu.Lock()
		log.text = nil
		log.mu.Unlock()
		_ = e.last()
		sigv4.Sign(r, s.Admin.Credentials, "us-east-1", "s3", time.Now(), sigv4.PayloadHash(body))
		resp, err := s.Admin.HTTP.Do(r.WithContext(t.Context()))
		if err != nil {
			t.Skip(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode, log.resource(t)
	}
	return func(t testing.TB, key, id string) {
		if status, asked := send(t, "GET", "/cam-a/"+key, http.Header{}, nil); status != 0 {
			compare(t, "path "+key, asked, status, e.last(), func(s *seen) string { return s.path })
		}
		if status, asked := send(t, "PUT", "/cam-a/"+key, http.Header{}, []byte("x")); status != 0 {
			compare(t, "upload "+key, asked, status, e.last(), func(s *seen) string { return s.path })
		}
		if !strings.ContainsFunc(key, func(c rune) bool { return c < 0x20 || c == 0x7f }) {
			status, asked := send(t, "PUT", "/cam-b/to", http.Header{"X-Amz-Copy-Source": {"cam-a/" + key}}, nil)
			if got := e.last(); got != nil && status == 200 {
				if asked != "arn:aws:s3:::cam-a"+decodedSource(t, got)[len("/cam-a"):] || got.path != "/cam-b/to" {
					t.Errorf("copy of %q: authorised %q, the engine saw %q", key, asked, got.Header.Get("X-Amz-Copy-Source"))
				}
			}
		}
		var escaped bytes.Buffer
		_ = xmlEscape(&escaped, key)
		status, asked := send(t, "POST", "/cam-a?delete", http.Header{}, []byte("<Delete><Object><Key>"+escaped.String()+"</Key></Object></Delete>"))
		if got := e.last(); got != nil {
			if status != 200 {
				t.Errorf("deletion of %q: %d", key, status)
			}
			if want := "arn:aws:s3:::cam-a/" + deletedKey(t, got.body); asked != want || got.path != "/cam-a" {
				t.Errorf("deletion of %q: authorised %q, the engine saw %q", key, asked, got.body)
			}
		}
		for parameter, meant := range map[string]func(key, id string) string{"uploadId": cephUploadKey, "versionId": cephVersionKey} {
			path := "/cam-a/" + strings.ReplaceAll(key, "?", "%3F") + "?" + parameter + "=" + url.QueryEscape(id)
			if status, asked := send(t, "GET", path, http.Header{}, nil); status != 0 {
				if got := e.last(); got != nil {
					compare(t, path, asked, status, got, func(s *seen) string {
						return "/cam-a/" + meant(strings.TrimPrefix(s.path, "/cam-a/"), s.URL.Query().Get(parameter))
					})
				}
			}
		}
	}
}

// compare holds what the engine saw to what was authorised; nothing may be seen
// of a request that was not.
func compare(t testing.TB, what, asked string, status int, got *seen, path func(*seen) string) {
	t.Helper()
	if got == nil {
		if status < 400 {
			t.Errorf("%s: %d, and the engine saw nothing", what, status)
		}
		return
	}
	if want := "/" + strings.TrimPrefix(asked, "arn:aws:s3:::"); path(got) != want {
		t.Errorf("%s: authorised %q, the engine saw %q", what, want, path(got))
	}
}

func xmlEscape(w io.Writer, s string) error { return xml.EscapeText(w, []byte(s)) }
