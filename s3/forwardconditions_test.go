package s3_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/upstream"
)

// TestForwardedConditions: a condition reaches an engine that holds the write to
// it, and any other refuses the write.
func TestForwardedConditions(t *testing.T) {
	const completion = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>"
	for _, q := range []struct {
		line, body string
		headers    string
		kinds      string // that are given it
	}{
		{"PUT /cam-a/k", "x", "If-None-Match *", "aws minio ceph"},
		{"PUT /cam-a/k", "x", `If-Match "e"`, "aws minio ceph"},
		{"PUT /cam-a/k", "x", "If-Unmodified-Since Mon, 01 Jan 2001 00:00:00 GMT", ""},
		{"PUT /cam-a/k?tagging", "<Tagging><TagSet/></Tagging>", `If-Match "e"`, ""},
		{"POST /cam-a/k?uploads", "", "If-None-Match *", ""},
		{"PUT /cam-a/k?partNumber=1&uploadId=2~x", "x", "If-None-Match *", ""},
		{"POST /cam-a/k?uploadId=2~x", completion, "If-None-Match *", "aws minio"},
		{"POST /cam-a/k?uploadId=2~x", completion, `If-Match "e"`, "aws minio"},
		{"PUT /cam-a/k", "", "If-None-Match *,X-Amz-Copy-Source /cam-a/s", "aws"},
		{"PUT /cam-a/k", "", `X-Amz-Copy-Source-If-Match "e",X-Amz-Copy-Source /cam-a/s`, "aws minio garage"},
		{"DELETE /cam-a/k", "", `If-Match "e"`, "aws"},
		{"DELETE /cam-a/k", "", "X-Amz-If-Match-Size 1", ""},
		{"GET /cam-a/k", "", `If-Match "e"`, "aws minio ceph garage seaweedfs other"},
	} {
		for _, kind := range strings.Fields("aws minio ceph garage seaweedfs other") {
			w, e := frontOf(t, upstream.Kind(kind), documents)
			var headers []string
			for h := range strings.SplitSeq(q.headers, ",X") {
				name, value, _ := strings.Cut(h, " ")
				if strings.HasPrefix(name, "-") {
					name = "X" + name
				}
				headers = append(headers, name, value)
			}
			status, code := 200, ""
			if given := strings.Contains(q.kinds, kind); !given {
				status, code = 501, "NotImplemented"
			}
			r := w.do(w.admin, q.line, q.body, headers...)
			if got := codeOf(r); r.Status/100 != status/100 || got != code {
				t.Errorf("%s: %s %s: %d %s, want %d %s", kind, q.line, q.headers, r.Status, got, status, code)
			}
			want := headers[1]
			if kind == "ceph" && strings.HasPrefix(q.line, "PUT") {
				want = strings.Trim(want, `"`)
			}
			if got := e.last(); (got == nil) != (status == 501) || got != nil && got.Header.Get(headers[0]) != want {
				t.Errorf("%s: %s %s: the engine saw %v", kind, q.line, q.headers, got)
			}
		}
	}
}

// TestForwardedConditionalDeletes: the key with a condition is refused, and not
// the others.
func TestForwardedConditionalDeletes(t *testing.T) {
	const list = "<Delete><Object><Key>a</Key><ETag>x</ETag></Object><Object><Key>b</Key></Object></Delete>"
	for kind, seen := range map[upstream.Kind]bool{upstream.AWS: true, upstream.Ceph: false, upstream.Other: false} {
		w, e := frontOf(t, kind, documents)
		r := w.want(w.admin, "POST /cam-a?delete", list, 200, "")
		got := e.last()
		if strings.Contains(string(r.Body), "NotImplemented") == seen || strings.Contains(got.body, "<Key>a</Key>") != seen || !strings.Contains(got.body, "<Key>b</Key>") {
			t.Errorf("%s: the engine saw %s: %s", kind, got.body, r.Body)
		}
	}
}

// TestForwardedPartSource: a part is copied under a condition from engines, too,
// that do not look at it.
func TestForwardedPartSource(t *testing.T) {
	etag := `"e"`
	w, e := frontOf(t, upstream.Ceph, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", etag)
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		if r.Method == http.MethodPut {
			_, _ = io.WriteString(w, `<CopyPartResult><ETag>x</ETag></CopyPartResult>`)
			if r.Header.Get("X-Amz-Copy-Source") == "/cam-a/changes" {
				etag = `"f"`
			}
		}
	})
	at := "PUT /cam-a/k?partNumber=1&uploadId=" + url.QueryEscape("2~x")
	w.want(w.admin, at, "", 200, "", "X-Amz-Copy-Source", "/cam-a/s", "X-Amz-Copy-Source-If-Match", `"e"`)
	_ = e.last()
	w.want(w.admin, at, "", 412, "PreconditionFailed", "X-Amz-Copy-Source", "/cam-a/s", "X-Amz-Copy-Source-If-Match", `"f"`)
	w.want(w.admin, at, "", 412, "PreconditionFailed", "X-Amz-Copy-Source", "/cam-a/s", "X-Amz-Copy-Source-If-None-Match", `"e"`)
	if got := e.last(); got.Method != http.MethodHead {
		t.Errorf("the engine saw %s", got.Method)
	}
	w.want(w.admin, at, "", 412, "PreconditionFailed", "X-Amz-Copy-Source", "/cam-a/changes", "X-Amz-Copy-Source-If-Match", `"e"`)
}
