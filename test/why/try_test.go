package why_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/why"
)

const tryNothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iot:*","Resource":"*"}]}`

// TestTryFutileExchange: who got no credentials for want of an alias, a role or
// its trust has none to lose.
func TestTryFutileExchange(t *testing.T) {
	w := newWorld(t)
	const role = "arn:aws:iam::" + account + ":role/"
	w.iot(http.MethodPost, "/policies/any", map[string]any{"policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}`})
	w.iot(http.MethodPut, "/target-policies/any", map[string]any{"target": w.certARN()})
	w.iam("CreateRole", "RoleName", "Closed", "AssumeRolePolicyDocument", strings.Replace(trust, `"Service":"credentials.iot.amazonaws.com"`, `"AWS":"`+account+`"`, 1))
	w.iot(http.MethodPost, "/role-aliases/gone", map[string]any{"roleArn": role + "Gone"})
	w.iot(http.MethodPost, "/role-aliases/closed", map[string]any{"roleArn": role + "Closed"})
	w.settle()
	w.exchange(w.device, "missing", "", 404)
	w.exchange(w.device, "gone", "", 400)
	w.exchange(w.device, "closed", "", 400)
	try := []string{"policy", "try", "--iot-policy", "any", "-"}
	out := w.program(tryNothing, 0, try...)
	w.says(out, "3 decisions", "Not counted as lost: 3 exchanges that gave no credentials anyway")

	// What worked once is lost, whatever failed before.
	w.iot(http.MethodPost, "/role-aliases/missing", map[string]any{"roleArn": role + "CameraRole"})
	w.settle()
	w.exchange(w.device, "missing", "", 200)
	w.says(w.program(tryNothing, 2, try...), "1 caller would lose", "rolealias/missing\n      1 time,")
	var r why.Report
	w.must(json.Unmarshal([]byte(w.program(tryNothing, 2, append(try, "--output", "json")...)), &r))
	if len(r.Loses) != 1 || r.Failed != 3 || r.Same != 0 || r.Replayed != 4 {
		t.Errorf("%+v", r)
	}
}

// TestTryTellsThingsApart: one certificate speaks for two things, and for none.
func TestTryTellsThingsApart(t *testing.T) {
	w := newWorld(t)
	w.attach("lampthing")
	w.settle()
	for _, thing := range []string{"bulbthing", "lampthing", ""} {
		w.exchange(w.device, "lamps", thing, 403)
		w.refused(w.session(thing), http.MethodGet, "/vincent-iot", "AccessDenied")
	}
	all := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}`
	sections := []string{"3 callers would gain", "  bulbthing  (", "  lampthing  (", "  without a thing  (", "1 time,"}
	w.says(w.program(all, 0, "policy", "try", "--iot-policy", "fleet", "-"), sections...)
	wider := strings.Replace(fence, "s3:HeadBucket", "s3:ListBucket", 1)
	try := []string{"policy", "try", "--role", "CameraRole", "--name", "upload", "-"}
	w.says(w.program(wider, 0, try...), append(sections, "of 3 callers")...)
	var r why.Report
	w.must(json.Unmarshal([]byte(w.program(wider, 0, append(try, "--output", "json")...)), &r))
	if len(r.Gains) != 3 || r.Callers != 3 || r.Gains[0].Thing != "" || r.Gains[1].Thing != "bulbthing" || r.Gains[2].Thing != "lampthing" {
		t.Errorf("%+v", r)
	}
}
