package s3

import (
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/upstream"
)

// asked refuses what a client has got wrong in a way that needs no engine to see:
// it is told the same as by the embedded store.
func (f *forwarding) asked() (err error) {
	switch f.op.name {
	case "UploadPart":
		_, err = f.partNumber()
	case "UploadPartCopy":
		if _, err = f.partNumber(); err == nil {
			_, err = copyRange(f.r.Header.Get("X-Amz-Copy-Source-Range"), math.MaxInt64)
		}
	case "ListObjectsV2":
		if v := f.query.Get("list-type"); v != "2" {
			err = errListType(v)
		}
	case "GetObjectAttributes":
		_, err = f.askedAttributes()
	}
	if err == nil {
		_, _, err = encoding(f.target)
	}
	return err
}

// argumentTexts are what is wrong with an argument, by its name, where only the
// engine knows that it is.
var argumentTexts = map[string]string{
	"continuation-token":       "The continuation token provided is incorrect",
	"x-amz-copy-source-range":  "Range specified is not valid for the source object.",
	"x-amz-object-attributes":  "Invalid attribute name specified.",
	"version-id-marker":        "A version-id marker cannot be specified without a key marker.",
	"max-keys":                 "Provided max-keys not an integer or within integer range",
	"x-amz-max-parts":          "Provided x-amz-max-parts not an integer or within integer range",
	"x-amz-part-number-marker": "Provided x-amz-part-number-marker not an integer or within integer range",
}

// explainAnswered is explain for an error with what it says of itself.
func explainAnswered(e upstream.Answered) string {
	if e.Code == "InvalidArgument" {
		for _, field := range e.Fields {
			if text := argumentTexts[strings.ToLower(field.Value)]; field.Name == "ArgumentName" && text != "" {
				return text
			}
		}
	}
	return explain(e.Code)
}

// refusedHead is the error of a HEAD. The answer has no document, and its status
// may stand for several: what it is, the engine says to a GET.
func (f *forwarding) refusedHead(q *upstream.Request, a *upstream.Answer) error {
	if f.op.name != "HeadObject" || a.Status != http.StatusBadRequest {
		return f.failed(a)
	}
	a.Close() // the engine may take one request at a time
	get := *q
	get.Method = http.MethodGet
	b, err := f.send(&get)
	if err != nil {
		return err
	}
	defer b.Close()
	if b.Status < 300 {
		return f.failed(a)
	}
	return f.failed(b)
}

// there keeps which buckets engines were found to have, for a while.
type there struct {
	mu    sync.Mutex
	until map[string]time.Time
}

const (
	thereFor = 10 * time.Second
	thereMax = 1000 // buckets
)

func (t *there) has(bucket string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return now.Before(t.until[bucket])
}

func (t *there) put(bucket string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until == nil || len(t.until) >= thereMax {
		t.until = map[string]time.Time{}
	}
	t.until[bucket] = now.Add(thereFor)
}

func (t *there) drop(bucket string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.until, bucket)
}

// expected refuses a body that the client asks leave to send, for a bucket that
// the engine does not have. Reading the body is the leave.
func (f *forwarding) expected() error {
	if f.r.Header.Get("Expect") == "" || f.s.there.has(f.bucket, time.Now()) {
		return nil
	}
	a, err := f.send(&upstream.Request{Method: http.MethodHead, Bucket: f.bucket})
	if err != nil {
		return err
	}
	defer a.Close()
	switch a.Status {
	case http.StatusNotFound:
		return objects.ErrNoSuchBucket
	case http.StatusOK:
		f.s.there.put(f.bucket, time.Now())
	}
	return nil // what else it has against the request, it says of the request itself
}
