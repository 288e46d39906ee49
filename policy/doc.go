// Package policy is the policy language of AWS: it parses a JSON policy
// document, validates it as AWS does when one is saved, compiles it once, and
// decides requests against it with reasons.
//
// It owns the language and nothing else. It does not know where policies come
// from, which of them apply to a principal, or in which order sets of them are
// asked (identity, boundary, session, trust): that is its caller's. It does no
// I/O and reads no clock; the time of a request comes in its Context.
//
// It trusts nothing. Policy text may come from anyone, so parsing and
// deciding are bounded, and what is not of the language is refused. What is of
// the language saves as on AWS, also where it probably means something else
// than its author thinks; warnings tell.
// Context values may come from a device, so a value that takes the place of a
// variable is always literal text, never a wildcard or another variable.
//
// # Choices where AWS is silent
//
// The IAM User Guide leaves some points open. Here "?" stands for one Unicode
// code point (in text that is not UTF-8, for one byte), "*" for any
// characters including a line feed; ASCII blanks around the key of a variable
// and around its first colon are dropped; a NotResource list with a variable
// that has no value keeps an Allow from applying and makes a Deny apply; a
// list-valued key without ForAllValues or ForAnyValue matches nothing;
// ForAnyValue with IfExists holds when the key is absent; variables work in
// Bool; a Null condition counts an empty list as absent and an empty text as
// present; a date of four digits is a year; a binary value of a request is bytes
// or base64; a number has no exponent; a Deny with NotPrincipal leaves a caller
// alone only when all its forms are listed.
package policy
