package credentials_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thingpass/thingpass/thingtest"
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// world is a running server with one role, alias and IoT policy.
type world struct {
	*thingtest.Server
	t   *testing.T
	ctx context.Context
	log *lockedBuffer

	mu  sync.Mutex
	now time.Time
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), now: time.Now(), log: &lockedBuffer{}}
	s, err := thingtest.Start(w.ctx, thingtest.Options{Now: w.clock, Log: slog.New(slog.NewJSONHandler(io.MultiWriter(w.log, t.Output()), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w.Server = s
	w.role("DeviceRole", "")
	w.alias("fleet", "DeviceRole", 3600)
	w.call(http.MethodPost, "/policies/may-use-any-alias", map[string]any{"policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*"}]}`})
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) call(method, path string, in any) {
	w.t.Helper()
	if err := w.Admin.Call(w.ctx, method, path, in, nil); err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
}

func (w *world) role(name, trustPolicy string) {
	w.t.Helper()
	if trustPolicy == "" {
		trustPolicy = trust
	}
	if _, err := w.Admin.Query(w.ctx, "iam", "CreateRole", "RoleName", name, "AssumeRolePolicyDocument", trustPolicy); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) alias(name, role string, seconds int) {
	w.t.Helper()
	w.call(http.MethodPost, "/role-aliases/"+name, map[string]any{"roleArn": "arn:aws:iam::123456789012:role/" + role, "credentialDurationSeconds": seconds})
}

// certificate makes a self-signed certificate, registers it and, if wanted,
// attaches the policy that permits every alias.
func (w *world) certificate(key crypto.Signer, notBefore, notAfter time.Time, status string, permitted bool) (tls.Certificate, string) {
	w.t.Helper()
	cert := selfSigned(w.t, key, notBefore, notAfter)
	var out struct{ CertificateID, CertificateArn string }
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))
	if err := w.Admin.Call(w.ctx, http.MethodPost, "/certificate/register-no-ca", map[string]any{"certificatePem": text, "status": status}, &out); err != nil {
		w.t.Fatal(err)
	}
	if permitted {
		w.call(http.MethodPut, "/target-policies/may-use-any-alias", map[string]any{"target": out.CertificateArn})
	}
	return cert, out.CertificateID
}

func (w *world) thing(name, certificateID string) {
	w.t.Helper()
	w.call(http.MethodPost, "/things/"+name, map[string]any{})
	h := http.Header{"X-Amzn-Principal": {"arn:aws:iot:us-east-1:123456789012:cert/" + certificateID}}
	if err := w.Admin.CallWith(w.ctx, http.MethodPut, "/things/"+name+"/principals", h, nil, nil); err != nil {
		w.t.Fatal(err)
	}
}

func selfSigned(t *testing.T, key crypto.Signer, notBefore, notAfter time.Time) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "device"}, NotBefore: notBefore, NotAfter: notAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (w *world) device() (*thingtest.Device, string) {
	w.t.Helper()
	now := w.clock()
	cert, id := w.certificate(newKey(w.t), now.Add(-time.Hour), now.AddDate(1, 0, 0), "ACTIVE", true)
	return w.Device(cert), id
}

// want checks status and exact body of an exchange.
func (w *world) want(d *thingtest.Device, alias, thing string, status int, message string) *thingtest.Response {
	w.t.Helper()
	resp, err := d.Exchange(w.ctx, alias, thing)
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.Status != status {
		w.t.Errorf("status %d, want %d: %s", resp.Status, status, resp.Body)
	}
	if message != "" {
		if want := `{"message":"` + message + `"}`; string(resp.Body) != want {
			w.t.Errorf("body %s, want %s", resp.Body, want)
		}
		if resp.Header.Get("x-amzn-ErrorType") == "" || resp.Header.Get("x-amzn-RequestId") == "" {
			w.t.Errorf("headers %v", resp.Header)
		}
	}
	return resp
}

const (
	badCertificate = "Certificate is invalid on this endpoint"
	badThing       = "Invalid thing name passed"
	denied         = "Access Denied"
	noAlias        = "Role alias does not exist"
	badRole        = "Unable to assume the role, or the role to assume does not exist"
	badDuration    = "The requested CredentialDurationSeconds exceeds the MaxSessionDuration set for the role"
)

// TestOrder walks AWS Labs' matrix: each row mends one more thing, and the
// answer is that of the first thing still wrong.
func TestOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := w.clock()
	cert, id := w.certificate(newKey(t), now.Add(-time.Hour), now.AddDate(1, 0, 0), "INACTIVE", false)
	d := w.Device(cert)
	w.want(d, "late", "lamp", 403, badCertificate)
	w.call(http.MethodPut, "/certificates/"+id+"?newStatus=ACTIVE", nil)
	settle()
	w.want(d, "late", "lamp", 403, badThing)
	w.thing("lamp", id)
	settle()
	w.want(d, "late", "lamp", 403, denied)
	w.call(http.MethodPut, "/target-policies/may-use-any-alias", map[string]any{"target": "arn:aws:iot:us-east-1:123456789012:cert/" + id})
	settle()
	w.want(d, "late", "lamp", 404, noAlias)
	w.alias("late", "LateRole", 7200)
	w.want(d, "late", "lamp", 400, badRole)
	w.role("LateRole", strings.Replace(trust, "credentials.iot", "ec2", 1))
	settle()
	w.want(d, "late", "lamp", 400, badRole)
	if _, err := w.Admin.Query(w.ctx, "iam", "UpdateAssumeRolePolicy", "RoleName", "LateRole", "PolicyDocument", trust); err != nil {
		t.Fatal(err)
	}
	settle()
	w.want(d, "late", "lamp", 400, badDuration)
	if _, err := w.Admin.Query(w.ctx, "iam", "UpdateRole", "RoleName", "LateRole", "MaxSessionDuration", "7200"); err != nil {
		t.Fatal(err)
	}
	settle()
	w.want(d, "late", "lamp", 200, "")
}

// settle waits until an earlier answer can no longer be in a cache.
func settle() { time.Sleep(600 * time.Millisecond) }

func TestSuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, id := w.device()
	resp := w.want(d, "fleet", "", 200, "")
	form := regexp.MustCompile(`^\{"credentials":\{"accessKeyId":"ASIA[A-Z2-7]{16}","secretAccessKey":"[A-Za-z0-9+/]{40}","sessionToken":"[\w-]+","expiration":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\}\}$`)
	if !form.Match(resp.Body) {
		t.Errorf("body %s", resp.Body)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "Content-Length": fmt.Sprint(len(resp.Body)), "Cache-Control": "no-store"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil || len(resp.Header.Get("Date")) != 29 {
		t.Errorf("Date %q", resp.Header.Get("Date"))
	}
	keys, expires, err := d.Credentials(w.ctx, "fleet", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := expires.Sub(w.clock()); got > time.Hour || got < time.Hour-2*time.Second {
		t.Errorf("lifetime %v", got)
	}
	who, err := w.Client(keys).Query(w.ctx, "sts", "GetCallerIdentity")
	if err != nil {
		t.Fatal(err)
	}
	if want := "<Arn>arn:aws:sts::123456789012:assumed-role/DeviceRole/" + id + "</Arn>"; !bytes.Contains(who.Body, []byte(want)) {
		t.Errorf("caller identity %s, want %s", who.Body, want)
	}
	for _, secret := range []string{keys.SecretAccessKey, keys.SessionToken, w.Env.SecretAccessKey.Reveal()} {
		if strings.Contains(w.log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
	if !strings.Contains(w.log.String(), `"msg":"exchange"`) {
		t.Error("the exchange has no audit line")
	}
}

func TestBodyBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := strings.Repeat("n", 128)
	d, id := w.device()
	w.call(http.MethodPost, "/thing-types/"+name, map[string]any{})
	w.call(http.MethodPost, "/things/"+name, map[string]any{"thingTypeName": name})
	h := http.Header{"X-Amzn-Principal": {"arn:aws:iot:us-east-1:123456789012:cert/" + id}}
	if err := w.Admin.CallWith(w.ctx, http.MethodPut, "/things/"+name+"/principals", h, nil, nil); err != nil {
		t.Fatal(err)
	}
	settle()
	resp := w.want(d, "fleet", name, 200, "")
	var out struct {
		Credentials struct{ SessionToken string }
	}
	if err := json.Unmarshal(resp.Body, &out); err != nil {
		t.Fatal(err)
	}
	t.Logf("thing name and type of 128 characters: body %d bytes, session token %d characters", len(resp.Body), len(out.Credentials.SessionToken))
	if len(resp.Body) > 1400 || len(out.Credentials.SessionToken) > 1000 {
		t.Error("over the budget of 1400 bytes and 1000 characters")
	}
}

// TestInvalidCertificates: every kind of trouble with a certificate has the
// same answer.
func TestInvalidCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := w.clock()
	year := now.AddDate(1, 0, 0)
	unregistered := selfSigned(t, newKey(t), now.Add(-time.Hour), year)
	inactive, _ := w.certificate(newKey(t), now.Add(-time.Hour), year, "INACTIVE", true)
	revoked, id := w.certificate(newKey(t), now.Add(-time.Hour), year, "ACTIVE", true)
	w.call(http.MethodPut, "/certificates/"+id+"?newStatus=REVOKED", nil)
	for name, cert := range map[string]tls.Certificate{"none": {}, "unregistered": unregistered, "inactive": inactive, "revoked": revoked} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.want(w.Device(cert), "fleet", "", 403, badCertificate)
		})
	}
	w.t = t
	soon, _ := w.certificate(newKey(t), now.Add(-time.Hour), now.Add(30*time.Minute), "ACTIVE", true)
	later, _ := w.certificate(newKey(t), now.Add(20*time.Minute), year, "ACTIVE", true)
	w.want(w.Device(later), "fleet", "", 403, badCertificate)
	d := w.Device(soon)
	if _, expires, err := d.Credentials(w.ctx, "fleet", ""); err != nil || expires.After(now.Add(30*time.Minute)) {
		t.Errorf("credentials until %v outlive the certificate: %v", expires, err)
	}
	w.advance(31 * time.Minute)
	w.want(d, "fleet", "", 403, badCertificate)
	w.want(w.Device(later), "fleet", "", 200, "")
}

func TestKeysAndProtocols(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := w.clock()
	for name, key := range map[string]crypto.Signer{"RSA-2048": rsaKey, "P-256": newKey(t), "P-384": p384, "Ed25519": ed} {
		cert, _ := w.certificate(key, now.Add(-time.Hour), now.AddDate(1, 0, 0), "ACTIVE", true)
		chained := cert
		chained.Certificate = append(chained.Certificate[:1:1], selfSigned(t, newKey(t), now, now.AddDate(1, 0, 0)).Certificate[0])
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, h2 := range []bool{false, true} {
				for _, c := range []tls.Certificate{cert, chained} {
					title := fmt.Sprintf("%s/%s/h2=%v/chain=%d", name, tls.VersionName(version), h2, len(c.Certificate))
					t.Run(title, func(t *testing.T) {
						w.t = t
						transport := &http.Transport{ForceAttemptHTTP2: h2, TLSClientConfig: &tls.Config{RootCAs: w.CAs, Certificates: []tls.Certificate{c}, MinVersion: version, MaxVersion: version}}
						defer transport.CloseIdleConnections()
						d := &thingtest.Device{Endpoint: w.DeviceURL(), HTTP: &http.Client{Transport: transport}}
						w.want(d, "fleet", "", 200, "")
						w.want(d, "fleet", "", 200, "") // on the kept connection, too
					})
				}
			}
		}
	}
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, _ := w.device()
	w.alias("a=b,c@d", "DeviceRole", 900)
	for _, alias := range []string{"a=b,c@d", "a%3Db%2Cc%40d"} {
		w.want(d, alias, "", 200, "")
	}
	for _, alias := range []string{"Fleet", "%ff", "%00", "a%2Fb", "a%20b", strings.Repeat("x", 2000)} { // case counts
		w.want(d, alias, "", 404, noAlias)
	}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/", 404}, {http.MethodGet, "/role-aliases/fleet", 404}, {http.MethodGet, "/role-aliases//credentials", 404},
		{http.MethodGet, "/role-aliases/fleet/credentials/", 404}, {http.MethodGet, "/role-aliases/a/b/credentials", 404},
		{http.MethodPost, "/role-aliases/fleet/credentials", 405}, {http.MethodDelete, "/role-aliases/fleet/credentials", 405},
	} {
		r, err := http.NewRequestWithContext(w.ctx, c.method, w.DeviceURL()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := d.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Message string }
		err = json.NewDecoder(resp.Body).Decode(&body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(body.Message, "GET /role-aliases/{role-alias}/credentials") {
			t.Errorf("%s %s: %d %q %v", c.method, c.path, resp.StatusCode, body.Message, err)
		}
	}
}

func TestThingHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, id := w.device()
	w.thing("bulb", id)
	settle()
	for _, c := range []struct {
		names  []string
		status int
	}{
		{nil, 200}, {[]string{"bulb"}, 200}, {[]string{"Bulb"}, 403}, {[]string{""}, 403}, {[]string{"lamp"}, 403},
		{[]string{"bulb", "bulb"}, 403}, {[]string{"bulb", "lamp"}, 403}, {[]string{strings.Repeat("x", 4000)}, 403}, {[]string{"b*"}, 403},
	} {
		r, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.DeviceURL()+"/role-aliases/fleet/credentials", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["x-amzn-iot-thingname"] = c.names
		resp, err := d.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || (c.status == 403 && !strings.Contains(string(body), badThing)) {
			t.Errorf("%.20q: %d %s", c.names, resp.StatusCode, body)
		}
	}
}

// TestWithdrawal: issued credentials stop within one second when what they
// were issued for is withdrawn.
func TestWithdrawal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	principal := func(id string) http.Header {
		return http.Header{"X-Amzn-Principal": {"arn:aws:iot:us-east-1:123456789012:cert/" + id}}
	}
	for name, withdraw := range map[string]func(id string){
		"revoked":     func(id string) { w.call(http.MethodPut, "/certificates/"+id+"?newStatus=REVOKED", nil) },
		"deactivated": func(id string) { w.call(http.MethodPut, "/certificates/"+id+"?newStatus=INACTIVE", nil) },
		"thing detached": func(id string) {
			if err := w.Admin.CallWith(w.ctx, http.MethodDelete, "/things/thing-"+id[:8]+"/principals", principal(id), nil, nil); err != nil {
				w.t.Fatal(err)
			}
		},
		"reactivated": func(id string) {
			w.advance(time.Millisecond)
			w.call(http.MethodPut, "/certificates/"+id+"?newStatus=INACTIVE", nil)
			w.call(http.MethodPut, "/certificates/"+id+"?newStatus=ACTIVE", nil)
		},
		"re-attached": func(id string) {
			w.advance(time.Millisecond)
			for _, method := range []string{http.MethodDelete, http.MethodPut} {
				if err := w.Admin.CallWith(w.ctx, method, "/things/thing-"+id[:8]+"/principals", principal(id), nil, nil); err != nil {
					w.t.Fatal(err)
				}
			}
		},
		"type changed": func(id string) {
			w.call(http.MethodPost, "/thing-types/lamp", map[string]any{})
			w.call(http.MethodPatch, "/things/thing-"+id[:8], map[string]any{"thingTypeName": "lamp"})
		},
		"role deleted": func(string) {
			if _, err := w.Admin.Query(w.ctx, "iam", "DeleteRole", "RoleName", "DeviceRole"); err != nil {
				w.t.Fatal(err)
			}
			w.role("DeviceRole", "") // a role of the same name is another role
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			d, id := w.device()
			w.thing("thing-"+id[:8], id)
			settle()
			keys, _, err := d.Credentials(w.ctx, "fleet", "thing-"+id[:8])
			if err != nil {
				t.Fatal(err)
			}
			client := w.Client(keys)
			if _, err := client.Query(w.ctx, "sts", "GetCallerIdentity"); err != nil {
				t.Fatal(err)
			}
			withdraw(id)
			time.Sleep(time.Second)
			if _, err := client.Query(w.ctx, "sts", "GetCallerIdentity"); err == nil || !strings.Contains(err.Error(), "InvalidClientTokenId") {
				t.Errorf("one second later: %v", err)
			}
		})
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, _ := w.device()
	keys, _, err := d.Credentials(w.ctx, "fleet", "")
	if err != nil {
		t.Fatal(err)
	}
	w.advance(time.Hour + time.Second)
	if _, err := w.Client(keys).Query(w.ctx, "sts", "GetCallerIdentity"); err == nil || !strings.Contains(err.Error(), "ExpiredToken") {
		t.Errorf("after the expiration: %v", err)
	}
}

// TestDeviceKeys: IoT policies see the thing, the certificate's names and the
// address.
func TestDeviceKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := w.clock()
	cert, id := w.certificate(newKey(t), now.Add(-time.Hour), now.AddDate(1, 0, 0), "ACTIVE", false)
	d := w.Device(cert) // its common name is "device"
	w.thing("bulb", id)
	w.call(http.MethodPatch, "/things/bulb", map[string]any{"attributePayload": map[string]any{"attributes": map[string]string{"alias": "device", "kind": "lamp"}}})
	w.alias("bulb", "DeviceRole", 3600)
	w.alias("device", "DeviceRole", 3600)
	for i, c := range []struct {
		resource, condition string
		alias, thing        string
		status              int
	}{
		{"rolealias/${iot:Connection.Thing.ThingName}", `{}`, "bulb", "bulb", 200},
		{"rolealias/${iot:Connection.Thing.ThingName}", `{}`, "bulb", "", 403},
		{"rolealias/${iot:Certificate.Subject.CommonName}", `{}`, "device", "", 200},
		{"rolealias/${iot:Certificate.Issuer.CommonName}", `{}`, "device", "", 200},
		{"rolealias/${iot:Certificate.Subject.Organization}", `{}`, "device", "", 403},
		{"*", `{"Bool":{"iot:Connection.Thing.IsAttached":"true"}}`, "device", "bulb", 200},
		{"*", `{"Bool":{"iot:Connection.Thing.IsAttached":"true"}}`, "device", "", 403},
		{"rolealias/${iot:Connection.Thing.Attributes[alias]}", `{}`, "device", "bulb", 200},
		{"rolealias/${iot:Connection.Thing.Attributes[alias]}", `{}`, "device", "", 403},
		{"rolealias/${iot:Connection.Thing.Attributes[kind]}", `{}`, "device", "bulb", 403},
		{"*", `{"StringEquals":{"iot:Connection.Thing.Attributes[kind]":"lamp"}}`, "device", "bulb", 200},
		{"*", `{"ForAnyValue:StringEquals":{"iot:Certificate.Subject.CommonName.List":"device"}}`, "device", "", 200},
		{"*", `{"ForAnyValue:StringEquals":{"iot:Certificate.AvailableKeys":"iot:Certificate.Subject.CommonName"}}`, "device", "", 200},
		{"*", `{"ForAnyValue:StringEquals":{"iot:Certificate.AvailableKeys":"iot:Certificate.Subject.Title"}}`, "device", "", 403},
		{"*", `{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}`, "device", "", 200},
		{"*", `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, "device", "", 403},
		{"*", `{"Bool":{"aws:SecureTransport":"false"}}`, "device", "", 403},
	} {
		name := fmt.Sprintf("p%d", i)
		resource := c.resource
		if resource != "*" {
			resource = "arn:aws:iot:us-east-1:123456789012:" + resource
		}
		w.call(http.MethodPost, "/policies/"+name, map[string]any{"policyDocument": fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":%q,"Condition":%s}]}`, resource, c.condition)})
		target := map[string]any{"target": "arn:aws:iot:us-east-1:123456789012:cert/" + id}
		w.call(http.MethodPut, "/target-policies/"+name, target)
		settle()
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.want(d, c.alias, c.thing, c.status, "")
		})
		w.t = t
		w.call(http.MethodPost, "/target-policies/"+name, target)
	}
}
