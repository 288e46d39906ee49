package gate_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/wire"
)

// clock is a server clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func start(t *testing.T) (*thingtest.Server, *clock) {
	t.Helper()
	c := &clock{now: time.Now()}
	s, err := thingtest.Start(t.Context(), thingtest.Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

// powerless makes a role without any policy and returns a session of it.
func powerless(t *testing.T, s *thingtest.Server) sigv4.Credentials {
	t.Helper()
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}`
	if _, err := s.Admin.Query(t.Context(), "iam", "CreateRole", "RoleName", "Powerless", "AssumeRolePolicyDocument", trust); err != nil {
		t.Fatal(err)
	}
	resp, err := s.Admin.Query(t.Context(), "sts", "AssumeRole", "RoleArn", "arn:aws:iam::123456789012:role/Powerless", "RoleSessionName", "nobody", "DurationSeconds", "900")
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		Result struct {
			Credentials struct{ AccessKeyId, SecretAccessKey, SessionToken string }
		} `xml:"AssumeRoleResult"`
	}
	if err := xml.Unmarshal(resp.Body, &out); err != nil {
		t.Fatal(err)
	}
	c := out.Result.Credentials
	return sigv4.Credentials{AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
}

var label = regexp.MustCompile(`\{\w+\+?\}`)

// request makes the smallest request that reaches a row.
func request(ctx context.Context, base string, sv gate.Service, op gate.Operation) (*http.Request, []byte, error) {
	if sv.Protocol == wire.Query {
		body := url.Values{"Action": {op.Name}, "Version": {sv.Version}}.Encode()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/", strings.NewReader(body))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return r, []byte(body), err
	}
	var body []byte
	switch op.Name { // rows that ask what the body says
	case "DeleteObjects":
		body = []byte(`<Delete><Object><Key>some-key</Key></Object></Delete>`)
	case "PutObjectTagging":
		body = []byte(`<Tagging><TagSet/></Tagging>`)
	case "PutObjectRetention":
		body = []byte(`<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate></Retention>`)
	case "PutObjectLegalHold":
		body = []byte(`<LegalHold><Status>ON</Status></LegalHold>`)
	}
	path := label.ReplaceAllString(op.Path, "some-name")
	path = strings.Replace(path, "partNumber", "partNumber=1", 1) // numbers are read before anything is asked
	r, err := http.NewRequestWithContext(ctx, op.Method, base+path, bytes.NewReader(body))
	if err == nil && strings.Contains(op.Name, "Copy") {
		r.Header.Set("x-amz-copy-source", "/some-name/other-key")
	}
	return r, body, err
}

// answer is what a row answered.
type answer struct {
	status int
	code   string
	body   string
}

func send(t *testing.T, s *thingtest.Server, r *http.Request) answer {
	t.Helper()
	resp, err := s.Admin.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, body: body.String()}
	read := &thingtest.Response{Status: resp.StatusCode, Header: resp.Header, Body: body.Bytes()}
	if e, ok := read.Err().(*thingtest.Error); ok {
		a.code = e.Code
	}
	if r.Method == http.MethodHead {
		a.code = resp.Header.Get("X-Amz-Error-Code")
	}
	return a
}

// forEach runs a check for every row of the table, and fails if there is none.
func forEach(t *testing.T, s *thingtest.Server, check func(t *testing.T, sv gate.Service, op gate.Operation)) {
	t.Helper()
	count := 0
	for _, sv := range s.Services() {
		for _, op := range sv.Operations {
			// Signed in a field, and never signed: see the tests of package s3.
			if count++; op.Form || op.Preflight {
				continue
			}
			t.Run(sv.Name+"/"+op.Name, func(t *testing.T) { check(t, sv, op) })
		}
	}
	if count < 80 {
		t.Errorf("only %d operations in the table", count)
	}
}

// TestEverythingIsDenied calls every operation as a principal without a
// policy.
func TestEverythingIsDenied(t *testing.T) {
	s, c := start(t)
	nobody := powerless(t, s)
	forEach(t, s, func(t *testing.T, sv gate.Service, op gate.Operation) {
		r, body, err := request(t.Context(), s.APIURL(), sv, op)
		if err != nil {
			t.Fatal(err)
		}
		sigv4.Sign(r, nobody, "us-east-1", sv.Name, c.Now(), sigv4.PayloadHash(body))
		got := send(t, s, r)
		switch op.Name {
		case "GetCallerIdentity": // needs no permission
			if got.status != http.StatusOK {
				t.Errorf("%+v", got)
			}
			return
		case "DeleteObjects": // answers for each key
			if !strings.Contains(got.body, "<Code>AccessDenied</Code>") || strings.Contains(got.body, "<Deleted>") {
				t.Errorf("%+v", got)
			}
			return
		}
		want := answer{status: http.StatusForbidden, code: "AccessDenied"}
		if sv.Protocol == wire.RESTJSON {
			want.code = "AccessDeniedException"
		}
		if got.status != want.status || got.code != want.code {
			t.Errorf("got %d %s %s, want %d %s", got.status, got.code, got.body, want.status, want.code)
		}
		named := slices.ContainsFunc(op.Actions, func(action string) bool {
			return strings.Contains(got.body, "User: arn:aws:sts::123456789012:assumed-role/Powerless/nobody is not authorized to perform: "+action+" on resource: ")
		})
		if r.Method != http.MethodHead && !named {
			t.Errorf("the denial does not say who may not do what: %s", got.body)
		}
	})
}

// TestBadSignatures calls every operation in each way in which a signature can
// be no good.
func TestBadSignatures(t *testing.T) {
	s, c := start(t)
	session := powerless(t, s)
	admin := s.Admin.Credentials
	wrong := admin
	wrong.SecretAccessKey += "x"
	tampered := session
	tampered.SessionToken = session.SessionToken[:40] + flip(session.SessionToken[40]) + session.SessionToken[41:]
	sign := func(creds sigv4.Credentials, age time.Duration) func(*http.Request, gate.Service, []byte) {
		return func(r *http.Request, sv gate.Service, body []byte) {
			sigv4.Sign(r, creds, "us-east-1", sv.Name, c.Now().Add(-age), sigv4.PayloadHash(body))
		}
	}
	for _, way := range []struct {
		name            string
		sign            func(*http.Request, gate.Service, []byte)
		later           time.Duration
		query, json, s3 answer
	}{
		{"unsigned", func(*http.Request, gate.Service, []byte) {}, 0,
			answer{status: 403, code: "MissingAuthenticationToken"}, answer{status: 403, code: "MissingAuthenticationTokenException"}, answer{status: 403, code: "AccessDenied"}},
		{"wrong secret", sign(wrong, 0), 0,
			answer{status: 403, code: "SignatureDoesNotMatch"}, answer{status: 403, code: "InvalidSignatureException"}, answer{status: 403, code: "SignatureDoesNotMatch"}},
		{"tampered token", sign(tampered, 0), 0,
			answer{status: 403, code: "InvalidClientTokenId"}, answer{status: 403, code: "UnrecognizedClientException"}, answer{status: 400, code: "InvalidToken"}},
		{"20 minutes old", sign(admin, 20*time.Minute), 0,
			answer{status: 403, code: "SignatureDoesNotMatch", body: "Signature expired"}, answer{status: 403, code: "InvalidSignatureException", body: "Signature expired"}, answer{status: 403, code: "RequestTimeTooSkewed"}},
		{"expired token", sign(session, 0), 901 * time.Second, // last: it moves the clock
			answer{status: 403, code: "ExpiredToken"}, answer{status: 403, code: "ExpiredTokenException"}, answer{status: 400, code: "ExpiredToken"}},
	} {
		c.advance(way.later)
		t.Run(way.name, func(t *testing.T) {
			forEach(t, s, func(t *testing.T, sv gate.Service, op gate.Operation) {
				r, body, err := request(t.Context(), s.APIURL(), sv, op)
				if err != nil {
					t.Fatal(err)
				}
				way.sign(r, sv, body)
				got := send(t, s, r)
				want := map[wire.Protocol]answer{wire.Query: way.query, wire.RESTJSON: way.json, wire.RESTXML: way.s3}[sv.Protocol]
				if got.status != want.status || got.code != want.code || !strings.Contains(got.body, want.body) {
					t.Errorf("got %d %s %s, want %d %s", got.status, got.code, got.body, want.status, want.code)
				}
			})
		})
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// TestCompatibilityPage compares the table with docs/compatibility.md, both
// ways: a row there looks like "| iot | CreateRoleAlias | …".
func TestCompatibilityPage(t *testing.T) {
	s, _ := start(t)
	page, err := os.ReadFile("../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^\| (iot|iam|sts|s3) \| (\w+) \|`).FindAllStringSubmatch(string(page), -1) {
		listed = append(listed, m[1]+" "+m[2])
	}
	var real []string
	for _, sv := range s.Services() {
		for _, op := range sv.Operations {
			real = append(real, sv.Name+" "+op.Name)
		}
	}
	for _, op := range real {
		if !slices.Contains(listed, op) {
			t.Errorf("%s is not listed", op)
		}
	}
	for i, op := range listed {
		if !slices.Contains(real, op) {
			t.Errorf("%s is listed and does not exist", op)
		}
		if slices.Contains(listed[:i], op) {
			t.Errorf("%s is listed twice", op)
		}
	}
}

