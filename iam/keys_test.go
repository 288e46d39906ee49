package iam_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

// keyed is a request and the condition keys that it must have.
type keyed struct {
	service string
	request string   // METHOD /path
	header  []string // Name: value
	body    string
	keys    []string
}

// keyedRequests have, together, every key of identity policies but those of
// devices and users.
var keyedRequests = []keyed{
	{service: "iam", request: "POST /", body: "Action=GetRole&Version=2010-05-08&RoleName=tagged",
		header: []string{"Content-Type: application/x-www-form-urlencoded", "User-Agent: test", "Referer: here"},
		keys: []string{
			"aws:CurrentTime", "aws:EpochTime", "aws:SecureTransport", "aws:SourceIp", "aws:UserAgent", "aws:Referer", "aws:RequestedRegion",
			"aws:ResourceAccount", "aws:ViaAWSService", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalIsAWSService", "aws:PrincipalType",
			"aws:userid", "aws:TokenIssueTime", "aws:MultiFactorAuthPresent", "aws:ResourceTag/team", "iam:ResourceTag/team",
		}},
	{service: "iam", request: "POST /", header: []string{"Content-Type: application/x-www-form-urlencoded"},
		body: "Action=AttachRolePolicy&Version=2010-05-08&RoleName=tagged&PolicyArn=arn:aws:iam::123456789012:policy/fence",
		keys: []string{"iam:PolicyARN", "iam:PermissionsBoundary", "aws:ResourceTag/team", "iam:ResourceTag/team"}},
	{service: "iam", request: "POST /", header: []string{"Content-Type: application/x-www-form-urlencoded"},
		body: "Action=TagUser&Version=2010-05-08&UserName=tagged&Tags.member.1.Key=site&Tags.member.1.Value=x",
		keys: []string{"aws:RequestTag/site", "aws:TagKeys", "aws:ResourceTag/team", "iam:ResourceTag/team"}},
	{service: "sts", request: "POST /", header: []string{"Content-Type: application/x-www-form-urlencoded"},
		body: "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me&ExternalId=it&RoleArn=arn:aws:iam::123456789012:role/tagged",
		keys: []string{"sts:RoleSessionName", "sts:ExternalId", "aws:ResourceTag/team", "iam:ResourceTag/team"}},
	{service: "iot", request: "POST /role-aliases/new", body: `{"roleArn":"arn:aws:iam::123456789012:role/tagged","tags":[{"Key":"team","Value":"x"}]}`,
		keys: []string{"aws:RequestTag/team", "aws:TagKeys", "iam:PassedToService", "aws:ResourceTag/team", "iam:ResourceTag/team"}},
	{service: "iot", request: "GET /role-aliases/tagged", keys: []string{"aws:ResourceTag/colour"}},
	{service: "iot", request: "PUT /things/t/principals", header: []string{"X-Amzn-Principal: arn:aws:iot:us-east-1:123456789012:cert/x"},
		keys: []string{"iot:thingArn"}},
	{service: "s3", request: "PUT /bucket/k", header: []string{"X-Amz-Acl: private", "X-Amz-Storage-Class: STANDARD", "If-None-Match: *"},
		keys: []string{
			"s3:authType", "s3:signatureversion", "s3:signatureAge", "s3:TlsVersion", "s3:ResourceAccount", "s3:x-amz-content-sha256", "s3:x-amz-acl",
			"s3:x-amz-storage-class", "s3:if-none-match", "s3:ObjectCreationOperation",
		}},
	{service: "s3", request: "PUT /bucket/copy", header: []string{"X-Amz-Copy-Source: /bucket/k", "X-Amz-Metadata-Directive: COPY"},
		keys: []string{"s3:x-amz-copy-source", "s3:x-amz-metadata-directive"}},
	{service: "s3", request: "PUT /bucket/k", header: []string{`If-Match: "x"`}, keys: []string{"s3:if-match"}},
	{service: "s3", request: "DELETE /bucket/none", header: []string{`If-Match: "x"`}, keys: []string{"s3:if-match"}},
	{service: "s3", request: "GET /bucket?delimiter=%2F&max-keys=1&prefix=a", keys: []string{"s3:prefix", "s3:delimiter", "s3:max-keys"}},
	{service: "s3", request: "POST /bucket?delete", body: `<Delete><Object><Key>k</Key><VersionId>null</VersionId></Object></Delete>`,
		header: []string{"Content-Md5: 5Qx1xxrlousJpqdv28IXsQ=="}, keys: []string{"s3:VersionId"}},
	{service: "s3", request: "PUT /other", keys: []string{"s3:LocationConstraint"},
		body: `<CreateBucketConfiguration><LocationConstraint>us-east-1</LocationConstraint></CreateBucketConfiguration>`},
}

