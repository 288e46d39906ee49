package s3_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/upstream"
)

// TestForwardedAnswers: what an engine says of itself, beyond S3's answers, stays
// here.
func TestForwardedAnswers(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		for name, value := range map[string]string{"X-Amz-Evil": "1", "X-Amz-Security-Token": "t", "X-Amz-Storage": "s", "X-Amz-Storage-Class": "STANDARD", "X-Amz-Checksum-Crc32": "AAAAAA=="} {
			w.Header().Set(name, value)
		}
		switch strings.TrimPrefix(r.URL.Path, "/cam-a/") {
		case "told":
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprintf(w, "<Error><Code>InvalidArgument</Code><Message>http://%s key ENGINEKEY</Message><BucketName>http://x</BucketName><Key>told</Key><ArgumentName>%s</ArgumentName></Error>", host, host)
		case "code":
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuch\nX</Code></Error>")
		case "range":
			_, _ = io.WriteString(w, "whole")
		}
	})
	r := w.want(w.admin, "PUT /cam-a/k", "x", 200, "")
	if h := r.Header; h.Get("X-Amz-Evil") != "" || h.Get("X-Amz-Security-Token") != "" || h.Get("X-Amz-Storage") != "" || h.Get("X-Amz-Storage-Class") != "STANDARD" || h.Get("X-Amz-Checksum-Crc32") == "" {
		t.Errorf("the client saw %v", h)
	}
	r = w.want(w.admin, "GET /cam-a/told", "", 404, "InvalidArgument")
	w.contains(r, "<Message>", "<Key>told</Key>")
	for _, own := range []string{"127.0.0.1", "ENGINEKEY", "http://x", "ArgumentName"} {
		if strings.Contains(string(r.Body), own) {
			t.Errorf("the client saw %s: %s", own, r.Body)
		}
	}
	w.want(w.admin, "GET /cam-a/code", "", 503, "SlowDown")
	_ = e.last()
	w.want(w.admin, "GET /cam-a/range", "", 200, "", "Range", "bytes=0-1", "If-Range", `"old"`)
	if got := e.last(); got.Header.Get("Range") != "" {
		t.Errorf("the engine saw %v", got.Header)
	}
}

// TestEndlessBuckets: an engine whose list of buckets does not end is given up.
func TestEndlessBuckets(t *testing.T) {
	asked := 0
	w, _ := frontOf(t, upstream.Ceph, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = fmt.Fprintf(w, "<ListAllMyBucketsResult><Buckets/><ContinuationToken>%d</ContinuationToken></ListAllMyBucketsResult>", asked%2)
	})
	w.want(w.admin, "GET /", "", 503, "SlowDown")
}

// TestTagsOfOneName: policies cannot tell tags apart whose names differ in case
// only, so an object with such is not decided about.
func TestTagsOfOneName(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("tagging") {
			_, _ = io.WriteString(w, "<Tagging><TagSet><Tag><Key>Class</Key><Value>a</Value></Tag><Tag><Key>class</Key><Value>b</Value></Tag></TagSet></Tagging>")
		}
	})
	w.want(w.admin, "PUT /cam-a/k", "", 500, "InternalError", "X-Amz-Copy-Source", "/cam-a/s")
	if got := e.last(); got == nil || got.Method != http.MethodGet {
		t.Errorf("the engine saw %v", got)
	}
}

