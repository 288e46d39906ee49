package s3

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/upstream"
	"github.com/thingpass/thingpass/wire"
)

// forwarding is an allowed request on its way to the engine that has its
// bucket.
//
// What is forwarded is made anew from what was authorised: method, bucket and
// key; the parameters and headers that the row takes and an engine may see; and
// the body, decoded and verified. Nothing of the client's signature goes along.
type forwarding struct {
	*exchange
	s      *service
	op     *row
	engine *upstream.Engine

	plan     upload   // what checksum the body has to have: its part is that of an upload
	verified *limited // the body, once it is read; nil for none
}

// forward carries out a request on the engine that has its bucket, or here when
// none has.
func (s *service) forward(x *exchange, op *row) error {
	if op.level == onService {
		return s.forwardService(x, op)
	}
	e := upstream.Pick(s.Engines, x.bucket)
	if e == nil {
		if err := s.sourceHere(x, op); err != nil {
			return err
		}
		return s.embedded(x, op)
	}
	x.call.SetEngine(e.Name())
	f := &forwarding{exchange: x, s: s, op: op, engine: e}
	if op == s.table.preflight { // before anything is said of the engine
		return f.preflight()
	}
	if why := e.Kind().Refuses(x.bucket, x.key); why != "" {
		return errEngineRefuses(x.bucket, x.key, why)
	}
	if err := f.known(); err != nil {
		return err
	}
	if err := f.asked(); err != nil {
		return err
	}
	if err := f.ids(); err != nil {
		return err
	}
	if err := f.conditions(); err != nil {
		return err
	}
	if err := f.elsewhere(); err != nil {
		return err
	}
	switch op.name {
	case "CreateBucket":
		return f.createBucket()
	case "DeleteBucket":
		return f.deleteBucket()
	case "GetBucketLocation":
		return f.ours()
	case "DeleteObjects":
		return f.deleteObjects()
	case "CopyObject", "UploadPartCopy":
		return f.copy()
	case "CreateMultipartUpload":
		return f.beginUpload()
	case "UploadPart":
		return f.uploadPart()
	case "CompleteMultipartUpload":
		return f.complete()
	case "PostObject":
		return f.form()
	case "PutBucketAcl", "PutObjectAcl":
		return f.putACL()
	case "RestoreObject":
		return f.restore()
	case "PutBucketLogging":
		return f.logging()
	}
	if strings.HasSuffix(op.name, "BucketPolicy") || op.name == "GetBucketPolicyStatus" {
		return f.ours()
	}
	return f.plain()
}

// known refuses an operation that the engine could take for another one.
func (f *forwarding) known() error {
	for _, parameter := range f.op.need {
		if !f.engine.Kind().Knows(parameter) {
			return errNotImplemented("?" + parameter + " on the storage of this bucket")
		}
	}
	return nil
}

// ids refuses what cannot be the id of an upload or a version of this key: an
// engine could take it for one of another key.
func (f *forwarding) ids() error {
	kind := f.engine.Kind()
	if f.query.Has(uploadParameter) && !kind.HasUpload(f.query.Get(uploadParameter)) {
		return objects.ErrNoSuchUpload
	}
	return f.versionOf(f.target)
}

// versionOf is ids for the version that a target names.
func (f *forwarding) versionOf(t *target) error {
	if v := t.version(); v != "" && !f.engine.Kind().HasVersion(v) {
		return f.s.absence(f.exchange, t, objects.ErrNoSuchVersion)
	}
	return nil
}

const (
	uploadParameter  = "uploadId"
	encryptionHeader = "X-Amz-Server-Side-Encryption"
)

// plain forwards a request as it is and its answer as it is.
func (f *forwarding) plain() error {
	q, err := f.request()
	if err != nil {
		return err
	}
	done, err := f.body(q)
	if err != nil {
		return err
	}
	defer done()
	return f.passOn(q)
}

// passOn sends a request and answers as the engine does.
func (f *forwarding) passOn(q *upstream.Request) error {
	a, err := f.send(q)
	if err != nil {
		return err
	}
	defer a.Close()
	if f.op.method == http.MethodHead && a.Status >= 400 {
		return f.refusedHead(q, a)
	}
	if f.op.namesOwner() {
		return f.relayOwned(a)
	}
	return f.relay(a)
}

// send has the engine carry out a request. Of an engine that cannot, the client
// learns no more than that it should come back.
func (f *forwarding) send(q *upstream.Request) (*upstream.Answer, error) {
	if err := f.closed(q.Header); err != nil {
		return nil, err
	}
	if !f.engine.Kind().Encrypts(q.Header.Get(encryptionHeader)) {
		return nil, errNotImplemented(strings.ToLower(encryptionHeader) + " on the storage of this bucket")
	}
	a, err := f.engine.Send(f.r.Context(), q)
	if err != nil {
		return nil, f.broken(err)
	}
	f.call.AddUpstream(a.Took)
	f.crossOrigin(a)
	return a, nil
}

