package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/upstream"
	"github.com/thingpass/thingpass/wire"
)

// forwardService answers what is about all buckets: those of every engine, and
// of the embedded store, which each is asked for the ones that are its own.
func (s *service) forwardService(x *exchange, op *row) error {
	if op.name != "ListBuckets" {
		return op.serve(s, x)
	}
	embedded, err := s.Objects.Buckets(x.r.Context())
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(embedded, func(b objects.Bucket) bool { return upstream.Pick(s.Engines, b.Name) != nil })
	for _, e := range s.Engines {
		found, err := s.engineBuckets(x, op, e)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b objects.Bucket) int { return strings.Compare(a.Name, b.Name) })
	return s.answerBuckets(x, all)
}

// maxPages is how many pages of buckets an engine is asked for: of 1,000 each,
// more than S3 gives an account.
const maxPages = 1000

// engineBuckets lists the buckets of an engine that requests would find there.
func (s *service) engineBuckets(x *exchange, op *row, e *upstream.Engine) (found []objects.Bucket, err error) {
	f := &forwarding{exchange: x, s: s, op: op, engine: e}
	token := ""
	for range maxPages {
		q := &upstream.Request{Method: http.MethodGet}
		if token != "" {
			q.Query = "continuation-token=" + escapeURL(token)
		}
		var page struct {
			Buckets []struct {
				Name         string
				CreationDate string
			} `xml:"Buckets>Bucket"`
			ContinuationToken string
		}
		if err := f.ask(q, &page); err != nil {
			x.call.SetEngine(e.Name())
			return nil, err
		}
		for _, b := range page.Buckets {
			if upstream.Pick(s.Engines, b.Name) == e && validBucket(b.Name) {
				created, _ := time.Parse(time.RFC3339, b.CreationDate) // shown only
				found = append(found, objects.Bucket{Name: b.Name, Created: created})
			}
		}
		if page.ContinuationToken == "" {
			return found, nil
		}
		if page.ContinuationToken == token {
			break
		}
		token = page.ContinuationToken
	}
	x.call.SetEngine(e.Name())
	return nil, errEngineDown(errors.New("the engine's list of buckets does not end"))
}

// ask sends a request and reads the document that is answered.
func (f *forwarding) ask(q *upstream.Request, out any) error {
	a, err := f.send(q)
	if err != nil {
		return err
	}
	defer a.Close()
	text, err := f.read(a)
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(text, out); err != nil {
		return errEngineDown(err)
	}
	return nil
}

// createBucket makes a bucket. Where it is, is the engine's own matter: a client
// names our region or none.
func (f *forwarding) createBucket() error {
	location, err := f.wantedLocation()
	if err != nil {
		return err
	}
	if location != "" && location != f.s.Place.Region && location != f.engine.Region() {
		return errLocation(location, f.s.Place.Region)
	}
	q, err := f.request()
	if err != nil {
		return err
	}
	q.Header.Del("Content-Md5") // of the document that is not sent on
	for _, name := range checksumHeaders {
		q.Header.Del(name)
	}
	q.Header.Del("Content-Type")
	if f.engine.Kind() == upstream.AWS && f.engine.Region() != classicRegion {
		setDocument(q, `<CreateBucketConfiguration xmlns="`+namespace+`"><LocationConstraint>`+escapeXML(f.engine.Region())+`</LocationConstraint></CreateBucketConfiguration>`)
	}
	release, err := f.s.lives.take(f.r.Context(), f.bucket)
	if err != nil {
		return err
	}
	defer release()
	if err := f.begin(); err != nil {
		return err
	}
	a, err := f.send(q)
	if err != nil {
		return err
	}
	defer a.Close()
	if a.Status != http.StatusOK {
		return f.failed(a)
	}
	f.w.Header().Set("Location", "/"+f.bucket)
	f.w.WriteHeader(http.StatusOK)
	return nil
}

// begin sees to it that a new bucket has no policy: what one of the same name
// left goes before anybody can use it.
func (f *forwarding) begin() error {
	a, err := f.send(&upstream.Request{Method: http.MethodHead, Bucket: f.bucket})
	if err != nil {
		return err
	}
	defer a.Close()
	switch {
	case a.Status == http.StatusOK: // the engine says what that means
		return nil
	case a.Status == http.StatusNotFound:
		return f.s.Policies.DeleteBucketPolicy(f.r.Context(), f.bucket)
	case a.Status == http.StatusForbidden && f.engine.Health(f.r.Context()) == nil:
		return errBucketTaken()
	}
	return f.failed(a)
}

// errBucketTaken is for a bucket that somebody else has on the engine.
func errBucketTaken() error {
	return &wire.Error{Status: http.StatusConflict, Code: "BucketAlreadyExists",
		Message: "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."}
}

// deleteBucket deletes a bucket, and then its policy: while there are objects it
// must hold.
func (f *forwarding) deleteBucket() error {
	release, err := f.s.lives.take(f.r.Context(), f.bucket)
	if err != nil {
		return err
	}
	defer release()
	q, err := f.request()
	if err != nil {
		return err
	}
	f.s.there.drop(f.bucket)
	a, err := f.send(q)
	if err != nil {
		return err
	}
	defer a.Close()
	if a.Status/100 != 2 {
		return f.failed(a)
	}
	if err := f.s.Policies.DeleteBucketPolicy(context.WithoutCancel(f.r.Context()), f.bucket); err != nil {
		return err
	}
	f.w.WriteHeader(http.StatusNoContent)
	return nil
}

func errLocation(wanted, region string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "IllegalLocationConstraintException",
		Message: "The " + wanted + " location constraint is incompatible for the region specific endpoint this request was sent to: buckets here are in " + region + "."}
}
