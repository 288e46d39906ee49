package handshake

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/thingtest"
)

// oddity is a certificate with something unusual in it, made from an ordinary
// one. Its signature is not checked by anyone: no chain is built.
type oddity struct {
	name   string
	usable bool // registers, and gets an answer in HTTP
	change func(t *testing.T, c *x509.Certificate)
	patch  func(t *testing.T, der []byte) []byte
}

var subjectAlternative = asn1.ObjectIdentifier{2, 5, 29, 17}

// alternative sets an extension of one alternative name.
func alternative(tag int, content string) func(*testing.T, *x509.Certificate) {
	return func(t *testing.T, c *x509.Certificate) {
		der, err := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte(content)}})
		must(t, err)
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: subjectAlternative, Value: der})
	}
}

func subject(tag int, text string) func(*testing.T, *x509.Certificate) {
	return func(t *testing.T, c *x509.Certificate) { c.RawSubject = name(t, one(commonName, tag, text)) }
}

func replace(from, to string) func(*testing.T, []byte) []byte {
	return func(t *testing.T, der []byte) []byte {
		if len(from) != len(to) || !bytes.Contains(der, []byte(from)) {
			t.Fatalf("cannot put %q in place of %q", to, from)
		}
		return bytes.Replace(der, []byte(from), []byte(to), 1)
	}
}

func serial(text string) func(*testing.T, *x509.Certificate) {
	return func(_ *testing.T, c *x509.Certificate) { c.SerialNumber, _ = new(big.Int).SetString(text, 16) }
}

// oddities are what certificates of real fleets have had (golang/go#36044,
// #14017, #12767, #52964, #71606, Mbed-TLS/mbedtls#801, #3428, #10763,
// voltone/x509#45). What is usable is what Go's x509 reads: docs/compatibility.md
// has the same list.
var oddities = []oddity{
	{name: "ordinary", usable: true},
	{name: "negative serial", usable: true, patch: negativeSerial},
	{name: "serial 0", usable: true, change: serial("0")},
	{name: "serial of 40 bytes", usable: true, change: serial("7" + strings.Repeat("f", 79))},
	{name: "expired", usable: true, change: func(_ *testing.T, c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Unix(0, 0), time.Unix(1e9, 0) }},
	{name: "CA", usable: true, change: func(_ *testing.T, c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }},
	{name: "unknown critical extension", usable: true, change: func(_ *testing.T, c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: ownKind, Critical: true, Value: []byte{5, 0}}}
	}},
	{name: "extension twice", change: func(_ *testing.T, c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: ownKind, Value: []byte{5, 0}}, {Id: ownKind, Value: []byte{5, 0}}}
	}},
	{name: "UTF8String", usable: true, change: subject(utf8, "gerät@1")},
	{name: "T61String", usable: true, change: subject(t61, "lamp")},
	{name: "BMPString", usable: true, change: subject(bmp, bmpBlocked)},
	{name: "PrintableString with *", usable: true, change: subject(printable, "*.lamp")},
	{name: "PrintableString with &", usable: true, change: subject(printable, "a&b")},
	{name: "PrintableString with _", change: subject(printable, "lamp_1")},
	{name: "PrintableString with @", change: subject(printable, "lamp@home")},
	{name: "PrintableString with #", change: subject(printable, "lamp#1")},
	{name: "PrintableString with ;", change: subject(printable, "lamp;1")},
	{name: "PrintableString with NUL", change: subject(printable, "lamp\x00")},
	{name: "UniversalString", change: subject(universal, wideBlocked)},
	{name: "IA5String with Latin-1", change: subject(ia5, "ger\xe4t")},
	{name: "UTF8String that is none", change: subject(utf8, "ger\xe4t")},
	{name: "alternative name: IP of 5 bytes", change: alternative(7, "\x01\x02\x03\x04\x05")},
	{name: "alternative name: URI that is none", change: alternative(6, "http://[::1")},
	{name: "alternative name: DNS in UTF-8", change: alternative(2, "gerät.example")},
	{name: "alternative name: empty DNS", usable: true, change: alternative(2, "")},
	{name: "UTCTime with +0000", patch: func(t *testing.T, der []byte) []byte { return utcOffset(t, der) }},
	{name: "arc above 2^31", change: func(t *testing.T, c *x509.Certificate) {
		// 2.25.4294967296, which UUIDs as object identifiers go beyond (X.667).
		c.RawSubject = bytes.Replace(name(t, one(asn1.ObjectIdentifier{2, 25, 1 << 30}, utf8, "x")), []byte{0x84, 0x80, 0x80, 0x80, 0x00}, []byte{0x90, 0x80, 0x80, 0x80, 0x00}, 1)
	}},
}

