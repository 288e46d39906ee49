package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnitFile has systemd read the unit of the manual. The program and the user
// of it are not on this machine, so others stand for them.
func TestUnitFile(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	need(t, err, "systemd-analyze")
	manual, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(manual), "```ini\n")
	unit, _, ok := strings.Cut(rest, "```")
	if !ok || !strings.Contains(unit, "ExecStart=/usr/local/bin/thingpass serve") || !strings.Contains(unit, "User=thingpass\n") {
		t.Fatal("the manual has no unit of thingpass serve")
	}
	unit = strings.NewReplacer("/usr/local/bin/thingpass", program, "User=thingpass\n", "User=root\n").Replace(unit)
	file := filepath.Join(t.TempDir(), "thingpass.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
