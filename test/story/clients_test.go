package story

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// cli is what the commands "aws" and "python3" of a script run. One of them may
// be "".
type cli struct {
	version string // as aws-cli-2.9.19
	path    string
	first   bool // among the AWS CLIs that were found
	python  string
}

var versionPattern = regexp.MustCompile(`^aws-cli/(\S+)`)

// findCLIs lists the AWS CLIs in PATH, one of each version. In CI both
// generations must be there.
func findCLIs(t *testing.T) []cli {
	t.Helper()
	var found []cli
	for _, path := range everywhere("aws") {
		path = behindShim(t.Context(), path)
		out, err := exec.CommandContext(t.Context(), path, "--version").CombinedOutput()
		match := versionPattern.FindSubmatch(out)
		if err != nil || match == nil {
			t.Logf("%s is not used: %v: %s", path, err, out)
			continue
		}
		version := "aws-cli-" + string(match[1])
		if !slices.ContainsFunc(found, func(c cli) bool { return c.version == version }) {
			found = append(found, cli{version: version, path: path, first: len(found) == 0})
		}
	}
	if len(found) == 0 {
		missing(t, "needs the AWS CLI in PATH")
	}
	for _, generation := range []string{"aws-cli-1.", "aws-cli-2."} {
		if os.Getenv("CI") == "true" && !slices.ContainsFunc(found, func(c cli) bool { return strings.HasPrefix(c.version, generation) }) {
			t.Fatalf("needs an %sx in PATH as well", generation)
		}
	}
	return found
}

// modernBoto3 ends with an error unless boto3 is one that checksums uploads by
// itself, since 1.36, and knows AWS_ENDPOINT_URL.
const modernBoto3 = `import boto3, sys; sys.exit([int(n) for n in boto3.__version__.split(".")[:2]] < [1, 36])`

// findPython is a Python with a modern boto3.
func findPython(t *testing.T) string {
	t.Helper()
	for _, path := range everywhere("python3") {
		path = behindShim(t.Context(), path)
		if exec.CommandContext(t.Context(), path, "-c", modernBoto3).Run() == nil {
			return path
		}
	}
	missing(t, "needs a Python with boto3 1.36 or newer in PATH")
	return ""
}

// everywhere lists the programs of a name in PATH.
func everywhere(program string) []string {
	var found []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil && filepath.IsAbs(path) {
			found = append(found, path)
		}
	}
	return found
}

// behindShim is the program that a pyenv shim runs: the shim needs an
// environment that scripts do not have, and time.
func behindShim(ctx context.Context, path string) string {
	if !strings.HasSuffix(filepath.Dir(path), "shims") {
		return path
	}
	out, err := exec.CommandContext(ctx, "pyenv", "which", filepath.Base(path)).Output()
	if real := strings.TrimSpace(string(out)); err == nil && real != "" {
		return real
	}
	return path
}

func lookPath(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("needs %s: %w", program, err)
	}
	return path, nil
}
