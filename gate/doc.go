// Package gate is the signed door: it turns a request signed with AWS
// Signature Version 4 into an authorised call of one operation.
//
// It owns the order in which a request is treated (verify, resolve, route,
// decide, call, audit) and the table of operations: a request that no row
// matches is refused, and a row without an action cannot be built. The same
// table feeds the deny-everything test, the compatibility page and the audit
// line. It does not own the store, the operations, or what policies mean.
//
// Nothing of a request is trusted before its signature has been verified; the
// body of an S3 upload is verified while it streams.
package gate
