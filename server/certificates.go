package server

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// serverCertificateLife is the longest that today's TLS clients accept of a
// server certificate: 825 days.
const serverCertificateLife = 825 * 24 * time.Hour

// A serverPair is one of the keys of the doors: the files of its certificate,
// and those of the CA that signs it. Each has a CA with a key of its own kind,
// because a client that knows RSA alone cannot verify what a P-256 key signed.
type serverPair struct {
	cert, key string
	ca, caKey string
	caName    string
	generate  func() (crypto.Signer, error)
}

// serverPairs lists the keys of the doors, the preferred one first.
func serverPairs() []serverPair {
	return []serverPair{
		{fileServerCert, fileServerKey, fileCA, fileCAKey, "Thingpass server CA", func() (crypto.Signer, error) {
			return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		}},
		// 2048 bits, which is what AWS's RSA endpoints have and what the TLS of
		// small devices can compute.
		{fileRSACert, fileRSAKey, fileRSACA, fileRSACAKey, "Thingpass server CA (RSA)", func() (crypto.Signer, error) {
			return rsa.GenerateKey(rand.Reader, 2048)
		}},
	}
}

// createServerCA makes the private CA of a pair. Its certificate goes into the
// file of the pair, and that of the second pair also into fileCA, so that
// clients who trust that file trust both.
func (i *Installation) createServerCA(p serverPair, now time.Time) error {
	key, err := p.generate()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: p.caName, OrganizationalUnit: []string{i.Account}},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(20, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	certPEM, keyPEM, err := signCertificate(template, nil, nil, key)
	if err != nil {
		return err
	}
	if err := i.folderOf(p.ca); err != nil {
		return err
	}
	if err := i.write(p.caKey, keyPEM, 0o600); err != nil {
		return err
	}
	return i.write(p.ca, certPEM, 0o644)
}

// RenewConfig says what server certificates to make.
type RenewConfig struct {
	Hosts []string // names and addresses
	NoRSA bool     // the RSA certificate is not made, and one that is there stays as it is
	Force bool     // replace certificates of other CAs, and symbolic links
	Now   time.Time
}

// RenewServerCertificates makes new keys and certificates for the doors, signed
// by the installation's CAs, in place of those there. An installation without
// an RSA certificate gets one, and a CA for it. Running servers take them up by
// themselves.
func (i *Installation) RenewServerCertificates(cfg RenewConfig) error {
	if err := CheckHosts(cfg.Hosts); err != nil {
		return fmt.Errorf("host %w", err)
	}
	if err := i.need(PartServerCA); err != nil {
		return err
	}
	pairs := serverPairs()
	if cfg.NoRSA {
		pairs = pairs[:1]
	}
	for _, p := range pairs {
		if err := i.own(p); err != nil && !cfg.Force {
			return fmt.Errorf("%w: nothing is changed. Have its issuer renew it; --force puts a certificate of the installation's CA in its place, which clients must trust", err)
		}
	}
	for n, p := range pairs {
		if n > 0 {
			if err := i.trustFurtherCA(p, cfg.Now); err != nil {
				return err
			}
		}
		if err := i.renewServerPair(p, cfg); err != nil {
			return err
		}
	}
	return nil
}

