package identity

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/thingpass/thingpass"
)

// MaxPEM is the longest certificate text that is read, in bytes (AWS IoT API
// reference, "CertificatePem").
const MaxPEM = 65536

// notAfter is when the certificates that the CA issues expire: never in a
// device's life, as AWS IoT's own do.
var notAfter = time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC)

// ParseCertificatePEM reads one certificate (further ones, a chain, are
// ignored) and returns what registering it needs. Its errors are of kind
// CertificateInvalid.
func ParseCertificatePEM(text string) (thingpass.Certificate, error) {
	if len(text) > MaxPEM {
		return thingpass.Certificate{}, thingpass.Errorf(thingpass.CertificateInvalid, "The certificate is longer than %d characters", MaxPEM)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return thingpass.Certificate{}, thingpass.Errorf(thingpass.CertificateInvalid, "The certificate is not in PEM format")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return thingpass.Certificate{}, thingpass.Errorf(thingpass.CertificateInvalid, "The certificate could not be read: %v", err)
	}
	if err := acceptableKey(cert.PublicKey); err != nil {
		return thingpass.Certificate{}, err
	}
	return describe(cert), nil
}

func describe(cert *x509.Certificate) thingpass.Certificate {
	return thingpass.Certificate{ID: CertificateID(cert.Raw), DER: cert.Raw, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter}
}

// EncodePEM is the text form of a certificate.
func EncodePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// acceptableKey refuses keys that no device should have: RSA under 2048 bits,
// and elliptic curves under 256 (AWS IoT API reference,
// "CreateCertificateFromCsr").
func acceptableKey(key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return thingpass.Errorf(thingpass.CertificateInvalid, "RSA keys must have at least 2048 bits")
		}
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize < 256 {
			return thingpass.Errorf(thingpass.CertificateInvalid, "Elliptic curve keys must be on P-256, P-384 or P-521")
		}
	case ed25519.PublicKey:
	default:
		return thingpass.Errorf(thingpass.CertificateInvalid, "The key must be RSA, elliptic curve or Ed25519")
	}
	return nil
}

// Issuer is the private CA for device certificates.
type Issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
	now  func() time.Time
}

// NewIssuer makes a CA: its certificate and private key, in PEM.
func NewIssuer(account string, now time.Time) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "Thingpass device CA", OrganizationalUnit: []string{account}},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              notAfter,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return []byte(EncodePEM(der)), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

// LoadIssuer reads a CA that NewIssuer made.
func LoadIssuer(certPEM, keyPEM []byte, now func() time.Time) (*Issuer, error) {
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, errors.New("load device CA: not in PEM format")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("load device CA: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, errors.New("load device CA: the private key could not be read")
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("load device CA: the private key cannot sign")
	}
	return &Issuer{cert: cert, key: key, now: now}, nil
}

// IssueFromCSR signs a certificate for the key and the subject of a CSR. Names
// other than the subject are not copied. Errors in the CSR are of kind Invalid.
func (i *Issuer) IssueFromCSR(csrPEM string) (string, thingpass.Certificate, error) {
	block, _ := pem.Decode(bytes.TrimSpace([]byte(csrPEM)))
	if block == nil || (block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST") {
		return "", thingpass.Certificate{}, thingpass.Errorf(thingpass.Invalid, "The certificate signing request is not in PEM format")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return "", thingpass.Certificate{}, thingpass.Errorf(thingpass.Invalid, "The certificate signing request could not be read: %v", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return "", thingpass.Certificate{}, thingpass.Errorf(thingpass.Invalid, "The signature of the certificate signing request is wrong")
	}
	if err := acceptableKey(csr.PublicKey); err != nil {
		return "", thingpass.Certificate{}, thingpass.Errorf(thingpass.Invalid, "%v", err)
	}
	return i.sign(csr.PublicKey, csr.Subject)
}

// NewKeyPair makes an RSA-2048 key pair, as AWS IoT does, and a certificate
// for it. The private key is returned and kept nowhere.
func (i *Issuer) NewKeyPair() (certPEM string, cert thingpass.Certificate, privatePEM thingpass.Secret, publicPEM string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", cert, privatePEM, "", err
	}
	certPEM, cert, err = i.sign(key.Public(), pkix.Name{CommonName: "AWS IoT Certificate"})
	if err != nil {
		return "", cert, privatePEM, "", err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", cert, privatePEM, "", err
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	publicPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	return certPEM, cert, thingpass.NewSecret(string(private)), publicPEM, nil
}

func (i *Issuer) sign(public crypto.PublicKey, subject pkix.Name) (string, thingpass.Certificate, error) {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", thingpass.Certificate{}, thingpass.Errorf(thingpass.Invalid, "The key is of a kind that cannot be certified")
	}
	keyID := sha256.Sum256(spki)
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               subject,
		NotBefore:             i.now().Add(-2 * time.Minute), // for devices whose clock is a little slow
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		SubjectKeyId:          keyID[:20],
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.cert, public, i.key)
	if err != nil {
		return "", thingpass.Certificate{}, fmt.Errorf("sign device certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "", thingpass.Certificate{}, fmt.Errorf("sign device certificate: %w", err)
	}
	return EncodePEM(der), describe(cert), nil
}

// serial is a random positive number of 159 bits (RFC 5280, 4.1.2.2).
func serial() *big.Int {
	n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 159))
	return n.Add(n, big.NewInt(1))
}
