package credentials

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/netip"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/session"
)

// attributes are the types of X.520 that AWS IoT has names for.
var attributes = [...]struct {
	oid  asn1.ObjectIdentifier
	name string
}{
	{asn1.ObjectIdentifier{2, 5, 4, 3}, "CommonName"},
	{asn1.ObjectIdentifier{2, 5, 4, 4}, "Surname"},
	{asn1.ObjectIdentifier{2, 5, 4, 5}, "SerialNumber"},
	{asn1.ObjectIdentifier{2, 5, 4, 6}, "Country"},
	{asn1.ObjectIdentifier{2, 5, 4, 8}, "State"},
	{asn1.ObjectIdentifier{2, 5, 4, 10}, "Organization"},
	{asn1.ObjectIdentifier{2, 5, 4, 11}, "OrganizationalUnit"},
	{asn1.ObjectIdentifier{2, 5, 4, 12}, "Title"},
	{asn1.ObjectIdentifier{2, 5, 4, 42}, "GivenName"},
	{asn1.ObjectIdentifier{2, 5, 4, 43}, "Initials"},
	{asn1.ObjectIdentifier{2, 5, 4, 44}, "GenerationQualifier"},
	{asn1.ObjectIdentifier{2, 5, 4, 46}, "DistinguishedNameQualifier"},
	{asn1.ObjectIdentifier{2, 5, 4, 65}, "Pseudonym"},
}

// alternatives are the kinds of alternative name that AWS IoT has names for, by
// their tags (RFC 5280, 4.2.1.6).
var alternatives = [...]string{
	1: "RFC822Name", 2: "DNSName", 4: "DirectoryName", 6: "UniformResourceIdentifier", 7: "IPAddress",
}

var (
	subjectAlternatives = asn1.ObjectIdentifier{2, 5, 29, 17}
	issuerAlternatives  = asn1.ObjectIdentifier{2, 5, 29, 18}
)

// AWS's limits: values of one attribute, and characters of a value.
const (
	maxValues = 5
	maxValue  = 1024
)

// setCertificate sets what a certificate says. iot:Certificate.AvailableKeys are
// the names of all the keys that it has.
func setCertificate(c *authz.Context, cert *x509.Certificate) {
	const subject, issuer = "iot:Certificate.Subject.", "iot:Certificate.Issuer."
	available := make([]string, 0, 8)
	set := func(prefix, kind string, values []string) {
		if len(values) == 0 {
			return
		}
		name := prefix + kind
		available = append(available, name)
		c.SetList(name+".List", values)
		c.Set(name, values[0])
		for i := 1; i < len(values); i++ {
			c.Set(name+"."+strconv.Itoa(i), values[i])
		}
	}
	for i := range attributes {
		set(subject, attributes[i].name, valuesOf(&cert.Subject, attributes[i].oid))
		set(issuer, attributes[i].name, valuesOf(&cert.Issuer, attributes[i].oid))
	}
	for i := range cert.Extensions {
		switch e := &cert.Extensions[i]; {
		case e.Id.Equal(subjectAlternatives):
			setAlternatives(set, subject+"AlternativeName.", e.Value)
		case e.Id.Equal(issuerAlternatives):
			setAlternatives(set, issuer+"AlternativeName.", e.Value)
		}
	}
	c.Set("iot:Certificate.SerialNumber", cert.SerialNumber.Text(16))
	c.SetList("iot:Certificate.AvailableKeys", append(available, "iot:Certificate.SerialNumber"))
}

// valuesOf are the values of one attribute, in the order of the certificate.
func valuesOf(name *pkix.Name, oid asn1.ObjectIdentifier) (values []string) {
	for i := range name.Names {
		v := &name.Names[i]
		if text, ok := v.Value.(string); ok && v.Type.Equal(oid) && len(text) <= maxValue && len(values) < maxValues {
			values = append(values, text)
		}
	}
	return values
}

// setAlternatives sets the alternative names of an extension. One that cannot be
// read has none.
func setAlternatives(set func(prefix, kind string, values []string), prefix string, der []byte) {
	var names []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &names); err != nil || len(rest) > 0 {
		return
	}
	var values [len(alternatives)][]string
	for _, n := range names {
		text, ok := alternative(n)
		if ok && n.Class == asn1.ClassContextSpecific && len(text) <= maxValue && len(values[n.Tag]) < maxValues {
			values[n.Tag] = append(values[n.Tag], text)
		}
	}
	for tag, list := range values {
		set(prefix, alternatives[tag], list)
	}
}

func alternative(n asn1.RawValue) (string, bool) {
	switch n.Tag {
	case 1, 2, 6:
		return string(n.Bytes), true
	case 4:
		var name pkix.RDNSequence
		_, err := asn1.Unmarshal(n.Bytes, &name)
		return name.String(), err == nil
	case 7:
		address, ok := netip.AddrFromSlice(n.Bytes)
		return address.String(), ok
	}
	return "", false
}

// subjectKey is the condition key of a session for an attribute of the
// certificate's subject: CommonName is its first value, CommonName.1 its second,
// CommonName.List all of them.
func subjectKey(cert *x509.Certificate, field string) (thingpass.DeviceKey, bool) {
	name, which, several := strings.Cut(field, ".")
	for i := range attributes {
		if !strings.EqualFold(attributes[i].name, name) {
			continue
		}
		k := thingpass.DeviceKey{Name: session.SubjectKey + field, Values: valuesOf(&cert.Subject, attributes[i].oid)}
		if strings.EqualFold(which, "List") {
			k.List = true
			return k, len(k.Values) > 0
		}
		n := 0
		if several {
			var err error
			if n, err = strconv.Atoi(which); err != nil || n < 1 || strconv.Itoa(n) != which {
				return k, false
			}
		}
		if n >= len(k.Values) {
			return k, false
		}
		k.Values = k.Values[n : n+1]
		return k, true
	}
	return thingpass.DeviceKey{}, false
}
