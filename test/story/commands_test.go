package story

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/thingpass/thingpass/sigv4"
)

type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands are what scripts know besides testscript's own. Each begins with how
// it is used.
func (c cli) commands() map[string]command {
	return map[string]command{
		"aws":         c.aws,
		"refused":     c.refused,
		"python3":     c.python3,
		"curl":        curl,
		"device-curl": deviceCurl,
		"presigned":   presigned,
		"s3-curl":     s3Curl,
		"creds":       creds,
		"as-admin":    asAdmin,
		"as-device":   asDevice,
		"stdout-json": stdoutJSON,
		"json-env":    jsonEnv,
		"header-env":  headerEnv,
		"expires-in":  expiresIn,
		"wait-recent": waitRecent,
		"make-file":   makeFile,
		"same-file":   sameFile,
	}
}

// aws ARGS... runs the AWS CLI. Before 2.13 its second generation does not know
// AWS_ENDPOINT_URL.
func (c cli) aws(ts *testscript.TestScript, neg bool, args []string) {
	if second, _ := c.condition("v2"); second {
		args = append([]string{"--endpoint-url", ts.Getenv("AWS_ENDPOINT_URL"), "--no-cli-pager"}, args...)
	}
	run(ts, neg, c.path, args)
}

// refused CODE ARGS... runs the AWS CLI, which must report an error of this
// code.
func (c cli) refused(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 1, "refused CODE ARGS...")
	c.aws(ts, true, args[1:])
	if text := ts.ReadFile("stderr"); !strings.Contains(text, "("+args[0]+")") {
		ts.Fatalf("the error is not %s: %s", args[0], text)
	}
}

// python3 ARGS... runs a Python with boto3.
func (c cli) python3(ts *testscript.TestScript, neg bool, args []string) {
	run(ts, neg, c.python, args)
}

func run(ts *testscript.TestScript, neg bool, program string, args []string) {
	err := ts.Exec(program, args...)
	if neg && err == nil {
		ts.Fatalf("%s succeeded, which it must not", filepath.Base(program))
	}
	if !neg {
		ts.Check(err)
	}
}

// curl STATUS ARGS... runs curl with the server's CA; the HTTP status must be
// as said. The body becomes stdout, the headers are in the file headers.
func curl(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 1, "curl STATUS ARGS...")
	ts.Check(ts.Exec("curl", append([]string{
		"--silent", "--show-error", "--max-time", "60", "--cacert", ts.Getenv("AWS_CA_BUNDLE"),
		"--dump-header", "headers", "--write-out", "%{stderr}%{http_code}",
	}, args[1:]...)...))
	if status := ts.ReadFile("stderr"); status != args[0] {
		ts.Fatalf("HTTP status %s, want %s: %s", status, args[0], ts.ReadFile("stdout"))
	}
}

// device-curl STATUS DEVICE ALIAS [ARGS...] asks the device door for
// credentials, with the certificate DEVICE.pem and its key DEVICE.key, or
// without one if DEVICE is "nobody".
func deviceCurl(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 2, "device-curl STATUS DEVICE ALIAS [ARGS...]")
	address := ts.Getenv("DEVICE_ADDRESS")
	endpoint := ts.Getenv("DEVICE_ENDPOINT")
	if endpoint == "" {
		ts.Fatalf("DEVICE_ENDPOINT is not set: ask describe-endpoint")
	}
	full := []string{args[0], "--connect-to", "::" + address}
	if args[1] != "nobody" {
		full = append(full, "--cert", args[1]+".pem", "--key", args[1]+".key")
	}
	full = append(full, args[3:]...)
	curl(ts, false, append(full, "https://"+endpoint+"/role-aliases/"+args[2]+"/credentials"))
}

// presigned STATUS fetches, with curl and without a signature of its own, the
// URL that the last command printed.
func presigned(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "presigned STATUS")
	curl(ts, false, []string{args[0], "--globoff", strings.TrimSpace(ts.ReadFile("stdout"))})
}

