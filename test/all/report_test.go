package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReport: a run with a skipped, a failed and a passed test closes with what
// was skipped, how to run it, and the numbers; what a failed test said is there.
func TestReport(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	for line := range strings.Lines(`{"Action":"start","Package":"github.com/thingpass/thingpass/a"}
{"Action":"output","Package":"github.com/thingpass/thingpass/a","Test":"TestJS","Output":"=== RUN   TestJS\n"}
{"Action":"output","Package":"github.com/thingpass/thingpass/a","Test":"TestJS","Output":"    a_test.go:12: needs npm ci --ignore-scripts in test/clients\n"}
{"Action":"output","Package":"github.com/thingpass/thingpass/a","Test":"TestJS","Output":"--- SKIP: TestJS (0.00s)\n"}
{"Action":"skip","Package":"github.com/thingpass/thingpass/a","Test":"TestJS"}
{"Action":"output","Package":"github.com/thingpass/thingpass/a","Test":"TestDB","Output":"    b_test.go:3: no PostgreSQL: not installed\n"}
{"Action":"skip","Package":"github.com/thingpass/thingpass/a","Test":"TestDB"}
{"Action":"output","Package":"github.com/thingpass/thingpass/a","Test":"TestGood","Output":"    a_test.go:1: of no interest\n"}
{"Action":"pass","Package":"github.com/thingpass/thingpass/a","Test":"TestGood"}
{"Action":"output","Package":"github.com/thingpass/thingpass/a","Test":"TestBad","Output":"    a_test.go:2: one is not two\n"}
{"Action":"fail","Package":"github.com/thingpass/thingpass/a","Test":"TestBad"}
{"Action":"fail","Package":"github.com/thingpass/thingpass/a","Elapsed":1.25}
{"Action":"output","Package":"github.com/thingpass/thingpass","Output":"ok  \tgithub.com/thingpass/thingpass\t(cached)\n"}
{"Action":"pass","Package":"github.com/thingpass/thingpass","Elapsed":0}
`) {
		r.line([]byte(line))
	}
	r.close()
	for _, want := range []string{
		"FAIL  a TestBad\n    a_test.go:2: one is not two\n",
		"FAIL  a                           1.25s",
		"ok    .                              0s  (as before)",
		"    1  needs npm ci --ignore-scripts in test/clients (a TestJS)\n",
		"    1  no PostgreSQL: not installed (a TestDB)\n",
		"apt-get install --no-install-recommends npm postgresql\n",
		"  (cd test/clients && npm ci --ignore-scripts)\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "of no interest") {
		t.Errorf("it tells what a passed test said:\n%s", out.String())
	}
	if !strings.HasSuffix(out.String(), "\n1 passed, 1 failed, 2 skipped\n") {
		t.Errorf("it ends otherwise than with the numbers:\n%s", out.String())
	}
}

// TestPanic: a test that took its package down with it counts as failed, and
// what it said is printed.
func TestPanic(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	r.line([]byte(`{"Action":"output","Package":"p","Test":"TestX","Output":"panic: index out of range\n"}`))
	r.line([]byte(`{"Action":"fail","Package":"p"}`))
	r.close()
	if r.failed != 1 || !strings.Contains(out.String(), "panic: index out of range") {
		t.Errorf("%d failed:\n%s", r.failed, out.String())
	}
}

// TestBuildFailure: a package that does not compile counts, and why is printed.
func TestBuildFailure(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	r.line([]byte(`{"ImportPath":"p [p.test]","Action":"build-output","Output":"./p.go:1:1: expected package\n"}`))
	r.line([]byte(`{"Action":"fail","Package":"p","Elapsed":0,"FailedBuild":"p [p.test]"}`))
	r.close()
	if r.failed != 1 || !strings.Contains(out.String(), "expected package") {
		t.Errorf("%d failed:\n%s", r.failed, out.String())
	}
}

func TestSplit(t *testing.T) {
	for line, own := range map[string]int{
		"":                            0,
		"-complete ./policy":          1,
		"-only-go -count=1":           1,
		"-json f -complete -count=1":  3,
		"--json=f ./...":              1,
		"-count=1 -complete":          0, // go test refuses it
		"-run TestX ./policy":         0,
		"-only-go -complete -v ./iam": 2,
	} {
		got, rest := split(strings.Fields(line))
		if len(got) != own || len(got)+len(rest) != len(strings.Fields(line)) {
			t.Errorf("%q: %q and %q", line, got, rest)
		}
	}
}

// TestNeedsAreInstalled: what this program tells to install is what .ci/run
// installs.
func TestNeedsAreInstalled(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("..", "..", ".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	words := strings.FieldsFunc(string(script), func(r rune) bool { return strings.ContainsRune(" \t\n();\\\"", r) })
	for _, n := range needs {
		for _, p := range n.packages {
			found := false
			for _, w := range words {
				found = found || w == p
			}
			if !found && p != "bash" && p != "coreutils" { // every Debian has these
				t.Errorf(".ci/run does not install %s", p)
			}
		}
	}
}