// negativeSerial makes the serial 0x7e…, which the template has, negative.
func negativeSerial(t *testing.T, der []byte) []byte {
	return replace("\x02\x08\x7e\x01\x02\x03\x04\x05\x06\x07", "\x02\x08\xfe\x01\x02\x03\x04\x05\x06\x07")(t, der)
}

// utcOffset writes notBefore as YYMMDDhhmm+0000 in place of YYMMDDhhmmssZ, which
// is four bytes longer.
func utcOffset(t *testing.T, der []byte) []byte {
	var outer, tbs asn1.RawValue
	rest, err := asn1.Unmarshal(der, &outer)
	must(t, err)
	behind, err := asn1.Unmarshal(outer.Bytes, &tbs)
	must(t, err)
	_ = rest
	at := bytes.Index(tbs.Bytes, []byte{0x17, 0x0d})
	content := append([]byte{}, tbs.Bytes[:at]...)
	first := append([]byte{0x17, 0x0f}, append(append([]byte{}, tbs.Bytes[at+2:at+12]...), "+0000"...)...)
	// The validity's own length is the byte before.
	content[at-1] += byte(len(first) - 15)
	content = append(append(content, first...), tbs.Bytes[at+15:]...)
	inner, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: content})
	must(t, err)
	out, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: append(inner, behind...)})
	must(t, err)
	return out
}

func (o oddity) make(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(0x7e01020304050607), Subject: pkix.Name{CommonName: "lamp"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if o.change != nil {
		o.change(t, c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, &x509.Certificate{Subject: pkix.Name{CommonName: "maker"}}, key.Public(), key)
	must(t, err)
	if o.patch != nil {
		der = o.patch(t, der)
	}
	return der
}

// TestRegisteredMeansPresentable: a certificate registers if and only if a
// handshake that presents it gets an answer in HTTP, in both versions of TLS.
func TestRegisteredMeansPresentable(t *testing.T) {
	s := start(t, thingtest.Options{})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	for _, o := range oddities {
		der := o.make(t, key)
		_, err := register(t, s, der)
		if (err == nil) != o.usable {
			t.Errorf("%s: registration: %v", o.name, err)
		}
		cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			if err := reaches(t, s, cert, version); (err == nil) != o.usable {
				t.Errorf("%s, %s: %v", o.name, tls.VersionName(version), err)
			}
		}
	}
}

// reaches makes a handshake with a certificate and a request, and returns why
// there was no answer.
func reaches(t *testing.T, s *thingtest.Server, cert tls.Certificate, version uint16) error {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: s.CAs, Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version}}
	d := &thingtest.Device{Endpoint: s.DeviceURL(), HTTP: &http.Client{Transport: transport, Timeout: 20 * time.Second}}
	_, err := d.Exchange(t.Context(), "fleet", "")
	return err
}

