package why_test

import (
	"net/http"
	"strings"
	"testing"
)

// What is proposed must be neither wider than what was asked, nor impossible.

// silent checks what must not be said.
func (w *world) silent(out string, unwanted ...string) {
	w.t.Helper()
	for _, text := range unwanted {
		if strings.Contains(out, text) {
			w.t.Errorf("it says %q\n%s", text, out)
		}
	}
}

const listFence = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::vincent-iot/${credentials-iot:ThingName}/*"},
	{"Sid":"List","Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::vincent-iot","Condition":{"StringLike":{"s3:prefix":"${credentials-iot:ThingName}/*"}}}]}`

func TestRevokedIsFinal(t *testing.T) {
	w := newWorld(t)
	c := w.session("bulbthing")
	w.iot(http.MethodPut, "/certificates/"+w.id+"?newStatus=REVOKED", nil)
	w.settle()
	for _, args := range [][]string{
		{w.exchange(w.device, "cameras", "", 403)},
		{w.refused(c, http.MethodPut, "/vincent-iot/bulbthing/x", "InvalidAccessKeyId")},
		{"--certificate", w.id, "--alias", "cameras"},
	} {
		out := w.why(args, "final", "aws iot create-certificate-from-csr", "aws iot attach-policy --policy-name fleet", "attach-thing-principal --thing-name bulbthing")
		w.silent(out, "--new-status")
	}
}

func TestListingProposedWithPrefix(t *testing.T) {
	w := newWorld(t)
	w.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::vincent-iot/${credentials-iot:ThingName}/*"}]}`)
	w.settle()
	c := w.session("bulbthing")
	id := w.refused(c, http.MethodGet, "/vincent-iot?list-type=2&prefix=bulbthing%2F", "AccessDenied")
	w.why([]string{id}, `with s3:prefix "bulbthing/"`, `"StringLike"`, `"s3:prefix": "${credentials-iot:ThingName}/*"`, "all devices of role CameraRole would get this")
	id = w.refused(c, http.MethodGet, "/vincent-iot?list-type=2&prefix=lampthing%2F", "AccessDenied")
	w.why([]string{id}, "folder of another device, lampthing", "the policy does what it says", "This widens", `"s3:prefix": "lampthing/"`)
	id = w.refused(c, http.MethodGet, "/vincent-iot?list-type=2", "AccessDenied")
	w.why([]string{id}, "s3:prefix", "bulbthing/", "This widens", `"Null"`)
}

func TestFenceIsNotUndone(t *testing.T) {
	w := newWorld(t)
	w.permit(listFence)
	w.settle()
	c := w.session("bulbthing")
	id := w.refused(c, http.MethodGet, "/vincent-iot?list-type=2&prefix=lampthing%2F", "AccessDenied")
	out := w.why([]string{id}, "folder of another device, lampthing", "the policy does what it says", "This widens", "all devices of role CameraRole", `"s3:prefix": "lampthing/"`)
	id = w.refused(c, http.MethodGet, "/vincent-iot?list-type=2", "AccessDenied")
	out += w.why([]string{id}, "the request did not have it", "Make the request fit the condition")
	w.silent(out, "this kind of request")
	ask := []string{"--certificate", w.id, "--alias", "cameras", "--thing", "bulbthing", "--action", "s3:ListBucket", "--resource", bucket}
	out = w.why(ask, "ask again with --context s3:prefix=")
	w.silent(out, "this kind of request", `"Effect"`)
	w.why(append(ask, "--context", "s3:prefix=bulbthing/"), "ALLOWED", "It would be allowed")
	w.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`)
	w.settle()
	out = w.why([]string{w.refused(c, http.MethodPut, "/vincent-iot/bulbthing/x", "AccessDenied")}, "Make the request fit", "Or: change that condition", "put-role-policy")
	w.silent(out, `"Effect"`)
}

func TestFolderOfAnotherIsWidening(t *testing.T) {
	w := newWorld(t)
	c := w.session("bulbthing")
	id := w.refused(c, http.MethodPut, "/vincent-iot/lampthing/clip.mp4", "AccessDenied")
	w.why([]string{id}, "folder of another device, lampthing", "the policy does what it says", "This widens", "all devices of role CameraRole would get this")
	id = w.refused(c, http.MethodPut, "/vincent-iot/lampthing/*", "AccessDenied")
	w.why([]string{id}, `"arn:aws:s3:::vincent-iot/lampthing/${*}"`)
	id = w.refused(c, http.MethodPut, "/vincent-iot/bulbthing", "AccessDenied")
	out := w.why([]string{id}, `has "bulbthing/*" where the request has "bulbthing"`)
	w.silent(out, "the bucket itself")
}

func TestCorrectionIsTheOnlyProposal(t *testing.T) {
	w := newWorld(t)
	w.permit(`{"Version":"2012-10-17","Statement":[{"Sid":"Own","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::vincent-iot/${credentials-iot:ThingNam}/*"}]}`)
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "AccessDenied")
	out := w.why([]string{id}, "no such variable; write ${credentials-iot:ThingName}", "write arn:aws:s3:::vincent-iot/${credentials-iot:ThingName}/* instead of arn:aws:s3:::vincent-iot/${credentials-iot:ThingNam}/*")
	w.silent(out, "2. ")
	w.permit(fence)
	w.settle()
	out = w.why([]string{w.refused(w.session("bulbthing"), http.MethodHead, "/vincent-iot", "AccessDenied")}, "Write s3:ListBucket instead of s3:HeadBucket")
	w.silent(out, "2. ")
	ask := []string{"why", "--certificate", w.id, "--alias", "cameras", "--resource", bucket, "--action"}
	w.says(w.program("", 1, append(ask, "s3:HeadBucket")...), "s3:HeadBucket is no action", "ask for s3:ListBucket")
	w.says(w.program("", 1, append(ask, "s3:ListBuckett")...), "s3:ListBuckett is no action", "ask for s3:ListBucket")
}

func TestMissingAliasBehindThePolicy(t *testing.T) {
	w := newWorld(t)
	id := w.exchange(w.device, "camera", "", 403)
	w.why([]string{id}, "iot-policy", `no role alias "camera"`, `allow "cameras"`, "aws iot create-role-alias --role-alias camera")
}

func TestDenyThatIsTheWholePolicy(t *testing.T) {
	w := newWorld(t)
	w.iam("PutRolePolicy", "RoleName", "CameraRole", "PolicyName", "stop", "PolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`)
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/bulbthing/x", "AccessDenied")
	w.silent(w.why([]string{id}, "aws iam delete-role-policy --role-name CameraRole --policy-name stop"), "put-role-policy")
}

func TestNoRequestForThisServer(t *testing.T) {
	w := newWorld(t)
	resp, err := w.Admin.Do(t.Context(), "s3", http.MethodGet, "/vincent-iot?torrent", nil, nil)
	w.must(err)
	out := w.why([]string{w.id2(resp)}, "FAILED", "not a request that this server answers")
	w.silent(out, "DENIED", ": NotImplemented: ")
}

func TestHeaderThatWasNotSent(t *testing.T) {
	w := newWorld(t)
	w.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},
		{"Effect":"Deny","Action":"s3:PutObject","Resource":"*","Condition":{"StringNotEquals":{"s3:x-amz-storage-class":"STANDARD_IA"}}}]}`)
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/bulbthing/x", "AccessDenied")
	w.silent(w.why([]string{id}, "the request did not have it"), "this kind of request")
}

func TestCertificateIDs(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{w.certARN(), strings.ToUpper(w.id), w.id[:12], w.id[:8] + "…"} {
		w.why([]string{"--certificate", id, "--alias", "cameras"}, "ALLOWED", "Credentials would be issued", w.id)
	}
	for id, want := range map[string]string{
		w.id[:7]: "64 hex digits", "nonsense!": "64 hex digits", "00000000": "no certificate here begins with 00000000",
		strings.Replace(w.certARN(), account, "999999999999", 1): "64 hex digits",
	} {
		w.says(w.program("", 1, "why", "--certificate", id, "--alias", "cameras"), want)
	}
}

func TestShortRequestID(t *testing.T) {
	w := newWorld(t)
	w.says(w.program("", 1, "why", "ab"), "at least four hex digits")
	w.says(w.program("", 1, "why", "zzzz"), "hex digits")
}

func TestJSONOfExchange(t *testing.T) {
	w := newWorld(t)
	for _, status := range []int{200, 403} {
		thing := map[int]string{200: "bulbthing", 403: "lampthing"}[status]
		e := w.explanation(w.exchange(w.device, "cameras", thing, status))
		if e.Alias != "cameras" || e.Certificate != w.id || e.Action != "iot:AssumeRoleWithCertificate" || e.Resource != "arn:aws:iot:us-east-1:"+account+":rolealias/cameras" {
			t.Errorf("%+v", e)
		}
	}
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/lampthing/x", "AccessDenied")
	if e := w.explanation(id); e.Certificate != w.id || e.Alias != "cameras" {
		t.Errorf("%+v", e)
	}
}

func TestAlternativesSaySo(t *testing.T) {
	w := newWorld(t)
	id := w.exchange(w.device, "not%20one", "", 403)
	w.silent(w.why([]string{id}, `no role alias "not one"`), "create-role-alias")
	w.iot(http.MethodPost, "/policies/wide", map[string]any{"policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}`})
	w.iot(http.MethodPost, "/policies/fleet/version?setAsDefault=true", map[string]any{"policyDocument": `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`})
	w.settle()
	id = w.exchange(w.device, "cameras", "", 403)
	w.why([]string{id}, "Make the request fit", "Or: attach an IoT policy that allows it to the certificate: wide")
}
