// Package s3clients drives S3 clients that people use, unchanged, over HTTPS
// with the credentials of a session that a device obtained for its certificate:
// through the embedded store, and through Ceph's gateway behind Thingpass.
//
// Each client does the steps named in steps, and is refused outside the prefix
// that the role's policy allows. The clients are scripts in testdata, a module of
// its own in go, and ../clients/s3.js; this package owns the servers, and judges.
// What a client has no way to do is written in its row, and said aloud.
package s3clients
