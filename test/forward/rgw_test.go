package forward

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/test/rig"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/upstream"
)

// front is a server in front of Ceph's gateway, and a client of the gateway
// itself.
type front struct {
	*testing.T
	engine *rig.RGW
	server *thingtest.Server
	direct *thingtest.Client
}

func start(t *testing.T) *front {
	t.Helper()
	if err := rig.HaveRGW(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	engine, err := rig.StartRGW(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Stop)
	endpoint, err := url.Parse(engine.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	s, err := thingtest.Start(t.Context(), thingtest.Options{Configure: func(c *server.Config) {
		c.S3Engines = []upstream.Config{{
			Name: "rgw", Endpoint: endpoint, Region: "us-east-1", Kind: upstream.Ceph,
			AccessKeyID: engine.AccessKey, SecretKey: thingpass.NewSecret(engine.SecretKey),
			Timeouts: upstream.Timeouts{Stall: 5 * time.Second},
		}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &front{T: t, engine: engine, server: s, direct: &thingtest.Client{
		Endpoint: engine.Endpoint, Region: "us-east-1", Now: time.Now, HTTP: &http.Client{},
		Credentials: sigv4.Credentials{AccessKeyID: engine.AccessKey, SecretAccessKey: engine.SecretKey},
	}}
}

// want sends a request given as "METHOD /path".
func (f *front) want(c *thingtest.Client, line string, body []byte, status int, code string, headers ...string) *thingtest.Response {
	f.Helper()
	method, path, _ := strings.Cut(line, " ")
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	r, err := c.Do(f.Context(), "s3", method, path, h, body)
	if err != nil {
		f.Fatalf("%s: %v", line, err)
	}
	var e struct{ Code, Message string }
	if r.Status >= 300 && len(r.Body) > 0 {
		if err := xml.Unmarshal(r.Body, &e); err != nil || e.Message == "" && c != f.direct { // the engine gives no messages
			f.Errorf("%s: no error document: %s", line, r.Body)
		}
	}
	if r.Status != status || e.Code != code {
		f.Errorf("%s: %d %s, want %d %s: %.300s", line, r.Status, e.Code, status, code, r.Body)
	}
	return r
}

// TestCeph runs once through what a client does, with the engine's faults at the
// end, because the engine takes its time to start.
func TestCeph(t *testing.T) {
	f := start(t)
	f.want(f.server.Admin, "PUT /fleet", nil, 200, "")
	for _, step := range []struct {
		name string
		run  func(*front)
	}{
		{"keys", keys}, {"connections", connections}, {"multipart", multipart}, {"refused", refused}, {"ids", ids}, {"conditions", conditions},
		{"tampered", tampered}, {"stopped", stopped}, {"stopped amid an answer", stoppedInAnswer}, {"stopped amid an upload", stoppedInUpload},
		{"killed amid an answer", killedInAnswer}, {"killed", killed},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.run(&front{t, f.engine, f.server, f.direct})
		})
	}
}

// keys compares what was put through with what the engine lists.
func keys(f *front) {
	for _, key := range []string{
		"a", "a//b", "/a", "a/", "./x", "../up", "a/../b", "%41", "%2541", "a+b", "a b", "q?x#y", "'()*!~", "ü€", "a&b;c=d", "a\\b", "a\tb",
	} {
		path := "/fleet/" + upstream.EscapePath(key)
		f.want(f.server.Admin, "PUT "+path, []byte(key), 200, "", "X-Amz-Meta-Some-Name", "two  words")
		for _, c := range []*thingtest.Client{f.server.Admin, f.direct} {
			if r := f.want(c, "GET "+path, nil, 200, ""); string(r.Body) != key {
				f.Errorf("%q: %q", key, r.Body)
			}
			var list struct{ Contents struct{ Key string } }
			r := f.want(c, "GET /fleet?max-keys=1&encoding-type=url&prefix="+url.QueryEscape(key), nil, 200, "")
			if err := xml.Unmarshal(r.Body, &list); err != nil {
				f.Fatal(err)
			}
			if got, _ := url.QueryUnescape(list.Contents.Key); got != key {
				f.Errorf("%q is listed as %q", key, got)
			}
		}
		f.want(f.server.Admin, "PUT /fleet/copy", nil, 200, "", "X-Amz-Copy-Source", "/fleet/"+upstream.EscapePath(key))
		if r := f.want(f.direct, "GET /fleet/copy", nil, 200, ""); string(r.Body) != key {
			f.Errorf("the copy of %q is %q", key, r.Body)
		}
		f.want(f.server.Admin, "DELETE "+path, nil, 204, "")
		f.want(f.direct, "GET "+path, nil, 404, "NoSuchKey")
	}
}

// connections: what the engine refuses early leaves nothing on the connection
// that the next request would be read behind.
func connections(f *front) {
	for range 3 {
		f.want(f.server.Admin, "PUT /nobucket/k", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 404, "NoSuchBucket", "Expect", "100-continue")
		f.want(f.server.Admin, "PUT /nobucket/k", []byte("foo"), 404, "NoSuchBucket")
		f.want(f.server.Admin, "GET /", nil, 200, "")
	}
}

func multipart(f *front) {
	a := f.server.Admin
	at := f.newUpload("/fleet/m")
	first := make([]byte, 5<<20)
	_, _ = rand.Read(first)
	one := f.want(a, "PUT "+at+"&partNumber=1", first, 200, "").Header.Get("Etag")
	f.want(a, "PUT /fleet/src", []byte("tail"), 200, "")
	var two struct{ ETag string }
	if err := xml.Unmarshal(f.want(a, "PUT "+at+"&partNumber=2", nil, 200, "", "X-Amz-Copy-Source", "/fleet/src").Body, &two); err != nil {
		f.Fatal(err)
	}
	f.want(a, "PUT "+at+"&partNumber=3", nil, 400, "InvalidArgument", "X-Amz-Copy-Source", "/fleet/a%25b")
	done := f.want(a, "POST "+at, fmt.Appendf(nil, "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part>"+
		"<Part><PartNumber>2</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>", one, two.ETag), 200, "")
	if !strings.Contains(string(done.Body), "<Location>"+f.server.APIURL()+"/fleet/m</Location>") {
		f.Errorf("%s", done.Body)
	}
	if r := f.want(f.direct, "GET /fleet/m", nil, 200, ""); !bytes.Equal(r.Body, append(first, "tail"...)) {
		f.Errorf("%d bytes", len(r.Body))
	}
	multipartChecksums(f)
}

// multipartChecksums: the engine knows nothing of the checksums of parts, so the
// door holds a completion against those that it verified (Amazon S3 API
// reference, UploadPart and CompleteMultipartUpload: a part needs the checksum
// that its upload was created with, and InvalidPart for another one).
func multipartChecksums(f *front) {
	a := f.server.Admin
	at := f.newUpload("/fleet/sums", "X-Amz-Checksum-Algorithm", "CRC32")
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte("part"))))
	f.want(a, "PUT "+at+"&partNumber=1", []byte("part"), 400, "InvalidRequest")
	f.want(a, "PUT "+at+"&partNumber=1", []byte("part"), 400, "BadDigest", "X-Amz-Checksum-Crc32", "AAAAAA==")
	etag := f.want(a, "PUT "+at+"&partNumber=1", []byte("part"), 200, "", "X-Amz-Checksum-Crc32", sum).Header.Get("Etag")
	complete := func(sum string) []byte {
		return fmt.Appendf(nil, "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag><ChecksumCRC32>%s</ChecksumCRC32></Part></CompleteMultipartUpload>", etag, sum)
	}
	f.want(a, "POST "+at, complete("AAAAAA=="), 400, "InvalidPart")
	f.want(a, "POST "+at, complete(sum), 200, "")
	if r := f.want(f.direct, "GET /fleet/sums", nil, 200, ""); string(r.Body) != "part" {
		f.Errorf("%q", r.Body)
	}
}

// newUpload begins a multipart upload and returns the target of its requests.
func (f *front) newUpload(path string, header ...string) string {
	f.Helper()
	var made struct{ UploadId string }
	if err := xml.Unmarshal(f.want(f.server.Admin, "POST "+path+"?uploads", nil, 200, "", header...).Body, &made); err != nil {
		f.Fatal(err)
	}
	return path + "?uploadId=" + made.UploadId
}

// refused: paths where Ceph answers by another interface than S3's.
func refused(f *front) {
	for _, bucket := range []string{"admin", "swift", "auth"} {
		f.want(f.server.Admin, "GET /"+bucket+"/info", nil, 400, "InvalidArgument")
		f.want(f.server.Admin, "PUT /"+bucket, nil, 400, "InvalidArgument")
	}
}

// ids by which Ceph would mean another key than the one that is asked for.
func ids(f *front) {
	a := f.server.Admin
	var made struct{ UploadId string }
	if err := xml.Unmarshal(f.want(a, "POST /fleet/d.secret?uploads", nil, 200, "").Body, &made); err != nil {
		f.Fatal(err)
	}
	f.want(a, "PUT /fleet/d.secret?partNumber=1&uploadId="+made.UploadId, []byte("x"), 200, "")
	at := "/fleet/d?uploadId=secret." + made.UploadId
	f.want(f.direct, "GET "+at, nil, 200, "") // so it is still as it was
	f.want(a, "GET "+at, nil, 404, "NoSuchUpload")
	f.want(a, "PUT "+at+"&partNumber=2", []byte("x"), 404, "NoSuchUpload")
	f.want(a, "DELETE "+at, nil, 404, "NoSuchUpload")
	f.want(a, "GET /fleet/d.secret?uploadId="+made.UploadId, nil, 200, "")

	f.want(a, "PUT /versions", nil, 200, "")
	f.want(a, "PUT /versions?versioning", []byte("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"), 200, "")
	version := f.want(a, "PUT /versions/secret_d", []byte("x"), 200, "").Header.Get("X-Amz-Version-Id")
	at = "/versions/d?versionId=" + version + "_secret"
	f.want(f.direct, "GET "+at, nil, 200, "")
	f.want(a, "GET "+at, nil, 404, "NoSuchVersion")
	f.want(a, "DELETE "+at, nil, 404, "NoSuchVersion")
	f.want(a, "PUT /versions/d", nil, 404, "NoSuchVersion", "X-Amz-Copy-Source", at)
	r := f.want(a, "POST /versions?delete", fmt.Appendf(nil, "<Delete><Object><Key>d</Key><VersionId>%s_secret</VersionId></Object></Delete>", version), 200, "")
	if !strings.Contains(string(r.Body), "<Code>NoSuchVersion</Code>") {
		f.Errorf("%s", r.Body)
	}
	f.want(a, "GET /versions/secret_d?versionId="+version, nil, 200, "")
}

// conditions hold, or the write is refused.
func conditions(f *front) {
	a := f.server.Admin
	etag := f.want(a, "PUT /fleet/c", []byte("one"), 200, "").Header.Get("Etag")
	f.want(a, "PUT /fleet/c", []byte("two"), 412, "PreconditionFailed", "If-None-Match", "*")
	f.want(a, "PUT /fleet/c", []byte("two"), 501, "NotImplemented", "If-None-Match", etag)
	f.want(a, "PUT /fleet/c", []byte("two"), 412, "PreconditionFailed", "If-Match", `"other"`)
	f.want(a, "PUT /fleet/c", []byte("one"), 200, "", "If-Match", etag)
	f.want(a, "DELETE /fleet/c", nil, 501, "NotImplemented", "If-Match", `"other"`)
	f.want(a, "PUT /fleet/c", nil, 501, "NotImplemented", "If-None-Match", "*", "X-Amz-Copy-Source", "/fleet/k")
	f.want(a, "PUT /fleet/c", nil, 501, "NotImplemented", "X-Amz-Copy-Source-If-Match", `"other"`, "X-Amz-Copy-Source", "/fleet/k")
	f.want(a, "PUT /versions/c", []byte("one"), 200, "")
	f.want(a, "PUT /versions/c", []byte("two"), 501, "NotImplemented", "If-None-Match", "*")
	if r := f.want(a, "GET /fleet/c", nil, 200, ""); string(r.Body) != "one" {
		f.Errorf("the object is %q", r.Body)
	}
	var made struct{ UploadId string }
	if err := xml.Unmarshal(f.want(a, "POST /fleet/p?uploads", nil, 200, "").Body, &made); err != nil {
		f.Fatal(err)
	}
	at := "PUT /fleet/p?partNumber=1&uploadId=" + made.UploadId
	f.want(a, at, nil, 200, "", "X-Amz-Copy-Source", "/fleet/c", "X-Amz-Copy-Source-If-Match", etag)
	f.want(a, at, nil, 412, "PreconditionFailed", "X-Amz-Copy-Source", "/fleet/c", "X-Amz-Copy-Source-If-Match", `"other"`)
}

// tampered bodies leave the object that was there.
func tampered(f *front) {
	f.want(f.server.Admin, "PUT /fleet/old", []byte("old"), 200, "")
	f.want(f.server.Admin, "PUT /fleet/old", []byte("new"), 400, "BadDigest", "X-Amz-Checksum-Crc32", "AAAAAA==")
	f.want(f.server.Admin, "PUT /fleet/old", bytes.Repeat([]byte("new"), 1<<20), 400, "BadDigest", "Content-Md5", "AAAAAAAAAAAAAAAAAAAAAA==")
	if r := f.want(f.direct, "GET /fleet/old", nil, 200, ""); string(r.Body) != "old" {
		f.Errorf("the object is %.20q", r.Body)
	}
}

// restart starts the killed engine again, for this step and those after it.
func (f *front) restart() {
	f.Helper()
	if err := f.engine.Restart(context.WithoutCancel(f.Context())); err != nil {
		f.Fatal(err)
	}
}

// signal sends a signal to the engine.
func (f *front) signal(s syscall.Signal) {
	f.Helper()
	if err := f.engine.Signal(s); err != nil {
		f.Fatal(err)
	}
}

// noneLeft returns a function that waits until there are as many goroutines as
// now, but for a few that idle connections have.
func (f *front) noneLeft() func() {
	f.server.Admin.HTTP.CloseIdleConnections()
	before := runtime.NumGoroutine()
	return func() {
		f.Helper()
		for i := 0; runtime.NumGoroutine() > before+4; i++ {
			if i == 1000 {
				buffer := make([]byte, 1<<20)
				f.Fatalf("goroutines are left: %d before, %d now\n%s", before, runtime.NumGoroutine(), buffer[:runtime.Stack(buffer, true)])
			}
			f.server.Admin.HTTP.CloseIdleConnections()
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// begin sends a request whose answer may be large, and returns when the answer
// has begun.
func (f *front) begin(method, path string, body io.Reader, length int64) (*http.Response, error) {
	r, err := http.NewRequestWithContext(f.Context(), method, f.server.APIURL()+path, body)
	if err != nil {
		f.Fatal(err)
	}
	r.ContentLength = length
	sigv4.Sign(r, f.server.Admin.Credentials, "us-east-1", "s3", time.Now(), sigv4.UnsignedPayload)
	return f.server.Admin.HTTP.Do(r)
}

// large is an object that no buffers on the way hold.
const large = 64 << 20

// stoppedInAnswer: an engine that stalls while it answers cuts the answer; one
// that goes on in time loses nothing.
func stoppedInAnswer(f *front) {
	f.want(f.server.Admin, "PUT /fleet/large", make([]byte, large), 200, "")
	left := f.noneLeft()
	for _, wait := range []time.Duration{time.Second, 15 * time.Second} {
		resp, err := f.begin(http.MethodGet, "/fleet/large", nil, 0)
		if err != nil {
			f.Fatal(err)
		}
		f.signal(syscall.SIGSTOP)
		on := time.AfterFunc(wait, func() { _ = f.engine.Signal(syscall.SIGCONT) })
		n, err := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if whole := err == nil && n == large; whole != (wait == time.Second) {
			f.Errorf("an engine that stalls for %v: %d bytes, %v", wait, n, err)
		}
		on.Stop()
		f.signal(syscall.SIGCONT)
	}
	left()
	f.want(f.server.Admin, "GET /fleet/k", nil, 200, "")
}

// stoppedInUpload: an upload that an engine does not take ends with an error, and
// what was there stays.
func stoppedInUpload(f *front) {
	f.want(f.server.Admin, "PUT /fleet/k", []byte("before"), 200, "")
	left := f.noneLeft()
	from, to := io.Pipe()
	go func() {
		_, _ = to.Write(make([]byte, large/4))
		_ = f.engine.Signal(syscall.SIGSTOP)
		_, _ = to.Write(make([]byte, large-large/4))
		_ = to.Close()
	}()
	resp, err := f.begin(http.MethodPut, "/fleet/k", from, large)
	if err == nil {
		if resp.StatusCode != http.StatusServiceUnavailable {
			f.Errorf("the upload ends with %d", resp.StatusCode)
		}
		_ = resp.Body.Close()
	}
	_ = from.Close()
	f.signal(syscall.SIGCONT)
	left()
	if r := f.want(f.server.Admin, "GET /fleet/k", nil, 200, ""); string(r.Body) != "before" {
		f.Errorf("the object is %d bytes", len(r.Body))
	}
}

// killedInAnswer: half an answer is cut, and the engine is used again as soon as
// it is there.
func killedInAnswer(f *front) {
	left := f.noneLeft()
	resp, err := f.begin(http.MethodGet, "/fleet/large", nil, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.signal(syscall.SIGKILL)
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err == nil || n == large {
		f.Errorf("the answer of a killed engine has %d bytes and no error", n)
	}
	left()
	for _, line := range []string{"GET /fleet/k", "PUT /fleet/k", "GET /", "PUT /new", "POST /fleet/m?uploads"} {
		f.want(f.server.Admin, line, nil, 503, "SlowDown")
	}
	f.restart()
	f.want(f.server.Admin, "PUT /fleet/k", []byte("after"), 200, "")
	f.want(f.direct, "GET /new", nil, 404, "NoSuchBucket")
}

// stopped: an engine that stalls.
func stopped(f *front) {
	f.want(f.server.Admin, "PUT /fleet/k", []byte("before"), 200, "")
	if err := f.engine.Signal(syscall.SIGSTOP); err != nil {
		f.Fatal(err)
	}
	f.want(f.server.Admin, "GET /fleet/k", nil, 503, "SlowDown")
	f.want(f.server.Admin, "PUT /fleet/during", []byte("whole"), 503, "SlowDown") // it may find it later
	if err := f.engine.Signal(syscall.SIGCONT); err != nil {
		f.Fatal(err)
	}
	f.want(f.server.Admin, "PUT /fleet/k", []byte("after"), 200, "")
	if r := f.want(f.server.Admin, "GET /fleet/k", nil, 200, ""); string(r.Body) != "after" {
		f.Errorf("the object is %q", r.Body)
	}
}

// killed: an engine that dies in the middle of an upload.
func killed(f *front) {
	f.want(f.server.Admin, "PUT /fleet/k", []byte("before"), 200, "")
	from, to := io.Pipe()
	r, err := http.NewRequestWithContext(f.Context(), http.MethodPut, f.server.APIURL()+"/fleet/k", from)
	if err != nil {
		f.Fatal(err)
	}
	r.ContentLength = 64 << 20
	sigv4.Sign(r, f.server.Admin.Credentials, "us-east-1", "s3", time.Now(), sigv4.UnsignedPayload)
	go func() {
		_, _ = to.Write(make([]byte, 32<<20))
		_ = f.engine.Signal(syscall.SIGKILL)
		for range 32 {
			if _, err := to.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
		_ = to.Close()
	}()
	resp, err := f.server.Admin.HTTP.Do(r)
	if err == nil {
		if resp.StatusCode != http.StatusServiceUnavailable {
			f.Errorf("the upload ends with %d", resp.StatusCode)
		}
		_ = resp.Body.Close()
	}
	_ = from.Close()
	f.want(f.server.Admin, "GET /fleet/k", nil, 503, "SlowDown")
	f.restart()
	if r := f.want(f.server.Admin, "GET /fleet/k", nil, 200, ""); string(r.Body) != "before" {
		f.Errorf("the object is %d bytes", len(r.Body))
	}
}
