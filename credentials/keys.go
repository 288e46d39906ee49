package credentials

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/thingpass/thingpass/authz"
)

// keys sets the condition keys of the connection. The address is the socket's:
// no forwarding header is believed.
func (x *exchange) keys(c *authz.Context) *authz.Context {
	c.Set("aws:CurrentTime", x.now.UTC().Format(time.RFC3339))
	c.Set("aws:EpochTime", strconv.FormatInt(x.now.Unix(), 10))
	c.Set("aws:SecureTransport", "true")
	if host, _, err := net.SplitHostPort(x.request.RemoteAddr); err == nil {
		c.Set("aws:SourceIp", host)
	}
	return c
}

// deviceKeys adds what IoT policies see of the device: the thing it speaks for,
// and the names in its certificate (AWS IoT developer guide, "Thing policy
// variables" and "X.509 Certificate AWS IoT Core policy variables").
func (x *exchange) deviceKeys(c *authz.Context) *authz.Context {
	if x.device.Thing != "" {
		c.Set("iot:Connection.Thing.ThingName", x.device.Thing)
		c.Set("iot:Connection.Thing.IsAttached", "true")
	}
	if x.device.ThingType != "" {
		c.Set("iot:Connection.Thing.ThingTypeName", x.device.ThingType)
	}
	cert := x.device.Certificate
	c.Set("iot:Certificate.SerialNumber", cert.SerialNumber.Text(16))
	setNames(c, "iot:Certificate.Subject.", cert.Subject)
	setNames(c, "iot:Certificate.Issuer.", cert.Issuer)
	return c
}

// attributes are the types of X.520 that AWS IoT has names for.
var attributes = []struct {
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

// AWS's limits: values of one attribute, and characters of a value.
const (
	maxValues = 5
	maxValue  = 1024
)

// setNames sets the first value of an attribute under its name, the second
// under its name and ".1", and so on.
func setNames(c *authz.Context, prefix string, name pkix.Name) {
	for _, a := range attributes {
		count := 0
		for _, v := range name.Names {
			text, ok := v.Value.(string)
			if !ok || !v.Type.Equal(a.oid) || len(text) > maxValue || count == maxValues {
				continue
			}
			key := prefix + a.name
			if count > 0 {
				key += fmt.Sprintf(".%d", count)
			}
			c.Set(key, text)
			count++
		}
	}
}
