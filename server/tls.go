package server

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// serverCertificateLife is the longest that today's TLS clients accept of a
// server certificate: 825 days.
const serverCertificateLife = 825 * 24 * time.Hour

// newServerCA makes the private CA that clients of this installation trust.
func newServerCA(account string, now time.Time) (certPEM, keyPEM []byte, err error) {
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: "Thingpass server CA", OrganizationalUnit: []string{account}},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(20, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return signCertificate(template, nil, nil)
}

// RenewServerCertificate makes a new key and certificate for the doors, signed
// by the installation's CA, in place of those there. Running servers take them
// up by themselves.
func (i *Installation) RenewServerCertificate(hosts []string, now time.Time) error {
	ca, err := tls.LoadX509KeyPair(i.path(fileCA), i.path(fileCAKey))
	if err != nil {
		return fmt.Errorf("load server CA: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{CommonName: hosts[0]},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(serverCertificateLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	signer, ok := ca.PrivateKey.(crypto.Signer)
	if !ok {
		return errors.New("load server CA: its key cannot sign")
	}
	certPEM, keyPEM, err := signCertificate(template, ca.Leaf, signer)
	if err != nil {
		return err
	}
	// The key first: a server that reads between the two finds a pair that does
	// not match, keeps the old one, and tries again.
	if err := replaceFile(i.path(fileServerKey), keyPEM, 0o600); err != nil {
		return err
	}
	return replaceFile(i.path(fileServerCert), certPEM, 0o644)
}

// signCertificate makes a P-256 key and a certificate for it; without a parent
// it signs itself.
func signCertificate(template, parent *x509.Certificate, parentKey crypto.Signer) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

func newSerial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 159))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return n.Add(n, big.NewInt(1))
}

// replaceFile puts data in the place of a file in one step, durably.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// doorTLS is the TLS configuration of a door. The device door asks for a
// client certificate, any: an empty list of acceptable CAs makes every client
// library offer its own, and the registry decides. Chains are not verified
// here: a certificate that is missing, unknown or revoked is answered in HTTP.
func doorTLS(cert func() *tls.Certificate, postQuantum, device bool) *tls.Config {
	cfg := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert(), nil },
	}
	if device {
		cfg.ClientAuth = tls.RequestClientCert
	}
	if !postQuantum {
		cfg.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}
	}
	return cfg
}
