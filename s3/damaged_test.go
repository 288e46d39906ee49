package s3_test

import (
	"encoding/xml"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamagedObject: who is promised bytes by a header gets them. What is not
// all there is an error before anything of it is sent.
func TestDamagedObject(t *testing.T) {
	w := newWorld(t)
	const half = 5 << 20
	w.want(w.admin, "PUT /own/one", strings.Repeat("1", half), 200, "")
	var u struct{ UploadId string }
	if err := xml.Unmarshal(w.want(w.admin, "POST /own/two?uploads", "", 200, "").Body, &u); err != nil {
		t.Fatal(err)
	}
	list := ""
	for i, size := range []int{half, 1000} {
		r := w.want(w.admin, fmt.Sprintf("PUT /own/two?uploadId=%s&partNumber=%d", u.UploadId, i+1), strings.Repeat("2", size), 200, "")
		list += fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i+1, r.Header.Get("ETag"))
	}
	w.want(w.admin, "POST /own/two?uploadId="+u.UploadId, "<CompleteMultipartUpload>"+list+"</CompleteMultipartUpload>", 200, "")
	files := func() (all []string) {
		_ = filepath.WalkDir(filepath.Join(w.server.Dir, "objects", "blobs"), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				all = append(all, path)
			}
			return err
		})
		return all
	}
	for _, path := range files() {
		if info, err := os.Stat(path); err != nil || info.Size() == 1000 {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else if err := os.Truncate(path, half-1); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		line, ranged string
		status       int
	}{
		{"GET /own/one", "", 500},
		{"GET /own/one", "bytes=0-9", 500},
		{"GET /own/two", "", 500},
		{"GET /own/two?partNumber=2", "", 500},
		{"GET /own/two", "bytes=-1", 500},
		{"HEAD /own/two", "", 200}, // which promises nothing
	} {
		var headers []string
		if test.ranged != "" {
			headers = []string{"Range", test.ranged}
		}
		code := "InternalError"
		if test.status == 200 {
			code = ""
		}
		w.want(w.admin, test.line, "", test.status, code, headers...)
	}
	w.want(w.admin, "PUT /own/copy", "", 500, "InternalError", "x-amz-copy-source", "/own/one")
	w.want(w.admin, "GET /own/copy", "", 404, "NoSuchKey")
}
