package test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestGoSwitches: the program reads certificates with a negative serial number,
// as the tests do by go.mod; "go install" knows the line in the program only.
func TestGoSwitches(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "version", "-m", program).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "DefaultGODEBUG=x509negativeserial=1") {
		t.Errorf("%v %s", err, out)
	}
}
