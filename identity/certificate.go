package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/thingpass/thingpass"
)

// notAfter is when the certificates that the CA issues expire: never in a
// device's life, as AWS IoT's own do.
var notAfter = time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC)

func describe(cert *x509.Certificate) thingpass.Certificate {
	return thingpass.Certificate{ID: CertificateID(cert.Raw), DER: cert.Raw, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter}
}

// EncodePEM is the text form of a certificate.
func EncodePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
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

// IssueFromCSR signs a certificate for the key and the subject of a CSR: the
// subject byte for byte, because policies ask about any attribute of it.
// Extensions are not copied. Errors in the CSR are of kind Invalid.
func (i *Issuer) IssueFromCSR(csrPEM string) (string, thingpass.Certificate, error) {
	csr, err := parseRequestPEM(csrPEM)
	if err != nil {
		return "", thingpass.Certificate{}, err
	}
	return i.sign(csr.PublicKey, csr.RawSubject)
}

// NewKeyPair makes an RSA-2048 key pair, as AWS IoT does, and a certificate
// for it. The private key is returned and kept nowhere.
func (i *Issuer) NewKeyPair() (certPEM string, cert thingpass.Certificate, privatePEM thingpass.Secret, publicPEM string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", cert, privatePEM, "", err
	}
	subject, err := asn1.Marshal(pkix.Name{CommonName: "AWS IoT Certificate"}.ToRDNSequence())
	if err != nil {
		return "", cert, privatePEM, "", err
	}
	certPEM, cert, err = i.sign(key.Public(), subject)
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

func (i *Issuer) sign(public crypto.PublicKey, subject []byte) (string, thingpass.Certificate, error) {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", thingpass.Certificate{}, thingpass.Errorf(thingpass.Invalid, "The key is of a kind that cannot be certified")
	}
	keyID := sha256.Sum256(spki)
	template := &x509.Certificate{
		SerialNumber:          serial(),
		RawSubject:            subject,
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
	if err != nil { // the handshake could not read it either, and all but the subject is ours
		return "", thingpass.Certificate{}, thingpass.Errorf(thingpass.Invalid, "The subject of the certificate signing request cannot be used: %v", err)
	}
	return EncodePEM(der), describe(cert), nil
}

// serial is a random positive number of 159 bits (RFC 5280, 4.1.2.2).
func serial() *big.Int {
	n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 159))
	return n.Add(n, big.NewInt(1))
}
