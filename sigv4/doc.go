// Package sigv4 verifies and makes AWS Signature Version 4: in the
// Authorization header, in the query (presigned URLs), and over the chunks of
// a streamed S3 body. It verifies one form of Version 2, the presigned S3 URL,
// which stock clients still make.
//
// It owns the canonical form of a request, the signing key, the time rules,
// and the decoding of aws-chunked bodies with every check that S3 makes on
// them. It does not own whose key it is, whether a session is still alive,
// which service or region is served, or what is allowed: Parse gives the
// caller the key id, the token and the scope, and the caller looks them up
// before Verify. It does no I/O but reading the body of the request it is
// given, keeps no state, and asks no clock.
//
// It trusts the *http.Request to be as net/http parsed it: Host, Content-Length
// and Transfer-Encoding come from the fields, everything else from Header and
// URL. It never assigns to the request's Body: net/http looks at its own body
// again after the handler returns (golang/go issue 63152).
//
// Source of the rules: AWS, "Signature Version 4 for API requests" in the IAM
// User Guide, and "Authenticating Requests (AWS Signature Version 4)" in the
// Amazon S3 API Reference.
package sigv4
