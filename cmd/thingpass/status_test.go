package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// program runs the program in a folder and returns its exit status and what it
// wrote.
func program(t *testing.T, dir string, env, args []string) (status int, stdout, stderr string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(t.TempDir(), "thingpass")
	if err := os.Symlink(self, named); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	cmd := exec.Command(named, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), &out, &errs
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// TestExitStatus: wrong usage has a status of its own, and a folder that is none
// says what to do next, in every command.
func TestExitStatus(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(dir, "policy.json")
	if err := os.WriteFile(policy, []byte(ownFolder), 0o600); err != nil {
		t.Fatal(err)
	}
	try := "policy try --iot-policy a " + policy
	for _, tc := range []struct {
		args   string
		status int
		want   string
	}{
		{"--help", 0, ""},
		{"nonsense", 64, "unexpected argument nonsense"},
		{"serve --data empty --decisions many", 64, "--decisions"},
		{"serve --data empty --s3-backend name=a,endpoint=http://h,kind=rgw", 64, `--s3-backend: S3 engine "a": there is no kind "rgw": did you mean ceph?`},
		{"serve --data empty --s3-backend name=a", 64, "name=NAME,endpoint=URL,credentials=FILE are needed"},
		{"why --data empty", 64, "thingpass why ID"},
		{"why --data empty 1234 --alias x", 64, "not both"},
		{"policy try --data empty " + policy, 64, "--iot-policy NAME"},
		{try + " --data empty --managed b", 64, "--iot-policy NAME"},
		{"policy lint", 64, "<file>"},
		{"policy lint --kind none x", 64, "--kind"},
	} {
		status, _, stderr := program(t, dir, nil, strings.Fields(tc.args))
		if status != tc.status || !strings.Contains(stderr, tc.want) {
			t.Errorf("thingpass %s: %d, %s", tc.args, status, stderr)
		}
	}
	for _, args := range []string{"serve", "why 1234", try, "rotate-keys", "renew-certificate", "recover-admin", "init"} {
		for _, tc := range []struct {
			data   string
			status int
			want   string
		}{
			{"", 64, "the data folder is empty: name it with --data DIR or THINGPASS_DATA=DIR"},
			{"none", 1, "there is no folder none: name the data folder of an installation with --data DIR or THINGPASS_DATA=DIR, or make one with thingpass init --data none"},
			{"empty", 1, "holds no installation: make one with thingpass init --data"},
		} {
			if args == "init" && tc.data != "" {
				continue
			}
			status, _, stderr := program(t, dir, []string{"THINGPASS_DATA=" + tc.data}, strings.Fields(args))
			if status != tc.status || !strings.Contains(stderr, tc.want) {
				t.Errorf("thingpass %s in %q: %d, %s", args, tc.data, status, stderr)
			}
		}
	}
}

const (
	ownFolder  = `{"Version":"2012-10-17","Statement":[{"Sid":"own","Effect":"Allow","Action":"s3:HeadBucket","Resource":"*"}]}`
	trustsIoT  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	bucketRead = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`
	fleet      = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iot:Connect"],"Resource":"*"}]}`
)

// TestLintHint: what looks like another kind says so.
func TestLintHint(t *testing.T) {
	for _, tc := range []struct{ kind, text, want string }{
		{"identity", trustsIoT, "it has a Principal: try --kind trust"},
		{"identity", bucketRead, "it has a Principal: try --kind resource"},
		{"iot", strings.Replace(trustsIoT, "sts:AssumeRole", "nonsense", 1), "it has a Principal: try --kind trust or --kind resource"},
		{"trust", bucketRead, "it has a Principal: try --kind resource"},
		{"resource", trustsIoT, "it has a Principal: try --kind trust"},
		{"trust", ownFolder, "it has no Principal: try --kind identity"},
		{"resource", fleet, "it has no Principal, and actions of IoT: try --kind iot"},
		{"identity", `{"Version":"2012-10-17","Statement":[]}`, ""},
		{"identity", `{}`, ""},
		{"trust", `{`, ""},
		{"trust", strings.Replace(trustsIoT, "sts:", "", 1), ""},
	} {
		if _, err := parseAs(tc.kind, tc.text); err == nil {
			t.Errorf("%s saves as %s", tc.text, tc.kind)
		}
		if got := hint(tc.kind, tc.text); got != tc.want {
			t.Errorf("%s %s: %q, want %q", tc.kind, tc.text, got, tc.want)
		}
	}
}

// TestLintFiles: all files are looked at, whatever is wrong with the first.
func TestLintFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"own.json": ownFolder, "trust.json": trustsIoT} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"policy", "lint", "--kind", "identity", "none.json", "trust.json", "own.json"}
	status, stdout, _ := program(t, dir, nil, files)
	want := `none.json: cannot be read: open none.json: no such file or directory
trust.json: refused: Policy document should not specify a principal.
trust.json: hint: it has a Principal: try --kind trust
own.json: statement 1 "own": warning: s3:HeadBucket is an API call and no action; write s3:ListBucket (not-an-action)
own.json: saves as identity policy, 109 characters
`
	if diff := cmp.Diff(want, stdout); diff != "" || status != 1 {
		t.Errorf("%d %s", status, diff)
	}
	status, stdout, _ = program(t, dir, nil, append(files, "--output", "json"))
	var got linted
	decoder := json.NewDecoder(strings.NewReader(stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil || status != 1 {
		t.Fatal(status, err)
	}
	all := linted{[]lintedFile{
		{File: "none.json", Kind: "identity", Error: "open none.json: no such file or directory", Warnings: []lintedWarning{}},
		{File: "trust.json", Kind: "identity", Read: true, Error: "Policy document should not specify a principal.", Hint: "it has a Principal: try --kind trust", Warnings: []lintedWarning{}},
		{File: "own.json", Kind: "identity", Read: true, Saves: true, Size: 109, Warnings: []lintedWarning{
			{"not-an-action", 1, "own", "s3:HeadBucket is an API call and no action", "write s3:ListBucket"}}},
	}}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Error(diff)
	}
	for args, want := range map[string]int{"own.json": 0, "own.json --strict": 1, "own.json none.json": 1} {
		if status, _, _ := program(t, dir, nil, append([]string{"policy", "lint"}, strings.Fields(args)...)); status != want {
			t.Errorf("%s: exit status %d", args, status)
		}
	}
}
