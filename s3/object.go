package s3

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/thingpass/thingpass/checksum"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/wire"
)

const (
	maxPut  = 5 << 30 // bytes of an object put in one piece, or of a part
	maxMeta = 2 << 10 // bytes of user metadata, names and values
)

// kept lists the headers that are stored as they are and answered so.
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"}

// readMeta reads what is stored with an object from the headers of a request.
func readMeta(h http.Header) (meta objects.Meta, err error) {
	meta.Headers, meta.User = map[string]string{}, map[string]string{}
	for _, name := range kept {
		v := h.Get(name)
		if name == "Content-Encoding" {
			v = withoutFraming(v)
		}
		if v != "" {
			meta.Headers[name] = v
		}
	}
	size := 0
	for name, values := range h {
		if !strings.HasPrefix(name, metaPrefix) {
			continue
		}
		user, v := strings.ToLower(strings.TrimPrefix(name, metaPrefix)), strings.Join(values, ",")
		if user == "" || !utf8.ValidString(v) {
			return meta, errArgument(name, "", "Metadata must have a name and be valid UTF-8.")
		}
		meta.User[user] = v
		size += len(user) + len(v)
	}
	if v := h.Get(taggingHeader); v != "" {
		if meta.Tags, err = readTags(v); err != nil {
			return meta, err
		}
	}
	if size > maxMeta {
		return meta, &wire.Error{Status: http.StatusBadRequest, Code: "MetadataTooLarge", Message: "Your metadata headers exceed the maximum allowed metadata size",
			Fields: []wire.Field{{Name: "Size", Value: strconv.Itoa(size)}, {Name: "MaxSizeAllowed", Value: strconv.Itoa(maxMeta)}}}
	}
	return meta, nil
}

// withoutFraming takes aws-chunked, which is about the transfer, out of a
// Content-Encoding, whose codings have no case (RFC 9110, 8.4.1).
func withoutFraming(v string) string {
	const framing = "aws-chunked"
	if !strings.Contains(strings.ToLower(v), framing) {
		return v
	}
	var rest []string
	for c := range strings.SplitSeq(v, ",") {
		if c = strings.TrimSpace(c); c != "" && !strings.EqualFold(c, framing) {
			rest = append(rest, c)
		}
	}
	return strings.Join(rest, ", ")
}

// limited ends a body of unknown length when it becomes too large.
type limited struct {
	*sigv4.Body
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.Body.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge(maxPut - l.left)
	}
	return n, err
}

// upload is the body of a put: verified, and no larger than is allowed.
func (x *exchange) upload() (*limited, error) {
	body, err := x.call.Body()
	if err != nil {
		return nil, err
	}
	if body.Length() > maxPut {
		return nil, errTooLarge(body.Length())
	}
	return &limited{body, maxPut}, nil
}

// checksumError says of a checksum that cannot be one what is said of one that
// is wrong, as Ceph's gateway does. S3 has an InvalidRequest for it.
func (x *exchange) checksumError(err error) error {
	if e, ok := errors.AsType[*sigv4.Error](err); !ok || e.Kind != sigv4.InvalidChecksum {
		return err
	}
	for _, name := range checksumHeaders {
		a, _ := checksum.Find(strings.TrimPrefix(name, checksumPrefix))
		v := x.r.Header.Get(name)
		if _, ok := a.Decode(v); v != "" && !ok {
			return &wire.Error{Status: http.StatusBadRequest, Code: "BadDigest", Message: "Value for " + strings.ToLower(name) + " header is invalid.", Err: err}
		}
	}
	return err
}

// permit asks once more before something is stored.
func (x *exchange) permit() error { return x.call.StillValid(x.r.Context()) }

