package why_test

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/test/rig"
)

// The causes of a refused exchange (AWS's answers tell only three of them
// apart).

func TestUnregisteredCertificate(t *testing.T) {
	w := newWorld(t)
	stranger, err := rig.Unregistered()
	w.must(err)
	id := w.exchange(w.Device(stranger.Certificate), "cameras", "", 403)
	w.why([]string{id}, "DENIED", "not registered here", "aws iot register-certificate-without-ca", "aws iot attach-policy --policy-name fleet --target arn:aws:iot:us-east-1:123456789012:cert/")
}

func TestNoCertificate(t *testing.T) {
	w := newWorld(t)
	bare := *w.device
	bare.HTTP = w.Admin.HTTP
	id := w.exchange(&bare, "cameras", "", 403)
	w.why([]string{id}, "presented no certificate", "curl --cert")
}

func TestInactiveCertificate(t *testing.T) {
	w := newWorld(t)
	w.iot(http.MethodPut, "/certificates/"+w.id+"?newStatus=INACTIVE", nil)
	w.settle()
	id := w.exchange(w.device, "cameras", "bulbthing", 403)
	w.why([]string{id}, "The certificate is INACTIVE", "aws iot update-certificate --certificate-id "+w.id+" --new-status ACTIVE", "still be refused")
	w.iot(http.MethodPut, "/certificates/"+w.id+"?newStatus=ACTIVE", nil)
	w.settle()
	w.why([]string{id}, "the same exchange would succeed")
}

func TestExpiredCertificate(t *testing.T) {
	w := newWorld(t)
	w.later(60 * 365 * 24 * time.Hour)
	id := w.exchange(w.device, "cameras", "bulbthing", 403)
	w.why([]string{id}, "expired at", "aws iot create-certificate-from-csr", "aws iot attach-policy --policy-name fleet", "aws iot attach-thing-principal --thing-name bulbthing")
}

func TestWrongThing(t *testing.T) {
	w := newWorld(t)
	id := w.exchange(w.device, "cameras", "lampthing", 403)
	w.why([]string{id}, `says it is thing "lampthing"`, "aws iot attach-thing-principal --thing-name lampthing --principal "+w.certARN(), "x-amzn-iot-thingname: bulbthing")
	id = w.exchange(w.device, "cameras", "BulbThing", 403)
	w.why([]string{id}, "x-amzn-iot-thingname: bulbthing instead of BulbThing")
	id = w.exchange(w.device, "cameras", "nosuchthing", 403)
	w.why([]string{id}, "aws iot create-thing --thing-name nosuchthing")
}

func TestNoIoTPolicy(t *testing.T) {
	w := newWorld(t)
	cert, id := w.enrol("other")
	request := w.exchange(w.Device(cert), "cameras", "", 403)
	w.why([]string{request}, "No IoT policy is attached", "aws iot attach-policy --policy-name fleet --target arn:aws:iot:us-east-1:123456789012:cert/"+id)
}

func TestIoTPolicyOfAnotherAlias(t *testing.T) {
	w := newWorld(t)
	w.iot(http.MethodPost, "/role-aliases/lamps", map[string]any{"roleArn": "arn:aws:iam::" + account + ":role/CameraRole"})
	id := w.exchange(w.device, "lamps", "", 403)
	w.why([]string{id}, "FAILED", "iot-policy", `has "cameras" where the request has "lamps"`, "rolealias/lamps", "aws iot create-policy-version --set-as-default --policy-name fleet")
}

