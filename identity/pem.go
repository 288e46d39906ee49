package identity

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
)

// MaxPEM is the longest certificate text that is read, in bytes (AWS IoT API
// reference, "CertificatePem").
const MaxPEM = 65536

// The PEM types of certificates and of signing requests: RFC 7468, and what
// older tools write (openssl's PEM_STRING_X509_OLD, PEM_STRING_X509_TRUSTED and
// PEM_STRING_X509_REQ_OLD).
var (
	certificateTypes = []string{"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"}
	requestTypes     = []string{"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"}
)

// A document is a text in PEM: the blocks of the types that were looked for, and
// what else it holds.
type document struct {
	wanted [][]byte // DER, in order
	others []string // types of the other blocks, in order, without repetition
	text   string   // what was read, without a byte order mark
}

// readPEM finds the blocks of some types among whatever else a text holds: keys
// and parameters, which openssl writes into the same file, attributes, and
// certificates in plain words.
func readPEM(text string, types []string) document {
	text = strings.TrimPrefix(text, "\ufeff")
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	d := document{text: text}
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return d
		}
		switch {
		case slices.Contains(types, block.Type):
			d.wanted = append(d.wanted, first(block.Bytes))
		case !slices.Contains(d.others, block.Type):
			d.others = append(d.others, block.Type)
		}
	}
}

// first is the first element of a block: behind a trusted certificate there is
// what openssl trusts it for. What is no DER is left for its parser to refuse.
func first(der []byte) []byte {
	var element asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &element); err != nil || len(rest) == 0 || element.Tag != asn1.TagSequence {
		return der
	}
	return element.FullBytes
}

// found says what a text holds that has no block of the types looked for.
func (d *document) found(label string) string {
	switch {
	case len(d.others) > 0:
		return "it holds " + strings.Join(names(d.others), ", ")
	case strings.Contains(d.text, `\n`) && strings.Contains(d.text, "-----BEGIN "):
		return `its line ends are written out, as \n`
	case strings.ContainsRune(d.text, 0):
		return "it is in another encoding than UTF-8"
	case strings.Contains(d.text, "-----BEGIN "):
		return "a line -----BEGIN is there, but no block that is whole: line ends or the line -----END are lost"
	}
	return "there is no line -----BEGIN " + label + "-----"
}

// maxNames is how many types of blocks an error names.
const maxNames = 5

// names shows types of blocks, which are the client's text.
func names(types []string) (shown []string) {
	for i, t := range types {
		if i == maxNames {
			return append(shown, "…")
		}
		if len(t) > 40 {
			t = t[:40] + "…"
		}
		shown = append(shown, fmt.Sprintf("%q", t))
	}
	return shown
}

// hasPrivateKey reports whether one of the other blocks is a private key.
func (d *document) hasPrivateKey() bool {
	return slices.ContainsFunc(d.others, func(t string) bool { return strings.HasSuffix(t, "PRIVATE KEY") })
}

// ParseCertificatePEM reads the certificate of a device and returns what
// registering it needs, with what its operator should know. Of several, it is
// the first that is a device's: see deviceCertificate. Its errors are of kind
// CertificateInvalid.
func ParseCertificatePEM(text string) (thingpass.Certificate, []string, error) {
	if len(text) > MaxPEM {
		return thingpass.Certificate{}, nil, thingpass.Errorf(thingpass.CertificateInvalid, "The certificate is longer than %d characters", MaxPEM)
	}
	d := readPEM(text, certificateTypes)
	if len(d.wanted) == 0 {
		return thingpass.Certificate{}, nil, thingpass.Errorf(thingpass.CertificateInvalid, "The certificate is not in PEM format: %s", d.found("CERTIFICATE"))
	}
	cert, warnings, err := deviceCertificate(d.wanted)
	if err != nil {
		return thingpass.Certificate{}, nil, err
	}
	if err := Presentable(cert); err != nil {
		return thingpass.Certificate{}, nil, err
	}
	if w := weakSignature(cert); w != "" {
		warnings = append(warnings, w)
	}
	if d.hasPrivateKey() {
		warnings = append(warnings, "a private key was sent with the certificate; it is not kept, and should not leave the device")
	}
	return describe(cert), warnings, nil
}

// deviceCertificate picks the certificate of the device: the first that is
// neither a CA's nor the issuer of another one there, whatever the order.
// A certificate alone is taken as it is: devices that sign their own mostly say
// that they are a CA, because openssl does by default.
func deviceCertificate(ders [][]byte) (*x509.Certificate, []string, error) {
	var certs []*x509.Certificate
	var unread error
	for i, der := range ders {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			unread = thingpass.Errorf(thingpass.CertificateInvalid, "The certificate could not be read: %v", err)
			if len(ders) > 1 {
				unread = thingpass.Errorf(thingpass.CertificateInvalid, "Certificate %d of %d could not be read: %v", i+1, len(ders), err)
			}
			break
		}
		certs = append(certs, cert)
	}
	device := firstDevice(certs)
	switch {
	case unread != nil && (device == nil || isCA(device, certs)):
		return nil, nil, unread // it may be the device's
	case device == nil:
		return nil, nil, thingpass.Errorf(thingpass.CertificateInvalid, "There are %d certificates, and all of them are of CAs: send the certificate of the device alone", len(certs))
	case unread != nil:
		return device, []string{"a certificate behind it could not be read: a device that sends it, too, fails at the handshake"}, nil
	case isCA(device, certs) && len(certs) > 1:
		return device, []string{"it says that it is of a CA, as all the certificates that were sent do; it was taken because it has issued none of the others"}, nil
	}
	return device, nil, nil
}

// firstDevice is the first certificate that is not a CA's. Where all are, it is
// the one that has issued none of the others, if there is one such.
func firstDevice(certs []*x509.Certificate) (device *x509.Certificate) {
	for _, c := range certs {
		if !isCA(c, certs) {
			return c
		}
	}
	for _, c := range certs {
		switch {
		case issued(c, certs):
		case device != nil && !device.Equal(c):
			return nil
		default:
			device = c
		}
	}
	return device
}

func isCA(c *x509.Certificate, among []*x509.Certificate) bool { return c.IsCA || issued(c, among) }

// issued reports whether another certificate names this one as its issuer: a CA
// of version 1 does not say that it is one.
func issued(c *x509.Certificate, among []*x509.Certificate) bool {
	return slices.ContainsFunc(among, func(o *x509.Certificate) bool {
		return bytes.Equal(o.RawIssuer, c.RawSubject) && !bytes.Equal(o.RawSubject, o.RawIssuer)
	})
}

// parseRequestPEM reads a signing request. Its errors are of kind Invalid.
func parseRequestPEM(text string) (*x509.CertificateRequest, error) {
	d := readPEM(text, requestTypes)
	if len(d.wanted) == 0 {
		return nil, thingpass.Errorf(thingpass.Invalid, "The certificate signing request is not in PEM format: %s", d.found("CERTIFICATE REQUEST"))
	}
	csr, err := x509.ParseCertificateRequest(d.wanted[0])
	if err != nil {
		return nil, thingpass.Errorf(thingpass.Invalid, "The certificate signing request could not be read: %v", err)
	}
	// The key first: checking a signature with one of any size takes any time.
	if err := acceptableKey(csr.PublicKey); err != nil {
		return nil, thingpass.Errorf(thingpass.Invalid, "%s", err.Error())
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, thingpass.Errorf(thingpass.Invalid, "The signature of the certificate signing request is wrong: %v", err)
	}
	return csr, nil
}
