package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/space"
	"github.com/thingpass/thingpass/thingtest"
)

// smallDisk mounts a file system of its own.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		if os.Getenv("CI") != "" && os.Getuid() == 0 {
			t.Fatalf("mount a tmpfs: %v", err)
		}
		t.Skipf("needs to mount a tmpfs, which takes root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func free(t *testing.T, dir string) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// hog takes what is free of a file system with files that are not the server's.
func hog(t *testing.T, dir string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "hog"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(buf)
	}
	if !errors.Is(err, syscall.ENOSPC) || free(t, dir) != 0 {
		t.Fatalf("%d bytes are free: %v", free(t, dir), err)
	}
	_ = f.Close()
}

// fullDisk is an installation on a small disk, with a device.
type fullDisk struct {
	*locked
	disk   string
	cfg    server.Config
	log    bytes.Buffer // not read while the server runs
	device *thingtest.Device
	keys   *thingtest.Client // of the device
	cert   string            // its id
	arn    string            // its certificate's
	spares []string          // ids of further certificates, to revoke
}

const fullLimit = 4 << 20

func newFullDisk(t *testing.T) *fullDisk {
	t.Helper()
	d := &fullDisk{disk: smallDisk(t, "size=24m,mode=0700")}
	s, err := thingtest.Start(t.Context(), thingtest.Options{
		Dir: filepath.Join(d.disk, "data"), Log: slog.New(slog.NewTextHandler(&d.log, nil)),
		Configure: func(c *server.Config) { c.MinFree = &space.Limit{Bytes: fullLimit}; d.cfg = *c },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d.locked = &locked{s, t}
	d.cfg.Log = slog.New(slog.NewTextHandler(&d.log, nil))
	d.enrol()
	return d
}

// enrol makes the device bulb, with a role for its own folder.
func (d *fullDisk) enrol() {
	d.t.Helper()
	ctx := d.t.Context()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		d.t.Fatal(err)
	}
	cert, id, err := d.Admin.Enrol(ctx, key, "bulb")
	if err != nil {
		d.t.Fatal(err)
	}
	d.cert, d.arn = id, "arn:aws:iot:us-east-1:123456789012:cert/"+id
	d.admin("CreateRole", "RoleName", "Fleet", "AssumeRolePolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	d.admin("PutRolePolicy", "RoleName", "Fleet", "PolicyName", "folder", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::fleet/${credentials-iot:ThingName}/*"}]}`)
	d.admin("CreateUser", "UserName", "u")
	for range 40 {
		_, id, err := d.Admin.Enrol(ctx, key, "spare")
		if err != nil {
			d.t.Fatal(err)
		}
		d.spares = append(d.spares, id)
	}
	for _, step := range []error{
		d.Admin.Call(ctx, "POST", "/things/bulb", `{}`, nil),
		d.Admin.CallWith(ctx, "PUT", "/things/bulb/principals", http.Header{"X-Amzn-Principal": {d.arn}}, nil, nil),
		d.Admin.Call(ctx, "POST", "/role-aliases/fleet", `{"roleArn":"arn:aws:iam::123456789012:role/Fleet"}`, nil),
		d.Admin.Call(ctx, "POST", "/policies/use", `{"policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:AssumeRoleWithCertificate\",\"Resource\":\"*\"}]}"}`, nil),
		d.Admin.Call(ctx, "PUT", "/target-policies/use", map[string]string{"target": d.arn}, nil),
		d.s3(d.Admin, "PUT", "/fleet", nil), d.s3(d.Admin, "PUT", "/locked", nil),
	} {
		if step != nil {
			d.t.Fatal(step)
		}
	}
	d.device = d.Device(cert)
	d.credentials()
}

func (d *fullDisk) credentials() {
	d.t.Helper()
	c, _, err := d.device.Credentials(d.t.Context(), "fleet", "bulb")
	if err != nil {
		d.t.Fatal(err)
	}
	d.keys = d.Client(c)
}

func (d *fullDisk) s3(as *thingtest.Client, method, path string, body []byte) error {
	_, err := as.S3(d.t.Context(), method, path, body)
	return err
}

// restart runs the server again, on other ports.
func (d *fullDisk) restart() {
	d.t.Helper()
	if err := d.Shutdown(); err != nil {
		d.t.Fatal(err)
	}
	s, err := server.Start(context.WithoutCancel(d.t.Context()), d.cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Server.Server = s
	d.Admin.Endpoint, d.device.Endpoint = d.APIURL(), d.DeviceURL()
	d.credentials()
}

func (d *fullDisk) ready() (int, string) {
	d.t.Helper()
	resp, err := http.Get("http://" + d.Addresses().Ops + "/readyz")
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// refused fails the test unless an upload got the answer for short space. Every
// AWS SDK tries a 503 again (AWS SDKs and Tools Reference Guide, "Retry
// behavior": transient errors are HTTP 500, 502, 503 and 504).
func (d *fullDisk) refused(what string, resp *thingtest.Response, err error) {
	d.t.Helper()
	if err != nil || resp.Status != 503 || !bytes.Contains(resp.Body, []byte("<Code>ServiceUnavailable</Code>")) || resp.Header.Get("Retry-After") == "" {
		d.t.Errorf("%s on a disk that is short of space: %v %+v", what, err, resp)
	}
}

// fill has the device upload until it is refused.
func (d *fullDisk) fill() {
	d.t.Helper()
	for size, n := 700_000, 0; size > 100; n++ {
		resp, err := d.keys.Do(d.t.Context(), "s3", "PUT", "/fleet/bulb/"+strconv.Itoa(n), nil, make([]byte, size))
		switch {
		case err == nil && resp.Status == 200:
			continue
		case n == 0:
			d.t.Fatalf("the first upload: %v %+v", err, resp)
		}
		d.refused("PutObject", resp, err)
		if d.t.Failed() {
			return
		}
		size /= 8
	}
	// An index takes some space, too.
	if left := free(d.t, d.disk); left < fullLimit-1<<20 || left > fullLimit+1<<20 {
		d.t.Errorf("uploads left %d bytes free, want %d", left, fullLimit)
	}
}

// pass takes what uploads have left above the limit, since they stop a little
// before it, and waits until the server has looked again.
func (d *fullDisk) pass() {
	d.t.Helper()
	if more := free(d.t, d.disk) - fullLimit + 64<<10; more > 0 {
		if err := os.WriteFile(filepath.Join(d.disk, "foreign"), make([]byte, more), 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	time.Sleep(300 * time.Millisecond)
}

// waiting is a body that must not be read.
type waiting struct{ read bool }

func (w *waiting) Read([]byte) (int, error) { w.read = true; return 0, io.EOF }

// shortRefusals tries every call that brings bytes.
func (d *fullDisk) shortRefusals(upload string) {
	d.t.Helper()
	ctx, big := d.t.Context(), make([]byte, 1<<20)
	for name, call := range map[string]struct {
		method, path string
		header       http.Header
		body         []byte
	}{
		"PutObject":             {"PUT", "/fleet/bulb/x", nil, big},
		"PutObject, small":      {"PUT", "/fleet/bulb/x", nil, []byte("x")},
		"CopyObject":            {"PUT", "/fleet/bulb/x", http.Header{"X-Amz-Copy-Source": {"fleet/bulb/0"}}, nil},
		"CreateMultipartUpload": {"POST", "/fleet/bulb/x?uploads", nil, nil},
		"UploadPart":            {"PUT", "/fleet/bulb/up?partNumber=1&uploadId=" + upload, nil, big},
		"UploadPartCopy":        {"PUT", "/fleet/bulb/up?partNumber=1&uploadId=" + upload, http.Header{"X-Amz-Copy-Source": {"fleet/bulb/0"}}, nil},
	} {
		resp, err := d.keys.Do(ctx, "s3", call.method, call.path, call.header, call.body)
		d.refused(name, resp, err)
	}
	// A client that waits for 100 Continue keeps its body.
	body := &waiting{}
	r, err := http.NewRequestWithContext(ctx, "PUT", d.APIURL()+"/fleet/bulb/x", body)
	if err != nil {
		d.t.Fatal(err)
	}
	r.ContentLength = 1 << 20
	r.Header.Set("Expect", "100-continue")
	sigv4.Sign(r, d.keys.Credentials, "us-east-1", "s3", time.Now(), "UNSIGNED-PAYLOAD")
	transport := d.keys.HTTP.Transport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = 10 * time.Second
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil || resp.StatusCode != 503 || body.read {
		d.t.Errorf("Expect: 100-continue: %v %v, body read: %t", resp, err, body.read)
	}
	if err == nil {
		_ = resp.Body.Close()
	}
}

// controls makes every call that takes something away, and undoes it.
func (d *fullDisk) controls(round int) {
	d.t.Helper()
	ctx := d.t.Context()
	must := func(what string, err error) {
		d.t.Helper()
		if err != nil {
			d.t.Errorf("round %d, %d bytes free: %s: %v", round, free(d.t, d.disk), what, err)
		}
	}
	iam := func(action string, parameters ...string) {
		d.t.Helper()
		must(action, d.call(d.Admin, action, parameters...))
	}
	status := func(id, to string) {
		d.t.Helper()
		must(to, d.Admin.Call(ctx, "PUT", "/certificates/"+id+"?newStatus="+to, nil, nil))
	}
	principal := http.Header{"X-Amzn-Principal": {d.arn}}
	status(d.cert, "INACTIVE")
	status(d.cert, "ACTIVE")
	status(d.spares[round], "REVOKED")
	must("DetachThingPrincipal", d.Admin.CallWith(ctx, "DELETE", "/things/bulb/principals", principal, nil, nil))
	must("AttachThingPrincipal", d.Admin.CallWith(ctx, "PUT", "/things/bulb/principals", principal, nil, nil))
	must("DetachPolicy", d.Admin.Call(ctx, "POST", "/target-policies/use", map[string]string{"target": d.arn}, nil))
	must("AttachPolicy", d.Admin.Call(ctx, "PUT", "/target-policies/use", map[string]string{"target": d.arn}, nil))
	iam("PutRolePolicy", "RoleName", "Fleet", "PolicyName", "deny", "PolicyDocument", denyAll)
	iam("DeleteRolePolicy", "RoleName", "Fleet", "PolicyName", "deny")
	iam("PutUserPolicy", "UserName", "u", "PolicyName", "deny", "PolicyDocument", denyAll)
	resp, err := d.Admin.Query(ctx, "iam", "CreateAccessKey", "UserName", "u")
	must("CreateAccessKey", err)
	if err != nil {
		return
	}
	_, rest, _ := strings.Cut(string(resp.Body), "<AccessKeyId>")
	key, _, _ := strings.Cut(rest, "<")
	iam("UpdateAccessKey", "UserName", "u", "AccessKeyId", key, "Status", "Inactive")
	iam("DeleteAccessKey", "UserName", "u", "AccessKeyId", key)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::locked/*"}]}`
	must("PutBucketPolicy", d.s3(d.Admin, "PUT", "/locked?policy", []byte(policy)))
	must("DeleteBucketPolicy", d.s3(d.Admin, "DELETE", "/locked?policy", nil))
}

