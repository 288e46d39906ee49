package handshake

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/thingtest"
)

// rsaOnly is a client of TLS 1.2 whose cipher suites need an RSA certificate,
// as firmware has that was made for Amazon Root CA 1.
var rsaOnly = &tls.Config{ServerName: "localhost", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}

// TestTwoKeys: the client's offer chooses the key of the server.
func TestTwoKeys(t *testing.T) {
	s := start(t, thingtest.Options{RSA: true})
	for _, c := range []struct {
		name string
		cfg  *tls.Config
		want x509.PublicKeyAlgorithm
	}{
		{"both", &tls.Config{ServerName: "localhost"}, x509.ECDSA},
		{"TLS 1.2, both", &tls.Config{ServerName: "localhost", MaxVersion: tls.VersionTLS12}, x509.ECDSA},
		{"RSA", rsaOnly, x509.RSA},
		{"ECDSA", &tls.Config{ServerName: "localhost", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}, x509.ECDSA},
		// A name that no certificate has must not decide about the key.
		{"RSA, another name", &tls.Config{ServerName: "elsewhere.example", InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: rsaOnly.CipherSuites}, x509.RSA},
		{"RSA, no name", &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: rsaOnly.CipherSuites}, x509.RSA},
	} {
		for door, address := range map[string]string{"device": s.Addresses().Device, "api": s.Addresses().API} {
			state, err := dialAddress(t, address, s, c.cfg)
			if err != nil {
				t.Errorf("%s at the %s door: %v", c.name, door, err)
				continue
			}
			if got := state.PeerCertificates[0].PublicKeyAlgorithm; got != c.want {
				t.Errorf("%s at the %s door: %v", c.name, door, got)
			}
		}
	}
	// OpenSSL, and chains of RSA alone: nothing that such a client has to verify is ECDSA.
	for _, args := range [][]string{
		{"-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"},
		{"-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA", "-sigalgs", "RSA+SHA256"},
		{"-tls1_3", "-sigalgs", "RSA-PSS+SHA256"},
	} {
		only := filepath.Join(s.Dir, "tls", "ca-rsa.pem")
		out, err := openssl(t, s, append(args, "-CAfile", only)...)
		if err != nil || !strings.Contains(out, "Verify return code: 0 (ok)") || !strings.Contains(out, "HTTP/1.1 403") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// TestInstallationWithoutRSA: one that was made before there were two keys goes
// on, and renew-certificate gives it the second, which a running server takes up.
func TestInstallationWithoutRSA(t *testing.T) {
	s := start(t, thingtest.Options{})
	if _, err := dial(t, s, rsaOnly); err == nil {
		t.Fatal("an RSA client without an RSA certificate")
	}
	before, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	inst := s.Installation()
	if err := inst.RenewServerCertificates(server.RenewConfig{Hosts: inst.Hosts, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(after), string(before)) || strings.Count(string(after), "BEGIN CERTIFICATE") != 2 {
		t.Errorf("the CA file must have the old CA and then the new one:\n%s", after)
	}
	for _, name := range []string{"ca-rsa.key", "server-rsa.key"} {
		if info, err := os.Stat(filepath.Join(s.Dir, "tls", name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	s.CAs.AppendCertsFromPEM(after)
	awaitRSA(t, s)
	// A client that knows the first CA only goes on.
	old := x509.NewCertPool()
	old.AppendCertsFromPEM(before)
	if _, err := dial(t, s, &tls.Config{ServerName: "localhost", RootCAs: old}); err != nil {
		t.Error(err)
	}
	// A second renewal keeps the CAs.
	if err := inst.RenewServerCertificates(server.RenewConfig{Hosts: inst.Hosts, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(s.CAFile); err != nil || string(again) != string(after) {
		t.Errorf("the CA file has changed: %v\n%s", err, again)
	}
}

func awaitRSA(t *testing.T, s *thingtest.Server) {
	t.Helper()
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if _, err = dial(t, s, rsaOnly); err == nil {
			return
		}
	}
	t.Fatal(err)
}
