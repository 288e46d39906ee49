package sigv4

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const formType = "multipart/form-data; boundary=b"

func formRequest(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/bucket", strings.NewReader(body))
	r.Header.Set("Content-Type", formType)
	return r
}

func formField(name, value string) string {
	return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
}

const formUpload = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"/a/b.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n"

func TestReadForm(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		kind Kind // of ReadForm
		end  Kind // of reading the file
		file string
	}{
		"plain":                  {formField("Key", "k") + formUpload + "data\r\n--b--\r\n", 0, 0, "data"},
		"no line end":            {formField("Key", "k") + formUpload + "data\r\n--b--", 0, 0, "data"},
		"an empty file":          {formUpload + "\r\n--b--\r\n", 0, 0, ""},
		"fields after the file":  {formUpload + "data\r\n" + formField("submit", "x") + "--b--\r\n", 0, 0, "data"},
		"a boundary in the file": {formUpload + "da\r\n--bta\r\n--b--\r\n", 0, 0, "da\r\n--bta"},
		"cut in the file":        {formUpload + "data", 0, BadForm, "data"},
		"cut in the boundary":    {formUpload + "data\r\n--b", 0, BadForm, "data"},
		"two files":              {formUpload + "data\r\n" + formUpload + "more\r\n--b--\r\n", 0, BadForm, "data"},
		"much after the file":    {formUpload + "data\r\n" + formField("x", strings.Repeat("a", 30<<10)) + "--b--\r\n", 0, FormTooLarge, "data"},
		"much after the form":    {formUpload + "data\r\n--b--\r\n" + strings.Repeat("a", 30<<10), 0, FormTooLarge, "data"},
		"no file":                {formField("key", "k") + "--b--\r\n", BadForm, 0, ""},
		"a field twice":          {formField("key", "k") + formField("Key", "l") + formUpload + "\r\n--b--", BadForm, 0, ""},
		"a field without a name": {formField("", "k") + formUpload + "\r\n--b--", BadForm, 0, ""},
		"20 KB of fields":        {formField("a", strings.Repeat("a", MaxFormFields-1)) + formUpload + "\r\n--b--", 0, 0, ""},
		"more fields":            {formField("a", strings.Repeat("a", MaxFormFields)) + formUpload + "\r\n--b--", FormTooLarge, 0, ""},
		"many fields":            {strings.Repeat(formField("a", ""), 1000), BadForm, 0, ""},
		"a long header":          {"--b\r\nX: " + strings.Repeat("a", 60<<10) + "\r\n\r\n\r\n--b--", FormTooLarge, 0, ""},
		"nothing":                {"", BadForm, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := ReadForm(formRequest(test.body))
			wantKind(t, err, test.kind)
			if err != nil {
				return
			}
			data, err := io.ReadAll(f.File)
			wantKind(t, err, test.end)
			if string(data) != test.file || f.FileName != "b.jpg" {
				t.Errorf("%q %q", data, f.FileName)
			}
			if _, again := f.File.Read(make([]byte, 1)); err != nil && again != err || err == nil && again != io.EOF {
				t.Errorf("then %v", again)
			}
		})
	}
}

func TestIsForm(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*http.Request)
		want   bool
	}{
		"a form":         {func(*http.Request) {}, true},
		"signed":         {func(r *http.Request) { r.Header.Set("Authorization", "x") }, false},
		"presigned":      {func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=x" }, false},
		"of Version 2":   {func(r *http.Request) { r.URL.RawQuery = "Signature=x" }, false},
		"another method": {func(r *http.Request) { r.Method = http.MethodPut }, false},
		"another type":   {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, false},
	} {
		r := formRequest("")
		if test.change(r); IsForm(r) != test.want {
			t.Error(name)
		}
	}
}

// signedForm is a form over a policy that is good at docTime.
func signedForm() *Form {
	s := newSignature(docCredentials, "us-east-1", "s3", docTime)
	policy := base64.StdEncoding.EncodeToString([]byte(`{"expiration":"2013-05-25T00:00:00Z","conditions":[]}`))
	return &Form{Fields: map[string]string{
		"policy": policy, "x-amz-algorithm": algorithm, "x-amz-credential": docKey + "/" + s.Scope(), "x-amz-date": "20130524T000000Z",
		"x-amz-signature": signHex(s.signingKey(docSecret, nil), []byte(policy)),
	}}
}

// TestFormSignature: each part of a form's signature counts.
func TestFormSignature(t *testing.T) {
	verify := func(f *Form, secret string, now time.Time) error {
		s, err := f.Signature()
		if err != nil {
			return err
		}
		return s.VerifyForm(f, secret, Rules{S3: true, Now: now})
	}
	wantKind(t, verify(signedForm(), docSecret, docTime), 0)
	wantKind(t, verify(signedForm(), docSecret, docTime.Add(6*24*time.Hour)), 0)
	wantKind(t, verify(signedForm(), docSecret, docTime.Add(8*24*time.Hour)), PresignExpired)
	wantKind(t, verify(signedForm(), docSecret, docTime.Add(-time.Hour)), NotYet)
	wantKind(t, verify(signedForm(), docSecret+"x", docTime), Mismatch)
	wantKind(t, verify(signedForm(), "", docTime), Mismatch)
	wantKind(t, verify(&Form{}, docSecret, docTime), Missing)
	for _, name := range []string{"policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"} {
		f := signedForm()
		delete(f.Fields, name)
		wantKind(t, verify(f, docSecret, docTime), IncompleteForm)
		for i := range signedForm().Fields[name] {
			if name == "x-amz-credential" && i < len(docKey) {
				continue // the key id chooses the secret
			}
			if name == "x-amz-date" && i >= len(isoDay) {
				continue // the day is signed; the policy itself must name the field
			}
			f := signedForm()
			changed := []byte(f.Fields[name])
			changed[i] ^= 1
			f.Fields[name] = string(changed)
			if verify(f, docSecret, docTime) == nil {
				t.Errorf("accepted with byte %d of %s changed", i, name)
			}
		}
	}
	f := signedForm()
	f.Fields["awsaccesskeyid"] = "x"
	wantKind(t, verify(f, docSecret, docTime), UnsupportedAlgorithm)
	r := formRequest("")
	s, _ := signedForm().Signature()
	wantKind(t, s.Verify(r, docSecret, Rules{S3: true, Now: docTime}, ""), Missing)
	wantKind(t, Unsigned().Verify(r, "", Rules{S3: true, Now: docTime}, ""), Missing)
}

// FuzzForm: whatever a form is, what is read of it is bounded, a file that ends
// well is followed by the end of the form, and errors say what is wrong.
func FuzzForm(f *testing.F) {
	f.Add([]byte(formField("key", "k") + formUpload + "data\r\n--b--\r\n"))
	f.Add([]byte(formUpload + "data\r\n" + formField("submit", "x") + "--b--"))
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := ReadForm(formRequest(string(body)))
		if err != nil {
			kindOf(t, err)
			return
		}
		total := 0
		for name, value := range form.Fields {
			total += len(name) + len(value)
		}
		if total > MaxFormFields || form.Fields["file"] != "" {
			t.Errorf("%d bytes of fields", total)
		}
		if s, err := form.Signature(); err == nil {
			kindOf(t, s.VerifyForm(form, docSecret, Rules{S3: true, Now: docTime}))
		} else {
			kindOf(t, err)
		}
		data, err := io.ReadAll(form.File)
		if err != nil {
			kindOf(t, err)
			return
		}
		if !bytes.Contains(body, data) || !bytes.Contains(body, []byte("--b--")) {
			t.Errorf("%q of %q", data, body)
		}
	})
}
