// Package iot holds the operations of the AWS IoT control plane that an IoT
// credentials provider needs: endpoints, role aliases, policies and their
// versions, certificates, things, thing types, thing groups, tags, what is
// attached to what, and what is in effect for a device. Requests, answers and
// errors are those of the API of 2015-05-28.
//
// It owns the validation of requests, paging, and the shapes of answers. It
// does not own storage (package store), the making of certificates (package
// identity), the policy language (given to it as functions), or permission:
// each row of its table says what must be allowed, and package gate asks.
//
// It trusts that a call that reaches a handler has been authenticated and
// allowed; it trusts nothing inside the call.
package iot
