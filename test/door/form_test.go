package door

import (
	"bytes"
	"context"
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

	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/objects"
)

// form is a POST form upload.
type form struct {
	fields [][2]string
	file   string
	after  [][2]string // fields after the file
}

// signed makes the fields of a form for a key, signed by the keeper.
func signed(key string, conditions string, at time.Time) form {
	day, date := at.UTC().Format("20060102"), at.UTC().Format("20060102T150405Z")
	credential := keeper.AccessKeyID + "/" + day + "/us-east-1/s3/aws4_request"
	policy := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"expiration":%q,"conditions":[{"bucket":"fleet"},["starts-with","$key",""],
		{"x-amz-algorithm":"AWS4-HMAC-SHA256"},{"x-amz-credential":%q},{"x-amz-date":%q}%s]}`,
		time.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04:05.000Z"), credential, date, conditions))
	sum := []byte("AWS4" + keeper.SecretAccessKey)
	for _, text := range []string{day, "us-east-1", "s3", "aws4_request", policy} {
		h := hmac.New(sha256.New, sum)
		h.Write([]byte(text))
		sum = h.Sum(nil)
	}
	return form{file: "content", fields: [][2]string{
		{"key", key}, {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"}, {"X-Amz-Credential", credential}, {"X-Amz-Date", date},
		{"Policy", policy}, {"X-Amz-Signature", hex.EncodeToString(sum)},
	}}
}

func (f form) request(d *door, path string, cut int) *http.Request {
	d.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, v := range f.fields {
		_ = w.WriteField(v[0], v[1])
	}
	file, _ := w.CreateFormFile("file", `C:\docs\photo.jpg`)
	_, _ = io.WriteString(file, f.file)
	for _, v := range f.after {
		_ = w.WriteField(v[0], v[1])
	}
	_ = w.Close()
	body.Truncate(body.Len() - cut)
	r, err := http.NewRequest(http.MethodPost, d.URL+path, &body)
	if err != nil {
		d.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

func (f form) with(name, value string) form {
	out := form{file: f.file, after: f.after}
	for _, v := range f.fields {
		if v[0] == name {
			v[1] = value
		}
		out.fields = append(out.fields, v)
	}
	return out
}

// TestForms: a form stores its file if it is signed and whole, and does nothing
// else, whatever its path and query say.
func TestForms(t *testing.T) {
	d := openDoor(t, gate.Timeouts{})
	good := signed("posted", "", time.Now())
	buttons := good
	buttons.after = [][2]string{{"submit", "Upload"}}
	late := signed("late", "", time.Now().Add(-8*24*time.Hour))
	large := signed("large", "", time.Now())
	large.fields = append([][2]string{{"x-ignore-a", strings.Repeat("a", 21<<10)}}, large.fields...)
	twice := signed("twice", "", time.Now())
	twice.fields = append(twice.fields, [2]string{"KEY", "other"})
	for _, test := range []struct {
		name   string
		form   form
		path   string
		cut    int
		status int
		text   string
	}{
		{"good", good, "/fleet", 0, 204, ""},
		{"with a button after the file", buttons, "/fleet", 0, 204, ""},
		{"another signature", good.with("X-Amz-Signature", strings.Repeat("0", 64)), "/fleet", 0, 403, "<StringToSign>REDACTED<"},
		{"another policy", good.with("Policy", good.fields[4][1]+" "), "/fleet", 0, 403, "SignatureDoesNotMatch"},
		{"another key id", good.with("X-Amz-Credential", strings.Replace(good.fields[2][1], "AKIA", "AKIB", 1)), "/fleet", 0, 403, "InvalidAccessKeyId"},
		{"another algorithm", good.with("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256"), "/fleet", 0, 400, "InvalidRequest"},
		{"no policy", good.with("Policy", ""), "/fleet", 0, 400, "InvalidArgument"},
		{"signed long ago", late, "/fleet", 0, 403, "AccessDenied"},
		{"no signature", form{fields: [][2]string{{"key", "open/k"}}, file: "x"}, "/fleet", 0, 403, "AccessDenied"},
		{"Version 2", form{fields: [][2]string{{"key", "k"}, {"AWSAccessKeyId", "A"}, {"signature", "s"}, {"policy", "p"}}, file: "x"}, "/fleet", 0, 400, "InvalidRequest"},
		{"too large", large, "/fleet", 0, 400, "MaxPostPreDataLengthExceededError"},
		{"a field twice", twice, "/fleet", 0, 400, "MalformedPOSTRequest"},
		{"cut off in the last boundary", signed("cut", "", time.Now()), "/fleet", 6, 400, ""},
		{"cut off in the file", signed("cut", "", time.Now()), "/fleet", 80, 400, ""},
		{"as another operation", good, "/fleet?delete", 0, 0, ""},
		{"as another operation on an object", good, "/fleet/k?uploads", 0, 0, ""},
		{"on an object", good, "/fleet/k", 0, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, text := d.do(test.form.request(d, test.path, test.cut))
			if test.status == 0 && status < 400 || test.status != 0 && status != test.status || !strings.Contains(text, test.text) {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	o, body, err := d.objects.Get(context.Background(), objects.Ref{Name: objects.Name{Bucket: "fleet", Key: "posted"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = body.Close() }()
	if content, err := io.ReadAll(body); err != nil || string(content) != "content" || o.Size != 7 {
		t.Errorf("%q %v", content, err)
	}
	for _, key := range []string{"cut", "late", "large", "twice", "other", "k", "open/k"} {
		if _, err := d.objects.Head(context.Background(), objects.Ref{Name: objects.Name{Bucket: "fleet", Key: key}}); err == nil {
			t.Errorf("%s was stored", key)
		}
	}
}
