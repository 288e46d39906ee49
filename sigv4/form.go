package sigv4

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"
)

// Limits of a POST form upload.
const (
	// MaxFormFields is how many bytes the names and values of all fields before the
	// file may have together (Amazon S3 API reference, "POST Object": 20 KB).
	MaxFormFields = 20 << 10

	// maxFormHead bounds what is read before the file begins, with the headers of
	// the parts and what the reader looks ahead.
	maxFormHead = MaxFormFields + 16<<10

	// maxFormTail bounds what may follow the file: buttons of the page.
	maxFormTail = 20 << 10

	// maxFormAge is how long after its X-Amz-Date a form may be sent. AWS names
	// none; its signing keys are good for 7 days.
	maxFormAge = 7 * 24 * time.Hour
)

// Form is a POST form upload to S3, as browsers send one (Amazon S3 API
// reference, "POST Object"), read up to its file.
type Form struct {
	Fields   map[string]string // by name in lower case; each is given once
	FileName string            // of the file, without the folders that a client may send; may be empty

	// File is the file. It answers io.EOF only after the boundary that closes the
	// form was seen; any other error is an *Error, and final.
	File io.Reader
}

// IsForm tells whether r is a POST form upload: whether ReadForm and not Parse
// says how it is signed. A request that is signed in its headers or its query is
// none.
func IsForm(r *http.Request) bool {
	if r.Method != http.MethodPost || len(r.Header["Authorization"]) > 0 {
		return false
	}
	if q, err := readQuery(r.URL.RawQuery); err != nil || q.signed() {
		return false
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "multipart/form-data"
}

// ReadForm reads the fields of a POST form up to its file, and believes nothing
// of them. Its errors are *Error: BadForm, FormTooLarge, MissingLength,
// IncompleteBody.
func ReadForm(r *http.Request) (*Form, error) {
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if boundary := parameters["boundary"]; err != nil || boundary == "" || len(boundary) > 70 { // RFC 2046, 5.1.1
		return nil, errBadForm()
	}
	if r.ContentLength < 0 {
		return nil, errorf(MissingLength, "You must provide the Content-Length HTTP header.")
	}
	in := &limited{src: r.Body, left: maxFormHead}
	parts := multipart.NewReader(in, parameters["boundary"])
	f := &Form{Fields: map[string]string{}}
	for left := MaxFormFields; ; {
		part, err := parts.NextRawPart()
		if err != nil {
			return nil, formError(err)
		}
		name := strings.ToLower(part.FormName())
		if name == "file" {
			f.FileName = baseName(part.FileName())
			in.left = -1
			f.File = &formFile{part: part, parts: parts, in: in}
			return f, nil
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, formError(err)
		}
		if left -= len(name) + len(value); left < 0 {
			return nil, errFormTooLarge()
		}
		if _, twice := f.Fields[name]; twice || name == "" {
			return nil, errBadForm()
		}
		f.Fields[name] = string(value)
	}
}

// baseName is the last part of a path of any system.
func baseName(name string) string {
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

func errBadForm() *Error {
	return errorf(BadForm, "The body of your POST request is not well-formed multipart/form-data.")
}

func errFormTooLarge() *Error {
	return errorf(FormTooLarge, "Your POST request fields preceding the upload file were too large.")
}

// formError turns what reading a form said into an *Error.
func formError(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if err == io.EOF || errors.Is(err, multipart.ErrMessageTooLarge) { // the form ends without a file
		return errBadForm()
	}
	e := errBadForm()
	e.Err = err
	return e
}

// limited passes left bytes on, or any number when left is below zero. After
// the last it gives the line end that the closing boundary may lack, and then
// errEnd: package multipart answers io.EOF for a form that ends before its
// closing boundary, too, if its reader does.
type limited struct {
	src   io.Reader
	left  int
	ended int // steps after the last byte
}

var errEnd = errors.New("the form ends without its closing boundary")

func (l *limited) Read(p []byte) (int, error) {
	switch {
	case l.ended == 2:
		return 0, errEnd
	case l.ended == 1 && len(p) > 1:
		l.ended = 2
		return copy(p, "\r\n"), nil
	case l.left == 0:
		return 0, errFormTooLarge()
	case l.left > 0:
		p = p[:min(len(p), l.left)]
	}
	n, err := l.src.Read(p)
	if l.left > 0 {
		l.left -= n
	}
	if err == io.EOF {
		l.ended, err = 1, nil
	} else if err != nil {
		err = readError(err)
	}
	return n, err
}

// formFile reads the file of a form, and after it to the end of the form.
type formFile struct {
	part  *multipart.Part
	parts *multipart.Reader
	in    *limited
	err   error
}

func (f *formFile) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.part.Read(p)
	if err == io.EOF {
		err = f.end()
	}
	if err != nil && err != io.EOF {
		err = formError(err)
	}
	f.err = err
	return n, err
}

// end skips the fields after the file, which S3 ignores, and what follows the
// form, so that the connection can be used again.
func (f *formFile) end() error {
	f.in.left = maxFormTail
	for {
		part, err := f.parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if part.FormName() == "" || strings.EqualFold(part.FormName(), "file") {
			return errBadForm()
		}
	}
	_, err := io.Copy(io.Discard, f.in)
	if err == errEnd { //nolint:errorlint // as limited answers it
		err = io.EOF
	}
	return err
}

// Signature reads how the form says it is signed: over its field policy, with
// Version 4. It proves nothing; see VerifyForm. Its errors are *Error: Missing
// when the form is not signed, UnsupportedAlgorithm, Incomplete or BadDate.
func (f *Form) Signature() (*Signature, error) {
	field := func(name string) string { return f.Fields[name] }
	if field("awsaccesskeyid") != "" || field("signature") != "" {
		return nil, errV2("A form that is signed with Signature Version 2 is not supported.")
	}
	s := &Signature{Form: true, Token: field("x-amz-security-token"), provided: field("x-amz-signature")}
	credential, date, method := field("x-amz-credential"), field("x-amz-date"), field("x-amz-algorithm")
	if s.provided+credential+method == "" {
		return nil, errMissing()
	}
	if method != algorithm && method != "" {
		return nil, errorf(UnsupportedAlgorithm, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"; %q is not supported.", method)
	}
	for _, name := range []string{"policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"} {
		if field(name) == "" {
			return nil, errorf(IncompleteForm, "Bucket POST must contain a field named '%s'.  If it is specified, please check the order of the fields.", name)
		}
	}
	if err := s.setCredential(credential); err != nil {
		return nil, err
	}
	at, err := parseISO(date)
	if err != nil {
		return nil, err
	}
	return s, s.setTime(at)
}

// VerifyForm proves that the form's policy was signed with secret. s must come
// from Signature of the same form. It covers nothing but the policy: what the
// policy says of the other fields is the caller's to check, as is when the policy
// expires. Its errors are *Error.
func (s *Signature) VerifyForm(f *Form, secret string, rules Rules) error {
	skew := rules.Skew
	if skew == 0 {
		skew = DefaultSkew
	}
	now := rules.Now.UTC()
	failure := &Error{RequestTime: s.Time, ServerTime: now, Skew: skew}
	if latest := now.Add(skew); s.Time.After(latest) {
		failure.Kind, failure.Limit, failure.Message = NotYet, latest, skewText(true, failure)
		return failure
	}
	if end := s.Time.Add(maxFormAge + skew); now.After(end) {
		failure.Kind, failure.Limit, failure.Message = PresignExpired, end, "Request has expired"
		return failure
	}
	toSign := f.Fields["policy"]
	if secret == "" || !s.signingKey(secret, rules.Keys).verifies([]byte(toSign), s.provided) {
		return &Error{Kind: Mismatch, Message: mismatchText(true), StringToSign: toSign, Provided: s.provided}
	}
	return nil
}
