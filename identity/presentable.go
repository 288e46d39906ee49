package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"github.com/thingpass/thingpass"
)

// Sizes of RSA keys, in bits: the smallest that a device should have (AWS IoT
// API reference, "CreateCertificateFromCsr"), and the largest that crypto/tls
// takes from a client (go.dev/doc/godebug, tlsmaxrsasize).
const (
	minRSA = 2048
	maxRSA = 8192
)

// Presentable returns why a device cannot present a certificate in a TLS
// handshake with this server, or nil. Registration asks it, and so does every
// exchange; whether a certificate can be parsed was asked before, by the same
// crypto/x509. Its errors are of kind CertificateInvalid.
func Presentable(cert *x509.Certificate) error { return acceptableKey(cert.PublicKey) }

// acceptableKey refuses keys that no device should have, which are RSA under
// 2048 bits and elliptic curves under 256, and those that crypto/tls refuses to
// verify a handshake with.
func acceptableKey(key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return acceptableRSA(k)
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
		default:
			return thingpass.Errorf(thingpass.CertificateInvalid, "Elliptic curve keys must be on P-256, P-384 or P-521")
		}
	case ed25519.PublicKey:
	default:
		return thingpass.Errorf(thingpass.CertificateInvalid, "The key must be RSA (rsaEncryption), elliptic curve (P-256, P-384, P-521) or Ed25519")
	}
	return nil
}

// acceptableRSA holds a key to the sizes, and to what crypto/rsa asks of a
// modulus and an exponent.
func acceptableRSA(k *rsa.PublicKey) error {
	switch bits := k.N.BitLen(); {
	case bits < minRSA:
		return thingpass.Errorf(thingpass.CertificateInvalid, "RSA keys must have at least %d bits", minRSA)
	case bits > maxRSA:
		return thingpass.Errorf(thingpass.CertificateInvalid, "RSA keys must have at most %d bits, which is what the TLS handshake takes", maxRSA)
	case k.N.Bit(0) == 0:
		return thingpass.Errorf(thingpass.CertificateInvalid, "The RSA modulus is even")
	case k.E < 3 || k.E%2 == 0 || k.E > 1<<31-1:
		return thingpass.Errorf(thingpass.CertificateInvalid, "The RSA exponent must be odd, at least 3 and below 2^31")
	}
	return nil
}

// The signature algorithms of certificates that every client presents to this
// server (RFC 8446, 4.2.3; RFC 4055; RFC 5758; RFC 8410).
var (
	offeredSignatures = []asn1.ObjectIdentifier{
		{1, 2, 840, 113549, 1, 1, 11}, {1, 2, 840, 113549, 1, 1, 12}, {1, 2, 840, 113549, 1, 1, 13}, // RSA with SHA-256, SHA-384, SHA-512
		{1, 2, 840, 10045, 4, 3, 2}, {1, 2, 840, 10045, 4, 3, 3}, {1, 2, 840, 10045, 4, 3, 4}, // ECDSA with the same
		{1, 3, 101, 112}, // Ed25519
	}
	signaturePSS  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	offeredHashes = []asn1.ObjectIdentifier{{2, 16, 840, 1, 101, 3, 4, 2, 1}, {2, 16, 840, 1, 101, 3, 4, 2, 2}, {2, 16, 840, 1, 101, 3, 4, 2, 3}}

	// signatureNames are those that x509 has no name for, or no other than "unknown".
	signatureNames = map[string]string{
		"1.2.840.113549.1.1.4": "MD5 with RSA", "1.2.840.113549.1.1.5": "SHA-1 with RSA", "1.3.14.3.2.29": "SHA-1 with RSA", "1.2.840.10045.4.1": "SHA-1 with ECDSA",
		"1.2.840.113549.1.1.14": "SHA-224 with RSA", "1.2.840.10045.4.3.1": "SHA-224 with ECDSA", "1.2.840.113549.1.1.2": "MD2 with RSA",
		"1.2.840.10040.4.3": "SHA-1 with DSA", "2.16.840.1.101.3.4.3.1": "SHA-224 with DSA", "2.16.840.1.101.3.4.3.2": "SHA-256 with DSA",
	}
)

// weakSignature returns a warning when clients do not present a certificate
// because of the algorithm that it is signed with, "" for none. Tried with
// OpenSSL 3.0: with SHA-1 and MD5 it does not load a certificate that another
// signed, with SHA-224 it sends none in TLS 1.3, which looks as if the device
// had none.
func weakSignature(cert *x509.Certificate) string {
	var outer struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.Raw, &outer); err != nil {
		return ""
	}
	oid := outer.Algorithm.Algorithm
	name := oid.String()
	if known, ok := signatureNames[name]; ok {
		name = known
	}
	switch {
	case contains(offeredSignatures, oid):
		return ""
	case oid.Equal(signaturePSS):
		hash := pssHash(outer.Algorithm.Parameters)
		if contains(offeredHashes, hash) {
			return ""
		}
		name = "RSASSA-PSS with a hash other than SHA-256, SHA-384 and SHA-512"
	}
	return "its signature is " + name + ", which clients built on OpenSSL do not present: they fail before the handshake, or send no certificate"
}

// pssHash is the hash of RSASSA-PSS parameters; without one it is SHA-1 (RFC
// 4055, 3.1), and so it is for parameters that cannot be read.
func pssHash(parameters asn1.RawValue) asn1.ObjectIdentifier {
	var p struct {
		Hash pkix.AlgorithmIdentifier `asn1:"explicit,tag:0,optional"`
		MGF  pkix.AlgorithmIdentifier `asn1:"explicit,tag:1,optional"`
		Salt int                      `asn1:"explicit,tag:2,optional,default:20"`
	}
	if _, err := asn1.Unmarshal(parameters.FullBytes, &p); err != nil {
		return nil
	}
	return p.Hash.Algorithm
}

func contains(list []asn1.ObjectIdentifier, oid asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(list, oid.Equal)
}
