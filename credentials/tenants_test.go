package credentials_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

// fleet is the policy of one role for a fleet of two tenants, each thing of
// which has a site: what is in its site's folder, and its tenant's common one.
const fleet = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::fleet/sites/${credentials-iot:ThingAttribute/site}/*"},
	{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::fleet/tenant-a/*",
		"Condition":{"ForAnyValue:StringEquals":{"credentials-iot:ThingGroups":"tenant-a"}}},
	{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::fleet/tenant-b/*",
		"Condition":{"ForAnyValue:StringEquals":{"credentials-iot:ThingGroups":"tenant-b"}}},
	{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::fleet/by-name/${credentials-iot:Certificate.Subject.CommonName}/*"},
	{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"credentials-iot:ThingGroups":"quarantine"}}}]}`

// policy gives a role its inline policy.
func (w *world) policy(role, document string) {
	w.t.Helper()
	if _, err := w.Admin.Query(w.ctx, "iam", "PutRolePolicy", "RoleName", role, "PolicyName", "p", "PolicyDocument", document); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) group(name, parent string) {
	w.t.Helper()
	in := map[string]any{}
	if parent != "" {
		in["parentGroupName"] = parent
	}
	w.call(http.MethodPost, "/thing-groups/"+name, in)
}

func (w *world) member(operation, thing, group string) {
	w.t.Helper()
	w.call(http.MethodPut, "/thing-groups/"+operation, map[string]any{"thingName": thing, "thingGroupName": group})
}

// join makes a device with a thing, its site and its group.
func (w *world) join(thing, commonName string, attributes map[string]string, group string) *thingtest.Device {
	w.t.Helper()
	cert, id := w.named(pkix.Name{CommonName: commonName})
	w.thing(thing, id)
	w.call(http.MethodPatch, "/things/"+thing, map[string]any{"attributePayload": map[string]any{"attributes": attributes}})
	if group != "" {
		w.member("addThingToThingGroup", thing, group)
	}
	return w.Device(cert)
}

// named registers a certificate with a subject, which may use every alias.
func (w *world) named(subject pkix.Name) (tls.Certificate, string) {
	w.t.Helper()
	key := newKey(w.t)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject, NotBefore: w.clock().Add(-time.Hour), NotAfter: w.clock().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	var out struct{ CertificateID, CertificateArn string }
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	if err := w.Admin.Call(w.ctx, http.MethodPost, "/certificate/register-no-ca", map[string]any{"certificatePem": text, "status": "ACTIVE"}, &out); err != nil {
		w.t.Fatal(err)
	}
	w.call(http.MethodPut, "/target-policies/may-use-any-alias", map[string]any{"target": out.CertificateArn})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, out.CertificateID
}

// credentials makes an exchange that must succeed.
func (w *world) credentials(d *thingtest.Device, thing string) sigv4.Credentials {
	w.t.Helper()
	c, _, err := d.Credentials(w.ctx, "fleet", thing)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// can tells whether an S3 request is allowed; a failure of another kind ends the
// test.
func (w *world) can(c sigv4.Credentials, method, path string) bool {
	w.t.Helper()
	_, err := w.Client(c).S3(w.ctx, method, "/fleet/"+path, nil)
	if err != nil && !strings.Contains(err.Error(), "AccessDenied") {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return err == nil
}

func newFleet(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.policy("DeviceRole", fleet)
	if _, err := w.Admin.S3(w.ctx, http.MethodPut, "/fleet", nil); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"tenant-a/config", "tenant-b/config", "sites/berlin/x", "sites/rome/x"} {
		if _, err := w.Admin.S3(w.ctx, http.MethodPut, "/fleet/"+key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	w.group("tenant-a", "")
	w.group("berlin-a", "tenant-a")
	w.group("tenant-b", "")
	w.group("quarantine", "")
	return w
}

// TestTenantsAndSites: one role serves a fleet, and fences every device into its
// own corner by the groups and attributes of its thing.
func TestTenantsAndSites(t *testing.T) {
	t.Parallel()
	w := newFleet(t)
	a := w.join("lamp-a", "lamp-a", map[string]string{"site": "berlin"}, "berlin-a") // below tenant-a
	b := w.join("lamp-b", "lamp-b", map[string]string{"site": "rome"}, "tenant-b")
	settle()
	keys := map[string]sigv4.Credentials{"a": w.credentials(a, "lamp-a"), "b": w.credentials(b, "lamp-b"), "no thing": w.credentials(a, "")}
	for _, c := range []struct {
		method, path string
		who          string // who may
	}{
		{http.MethodPut, "sites/berlin/log", "a"}, {http.MethodGet, "sites/berlin/x", "a"},
		{http.MethodPut, "sites/rome/log", "b"}, {http.MethodGet, "sites/rome/x", "b"},
		{http.MethodPut, "sites/berlin-2/log", ""}, {http.MethodPut, "sites//log", ""}, {http.MethodPut, "sites/log", ""},
		{http.MethodGet, "tenant-a/config", "a"}, {http.MethodGet, "tenant-b/config", "b"}, {http.MethodPut, "tenant-a/config", ""},
		{http.MethodPut, "by-name/lamp-b/log", "b"},
	} {
		for who, k := range keys {
			if got := w.can(k, c.method, c.path); got != (who == c.who) {
				t.Errorf("%s %s by %s: allowed %v", c.method, c.path, who, got)
			}
		}
	}
	if !w.can(keys["no thing"], http.MethodPut, "by-name/lamp-a/log") {
		t.Error("the certificate's subject is known without a thing, too")
	}
}

// TestSessionsEndWithTheirGroup: what is sealed into a session must stay true.
func TestSessionsEndWithTheirGroup(t *testing.T) {
	t.Parallel()
	w := newFleet(t)
	change := func(attributes map[string]string) func(string) {
		return func(thing string) {
			w.call(http.MethodPatch, "/things/"+thing, map[string]any{"attributePayload": map[string]any{"attributes": attributes, "merge": true}})
		}
	}
	for i, c := range []struct {
		name   string
		change func(thing string)
		reason string // in the log, after the thing's name; "" when the session goes on
	}{
		{"left its group", func(thing string) { w.member("removeThingFromThingGroup", thing, "berlin-a") }, "is no longer in group berlin-a"},
		{"quarantined", func(thing string) { w.member("addThingToThingGroup", thing, "quarantine") }, "is now in group quarantine"},
		{"moved", change(map[string]string{"site": "rome"}), "is another now"},
		{"lost its site", change(map[string]string{"site": ""}), "no longer has the attribute site"},
		{"another attribute", change(map[string]string{"firmware": "2"}), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			thing := fmt.Sprintf("lamp-%d", i)
			d := w.join(thing, thing, map[string]string{"site": "berlin"}, "berlin-a")
			settle()
			keys := w.credentials(d, thing)
			if !w.can(keys, http.MethodPut, "sites/berlin/log") {
				t.Fatal("denied before the change")
			}
			c.change(thing)
			time.Sleep(time.Second)
			_, err := w.Client(keys).S3(w.ctx, http.MethodPut, "/fleet/sites/berlin/log", nil)
			if c.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "InvalidAccessKeyId") {
				t.Errorf("one second later: %v", err)
			}
			if log := w.log.String(); !strings.Contains(log, "thing "+thing) || !strings.Contains(log, c.reason) {
				t.Errorf("the log does not say that thing %s %s", thing, c.reason)
			}
			w.want(d, "fleet", thing, 200, "") // it may ask for new ones
		})
	}
}

// TestValuesAreLiteral: nothing that a device or its registration says acts as a
// wildcard or a variable, at either door.
func TestValuesAreLiteral(t *testing.T) {
	t.Parallel()
	w := newFleet(t)
	for i, value := range []string{"*", "?amp-b", "lamp-?", "${aws:userid}", "${credentials-iot:ThingName}", "lamp-b/*", "$", "${*}"} {
		thing := fmt.Sprintf("odd-%d", i)
		attributes := map[string]string{"site": "berlin"}
		d := w.join(thing, value, attributes, "")
		settle()
		keys := w.credentials(d, thing)
		if !w.can(keys, http.MethodPut, "sites/berlin/log") {
			t.Errorf("%q: denied what it may", value)
		}
		for _, path := range []string{"by-name/lamp-b/log", "by-name/x/log", "by-name/" + thing + "/log"} {
			if w.can(keys, http.MethodPut, path) {
				t.Errorf("a certificate with the common name %q may write %s", value, path)
			}
		}
	}
	// AWS takes no such characters in attributes; what is stored anyhow is literal.
	d := w.join("lamp-c", "lamp-c", map[string]string{"site": "#:@/,."}, "")
	settle()
	if keys := w.credentials(d, "lamp-c"); w.can(keys, http.MethodPut, "sites/berlin/log") {
		t.Error("an attribute acted as a pattern")
	}
	// IoT policies: an alias is named after the certificate.
	w.call(http.MethodPost, "/policies/by-name", map[string]any{"policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate",
		"Resource":"arn:aws:iot:us-east-1:123456789012:rolealias/${iot:Certificate.Subject.CommonName}"}]}`})
	cert, id := w.named(pkix.Name{CommonName: "*"})
	target := map[string]any{"target": "arn:aws:iot:us-east-1:123456789012:cert/" + id}
	w.call(http.MethodPost, "/target-policies/may-use-any-alias", target)
	w.call(http.MethodPut, "/target-policies/by-name", target)
	settle()
	w.want(w.Device(cert), "fleet", "", 403, denied)
}

// TestSealedBudget: what the role's policies ask about a device must fit, or it
// gets no credentials; it hears no more than that the role cannot be assumed.
func TestSealedBudget(t *testing.T) {
	t.Parallel()
	w := newFleet(t)
	long := strings.Repeat("s", 300)
	for _, c := range []struct {
		site   string
		status int
	}{{long, 200}, {strings.Repeat("s", 700), 400}} {
		thing := fmt.Sprintf("lamp-%d", len(c.site))
		d := w.join(thing, thing, map[string]string{"site": c.site}, "berlin-a")
		settle()
		if c.status == 400 {
			w.want(d, "fleet", thing, 400, badRole)
			if log := w.log.String(); !strings.Contains(log, "credentials-iot:ThingAttribute/site takes ") {
				t.Error("the log does not say which key is too large")
			}
			continue
		}
		resp := w.want(d, "fleet", thing, 200, "")
		var out struct {
			Credentials struct{ SessionToken string }
		}
		if err := json.Unmarshal(resp.Body, &out); err != nil {
			t.Fatal(err)
		}
		t.Logf("groups of two, a site of %d characters, a common name: body %d bytes, session token %d characters", len(c.site), len(resp.Body), len(out.Credentials.SessionToken))
		if len(resp.Body) > 1400 || len(out.Credentials.SessionToken) > 1000 {
			t.Error("over the budget of 1400 bytes and 1000 characters")
		}
	}
}
