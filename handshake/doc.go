// Package handshake says what became of the TLS handshakes that failed at the
// doors. They fail below net/http, where there is no request that could be
// answered, audited or explained.
//
// It owns the causes, one warning for each, limited in number, and a list of the
// last failures in bounded memory. It does not own the TLS configuration, and
// decides nothing. All that a client says of itself is untrusted text here: it is
// cut and made printable before it is kept.
package handshake
