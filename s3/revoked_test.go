package s3_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/upstream"
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

// TestRevokedWhileHandedOn: a body that waited on disk because its length was not
// known can be revoked while an engine takes it, too: the engine never gets all.
func TestRevokedWhileHandedOn(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, nil)
	const size = 20 << 20
	began, taken := make(chan struct{}), make(chan int64, 1)
	e.before = func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		close(began)
		total, err := int64(0), error(nil)
		for n := int64(0); err == nil; total += n {
			time.Sleep(60 * time.Millisecond)
			n, err = io.CopyN(io.Discard, r.Body, 512<<10)
		}
		taken <- total
		return true
	}
	w.query("iam", "CreateUser", "UserName", "lamp")
	w.query("iam", "PutUserPolicy", "UserName", "lamp", "PolicyName", "p", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}}`)
	var key struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := xml.Unmarshal(w.query("iam", "CreateAccessKey", "UserName", "lamp"), &key); err != nil {
		t.Fatal(err)
	}
	user := w.server.Client(sigv4.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret})
	chunk := append(append([]byte("100000\r\n"), make([]byte, 1<<20)...), "\r\n"...)
	body := append(bytes.Repeat(chunk, size>>20), "0\r\n\r\n"...)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.server.APIURL()+"/cam-a/k", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = -1
	sigv4.Sign(r, user.Credentials, user.Region, "s3", user.Now(), "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	go func() {
		<-began
		_, _ = w.admin.Query(t.Context(), "iam", "DeleteAccessKey", "UserName", "lamp", "AccessKeyId", key.ID)
	}()
	resp, err := user.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	select {
	case got := <-taken:
		if resp.StatusCode != 403 || got >= size {
			t.Errorf("%d %s, the engine has %d bytes of %d", resp.StatusCode, answer, got, size)
		}
	case <-time.After(10 * time.Second):
		t.Errorf("%d %s, and the engine takes it still", resp.StatusCode, answer)
	}
}
