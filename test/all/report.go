package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// event is a line of go test -json (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output
	Test       string
	Elapsed    float64
	Output     string
}

type testName struct{ pkg, test string }

// skip is a test that was skipped, and what it said.
type skip struct {
	testName
	reason string
}

// report gathers what go test says, and prints a line per package, and all that
// a failed test said.
type report struct {
	out            io.Writer
	said           map[testName][]string // so far, of tests and packages that are not over
	passed, failed int
	failures       map[string]int // by package
	skipped        []skip
}

func newReport(out io.Writer) *report {
	return &report{out: out, said: map[testName][]string{}, failures: map[string]int{}}
}

// line takes one line of output. What is no event is printed.
func (r *report) line(raw []byte) {
	var e event
	if len(raw) == 0 {
		return
	}
	if json.Unmarshal(raw, &e) != nil {
		_, _ = r.out.Write(raw)
		return
	}
	name := testName{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		_, _ = io.WriteString(r.out, e.Output)
	case "output":
		r.said[name] = append(r.said[name], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.finished(e)
			return
		}
		r.ended(name, e.Action)
	}
}

// ended counts a test that is over.
func (r *report) ended(name testName, how string) {
	said := r.said[name]
	delete(r.said, name)
	switch how {
	case "pass":
		r.passed++
	case "skip":
		r.skipped = append(r.skipped, skip{name, reason(said)})
	case "fail":
		r.failed++
		r.failures[name.pkg]++
		_, _ = fmt.Fprintf(r.out, "FAIL  %s %s\n%s", short(name.pkg), name.test, strings.Join(said, ""))
	}
}

// finished prints the line of a package.
func (r *report) finished(e event) {
	said := strings.Join(r.said[testName{e.Package, ""}], "")
	delete(r.said, testName{e.Package, ""})
	took := time.Duration(e.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
	switch e.Action {
	case "pass":
		note := ""
		if strings.Contains(said, "(cached)") {
			note = "  (as before)"
		}
		_, _ = fmt.Fprintf(r.out, "ok    %-24s %8s%s\n", short(e.Package), took, note)
	case "fail":
		// A panic, and what a package says besides its tests, stands here.
		for name, lines := range r.said {
			if name.pkg == e.Package {
				said += name.test + ":\n" + strings.Join(lines, "")
				delete(r.said, name)
				r.failed++
				r.failures[e.Package]++
			}
		}
		if r.failures[e.Package] == 0 { // it does not compile, or its TestMain failed
			r.failed++
		}
		_, _ = fmt.Fprintf(r.out, "FAIL  %-24s %8s\n%s", short(e.Package), took, said)
	}
}

// close prints what was skipped, by reason, how to run it, and the numbers.
func (r *report) close() {
	if len(r.skipped) > 0 {
		_, _ = fmt.Fprintln(r.out, "\nSkipped:")
		packages := map[string]bool{}
		steps := map[string]bool{}
		for _, group := range byReason(r.skipped) {
			_, _ = fmt.Fprintf(r.out, "  %3d  %s (%s)\n", len(group), group[0].reason, examples(group))
			for _, n := range needs {
				if strings.Contains(group[0].reason, n.said) {
					for _, p := range n.packages {
						packages[p] = true
					}
					if n.step != "" {
						steps[n.step] = true
					}
				}
			}
		}
		r.advise(sorted(packages), sorted(steps))
	}
	_, _ = fmt.Fprintf(r.out, "\n%d passed, %d failed, %d skipped\n", r.passed, r.failed, len(r.skipped))
}

func (r *report) advise(packages, steps []string) {
	if len(packages)+len(steps) == 0 {
		return
	}
	_, _ = fmt.Fprintln(r.out, "\nTo run these too, on Debian:")
	if len(packages) > 0 {
		_, _ = fmt.Fprintf(r.out, "  sudo apt-get install --no-install-recommends %s\n", strings.Join(packages, " "))
	}
	for _, s := range steps {
		_, _ = fmt.Fprintf(r.out, "  %s\n", s)
	}
	_, _ = fmt.Fprintln(r.out, "Then the same command again. (As root, bash .ci/run does all of this and more.)")
}

// logged finds what a test said by t.Skip, t.Log and their like: FILE:LINE: TEXT.
var logged = regexp.MustCompile(`^\s+\w+\.go:\d+: (.*)`)

// reason is the text that a test was skipped with, its first line.
func reason(said []string) string {
	for _, line := range slices.Backward(said) {
		if found := logged.FindStringSubmatch(strings.TrimSuffix(line, "\n")); found != nil && found[1] != "" {
			return found[1]
		}
	}
	return "no reason given"
}

// byReason groups what was skipped for the same reason, in order.
func byReason(all []skip) [][]skip {
	slices.SortStableFunc(all, func(a, b skip) int { return strings.Compare(a.reason, b.reason) })
	var groups [][]skip
	for _, s := range all {
		if n := len(groups); n > 0 && groups[n-1][0].reason == s.reason {
			groups[n-1] = append(groups[n-1], s)
		} else {
			groups = append(groups, []skip{s})
		}
	}
	return groups
}

// examples names the tests of a group, at most two.
func examples(group []skip) string {
	var names []string
	for _, s := range group[:min(2, len(group))] {
		names = append(names, short(s.pkg)+" "+s.test)
	}
	if len(group) > 2 {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

func sorted(set map[string]bool) (list []string) {
	for s := range set {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

// short is a package without the module's path.
func short(pkg string) string {
	const module = "github.com/thingpass/thingpass"
	if s := strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/"); s != "" {
		return s
	}
	return "."
}
