package gate_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

// auditLog keeps the audit lines of a server.
type auditLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *auditLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// line is what the tests look at in an audit line.
type line struct {
	Level, Msg, Operation, Action, Resource, Decision, Reason, Code string
	Status                                                          int
}

// last is the newest audit line of an operation. A request may be answered
// before its line is written, so it is looked for until the test's end.
func (l *auditLog) last(t *testing.T, operation string) (found line) {
	t.Helper()
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		l.mu.Lock()
		text := l.text.String()
		l.mu.Unlock()
		for row := range strings.Lines(text) {
			var v line
			if json.Unmarshal([]byte(row), &v) == nil && v.Msg == "request" && v.Operation == operation {
				found = v
			}
		}
		if found.Msg != "" {
			return found
		}
	}
	t.Fatalf("no audit line of %s", operation)
	return found
}

func startLogged(t *testing.T) (*thingtest.Server, *auditLog) {
	t.Helper()
	l := &auditLog{}
	s, err := thingtest.Start(context.WithoutCancel(t.Context()), thingtest.Options{Log: slog.New(slog.NewJSONHandler(l, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, l
}

// TestS3ExplainsMismatch: the fields that help to find what was signed
// differently are there, also as bytes, and the token is in none.
func TestS3ExplainsMismatch(t *testing.T) {
	s, c := start(t)
	creds := powerless(t, s)
	token := creds.SessionToken
	creds.SecretAccessKey += "x"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.APIURL()+"/some-name", nil)
	if err != nil {
		t.Fatal(err)
	}
	sigv4.Sign(r, creds, "us-east-1", "s3", c.Now(), sigv4.PayloadHash(nil))
	got := send(t, s, r)
	var e struct {
		Code, StringToSign, StringToSignBytes, CanonicalRequest, CanonicalRequestBytes string
	}
	if err := xml.Unmarshal([]byte(got.body), &e); err != nil {
		t.Fatal(err)
	}
	for text, asBytes := range map[string]string{e.StringToSign: e.StringToSignBytes, e.CanonicalRequest: e.CanonicalRequestBytes} {
		raw, err := hex.DecodeString(strings.ReplaceAll(asBytes, " ", ""))
		if err != nil || text == "" || string(raw) != text {
			t.Errorf("bytes %q do not spell %q", asBytes, text)
		}
		if strings.Contains(text, token) {
			t.Error("the token is shown")
		}
	}
}

func TestS3NamesUnknownKey(t *testing.T) {
	s, c := start(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.APIURL()+"/some-name", nil)
	if err != nil {
		t.Fatal(err)
	}
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: "AKIANOSUCHKEY", SecretAccessKey: "x"}, "us-east-1", "s3", c.Now(), sigv4.PayloadHash(nil))
	if got := send(t, s, r); got.code != "InvalidAccessKeyId" || !strings.Contains(got.body, "<AWSAccessKeyId>AKIANOSUCHKEY</AWSAccessKeyId>") {
		t.Errorf("%+v", got)
	}
}

// TestUnsignedNamespace: the version in the query says which service is meant.
func TestUnsignedNamespace(t *testing.T) {
	s, _ := start(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.APIURL()+"/?Action=GetCallerIdentity&Version=2011-06-15", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := send(t, s, r); got.code != "MissingAuthenticationToken" || !strings.Contains(got.body, "sts.amazonaws.com") {
		t.Errorf("%+v", got)
	}
}

// TestNotImplementedIsNoAlarm: what a client asks for and is not here is not
// the operator's fault.
func TestNotImplementedIsNoAlarm(t *testing.T) {
	s, log := startLogged(t)
	resp, err := s.Admin.Do(t.Context(), "s3", http.MethodGet, "/some-name?intelligent-tiering", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Status != http.StatusNotImplemented {
		t.Fatalf("%d %s", resp.Status, resp.Body)
	}
	if l := log.last(t, ""); l.Code != "NotImplemented" || l.Level != "INFO" {
		t.Errorf("%+v", l)
	}
}

// TestS3TellsUnreadableSignatures: each has the status and code that S3 has for
// it, and none shows the header, which may hold a password.
func TestS3TellsUnreadableSignatures(t *testing.T) {
	s, c := start(t)
	creds := powerless(t, s)
	for name, test := range map[string]struct {
		spoil  func(r *http.Request)
		status int
		code   string
	}{
		"no date":            {func(r *http.Request) { r.Header.Set("X-Amz-Date", "") }, 403, "AccessDenied"},
		"another date":       {func(r *http.Request) { r.Header.Set("X-Amz-Date", "03032006") }, 403, "AccessDenied"},
		"Basic":              {func(r *http.Request) { r.Header.Set("Authorization", "Basic c2VjcmV0OnNlY3JldA==") }, 400, "InvalidArgument"},
		"no type":            {func(r *http.Request) { r.Header.Set("Authorization", "c2VjcmV0OnNlY3JldA==") }, 400, "InvalidArgument"},
		"another version":    {edit("AWS4-HMAC-SHA256", "AWS2-HMAC-SHA1"), 400, "InvalidArgument"},
		"ECDSA":              {edit("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), 400, "InvalidRequest"},
		"Version 2":          {func(r *http.Request) { r.Header.Set("Authorization", "AWS c2VjcmV0OnNlY3JldA==") }, 400, "InvalidRequest"},
		"another service":    {edit("/s3/", "/sns/"), 400, "AuthorizationHeaderMalformed"},
		"another terminator": {edit("aws4_request", "aws5_request"), 400, "AuthorizationHeaderMalformed"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.APIURL()+"/some-name", nil)
		if err != nil {
			t.Fatal(err)
		}
		sigv4.Sign(r, creds, "us-east-1", "s3", c.Now(), sigv4.PayloadHash(nil))
		test.spoil(r)
		if got := send(t, s, r); got.status != test.status || got.code != test.code || strings.Contains(got.body, "c2VjcmV0") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, change := range map[string][2]string{
		"another algorithm": {"AWS4-HMAC-SHA256", "AWS4-SHA256"}, "ECDSA": {"AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"}, "another service": {"%2Fs3%2F", "%2Fsns%2F"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.APIURL()+"/some-name", nil)
		if err != nil {
			t.Fatal(err)
		}
		url := sigv4.Presign(r, creds, "us-east-1", "s3", c.Now(), time.Minute)
		if r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(url, change[0], change[1], 1), nil); err != nil {
			t.Fatal(err)
		}
		if got := send(t, s, r); got.status != 400 || got.code != "AuthorizationQueryParametersError" {
			t.Errorf("%s in a URL: %+v", name, got)
		}
	}
}

// edit changes the Authorization header.
func edit(from, to string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
	}
}
