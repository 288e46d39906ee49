// Package session issues temporary credentials and resolves access keys.
//
// Issuing writes nothing: a session token is a sealed record of what the
// credentials are bound to, and the access key id and secret access key are
// derived from the token's salt with a key of the key ring. Any replica that
// holds the ring resolves any token.
//
// It owns the token format, the key ring, and the rule that credentials die
// with what they were issued for: the certificate (no longer ACTIVE), the
// thing's attachment and type, those of its groups and attributes that are
// sealed into the session, the role; a user's temporary credentials with the
// long-lived key they were asked for with. It does not decide who may have a session
// (packages credentials and sts) nor what one may do (package authz).
//
// The key ring is trusted: whoever reads it can mint credentials for any role.
// The database is trusted to say which certificates are active. Tokens are not
// trusted: they are authenticated before a byte of them is used.
package session
