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
	cmd.Args[0] = "thingpass" // hints name the program so
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
		{"serve --data", 64, "--data needs a value"},
		{"serve --data empty --decisions -1", 64, "--decisions needs a value; one that begins with a dash is joined to it: --decisions=VALUE"},
		{"serve --data empty --decisions=-1", 64, `--decisions "-1": it cannot be below 0`},
		{"serve --data empty --decisions many", 64, `--decisions "many": a whole number is needed`},
		{"serve --data empty --decisions-age soon", 64, `--decisions-age "soon": a duration is needed, such as 30s, 15m or 168h`},
		{"serve --data empty --decisions-age 0s", 64, `--decisions-age "0s": it must be above 0`},
		{"serve --data empty --shutdown-timeout=-5s", 64, `--shutdown-timeout "-5s": it must be above 0`},
		{"serve --data empty --s3-upload-age=-5s", 64, `--s3-upload-age "-5s": it cannot be below 0`},
		{"serve --data empty --log-level loud", 64, `--log-level: "loud": a level is debug, info, warn or error`},
		{"serve --data empty --log-level info+1", 64, `a level is debug, info, warn or error`},
		{"serve --data empty --log-format xml", 64, `--log-format "xml": one of "json","text" is needed`},
		{"serve --data empty --post-quantum=maybe", 64, `"maybe": true or false is needed`},
		{"serve --data empty --device-listen 8443", 64, `--device-listen "8443": an address to listen on is HOST:PORT or :PORT`},
		{"serve --data empty --http-listen https://x", 64, `--http-listen "https://x"`},
		{"serve --data empty --ops-listen :x", 64, `--ops-listen ":x"`},
		{"serve --data empty --api-listen :65536", 64, `--api-listen ":65536"`},
		{"serve --data empty --trusted-proxy foo", 64, `--trusted-proxy "foo": not an address`},
		{"serve --data empty --s3-domain http://x", 64, `--s3-domain "http://x": give a domain alone`},
		{"serve --data empty --device-endpoint https://foo", 64, `--device-endpoint "https://foo": give HOST or HOST:PORT, without a scheme`},
		{"serve --data empty --device-endpoint foo:bar", 64, `--device-endpoint "foo:bar": "bar": a port is a number from 1 to 65535`},
		{"init --data new --account 12", 64, `--account "12": an account id has 12 digits`},
		{"init --data new --region EU", 64, `--region "EU": a region is 1 to 32 lower-case letters`},
		{"init --data new --api-port abc", 64, `--api-port "abc": a port is a number from 1 to 65535`},
		{"init --data new --host x:1", 64, `--host "x:1": a host is a name or an address, without a port`},
		{"init --data new --host *", 64, `--host "*": a host is a name or an address`},
		{"init --data new --host *.example.com", 64, `--host "*.example.com": clients are told the first name`},
		{"init --data new --host münchen.example", 64, `(punycode)`},
		{"init --data new --database sqlite:///x.db", 64, `--database: SQLite is in the data folder`},
		{"init --data new --database mysql://u:hunter2@h/x", 64, `--database: a database is named by a PostgreSQL URL`},
		{"renew-certificate --data empty --host https://x:1", 64, `--host "https://x:1": a host is a name or an address`},
		{"renew-certificate --data empty --host=-x", 64, `--host "-x": a host is a name or an address`},
		{"recover-admin --data empty --api-port 0", 64, `--api-port "0": a port is a number`},
		{"policy lint", 64, "<file>"},
		{"policy lint --kind none x", 64, "--kind"},
	} {
		status, _, stderr := program(t, dir, nil, strings.Fields(tc.args))
		if status != tc.status || !strings.Contains(stderr, tc.want) {
			t.Errorf("thingpass %s: %d, %s", tc.args, status, stderr)
		}
		for _, word := range []string{"strconv", "slog:", "<EOL>", "time:", "parsing", "hunter2", "x509", "got \""} {
			if strings.Contains(stderr, word) {
				t.Errorf("thingpass %s speaks as a library does: %s", tc.args, stderr)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("init left something behind")
	}
	// A value from the environment is no other.
	status, _, stderr := program(t, dir, []string{"THINGPASS_DECISIONS=many"}, []string{"serve", "--data", "empty"})
	if status != 64 || !strings.Contains(stderr, `--decisions "many": a whole number is needed (from the environment variable THINGPASS_DECISIONS)`) {
		t.Errorf("%d, %s", status, stderr)
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
