package server

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"

	"github.com/thingpass/thingpass/handshake"
)

// signCertificate makes a certificate for a key; without a parent it signs
// itself.
func signCertificate(template, parent *x509.Certificate, parentKey, key crypto.Signer) (certPEM, keyPEM []byte, err error) {
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

// tlsSettings are what the TLS configurations of the doors differ in.
type tlsSettings struct {
	certificates func() []tls.Certificate
	postQuantum  bool
	device       bool // ask for a client certificate
	oldSuites    bool
}

// doorTLS is the TLS configuration of a door. The device door asks for a
// client certificate, any: an empty list of acceptable CAs makes every client
// library offer its own, and the registry decides. Chains are not verified
// here: a certificate that is missing, unknown or revoked is answered in HTTP.
func doorTLS(settings tlsSettings) *tls.Config {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return chooseCertificate(hello, settings.certificates()), nil
		},
	}
	if settings.device {
		cfg.ClientAuth = tls.RequestClientCert
	}
	if settings.oldSuites {
		cfg.CipherSuites = oldCipherSuites()
	}
	if !settings.postQuantum {
		cfg.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}
	}
	cfg.GetConfigForClient = forClient(cfg)
	return cfg
}

// forClient notes the hello of a client, and chooses its application protocol
// where crypto/tls and net/http would fail for it.
func forClient(cfg *tls.Config) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	// Without a protocol in common crypto/tls ends the handshake. AWS's own TLS
	// goes on (s2n, s2n_select_server_preference_protocol), and devices offer
	// x-amzn-http-ca, which AWS documents for HTTPS with certificates on port 443.
	plain := cfg.Clone()
	plain.NextProtos = nil
	// HTTP/2 forbids the suites that are old (RFC 9113, 9.2.2), and net/http ends
	// such a connection.
	old := cfg.Clone()
	old.NextProtos = []string{"http/1.1"}
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		handshake.Hello(hello)
		chosen, protocols := (*tls.Config)(nil), cfg.NextProtos
		if !slices.Contains(hello.SupportedVersions, tls.VersionTLS13) && !slices.ContainsFunc(hello.CipherSuites, forHTTP2) {
			chosen, protocols = old, old.NextProtos
		}
		if len(hello.SupportedProtos) > 0 && !slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return slices.Contains(protocols, p) }) {
			chosen = plain
		}
		return chosen, nil
	}
}

// forHTTP2 reports whether a suite of TLS 1.2 is one that HTTP/2 allows.
func forHTTP2(suite uint16) bool {
	switch suite {
	case tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:
		return true
	}
	return false
}

// oldCipherSuites are the suites of crypto/tls and, behind them, those that old
// firmware was compiled with and crypto/tls still has: RSA key exchange, which
// has no forward secrecy, and CBC with SHA-256, which has no protection against
// Lucky Thirteen. 3DES and RC4 are broken, and stay out.
func oldCipherSuites() (ids []uint16) {
	for _, s := range tls.CipherSuites() {
		ids = append(ids, s.ID)
	}
	return append(ids,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
		tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA256)
}
