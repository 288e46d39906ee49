// Package thingpass holds the nouns of an AWS-compatible IoT credentials
// provider: certificates, things, role aliases, IoT policies, roles, users,
// access keys, principals, their ARNs and their validity rules, and the one
// error type that every room of the house speaks.
//
// It owns names and rules. It does not own storage (package store), the policy
// language (package policy), or what any of it looks like on the wire (package
// wire and the service packages). It does no I/O.
//
// # Glossary
//
//   - device door: the mutual-TLS listener that turns a certificate into
//     temporary credentials (package credentials).
//   - signed door: the HTTPS listener that turns a request signed with AWS
//     Signature Version 4 into an authorised call (package gate).
//   - exchange: one call of GET /role-aliases/{alias}/credentials.
//   - session: temporary credentials and what they are bound to.
//   - principal: who a request is made by, as policies see it.
package thingpass