// broken makes what went wrong with the engine ours, and counts its time. What
// went wrong with the client it returns as it is.
func (f *forwarding) broken(err error) error {
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		return err
	}
	f.call.AddUpstream(e.Waited)
	return errEngineDown(err)
}

// bucketThere fails unless the engine has the bucket.
func (f *forwarding) bucketThere() error {
	a, err := f.send(&upstream.Request{Method: http.MethodHead, Bucket: f.bucket})
	if err != nil {
		return err
	}
	defer a.Close()
	if a.Status != http.StatusOK {
		return f.failed(a)
	}
	return nil
}

// request makes a forwarded request without its body.
func (f *forwarding) request() (*upstream.Request, error) {
	q := &upstream.Request{Method: f.op.method, Bucket: f.bucket, Key: f.key, Header: make(http.Header, len(f.r.Header)+4),
		Version: f.version(), Upload: f.query.Get(uploadParameter)}
	for name, values := range f.r.Header {
		if f.passes(name) {
			q.Header[name] = values
		}
	}
	if f.r.Header.Get("If-Range") != "" { // Ceph 16 ignores it: better all of the object than a range of another
		delete(q.Header, "Range")
	}
	f.bare(q.Header)
	if v := withoutFraming(f.r.Header.Get("Content-Encoding")); v != "" {
		q.Header["Content-Encoding"] = []string{v}
	}
	if len(f.query) > 0 {
		q.Query = upstream.Query(f.query, func(name string) bool {
			if slices.Contains(signing, name) || name == versionParameter || name == uploadParameter {
				return false
			}
			if header := http.CanonicalHeaderKey(name); strings.HasPrefix(header, "X-Amz-") { // presigned, hence in the query
				if f.passes(header) {
					q.Header.Set(header, f.query.Get(name))
				}
				return false
			}
			return true
		})
	}
	return q, nil
}

// passes tells whether an engine may see a header. The row has refused what it
// does not know; of the rest, what is about our signature, the framing of the
// body, or this account, stays here.
func (f *forwarding) passes(header string) bool {
	if !strings.HasPrefix(header, "X-Amz-") {
		return slices.Contains(forwarded, header)
	}
	if slices.Contains(harmless, header) || header == copySourceHeader || header == "X-Amz-Source-Expected-Bucket-Owner" {
		return header == "X-Amz-Checksum-Mode"
	}
	return f.engine.Kind().Trailers() || !f.checksumOfUpload(header)
}

// forwarded lists the headers besides x-amz- ones that an engine sees.
var forwarded = []string{
	"Cache-Control", "Content-Disposition", "Content-Language", "Content-Md5", "Content-Type", "Expires",
	"If-Match", "If-Modified-Since", "If-None-Match", "If-Unmodified-Since", "Range",
	"Origin", accessControl + "Request-Headers", accessControl + "Request-Method",
}

// checksumOfUpload tells the headers by which the parts of an upload would have
// to have checksums. Clients send those in trailers, so an engine that takes no
// trailers must not be promised any: it would refuse the parts.
func (f *forwarding) checksumOfUpload(header string) bool {
	switch f.op.name {
	case "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload":
		return strings.HasPrefix(header, checksumPrefix)
	}
	return false
}

// ours carries out here what is about a bucket of the engine's: what it is in
// is our region, and who may use it is our policy.
func (f *forwarding) ours() error {
	if err := f.bucketThere(); err != nil {
		return err
	}
	if f.op.name == "GetBucketLocation" {
		return f.answer(newLocation(f.s.Place.Region))
	}
	return f.op.serve(f.s, f.exchange)
}

// sourceHere refuses a copy from an engine into the embedded store.
func (s *service) sourceHere(x *exchange, op *row) error {
	if op.header != copySourceHeader {
		return nil
	}
	src, err := copySource(x.r)
	if err == nil && upstream.Pick(s.Engines, src.bucket) != nil {
		err = errOtherEngine()
	}
	return err
}

func errOtherEngine() error {
	e := errNotImplemented("the source is on another storage engine than the destination: download it and upload it again")
	e.Err = &reason{"two-engines", "source and destination of the copy are in different places"}
	return e
}

func errEngineRefuses(bucket, key, why string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidArgument", Message: "This key is not supported here: " + why + ".",
		Err:    &reason{"engine-kind", why},
		Fields: []wire.Field{{Name: "BucketName", Value: bucket}, {Name: "Key", Value: key}}}
}

// errEngineDown is for an engine that gives no answer. Every SDK tries again on
// it.
func errEngineDown(err error) error {
	return &wire.Error{Status: http.StatusServiceUnavailable, Code: "SlowDown",
		Message: "The storage of this bucket does not answer at the moment. Please try again.", Err: err}
}

// clientHash is the hash of the body that the client signed, which package
// sigv4 verifies and the engine may verify once more; else "".
func clientHash(r *http.Request) string {
	if v := r.Header.Get("X-Amz-Content-Sha256"); len(v) == 64 {
		return strings.ToLower(v)
	}
	return sigv4.UnsignedPayload
}
