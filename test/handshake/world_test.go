// Package handshake tests what happens at the doors before there is a request:
// keys, suites, certificates that a device presents, and handshakes that fail.
package handshake

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/thingtest"
)

// start runs a server that is closed at the end of the test.
func start(t *testing.T, o thingtest.Options) *thingtest.Server {
	t.Helper()
	s, err := thingtest.Start(context.WithoutCancel(t.Context()), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// dial makes one handshake with the device door and returns what was agreed.
func dial(t *testing.T, s *thingtest.Server, cfg *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	return dialAddress(t, s.Addresses().Device, s, cfg)
}

func dialAddress(t *testing.T, address string, s *thingtest.Server, cfg *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	cfg = cfg.Clone()
	if cfg.RootCAs == nil {
		cfg.RootCAs = s.CAs
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", address, cfg)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState(), nil
}

// needOpenSSL skips a test on a machine without openssl, but not in CI.
func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("needs openssl")
	}
}

// openssl runs openssl s_client against the device door and returns what it
// prints.
func openssl(t *testing.T, s *thingtest.Server, args ...string) (string, error) {
	t.Helper()
	needOpenSSL(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	all := append([]string{"s_client", "-connect", s.Addresses().Device, "-CAfile", s.CAFile, "-verify_return_error", "-servername", "localhost"}, args...)
	cmd := exec.CommandContext(ctx, "openssl", all...)
	cmd.Stdin = strings.NewReader("GET /role-aliases/fleet/credentials HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	cmd.Args = append(cmd.Args, "-ign_eof")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// fleet sets up the role alias "fleet" and an IoT policy of the name "may".
func fleet(t *testing.T, s *thingtest.Server, document string) {
	t.Helper()
	_, err := s.Admin.Query(t.Context(), "iam", "CreateRole", "RoleName", "Lamp", "AssumeRolePolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	must(t, err)
	call(t, s, http.MethodPost, "/role-aliases/fleet", map[string]string{"roleArn": "arn:aws:iam::123456789012:role/Lamp"}, nil)
	call(t, s, http.MethodPost, "/policies/may", map[string]string{"policyDocument": document}, nil)
}

func call(t *testing.T, s *thingtest.Server, method, path string, in, out any) {
	t.Helper()
	must(t, s.Admin.Call(t.Context(), method, path, in, out))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// register registers a certificate, active.
func register(t *testing.T, s *thingtest.Server, der []byte) (id string, err error) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	var out struct{ CertificateID string }
	err = s.Admin.Call(t.Context(), http.MethodPost, "/certificate/register-no-ca", map[string]string{"certificatePem": string(text), "status": "ACTIVE"}, &out)
	return out.CertificateID, err
}

// permit attaches the policy "may" to a certificate.
func permit(t *testing.T, s *thingtest.Server, id string) {
	t.Helper()
	call(t, s, http.MethodPut, "/target-policies/may", map[string]string{"target": "arn:aws:iot:us-east-1:123456789012:cert/" + id}, nil)
}

func certificateID(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// exchange asks for credentials and returns the status.
func exchange(t *testing.T, s *thingtest.Server, cert tls.Certificate, alias string) int {
	t.Helper()
	resp, err := s.Device(cert).Exchange(t.Context(), alias, "")
	must(t, err)
	return resp.Status
}
