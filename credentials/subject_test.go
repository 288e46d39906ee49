package credentials

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/identity"
)

// certificate makes a certificate with several values of several attributes,
// and alternative names of its subject and its issuer.
func certificate(t testing.TB) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := asn1.Marshal(pkix.Name{CommonName: "depot"}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	issuerNames, err := asn1.Marshal([]asn1.RawValue{
		{Class: asn1.ClassContextSpecific, Tag: 1, Bytes: []byte("ca@example.com")},
		{Class: asn1.ClassContextSpecific, Tag: 4, IsCompound: true, Bytes: directory},
	})
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xabcdef), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{
			CommonName: "*", SerialNumber: "7", OrganizationalUnit: []string{"a", "b", "c", "d", "e", "f"}, Organization: []string{strings.Repeat("x", 1025), "Lights"},
		},
		DNSNames: []string{"lamp.example", "lamp2.example"}, EmailAddresses: []string{"lamp@example.com"},
		IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1).To4(), net.ParseIP("2001:db8::1")}, URIs: []*url.URL{{Scheme: "urn", Opaque: "lamp"}},
		ExtraExtensions: []pkix.Extension{{Id: issuerAlternatives, Value: issuerNames}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestCertificateKeys: what IoT policies see of a certificate.
func TestCertificateKeys(t *testing.T) {
	c := authz.NewContext()
	setCertificate(c, certificate(t))
	const subject, issuer = "iot:Certificate.Subject.", "iot:Certificate.Issuer."
	for name, want := range map[string]string{
		subject + "CommonName": "*", subject + "CommonName.1": "-", subject + "CommonName.0": "-", subject + "SerialNumber": "7",
		subject + "OrganizationalUnit": "a", subject + "OrganizationalUnit.1": "b", subject + "OrganizationalUnit.4": "e", subject + "OrganizationalUnit.5": "-",
		subject + "OrganizationalUnit.List": "a b c d e", subject + "Organization": "Lights", subject + "Title": "-", subject + "Title.List": "-",
		subject + "AlternativeName.DNSName": "lamp.example", subject + "AlternativeName.DNSName.1": "lamp2.example",
		subject + "AlternativeName.RFC822Name": "lamp@example.com", subject + "AlternativeName.UniformResourceIdentifier": "urn:lamp",
		subject + "AlternativeName.IPAddress.List": "10.0.0.1 2001:db8::1", subject + "AlternativeName.DirectoryName": "-",
		issuer + "AlternativeName.RFC822Name": "ca@example.com", issuer + "AlternativeName.DirectoryName": "CN=depot", issuer + "CommonName": "*",
		"iot:Certificate.SerialNumber": "abcdef",
	} {
		values, multi, ok := c.Lookup(name)
		got := strings.Join(values, " ")
		if !ok {
			got = "-"
		}
		if got != want || ok && multi != strings.HasSuffix(name, ".List") {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	available, multi, _ := c.Lookup("iot:Certificate.AvailableKeys")
	for _, name := range available {
		if _, _, ok := c.Lookup(name); !ok {
			t.Errorf("%s is told to be there", name)
		}
	}
	if !multi || len(available) != 15 {
		t.Errorf("%d keys: %q", len(available), available)
	}
}

// TestSealed: what goes into a session, by the names in which policies mention
// it.
func TestSealed(t *testing.T) {
	x := &exchange{presented: identity.Presented{Certificate: certificate(t)}}
	x.device = identity.Device{Device: &thingpass.Device{Things: []thingpass.Attachment{
		{Thing: "other", Groups: []string{"x"}}, {Thing: "lamp", Groups: []string{"a", "b"}, Attributes: map[string]string{"Site": "berlin"}},
	}}, Thing: "lamp"}
	key := func(name string, values ...string) thingpass.DeviceKey {
		return thingpass.DeviceKey{Name: "credentials-iot:" + name, Values: values}
	}
	list := func(name string, values ...string) thingpass.DeviceKey {
		return thingpass.DeviceKey{Name: "credentials-iot:" + name, Values: values, List: true}
	}
	for mentioned, want := range map[string]*thingpass.DeviceKey{
		"credentials-iot:ThingGroups": ptr(list("ThingGroups", "a", "b")), "Credentials-IoT:thinggroups": ptr(list("ThingGroups", "a", "b")),
		"credentials-iot:ThingAttribute/site": ptr(key("ThingAttribute/site", "berlin")), "credentials-iot:thingattribute/Site": ptr(key("ThingAttribute/Site", "berlin")),
		"credentials-iot:ThingAttribute/floor": ptr(key("ThingAttribute/floor")), "credentials-iot:ThingAttribute/": nil,
		"credentials-iot:Certificate.Subject.CommonName": ptr(key("Certificate.Subject.CommonName", "*")),
		"credentials-iot:certificate.subject.commonname": ptr(key("Certificate.Subject.commonname", "*")),
		"credentials-iot:Certificate.Subject.Title":      nil, "credentials-iot:Certificate.Subject.CommonName.1": nil,
		"credentials-iot:Certificate.Subject.OrganizationalUnit.4":    ptr(key("Certificate.Subject.OrganizationalUnit.4", "e")),
		"credentials-iot:Certificate.Subject.OrganizationalUnit.List": ptr(list("Certificate.Subject.OrganizationalUnit.List", "a", "b", "c", "d", "e")),
		"credentials-iot:Certificate.Subject.OrganizationalUnit.0":    nil, "credentials-iot:Certificate.Subject.OrganizationalUnit.": nil,
		"credentials-iot:Certificate.Subject.OrganizationalUnit.01": nil, "credentials-iot:Certificate.Subject.OrganizationalUnit.+1": nil,
		"credentials-iot:Certificate.Subject.OrganizationalUnit.5": nil, "credentials-iot:Certificate.Subject.": nil, "credentials-iot:Else": nil,
	} {
		var wanted []thingpass.DeviceKey
		if want != nil {
			wanted = []thingpass.DeviceKey{*want}
		}
		if diff := cmp.Diff(wanted, x.sealed([]string{mentioned})); diff != "" {
			t.Errorf("%s: %s", mentioned, diff)
		}
	}
	x.device.Thing = ""
	if got := x.sealed([]string{"credentials-iot:ThingGroups", "credentials-iot:ThingAttribute/site", "credentials-iot:Certificate.Subject.CommonName"}); len(got) != 1 {
		t.Errorf("without a thing: %+v", got)
	}
}

func ptr[T any](v T) *T { return &v }

func BenchmarkCertificateKeys(b *testing.B) {
	cert := certificate(b)
	b.ReportAllocs()
	for b.Loop() {
		setCertificate(authz.NewContext(), cert)
	}
}

// FuzzAlternatives: no extension makes the reader of alternative names panic, or
// gives a name more values than AWS does.
func FuzzAlternatives(f *testing.F) {
	for _, e := range certificate(f).Extensions {
		f.Add(e.Value)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		setAlternatives(func(_, name string, values []string) {
			if len(values) > maxValues {
				t.Errorf("%s has %d values", name, len(values))
			}
		}, "", der)
	})
}
