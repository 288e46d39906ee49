package identity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/identity"
	"github.com/thingpass/thingpass/store"
)

func issuer(t testing.TB) (*identity.Issuer, *x509.Certificate) {
	t.Helper()
	cert, key, err := identity.NewIssuer("123456789012", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	i, err := identity.LoadIssuer(cert, key, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return i, parse(t, string(cert))
}

func parse(t testing.TB, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func csr(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "lamp"}, DNSNames: []string{"thingpass.example"},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestIssueFromCSR(t *testing.T) {
	i, ca := issuer(t)
	request := csr(t, ecKey(t, elliptic.P256()))
	text, cert, err := i.IssueFromCSR(request)
	if err != nil {
		t.Fatal(err)
	}
	got := parse(t, text)
	if err := got.CheckSignatureFrom(ca); err != nil {
		t.Error(err)
	}
	if got.IsCA || got.Subject.CommonName != "lamp" || len(got.DNSNames) != 0 || got.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("the certificate claims more than the subject: %+v %v", got.Subject, got.DNSNames)
	}
	if cert.ID != identity.CertificateID(got.Raw) || !thingpass.ValidCertificateID(cert.ID) || !cert.NotAfter.Equal(got.NotAfter) {
		t.Errorf("%+v", cert)
	}
	if _, again, err := i.IssueFromCSR(request); err != nil || again.ID == cert.ID {
		t.Errorf("the same request gave the same certificate: %v", err)
	}
}

func TestRefusedCSRs(t *testing.T) {
	i, _ := issuer(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no weak keys: " + err.Error())
	}
	good := csr(t, ecKey(t, elliptic.P256()))
	block, _ := pem.Decode([]byte(good))
	block.Bytes[len(block.Bytes)-1] ^= 1
	for name, text := range map[string]string{
		"empty": "", "no PEM": "x", "another kind": strings.ReplaceAll(good, "CERTIFICATE REQUEST", "CERTIFICATE"),
		"weak key": csr(t, weak), "small curve": csr(t, ecKey(t, elliptic.P224())), "wrong signature": string(pem.EncodeToMemory(block)),
		"no DER": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
	} {
		if _, _, err := i.IssueFromCSR(text); thingpass.KindOf(err) != thingpass.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewKeyPair(t *testing.T) {
	i, ca := issuer(t)
	text, cert, private, public, err := i.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	if err := parse(t, text).CheckSignatureFrom(ca); err != nil {
		t.Error(err)
	}
	pair, err := tls.X509KeyPair([]byte(text), []byte(private.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	if identity.CertificateID(pair.Certificate[0]) != cert.ID || !strings.Contains(public, "PUBLIC KEY") {
		t.Error("key, certificate and id do not belong together")
	}
}

// TestIdentify checks status, validity and the choice of the thing against a
// real database.
func TestIdentify(t *testing.T) {
	ctx := t.Context()
	place := thingpass.Place{Account: "123456789012", Region: "us-east-1"}
	db, err := store.Create(ctx, "sqlite:"+filepath.Join(t.TempDir(), "db"), place)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	i, _ := issuer(t)
	enrol := func(status thingpass.CertificateStatus) *tls.ConnectionState {
		text, cert, err := i.IssueFromCSR(csr(t, ecKey(t, elliptic.P256())))
		if err != nil {
			t.Fatal(err)
		}
		cert.Status = status
		if err := db.CreateCertificate(ctx, cert); err != nil {
			t.Fatal(err)
		}
		return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{parse(t, text)}}
	}
	id := func(s *tls.ConnectionState) string { return identity.CertificateID(s.PeerCertificates[0].Raw) }
	several, exclusive, revoked := enrol(thingpass.Active), enrol(thingpass.Active), enrol(thingpass.Revoked)
	for thing, owner := range map[string]*tls.ConnectionState{"bulb": several, "lamp": several, "cam": exclusive} {
		if _, err := db.CreateThing(ctx, thingpass.Thing{Name: thing}); err != nil {
			t.Fatal(err)
		}
		if err := db.AttachThing(ctx, thing, id(owner), owner == exclusive); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	identifier := &identity.Identifier{Recent: store.NewRecent(db), Now: func() time.Time { return now }}
	for _, c := range []struct {
		name   string
		state  *tls.ConnectionState
		at     time.Time
		header string
		named  bool
		thing  string
		err    error
	}{
		{"no TLS", nil, time.Now(), "", false, "", identity.ErrCertificate},
		{"no certificate", &tls.ConnectionState{}, time.Now(), "", false, "", identity.ErrCertificate},
		{"revoked", revoked, time.Now(), "", false, "", identity.ErrCertificate},
		{"expired", several, time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC), "", false, "", identity.ErrCertificate},
		{"not yet valid", several, time.Now().Add(-time.Hour), "", false, "", identity.ErrCertificate},
		{"no name", several, time.Now(), "", false, "", nil},
		{"a name", several, time.Now(), "bulb", true, "bulb", nil},
		{"another name", several, time.Now(), "lamp", true, "lamp", nil},
		{"a name of another device", several, time.Now(), "cam", true, "", identity.ErrThing},
		{"an empty name", several, time.Now(), "", true, "", identity.ErrThing},
		{"exclusive, no name", exclusive, time.Now(), "", false, "cam", nil},
		{"exclusive, wrong name", exclusive, time.Now(), "bulb", true, "", identity.ErrThing},
	} {
		t.Run(c.name, func(t *testing.T) {
			now = c.at
			presented := identity.FromTLS(c.state)
			if c.named {
				presented.Thing = &c.header
			}
			d, err := identifier.Identify(ctx, presented)
			if !errors.Is(err, c.err) || d.Thing != c.thing {
				t.Errorf("thing %q, %v", d.Thing, err)
			}
		})
	}
}

// FuzzCertificate: no text makes the readers of certificates panic.
func FuzzCertificate(f *testing.F) {
	i, _ := issuer(f)
	text, _, err := i.IssueFromCSR(csr(f, ecKey(f, elliptic.P256())))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	c := newChain(f)
	f.Add("\ufeff" + c.root + parameters + keyPEM(f, ecKey(f, elliptic.P256()), "EC PRIVATE KEY") + c.device + unreadable)
	f.Add(csr(f, ecKey(f, elliptic.P256())))
	f.Fuzz(func(t *testing.T, text string) {
		cert, _, err := identity.ParseCertificatePEM(text)
		if err == nil && !thingpass.ValidCertificateID(cert.ID) {
			t.Errorf("id %q", cert.ID)
		}
		_, _, _ = i.IssueFromCSR(text)
	})
}
