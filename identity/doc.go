// Package identity finds out which device is at the other end of a TLS
// connection, and issues device certificates.
//
// It owns what a certificate's identity is (the SHA-256 of its DER), when one
// is valid on this endpoint, how the thing is chosen, and the private CA that
// signs certificates for CreateKeysAndCertificate and CreateCertificateFromCsr.
// It does not own permissions.
//
// TLS has proved that the peer holds the certificate's private key; nothing
// else in the certificate is trusted. A chain is not built: a certificate is
// known because it was registered. The database is trusted to say which are.
// The CA's key is trusted, but a certificate that it signed is worth nothing
// until it is registered, so a leaked CA key opens no door.
package identity
