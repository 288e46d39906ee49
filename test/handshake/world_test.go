// Package handshake tests what happens at the doors before there is a request:
// keys, suites, certificates that a device presents, and handshakes that fail.
package handshake

import (
	"context"
	"crypto/tls"
	"net"
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

// openssl runs openssl s_client against the device door and returns what it
// prints. It skips a machine without openssl, but not in CI.
func openssl(t *testing.T, s *thingtest.Server, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("needs openssl")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	all := append([]string{"s_client", "-connect", s.Addresses().Device, "-CAfile", s.CAFile, "-verify_return_error", "-servername", "localhost"}, args...)
	cmd := exec.CommandContext(ctx, "openssl", all...)
	cmd.Stdin = strings.NewReader("GET /role-aliases/fleet/credentials HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	cmd.Args = append(cmd.Args, "-ign_eof")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
