package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/sigv4"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"thingpass": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: scriptCommands})
}

// running is a thingpass serve of its own process.
type running struct {
	cmd       *exec.Cmd
	addresses server.Addresses
	data      string
	stderr    *bytes.Buffer
	key       sigv4.Credentials
	client    *http.Client
}

// serve makes an installation and serves it with the program under test.
func serve(t *testing.T) *running {
	t.Helper()
	dir := t.TempDir()
	s := &running{data: filepath.Join(dir, "data"), stderr: &bytes.Buffer{}}
	env, err := server.Init(t.Context(), server.InitConfig{Dir: s.data})
	if err != nil {
		t.Fatal(err)
	}
	s.key = sigv4.Credentials{AccessKeyID: env.AccessKeyID, SecretAccessKey: env.SecretAccessKey.Reveal()}
	pem, err := os.ReadFile(env.CABundle)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true, ExpectContinueTimeout: 20 * time.Second}}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "addresses")
	// testscript runs a command of the program when the program has its name.
	named := filepath.Join(dir, "thingpass")
	if err := os.Symlink(self, named); err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(named, "serve", "--device-listen=127.0.0.1:0", "--api-listen=127.0.0.1:0")
	s.cmd.Env = append(os.Environ(), "THINGPASS_DATA="+s.data, "THINGPASS_OPS_LISTEN=127.0.0.1:0", "THINGPASS_ADDRESSES_FILE="+file)
	s.cmd.Stderr = s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		raw, err := os.ReadFile(file)
		if err == nil && json.Unmarshal(raw, &s.addresses) == nil {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not listen: %s", s.stderr)
		}
	}
}

func (s *running) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it did not end well: %v\n%s", err, s.stderr)
	}
}

// request signs a request to S3 with a body.
func (s *running) request(ctx context.Context, method, path string, body io.Reader, hash string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, "https://"+s.addresses.API+path, body)
	if err == nil {
		sigv4.Sign(r, s.key, "us-east-1", "s3", time.Now(), hash)
	}
	return r, err
}

func (s *running) do(t *testing.T, method, path string) int {
	t.Helper()
	r, err := s.request(t.Context(), method, path, http.NoBody, sigv4.PayloadHash(nil))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestShutdownFinishesRequests: an upload in flight when the server is told to
// stop is stored and answered, and the process ends well.
func TestShutdownFinishesRequests(t *testing.T) {
	s := serve(t)
	if status := s.do(t, http.MethodPut, "/bucket"); status != http.StatusOK {
		t.Fatalf("create bucket: %d", status)
	}
	body, writer := io.Pipe()
	r, err := s.request(t.Context(), http.MethodPut, "/bucket/slow", body, sigv4.UnsignedPayload)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 8
	r.Header.Set("Expect", "100-continue") // so that the first byte is sent when the server asks for it
	answered := make(chan int, 1)
	go func() {
		resp, err := s.client.Do(r)
		if err != nil {
			answered <- 0
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	if _, err := writer.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if _, err := writer.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the upload in flight was answered %d", status)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it did not end well: %v\n%s", err, s.stderr)
	}
}

// TestReload: a new server certificate and a new key are taken up without a
// restart, and issued keys stay good.
func TestReload(t *testing.T) {
	s := serve(t)
	defer s.stop(t)
	serial := func() string {
		conn, err := tls.Dial("tcp", s.addresses.API, s.client.Transport.(*http.Transport).TLSClientConfig)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	for _, command := range []string{"renew-certificate", "rotate-keys"} {
		if err := run(t.Context(), []string{command, "--data", s.data}); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); serial() == before; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not served")
		}
	}
	if status := s.do(t, http.MethodGet, "/"); status != http.StatusOK {
		t.Errorf("after the reload: %d", status)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	s := serve(t)
	defer s.stop(t)
	s.do(t, http.MethodGet, "/")
	for path, want := range map[string]string{
		"/healthz": `^ok\n$`, "/readyz": `^ready\n$`,
		"/metrics": `thingpass_requests_total\{code="OK",decision="allow",engine="",operation="ListBuckets",service="s3"\} 1`,
	} {
		resp, err := http.Get("http://" + s.addresses.Ops + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !regexp.MustCompile(want).Match(body) {
			t.Errorf("%s: %s %v", path, body, err)
		}
	}
}

// TestAuditLine: one line for a signed request, with who, what and why, and
// without a secret.
func TestAuditLine(t *testing.T) {
	s := serve(t)
	s.do(t, http.MethodGet, "/")
	s.stop(t)
	var line struct {
		Msg, Principal, Action, Resource, Decision, Reason, Request_id string
		Status                                                         int
	}
	for _, text := range strings.Split(s.stderr.String(), "\n") {
		if strings.Contains(text, `"msg":"request"`) {
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !strings.HasSuffix(line.Principal, ":user/admin") || line.Action != "s3:ListAllMyBuckets" || line.Resource != "arn:aws:s3:::*" ||
		line.Decision != "allow" || !strings.Contains(line.Reason, "AdministratorAccess") || line.Status != 200 || line.Request_id == "" {
		t.Errorf("%+v", line)
	}
	if strings.Contains(s.stderr.String(), s.key.SecretAccessKey) {
		t.Error("the log holds a secret")
	}
}
