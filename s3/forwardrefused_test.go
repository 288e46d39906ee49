package s3_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/upstream"
)

// refusing is an engine that answers everything with an error, except what
// answers says otherwise about "METHOD /path".
func refusing(t *testing.T, code string, healthy bool, answers map[string]int) (*world, *lines) {
	t.Helper()
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if healthy && r.URL.RawQuery == "max-buckets=1" {
			return
		}
		if status := answers[r.Method+" "+r.URL.Path]; status != 0 {
			w.WriteHeader(status)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>ENGINEKEY may not</Message></Error>")
	}))
	t.Cleanup(listening.Close)
	log := &lines{}
	s := behind(t, listening.URL, upstream.Ceph, log)
	return &world{T: t, server: s, admin: s.Admin}, log
}

// TestRefusedKeys: what the engine has against our keys is no fault of the
// client's, whatever it asks for, and is told once to who can mend it.
func TestRefusedKeys(t *testing.T) {
	for _, code := range []string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"} {
		w, log := refusing(t, code, false, nil)
		for _, line := range []string{
			"PUT /cam-a", "GET /cam-a", "DELETE /cam-a", "GET /cam-a?acl", "PUT /cam-a?acl", "GET /cam-a?policy", "GET /cam-a?location",
			"GET /cam-a/k", "PUT /cam-a/k", "DELETE /cam-a/k", "DELETE /cam-a/k?versionId=abcdefghijklmnopqrstuvwxyz.1234", "POST /cam-a/k?uploads", "GET /cam-a/k?tagging", "GET /",
		} {
			var headers []string
			if line == "PUT /cam-a?acl" {
				headers = []string{"X-Amz-Acl", "private"}
			}
			if line == "PUT /cam-a" && code == "AccessDenied" { // somebody else's bucket, for all we can know
				continue
			}
			w.want(w.admin, line, "", 503, "SlowDown", headers...)
		}
		w.want(w.admin, "PUT /cam-a/c", "", 503, "SlowDown", "X-Amz-Copy-Source", "/cam-a/k")
		w.want(w.admin, "POST /cam-a?delete", "<Delete><Object><Key>k</Key></Object></Delete>", 503, "SlowDown")
		for _, line := range []string{"HEAD /cam-a", "HEAD /cam-a/k"} {
			if r := w.do(w.admin, line, ""); r.Status != 503 {
				t.Errorf("%s: %d", line, r.Status)
			}
		}
		log.mu.Lock()
		text := string(log.text)
		log.mu.Unlock()
		if n := strings.Count(text, "an S3 engine refuses the keys"); n != 1 || !strings.Contains(text, `it answers 403 `+code+`"}`) {
			t.Errorf("%s: the hint is logged %d times\n%s", code, n, text)
		}
		for line := range strings.Lines(text) {
			if strings.Contains(line, `"msg":"request"`) && !strings.Contains(line, `"engine":"back"`) {
				t.Errorf("a line without the engine: %s", line)
			}
		}
	}
}

// TestDeniedToAll: locks and blocks of an engine hold everybody, and a bucket of
// somebody else's is taken.
func TestDeniedToAll(t *testing.T) {
	w, _ := refusing(t, "AccessDenied", true, map[string]int{"HEAD /cam-a": 200})
	const version = "abcdefghijklmnopqrstuvwxyz.1234"
	w.want(w.admin, "DELETE /cam-a/k?versionId="+version, "", 403, "AccessDenied")
	w.want(w.admin, "PUT /cam-a/k?acl", "", 403, "AccessDenied", "X-Amz-Acl", "private")
	w.want(w.admin, "DELETE /cam-a/k", "", 503, "SlowDown")
	w.want(w.admin, "PUT /cam-b", "", 409, "BucketAlreadyExists")
	w.want(w.admin, "DELETE /cam-b/k?versionId="+version, "", 503, "SlowDown")
}