func (s *service) putObject(x *exchange) error {
	if err := checkNewKey(x.key); err != nil {
		return err
	}
	meta, err := readMeta(x.r.Header)
	if err != nil {
		return err
	}
	condition, err := writeCondition(x.r.Header)
	if err != nil {
		return err
	}
	body, err := x.upload()
	if err != nil {
		return err
	}
	if body.Claims() == "" && x.r.Header.Get("X-Amz-Content-Sha256") == streamingTrailer {
		body.Compute(defaultChecksum)
	}
	meta.ChecksumType = fullObject
	o, err := s.Objects.Put(x.r.Context(), x.name(), body, objects.PutOptions{Meta: meta, Condition: condition, Length: body.Length(), Checksums: body.Checksums, Permit: x.permit})
	if err != nil {
		return err
	}
	x.w.Header().Set("Etag", quote(o.ETag))
	x.setChecksums(o.Checksums, o.ChecksumType)
	x.setMade(o.Version)
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// location is where the client finds the object: at the host that it asked.
func (x *exchange) location() string {
	url := "http://"
	if x.r.TLS != nil {
		url = "https://"
	}
	if url += x.r.Host + "/"; !x.hosted {
		url += x.bucket + "/"
	}
	return url + escapeURL(x.key)
}

// setVersion answers the version that a request was about, or made.
func (x *exchange) setVersion(version string) {
	if version != "" {
		x.w.Header()[versionHeader] = []string{version}
	}
}

// setMade answers the version that was made. A null version has no id to tell.
func (x *exchange) setMade(version string) {
	if version != objects.NullVersion {
		x.setVersion(version)
	}
}

const (
	versionHeader = "X-Amz-Version-Id"
	markerHeader  = "X-Amz-Delete-Marker"
)

// setChecksums answers checksums in headers.
func (x *exchange) setChecksums(sums map[string]string, kind string) {
	for name, v := range sums {
		x.w.Header().Set(checksumPrefix+name, v)
	}
	if len(sums) > 0 && kind != "" {
		x.w.Header().Set("X-Amz-Checksum-Type", kind)
	}
}

// missing is the answer for an object that is not there: only who may list the
// bucket learns that it is not (GetObject, "Permissions"), and that it was
// deleted. A version that is a delete marker can only be deleted.
func (s *service) missing(x *exchange, t *target, err error) error {
	marker, marked := errors.AsType[*objects.MarkerError](err)
	if marked && !marker.Current {
		x.w.Header().Set(markerHeader, "true")
		x.w.Header().Set("Last-Modified", marker.Modified.UTC().Format(http.TimeFormat))
		x.setVersion(marker.Version)
		return errMethod(x.r.Method)
	}
	if marked && x.call.Allowed(x.r.Context(), s.accessOn(t.bucketARN(), x.call, "s3:ListBucket")) {
		x.w.Header().Set(markerHeader, "true")
		x.setVersion(marker.Version)
	}
	return s.absence(x, t, err)
}

// absence is missing without headers, for what is one of many.
func (s *service) absence(x *exchange, t *target, err error) error {
	if !errors.Is(err, objects.ErrNoSuchKey) && !errors.Is(err, objects.ErrNoSuchVersion) {
		return err
	}
	if !x.call.Allowed(x.r.Context(), s.accessOn(t.bucketARN(), x.call, "s3:ListBucket")) {
		return errAccessDenied()
	}
	e := toWire(err)
	e.Fields = []wire.Field{{Name: "Key", Value: t.key}}
	if v := t.version(); v != "" {
		e.Fields = append(e.Fields, wire.Field{Name: "VersionId", Value: v})
	}
	return e
}

// getObject serves GetObject and HeadObject.
func (s *service) getObject(x *exchange) error {
	if x.r.Method == http.MethodHead {
		o, err := s.Objects.Head(x.r.Context(), x.ref())
		if err != nil {
			return s.missing(x, x.target, err)
		}
		_, _, err = x.head(o, nil)
		return err
	}
	o, body, err := s.Objects.Get(x.r.Context(), x.ref())
	if err != nil {
		return s.missing(x, x.target, err)
	}
	defer func() { _ = body.Close() }()
	run, send, err := x.head(o, body)
	if err != nil || !send {
		return err
	}
	_, err = body.CopyRange(x.w, run.offset, run.length)
	return err
}

// head answers status and headers, and tells which bytes are to follow: of the
// body, if it is not nil, which must have them.
func (x *exchange) head(o objects.Object, body *objects.Reader) (run span, send bool, err error) {
	modified, err := preconditions{header: x.r.Header}.hold(o)
	if err != nil {
		return run, false, err
	}
	if !modified {
		x.describe(o)
		x.w.WriteHeader(http.StatusNotModified)
		return run, false, nil
	}
	run, err = x.span(o)
	if err != nil {
		if e, ok := errors.AsType[*wire.Error](err); ok && e.Code == "InvalidRange" {
			x.w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", o.Size))
		}
		return run, false, err
	}
	if body != nil {
		if err := body.Check(run.offset, run.length); err != nil {
			return run, false, err
		}
	}
	x.describe(o)
	x.override()
	h := x.w.Header()
	h.Set("Content-Length", strconv.FormatInt(run.length, 10))
	status := http.StatusOK
	if run.partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", run.offset, run.offset+run.length-1, o.Size))
	}
	mode := x.r.Header.Get("X-Amz-Checksum-Mode") + x.query.Get("X-Amz-Checksum-Mode") + x.query.Get("x-amz-checksum-mode")
	switch {
	case mode != "ENABLED":
	case run.part != nil:
		x.setChecksums(run.part.Checksums, o.ChecksumType)
	case run.length == o.Size:
		x.setChecksums(o.Checksums, o.ChecksumType)
	}
	x.w.WriteHeader(status)
	return run, true, nil
}