// denied tells whether a request is answered with access denied.
func (w *world) denied(c sigv4.Credentials, r keyed) bool {
	w.t.Helper()
	client := *w.Admin
	client.Credentials = c
	header := http.Header{}
	for _, h := range r.header {
		name, value, _ := strings.Cut(h, ": ")
		header.Set(name, value)
	}
	method, path, _ := strings.Cut(r.request, " ")
	resp, err := client.Do(w.t.Context(), r.service, method, path, header, []byte(r.body))
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.Status >= http.StatusInternalServerError {
		w.t.Errorf("%s: %d %s", r.request, resp.Status, resp.Body)
	}
	return strings.Contains(resp.Header.Get("X-Amzn-Errortype")+string(resp.Body), "AccessDenied")
}

// narrowed makes credentials that may do what a session policy says.
func (w *world) narrowed(role, policy string) sigv4.Credentials {
	w.t.Helper()
	a := w.send(w.admin, "sts", url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {"arn:aws:iam::123456789012:role/" + role},
		"RoleSessionName": {"someone"}, "Policy": {policy},
	})
	if a.status != http.StatusOK {
		w.t.Fatalf("%s: %s", policy, a.raw)
	}
	at := "AssumeRoleResult/Credentials/"
	return sigv4.Credentials{
		AccessKeyID: a.text(at + "AccessKeyId"), SecretAccessKey: a.text(at + "SecretAccessKey"), SessionToken: a.text(at + "SessionToken"),
	}
}

// denying is a statement that denies a request when it has a key.
func denying(key, more string) string {
	return fmt.Sprintf(`{"Effect":"Deny",%s,"Condition":{"Null":{%q:"false"}}}`, more, key)
}

const allowing = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}`

// TestKeysAreSupplied: a policy with a known key saves, and a Deny by it counts:
// the requests have the key.
func TestKeysAreSupplied(t *testing.T) {
	w := newWorld(t)
	w.caller("all", everything)
	w.must("CreateRole", "RoleName=tagged", "AssumeRolePolicyDocument="+trustAll, "Tags.member.1.Key=team", "Tags.member.1.Value=x",
		"PermissionsBoundary="+w.managed("fence", everything))
	w.must("CreateUser", "UserName=tagged", "Tags.member.1.Key=team", "Tags.member.1.Value=x")
	if _, err := w.Admin.S3(t.Context(), http.MethodPut, "/bucket", nil); err != nil {
		t.Fatal(err)
	}
	alias := `{"roleArn":"arn:aws:iam::123456789012:role/tagged","tags":[{"Key":"colour","Value":"red"}]}`
	if err := w.Admin.Call(t.Context(), http.MethodPost, "/role-aliases/tagged", alias, nil); err != nil {
		t.Fatal(err)
	}
	for _, r := range keyedRequests {
		if w.denied(w.narrowed("callers/all", allowing+"]}"), r) {
			t.Errorf("%s is denied without a Deny", r.request)
		}
		for _, key := range r.keys {
			w.must("PutRolePolicy", "RoleName=tagged", "PolicyName=p", "PolicyDocument="+allowing+","+denying(key, `"Action":"*","Resource":"*"`)+"]}")
			if !w.denied(w.narrowed("callers/all", allowing+","+denying(key, `"Action":"*","Resource":"*"`)+"]}"), r) {
				t.Errorf("%s does not have the key %s", r.request, key)
			}
		}
	}
	for _, key := range []string{
		"aws:CurrentTime", "aws:EpochTime", "aws:SecureTransport", "aws:SourceIp", "aws:UserAgent", "aws:RequestedRegion", "aws:ResourceAccount",
		"aws:ViaAWSService", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalIsAWSService", "aws:PrincipalType", "aws:userid",
		"aws:username", "aws:TokenIssueTime", "aws:MultiFactorAuthPresent", "sts:RoleSessionName", "sts:ExternalId",
	} {
		w.must("UpdateAssumeRolePolicy", "RoleName=tagged", "PolicyDocument="+trustDenying(key))
		caller := w.admin
		if key == "aws:TokenIssueTime" || key == "aws:MultiFactorAuthPresent" {
			caller = w.narrowed("callers/all", allowing+"]}")
		}
		if !w.denied(caller, keyedRequests[3]) {
			t.Errorf("a trust policy is not asked with %s", key)
		}
	}
}

// TestDeviceKeysAreSupplied: the same for the keys of a device's session.
func TestDeviceKeysAreSupplied(t *testing.T) {
	w := newWorld(t)
	keys := []string{
		"credentials-iot:AwsCertificateId", "credentials-iot:ThingName", "credentials-iot:ThingTypeName", "iot:certificateId", "iot:thingName", "iot:thingType",
	}
	document := allowing
	for _, key := range keys {
		document += "," + denying(key, `"Action":"s3:*","Resource":"arn:aws:s3:::bucket/`+key+`"`)
	}
	w.must("CreateRole", "RoleName=device", "AssumeRolePolicyDocument="+trust)
	w.must("PutRolePolicy", "RoleName=device", "PolicyName=p", "PolicyDocument="+document+"]}")
	c, _, err := w.lamp("device").Credentials(t.Context(), "device", "lamp")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range append(keys, "none") {
		if got := w.denied(c, keyed{service: "s3", request: "GET /bucket/" + url.PathEscape(key)}); got == (key == "none") {
			t.Errorf("key %s: denied %v", key, got)
		}
	}
}

// trustDenying lets the account assume a role, unless the request has a key.
func trustDenying(key string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"},` +
		denying(key, `"Principal":"*","Action":"sts:*"`) + "]}"
}

