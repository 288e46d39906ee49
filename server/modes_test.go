package server

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
)

// TestOpenFolderWarns: any right of another user on the data folder is said.
func TestOpenFolderWarns(t *testing.T) {
	inst := &Installation{dir: t.TempDir()}
	for mode, warns := range map[os.FileMode]bool{
		0o700: false, 0o500: false, 0o750: true, 0o710: true, 0o701: true, 0o704: true, 0o755: true, 0o777: true,
	} {
		if err := os.Chmod(inst.dir, mode); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		inst.warnOfOpenFolder(slog.New(slog.NewTextHandler(&log, nil)))
		if said := strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), inst.dir); said != warns {
			t.Errorf("mode %v: %s", mode, log.String())
		}
	}
}
