package s3_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

// formOf makes the fields of a form that is signed over conditions.
func formOf(c sigv4.Credentials, conditions string) [][2]string {
	now := time.Now().UTC()
	day := now.Format("20060102")
	policy := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"expiration":%q,"conditions":[%s]}`, now.Add(time.Hour).Format(time.RFC3339), conditions))
	key := []byte("AWS4" + c.SecretAccessKey)
	for _, text := range []string{day, "us-east-1", "s3", "aws4_request", policy} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		key = h.Sum(nil)
	}
	fields := [][2]string{
		{"x-amz-algorithm", "AWS4-HMAC-SHA256"}, {"x-amz-credential", c.AccessKeyID + "/" + day + "/us-east-1/s3/aws4_request"},
		{"x-amz-date", now.Format("20060102T150405Z")}, {"policy", policy}, {"x-amz-signature", hex.EncodeToString(key)},
	}
	if c.SessionToken != "" {
		fields = append(fields, [2]string{"x-amz-security-token", c.SessionToken})
	}
	return fields
}

// post sends a form and returns the answer, whose redirect is not followed.
func (w *world) post(bucket string, fields [][2]string, name, content string) *thingtest.Response {
	w.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, f := range fields {
		if err := form.WriteField(f[0], f[1]); err != nil {
			w.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = io.WriteString(part, content)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		w.Fatal(err)
	}
	r, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.server.APIURL()+"/"+bucket, &body)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := w.admin.HTTP.Transport.RoundTrip(r)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return &thingtest.Response{Status: resp.StatusCode, Header: resp.Header, Body: text}
}

const signatureFields = `["starts-with","$x-amz-algorithm",""],["starts-with","$x-amz-credential",""],["starts-with","$x-amz-date",""],["starts-with","$x-amz-security-token",""]`

func TestForm(t *testing.T) {
	w := newWorld(t)
	lamp := signatureFields + `,{"bucket":"fleet"},["starts-with","$key","lamp/"],["content-length-range",2,9]`
	all := lamp + `,{"acl":"private"},["eq","$success_action_status","201"],["starts-with","$Content-Type","text/"],["starts-with","$x-amz-meta-room",""],["starts-with","$tagging",""],["starts-with","$success_action_redirect",""]`
	admin, device := w.admin.Credentials, w.device.Credentials
	for _, test := range []struct {
		what       string
		by         sigv4.Credentials
		conditions string
		fields     [][2]string
		content    string
		status     int
		code       string
	}{
		{"plain", device, lamp, [][2]string{{"key", "lamp/${filename}"}}, "hello", 204, ""},
		{"everything", admin, all, [][2]string{{"key", "lamp/all"}, {"acl", "private"}, {"success_action_status", "201"}, {"Content-Type", "text/plain"},
			{"x-amz-meta-room", "hall"}, {"tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"}, {"success_action_redirect", ""}, {"x-ignore-x", "y"}}, "hello", 201, ""},
		{"redirect", admin, lamp + `,["starts-with","$success_action_redirect","https://"]`, [][2]string{{"key", "lamp/r"}, {"success_action_redirect", "https://example.org/done?a=b"}}, "hello", 303, ""},
		{"another key", device, lamp, [][2]string{{"key", "bulb/x"}}, "hello", 403, "AccessDenied"},
		{"a key that the policy allows and the role does not", device, signatureFields + `,{"bucket":"fleet"},["starts-with","$key",""]`, [][2]string{{"key", "bulb/x"}}, "hello", 403, "AccessDenied"},
		{"tags without permission", device, lamp + `,["starts-with","$tagging",""]`,
			[][2]string{{"key", "lamp/x"}, {"tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"}}, "hello", 403, "AccessDenied"},
		{"another bucket", admin, signatureFields + `,{"bucket":"own"},["starts-with","$key",""]`, [][2]string{{"key", "x"}}, "hello", 403, "AccessDenied"},
		{"a field that the policy does not name", admin, lamp, [][2]string{{"key", "lamp/x"}, {"x-amz-meta-a", "b"}}, "hello", 403, "AccessDenied"},
		{"too large", admin, lamp, [][2]string{{"key", "lamp/x"}}, "0123456789", 400, "EntityTooLarge"},
		{"too small", admin, lamp, [][2]string{{"key", "lamp/x"}}, "1", 400, "EntityTooSmall"},
		{"no key", admin, lamp, nil, "hello", 400, "InvalidArgument"},
		{"an unknown header", admin, lamp + `,["starts-with","$x-amz-strange",""]`, [][2]string{{"key", "lamp/x"}, {"x-amz-strange", "b"}}, "hello", 501, "NotImplemented"},
		{"a public list", admin, lamp + `,["starts-with","$acl",""]`, [][2]string{{"key", "lamp/x"}, {"acl", "public-read"}}, "hello", 400, "AccessControlListNotSupported"},
		{"a policy for any bucket, unsaid", admin, signatureFields + `,["starts-with","$key",""]`, [][2]string{{"key", "lamp/x"}}, "hello", 403, "AccessDenied"},
		{"a list in two fields", admin, lamp + `,["starts-with","$acl",""],["starts-with","$x-amz-acl",""]`,
			[][2]string{{"key", "lamp/x"}, {"acl", "private"}, {"x-amz-acl", "bucket-owner-full-control"}}, "hello", 400, "InvalidArgument"},
		{"tags in two fields", admin, lamp + `,["starts-with","$tagging",""],["starts-with","$x-amz-tagging",""]`,
			[][2]string{{"key", "lamp/x"}, {"tagging", "<Tagging><TagSet></TagSet></Tagging>"}, {"x-amz-tagging", "a=b"}}, "hello", 400, "InvalidArgument"},
		{"a line break", admin, lamp + `,["starts-with","$x-amz-meta-a",""]`, [][2]string{{"key", "lamp/x"}, {"x-amz-meta-a", "b\r\nX-Evil: c"}}, "hello", 400, "InvalidArgument"},
		{"a character that is in no header", admin, lamp + `,["starts-with","$content-type",""]`, [][2]string{{"key", "lamp/x"}, {"content-type", "text/\x00html"}}, "hello", 400, "InvalidArgument"},
		{"a name of no header", admin, lamp + `,["starts-with","$x-amz-acl ",""]`, [][2]string{{"key", "lamp/x"}, {"x-amz-acl ", "private"}}, "hello", 501, "NotImplemented"},
		{"a condition", admin, lamp + `,["starts-with","$if-none-match",""]`, [][2]string{{"key", "lamp/x"}, {"if-none-match", "*"}}, "hello", 501, "NotImplemented"},
		{"another owner's bucket", admin, lamp + `,["starts-with","$x-amz-expected-bucket-owner",""]`, [][2]string{{"key", "lamp/x"}, {"x-amz-expected-bucket-owner", "999999999999"}}, "hello", 403, "AccessDenied"},
		{"a redirection to a script", admin, lamp + `,["starts-with","$success_action_redirect",""]`, [][2]string{{"key", "lamp/r"}, {"success_action_redirect", "javascript://x/%0Aalert(1)"}}, "hello", 204, ""},
		{"no conditions", admin, `5`, [][2]string{{"key", "lamp/x"}}, "hello", 400, "InvalidPolicyDocument"},
	} {
		r := w.post("fleet", append(formOf(test.by, test.conditions), test.fields...), `C:\photos\me.txt`, test.content)
		if r.Status != test.status || codeOf(r) != test.code {
			t.Errorf("%s: %d %s, want %d %s\n%s", test.what, r.Status, codeOf(r), test.status, test.code, r.Body)
		}
		switch test.what {
		case "everything":
			w.contains(r, "<PostResponse>", "<Key>lamp/all</Key>")
		case "redirect":
			if to := r.Header.Get("Location"); !strings.HasPrefix(to, "https://example.org/done?a=b&bucket=fleet&etag=") {
				t.Errorf("redirected to %s", to)
			}
		}
	}
	if r := w.want(w.admin, "GET /fleet/lamp/me.txt", "", 200, ""); string(r.Body) != "hello" {
		t.Errorf("%q", r.Body)
	}
	if r := w.want(w.admin, "GET /fleet/lamp/all", "", 200, ""); r.Header.Get("X-Amz-Meta-Room") != "hall" || r.Header.Get("X-Amz-Tagging-Count") != "1" || r.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%v", r.Header)
	}
	if r := w.want(w.admin, "HEAD /fleet/lamp/me.txt", "", 200, ""); r.Header.Get("Content-Type") != "binary/octet-stream" {
		t.Errorf("the type is %q, which no policy allowed", r.Header.Get("Content-Type"))
	}
	w.want(w.admin, "GET /fleet/lamp/x", "", 404, "NoSuchKey")
	wrong := admin
	wrong.SecretAccessKey += "x"
	if r := w.post("fleet", append(formOf(wrong, lamp), [2]string{"key", "lamp/x"}), "f", "hello"); r.Status != 403 {
		t.Errorf("a wrong signature: %d %s", r.Status, r.Body)
	}
	if r := w.post("fleet", [][2]string{{"key", "lamp/x"}}, "f", "hello"); r.Status != 403 {
		t.Errorf("no signature: %d %s", r.Status, r.Body)
	}
}
