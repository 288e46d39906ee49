package test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thingpass/thingpass/test/rig"
	"github.com/thingpass/thingpass/thingtest"
)

// clientLimit is how long a client program may run.
const clientLimit = time.Minute

// stage is a running server with one device on it, its thing, and the bucket
// in which it may use its own folder.
type stage struct {
	*thingtest.Server
	device            rig.Device
	certFile, keyFile string
}

const (
	stageAlias  = "cameras"
	stageThing  = "bulbthing"
	stageBucket = "vincent-iot"
)

func newStage(t *testing.T, o thingtest.Options, duration int) *stage {
	t.Helper()
	server, err := thingtest.Start(context.WithoutCancel(t.Context()), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	devices, err := rig.Prepare(t.Context(), server.Admin, rig.SetUp{
		Role: "Cameras", Alias: stageAlias, IoTPolicy: "cameras", Duration: duration, Devices: 1,
		Permissions: `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
			"Resource": "arn:aws:s3:::` + stageBucket + `/${credentials-iot:ThingName}/*"}]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Server: server, device: devices[0]}
	s.call(t, http.MethodPost, "/things/"+stageThing, nil)
	s.call(t, http.MethodPut, "/things/"+stageThing+"/principals", http.Header{"X-Amzn-Principal": {s.device.ARN}})
	if _, err := server.Admin.S3(t.Context(), http.MethodPut, "/"+stageBucket, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s.certFile, s.keyFile = filepath.Join(dir, "device.pem"), filepath.Join(dir, "device.key")
	for name, content := range map[string][]byte{s.certFile: s.device.PEM, s.keyFile: s.device.KeyPEM} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *stage) call(t *testing.T, method, path string, header http.Header) {
	t.Helper()
	if err := s.Admin.CallWith(t.Context(), method, path, header, nil, nil); err != nil {
		t.Fatal(err)
	}
}

// TestCRT lets the X.509 provider of AWS's device SDKs fetch credentials and
// sign with them. It always dials port 443, hence the proxy.
func TestCRT(t *testing.T) {
	node, err := exec.LookPath("node")
	need(t, err, "Node.js")
	_, err = os.Stat("clients/node_modules/aws-crt")
	need(t, err, "npm ci --ignore-scripts in test/clients")
	s := newStage(t, thingtest.Options{}, 0)
	s.Admin.HTTP.CloseIdleConnections()

	got := struct {
		Error, AccessKeyID, Body string
		TokenLength, Status      int
	}{}
	want := map[string]string{
		"endpoint": "localhost", "proxy": tunnel(t, s.Addresses().Device), "alias": stageAlias, "thing": stageThing,
		"cert": s.certFile, "key": s.keyFile, "ca": s.CAFile, "api": s.APIURL(), "region": s.Installation().Region,
	}
	said, err := output(t, node, "clients/crt.js", want)
	if err := errors.Join(err, json.Unmarshal(said, &got)); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if !strings.HasPrefix(got.AccessKeyID, "ASIA") || got.TokenLength == 0 || got.TokenLength > 1000 {
		t.Errorf("credentials of the provider: %s", said)
	}
	if arn := ":assumed-role/Cameras/" + s.device.ID; got.Status != http.StatusOK || !strings.Contains(got.Body, arn) {
		t.Errorf("GetCallerIdentity signed by the provider: %s", said)
	}

	want["thing"] = "lampthing"
	if said, err := output(t, node, "clients/crt.js", want); err == nil {
		t.Errorf("the provider has credentials for a thing that is not attached: %s", said)
	}
}

// output runs a client program to its end with its wishes as JSON.
func output(t *testing.T, program, script string, want any) ([]byte, error) {
	t.Helper()
	wish, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, script, string(wish))
	cmd.Env = append(os.Environ(), "http_proxy=", "https_proxy=", "HTTP_PROXY=", "HTTPS_PROXY=")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, said.String())
	}
	return out, err
}

// turn is what keep.py says of one turn.
type turn struct {
	Put, Get    string
	Equal       bool
	Generations []struct{ AccessKeyID, Get string }
}

// TestBoto3KeepsRefreshing moves the clocks of the server and of a boto3
// program on together: keys of 15 minutes are replaced in their last 5, both
// generations work side by side, and the old one ends when it said it would.
func TestBoto3KeepsRefreshing(t *testing.T) {
	python, clock := findPython(t)
	var offset atomic.Int64 // seconds
	s := newStage(t, thingtest.Options{Now: func() time.Time {
		return time.Now().Add(time.Duration(offset.Load()) * time.Second)
	}}, 900)
	moved := filepath.Join(t.TempDir(), "clock")
	move := func(seconds int64) {
		offset.Store(seconds)
		if err := os.WriteFile(moved, fmt.Appendf(nil, "%+d\n", seconds), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	move(0)
	next := startKeeping(t, s, python, append(os.Environ(), "LD_PRELOAD="+clock, "FAKETIME_TIMESTAMP_FILE="+moved,
		"FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "AWS_CA_BUNDLE="))

	for _, step := range []struct {
		name        string
		at          int64 // seconds since the start
		generations []string
	}{
		{"first keys", 0, []string{"ok"}},
		{"still good", 550, []string{"ok"}},
		{"refreshed early, the old ones still good", 700, []string{"ok", "ok"}},
		{"the old ones ended", 910, []string{"ExpiredToken", "ok"}},
		{"refreshed again", 1500, []string{"ExpiredToken", "ok", "ok"}},
		{"asleep for a day", 86400, []string{"ExpiredToken", "ExpiredToken", "ExpiredToken", "ok"}},
	} {
		move(step.at)
		got := next()
		if got.Put != "ok" || got.Get != "ok" || !got.Equal {
			t.Errorf("%s: put %s, get %s, equal %v", step.name, got.Put, got.Get, got.Equal)
		}
		var outcomes []string
		for _, generation := range got.Generations {
			outcomes = append(outcomes, generation.Get)
		}
		if strings.Join(outcomes, " ") != strings.Join(step.generations, " ") {
			t.Errorf("%s: generations of keys: %v, want %v", step.name, outcomes, step.generations)
		}
	}
}

// findPython finds a Python with boto3, and the library that moves its clock.
func findPython(t *testing.T) (python, clock string) {
	t.Helper()
	missing := errors.New("no python3 with boto3")
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		name := filepath.Join(dir, "python3")
		if exec.CommandContext(t.Context(), name, "-c", "import boto3").Run() == nil {
			python, missing = name, nil
			break
		}
	}
	need(t, missing, "boto3")
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err == nil && len(found) == 0 {
		err = errors.New("no libfaketime.so.1")
	}
	need(t, err, "libfaketime")
	return python, found[0]
}

// startKeeping starts keep.py and returns a function that has it do a turn.
func startKeeping(t *testing.T, s *stage, python string, env []string) func() turn {
	t.Helper()
	wish, err := json.Marshal(map[string]string{
		"door": s.DeviceURL() + "/role-aliases/" + stageAlias + "/credentials", "api": s.APIURL(), "ca": s.CAFile,
		"cert": s.certFile, "key": s.keyFile, "thing": stageThing, "region": s.Installation().Region,
		"bucket": stageBucket, "object": stageThing + "/clip.txt",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), clientLimit)
	cmd := exec.CommandContext(ctx, python, "clients/keep.py", string(wish))
	var said strings.Builder
	cmd.Env, cmd.Stderr = env, &said
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("keep.py: %v: %s", err, said.String())
		}
		cancel()
	})
	lines := bufio.NewScanner(out)
	return func() turn {
		t.Helper()
		if _, err := fmt.Fprintln(in); err != nil {
			t.Fatal(err)
		}
		var got turn
		if !lines.Scan() {
			t.Fatalf("keep.py ended: %v", lines.Err())
		}
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		return got
	}
}