// TestRefusedEntries is the same within a list of deletions.
func TestRefusedEntries(t *testing.T) {
	w, _ := frontOf(t, upstream.Ceph, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Error><Key>a</Key><Code>AccessDenied</Code></Error>`+
			`<Error><Key>b</Key><VersionId>abcdefghijklmnopqrstuvwxyz.1234</VersionId><Code>AccessDenied</Code></Error></DeleteResult>`)
	})
	r := w.want(w.admin, "POST /cam-a?delete", "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>abcdefghijklmnopqrstuvwxyz.1234</VersionId></Object></Delete>", 200, "")
	w.contains(r, "<Key>a</Key><Code>SlowDown</Code>", "</VersionId><Code>AccessDenied</Code>")
}

// TestEngineTime: the time that a stalled engine takes is the engine's.
func TestEngineTime(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { skim(c); _, _ = io.Copy(io.Discard, c); _ = c.Close() }()
		}
	}()
	s := behind(t, "http://"+listener.Addr().String(), upstream.Other, nil)
	w := &world{T: t, server: s, admin: s.Admin}
	w.want(w.admin, "GET /cam-a/k", "", 503, "SlowDown")
	w.want(w.admin, "PUT /cam-a/k", "body", 503, "SlowDown")
	r, err := http.Get("http://" + s.Addresses().Ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if engines, own := sum(t, string(text), "engine"), sum(t, string(text), "engine_overhead"); engines < 1.4 || own > 0.5 {
		t.Errorf("the engine is said to have taken %v s, and we %v s", engines, own)
	}
}

// sum reads the sum of a histogram by engine.
func sum(t *testing.T, text, name string) float64 {
	t.Helper()
	_, rest, _ := strings.Cut(text, fmt.Sprintf("thingpass_%s_seconds_sum{engine=%q} ", name, "back"))
	v, err := strconv.ParseFloat(strings.TrimSpace(rest[:max(0, strings.IndexByte(rest, '\n'))]), 64)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	return v
}

// TestUnknownToEngine: Ceph 16 takes what it does not know for a request of the
// bucket or of the object itself, so that a deletion of the encryption would
// delete the bucket, and who may read the metrics would see a list.
func TestUnknownToEngine(t *testing.T) {
	for _, kind := range strings.Fields("aws minio seaweedfs ceph garage other") {
		w, e := frontOf(t, upstream.Kind(kind), nil)
		for _, line := range []string{
			"GET /cam-a?ownershipControls", "PUT /cam-a?ownershipControls", "DELETE /cam-a?ownershipControls", "GET /cam-a?accelerate", "PUT /cam-a?accelerate",
			"GET /cam-a?encryption", "PUT /cam-a?encryption", "DELETE /cam-a?encryption", "GET /cam-a/k?attributes",
			"GET /cam-a?metrics", "GET /cam-a?metrics&id=a", "PUT /cam-a?metrics&id=a", "DELETE /cam-a?metrics&id=a",
			"GET /cam-a?analytics", "DELETE /cam-a?analytics&id=a", "GET /cam-a?inventory&id=a", "DELETE /cam-a?inventory&id=a",
		} {
			var headers []string
			if strings.HasSuffix(line, "attributes") {
				headers = []string{"X-Amz-Object-Attributes", "ETag"}
			}
			knows := kind == "aws" || kind == "minio" && (strings.HasSuffix(line, "encryption") || strings.HasSuffix(line, "attributes"))
			if !knows {
				w.want(w.admin, line, "", 501, "NotImplemented", headers...)
			} else if r := w.do(w.admin, line, "", headers...); r.Status == 501 {
				t.Errorf("%s %s: %d %s", kind, line, r.Status, r.Body)
			}
			if got := e.last(); got != nil && !knows {
				t.Errorf("%s %s: the engine saw %s %s", kind, line, got.Method, got.URL)
			}
		}
	}
}

// TestUnencrypted: an engine that would store what shall be encrypted as it is
// does not get it, however it is said.
func TestUnencrypted(t *testing.T) {
	for kind, algorithms := range map[upstream.Kind]string{"aws": "", "minio": "", "ceph": "AES256", "garage": "AES256 aws:kms", "seaweedfs": "AES256 aws:kms", "other": "AES256 aws:kms"} {
		w, e := frontOf(t, kind, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<Anything/>") })
		for _, algorithm := range []string{"AES256", "aws:kms"} {
			for _, line := range []string{"PUT /cam-a/k", "POST /cam-a/k?uploads", "PUT /cam-a/k from /cam-a/j"} {
				what, source, copied := strings.Cut(line, " from ")
				headers := []string{"X-Amz-Server-Side-Encryption", algorithm}
				if copied {
					headers = append(headers, "X-Amz-Copy-Source", source)
				}
				_ = e.last()
				r := w.do(w.admin, what, "", headers...)
				got := e.last()
				if slices.Contains(strings.Fields(algorithms), algorithm) != (r.Status == 501) || r.Status == 501 && got != nil && got.Method != http.MethodGet {
					t.Errorf("%s, %s %s: %d %s", kind, line, algorithm, r.Status, r.Body)
				}
			}
		}
	}
}

// TestUnreadableTags: an engine that answers a question for tags with what is no
// document is one to come back to.
func TestUnreadableTags(t *testing.T) {
	w, _ := frontOf(t, upstream.Ceph, nil)
	w.want(w.admin, "PUT /cam-a/k", "", 503, "SlowDown", "X-Amz-Copy-Source", "/cam-a/j")
}

// TestUnknownBlock: an engine that does not tell its public access block is one
// to come back to, and the public policy that it is about is not kept.
func TestUnknownBlock(t *testing.T) {
	w, _ := refusing(t, "AccessDenied", true, map[string]int{"HEAD /cam-a": 200})
	w.want(w.admin, "PUT /cam-a?policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::cam-a/*"}]}`, 503, "SlowDown")
	w.want(w.admin, "GET /cam-a?policy", "", 404, "NoSuchBucketPolicy")
}
