package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/identity"
)

// chain is a root, an intermediate CA, a device's certificate and one that a
// device signed itself, in PEM.
type chain struct{ root, intermediate, oldCA, ofOldCA, device, self, selfCA string }

func newChain(t testing.TB) (c chain) {
	t.Helper()
	key := ecKey(t, elliptic.P256())
	sign := func(name string, ca, basic bool, parent *x509.Certificate) (string, *x509.Certificate) {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: basic,
		}
		if parent == nil {
			parent = template
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		text := identity.EncodePEM(der)
		return text, parse(t, text)
	}
	var root, intermediate, old *x509.Certificate
	c.root, root = sign("root", true, true, nil)
	c.intermediate, intermediate = sign("intermediate", true, true, root)
	c.oldCA, old = sign("old root", false, false, nil) // as CAs of version 1 are: it does not say that it is one
	c.ofOldCA, _ = sign("of old", false, false, old)
	c.device, _ = sign("lamp", false, true, intermediate)
	c.self, _ = sign("self", false, false, nil)
	c.selfCA, _ = sign("self", true, true, nil) // "openssl req -x509" makes CA:TRUE
	return c
}

// unreadable is a certificate whose DER is broken.
const unreadable = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"

const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"

func keyPEM(t testing.TB, key *ecdsa.PrivateKey, label string) string {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

// TestCertificateTexts: the first certificate that is a device's is registered,
// whatever stands around it. The forms are those that openssl and people make.
func TestCertificateTexts(t *testing.T) {
	c := newChain(t)
	key := keyPEM(t, ecKey(t, elliptic.P256()), "EC PRIVATE KEY")
	trusted := func() string { // as "openssl x509 -addtrust" writes it: the certificate, and what it is trusted for
		block, _ := pem.Decode([]byte(c.device))
		block.Type, block.Bytes = "TRUSTED CERTIFICATE", append(block.Bytes, 0x30, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02)
		return string(pem.EncodeToMemory(block))
	}
	for name, in := range map[string]struct {
		text, want string
		warning    string
	}{
		"alone":                      {c.device, c.device, ""},
		"chain":                      {c.device + c.intermediate + c.root, c.device, ""},
		"CA first":                   {c.intermediate + c.device, c.device, ""},
		"CAs first":                  {c.root + c.intermediate + c.device, c.device, ""},
		"device in the middle":       {c.root + c.device + c.intermediate, c.device, ""},
		"CA that does not say so":    {c.oldCA + c.ofOldCA, c.ofOldCA, ""},
		"CA alone":                   {c.root, c.root, ""},
		"self-signed as CA":          {c.selfCA, c.selfCA, ""},
		"CAs only":                   {c.root + c.intermediate, c.intermediate, "of a CA"},
		"CAs only, twice":            {c.root + c.intermediate + c.intermediate, c.intermediate, "of a CA"},
		"self-signed":                {c.self, c.self, ""},
		"twice":                      {c.device + c.device, c.device, ""},
		"key first":                  {key + c.device, c.device, "private key"},
		"key last":                   {c.device + key, c.device, "private key"},
		"parameters, key":            {parameters + key + c.device, c.device, "private key"},
		"parameters":                 {parameters + c.device, c.device, ""},
		"CA, key, device":            {c.root + key + c.device, c.device, "private key"},
		"text before":                {"Certificate:\n    Data:\n        Version: 3 (0x2)\n" + c.device, c.device, ""},
		"bag attributes":             {"Bag Attributes\n    friendlyName: lamp\nsubject=CN = lamp\n\nissuer=CN = intermediate\n\n" + c.device, c.device, ""},
		"byte order mark":            {"\ufeff" + c.device, c.device, ""},
		"CRLF":                       {strings.ReplaceAll(c.device, "\n", "\r\n"), c.device, ""},
		"CR":                         {strings.ReplaceAll(c.device, "\n", "\r"), c.device, ""},
		"no last line end":           {strings.TrimSpace(c.device), c.device, ""},
		"blanks at the end of lines": {strings.ReplaceAll(c.device, "\n", " \n"), c.device, ""},
		"old label":                  {strings.ReplaceAll(c.device, "CERTIFICATE", "X509 CERTIFICATE"), c.device, ""},
		"trusted":                    {trusted(), c.device, ""},
		"unreadable CA behind":       {c.device + unreadable, c.device, "could not be read"},
		"a CSR before":               {csr(t, ecKey(t, elliptic.P256())) + c.device, c.device, ""},
	} {
		got, warnings, err := identity.ParseCertificatePEM(in.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := identity.CertificateID(parse(t, in.want).Raw); got.ID != want {
			t.Errorf("%s: took %q", name, parse(t, identity.EncodePEM(got.DER)).Subject)
		}
		if said := strings.Join(warnings, "; "); in.warning == "" && said != "" || !strings.Contains(said, in.warning) {
			t.Errorf("%s: warnings %q", name, said)
		}
	}
}

// TestRefusedCertificateTexts: a text without a certificate of a device is
// refused with what was found in it.
func TestRefusedCertificateTexts(t *testing.T) {
	c := newChain(t)
	key := keyPEM(t, ecKey(t, elliptic.P256()), "EC PRIVATE KEY")
	for name, in := range map[string]struct{ text, want string }{
		"empty":              {"", "there is no line -----BEGIN CERTIFICATE-----"},
		"text":               {"x", "there is no line -----BEGIN CERTIFICATE-----"},
		"base64 alone":       {strings.Split(c.device, "\n")[1], "there is no line -----BEGIN CERTIFICATE-----"},
		"key":                {key, `it holds "EC PRIVATE KEY"`},
		"parameters and key": {parameters + key, `it holds "EC PARAMETERS", "EC PRIVATE KEY"`},
		"CSR":                {csr(t, ecKey(t, elliptic.P256())), `it holds "CERTIFICATE REQUEST"`},
		"PKCS #7":            {strings.ReplaceAll(c.device, "CERTIFICATE", "PKCS7"), `it holds "PKCS7"`},
		"line ends as text":  {strings.ReplaceAll(c.device, "\n", `\n`), `its line ends are written out, as \n`},
		"UTF-16":             {"-\x00-\x00-\x00-\x00-\x00B\x00", "another encoding than UTF-8"},
		"no end":             {strings.Split(c.device, "-----END")[0], "line ends or the line -----END are lost"},
		"one line":           {strings.ReplaceAll(c.device, "\n", " "), "line ends or the line -----END are lost"},
		"two CAs":            {c.root + c.selfCA, "There are 2 certificates, and all of them are of CAs"},
		"unreadable":         {unreadable, "could not be read: x509: malformed"},
		"CA and unreadable":  {c.root + unreadable, "Certificate 2 of 2 could not be read"},
		"unreadable first":   {unreadable + c.device, "Certificate 1 of 2 could not be read"},
		"too long":           {strings.Repeat("x", identity.MaxPEM+1), "longer than 65536"},
	} {
		_, _, err := identity.ParseCertificatePEM(in.text)
		if thingpass.KindOf(err) != thingpass.CertificateInvalid || !strings.Contains(err.Error(), in.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), strings.Split(key, "\n")[1]) {
			t.Errorf("%s: the key is in the error", name)
		}
	}
}

// TestRequestTexts: the same for signing requests.
func TestRequestTexts(t *testing.T) {
	i, _ := issuer(t)
	request, key := csr(t, ecKey(t, elliptic.P256())), keyPEM(t, ecKey(t, elliptic.P256()), "PRIVATE KEY")
	c := newChain(t)
	for name, text := range map[string]string{
		"alone": request, "key first": key + request, "parameters and key first": parameters + key + request, "certificate first": c.device + request,
		"byte order mark": "\ufeff" + request, "CRLF": strings.ReplaceAll(request, "\n", "\r\n"), "CR": strings.ReplaceAll(request, "\n", "\r"),
		"old label": strings.ReplaceAll(request, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"), "text before": "Certificate Request:\n    Data:\n" + request,
		"blanks around": "\n  \n" + request + "\n\n",
	} {
		if _, _, err := i.IssueFromCSR(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, in := range map[string]struct{ text, want string }{
		"certificate": {c.device, `it holds "CERTIFICATE"`}, "key": {key, `it holds "PRIVATE KEY"`}, "file name": {"file://device.csr", "there is no line -----BEGIN CERTIFICATE REQUEST-----"},
	} {
		if _, _, err := i.IssueFromCSR(in.text); thingpass.KindOf(err) != thingpass.Invalid || !strings.Contains(err.Error(), in.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
