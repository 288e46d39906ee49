// Package s3 is the S3 service: it recognises S3's requests, says what each
// must be allowed to do, and carries them out on the embedded object store.
//
// It owns S3's protocol: which request is which operation, the actions,
// resources and condition keys of each, its answers and error codes. It does
// not own signatures and decisions (package gate), bodies (package sigv4
// verifies them while they stream), or the bytes (package objects).
//
// It trusts the gate to have verified a request before it is carried out, and
// nothing else about it. A request that is not recognised whole, down to each
// query parameter and each x-amz- header, is refused before anything is
// decided: it is never treated as something weaker.
//
// Keys are bytes: decoded once from the path as it was sent, never cleaned.
package s3

// Sources, unless a comment names another: Amazon Simple Storage Service API
// Reference (API version 2006-03-01) and, for actions and condition keys, the
// Service Authorization Reference, "Actions, resources, and condition keys for
// Amazon S3".
