package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The suite, at the commit whose tests selection.py counts.
const (
	suiteURL    = "https://github.com/ceph/s3-tests.git"
	suiteCommit = "8f0ae7b404a3a2fcf7038bf1e6bf29544fe9b6a3"
)

// crashesRGW is the one test that is not run against RGW: it aborts version 16.
const crashesRGW = "test_upload_part_copy_percent_encoded_key"

// alonePass ends the label of the pass whose tests run one at a time.
const alonePass = "-alone"

// result is what became of a test: passed, skipped or failed.
type result struct{ Name, Group, Outcome, Why string }

// suite is ceph/s3-tests with a Python to run it.
type suite struct {
	dir      string
	python   string
	packages string // PYTHONPATH
}

func fetchSuite(ctx context.Context, dir string) (*suite, error) {
	from := os.Getenv("S3TESTS_GIT")
	if from == "" {
		from = suiteURL
	}
	s := &suite{dir: filepath.Join(dir, "s3-tests"), python: "/usr/bin/python3", packages: filepath.Join(dir, "python")}
	for _, args := range [][]string{
		{"init", "-q", s.dir},
		{"-C", s.dir, "fetch", "-q", "--depth", "1", from, suiteCommit},
		{"-C", s.dir, "checkout", "-q", "FETCH_HEAD"},
	} {
		if out, err := exec.CommandContext(ctx, "git", args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	const imports = "import pytest, pytest_timeout, xdist, munch, isodate, httplib2, lxml, pytz, requests, yaml, dateutil, urllib3"
	if out, err := exec.CommandContext(ctx, s.python, "-c", imports).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("python for ceph/s3-tests: %w\n%s(apt-get install python3-pytest python3-pytest-timeout python3-pytest-xdist "+
			"python3-munch python3-isodate python3-httplib2 python3-lxml python3-tz python3-requests python3-yaml python3-dateutil)", err, out)
	}
	return s, s.findBoto(ctx)
}

// findBoto makes a folder with a current boto3, which Debian does not have, and
// nothing else, so that the rest stays Debian's: from a python3 of PATH that has
// one, else from PyPI.
func (s *suite) findBoto(ctx context.Context) error {
	const ask = "import boto3, botocore, s3transfer, jmespath, os\n" +
		"assert tuple(map(int, boto3.__version__.split('.')[:2])) >= (1, 40)\n" +
		"print(*(os.path.dirname(m.__file__) for m in (boto3, botocore, s3transfer, jmespath)), sep='\\n')"
	if err := os.Mkdir(s.packages, 0o755); err != nil {
		return err
	}
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		out, err := exec.CommandContext(ctx, filepath.Join(folder, "python3"), "-c", ask).Output()
		if err != nil {
			continue // no Python there, or no such boto3 in it
		}
		for _, found := range strings.Fields(string(out)) {
			if err := os.Symlink(found, filepath.Join(s.packages, filepath.Base(found))); err != nil {
				return err
			}
		}
		return nil
	}
	out, err := exec.CommandContext(ctx, s.python, "-m", "pip", "install", "-q", "--target", s.packages, "boto3").CombinedOutput()
	if err != nil {
		return fmt.Errorf("a current boto3, from PyPI: %w\n%s", err, out)
	}
	return nil
}

// pytest runs the selected tests against the servers of a configuration and
// prints counts and what failed: first those that may run at the same time, then
// the others. label names the run.
func (s *suite) pytest(ctx context.Context, o options, label, conf string, args ...string) (map[string]result, error) {
	fmt.Printf("\n== ceph/s3-tests, %s: %s\n", o.group, label)
	results, err := s.once(ctx, o, label, conf, append(args, "-n", strconv.Itoa(o.workers))...)
	if err != nil {
		return nil, err
	}
	alone, err := s.once(ctx, o, label+alonePass, conf, args...)
	if err != nil {
		return nil, err
	}
	maps.Copy(results, alone)
	if len(results) == 0 {
		return nil, errors.New("no test ran")
	}
	report(results, label)
	return results, nil
}

// once runs pytest once.
func (s *suite) once(ctx context.Context, o options, label, conf string, args ...string) (map[string]result, error) {
	here, err := filepath.Abs(filepath.Join("test", "conformance"))
	if err != nil {
		return nil, err
	}
	name, err := filepath.Abs(filepath.Join(o.results, label+".jsonl"))
	if err != nil {
		return nil, err
	}
	alone := "no"
	if strings.HasSuffix(label, alonePass) {
		alone = "yes"
	}
	args = append([]string{"-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "selection", "--timeout=180"}, args...)
	if o.pytest == "" {
		args = append(args, "--tb=no", "--no-header", "-W", "ignore", "-r", "N")
	}
	args = append(args, strings.Fields(o.pytest)...)
	args = append(args, "s3tests/functional/test_s3.py", "s3tests/functional/test_headers.py")
	command := exec.CommandContext(ctx, s.python, args...)
	command.Dir, command.Stdout, command.Stderr = s.dir, os.Stdout, os.Stderr
	command.Env = append(os.Environ(), "PYTHONPATH="+s.packages+":"+here, "PYTHONDONTWRITEBYTECODE=1", "PYTHONWARNINGS=ignore",
		"S3TEST_CONF="+conf, "CONFORMANCE_GROUP="+o.group, "CONFORMANCE_RESULTS="+name, "CONFORMANCE_ALONE="+alone)
	err = command.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1 && exit.ExitCode() != 5) { // tests failed, none was selected
		return nil, fmt.Errorf("pytest: %w", err)
	}
	return readResults(name)
}

func readResults(name string) (map[string]result, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	results := map[string]result{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		results[r.Name] = r
	}
	return results, lines.Err()
}

// report prints the tests that did not pass, and the counts by group.
func report(results map[string]result, label string) {
	groups := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(results)) {
		r := results[name]
		groups[r.Group] = true
		if r.Outcome != "passed" {
			first, _, _ := strings.Cut(r.Why, "\n")
			first = first[:min(len(first), 200)]
			fmt.Printf("%-7s %-11s %s: %s\n", r.Outcome, r.Group, name, first)
		}
	}
	for _, group := range append(slices.Sorted(maps.Keys(groups)), "") {
		passed, all := count(results, group)
		if group == "" {
			group = "all"
		}
		fmt.Printf("%s: %s: %d of %d passed\n", label, group, passed, all)
	}
}

// count tells how many tests of a group passed, and how many there are; of all
// groups if it is "".
func count(results map[string]result, group string) (passed, all int) {
	for _, r := range results {
		if group != "" && r.Group != group {
			continue
		}
		all++
		if r.Outcome == "passed" {
			passed++
		}
	}
	return passed, all
}