// TestOddRequests: what no row matches is refused, in the shape of the service
// it seems to be meant for.
func TestOddRequests(t *testing.T) {
	s, c := start(t)
	for _, q := range []struct {
		service, method, path, header, body string
		status                              int
		code                                string
	}{
		{"iot", "GET", "/no-such-thing", "", "", 404, "UnknownOperationException"},
		{"execute-api", "GET", "/role-aliases", "", "", 200, ""},
		{"iot", "GET", "/role-aliases/x/credentials", "", "", 404, "UnknownOperationException"},
		{"iot", "GET", "/things/../role-aliases", "", "", 404, "UnknownOperationException"},
		{"iot", "GET", "//role-aliases", "", "", 404, "UnknownOperationException"},
		{"iam", "POST", "/", "application/x-www-form-urlencoded", "Action=NoSuch&Version=2010-05-08", 400, "InvalidAction"},
		{"sts", "POST", "/", "application/x-www-form-urlencoded", "Action=GetCallerIdentity&Version=2010-05-08", 400, "InvalidAction"},
		{"sts", "GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "", "", 200, ""},
		{"sts", "POST", "/", "application/x-www-form-urlencoded; charset=utf-8", "Action=GetCallerIdentity&Version=2011-06-15", 200, ""},
		{"sts", "POST", "/", "application/x-www-form-urlencodedish", "Action=GetCallerIdentity&Version=2011-06-15", 400, "InvalidAction"},
		{"sts", "POST", "/foo", "application/x-www-form-urlencoded", "Action=GetCallerIdentity&Version=2011-06-15", 404, "InvalidAction"},
		{"sts", "DELETE", "/", "application/x-www-form-urlencoded", "Action=GetCallerIdentity&Version=2011-06-15", 405, "InvalidAction"},
		{"dynamodb", "GET", "/", "", "", 400, "AuthorizationHeaderMalformed"},
		{"s3", "GET", "/bucket?intelligent-tiering", "", "", 501, "NotImplemented"},
	} {
		t.Run(fmt.Sprintf("%s %s %s", q.service, q.method, q.path), func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), q.method, s.APIURL()+q.path, strings.NewReader(q.body))
			if err != nil {
				t.Fatal(err)
			}
			if q.header != "" {
				r.Header.Set("Content-Type", q.header)
			}
			sigv4.Sign(r, s.Admin.Credentials, "eu-invented-1", q.service, c.Now(), sigv4.PayloadHash([]byte(q.body)))
			if got := send(t, s, r); got.status != q.status || got.code != q.code {
				t.Errorf("%+v", got)
			}
		})
	}
}