// own reports why the files of a pair are not ours to replace, if they are not.
func (i *Installation) own(p serverPair) error {
	files := []string{p.cert, p.key}
	if p.ca != fileCA {
		files = append(files, fileCA) // gets a second certificate
	}
	for _, file := range files {
		info, err := os.Lstat(i.path(file))
		if err == nil && info.Mode()&os.ModeSymlink != 0 {
			return fmt.Errorf("%s is a symbolic link", file)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if i.absent(p.cert) {
		if !i.absent(p.key) {
			return fmt.Errorf("%s is there without %s, and may be the key of a certificate of another CA", p.key, p.cert)
		}
		return nil
	}
	raw, err := os.ReadFile(i.path(p.cert))
	if err != nil {
		return err
	}
	chain := ders(raw)
	if len(chain) == 0 {
		return fmt.Errorf("%s holds no certificate", p.cert)
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", p.cert, err)
	}
	if !i.issued(leaf) {
		return fmt.Errorf("%s was issued by %s, not by this installation", p.cert, leaf.Issuer)
	}
	return nil
}

// issued reports whether a CA of the installation signed a certificate.
func (i *Installation) issued(leaf *x509.Certificate) bool {
	for _, p := range serverPairs() {
		raw, err := os.ReadFile(i.path(p.ca))
		if err != nil {
			continue
		}
		for _, der := range ders(raw) {
			if ca, err := x509.ParseCertificate(der); err == nil && leaf.CheckSignatureFrom(ca) == nil {
				return true
			}
		}
	}
	return false
}

// trustFurtherCA makes the CA of a further pair when it is not there, and sees
// to it that the file of the installation's CA has its certificate too.
func (i *Installation) trustFurtherCA(p serverPair, now time.Time) error {
	if _, err := os.Stat(i.path(p.ca)); errors.Is(err, os.ErrNotExist) {
		// A key without its certificate is what a crash leaves.
		if err := os.Remove(i.path(p.caKey)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := i.createServerCA(p, now); err != nil {
			return err
		}
	}
	further, err := os.ReadFile(i.path(p.ca))
	if err != nil {
		return err
	}
	bundle, err := os.ReadFile(i.path(fileCA))
	if err != nil || bytes.Contains(bundle, bytes.TrimSpace(further)) {
		return err
	}
	if n := len(bundle); n > 0 && bundle[n-1] != '\n' {
		bundle = append(bundle, '\n')
	}
	return i.replaceFile(i.path(fileCA), append(bundle, further...), 0o644)
}

func (i *Installation) renewServerPair(p serverPair, cfg RenewConfig) error {
	ca, err := tls.LoadX509KeyPair(i.path(p.ca), i.path(p.caKey))
	if err != nil {
		return fmt.Errorf("load server CA: %w", err)
	}
	signer, ok := ca.PrivateKey.(crypto.Signer)
	if !ok {
		return errors.New("load server CA: its key cannot sign")
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{CommonName: cfg.Hosts[0]},
		NotBefore:    cfg.Now.Add(-time.Hour),
		NotAfter:     cfg.Now.Add(serverCertificateLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range cfg.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	key, err := p.generate()
	if err != nil {
		return err
	}
	if _, ok := key.(*rsa.PrivateKey); ok {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment // for suites with RSA key exchange (RFC 5246, 7.4.2)
	}
	certPEM, keyPEM, err := signCertificate(template, ca.Leaf, signer, key)
	if err != nil {
		return err
	}
	// The key first: a server that reads between the two finds a pair that does
	// not match, keeps the old one, and tries again.
	if err := i.replaceFile(i.path(p.key), keyPEM, 0o600); err != nil {
		return err
	}
	return i.replaceFile(i.path(p.cert), certPEM, 0o644)
}

// CertificateFiles are a certificate, with its chain, and its key, in PEM.
type CertificateFiles struct{ Cert, Key string }

// pairFiles are the files of a certificate of the doors.
type pairFiles struct {
	cert, key string
	optional  bool // both may be missing
}

// certificatePairs lists the certificates of the doors, the preferred one first:
// those that the configuration names, or those of the data folder.
func (s *Server) certificatePairs() (list []pairFiles) {
	for _, own := range s.cfg.Certificates {
		list = append(list, pairFiles{own.Cert, own.Key, false})
	}
	if len(list) > 0 {
		return list
	}
	for n, p := range serverPairs() {
		list = append(list, pairFiles{s.inst.path(p.cert), s.inst.path(p.key), n > 0})
	}
	return list
}

// certificateFiles lists the files that the doors' certificates are read from.
func (s *Server) certificateFiles() (files []string) {
	for _, p := range s.certificatePairs() {
		files = append(files, p.cert, p.key)
	}
	return files
}

// loadCertificates reads the doors' certificates, the preferred one first. The
// further ones of the data folder may be missing, as they are from installations
// made before there was more than one, but not half of one.
func (s *Server) loadCertificates() ([]tls.Certificate, error) {
	var certs []tls.Certificate
	for _, p := range s.certificatePairs() {
		if p.optional && missing(p.cert) && missing(p.key) {
			continue
		}
		cert, err := tls.LoadX509KeyPair(p.cert, p.key)
		if err != nil {
			return nil, fmt.Errorf("load server certificate %s with key %s: %w", p.cert, p.key, err)
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

func (i *Installation) absent(name string) bool { return missing(i.path(name)) }

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// chooseCertificate picks the first certificate whose key the client can use
// and that has the name it asked for; else the first with such a key, for
// clients that name another host and do not mind; else the first.
func chooseCertificate(hello *tls.ClientHelloInfo, certs []tls.Certificate) *tls.Certificate {
	if len(certs) == 1 {
		return &certs[0]
	}
	if cert := firstSupported(hello, certs); cert != nil {
		return cert
	}
	unnamed := *hello
	unnamed.ServerName = ""
	return cmp.Or(firstSupported(&unnamed, certs), &certs[0])
}

func firstSupported(hello *tls.ClientHelloInfo, certs []tls.Certificate) *tls.Certificate {
	for i := range certs {
		if hello.SupportsCertificate(&certs[i]) == nil {
			return &certs[i]
		}
	}
	return nil
}