// TestOwners: the owner of everything is the account, whoever the engine's is.
func TestOwners(t *testing.T) {
	const engines = "<ID>engine-id</ID><DisplayName>engine-name</DisplayName>"
	const acl = `<AccessControlPolicy><Owner>` + engines + `</Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">` +
		engines + `</Grantee><Permission>FULL_CONTROL</Permission></Grant><Grant><Grantee xsi:type="CanonicalUser"><ID>other</ID></Grantee></Grant></AccessControlList></AccessControlPolicy>`
	w, e := frontOf(t, upstream.Ceph, func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case r.Method != http.MethodGet:
		case q.Has("acl"):
			_, _ = io.WriteString(w, acl)
		case q.Has("uploads"), q.Has("uploadId"):
			_, _ = io.WriteString(w, "<L><Key>&lt;Owner></Key><Initiator>"+engines+"</Initiator><Owner>"+engines+"</Owner><Owner/></L>")
		default:
			_, _ = io.WriteString(w, "<L><Contents><Key>k</Key><Owner>"+engines+"</Owner></Contents><Contents><Owner >"+engines+"</Owner></Contents></L>")
		}
	})
	ours := ""
	for _, line := range []string{"GET /cam-a", "GET /cam-a?list-type=2&fetch-owner=true", "GET /cam-a?versions", "GET /cam-a?uploads", "GET /cam-a/k?uploadId=2~x", "GET /cam-a?acl", "GET /cam-a/k?acl"} {
		r := w.want(w.admin, line, "", 200, "")
		body := string(r.Body)
		if strings.Contains(body, "engine-") || !strings.Contains(body, "<DisplayName>123456789012</DisplayName>") || r.Header.Get("Content-Length") != fmt.Sprint(len(body)) {
			t.Errorf("%s: %v %s", line, r.Header, body)
		}
		_, ours, _ = strings.Cut(body, "<ID>")
		ours, _, _ = strings.Cut(ours, "</ID>")
	}
	own := strings.ReplaceAll(acl, engines, "<ID>"+ours+"</ID>")
	w.want(w.admin, "PUT /cam-a/k?acl", own, 200, "", "Content-Type", "text/xml")
	if got := e.last(); strings.Contains(got.body, ours) || strings.Count(got.body, "<ID>engine-id</ID>") != 2 {
		t.Errorf("the engine saw %s", got.body)
	}
	w.want(w.admin, "PUT /cam-a?acl", "", 200, "", "X-Amz-Grant-Read", `id="`+ours+`"`)
	if got := e.last(); got.Header.Get("X-Amz-Grant-Read") != `id="engine-id"` {
		t.Errorf("the engine saw %v", got.Header)
	}
}

// TestForwardedUnknownLength: a body of unknown length waits on disk, and reaches
// the engine with its length.
func TestForwardedUnknownLength(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.server.APIURL()+"/cam-a/k",
		io.MultiReader(strings.NewReader("5\r\nhello\r\n0\r\n"), strings.NewReader("x-amz-checksum-crc32:NhCmhg==\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = -1
	r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
	sigv4.Sign(r, w.admin.Credentials, "us-east-1", "s3", time.Now(), "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	resp, err := w.admin.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := e.last(); resp.StatusCode != 200 || got == nil || got.body != "hello" || got.ContentLength != 5 {
		t.Errorf("%d, the engine saw %+v", resp.StatusCode, got)
	}
}

// TestForwardedTrailerNames: what x-amz-trailer says is read once, by package
// sigv4. Spelled otherwise it is the same trailer, of a body without a place for
// one it says nothing, and no upload keeps its place on disk.
func TestForwardedTrailerNames(t *testing.T) {
	w, e := frontOf(t, upstream.AWS, nil)
	const streaming, sum = "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-checksum-crc32"
	put := func(trailer, payload, body string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.server.APIURL()+"/cam-a/k", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if payload == streaming {
			r.ContentLength = -1
		}
		r.Header.Set("X-Amz-Trailer", trailer)
		sigv4.Sign(r, w.admin.Credentials, "us-east-1", "s3", time.Now(), payload)
		resp, err := w.admin.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for _, q := range []struct{ trailer, payload, body, want string }{
		{sum, streaming, "5\r\nhello\r\n0\r\n" + sum + ":NhCmhg==\r\n\r\n", sum},
		{" X-Amz-Checksum-CRC32 ,", streaming, "5\r\nhello\r\n0\r\n" + sum + ":NhCmhg==\r\n\r\n", sum},
		{",", streaming, "5\r\nhello\r\n0\r\n\r\n", ""},
		{sum, sigv4.UnsignedPayload, "hello", ""},
		{"other,", sigv4.PayloadHash([]byte("hello")), "hello", ""},
	} {
		for range eachSpools + 1 {
			status := put(q.trailer, q.payload, q.body)
			if got := e.last(); status != 200 || got == nil || got.body != "hello" || got.Header.Get("X-Amz-Trailer") != q.want {
				t.Fatalf("%q of %s: %d, the engine saw %+v", q.trailer, q.payload, status, got)
			}
		}
	}
}

// eachSpools is how many bodies of one principal may wait on disk.
const eachSpools = 16
