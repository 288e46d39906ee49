package s3

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/upstream"
)

// conditionHeaders are those by which a write happens or does not.
var conditionHeaders = and(deleteConditions, copyConditions, []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"})

// conditions refuses a write with a condition that the engine would not hold it
// to: it may have been allowed because of it.
func (f *forwarding) conditions() error {
	if f.op.method == http.MethodGet || f.op.method == http.MethodHead {
		return nil
	}
	held := false
	for _, name := range conditionHeaders {
		if f.r.Header.Get(name) == "" || f.op.name == "UploadPartCopy" && slices.Contains(copyConditions, name) { // see partSource
			continue
		}
		if !f.engine.Kind().Honours(f.op.name, name) || name == "If-None-Match" && f.r.Header.Get(name) != "*" {
			return errNotImplemented(strings.ToLower(name) + " on the storage of this bucket")
		}
		held = true
	}
	if held && f.engine.Kind() == upstream.Ceph {
		return f.unversioned()
	}
	return nil
}

// unversioned refuses a bucket that has versions: there, Ceph asks its
// conditions of the new version, which does not exist yet.
func (f *forwarding) unversioned() error {
	var out struct{ Status string }
	if err := f.ask(&upstream.Request{Method: http.MethodGet, Bucket: f.bucket, Query: "versioning"}, &out); err != nil {
		return err
	}
	if out.Status != "" {
		return errNotImplemented("a conditional write to a bucket with versions on the storage of this bucket")
	}
	return nil
}

// partSource holds the source of an UploadPartCopy to the request's conditions
// for an engine that does not, and is called before and after the copy: a part is
// nothing before its upload is completed, so that it may be refused when it is
// there. Clients that copy in parts name the source's ETag with each.
func (f *forwarding) partSource(src *target) error {
	if f.op.name != "UploadPartCopy" || !slices.ContainsFunc(copyConditions, func(name string) bool { return f.r.Header.Get(name) != "" }) ||
		f.engine.Kind().Honours(f.op.name, copyConditions[0]) {
		return nil
	}
	a, err := f.send(&upstream.Request{Method: http.MethodHead, Bucket: src.bucket, Key: src.key, Version: src.version()})
	if err != nil {
		return err
	}
	defer a.Close()
	if a.Status != http.StatusOK {
		return f.failed(a)
	}
	modified, err := http.ParseTime(a.Header.Get("Last-Modified"))
	if err != nil {
		return errEngineDown(err)
	}
	o := objects.Object{ETag: strings.Trim(a.Header.Get("Etag"), `"`), Modified: modified.Truncate(time.Second)}
	wanted, err := preconditions{prefix: "x-amz-copy-source-", header: f.r.Header}.hold(o)
	if err == nil && !wanted {
		err = errPrecondition("x-amz-copy-source-If-None-Match or x-amz-copy-source-If-Modified-Since")
	}
	return err
}

// bare takes the quotes off the ETags of a conditional write: Ceph compares them
// without.
func (f *forwarding) bare(h http.Header) {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if v := h.Get(name); v != "" && f.engine.Kind() == upstream.Ceph && f.op.method == http.MethodPut {
			h[name] = []string{strings.Trim(v, `"`)}
		}
	}
}
