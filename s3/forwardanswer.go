package s3

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/upstream"
	"github.com/thingpass/thingpass/wire"
)

// answered lists the headers besides x-amz- ones that a client sees.
var answered = []string{
	"Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Range", "Content-Type",
	"Etag", "Expires", "Last-Modified",
}

// answeredAmz lists the x-amz- headers that a client sees: those that S3's
// operations on buckets and objects document, but what is about the engine.
var answeredAmz = map[string]bool{
	"X-Amz-Abort-Date": true, "X-Amz-Abort-Rule-Id": true, "X-Amz-Archive-Status": true, "X-Amz-Copy-Source-Version-Id": true,
	"X-Amz-Delete-Marker": true, "X-Amz-Expiration": true, "X-Amz-Missing-Meta": true, "X-Amz-Mp-Parts-Count": true,
	"X-Amz-Object-Lock-Legal-Hold": true, "X-Amz-Object-Lock-Mode": true, "X-Amz-Object-Lock-Retain-Until-Date": true,
	"X-Amz-Object-Size": true, "X-Amz-Replication-Status": true, "X-Amz-Request-Charged": true, "X-Amz-Restore": true,
	"X-Amz-Server-Side-Encryption": true, "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": true,
	"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled": true, "X-Amz-Server-Side-Encryption-Context": true,
	"X-Amz-Server-Side-Encryption-Customer-Algorithm": true, "X-Amz-Server-Side-Encryption-Customer-Key-Md5": true,
	"X-Amz-Storage-Class": true, "X-Amz-Tagging-Count": true, "X-Amz-Transition-Default-Minimum-Object-Size": true,
	"X-Amz-Version-Id": true, "X-Amz-Website-Redirect-Location": true,
}

// shows tells whether a client may see a header of the engine's answer.
func shows(name string) bool {
	if strings.HasPrefix(name, "X-Amz-") {
		return answeredAmz[name] || strings.HasPrefix(name, metaPrefix) || strings.HasPrefix(name, checksumPrefix)
	}
	return slices.Contains(answered, name)
}

// describeAnswer copies what a client may see of the engine's headers. Names of
// user metadata are shown by clients as they are sent, and S3 sends them in
// lower case.
func (f *forwarding) describeAnswer(a *upstream.Answer) {
	h := f.w.Header()
	for name, values := range a.Header {
		if !shows(name) {
			continue
		}
		if strings.HasPrefix(name, metaPrefix) {
			name = strings.ToLower(name)
		}
		h[name] = values
	}
	if f.op.name == "HeadBucket" {
		h.Set("X-Amz-Bucket-Region", f.s.Place.Region)
	}
}

// relay answers as the engine did.
func (f *forwarding) relay(a *upstream.Answer) error {
	if a.Status >= 300 && a.Status != http.StatusNotModified {
		return f.failed(a)
	}
	f.describeAnswer(a)
	if f.op.method == http.MethodHead {
		if v := a.Header.Get("Content-Length"); v != "" {
			f.w.Header().Set("Content-Length", v)
		}
	} else if a.Length >= 0 && a.Status != http.StatusNoContent && a.Status != http.StatusNotModified {
		f.w.Header().Set("Content-Length", strconv.FormatInt(a.Length, 10))
	}
	f.w.WriteHeader(a.Status)
	if f.op.method == http.MethodHead || a.Length == 0 {
		return nil
	}
	if err := f.s.pieces.pass(f.w, a); err != nil {
		return f.broken(err)
	}
	return nil
}

// maxAnswer is how much of an answer is read that is not passed on as it is.
const maxAnswer = 8 << 20 // bytes: 1,000 deleted keys of 1,024 bytes, escaped, and as many errors

// read reads an answer whole. An error in it, which some operations give after
// they have begun to answer 200, is an error.
func (f *forwarding) read(a *upstream.Answer) ([]byte, error) {
	if a.Status >= 300 {
		return nil, f.failed(a)
	}
	text, err := io.ReadAll(io.LimitReader(a, maxAnswer+1))
	if err != nil {
		return nil, f.broken(err)
	}
	if len(text) > maxAnswer {
		return nil, errEngineDown(errors.New("the engine's answer is too long"))
	}
	if e := upstream.ParseFailure(http.StatusInternalServerError, text); e.Code != "" {
		a.Close()
		return nil, f.failure(e)
	}
	return text, nil
}

