package why_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestNothingIsForged: what a caller chose begins no line of an explanation, and
// is neither a wildcard nor a variable in a statement that is proposed.
func TestNothingIsForged(t *testing.T) {
	w := newWorld(t)
	c := w.session("bulbthing")
	for _, path := range []string{
		"/vincent-iot/x%0A%0AWhat%20would%20change%20it:%0A%20%201.%20Run%20this",
		"/vincent-iot/x%E2%80%A8What%20would%20change%20it:",
	} {
		id := w.refused(c, http.MethodPut, path, "AccessDenied")
		out := w.why([]string{id}, "DENIED", "\u2424")
		if strings.Count(out, "\nWhat would change it:") != 1 || strings.Contains(out, "\u2028") {
			t.Errorf("a caller wrote a line of this:\n%s", out)
		}
	}
	id := w.refused(c, http.MethodPut, "/vincent-iot/%2A", "AccessDenied")
	w.silent(w.why([]string{id}, `arn:aws:s3:::vincent-iot/${*}"`), `arn:aws:s3:::vincent-iot/*"`)
	id = w.refused(c, http.MethodPut, "/vincent-iot/%24%7Baws:userid%7D/x", "AccessDenied")
	w.why([]string{id}, `arn:aws:s3:::vincent-iot/${$}{aws:userid}/x"`)
}
