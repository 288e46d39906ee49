package why_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/why"
)

func TestAllowedIsExplainedToo(t *testing.T) {
	w := newWorld(t)
	id := w.exchange(w.device, "cameras", "bulbthing", 200)
	w.why([]string{id}, "ALLOWED", "Credentials were issued", "statement 1 of IoT policy fleet", "named in the header")
	resp, err := w.session("bulbthing").S3(t.Context(), http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", []byte("x"))
	w.must(err)
	w.why([]string{w.id2(resp)}, "ALLOWED", `statement 2 "Own"`, `${credentials-iot:ThingName} is "bulbthing"`)
	id = w.refused(w.Admin, http.MethodGet, "/vincent-iot/bulbthing/none", "NoSuchKey")
	w.why([]string{id}, "FAILED", "No policy is the cause")
}

func TestAskWithoutRequest(t *testing.T) {
	w := newWorld(t)
	ask := []string{"--certificate", w.id, "--alias", "cameras", "--action", "s3:PutObject", "--resource", bucket + "/bulbthing/x"}
	w.why(ask, "DENIED", "nothing was sent", "has no value", "x-amzn-iot-thingname: bulbthing")
	w.why(append(ask, "--thing", "bulbthing"), "ALLOWED", `${credentials-iot:ThingName} is "bulbthing"`)
	w.why([]string{"--certificate", w.id, "--alias", "cameras", "--thing", "lampthing"}, "DENIED", "attach-thing-principal")
	w.why([]string{"--certificate", strings.Repeat("0", 64), "--alias", "cameras"}, "not registered")
	w.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`)
	w.settle()
	w.why(append(ask, "--context", "aws:SourceIp=10.1.2.3"), "ALLOWED")
	w.why(append(ask, "--context", "aws:SourceIp=192.0.2.1"), "DENIED", `aws:SourceIp is "192.0.2.1"`)
	out := w.program("", 64, "why", "--certificate", w.id)
	w.says(out, "--certificate and --alias")
	out = w.program("", 1, append([]string{"why"}, ask[:6]...)...)
	w.says(out, "needs a resource too")
}

// TestJSON holds the shape that programs read.
func TestJSON(t *testing.T) {
	w := newWorld(t)
	id := w.refused(w.session(""), http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "AccessDenied")
	out := w.program("", 0, "why", id, "--output", "json")
	var e why.Explanation
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	w.must(decoder.Decode(&e))
	if e.RequestID != id || e.Outcome != why.Denied || e.Action != "s3:PutObject" || e.FailedStep != "permission" || e.Status != 403 || len(e.Changes) != 1 || len(e.Statements) != 1 {
		t.Errorf("%+v", e)
	}
	if s := e.Statements[0]; s.Policy != "upload" || s.Number != 2 || s.Sid != "Own" || s.Effect != "Allow" || s.Applies || len(s.Elements) != 2 || !s.Elements[0].Fits || s.Elements[1].Fits {
		t.Errorf("%+v", s)
	}
	var raw map[string]any
	w.must(json.Unmarshal([]byte(out), &raw))
	for _, name := range []string{"requestId", "hypothetical", "time", "outcome", "door", "operation", "action", "resource", "principal", "remote", "status", "code", "summary", "failedStep", "steps", "statements", "otherStatements", "changes", "now"} {
		if _, ok := raw[name]; !ok {
			t.Errorf("no field %s", name)
		}
	}
	short := w.explanation(id[:8])
	if short.RequestID != id {
		t.Errorf("%s found %s", id[:8], short.RequestID)
	}
}

func TestNoSuchRequest(t *testing.T) {
	w := newWorld(t)
	w.says(w.program("", 1, "why", "00000000-0000-4000-8000-000000000000"), "no request", "older than 1h0m0s")
}

// TestNothingSecretIsTold looks for what a device was given in all that is kept.
func TestNothingSecretIsTold(t *testing.T) {
	w := newWorld(t)
	c := w.session("")
	ids := []string{
		w.refused(c, http.MethodPut, "/vincent-iot/a", "AccessDenied"),
		w.refused(wrongSecret(c), http.MethodPut, "/vincent-iot/a", "SignatureDoesNotMatch"),
	}
	for _, id := range ids {
		out := w.program("", 0, "why", id, "--output", "json")
		for _, secret := range []string{c.Credentials.SecretAccessKey, c.Credentials.SessionToken} {
			if strings.Contains(out, secret) {
				t.Errorf("%s tells a secret", id)
			}
		}
	}
}

func TestTry(t *testing.T) {
	w := newWorld(t)
	c := w.session("bulbthing")
	_, err := c.S3(t.Context(), http.MethodPut, "/vincent-iot/bulbthing/a", []byte("x"))
	w.must(err)
	_, err = c.S3(t.Context(), http.MethodGet, "/vincent-iot/bulbthing/a", nil)
	w.must(err)
	w.refused(c, http.MethodGet, "/vincent-iot", "AccessDenied")
	try := []string{"policy", "try", "--role", "CameraRole", "--name", "upload", "-"}

	w.says(w.program(fence, 0, try...), "3 decisions of 1 caller", "Nobody would lose or gain anything", "write s3:ListBucket")

	narrower := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::vincent-iot/${credentials-iot:ThingName}/*"}]}`
	w.says(w.program(narrower, 2, try...), "1 caller would lose", "bulbthing", "s3:GetObject on "+bucket+"/bulbthing/a", "1 time")

	wider := strings.Replace(fence, "s3:HeadBucket", "s3:ListBucket", 1)
	w.says(w.program(wider, 0, try...), "1 caller would gain", "s3:ListBucket on "+bucket)

	report := w.program(narrower, 2, append(try, "--output", "json")...)
	var r why.Report
	w.must(json.Unmarshal([]byte(report), &r))
	if r.Replayed != 3 || r.Same != 2 || len(r.Loses) != 1 || r.Loses[0].Certificate != w.id || r.Loses[0].Count != 1 {
		t.Errorf("%+v", r)
	}
	w.says(w.program("{", 1, try...), "would not be saved")
	w.says(w.program(fence, 1, "policy", "try", "--role", "Nobody", "--name", "x", "-"), "cannot be found")
	w.says(w.program(fence, 64, "policy", "try", "-"), "--iot-policy NAME")
}

func TestTryIoTPolicy(t *testing.T) {
	w := newWorld(t)
	w.exchange(w.device, "cameras", "", 200)
	w.exchange(w.device, "lamps", "", 403)
	try := []string{"policy", "try", "--iot-policy", "fleet", "-"}
	other := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"arn:aws:iot:us-east-1:123456789012:rolealias/lamps"}]}`
	w.says(w.program(other, 2, try...), "1 caller would lose", "rolealias/cameras", "1 caller would gain", "rolealias/lamps", w.id)
}

func TestTryManagedPolicy(t *testing.T) {
	w := newWorld(t)
	arn := "arn:aws:iam::" + account + ":policy/extra"
	w.iam("CreatePolicy", "PolicyName", "extra", "PolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}`)
	w.iam("AttachRolePolicy", "RoleName", "CameraRole", "PolicyArn", arn)
	w.settle()
	_, err := w.session("bulbthing").S3(t.Context(), http.MethodGet, "/vincent-iot", nil)
	w.must(err)
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:ListBucket","Resource":"*"}]}`
	w.says(w.program(deny, 2, "policy", "try", "--managed", arn, "-"), "1 caller would lose", "s3:ListBucket", "denied by statement 1")
}