// failed is the error that the engine answered.
func (f *forwarding) failed(a *upstream.Answer) error {
	h := f.w.Header()
	for _, name := range []string{"X-Amz-Version-Id", "X-Amz-Delete-Marker", "Content-Range", "Last-Modified"} {
		if v := a.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	e := upstream.ReadFailure(a)
	a.Close() // further questions may follow, and the engine may take one at a time
	return f.failure(e)
}

// failure makes the engine's error ours. What it says of itself and of our keys
// stays in the log; what it does not have is told only to those who may list.
func (f *forwarding) failure(e upstream.Answered) error {
	cause := &upstream.Refusal{Answered: e}
	if e.Ours() || f.deniesUs(e) {
		f.engine.Refused(f.r.Context(), e)
		return errEngineDown(cause)
	}
	if !isCode(e.Code) || e.Status < 300 {
		return errEngineDown(cause)
	}
	if e.Code == "NoSuchKey" && f.op.level == onBucket {
		e.Code = "NoSuchBucket"
	}
	if e.Code == "InvalidRange" && f.op.name == "UploadPartCopy" { // as Ceph has it: see copyRange
		e.Status, e.Code = http.StatusBadRequest, "InvalidArgument"
		e.Fields = []upstream.Field{{Name: "ArgumentName", Value: "x-amz-copy-source-range"}, {Name: "ArgumentValue", Value: f.r.Header.Get("X-Amz-Copy-Source-Range")}}
	}
	out := &wire.Error{Status: e.Status, Code: e.Code, Message: explainAnswered(e), Err: cause}
	for _, field := range e.Fields {
		if shownFields[field.Name] && len(field.Value) <= maxField && !f.engine.Mentioned(field.Value) {
			out.Fields = append(out.Fields, wire.Field(field))
		}
	}
	if hidesAbsence(e.Code) && !f.mayKnow() {
		for _, name := range []string{"X-Amz-Version-Id", "X-Amz-Delete-Marker", "Last-Modified"} {
			f.w.Header().Del(name)
		}
		return errAccessDenied()
	}
	return out
}

// deniesUs tells whether the engine denies the request to us, rather than to
// anybody. A client that may do something here must not hear that it may not: of
// that it could change nothing, and would look for it in its own policies. Locks
// of versions and blocks of public lists hold everybody, so there it is asked
// whether the bucket is ours at all.
func (f *forwarding) deniesUs(e upstream.Answered) bool {
	if f.op.method == http.MethodHead && e.Status == http.StatusBadRequest { // without a document, this may be about our keys, too
		return f.engine.Health(f.r.Context()) != nil
	}
	if !e.Denied() {
		return false
	}
	if !f.locked() && !f.listed() {
		return true
	}
	a, err := f.send(&upstream.Request{Method: http.MethodHead, Bucket: f.bucket})
	if err != nil {
		return true
	}
	defer a.Close()
	return a.Status != http.StatusOK
}

// locked tells the operations that a lock can stand against.
func (f *forwarding) locked() bool {
	switch f.op.name {
	case "DeleteObject":
		return f.version() != ""
	case "DeleteObjects", "PutObjectRetention", "PutObjectLegalHold", "PutObjectLockConfiguration":
		return true
	}
	return false
}

// listed tells the requests that a block of public access can stand against.
func (f *forwarding) listed() bool {
	return f.op.name == "PutBucketAcl" || f.op.name == "PutObjectAcl" || f.says("s3:x-amz-acl") || f.grants()
}

// hidesAbsence tells the errors that say that there is no such object.
func hidesAbsence(code string) bool { return code == "NoSuchKey" || code == "NoSuchVersion" }

// mayKnow tells whether the caller may learn that there is no such object.
func (f *forwarding) mayKnow() bool {
	t := f.target
	if src, err := copySource(f.r); f.op.header == copySourceHeader && err == nil {
		t = src
	}
	return f.call.Allowed(f.r.Context(), f.s.accessOn(t.bucketARN(), f.call, "s3:ListBucket"))
}

// maxField is how long an element of an engine's error may be that is shown, in
// bytes.
const maxField = 1024

// shownFields are the elements of an error that are about the request.
var shownFields = map[string]bool{
	"ActualObjectSize": true, "ArgumentName": true, "ArgumentValue": true, "BucketName": true, "CalculatedDigest": true, "Condition": true,
	"ETag": true, "ExpectedDigest": true, "Header": true, "Key": true, "MaxSizeAllowed": true, "Method": true, "MinSizeAllowed": true,
	"PartNumber": true, "ProposedSize": true, "RangeRequested": true, "ResourceType": true, "UploadId": true, "VersionId": true,
}

// isCode tells whether an engine's error code can be shown: S3's are words.
func isCode(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.") == ""
}

// explain is S3's text for an error of an engine, whose own would not be: it may
// have none, with which AWS CLI 1.45 ends with a Python error, and it may name
// hosts and keys of its own.
func explain(code string) string {
	for _, f := range failures {
		if f.code == code && code != "InvalidArgument" { // which may be any
			return f.text
		}
	}
	switch code {
	case "AccessDenied":
		return "Access Denied"
	case "InvalidRange":
		return "The requested range is not satisfiable"
	case "InternalError", "UnknownError":
		return "We encountered an internal error. Please try again."
	case "NoSuchVersion":
		return "The specified version does not exist."
	case "MalformedXML":
		return "The XML you provided was not well-formed or did not validate against our published schema"
	}
	return "The storage of this bucket refused the request: " + code + "."
}
