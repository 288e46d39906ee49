package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thingpass/thingpass/session"
)

// keysOnly is an installation with keys and certificates, and nothing else.
func keysOnly(t *testing.T, now time.Time) *Installation {
	t.Helper()
	i := &Installation{Account: "123456789012", Region: "us-east-1", Hosts: []string{"localhost"}, dir: t.TempDir()}
	if err := i.createKeys(false, now); err != nil {
		t.Fatal(err)
	}
	return i
}

// TestExpiryIsWatched: a running server warns once a day of a certificate with
// less than 30 days left; of our own with the command, of another CA's without.
func TestExpiryIsWatched(t *testing.T) {
	for name, foreign := range map[string]bool{"own": false, "of another CA": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { watchExpiry(t, foreign) })
		})
	}
}

func watchExpiry(t *testing.T, foreign bool) {
	i := keysOnly(t, time.Now())
	if foreign {
		other := keysOnly(t, time.Now())
		for _, p := range serverPairs() {
			for _, file := range []string{p.cert, p.key} {
				move(t, other.path(file), i.path(file))
			}
		}
	}
	var log bytes.Buffer
	s := &Server{inst: i, cfg: Config{Now: time.Now, Log: slog.New(slog.NewJSONHandler(&log, nil))}}
	certs, err := s.loadCertificates()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e := newExpiry(s, func() []tls.Certificate { return certs }, func() *session.Ring { return nil })
	go e.watch(ctx)
	time.Sleep(serverCertificateLife - expiryWarning - time.Hour)
	synctest.Wait()
	if log.Len() > 0 {
		t.Fatalf("it warns before there are 30 days left: %s", log.String())
	}
	time.Sleep(3*24*time.Hour + 2*time.Hour)
	synctest.Wait()
	text := log.String()
	if n := strings.Count(text, `"certificate":"server"`); n != 3 {
		t.Errorf("%d warnings in three days: %s", n, text)
	}
	if own := strings.Contains(text, "renew it with thingpass renew-certificate"); own == foreign {
		t.Errorf("the remedy is wrong: %s", text)
	}
	if foreign && (!strings.Contains(text, `"issuer":"CN=Thingpass server CA`) || !strings.Contains(text, "have its issuer renew it")) {
		t.Errorf("it does not say who issued it: %s", text)
	}
	time.Sleep(31 * 24 * time.Hour)
	synctest.Wait()
	if !strings.Contains(log.String(), `"level":"ERROR","msg":"a certificate has expired"`) {
		t.Error("it does not say that the certificate has expired")
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestRenewKeepsWhatIsNotOurs: renewing refuses what another CA issued, what
// leads elsewhere, and what it cannot tell, and changes nothing; forced, it goes
// on.
func TestRenewKeepsWhatIsNotOurs(t *testing.T) {
	now := time.Now()
	link := func(file string) func(t *testing.T, i *Installation) {
		return func(t *testing.T, i *Installation) {
			elsewhere := filepath.Join(t.TempDir(), filepath.Base(file))
			move(t, i.path(file), elsewhere)
			if err := os.Symlink(elsewhere, i.path(file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	foreign := func(pair int) func(t *testing.T, i *Installation) {
		return func(t *testing.T, i *Installation) {
			other, p := keysOnly(t, now), serverPairs()[pair]
			move(t, other.path(p.cert), i.path(p.cert))
			move(t, other.path(p.key), i.path(p.key))
		}
	}
	for name, tc := range map[string]struct {
		prepare func(t *testing.T, i *Installation)
		want    string // "" for renewed
	}{
		"own":                       {func(*testing.T, *Installation) {}, ""},
		"another CA's":              {foreign(0), "tls/server.pem was issued by CN=Thingpass server CA"},
		"another CA's, RSA":         {foreign(1), "tls/server-rsa.pem was issued by"},
		"certificate is a link":     {link(fileServerCert), "tls/server.pem is a symbolic link"},
		"key is a link":             {link(fileServerKey), "tls/server.key is a symbolic link"},
		"RSA certificate is a link": {link(fileRSACert), "tls/server-rsa.pem is a symbolic link"},
		"CA file is a link":         {link(fileCA), "tls/ca.pem is a symbolic link"},
		"key alone": {func(t *testing.T, i *Installation) {
			if err := os.Remove(i.path(fileServerCert)); err != nil {
				t.Fatal(err)
			}
		}, "tls/server.key is there without tls/server.pem"},
		"no certificate": {func(t *testing.T, i *Installation) {
			if err := os.WriteFile(i.path(fileServerCert), []byte("nonsense"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "tls/server.pem holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			i := keysOnly(t, now)
			tc.prepare(t, i)
			before := content(t, i.path("tls"))
			cfg := RenewConfig{Hosts: i.Hosts, Now: now}
			err := i.RenewServerCertificates(cfg)
			if tc.want == "" {
				if err != nil || before == content(t, i.path("tls")) {
					t.Fatalf("not renewed: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "--force") {
				t.Fatalf("%v, want %q", err, tc.want)
			}
			if before != content(t, i.path("tls")) {
				t.Error("it refused, and something is changed")
			}
			cfg.Force = true
			if err := i.RenewServerCertificates(cfg); err != nil {
				t.Fatal(err)
			}
			for _, p := range serverPairs() {
				if err := i.checkPair(p.cert, p.key); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// content is all that is in the files of a folder.
func content(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(e.Name() + e.Type().String() + string(raw))
	}
	return all.String()
}