// lamp makes an active device with a thing and its type, and role aliases that
// have the names of their roles.
func (w *world) lamp(roles ...string) *thingtest.Device {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	cert, id, err := w.Admin.Enrol(w.t.Context(), key, "lamp")
	if err != nil {
		w.t.Fatal(err)
	}
	arn := "arn:aws:iot:us-east-1:123456789012:cert/" + id
	permission := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*"}}`
	for _, r := range []struct {
		request string
		header  http.Header
		body    map[string]any
	}{
		{"POST /policies/p", nil, map[string]any{"policyDocument": permission}},
		{"PUT /target-policies/p", nil, map[string]any{"target": arn}},
		{"POST /thing-types/bulb", nil, nil},
		{"POST /things/lamp", nil, map[string]any{"thingTypeName": "bulb"}},
		{"PUT /things/lamp/principals", http.Header{"X-Amzn-Principal": {arn}}, nil},
	} {
		method, path, _ := strings.Cut(r.request, " ")
		if err := w.Admin.CallWith(w.t.Context(), method, path, r.header, r.body, nil); err != nil {
			w.t.Fatalf("%s: %v", r.request, err)
		}
	}
	for _, role := range roles {
		if err := w.Admin.Call(w.t.Context(), http.MethodPost, "/role-aliases/"+role, `{"roleArn":"arn:aws:iam::123456789012:role/`+role+`"}`, nil); err != nil {
			w.t.Fatal(err)
		}
	}
	return w.Device(cert)
}

// TestExchangeKeysAreSupplied: the same for the trust policy that a device's
// exchange asks.
func TestExchangeKeysAreSupplied(t *testing.T) {
	w := newWorld(t)
	keys := []string{
		"none", "aws:CurrentTime", "aws:EpochTime", "aws:SecureTransport", "aws:SourceIp", "aws:RequestedRegion", "aws:ResourceAccount",
		"aws:ViaAWSService", "aws:PrincipalIsAWSService", "aws:PrincipalServiceName", "aws:SourceAccount", "aws:SourceArn",
	}
	var roles []string
	for _, key := range keys {
		role := strings.ReplaceAll(key, ":", "-")
		roles = append(roles, role)
		document := strings.Replace(trustDenying(key), `{"AWS":"123456789012"}`, `{"Service":"credentials.iot.amazonaws.com"}`, 1)
		if key == "none" {
			document = trust
		}
		w.must("CreateRole", "RoleName="+role, "AssumeRolePolicyDocument="+document)
	}
	device := w.lamp(roles...)
	for i, role := range roles {
		resp, err := device.Exchange(t.Context(), role, "")
		if err != nil {
			t.Fatal(err)
		}
		want := http.StatusBadRequest
		if keys[i] == "none" {
			want = http.StatusOK
		}
		if resp.Status != want {
			t.Errorf("%s: %d %s", keys[i], resp.Status, resp.Body)
		}
	}
}
