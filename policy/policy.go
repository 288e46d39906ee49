package policy

import (
	"strings"
	"unicode/utf8"
)

// Kind says where a policy is used, which decides what it may contain.
type Kind uint8

// The kinds of policy. The zero value is none of them.
const (
	Identity Kind = iota + 1 // inline or managed policy of a role or user
	Trust                    // who may assume a role
	IoT                      // attached to a device certificate
	Session                  // given when a session is made; only narrows
	Resource                 // attached to what it protects, as a bucket's is
	Managed                  // Identity, as a policy of its own: it must have Version 2012-10-17
)

// String names the kind in lower case.
func (k Kind) String() string {
	switch k {
	case Identity:
		return "identity"
	case Trust:
		return "trust"
	case IoT:
		return "iot"
	case Session:
		return "session"
	case Resource:
		return "resource"
	case Managed:
		return "managed"
	default:
		return "invalid"
	}
}

// Quotas in characters, as Size counts them (IAM and STS quotas page, AWS IoT
// quotas page). They are the caller's to check: some are sums over several
// documents, and each service has its own error for them.
const (
	MaxRoleInline = 10240 // all inline policies of one role together
	MaxUserInline = 2048  // all inline policies of one user together
	MaxTrust      = 2048
	MaxIoT        = 2048
	MaxSession    = 2048
)

// MaxText is how long the text of a document may be at all, white space
// included, in bytes. It is the widest limit of any AWS API that takes one (AWS
// IoT CreatePolicy), so that parsing stays bounded; the callers' own limits
// are lower.
const MaxText = 404600

// Error says why a policy may not be saved.
type Error struct {
	Message string // AWS's text where AWS has one
	Detail  string // what and where, when Message does not say; may be empty
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Message
	}
	return e.Message + " (" + e.Detail + ")"
}

// Policy is a compiled policy. It never changes and may be used by any number
// of goroutines. The zero value holds no statement and grants nothing.
type Policy struct {
	size       int
	text       string
	doc        *document
	statements []statement // in the order of the text
}

// Parse validates and compiles a policy document. The error is always an
// *Error, in the order of checks that AWS makes; a document with anything that
// this package does not evaluate is refused.
func Parse(kind Kind, text string) (*Policy, error) {
	doc, err := read(kind, text)
	if err != nil {
		return nil, err
	}
	if err := doc.validate(); err != nil {
		return nil, err
	}
	return doc.compile(text)
}

// Size is the length of the document in characters, not counting white space
// between its tokens (IAM quotas page: "IAM does not count white space").
func (p *Policy) Size() int { return p.size }

// Position is a place in the text of a policy: a line and a column in
// characters, both from 1.
type Position struct{ Line, Column int }

// Span tells where a statement, counted from 0, stands in the text that was
// parsed: where its brace opens, and what follows the brace that closes it. It
// is zero for a statement that does not exist.
func (p *Policy) Span(statement int) (start, end Position) {
	if p == nil || statement < 0 || statement >= len(p.statements) {
		return Position{}, Position{}
	}
	s := p.statements[statement].source
	return position(p.text, s.start), position(p.text, s.end)
}

func position(text string, offset int) Position {
	before := text[:offset]
	return Position{
		Line:   strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1,
	}
}