// deletions deletes some of what the device has stored, which may set space
// free: the hog takes it again.
func (d *fullDisk) deletions(round int, uploads []string) {
	d.t.Helper()
	must := func(what string, err error) {
		d.t.Helper()
		if err != nil {
			d.t.Errorf("round %d, %d bytes free: %s: %v", round, free(d.t, d.disk), what, err)
		}
		hog(d.t, d.disk)
	}
	must("DeleteObject", d.s3(d.Admin, "DELETE", "/fleet/small/"+strconv.Itoa(round), nil))
	body := []byte(fmt.Sprintf(`<Delete><Object><Key>small/%d</Key></Object><Object><Key>small/%d</Key></Object></Delete>`, 100+round, 200+round))
	sum := md5.Sum(body)
	resp, err := d.Admin.Do(d.t.Context(), "s3", "POST", "/fleet?delete", http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(sum[:])}}, body)
	if err == nil && (resp.Status != 200 || bytes.Contains(resp.Body, []byte("<Error>"))) {
		err = fmt.Errorf("%d %s", resp.Status, resp.Body)
	}
	must("DeleteObjects", err)
	must("AbortMultipartUpload", d.s3(d.Admin, "DELETE", "/fleet/bulb/up?uploadId="+uploads[round], nil))
}

// TestFullDisk: a device fills the disk as far as it is let, something else
// takes the rest, to the last byte, and again whenever something is set free.
// What takes something away works all the time, also after a new start, and
// beside the server.
func TestFullDisk(t *testing.T) {
	d := newFullDisk(t)
	var uploads []string
	for range 40 {
		resp, err := d.Admin.S3(t.Context(), "POST", "/fleet/bulb/up?uploads", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(resp.Body), "<UploadId>")
		id, _, _ := strings.Cut(rest, "<")
		uploads = append(uploads, id)
	}
	for n := range 300 {
		if err := d.s3(d.Admin, "PUT", "/fleet/small/"+strconv.Itoa(n), []byte("some bytes")); err != nil {
			t.Fatal(err)
		}
	}
	d.fill()
	d.pass()
	d.shortRefusals(uploads[39])
	time.Sleep(1100 * time.Millisecond)
	if code, body := d.ready(); code != 200 || !strings.Contains(body, "space is short") {
		t.Errorf("readyz when space is short: %d %s", code, body)
	}
	hog(t, d.disk)
	time.Sleep(1100 * time.Millisecond)
	if code, body := d.ready(); code != 503 || !strings.Contains(body, "is full") {
		t.Errorf("readyz on a full disk: %d %s", code, body)
	}
	for round := range 30 {
		if round == 15 {
			d.restart()
		}
		hog(t, d.disk)
		d.controls(round)
		d.deletions(round, uploads)
		if t.Failed() {
			t.Fatal(d.held())
		}
	}
	resp, err := d.Admin.S3(t.Context(), "GET", "/fleet/bulb/0", nil)
	if err != nil || len(resp.Body) != 700_000 {
		t.Errorf("read on a full disk: %v", err)
	}
	d.recoverFull()
	if err := os.Remove(filepath.Join(d.disk, "hog")); err != nil {
		t.Fatal(err)
	}
	if err := d.s3(d.Admin, "DELETE", "/fleet/bulb/0", nil); err != nil {
		t.Error(err)
	}
	time.Sleep(2100 * time.Millisecond)
	if code, body := d.ready(); code != 200 || body != "ready\n" {
		t.Errorf("readyz with room again: %d %s", code, body)
	}
	if err := d.s3(d.Admin, "PUT", "/fleet/bulb/new", make([]byte, 100_000)); err != nil {
		t.Errorf("an upload with room again: %v", err)
	}
	if held := d.held(); held != 24<<20/16 {
		t.Errorf("the reserve is %d bytes with room again", held)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"level=WARN msg=\"space is short", "level=INFO msg=\"space is no longer short"} {
		if !strings.Contains(d.log.String(), want) {
			t.Errorf("no %s in the log", want)
		}
	}
}