// s3-curl STATUS METHOD BUCKET/KEY [FILE] sends a request to S3 that curl signs
// as whoever acts. With FILE, that is the body.
func s3Curl(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && (len(args) == 3 || len(args) == 4), "s3-curl STATUS METHOD BUCKET/KEY [FILE]")
	full := []string{
		args[0], "--request", args[1], "--path-as-is", "--globoff", "--user", ts.Getenv("AWS_ACCESS_KEY_ID") + ":" + ts.Getenv("AWS_SECRET_ACCESS_KEY"),
		"--aws-sigv4", "aws:amz:" + ts.Getenv("AWS_DEFAULT_REGION") + ":s3", "--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD",
	}
	if token := ts.Getenv("AWS_SESSION_TOKEN"); token != "" {
		full = append(full, "--header", "x-amz-security-token: "+token)
	}
	if len(args) == 4 {
		full = append(full, "--data-binary", "@"+args[3])
	}
	curl(ts, false, append(full, ts.Getenv("AWS_ENDPOINT_URL")+"/"+args[2]))
	if args[0] == "403" && !strings.Contains(ts.ReadFile("stdout"), "<Code>AccessDenied</Code>") {
		ts.Fatalf("the error is not AccessDenied: %s", ts.ReadFile("stdout"))
	}
}

// creds NAME [FILE] takes credentials out of the answer of an exchange, of sts
// assume-role, or of iam create-access-key, which is in FILE or stdout. From now
// on NAME is acting.
func creds(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && (len(args) == 1 || len(args) == 2), "creds NAME [FILE]")
	text := ts.ReadFile(append(args, "stdout")[1])
	var answer struct {
		Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }
		AccessKey   struct{ AccessKeyID, SecretAccessKey string }
	}
	ts.Check(json.Unmarshal([]byte(text), &answer))
	if key := answer.AccessKey; key.SecretAccessKey != "" {
		answer.Credentials.AccessKeyID, answer.Credentials.SecretAccessKey = key.AccessKeyID, key.SecretAccessKey
	} else if answer.Credentials.SessionToken == "" {
		ts.Fatalf("there are no credentials in %s", text)
	}
	ts.Value(castKey{}).(*cast).actors[args[0]] = sigv4.Credentials{
		AccessKeyID: answer.Credentials.AccessKeyID, SecretAccessKey: answer.Credentials.SecretAccessKey, SessionToken: answer.Credentials.SessionToken,
	}
	act(ts, args[0])
}

// as-admin lets the administrator act.
func asAdmin(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "as-admin")
	act(ts, administrator)
}

// as-device NAME lets somebody act whom creds has named.
func asDevice(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "as-device NAME")
	act(ts, args[0])
}

// header-env NAME HEADER puts a header of the last answer that curl fetched into a
// variable.
func headerEnv(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "header-env NAME HEADER")
	for line := range strings.Lines(ts.ReadFile("headers")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, args[1]) {
			ts.Setenv(args[0], strings.TrimSpace(value))
			return
		}
	}
	ts.Fatalf("the answer has no header %s", args[1])
}

// expires-in SECONDS: the credentials in stdout expire then, give or take 20 s.
func expiresIn(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "expires-in SECONDS")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var answer struct {
		Credentials struct{ Expiration time.Time }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &answer))
	left := time.Until(answer.Credentials.Expiration)
	if off := left - time.Duration(want)*time.Second; off.Abs() > 20*time.Second {
		ts.Fatalf("the credentials expire in %v", left)
	}
}

// wait-recent waits until what was changed is true everywhere: doors may answer
// from what was true half a second ago.
func waitRecent(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "wait-recent")
	time.Sleep(600 * time.Millisecond)
}

// make-file NAME BYTES writes a file that is the same in every run and no two
// parts of which are alike.
func makeFile(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "make-file NAME BYTES")
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(content)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o600))
}

// same-file WHOLE PART [OFFSET] compares bytes: PART is all of WHOLE, or what
// there is of it from OFFSET on.
func sameFile(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && (len(args) == 2 || len(args) == 3), "same-file WHOLE PART [OFFSET]")
	whole, part := []byte(ts.ReadFile(args[0])), []byte(ts.ReadFile(args[1]))
	if len(args) == 3 {
		offset, err := strconv.Atoi(args[2])
		ts.Check(err)
		if offset+len(part) > len(whole) {
			ts.Fatalf("%s has %d bytes, too many from %d of %d", args[1], len(part), offset, len(whole))
		}
		whole = whole[offset : offset+len(part)]
	}
	if len(part) == 0 || !bytes.Equal(whole, part) {
		ts.Fatalf("%s (%d bytes) and %s (%d bytes) differ", args[0], len(whole), args[1], len(part))
	}
}

func usage(ts *testscript.TestScript, ok bool, text string) {
	if !ok {
		ts.Fatalf("usage: %s", text)
	}
}
