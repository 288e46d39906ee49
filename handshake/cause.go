package handshake

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// Cause is why a handshake failed, in one word of a fixed set.
type Cause string

// The causes.
const (
	NoHello             Cause = "no_hello"
	NotTLS              Cause = "not_tls"
	Version             Cause = "tls_version"
	CipherSuite         Cause = "cipher_suite"
	KeyExchange         Cause = "key_exchange"
	ApplicationProtocol Cause = "application_protocol"
	CertificateUnread   Cause = "certificate_unreadable"
	CertificateKey      Cause = "certificate_key"
	CertificateProof    Cause = "certificate_proof"
	ServerDistrusted    Cause = "server_distrusted"
	ClientAlert         Cause = "client_alert"
	HungUp              Cause = "client_hung_up"
	Timeout             Cause = "timeout"
	BadMessage          Cause = "bad_message"
	Other               Cause = "other"
)

// advice is what to do about each cause. docs/operating.md has the same in more
// words.
var advice = map[Cause]string{
	NoHello:             "nothing: the client connected and said nothing, as health checks and scanners do",
	NotTLS:              "the client does not speak TLS: look for http:// in its URL",
	Version:             "the client offers TLS 1.1 or older only: TLS 1.2 is the oldest here; update its TLS library",
	CipherSuite:         "no suite in common: see that there is an RSA certificate (renew-certificate), and for old firmware serve --old-cipher-suites",
	KeyExchange:         "no key exchange or signature in common: the client needs X25519, P-256, P-384 or P-521, signature_algorithms, and a signature for the server's key",
	ApplicationProtocol: "the client insists on an application protocol (ALPN) that is not served",
	CertificateUnread:   "a certificate that the device sends cannot be read: a leaf that is registered can be, so it is one that is sent with it: have the device send the leaf alone",
	CertificateKey:      "the key of a certificate that the device sends is not taken: RSA of 2048 to 8192 bits, P-256, P-384, P-521, Ed25519, also for CAs that are sent with it",
	CertificateProof:    "the device did not prove that it has the key of its certificate: look for a key file that belongs to another one",
	ServerDistrusted:    "the device does not trust the server's certificate: give it tls/ca.pem, use a name that the certificate has, set its clock",
	ClientAlert:         "the client ended the handshake with the alert that is shown: look into its log",
	HungUp:              "the client hung up amid the handshake: mostly it does not trust the server's certificate, and says so in its log",
	Timeout:             "the client was silent for too long amid the handshake: look at the network",
	BadMessage:          "the client sent what TLS does not allow at that place: update its TLS library, or look for something on the way that changes bytes",
	Other:               "see the text",
}

// Causes lists all causes.
func Causes() []Cause {
	return []Cause{
		NoHello, NotTLS, Version, CipherSuite, KeyExchange, ApplicationProtocol, CertificateUnread, CertificateKey, CertificateProof,
		ServerDistrusted, ClientAlert, HungUp, Timeout, BadMessage, Other,
	}
}

// Advice is what to do about a cause.
func (c Cause) Advice() string { return advice[c] }

// texts are errors of crypto/tls that have no type, by how they begin. A test
// provokes each of them, so that a Go release which changes one is noticed.
var texts = []struct {
	begins string
	cause  Cause
}{
	{"tls: failed to parse client certificate: ", CertificateUnread},
	{"tls: client sent certificate containing RSA key larger than", CertificateKey},
	{"tls: client certificate contains an unsupported public key", CertificateKey},
	{"tls: client certificate used with invalid signature algorithm", CertificateProof},
	{"tls: invalid signature by the client certificate", CertificateProof},
	{"tls: client offered only unsupported versions", Version},
	{"tls: client using inappropriate protocol fallback", Version},
	{"tls: no cipher suite supported by both client and server", CipherSuite},
	{"tls: no key exchanges supported by both client and server", KeyExchange},
	{"tls: client offered only incompatible point formats", KeyExchange},
	{"tls: missing signature_algorithms from TLS 1.2 peer", KeyExchange},
	{"tls: peer doesn't support any of the certificate's signature algorithms", KeyExchange},
	{"tls: client requested unsupported application protocols", ApplicationProtocol},
	{"tls: ", BadMessage},
}

// distrust are the alerts of a client that does not accept the server's
// certificate (RFC 8446, 6.2): bad_certificate, unsupported_certificate,
// certificate_revoked, certificate_expired, certificate_unknown, unknown_ca.
var distrust = []tls.AlertError{42, 43, 44, 45, 46, 48}

// causeOf finds the cause of a failed handshake.
func causeOf(err error, c *Conn) Cause {
	hello := c.hello.Load()
	if hello == nil {
		var header tls.RecordHeaderError
		switch {
		case errors.As(err, &header):
			return NotTLS
		case silent(err) || !c.heard.Load():
			return NoHello
		}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		switch op.Op {
		case "remote error": // crypto/tls: an alert of the client
			return ofAlert(op.Err)
		case "local error": // an alert that was sent for want of a better error
			return BadMessage
		}
	}
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	case silent(err):
		return HungUp
	}
	var header tls.RecordHeaderError
	if errors.As(err, &header) {
		return BadMessage
	}
	for _, t := range texts {
		if strings.HasPrefix(err.Error(), t.begins) {
			return t.cause
		}
	}
	return Other
}

func ofAlert(alert error) Cause {
	for _, d := range distrust {
		if alert.Error() == d.Error() {
			return ServerDistrusted
		}
	}
	return ClientAlert
}

// silent reports whether the connection ended, or waited, without a word.
func silent(err error) bool {
	var timeout net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.As(err, &timeout) && timeout.Timeout()
}