// held is how much of the reserve there is.
func (d *fullDisk) held() int64 {
	info, err := os.Stat(filepath.Join(d.Dir, space.ReserveFile))
	if err != nil {
		return 0
	}
	return info.Size()
}

// recoverFull runs the commands beside the server, and while none runs.
func (d *fullDisk) recoverFull() {
	d.t.Helper()
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::locked/*"}]}`
	for _, running := range []bool{true, false} {
		if err := d.s3(d.Admin, "PUT", "/locked?policy", []byte(policy)); err != nil {
			d.t.Fatal(err)
		}
		if !running {
			if err := d.Shutdown(); err != nil {
				d.t.Fatal(err)
			}
		}
		hog(d.t, d.disk)
		r, err := d.Installation().RecoverAdministrator(d.t.Context(), "", true, time.Now())
		if err != nil || !strings.Contains(d.env(), r.Env.AccessKeyID) {
			d.t.Fatalf("recover-admin, running %t: %v", running, err)
		}
		hog(d.t, d.disk)
		if _, err := d.Installation().RecoverBucket(d.t.Context(), "locked"); err != nil {
			d.t.Fatalf("recover-bucket, running %t: %v", running, err)
		}
		d.Admin.Credentials = sigv4.Credentials{AccessKeyID: r.Env.AccessKeyID, SecretAccessKey: r.Env.SecretAccessKey.Reveal()}
		d.settle()
		if !running {
			hog(d.t, d.disk)
			d.restart()
		}
	}
}
