package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what scripts have besides the program.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"lose-part": losePart,
	"damage": func(ts *testscript.TestScript, _ bool, args []string) { // flips a bit in the middle of a file
		raw, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		raw[len(raw)/2] ^= 1
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), raw, 0o600))
	},
	"serves": func(ts *testscript.TestScript, neg bool, args []string) {
		if said, ok := serveOnce(ts, args[0]); ok == neg {
			ts.Fatalf("serve: %s", said)
		}
	},
}

// losePart is: lose-part PART FILE,… MEANING. It removes the files of an
// installation in the folder data, and has the program make them again.
func losePart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: lose-part PART FILE,... MEANING")
	}
	for name := range strings.SplitSeq(args[1], ",") {
		ts.Check(os.RemoveAll(filepath.Join(ts.MkAbs("data"), name)))
	}
	said, ok := serveOnce(ts, "data")
	if ok || !strings.Contains(said, " is gone: ") || !strings.Contains(said, "with thingpass repair --data") {
		ts.Fatalf("serve without %s: %s", args[0], said)
	}
	if err := ts.Exec("thingpass", "repair", "--data", "data"); err == nil {
		ts.Fatalf("repair finds nothing wrong without %s", args[0])
	}
	for _, want := range []string{"GONE", "thingpass repair --data data --remake " + args[0], args[2]} {
		if !strings.Contains(ts.ReadFile("stdout"), want) {
			ts.Fatalf("repair without %s does not say %q: %s", args[0], want, ts.ReadFile("stdout"))
		}
	}
	ts.Check(ts.Exec("thingpass", "repair", "--data", "data", "--remake", args[0]))
	if said, ok := serveOnce(ts, "data"); !ok {
		ts.Fatalf("serve with a new %s: %s", args[0], said)
	}
	ts.Check(ts.Exec("thingpass", "repair", "--data", "data"))
}

// serveOnce starts the program on a data folder and stops it once it listens.
// It returns what it logged, and whether it listened and ended well.
func serveOnce(ts *testscript.TestScript, data string) (string, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	path, err := exec.LookPath("thingpass")
	ts.Check(err)
	addresses := ts.MkAbs("addresses")
	_ = os.Remove(addresses)
	cmd := exec.CommandContext(ctx, path, "serve", "--data", ts.MkAbs(data), "--device-listen", "127.0.0.1:0",
		"--api-listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--addresses-file", addresses)
	cmd.Args[0] = "thingpass"
	var log bytes.Buffer
	cmd.Stderr = &log
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case <-ended:
			return log.String(), false
		case <-time.After(10 * time.Millisecond):
		}
		if _, err := os.Stat(addresses); err == nil {
			ts.Check(cmd.Process.Signal(syscall.SIGTERM))
			err := <-ended
			return log.String(), err == nil
		}
	}
}