func TestMissingAlias(t *testing.T) {
	w := newWorld(t)
	w.iot(http.MethodPost, "/policies/any", map[string]any{"policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}`})
	w.iot(http.MethodPut, "/target-policies/any", map[string]any{"target": w.certARN()})
	w.settle()
	id := w.exchange(w.device, "camera", "", 404)
	w.why([]string{id}, `no role alias "camera"`, `There is "cameras"`, "aws iot create-role-alias --role-alias camera")
}

func TestMissingRole(t *testing.T) {
	w := newWorld(t)
	w.iam("DeleteRolePolicy", "RoleName", "CameraRole", "PolicyName", "upload")
	w.iam("DeleteRole", "RoleName", "CameraRole")
	w.settle()
	id := w.exchange(w.device, "cameras", "", 400)
	w.why([]string{id}, "there is no such role", "aws iot update-role-alias --role-alias cameras", "aws iam create-role --role-name CameraRole", "credentials.iot.amazonaws.com")
}

func TestTrustOfAnotherService(t *testing.T) {
	w := newWorld(t)
	w.iam("UpdateAssumeRolePolicy", "RoleName", "CameraRole", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"iot.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	w.settle()
	id := w.exchange(w.device, "cameras", "", 400)
	w.why([]string{id}, "The trust policy of role CameraRole does not let credentials.iot.amazonaws.com assume it", `{"Service":"iot.amazonaws.com"}`, "aws iam update-assume-role-policy --role-name CameraRole", `"Service": "credentials.iot.amazonaws.com"`)
}

func TestAliasLongerThanRole(t *testing.T) {
	w := newWorld(t)
	w.iot(http.MethodPut, "/role-aliases/cameras", map[string]any{"credentialDurationSeconds": 7200})
	w.settle()
	id := w.exchange(w.device, "cameras", "", 400)
	w.why([]string{id}, "credentials of 7200 seconds, and role CameraRole allows 3600", "aws iot update-role-alias --role-alias cameras --credential-duration-seconds 3600", "aws iam update-role --role-name CameraRole --max-session-duration 7200")
}

func TestQuarantine(t *testing.T) {
	w := newWorld(t)
	w.iot(http.MethodPost, "/policies/stop", map[string]any{"policyDocument": `{"Version":"2012-10-17","Statement":[{"Sid":"Stop","Effect":"Deny","Action":"iot:*","Resource":"*"}]}`})
	w.iot(http.MethodPost, "/thing-groups/quarantine", map[string]any{})
	w.iot(http.MethodPut, "/target-policies/stop", map[string]any{"target": "arn:aws:iot:us-east-1:" + account + ":thinggroup/quarantine"})
	w.iot(http.MethodPut, "/thing-groups/addThingToThingGroup", map[string]any{"thingName": "bulbthing", "thingGroupName": "quarantine"})
	w.settle()
	for _, thing := range []string{"bulbthing", ""} {
		id := w.exchange(w.device, "cameras", thing, 403)
		w.why([]string{id}, "a Deny always wins", `"Stop"`, "thing group quarantine", "aws iot remove-thing-from-thing-group --thing-group-name quarantine --thing-name bulbthing")
	}
}

// The causes of a refused request with credentials that were issued.

func TestHeaderNotSent(t *testing.T) {
	w := newWorld(t)
	id := w.refused(w.session(""), http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "AccessDenied")
	w.why([]string{id}, "DENIED", "s3:PutObject on "+bucket+"/bulbthing/clip.mp4",
		"${credentials-iot:ThingName} has no value: the device did not send x-amzn-iot-thingname",
		"x-amzn-iot-thingname: bulbthing", "fetch new credentials")
}

func TestMisspeltVariable(t *testing.T) {
	w := newWorld(t)
	w.permit(`{"Version":"2012-10-17","Statement":[{"Sid":"Own","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::vincent-iot/${credentails-iot:ThingName}/*"}]}`)
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "AccessDenied")
	w.why([]string{id}, "${credentails-iot:ThingName}: no such variable; write ${credentials-iot:ThingName}", "/${credentials-iot:ThingName}/* instead of ", "--role CameraRole --name upload POLICY.json")
}

func TestFolderOfAnotherDevice(t *testing.T) {
	w := newWorld(t)
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/lampthing/clip.mp4", "AccessDenied")
	w.why([]string{id}, `${credentials-iot:ThingName} is "bulbthing"`, `has "bulbthing/*" where the request has "lampthing/clip.mp4"`, "stay inside its fence", bucket+"/bulbthing/*")
}

func TestHeadBucketIsNoAction(t *testing.T) {
	w := newWorld(t)
	id := w.refused(w.session("bulbthing"), http.MethodHead, "/vincent-iot", "AccessDenied")
	w.why([]string{id}, "s3:ListBucket on "+bucket, "s3:HeadBucket is an API call and no action", "Write s3:ListBucket instead of s3:HeadBucket")
}

func TestBucketIsNotItsObjects(t *testing.T) {
	w := newWorld(t)
	w.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::vincent-iot/*"}]}`)
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodGet, "/vincent-iot", "AccessDenied")
	w.why([]string{id}, "names what is in the bucket, and s3:ListBucket is about the bucket itself: arn:aws:s3:::vincent-iot", `"Resource": "arn:aws:s3:::vincent-iot"`)
}

// TestMissingObject is the denial that is none: who may not list is not told
// that an object does not exist.
func TestMissingObject(t *testing.T) {
	w := newWorld(t)
	id := w.refused(w.session("bulbthing"), http.MethodGet, "/vincent-iot/bulbthing/none", "AccessDenied")
	w.why([]string{id}, "What was named does not exist", "Correct the name", "s3:ListBucket")
}

func TestExplicitDeny(t *testing.T) {
	w := newWorld(t)
	w.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},
		{"Sid":"NoDeletion","Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]}`)
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodDelete, "/vincent-iot/bulbthing/clip.mp4", "AccessDenied")
	w.why([]string{id}, "a Deny always wins", `"NoDeletion"`, "statement 2 \"NoDeletion\" of identity-based policy upload", "Change or remove")
}

func TestNoPolicyAtAll(t *testing.T) {
	w := newWorld(t)
	w.iam("DeleteRolePolicy", "RoleName", "CameraRole", "PolicyName", "upload")
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "AccessDenied")
	w.why([]string{id}, "role CameraRole has no identity-based policy at all", "aws iam put-role-policy --role-name CameraRole", bucket+"/${credentials-iot:ThingName}/*")
}

func TestCondition(t *testing.T) {
	w := newWorld(t)
	w.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`)
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/x", "AccessDenied")
	w.why([]string{id}, `IpAddress aws:SourceIp: "10.0.0.0/8"`, `aws:SourceIp is "127.0.0.1"`)
}

func TestBoundary(t *testing.T) {
	w := newWorld(t)
	w.iam("CreatePolicy", "PolicyName", "limit", "PolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`)
	w.iam("PutRolePermissionsBoundary", "RoleName", "CameraRole", "PermissionsBoundary", "arn:aws:iam::"+account+":policy/limit")
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "AccessDenied")
	w.why([]string{id}, "no permissions boundary allows it", "arn:aws:iam::123456789012:policy/limit", "--managed arn:aws:iam::123456789012:policy/limit POLICY.json")
}

func TestExpiredSession(t *testing.T) {
	w := newWorld(t)
	c := w.session("bulbthing")
	w.later(2 * time.Hour)
	id := w.refused(c, http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "ExpiredToken")
	w.why([]string{id}, "The credentials have expired", "and thing bulbthing, for role CameraRole", "Fetch new credentials")
}

func TestRevokedCertificateEndsSession(t *testing.T) {
	w := newWorld(t)
	c := w.session("bulbthing")
	w.iot(http.MethodPut, "/certificates/"+w.id+"?newStatus=REVOKED", nil)
	w.settle()
	id := w.refused(c, http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "InvalidAccessKeyId")
	w.why([]string{id}, "its certificate is REVOKED", "thing bulbthing", "somebody meant it")
}

func TestBadSignature(t *testing.T) {
	w := newWorld(t)
	id := w.refused(wrongSecret(w.session("bulbthing")), http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "SignatureDoesNotMatch")
	w.why([]string{id}, "the secret is wrong, or the request was changed on its way", "Check the secret access key", "Host header")
}

// TestPresignedWithout: a presigned URL is used without a header that it was made
// with.
func TestPresignedWithout(t *testing.T) {
	w := newWorld(t)
	c := w.session("bulbthing")
	q := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {c.Credentials.AccessKeyID + "/" + time.Now().UTC().Format("20060102") + "/us-east-1/s3/aws4_request"},
		"X-Amz-Date": {time.Now().UTC().Format("20060102T150405Z")}, "X-Amz-Expires": {"60"}, "X-Amz-SignedHeaders": {"content-type;host"},
		"X-Amz-Security-Token": {c.Credentials.SessionToken}, "X-Amz-Signature": {strings.Repeat("0", 64)},
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.APIURL()+"/vincent-iot/bulbthing/k?"+q.Encode(), nil)
	w.must(err)
	resp, err := c.HTTP.Do(r)
	w.must(err)
	w.must(resp.Body.Close())
	out := w.why([]string{resp.Header.Get("X-Amz-Request-Id")}, `The signed header "content-type" is not in the request`, "with the method and the headers that it was made for")
	if strings.Contains(out, "Check the secret") {
		t.Error("the secret is not the cause")
	}
}

// TestDenyWithTwoConditions: one of them is enough to escape it.
func TestDenyWithTwoConditions(t *testing.T) {
	w := newWorld(t)
	w.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},
		{"Effect":"Deny","Action":"s3:Put*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Bool":{"aws:SecureTransport":"true"}}}]}`)
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "AccessDenied")
	if out := w.why([]string{id}, "1. Make the request one", "2. Or: make the request one", "3. Or: change"); strings.Count(out, "Make the request one") != 1 {
		t.Error("not all are needed")
	}
}

// TestMissingObjectBehindPrefix: a request for an object has no prefix that it
// could be made to fit.
func TestMissingObjectBehindPrefix(t *testing.T) {
	w := newWorld(t)
	w.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::vincent-iot/*"},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::vincent-iot","Condition":{"StringLike":{"s3:prefix":"${credentials-iot:ThingName}/*"}}}]}`)
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodHead, "/vincent-iot/bulbthing/none", "AccessDenied")
	if out := w.why([]string{id}, "Correct the name", "without the condition s3:prefix", "list the whole bucket"); strings.Contains(out, "ake the request fit") {
		t.Error("no request for an object has a prefix")
	}
}

func TestSkewedClock(t *testing.T) {
	w := newWorld(t)
	c := w.session("bulbthing")
	c.Now = func() time.Time { return time.Now().Add(-2 * time.Hour) }
	id := w.refused(c, http.MethodPut, "/vincent-iot/bulbthing/clip.mp4", "RequestTimeTooSkewed")
	w.why([]string{id}, "clocks of client and server do not agree", "NTP")
}

func TestUnknownKey(t *testing.T) {
	w := newWorld(t)
	c := *w.Admin
	c.Credentials.AccessKeyID = "AKIAAAAAAAAAAAAAAAAA"
	id := w.refused(&c, http.MethodGet, "/vincent-iot", "InvalidAccessKeyId")
	w.why([]string{id}, "AKIAAAAAAAAAAAAAAAAA is no good here", "aws iam list-access-keys")
}

func TestUnsigned(t *testing.T) {
	w := newWorld(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.APIURL()+"/vincent-iot", nil)
	w.must(err)
	resp, err := w.Admin.HTTP.Do(r)
	w.must(err)
	_ = resp.Body.Close()
	w.why([]string{resp.Header.Get("X-Amzn-Requestid")}, "was not signed", "only with --s3-public")
}

// The other kinds of policy.

func TestRoleThatDoesNotTrustTheCaller(t *testing.T) {
	w := newWorld(t)
	w.iam("CreateRole", "RoleName", "Other", "AssumeRolePolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/CameraRole"},"Action":"sts:AssumeRole"}]}`)
	resp, err := w.Admin.Do(t.Context(), "sts", http.MethodPost, "/", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		[]byte("Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/Other&RoleSessionName=me"))
	w.must(err)
	w.why([]string{w.id2(resp)}, "sts:AssumeRole on arn:aws:iam::123456789012:role/Other", "role trust policy", "does not name arn:aws:iam::123456789012:user/admin",
		"aws iam update-assume-role-policy --role-name Other", `"AWS": "arn:aws:iam::123456789012:user/admin"`)
}

func TestUserWithoutPermission(t *testing.T) {
	w := newWorld(t)
	w.iam("CreateUser", "UserName", "alice")
	resp, err := w.Admin.Query(t.Context(), "iam", "CreateAccessKey", "UserName", "alice")
	w.must(err)
	var key struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	w.must(xml.Unmarshal(resp.Body, &key))
	alice := w.Client(sigv4.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret})
	id := w.refused(alice, http.MethodGet, "/vincent-iot", "AccessDenied")
	w.why([]string{id}, key.ID+" of user alice", "user alice has no identity-based policy at all", "aws iam put-user-policy --user-name alice", `"Action": "s3:ListBucket"`)
	w.iam("UpdateAccessKey", "UserName", "alice", "AccessKeyId", key.ID, "Status", "Inactive")
	w.settle()
	id = w.refused(alice, http.MethodGet, "/vincent-iot", "InvalidAccessKeyId")
	w.why([]string{id}, "access key is inactive", "aws iam update-access-key --user-name alice --access-key-id "+key.ID+" --status Active")
}

func TestThingWithoutAttribute(t *testing.T) {
	w := newWorld(t)
	w.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::vincent-iot/${credentials-iot:ThingAttribute/site}/*"}]}`)
	w.settle()
	id := w.refused(w.session("bulbthing"), http.MethodPut, "/vincent-iot/berlin/x", "AccessDenied")
	w.why([]string{id}, "${credentials-iot:ThingAttribute/site} has no value: thing bulbthing has no attribute site", "aws iot update-thing --thing-name bulbthing --attribute-payload")
}
