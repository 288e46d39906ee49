package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
)

// TestPresignedLife: a presigned URL of another service than S3 ends when a
// signature in a header would.
func TestPresignedLife(t *testing.T) {
	s, c := start(t)
	presign := func(service, path string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.APIURL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		url := sigv4.Presign(r, s.Admin.Credentials, "us-east-1", service, c.Now(), 24*time.Hour)
		if r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil); err != nil {
			t.Fatal(err)
		}
		return r
	}
	identity, aliases, buckets := presign("sts", "/?Action=GetCallerIdentity&Version=2011-06-15"), presign("iot", "/role-aliases"), presign("s3", "/")
	for _, r := range []*http.Request{identity, aliases, buckets} {
		if got := send(t, s, r); got.status != http.StatusOK {
			t.Errorf("%+v", got)
		}
	}
	c.advance(15*time.Minute + time.Second)
	if got := send(t, s, identity); got.code != "SignatureDoesNotMatch" || !strings.Contains(got.body, "15 minutes") {
		t.Errorf("%+v", got)
	}
	if got := send(t, s, aliases); got.code != "InvalidSignatureException" || !strings.Contains(got.body, "15 minutes") {
		t.Errorf("%+v", got)
	}
	if got := send(t, s, buckets); got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
}

// TestHeadersOfOperationsAreSigned: nobody may put another principal into a
// request that somebody else signed.
func TestHeadersOfOperationsAreSigned(t *testing.T) {
	s, c := start(t)
	read := 0
	for _, q := range []struct{ method, path, header string }{
		{http.MethodPut, "/things/lamp/principals", "x-amzn-principal"},
		{http.MethodGet, "/principals/things", "x-amzn-principal"},
		{http.MethodPut, "/principal-policies/p", "x-amzn-iot-principal"},
	} {
		for _, signed := range []bool{true, false} {
			r, err := http.NewRequestWithContext(t.Context(), q.method, s.APIURL()+q.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if signed {
				r.Header.Set(q.header, "arn:aws:iot:us-east-1:123456789012:cert/x")
			}
			r.Header.Set("X-Amzn-Trace-Id", "Root=1")
			sigv4.Sign(r, s.Admin.Credentials, "us-east-1", "iot", c.Now(), sigv4.PayloadHash(nil))
			r.Header.Set(q.header, "arn:aws:iot:us-east-1:123456789012:cert/x")
			if got := send(t, s, r); (got.code == "IncompleteSignatureException") == signed {
				t.Errorf("%s, signed %v: %+v", q.path, signed, got)
			}
			read++
		}
	}
	if read == 0 {
		t.Error("nothing was tried")
	}
}

// TestUnboundedQuestions: no policy is asked about what is longer than anything
// could be, or about a key in two spellings.
func TestUnboundedQuestions(t *testing.T) {
	s, log := startLogged(t)
	long := strings.Repeat("a", 900_000)
	for _, q := range [][]string{
		{"sts", "AssumeRole", "RoleArn", "arn:aws:iam::1:role/" + long, "RoleSessionName", "xx"},
		{"sts", "AssumeRole", "RoleArn", "arn:aws:iam::1:role/x", "RoleSessionName", "xx", "ExternalId", long},
		{"iam", "GetRole", "RoleName", long},
		{"iam", "CreateRole", "RoleName", "x", "AssumeRolePolicyDocument", "{}", "Tags.member.1.Key", long, "Tags.member.1.Value", "v"},
	} {
		resp, err := s.Admin.Query(t.Context(), q[0], q[1], q[2:]...)
		if err == nil || resp.Status != http.StatusBadRequest || !strings.Contains(err.Error(), "ValidationError") || len(resp.Body) > 2000 {
			t.Errorf("%s: %.200v", q[1], err)
		}
	}
	if l := log.last(t, "GetRole"); l.Code != "ValidationError" || l.Decision != "" {
		t.Errorf("%+v", l)
	}
	err := s.Admin.Call(t.Context(), http.MethodPost, "/role-aliases/x", `{"roleArn":"arn:aws:iam::123456789012:role/R","tags":[{"Key":"team","Value":"good"},{"Key":"Team","Value":"evil"}]}`, nil)
	if err == nil || !strings.Contains(err.Error(), "400 InvalidRequestException") {
		t.Errorf("two spellings: %v", err)
	}
	header := http.Header{"User-Agent": {strings.Repeat("a", 3000)}}
	resp, err := s.Admin.Do(t.Context(), "s3", http.MethodGet, "/", header, nil)
	if err != nil || resp.Status != http.StatusBadRequest {
		t.Errorf("a long user agent: %v", resp)
	}
}

// TestDeletionsAreRecorded: the audit line of a DeleteObjects says what was
// decided about its keys.
func TestDeletionsAreRecorded(t *testing.T) {
	s, log := startLogged(t)
	creds := powerless(t, s)
	if _, err := s.Admin.Query(t.Context(), "iam", "PutRolePolicy", "RoleName", "Powerless", "PolicyName", "p", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Sid":"Mine","Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::fleet/mine/*"}}`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Admin.S3(t.Context(), http.MethodPut, "/fleet", nil); err != nil {
		t.Fatal(err)
	}
	time.Sleep(700 * time.Millisecond) // answers of the store are at most this old
	for body, want := range map[string]line{
		"<Object><Key>mine/a</Key></Object><Object><Key>a</Key></Object><Object><Key>b</Key></Object>": {
			Action: "s3:DeleteObject", Resource: "arn:aws:s3:::fleet/a", Decision: "implicit deny", Reason: "2 of 3 keys refused; identity-based policy",
		},
		"<Object><Key>mine/a</Key></Object>": {
			Action: "s3:DeleteObject", Resource: "arn:aws:s3:::fleet/mine/a", Decision: "allow", Reason: "0 of 1 keys refused; identity-based policy p Mine",
		},
	} {
		if _, err := s.Client(creds).S3(t.Context(), http.MethodPost, "/fleet?delete", []byte("<Delete>"+body+"</Delete>")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
		got := log.last(t, "DeleteObjects")
		if got.Action != want.Action || got.Resource != want.Resource || got.Reason != want.Reason || !strings.EqualFold(strings.ReplaceAll(got.Decision, "_", " "), want.Decision) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
