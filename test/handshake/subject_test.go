package handshake

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/thingpass/thingpass/thingtest"
)

// Attribute types (X.520; RFC 4519; RFC 2985 for emailAddress).
var (
	commonName  = asn1.ObjectIdentifier{2, 5, 4, 3}
	surname     = asn1.ObjectIdentifier{2, 5, 4, 4}
	country     = asn1.ObjectIdentifier{2, 5, 4, 6}
	unit        = asn1.ObjectIdentifier{2, 5, 4, 11}
	title       = asn1.ObjectIdentifier{2, 5, 4, 12}
	givenName   = asn1.ObjectIdentifier{2, 5, 4, 42}
	initials    = asn1.ObjectIdentifier{2, 5, 4, 43}
	generation  = asn1.ObjectIdentifier{2, 5, 4, 44}
	qualifier   = asn1.ObjectIdentifier{2, 5, 4, 46}
	pseudonym   = asn1.ObjectIdentifier{2, 5, 4, 65}
	email       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	domain      = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}
	userID      = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
	ownKind     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 7}
	utf8, t61   = 12, 20
	bmp, ia5    = 30, 22
	printable   = 19
	universal   = 28
	bmpBlocked  = "\x00b\x00l\x00o\x00c\x00k\x00e\x00d"
	wideBlocked = "\x00\x00\x00b"
)

type attribute struct {
	kind asn1.ObjectIdentifier
	tag  int // of the string
	text string
}

// name encodes a Name as it stands: one set of attributes each.
func name(t *testing.T, sets ...[]attribute) []byte {
	t.Helper()
	type value struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	var rdns []asn1.RawValue
	for _, set := range sets {
		var content []byte
		for _, a := range set {
			der, err := asn1.Marshal(value{a.kind, asn1.RawValue{Tag: a.tag, Bytes: []byte(a.text)}})
			must(t, err)
			content = append(content, der...)
		}
		rdns = append(rdns, asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: content})
	}
	der, err := asn1.Marshal(rdns)
	must(t, err)
	return der
}

func one(kind asn1.ObjectIdentifier, tag int, text string) []attribute {
	return []attribute{{kind, tag, text}}
}

// enrol has a CSR with a subject signed, and returns the certificate.
func enrol(t *testing.T, s *thingtest.Server, key crypto.Signer, subject []byte) (*x509.Certificate, error) {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: subject}, key)
	must(t, err)
	var out struct{ CertificatePem string }
	err = s.Admin.Call(t.Context(), http.MethodPost, "/certificates?setAsActive=true", map[string]string{
		"certificateSigningRequest": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})),
	}, &out)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(out.CertificatePem))
	cert, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	return cert, nil
}

// selfSigned makes a certificate with a subject, not issued here.
func selfSigned(t *testing.T, key crypto.Signer, subject []byte) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), RawSubject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return der
}

// subjects are names that pkix.Name cannot hold. In "blocked" ones a policy's
// Deny by the title must hold, in others its Allow by the title must not be lost.
func subjects(t *testing.T) map[string][]byte {
	cn := one(commonName, utf8, "lamp")
	return map[string][]byte{
		"title":            name(t, cn, one(title, utf8, "blocked")),
		"title first":      name(t, one(title, printable, "blocked"), cn),
		"title as BMP":     name(t, cn, one(title, bmp, bmpBlocked)),
		"title as T.61":    name(t, cn, one(title, t61, "blocked")),
		"title as IA5":     name(t, cn, one(title, ia5, "blocked")),
		"title twice":      name(t, cn, one(title, utf8, "free"), one(title, utf8, "blocked")),
		"title in a set":   name(t, []attribute{{commonName, utf8, "lamp"}, {title, utf8, "blocked"}}),
		"title only":       name(t, one(title, utf8, "blocked")),
		"everything":       name(t, one(country, printable, "DE"), one(unit, utf8, "b"), one(unit, utf8, "a"), cn, one(surname, utf8, "S"), one(givenName, utf8, "G"), one(initials, utf8, "I"), one(generation, utf8, "III"), one(qualifier, printable, "Q"), one(pseudonym, utf8, "P"), one(title, utf8, "blocked"), one(email, ia5, "lamp@example.com"), one(domain, ia5, "example"), one(userID, utf8, "u"), one(ownKind, utf8, "own")),
		"two common names": name(t, cn, one(commonName, utf8, "second"), one(title, utf8, "blocked")),
	}
}

