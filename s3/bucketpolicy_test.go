package s3_test

import (
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
)

// eventually waits for what was changed to count.
func (w *world) eventually(holds func() bool) {
	w.Helper()
	for range 40 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.Error("it does not come true")
}

func TestBucketPolicy(t *testing.T) {
	w := newWorld(t)
	a, d := w.admin, w.device
	policy := func(effect, principal, action, resource, more string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"` + action + `","Resource":"arn:aws:s3:::` + resource + `"` + more + `}]}`
	}
	const role = `{"AWS":"arn:aws:iam::123456789012:role/Lamp"}`
	for _, bad := range []string{
		"", "x", "[]", `{}`,
		policy("Allow", role, "s3:GetObject", "own/*", ""), policy("Allow", role, "s3:GetObject", "*", ""), policy("Allow", role, "s3:GetObject", "flee?/*", ""),
		policy("Allow", role, "s3:GetObject", "fleet2/*", ""), policy("Allow", role, "iam:GetUser", "fleet/*", ""), policy("Perhaps", role, "s3:GetObject", "fleet/*", ""),
		policy("Allow", `{"AWS":"arn:aws:iam::123456789012:role/x*"}`, "s3:GetObject", "fleet/*", ""), policy("Allow", role, "s3:GetObject", "fleet/*", `,"Strange":1`),
	} {
		w.want(a, "PUT /fleet?policy", bad, 400, "MalformedPolicy")
	}
	// S3's own rule of statement ids (privatelink-interface-endpoints), and CloudFront's identities.
	w.want(a, "PUT /fleet?policy", strings.Replace(policy("Allow", `{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1HDMB1FH2TC"}`, "s3:GetObject", "fleet/*", ""),
		`{"Effect"`, `{"Sid":"Access-to-specific-VPCE-only","Effect"`, 1), 204, "")
	w.contains(w.want(a, "GET /fleet?policyStatus", "", 200, ""), "<IsPublic>false</IsPublic>")
	w.want(a, "DELETE /fleet?policy", "", 204, "")
	// What AWS refuses and would grant nothing: the messages are those that public reports quote (package policy, TestCheckBucket).
	for _, c := range []struct{ principal, action, resource, more, message, detail string }{
		{role, "s3:GetObject", "fleet", "", "Action does not apply to any resource(s) in statement", "s3:GetObject"},
		{role, "s3:GetObject", "fleet/*", `,"Condition":{"StringLike":{"s3:prefix":"a/*"}}`, "Conditions do not apply to combination of actions and resources in statement", "s3:prefix s3:GetObject"},
		{role, "s3:HeadBucket", "fleet", "", "Policy has invalid action", "s3:HeadBucket"},
		{role, "s3:FooBar", "fleet/*", "", "Policy has invalid action", "s3:FooBar"},
		{`{"AWS":"arn:aws:iam::123456789012:user/nosuch"}`, "s3:GetObject", "fleet/*", "", "Invalid principal in policy", `"AWS" : "arn:aws:iam::123456789012:user/nosuch"`},
		{`{"AWS":"arn:aws:iam::123456789012:role/x/Lamp"}`, "s3:GetObject", "fleet/*", "", "Invalid principal in policy", ""},
		{`{"AWS":"arn:aws:sts::123456789012:assumed-role/nosuch/s"}`, "s3:GetObject", "fleet/*", "", "Invalid principal in policy", ""},
	} {
		r := w.want(a, "PUT /fleet?policy", policy("Allow", c.principal, c.action, c.resource, c.more), 400, "MalformedPolicy")
		w.contains(r, "<Message>"+c.message+"</Message>")
		if detail := strings.ReplaceAll(c.detail, `"`, "&#34;"); detail != "" && !strings.Contains(string(r.Body), "<Detail>"+detail+"</Detail>") {
			t.Errorf("%s: %s", c.action, r.Body)
		}
	}
	w.want(d, "PUT /fleet?policy", policy("Allow", `{"AWS":"arn:aws:iam::123456789012:user/nosuch"}`, "s3:*", "fleet/*", ""), 403, "AccessDenied")
	// Other accounts' users cannot be known.
	w.want(a, "PUT /fleet?policy", policy("Allow", `{"AWS":["arn:aws:iam::210987654321:user/nosuch","arn:aws:iam::123456789012:root"]}`, "s3:GetObject", "fleet/*", ""), 204, "")
	w.want(a, "DELETE /fleet?policy", "", 204, "")
	w.want(a, "PUT /fleet?policy", strings.Repeat(" ", 21000)+"{}", 400, "MaxMessageLengthExceeded")
	w.want(a, "GET /fleet?policy", "", 404, "NoSuchBucketPolicy")
	w.want(a, "GET /fleet?policyStatus", "", 404, "NoSuchBucketPolicy")
	w.want(a, "PUT /nowhere?policy", policy("Allow", role, "s3:GetObject", "nowhere/*", ""), 404, "NoSuchBucket")
	w.want(d, "PUT /fleet?policy", policy("Allow", role, "s3:*", "fleet/*", ""), 403, "AccessDenied")

	w.want(a, "PUT /fleet/bulb/x", "secret", 200, "")
	w.want(d, "GET /fleet/bulb/x", "", 403, "AccessDenied")
	grants := policy("Allow", role, "s3:GetObject", "fleet/*", `,"Condition":{"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}`)
	w.want(a, "PUT /fleet?policy", grants, 204, "")
	if r := w.want(a, "GET /fleet?policy", "", 200, ""); string(r.Body) != grants {
		t.Errorf("policy: %s", r.Body)
	}
	w.contains(w.want(a, "GET /fleet?policyStatus", "", 200, ""), "<IsPublic>false</IsPublic>")
	w.eventually(func() bool { return w.do(d, "GET /fleet/bulb/x", "").Status == 200 })
	w.want(a, "PUT /fleet?policy", policy("Deny", `"*"`, "s3:GetObject", "fleet/bulb/*", ""), 204, "")
	w.eventually(func() bool { return w.do(a, "GET /fleet/bulb/x", "").Status == 403 })
	w.want(a, "DELETE /fleet?policy", "", 204, "")
	w.want(a, "DELETE /fleet?policy", "", 204, "")
	w.eventually(func() bool { return w.do(a, "GET /fleet/bulb/x", "").Status == 200 })

	// A public policy lets nobody in who does not sign, and can be blocked.
	everyone := policy("Allow", `"*"`, "s3:GetObject", "own/*", "")
	w.want(a, "PUT /own?policy", everyone, 204, "")
	w.contains(w.want(a, "GET /own?policyStatus", "", 200, ""), "<IsPublic>true</IsPublic>")
	w.want(a, "PUT /own/k", "x", 200, "")
	nobody := w.server.Client(sigv4.Credentials{})
	if r, err := nobody.HTTP.Get(w.server.APIURL() + "/own/k"); err != nil || r.StatusCode != 403 {
		t.Errorf("nobody: %v, %v", r, err)
	}
	block := `<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls><BlockPublicPolicy>TRUE</BlockPublicPolicy></PublicAccessBlockConfiguration>`
	w.want(a, "PUT /own?publicAccessBlock", block, 200, "")
	w.contains(w.want(a, "GET /own?publicAccessBlock", "", 200, ""), "<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets>")
	w.want(a, "PUT /own?policy", everyone, 403, "AccessDenied")
	w.want(a, "DELETE /own?publicAccessBlock", "", 204, "")
	w.want(a, "PUT /own?policy", everyone, 204, "")

	// A bucket takes its policy with it.
	w.want(a, "DELETE /own/k", "", 204, "")
	w.want(a, "DELETE /own", "", 204, "")
	w.want(a, "PUT /own", "", 200, "")
	w.want(a, "GET /own?policy", "", 404, "NoSuchBucketPolicy")
}

func TestSettings(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	w.want(a, "PUT /fleet?ownershipControls", `<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></OwnershipControls>`, 200, "")
	w.contains(w.want(a, "GET /fleet?ownershipControls", "", 200, ""), "<Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule>")
	w.want(a, "PUT /fleet?ownershipControls", `<OwnershipControls><Rule><ObjectOwnership>Everybody</ObjectOwnership></Rule></OwnershipControls>`, 400, "MalformedXML")
	w.want(a, "DELETE /fleet?ownershipControls", "", 204, "")
	w.want(a, "GET /fleet?ownershipControls", "", 404, "OwnershipControlsNotFoundError")
	w.want(a, "PUT /owned", "", 200, "", "x-amz-object-ownership", "BucketOwnerEnforced")
	w.contains(w.want(a, "GET /owned?ownershipControls", "", 200, ""), "BucketOwnerEnforced")
	w.want(a, "PUT /fleet?requestPayment", `<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>`, 200, "")
	w.want(a, "PUT /fleet?requestPayment", `<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>`, 501, "NotImplemented")
	w.want(a, "PUT /fleet?notification", `<NotificationConfiguration/>`, 200, "")
	w.want(a, "PUT /fleet?notification", `<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>`, 501, "NotImplemented")
	w.want(a, "PUT /fleet?cors", `<CORSConfiguration/>`, 400, "MalformedXML")
	w.want(a, "DELETE /fleet?cors", "", 204, "")
	w.want(a, "PUT /fleet?acl", "", 200, "", "x-amz-acl", "private")
	w.want(a, "PUT /fleet?acl", "", 400, "AccessControlListNotSupported", "x-amz-acl", "public-read")
	acl := string(w.want(a, "GET /fleet?acl", "", 200, "").Body)
	w.want(a, "PUT /fleet?acl", acl, 200, "")
	w.want(a, "PUT /fleet?acl", strings.Replace(acl, "FULL_CONTROL", "READ", 1), 400, "AccessControlListNotSupported")
	w.want(a, "PUT /nowhere?acl", "", 404, "NoSuchBucket", "x-amz-acl", "private")
	for _, line := range []string{"PUT /fleet?acl", "PUT /fleet?requestPayment", "DELETE /fleet?cors", "PUT /fleet?publicAccessBlock", "PUT /fleet?lifecycle", "GET /fleet?metrics", "GET /fleet?metrics&id=a"} {
		w.want(w.device, line, "", 403, "AccessDenied")
	}
}

// TestPoliciesCountAtOnce on the server that is told of them: above all, a new
// bucket has nothing of an old one's.
func TestPoliciesCountAtOnce(t *testing.T) {
	w := openWorld(t)
	for _, write := range []string{"DELETE /own", "DELETE /own?policy"} {
		if r := w.unsigned("PUT /own/k", "secret"); r.Status != 200 {
			t.Fatalf("put: %d %s", r.Status, r.Body)
		}
		w.want(w.admin, "DELETE /own/k", "", 204, "")
		w.want(w.admin, write, "", 204, "")
		w.want(w.admin, "PUT /own", "", 200, "")
		if r := w.unsigned("PUT /own/k", "x"); r.Status != 403 {
			t.Errorf("after %s everybody may still write: %d", write, r.Status)
		}
		w.want(w.admin, "PUT /own?policy", everybodys("own"), 204, "")
		if r := w.unsigned("PUT /own/k", "secret"); r.Status != 200 {
			t.Errorf("after %s and a new policy: %d", write, r.Status)
		}
	}
}
