// Package wire speaks the protocols of AWS: Query with XML answers (IAM, STS),
// REST-JSON (IoT), JSON 1.1 (CloudWatch Logs) and REST-XML (S3). It finds the
// route of a request, decodes a request into a declared Go type, and encodes
// an answer or an error in the protocol's own shape.
//
// It owns framing only. It does not own operations, names or limits of their
// members, authentication, or the size of a body: whoever reads the body
// bounds it. It trusts nothing in a request: text that is not UTF-8, a value of
// the wrong type, an ambiguous or gapped list are errors, never guesses.
package wire

// Protocol is the AWS protocol of a service.
type Protocol uint8

// The protocols. The zero value is none.
const (
	_        Protocol = iota
	Query             // form in, XML out: IAM, STS
	RESTJSON          // IoT
	JSON11            // X-Amz-Target and a JSON body: CloudWatch Logs
	RESTXML           // S3
)

// Error is an error as a client sees it.
type Error struct {
	Status    int     // HTTP status; 0 is taken for 500
	Code      string  // as the service's clients know it, for example ResourceNotFoundException
	Message   string  // shown to the caller
	Fields    []Field // further members, in the order they are written
	Namespace string  // XML namespace of a Query error; the other protocols have none
	Err       error   // the cause, for the log only
}

// Field is a further member of an error: an element of S3's and Query's XML, a
// member of a JSON error.
type Field struct{ Name, Value string }

func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }
