package why_test

import (
	"net/http"
	"strings"
	"testing"
)

// What is proposed must be neither wider than what was asked, nor impossible.

// silent checks what must not be said.
func (w *world) silent(out string, unwanted ...string) {
	w.t.Helper()
	for _, text := range unwanted {
		if strings.Contains(out, text) {
			w.t.Errorf("it says %q\n%s", text, out)
		}
	}
}

func TestRevokedIsFinal(t *testing.T) {
	w := newWorld(t)
	c := w.session("bulbthing")
	w.iot(http.MethodPut, "/certificates/"+w.id+"?newStatus=REVOKED", nil)
	w.settle()
	for _, args := range [][]string{
		{w.exchange(w.device, "cameras", "", 403)},
		{w.refused(c, http.MethodPut, "/vincent-iot/bulbthing/x", "InvalidAccessKeyId")},
		{"--certificate", w.id, "--alias", "cameras"},
	} {
		out := w.why(args, "final", "aws iot create-certificate-from-csr", "aws iot attach-policy --policy-name fleet", "attach-thing-principal --thing-name bulbthing")
		w.silent(out, "--new-status")
	}
}
