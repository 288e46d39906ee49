package why_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/test/rig"
)

// TestProgram runs the program behind a proxy, on a data folder whose path is too
// long for the address of a socket.
func TestProgram(t *testing.T) {
	w := &world{t: t}
	data := filepath.Join(t.TempDir(), strings.Repeat("long", 30), "data")
	w.must(os.MkdirAll(filepath.Dir(data), 0o700))
	inst, err := rig.Init(t.Context(), binary, data)
	w.must(err)
	s, err := inst.Serve(t.Context(), "--trusted-proxy", "127.0.0.0/8", "--trusted-proxy", "10.0.0.1")
	w.must(err)
	admin := s.Client(inst.Admin)
	resp, err := admin.Do(t.Context(), "s3", http.MethodGet, "/", http.Header{"X-Forwarded-For": {"203.0.113.9, 198.51.100.7, 10.0.0.1"}}, nil)
	w.must(err)
	w.says(w.program("", 0, "why", "--data", data, w.id2(resp)), "ALLOWED", "from 198.51.100.7:0")
	admin.HTTP.CloseIdleConnections()
	s.Kill() // leaves its socket behind

	s, err = inst.Serve(t.Context(), "--decisions", "0")
	w.must(err)
	admin = s.Client(inst.Admin)
	resp, err = admin.Do(t.Context(), "s3", http.MethodGet, "/", http.Header{"X-Forwarded-For": {"198.51.100.7"}}, nil)
	w.must(err)
	w.says(w.program("", 1, "why", "--data", data, w.id2(resp)), "keeps no decisions")
	admin.HTTP.CloseIdleConnections()
	w.must(s.Stop())

	recovered := w.program("", 0, "recover-admin", "--data", data, "--replace")
	w.says(recovered, "export AWS_ACCESS_KEY_ID=AKIA", "wrote it to "+filepath.Join(data, "admin.env"))
	if out, err := exec.CommandContext(t.Context(), binary, "serve", "--data", data, "--trusted-proxy", "nonsense").CombinedOutput(); err == nil || !strings.Contains(string(out), `--trusted-proxy "nonsense"`) {
		t.Errorf("%v %s", err, out)
	}
}