// TestKeysOfOpenSSL: the same for kinds of keys, with the certificate and the
// client of OpenSSL. Weak keys are refused although a handshake would take them.
func TestKeysOfOpenSSL(t *testing.T) {
	var log lines
	s := start(t, thingtest.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	dir := t.TempDir()
	for _, k := range []struct {
		name   string
		make   []string
		form   string // of the points
		usable bool
		weak   bool // refused by AWS's rule, not by TLS (API reference, CreateCertificateFromCsr)
	}{
		{name: "RSA-2048", make: []string{"genrsa", "2048"}, usable: true},
		{name: "RSA-2048 of exponent 3", make: []string{"genrsa", "-3", "2048"}, usable: true},
		{name: "RSA-1024", make: []string{"genrsa", "1024"}, weak: true},
		{name: "P-256", make: []string{"ecparam", "-genkey", "-noout", "-name", "prime256v1"}, usable: true},
		{name: "P-384", make: []string{"ecparam", "-genkey", "-noout", "-name", "secp384r1"}, usable: true},
		{name: "P-521", make: []string{"ecparam", "-genkey", "-noout", "-name", "secp521r1"}, usable: true},
		{name: "P-224", make: []string{"ecparam", "-genkey", "-noout", "-name", "secp224r1"}, weak: true},
		{name: "P-256, compressed", make: []string{"ecparam", "-genkey", "-noout", "-name", "prime256v1"}, form: "compressed"},
		{name: "P-256, explicit", make: []string{"ecparam", "-genkey", "-noout", "-name", "prime256v1", "-param_enc", "explicit"}},
		{name: "secp256k1", make: []string{"ecparam", "-genkey", "-noout", "-name", "secp256k1"}},
		{name: "brainpoolP256r1", make: []string{"ecparam", "-genkey", "-noout", "-name", "brainpoolP256r1"}},
		{name: "Ed25519", make: []string{"genpkey", "-algorithm", "ed25519"}, usable: true},
		{name: "Ed448", make: []string{"genpkey", "-algorithm", "ed448"}},
		{name: "RSASSA-PSS", make: []string{"genpkey", "-algorithm", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"}},
	} {
		key, cert := filepath.Join(dir, "key"), filepath.Join(dir, "cert")
		run(t, slices.Insert(k.make, 1, "-out", key)...)
		if k.form != "" {
			run(t, "ec", "-in", key, "-conv_form", k.form, "-out", key+".new")
			must(t, os.Rename(key+".new", key))
		}
		run(t, "req", "-x509", "-new", "-key", key, "-subj", "/CN=lamp", "-days", "9", "-out", cert)
		text, err := os.ReadFile(cert)
		must(t, err)
		block, _ := pem.Decode(text)
		_, err = register(t, s, block.Bytes)
		if (err == nil) != k.usable {
			t.Errorf("%s: registration: %v", k.name, err)
		}
		reached := false
		var said string
		for _, version := range []string{"-tls1_2", "-tls1_3"} {
			log.reset()
			out, _ := openssl(t, s, version, "-cert", cert, "-key", key, "-cipher", "DEFAULT:@SECLEVEL=0")
			// Without a policy a device that is known is refused by one, and without a
			// certificate OpenSSL reaches HTTP, too.
			if strings.Contains(out, "HTTP/1.1 403") && !strings.Contains(log.String(), "no client certificate") {
				reached = true
			}
			said += out + log.String()
		}
		if reached != (k.usable || k.weak) {
			t.Errorf("%s: reached HTTP: %v\n%s", k.name, reached, said)
		}
	}
}

// TestSizesOfRSA: registration and handshake have the same limit.
func TestSizesOfRSA(t *testing.T) {
	s := start(t, thingtest.Options{})
	for bits, usable := range map[int]bool{8192: true, 8200: false} {
		key := largeRSA(t, bits)
		template := &x509.Certificate{SerialNumber: big.NewInt(7), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		must(t, err)
		if _, err := register(t, s, der); (err == nil) != usable {
			t.Errorf("%d bits: registration: %v", bits, err)
		}
		if err := reaches(t, s, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, tls.VersionTLS13); (err == nil) != usable {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

// largeRSA makes a key of eight primes, which are found fast.
func largeRSA(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	//lint:ignore SA1019 two primes of this size take a minute
	key, err := rsa.GenerateMultiPrimeKey(rand.Reader, 8, bits)
	must(t, err)
	return key
}

// run runs openssl.
func run(t *testing.T, args ...string) {
	t.Helper()
	needOpenSSL(t)
	if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
}