// span is the part of the object that is asked for.
func (x *exchange) span(o objects.Object) (span, error) {
	header := x.r.Header.Get("Range")
	if !x.query.Has("partNumber") {
		if header == "" || !wantsRange(x.r.Header, o) {
			return span{length: o.Size}, nil
		}
		return byteRange(header, o.Size)
	}
	if header != "" {
		return span{}, errRequest("Cannot specify both Range header and partNumber query parameter.")
	}
	number, err := x.number("partNumber", 0, objects.MaxPart+1)
	if err != nil {
		return span{}, err
	}
	if !inParts(o) {
		if number != 1 {
			return span{}, errPartNumber()
		}
		return span{length: o.Size, partial: o.Size > 0}, nil
	}
	x.w.Header().Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(o.Parts)))
	run := span{partial: true}
	for i, p := range o.Parts {
		if p.Number == number {
			run.length, run.part = p.Size, &o.Parts[i]
			return run, nil
		}
		run.offset += p.Size
	}
	return span{}, errPartNumber()
}

// errPartNumber is Ceph's answer for a part that an object does not have. S3's is
// 416 InvalidPartNumber, which clients take for a range.
func errPartNumber() error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidPart", Message: "The object has no part of this number."}
}

// describe answers what is known of an object besides its bytes.
func (x *exchange) describe(o objects.Object) {
	h := x.w.Header()
	h.Set("Content-Type", "binary/octet-stream")
	for name, v := range o.Headers {
		h.Set(name, v)
	}
	for name, v := range o.User {
		h["x-amz-meta-"+name] = []string{v} // clients show the name as it is sent, in lower case
	}
	if len(o.Tags) > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(o.Tags)))
	}
	x.setVersion(o.Version)
	h.Set("Accept-Ranges", "bytes")
	h.Set("Etag", quote(o.ETag))
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
}

// override applies the response- parameters.
func (x *exchange) override() {
	if len(x.query) == 0 {
		return
	}
	for _, name := range kept {
		if v := x.query.Get("response-" + strings.ToLower(name)); v != "" {
			x.w.Header().Set(name, v)
		}
	}
}
