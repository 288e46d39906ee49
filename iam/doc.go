// Package iam holds the operations of AWS IAM that an IoT credentials provider
// needs: roles and users with their policies, permissions boundaries and tags,
// trust policies, managed policies and their versions, access keys. Requests,
// answers and errors are those of the API of 2010-05-08.
//
// What roles, users and managed policies have in common is written once, for a
// kind: the names of those operations are made of a verb and the kind's noun.
//
// It owns the validation of requests, what may be saved as a policy document,
// quotas, paging, and the shapes of answers. It does not own storage (package
// store), the policy language (package policy), or permission: each row of its
// table says what must be allowed, and package gate asks.
//
// It trusts that a call that reaches a handler has been authenticated and
// allowed; it trusts nothing inside the call.
package iam
