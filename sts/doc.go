// Package sts holds the operations of AWS STS that an IoT credentials provider
// needs: who am I, assume a role, temporary credentials of a user, whose access
// key is this, and what was denied. Requests, answers and errors are those of the
// API of 2011-06-15.
//
// It owns the validation of requests, which parameters and durations are
// refused, and the shapes of answers. It does not own whether a role may be
// assumed (package authz), what credentials look like (package session), or
// the policy language (given to it as a function).
//
// It trusts that a caller has been authenticated; it trusts nothing inside the
// call. No parameter that would narrow a session is ever ignored: what cannot
// be honoured is refused.
package sts
