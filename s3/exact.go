package s3

import (
	"net/http"
	"strings"
)

// Some of what a request says is a condition key of policies and is carried out
// afterwards, here or by an engine with a parser of its own. Where the two could
// read it differently a policy would decide about another request than the one
// that is carried out. So such values have one form, and every other is refused
// before anything is decided.

// exact refuses a request, of which the row is found, that says such a thing in
// another form.
func (t *target) exact(h http.Header) error {
	return t.exactConditions(h)
}

// exactConditions holds the conditions of writes to what is carried out: S3
// takes no If-None-Match but * (PutObject), and an empty condition is none.
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
		if v != "*" || main == "s3:DeleteObject" {
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
