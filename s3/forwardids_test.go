package s3_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/upstream"
)

// documents answers as an engine does that has everything.
func documents(w http.ResponseWriter, r *http.Request) {
	const ns = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`
	switch q := r.URL.Query(); {
	case q.Has("delete"):
		_, _ = io.WriteString(w, "<DeleteResult"+ns+"/>")
	case q.Has("versioning"):
		_, _ = io.WriteString(w, "<VersioningConfiguration"+ns+"/>")
	case q.Has("tagging"):
		_, _ = io.WriteString(w, "<Tagging"+ns+"><TagSet/></Tagging>")
	case r.Method == http.MethodPost && q.Has("uploadId"):
		_, _ = io.WriteString(w, "<CompleteMultipartUploadResult"+ns+"><ETag>x</ETag></CompleteMultipartUploadResult>")
	case r.Header.Get("X-Amz-Copy-Source") != "":
		_, _ = io.WriteString(w, "<CopyObjectResult"+ns+"><ETag>x</ETag></CopyObjectResult>")
	}
}

// TestForwardedIDs: no engine sees an id by which it could mean another key than
// the one that was authorised. Ceph's upload "2~x" of key "a.b" is named a.b.2~x,
// as the upload "b.2~x" of key "a" would be; its version "x" of "b_a" is named
// _:x_b_a, as the version "x_b" of "a" would be.
func TestForwardedIDs(t *testing.T) {
	const cephUpload, cephVersion = "2~abcdefghijklmnopqrstuvwxyz-_123", "abcdefghijklmnopqrstuvwx.yz-123"
	for _, q := range []struct {
		kind              upstream.Kind
		uploads, versions []string // that are
		none, noneVersion []string // that cannot be
	}{
		{upstream.Ceph, []string{cephUpload}, []string{cephVersion, "null"},
			[]string{"", "b." + cephUpload, "2~", "2/abcdefghijklmnopqrstuvwxyz", "abc", "2~a/b", "2~a\nb", "2~" + strings.Repeat("a", 99)},
			[]string{cephVersion[5:] + "_key1", cephVersion + "_b", "a", ":" + cephVersion, cephVersion[1:] + "/", "..", strings.Repeat("a", 33)}},
		{upstream.AWS, []string{"VXBsb2Fk.SUQ_-", "YQ=="}, []string{"3sL4kqtJlcpXroDTDmJ.rmSpXd3dIb_HY-MTRcxf3vjVBH40Nr8X8gdRQBpUMLUo", "null"},
			[]string{"", "..", "a/../b", "a/b", "a\x01", "a?b", strings.Repeat("a", 2000)}, []string{"a/b", "..", "a b", strings.Repeat("a", 2000)}},
		{upstream.MinIO, []string{"NmRkYTNhZjItMGIxYi00.ZDk"}, []string{"6dda3af2-0b1b-4d90-9c1e-0123456789ab", "null"}, []string{"", "../x", "a\\b"}, []string{"..", "a/b"}},
		{upstream.Other, []string{"abc", cephUpload}, []string{cephVersion, "null"}, []string{"", "b." + cephUpload, "2~a.b"}, []string{"a_b", "a/b"}},
	} {
		w, e := frontOf(t, q.kind, documents)
		for _, id := range append(q.uploads, q.none...) {
			status, code := 200, ""
			if len(q.uploads) == 0 {
				status, code = 404, "NoSuchUpload"
			}
			at := "/cam-a/k?uploadId=" + url.QueryEscape(id)
			for line, rest := range map[string]string{"PUT " + at + "&partNumber=1": "x", "POST " + at: "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
				"DELETE " + at: "", "GET " + at: ""} {
				w.want(w.admin, line, rest, status, code)
			}
			w.want(w.admin, "PUT "+at+"&partNumber=1", "", status, code, "X-Amz-Copy-Source", "/cam-a/s")
			if got := e.last(); (got == nil) != (status == 404) || got != nil && got.URL.Query().Get("uploadId") != id {
				t.Errorf("%s: upload %q: the engine saw %v", q.kind, id, got)
			}
			q.uploads = q.uploads[min(1, len(q.uploads)):]
		}
		for _, id := range append(q.versions, q.noneVersion...) {
			status, code := 200, ""
			if len(q.versions) == 0 {
				status, code = 404, "NoSuchVersion"
			}
			for _, line := range []string{"GET /cam-a/k?versionId=", "DELETE /cam-a/k?versionId=", "GET /cam-a/k?tagging&versionId="} {
				w.want(w.admin, line+url.QueryEscape(id), "", status, code)
			}
			w.want(w.admin, "PUT /cam-a/to", "", status, code, "X-Amz-Copy-Source", "/cam-a/s?versionId="+url.QueryEscape(id))
			if got := e.last(); (got == nil) != (status == 404) {
				t.Errorf("%s: version %q: the engine saw %v", q.kind, id, got)
			}
			r := w.want(w.admin, "POST /cam-a?delete", fmt.Sprintf("<Delete><Object><Key>k</Key><VersionId>%s</VersionId></Object></Delete>", id), 200, "")
			if got := e.last(); (got == nil) != (status == 404) || strings.Contains(string(r.Body), "<Code>NoSuchVersion</Code>") != (status == 404) {
				t.Errorf("%s: deletion of version %q: the engine saw %v: %s", q.kind, id, got, r.Body)
			}
			q.versions = q.versions[min(1, len(q.versions)):]
		}
	}
}

// cephUploadKey is the key whose upload Ceph has under the name that it makes of
// a key and an id.
func cephUploadKey(key, id string) string {
	name := key + "." + id
	return name[:strings.LastIndexByte(name, '.')]
}

// cephVersionKey is cephUploadKey for a version.
func cephVersionKey(key, id string) string {
	if id == "null" {
		return key
	}
	_, meant, _ := strings.Cut(id+"_"+key, "_")
	return meant
}

// decodedSource is the copy source that an engine saw.
func decodedSource(t testing.TB, s *seen) string {
	t.Helper()
	source, err := url.PathUnescape(s.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// deletedKey is the key in the list that an engine saw.
func deletedKey(t testing.TB, body string) string {
	t.Helper()
	var list struct{ Object struct{ Key string } }
	if err := xml.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	return list.Object.Key
}
