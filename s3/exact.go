package s3

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/sigv4"
)

// Some of what a request says is a condition key of policies and is carried out
// afterwards, here or by an engine with a parser of its own. Where the two could
// read it differently a policy would decide about another request than the one
// that is carried out. So such values have one form, and every other is refused
// before anything is decided.

// exact refuses a request, of which the row is found, that says such a thing in
// another form.
func (t *target) exact(h http.Header) error {
	for name := range t.query {
		if numbers[name] {
			if _, err := exactNumber(name, t.query.Get(name)); err != nil {
				return err
			}
		}
	}
	return t.exactConditions(h)
}

// framed refuses a body in chunks of a request that cannot be one of those that
// have such a body: PutObject and UploadPart.
func (t *target) framed(r *http.Request) error {
	if v := r.Header["X-Amz-Content-Sha256"]; len(v) == 0 || !sigv4.Streamed(v[0]) {
		return nil
	}
	for name := range t.query {
		if !slices.Contains(signing, name) && name != "uploadId" && name != "partNumber" {
			return errFramed()
		}
	}
	if t.level != onObject || r.Method != http.MethodPut || r.Header.Get(copySourceHeader) != "" {
		return errFramed()
	}
	return nil
}

func errFramed() error {
	return errRequest("The value of x-amz-content-sha256 header is invalid: only PutObject and UploadPart have a body in chunks.")
}

// signedFor refuses what nobody has signed although it matters: to answer other
// headers than an object has, because somebody says so who does not sign
// (GetObject). A link could make a page of it.
func (t *target) signedFor(c *gate.Call) error {
	if !c.Signature.Unsigned {
		return nil
	}
	for name := range t.query {
		if strings.HasPrefix(name, "response-") {
			return errRequest("Request specific response headers cannot be used for anonymous GET requests.")
		}
	}
	return nil
}

// numbers lists the query parameters that are whole numbers. max-keys is a
// condition key.
var numbers = map[string]bool{
	"max-keys": true, "max-uploads": true, "max-parts": true, "max-buckets": true, "partNumber": true, "part-number-marker": true,
}

// exactNumber takes a whole number in digits and nothing else: signs and blanks
// are for parsers to differ about.
func exactNumber(name, v string) (string, error) {
	if n, ok := digits(v); !ok || n > math.MaxInt32 {
		return "", errArgument(name, v, "Provided "+name+" not an integer or within integer range")
	}
	return v, nil
}

// exactDate takes a date as RFC 3339 has it, in any zone and as precise as it
// likes, and gives it as it is passed on: in UTC, to the second.
func exactDate(name, v string) (string, error) {
	at, err := time.Parse(time.RFC3339, v)
	if at = at.UTC(); err != nil || at.Year() < 1 || at.Year() > 9999 {
		return "", errArgument(name, v, "The retain until date must be provided in ISO 8601 format")
	}
	return at.Format(time.RFC3339), nil
}

// exactConditions holds the conditions of writes to what is carried out, and an
// empty one is none. If-None-Match with an ETag, which S3 does not take
// (PutObject), overwrites: see storing.
func (t *target) exactConditions(h http.Header) error {
	main := t.op.actions[0]
	if main != "s3:PutObject" && main != "s3:DeleteObject" {
		return nil
	}
	if t.level == onBucket { // a form, or a list of deletions, whose entries have their own
		for _, name := range [...]string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
			if len(h[name]) > 0 {
				return errNotImplemented(name + " on " + t.op.name)
			}
		}
		return nil
	}
	for _, v := range h["If-None-Match"] {
		if v != "*" && !isETag(v) || main == "s3:DeleteObject" {
			return errNotImplemented("If-None-Match: " + v + " on " + t.op.name)
		}
	}
	for _, v := range h["If-Match"] {
		if v != "*" && !isETag(v) {
			return errArgument("If-Match", v, "If-Match must be one ETag, or *.")
		}
	}
	return nil
}

// isETag tells whether v is one ETag, with quotes or without.
func isETag(v string) bool {
	if n := len(v); n > 1 && v[0] == '"' && v[n-1] == '"' {
		v = v[1 : n-1]
	}
	return v != "" && !strings.ContainsAny(v, "\"*, \t")
}
