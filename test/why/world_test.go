// Package why_test makes each kind of refused request against a running server
// and reads what thingpass why says about it, as an operator would.
package why_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/xml"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/test/rig"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/why"
)

const (
	account = "123456789012"
	bucket  = "arn:aws:s3:::vincent-iot"
	trust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

	// fence is the seed's policy: each device in its own folder.
	fence = `{"Version":"2012-10-17","Statement":[
		{"Sid":"List","Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:HeadBucket","s3:ListObjects"],"Resource":"*"},
		{"Sid":"Own","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::vincent-iot/${credentials-iot:ThingName}/*"}]}`
)

// binary is the built program: its own command line is tested.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "thingpass-why-")
	if err != nil {
		panic(err)
	}
	if binary, err = rig.Build(context.Background(), dir); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// world is a running server with role CameraRole behind alias cameras, IoT
// policy fleet, and a device whose certificate is attached to bulbthing.
type world struct {
	*thingtest.Server
	t       *testing.T
	control *server.Control

	device *thingtest.Device
	cert   tls.Certificate
	id     string

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Now()}
	s, err := thingtest.Start(t.Context(), thingtest.Options{Account: account, Now: w.clock})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	w.Server, w.control = s, server.NewControl(s.Dir)
	w.iam("CreateRole", "RoleName", "CameraRole", "AssumeRolePolicyDocument", trust)
	w.permit(fence)
	w.iot(http.MethodPost, "/role-aliases/cameras", map[string]any{"roleArn": "arn:aws:iam::" + account + ":role/CameraRole"})
	w.iot(http.MethodPost, "/policies/fleet", map[string]any{"policyDocument": `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"arn:aws:iot:us-east-1:123456789012:rolealias/cameras"}]}`})
	w.iot(http.MethodPost, "/things/bulbthing", map[string]any{})
	w.iot(http.MethodPost, "/things/lampthing", map[string]any{})
	w.s3(http.MethodPut, "/vincent-iot", nil)
	w.cert, w.id = w.enrol("bulb")
	w.device = w.Device(w.cert)
	w.attach("bulbthing")
	w.iot(http.MethodPut, "/target-policies/fleet", map[string]any{"target": w.certARN()})
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) iam(action string, parameters ...string) {
	w.t.Helper()
	_, err := w.Admin.Query(w.t.Context(), "iam", action, parameters...)
	w.must(err)
}

func (w *world) iot(method, path string, in any) {
	w.t.Helper()
	w.must(w.Admin.Call(w.t.Context(), method, path, in, nil))
}

func (w *world) s3(method, path string, body []byte) {
	w.t.Helper()
	_, err := w.Admin.S3(w.t.Context(), method, path, body)
	w.must(err)
}

func (w *world) enrol(name string) (tls.Certificate, string) {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	cert, id, err := w.Admin.Enrol(w.t.Context(), key, name)
	w.must(err)
	return cert, id
}

func (w *world) certARN() string { return "arn:aws:iot:us-east-1:" + account + ":cert/" + w.id }

func (w *world) attach(thing string) {
	w.t.Helper()
	w.must(w.Admin.CallWith(w.t.Context(), http.MethodPut, "/things/"+thing+"/principals", http.Header{"X-Amzn-Principal": {w.certARN()}}, nil, nil))
}

// permit gives the role its only policy.
func (w *world) permit(document string) {
	w.t.Helper()
	w.iam("PutRolePolicy", "RoleName", "CameraRole", "PolicyName", "upload", "PolicyDocument", document)
}

// settle waits until what was changed counts.
func (w *world) settle() {
	w.t.Helper()
	select {
	case <-time.After(1100 * time.Millisecond):
	case <-w.t.Context().Done():
	}
}

// exchange asks for credentials and returns the request id of the answer.
func (w *world) exchange(d *thingtest.Device, alias, thing string, status int) string {
	w.t.Helper()
	resp, err := d.Exchange(w.t.Context(), alias, thing)
	w.must(err)
	if resp.Status != status {
		w.t.Fatalf("exchange answered %d %s, want %d", resp.Status, resp.Body, status)
	}
	return w.id2(resp)
}

func (w *world) id2(resp *thingtest.Response) string {
	w.t.Helper()
	id := resp.Header.Get("X-Amzn-Requestid")
	if id == "" {
		w.t.Fatal("the answer has no request id")
	}
	return id
}

// session obtains credentials for a thing, or for none.
func (w *world) session(thing string) *thingtest.Client {
	w.t.Helper()
	creds, _, err := w.device.Credentials(w.t.Context(), "cameras", thing)
	w.must(err)
	return w.Client(creds)
}

// refused sends an S3 request that must be refused with a code.
func (w *world) refused(c *thingtest.Client, method, path, code string) string {
	w.t.Helper()
	resp, err := c.Do(w.t.Context(), "s3", method, path, nil, []byte{})
	w.must(err)
	var body struct{ Code, RequestId string }
	if len(resp.Body) > 0 {
		w.must(xml.Unmarshal(resp.Body, &body))
	} else {
		body.Code = resp.Header.Get("X-Amz-Error-Code")
	}
	id := w.id2(resp)
	if body.Code != code || body.RequestId != "" && body.RequestId != id || resp.Header.Get("X-Amz-Request-Id") != id {
		w.t.Fatalf("answered %d %s with ids %q, %q and %q, want %s", resp.Status, resp.Body, id, body.RequestId, resp.Header.Get("X-Amz-Request-Id"), code)
	}
	return id
}

// program runs thingpass with the data folder and returns what it said.
func (w *world) program(stdin string, status int, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), binary, args...)
	cmd.Env = os.Environ()
	if w.Server != nil {
		cmd.Env = append(cmd.Env, "THINGPASS_DATA="+w.Dir)
	}
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != status {
		w.t.Fatalf("thingpass %s: exit status %d (%v), want %d\n%s", strings.Join(args, " "), got, err, status, out)
	}
	return string(out)
}

// why runs thingpass why and checks what it says.
func (w *world) why(args []string, want ...string) string {
	w.t.Helper()
	out := w.program("", 0, append([]string{"why"}, args...)...)
	w.says(out, want...)
	return out
}

func (w *world) says(out string, want ...string) {
	w.t.Helper()
	w.t.Log("\n" + out)
	for _, text := range want {
		if !strings.Contains(out, text) {
			w.t.Errorf("it does not say %q", text)
		}
	}
	if dir := os.Getenv("THINGPASS_WHY_OUTPUT"); dir != "" {
		_ = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(w.t.Name(), "/", "_")+".txt"), []byte(out), 0o644)
	}
}

func (w *world) explanation(id string) *why.Explanation {
	w.t.Helper()
	e, err := w.control.Why(w.t.Context(), id)
	w.must(err)
	return e
}

func wrongSecret(c *thingtest.Client) *thingtest.Client {
	wrong := *c
	wrong.Credentials = sigv4.Credentials{AccessKeyID: c.Credentials.AccessKeyID, SecretAccessKey: strings.Repeat("x", 40), SessionToken: c.Credentials.SessionToken}
	return &wrong
}
