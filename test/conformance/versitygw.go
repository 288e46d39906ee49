package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/thingpass/thingpass/test/rig"
)

// clientSide is the module with versitygw's client-side suite.
const clientSide = "github.com/versity/versitygw@v1.8.0"

// caseLimit is how long one case may take.
const caseLimit = time.Minute

// authenticationCases are the names of the 77 cases of authentication and
// streamed bodies.
var authenticationCases = regexp.MustCompile(`(?m)^ +((?:Authentication|PresignedAuth|SignedStreamingPayload|` +
	`SignedStreamingPayloadTrailer|UnsignedStreamingPayloadTrailer)_\w+) `)

// ownTexts are changes to the suite's comparison: status and code are judged,
// texts and further elements of an error are versitygw's own, and so is the
// interface by which the one case that wants another user, and does not get as
// far as that user, would make it. Buckets get a name of their own in each case,
// so that one that fails leaves nothing in the way of the next.
var ownTexts = [...][2]string{
	{"received.Message != apiErr.Description", "false"},
	{"ae.ErrorMessage() != apiErr.Description", "false"},
	{"return compareS3ApiErr(expected, received)", "return nil"},
	{"func createUsers(s *S3Conf, users []user) error {", "func createUsers(s *S3Conf, users []user) error {\n\tusers = nil"},
	{`fmt.Sprintf("test-bucket-%v", val)`, `fmt.Sprintf("test-bucket-%v-%v", val, time.Now().UnixNano())`},
}

// authentication runs versitygw's cases of authentication and streamed bodies
// against Thingpass, or against the engine alone if that is the target.
func authentication(ctx context.Context, o options, dir string, engine *rig.RGW) (err error) {
	program, err := buildClientSide(ctx, dir)
	if err != nil {
		return err
	}
	var endpoint, access, secret string
	if o.target == "rgw" {
		endpoint, access, secret = engine.Endpoint, engine.AccessKey, engine.SecretKey
	} else {
		// One case wants presigned URLs of version 2 to be refused.
		server, err := serve(ctx, dir, engine, "--no-presign-v2")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		keys, err := createUser(ctx, server, "main")
		if err != nil {
			return err
		}
		endpoint, access, secret = "http://"+server.PlainDoor, keys.AccessKeyID, keys.SecretAccessKey
	}
	help, err := exec.CommandContext(ctx, program, "test", "--help").Output()
	if err != nil {
		return fmt.Errorf("list the cases of versitygw: %w", err)
	}
	fmt.Printf("\n== versitygw's authentication cases: %s\n", o.target)
	passed, all := 0, 0
	for _, found := range authenticationCases.FindAllStringSubmatch(string(help), -1) {
		all++
		out, ok := runCase(ctx, program, found[1], "--endpoint", endpoint, "--access", access, "--secret", secret)
		if ok {
			passed++
			continue
		}
		fmt.Printf("failed %s\n", out)
	}
	fmt.Printf("%s: authentication: %d of %d passed\n", o.target, passed, all)
	if o.target == "embedded" && passed < signedBar {
		return fmt.Errorf("%d of versitygw's authentication cases passed, want at least %d", passed, signedBar)
	}
	return nil
}

// colours are the terminal's.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// runCase runs one case and returns why it failed, in one line.
func runCase(ctx context.Context, program, name string, settings ...string) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	command := exec.CommandContext(ctx, program, append(append([]string{"test"}, settings...), name)...)
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "AWS_") { // its SDK wants no CA of ours
			command.Env = append(command.Env, setting)
		}
	}
	out, err := command.CombinedOutput()
	if err == nil {
		return "", true
	}
	for line := range strings.Lines(colours.ReplaceAllString(string(out), "")) {
		if why, ok := strings.CutPrefix(line, "FAIL "); ok {
			why = strings.TrimSpace(why)
			return why[:min(len(why), 240)], false
		}
	}
	return name + ": " + err.Error(), false
}

// buildClientSide builds the suite from a copy of the released module.
func buildClientSide(ctx context.Context, dir string) (string, error) {
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", clientSide)
	download.Dir = dir
	out, err := download.Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w\n%s", clientSide, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", fmt.Errorf("download %s: %w", clientSide, err)
	}
	source := filepath.Join(dir, "versitygw-source")
	if err := os.CopyFS(source, os.DirFS(module.Dir)); err != nil {
		return "", err
	}
	if err := changeTexts(filepath.Join(source, "tests", "integration", "utils.go")); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "versitygw")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/versitygw")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", clientSide, err, out)
	}
	return program, nil
}

func changeTexts(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text := string(content)
	for _, change := range ownTexts {
		if !strings.Contains(text, change[0]) {
			return fmt.Errorf("%s has no %q: the suite has changed", filepath.Base(name), change[0])
		}
		text = strings.ReplaceAll(text, change[0], change[1])
	}
	if err := os.Chmod(name, 0o644); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
