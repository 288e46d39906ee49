// Command all runs every test, and says at the end what was skipped and how to
// run that, too: "go test" prints nothing of it.
//
//	go run ./test/all [-complete] [-json FILE] [flags and packages of go test]
//
// Without packages it tests all of the module. With -complete a skipped test is
// a failure. With CI=true in the environment the tests themselves fail for want
// of a client; -only-go takes that away, and leaves in PATH nothing but the go
// command: what a newcomer has.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var r run
	flags := flag.NewFlagSet("all", flag.ExitOnError)
	flags.BoolVar(&r.complete, "complete", false, "a skipped test is a failure")
	flags.BoolVar(&r.onlyGo, "only-go", false, "no program but go is in PATH")
	flags.StringVar(&r.events, "json", "", "write what go test -json says to this `file`")
	own, rest := split(os.Args[1:])
	_ = flags.Parse(own) // ends the program
	r.args = rest
	ok, err := r.test(ctx, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "all:", err)
	}
	if err != nil || !ok {
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// split parts our flags, which come first, from those of go test.
func split(args []string) (own, rest []string) {
	for len(args) > 0 {
		n := 0
		switch name, _, joined := strings.Cut(strings.TrimLeft(args[0], "-"), "="); {
		case name == "complete", name == "only-go", name == "h", name == "help", name == "json" && joined:
			n = 1
		case name == "json" && len(args) > 1:
			n = 2
		}
		if n == 0 {
			break
		}
		own, args = append(own, args[:n]...), args[n:]
	}
	return own, args
}

// run is one run of the tests.
type run struct {
	complete, onlyGo bool
	events           string
	args             []string // of go test
}

// test runs go test and reports whether all is well.
func (r *run) test(ctx context.Context, out io.Writer) (bool, error) {
	args := append([]string{"test", "-json"}, r.args...)
	if !slices.ContainsFunc(r.args, isPackage) {
		args = append(args, "./...")
	}
	command := exec.CommandContext(ctx, "go", args...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.Stderr = os.Stderr
	if r.onlyGo {
		env, remove, err := goAlone()
		if err != nil {
			return false, err
		}
		defer remove()
		command.Env = env
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return false, err
	}
	source := io.Reader(stdout)
	if r.events != "" {
		file, err := os.Create(r.events)
		if err != nil {
			return false, err
		}
		defer func() { _ = file.Close() }()
		source = io.TeeReader(stdout, file)
	}
	if err := command.Start(); err != nil {
		return false, err
	}
	report := newReport(out)
	lines := bufio.NewReader(source)
	for {
		line, err := lines.ReadBytes('\n')
		report.line(line)
		if err != nil {
			break
		}
	}
	failed := command.Wait()
	report.close()
	if report.passed+report.failed+len(report.skipped) == 0 && failed == nil {
		failed = errors.New("no test ran")
	}
	return failed == nil && report.failed == 0 && (!r.complete || len(report.skipped) == 0), failed
}

// isPackage reports whether an argument of go test names packages.
func isPackage(arg string) bool {
	return arg == "." || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "github.com/")
}

// goAlone is an environment whose PATH has the go command and no other, and
// which does not ask tests to miss nothing. What Debian keeps outside of PATH,
// as PostgreSQL's server, is not looked for in such a one.
func goAlone() (env []string, remove func(), err error) {
	program, err := exec.LookPath("go")
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "only-go-")
	if err != nil {
		return nil, nil, err
	}
	if err := os.Symlink(program, filepath.Join(dir, "go")); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if name != "PATH" && name != "CI" && !strings.HasPrefix(name, "THINGPASS_") {
			env = append(env, v)
		}
	}
	return append(env, "PATH="+dir, "CGO_ENABLED=0"), func() { _ = os.RemoveAll(dir) }, nil
}
