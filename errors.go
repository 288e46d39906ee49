package thingpass

import (
	"errors"
	"fmt"
)

// Kind says what went wrong in the terms of the house. Each service has one
// table that turns a Kind into the code its AWS clients expect; a Kind that is
// missing there, and any error that is not an *Error, becomes that service's
// internal failure, and its text stays inside.
type Kind uint8

// The kinds of error.
const (
	Internal           Kind = iota // anything unforeseen; never shown outside
	Invalid                        // the request is not well formed
	NotFound                       // the named thing does not exist
	Exists                         // the name is taken by something different
	MalformedPolicy                // a policy document that may not be saved
	LimitExceeded                  // a quota is full
	Conflict                       // deletion refused: still in use
	CertificateState               // not allowed in the certificate's status
	CertificateInvalid             // not a certificate that can be registered
	VersionConflict                // expectedVersion is not the current one
	Denied                         // refused by policy
	Unmodifiable                   // protected, for example the administrator
	VersionsLimit                  // an IoT policy has all the versions it may have
	Unavailable                    // the database cannot be used now, and whether a write has happened is not known
	Throttled                      // too many requests of a costly kind at once
)

// Error is an error with a kind and a text for the caller.
type Error struct {
	Kind    Kind
	Message string            // shown to the caller
	Fields  map[string]string // extra members on the wire, for example resourceArn
	Err     error             // the cause, for the log only
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an *Error. It does not wrap: set Err for a cause.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of the first *Error in err's chain, or Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
