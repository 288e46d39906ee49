package s3_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

// half sends the first half of a body, calls between, and sends the rest.
func (w *world) half(c *thingtest.Client, method, path, body string, between func()) *thingtest.Response {
	w.Helper()
	from, to := io.Pipe()
	r, err := http.NewRequestWithContext(w.Context(), method, c.Endpoint+path, from)
	if err != nil {
		w.Fatal(err)
	}
	r.ContentLength = int64(len(body))
	sigv4.Sign(r, c.Credentials, c.Region, "s3", c.Now(), sigv4.UnsignedPayload)
	go func() {
		_, _ = io.WriteString(to, body[:len(body)/2])
		time.Sleep(100 * time.Millisecond) // so that the upload has begun
		between()
		time.Sleep(700 * time.Millisecond) // answers of the store are at most this old
		_, _ = io.WriteString(to, body[len(body)/2:])
		_ = to.Close()
	}()
	resp, err := c.HTTP.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(resp.Body)
	return &thingtest.Response{Status: resp.StatusCode, Header: resp.Header, Body: answer}
}

// TestRevokedWhileUploading: what was withdrawn while a body was on its way is
// withdrawn for what it would have stored.
func TestRevokedWhileUploading(t *testing.T) {
	w := newWorld(t)
	var created struct {
		UploadID string `xml:"UploadId"`
	}
	if err := xml.Unmarshal(w.want(w.device, "POST /own/parts?uploads", "", 200, "").Body, &created); err != nil {
		t.Fatal(err)
	}
	part := "/own/parts?partNumber=1&uploadId=" + created.UploadID
	etag := w.want(w.device, "PUT "+part, "content", 200, "").Header.Get("Etag")
	complete := `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>` + etag + `</ETag></Part></CompleteMultipartUpload>`
	forbid := func() { w.query("iam", "DeleteRolePolicy", "RoleName", "Lamp", "PolicyName", "p") }
	remove := func() {
		forbid()
		w.query("iam", "DeleteRole", "RoleName", "Lamp")
	}
	for _, test := range []struct {
		method, path, body string
		between            func()
		status             int
		code               string
	}{
		{"PUT", "/own/k", "0123456789", func() {}, 200, ""},
		{"PUT", "/own/late", "0123456789", forbid, 403, "AccessDenied"},
		{"PUT", part, "0123456789", forbid, 403, "AccessDenied"},
		{"POST", "/own/parts?uploadId=" + created.UploadID, complete, forbid, 403, "AccessDenied"},
		{"PUT", "/own/late", "0123456789", remove, 403, "InvalidAccessKeyId"},
	} {
		w.query("iam", "PutRolePolicy", "RoleName", "Lamp", "PolicyName", "p", "PolicyDocument", devicePolicy)
		time.Sleep(700 * time.Millisecond)
		if r := w.half(w.device, test.method, test.path, test.body, test.between); r.Status != test.status || codeOf(r) != test.code {
			t.Errorf("%s %s: %d %s", test.method, test.path, r.Status, r.Body)
		}
	}
	w.want(w.admin, "GET /own/late", "", 404, "NoSuchKey")
	w.want(w.admin, "GET /own/parts", "", 404, "NoSuchKey")
	w.contains(w.want(w.admin, "GET /own/parts?uploadId="+created.UploadID, "", 200, ""), "<Size>7</Size>")
}