func TestLint(t *testing.T) {
	w := &world{t: t}
	w.says(w.program(fence, 0, "policy", "lint", "-"), "s3:HeadBucket is an API call", "write s3:ListBucket", "saves as identity policy")
	w.program(fence, 1, "policy", "lint", "--strict", "-")
	w.says(w.program("{}", 1, "policy", "lint", "-"), "refused")
	w.says(w.program(trust, 0, "policy", "lint", "--kind", "trust", "-"), "saves as trust policy")
	w.says(w.program(trust, 0, "policy", "lint", "-"), "saves as trust policy")
	w.says(w.program(trust, 1, "policy", "lint", "--kind", "identity", "-"), "refused", "try --kind trust")
	locks := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}]}`
	w.says(w.program(locks, 0, "policy", "lint", "-"), "saves as resource policy", "locks everybody out", "locks-out")
	w.program(locks, 1, "policy", "lint", "--strict", "-")
	exchange := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iot:AssumeRoleWithCertificate"],"Resource":"*"}}`
	w.says(w.program(exchange, 0, "policy", "lint", "-"), "saves as iot policy")
	big := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"arn:aws:iot:*:*:rolealias/` + strings.Repeat("x", 2100) + `"}]}`
	w.says(w.program(big, 1, "policy", "lint", "--kind", "iot", "-"), "2048 are allowed")
}

func TestControlSocket(t *testing.T) {
	w := newWorld(t)
	socket := filepath.Join(w.Dir, "control.sock")
	info, err := os.Stat(socket)
	w.must(err)
	if info.Mode().Type() != os.ModeSocket || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	w.must(w.Shutdown())
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("after shutdown: %v", err)
	}
	out := w.program("", 1, "why", "00000000")
	w.says(out, "no server runs on "+w.Dir, "thingpass serve --data")
	// One that a killed server left behind.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	w.must(err)
	l.SetUnlinkOnClose(false)
	w.must(l.Close())
	w.says(w.program("", 1, "why", "00000000"), "no server runs on")
}

// TestDecodedMessage is what AWS's own way to explain a denial answers.
func TestDecodedMessage(t *testing.T) {
	w := newWorld(t)
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/lampthing/x", "AccessDenied")
	resp, err := w.Admin.Query(t.Context(), "sts", "DecodeAuthorizationMessage", "EncodedMessage", id)
	w.must(err)
	var out struct {
		Message string `xml:"DecodeAuthorizationMessageResult>DecodedMessage"`
	}
	w.must(xml.Unmarshal(resp.Body, &out))
	var decoded struct {
		Allowed, ExplicitDeny bool
		Context               struct {
			Principal        struct{ ID, ARN string }
			Action, Resource string
			Conditions       struct {
				Items []struct {
					Key    string
					Values struct{ Items []struct{ Value string } }
				}
			}
		}
	}
	w.must(json.NewDecoder(bytes.NewBufferString(out.Message)).Decode(&decoded))
	if decoded.Allowed || decoded.ExplicitDeny || decoded.Context.Action != "s3:PutObject" || !strings.Contains(decoded.Context.Principal.ARN, w.id) || len(decoded.Context.Conditions.Items) == 0 {
		t.Errorf("%s", out.Message)
	}
}
