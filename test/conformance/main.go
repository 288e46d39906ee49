// Command conformance runs public conformance suites against Thingpass and the
// engines: see usage below. It owns the choice of the tests, the servers and
// users they get, and the comparison; the suites are fetched to a temporary
// folder, and nothing of them is kept here. What did not run, it says.
//
// It needs Debian's python3-pytest, python3-pytest-timeout, python3-pytest-xdist,
// python3-munch, python3-isodate, python3-httplib2, python3-lxml, python3-tz,
// python3-requests and python3-yaml, and a boto3 of this year, in any python3 of
// PATH or from PyPI; for RGW, what package rig names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/thingpass/thingpass/test/rig"
)

const usage = `usage: bash test/conformance/run [flags] [embedded|rgw|gateway] [core|versioning|all]

  embedded   Thingpass with its own store (the default)
  rgw        Ceph's gateway of Debian, directly
  gateway    Ceph's gateway directly, then through Thingpass, compared: no test
             may be lost but those that lost.txt lists with a reason, and none
             may pass that it lists

S3TESTS_GIT is where ceph/s3-tests is cloned from, for example a mirror on disk.
`

// bars are how many tests of a group the embedded store passes at least.
var bars = map[string]int{"core": 240, "versioning": 28}

// signedBar is how many of versitygw's authentication cases pass at least.
const signedBar = 74

type options struct {
	target, group  string
	suite, results string
	workers        int
	pytest         string
}

func main() {
	var o options
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage, "\n")
		flag.PrintDefaults()
	}
	flag.StringVar(&o.suite, "suite", "s3-tests", "s3-tests, or versitygw: its client-side authentication cases")
	flag.StringVar(&o.results, "o", "", "folder to keep the results in (default: none)")
	flag.IntVar(&o.workers, "n", 4, "tests at a time")
	flag.StringVar(&o.pytest, "pytest", "", "further arguments of pytest, separated by spaces, for example \"-k tagging --tb=short -s\"")
	flag.Parse()
	o.target, o.group = "embedded", "all"
	if flag.NArg() > 0 {
		o.target = flag.Arg(0)
	}
	if flag.NArg() > 1 {
		o.group = flag.Arg(1)
	}
	if flag.NArg() > 2 || !slices.Contains([]string{"embedded", "rgw", "gateway"}, o.target) ||
		!slices.Contains([]string{"core", "versioning", "all"}, o.group) || !slices.Contains([]string{"s3-tests", "versitygw"}, o.suite) {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.results == "" {
		o.results = dir
	} else if err := os.MkdirAll(o.results, 0o755); err != nil {
		return err
	}
	var engine *rig.RGW
	if o.target != "embedded" {
		folder := filepath.Join(dir, "rgw")
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		if engine, err = rig.StartRGW(ctx, folder); err != nil {
			return err
		}
		defer engine.Stop()
	}
	if o.suite == "versitygw" {
		return authentication(ctx, o, dir, engine)
	}
	s, err := fetchSuite(ctx, dir)
	if err != nil {
		return err
	}
	if o.target == "rgw" {
		_, err := s.direct(ctx, o, engine)
		return err
	}
	var direct map[string]result
	if o.target == "gateway" {
		if direct, err = s.direct(ctx, o, engine); err != nil {
			return err
		}
	}
	through, err := s.through(ctx, o, dir, engine)
	if err != nil {
		return err
	}
	if o.target == "gateway" {
		return compare(direct, through)
	}
	return overBars(through, o)
}

// overBars says whether the embedded store passes as many tests as it has to.
func overBars(results map[string]result, o options) error {
	if o.pytest != "" {
		return nil // not the whole selection
	}
	var errs []error
	for _, group := range slices.Sorted(maps.Keys(bars)) {
		if o.group != "all" && o.group != group {
			continue
		}
		if passed, _ := count(results, group); passed < bars[group] {
			errs = append(errs, fmt.Errorf("%d tests of group %s passed, want at least %d", passed, group, bars[group]))
		}
	}
	return errors.Join(errs...)
}

// compare says which tests pass directly and not through the gateway.
func compare(direct, through map[string]result) error {
	excused, err := readExcused(filepath.Join("test", "conformance", "lost.txt"))
	if err != nil {
		return err
	}
	var lost []string
	fmt.Println("\n== lost through the gateway")
	for _, name := range slices.Sorted(maps.Keys(direct)) {
		if direct[name].Outcome != "passed" || through[name].Outcome == "passed" {
			continue
		}
		reason := excused[name]
		if reason == "" {
			lost = append(lost, name)
			reason = "NO REASON KNOWN: " + through[name].Why
		}
		fmt.Printf("%s: %s\n", name, reason)
	}
	var kept []string
	for _, name := range slices.Sorted(maps.Keys(excused)) {
		if through[name].Outcome == "passed" {
			kept = append(kept, name)
		}
	}
	var errs []error
	if len(lost) > 0 {
		errs = append(errs, fmt.Errorf("%d tests are lost through the gateway without a reason: %s", len(lost), strings.Join(lost, " ")))
	}
	if len(kept) > 0 {
		errs = append(errs, fmt.Errorf("%d tests pass that lost.txt gives up: %s", len(kept), strings.Join(kept, " ")))
	}
	return errors.Join(errs...)
}

// readExcused reads lines of a test's name and why it may be lost; # begins a
// comment.
func readExcused(name string) (map[string]string, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	excused := map[string]string{}
	for line := range strings.Lines(string(content)) {
		test, reason, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && !strings.HasPrefix(test, "#") {
			excused[test] = strings.TrimSpace(reason)
		}
	}
	return excused, nil
}