// TestSubjectOfCSR: the certificate that is issued for a CSR has its subject,
// byte for byte, so what policies ask of the subject holds for both kinds of
// certificate (AWS IoT developer guide, "Create a client certificate with your
// CA certificate" and API reference, CreateCertificateFromCsr; RFC 2986, 4.1).
func TestSubjectOfCSR(t *testing.T) {
	s := start(t, thingtest.Options{})
	const blocked = `"Condition":{"ForAnyValue:StringEquals":{"iot:Certificate.Subject.Title.List":"blocked"}}`
	fleet(t, s, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"arn:aws:iot:us-east-1:123456789012:rolealias/fleet"},
		{"Effect":"Deny","Action":"iot:AssumeRoleWithCertificate","Resource":"arn:aws:iot:us-east-1:123456789012:rolealias/fleet",`+blocked+`},
		{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"arn:aws:iot:us-east-1:123456789012:rolealias/titled",`+blocked+`}]}`)
	call(t, s, http.MethodPost, "/role-aliases/titled", map[string]string{"roleArn": "arn:aws:iam::123456789012:role/Lamp"}, nil)
	for what, subject := range subjects(t) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		issued, err := enrol(t, s, key, subject)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !bytes.Equal(issued.RawSubject, subject) {
			t.Errorf("%s: subject %x, want %x", what, issued.RawSubject, subject)
		}
		if len(issued.DNSNames)+len(issued.EmailAddresses) > 0 || issued.IsCA {
			t.Errorf("%s: the certificate claims more than the subject", what)
		}
		own := selfSigned(t, key, subject)
		_, err = register(t, s, own)
		must(t, err)
		for kind, der := range map[string][]byte{"from a CSR": issued.Raw, "registered": own} {
			cert, id := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, certificateID(der)
			permit(t, s, id)
			if got := exchange(t, s, cert, "fleet"); got != http.StatusForbidden {
				t.Errorf("%s, %s: a Deny by the title: %d", what, kind, got)
			}
			if got := exchange(t, s, cert, "titled"); got != http.StatusOK {
				t.Errorf("%s, %s: an Allow by the title: %d", what, kind, got)
			}
		}
	}
}

// TestUnusableSubjects: a subject that the TLS handshake could not read is
// refused, and nothing is issued.
func TestUnusableSubjects(t *testing.T) {
	s := start(t, thingtest.Options{})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	for what, subject := range map[string][]byte{
		"UniversalString": name(t, one(title, universal, wideBlocked)), "PrintableString with @": name(t, one(commonName, printable, "lamp@example")),
		"UTF8String that is none": name(t, one(commonName, utf8, "\xff\xfe")),
	} {
		_, err := enrol(t, s, key, subject)
		e, ok := err.(*thingtest.Error)
		if !ok || e.Status != http.StatusBadRequest || e.Code != "InvalidRequestException" {
			t.Errorf("%s: %v", what, err)
		}
	}
	var list struct{ Certificates []struct{} }
	call(t, s, http.MethodGet, "/certificates", nil, &list)
	if len(list.Certificates) != 0 {
		t.Errorf("%d certificates", len(list.Certificates))
	}
	// An empty subject is a subject.
	if cert, err := enrol(t, s, key, name(t)); err != nil || !bytes.Equal(cert.RawSubject, []byte{0x30, 0}) {
		t.Errorf("empty: %v", err)
	}
	if cert, err := enrol(t, s, key, mustName(t, pkix.Name{CommonName: "lamp"})); err != nil || cert.Subject.CommonName != "lamp" {
		t.Errorf("plain: %v", err)
	}
}

func mustName(t *testing.T, n pkix.Name) []byte {
	t.Helper()
	der, err := asn1.Marshal(n.ToRDNSequence())
	must(t, err)
	return der
}
