package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/wire"
)

func (s *service) deleteObject(x *exchange) error {
	c, err := deleteCondition(x.r.Header)
	if err != nil {
		return err
	}
	gone, err := s.Objects.Delete(x.r.Context(), x.ref(), c)
	if err != nil {
		return s.missing(x, x.target, err)
	}
	x.setVersion(gone.Version)
	if gone.Marker {
		x.w.Header().Set(markerHeader, "true")
	}
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

// deleteCondition reads the conditions of a deletion (DeleteObject).
func deleteCondition(h http.Header) (c objects.Condition, err error) {
	if c, err = writeCondition(h); err != nil {
		return c, err
	}
	if v := h.Get("X-Amz-If-Match-Size"); v != "" {
		if err := setSize(&c, v); err != nil {
			return c, err
		}
	}
	if v := h.Get("X-Amz-If-Match-Last-Modified-Time"); v != "" {
		err = setModified(&c, v)
	}
	return c, err
}

func setSize(c *objects.Condition, v string) error {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return errArgument("x-amz-if-match-size", v, "The size must be a whole number of bytes.")
	}
	c.IfSize = &n
	return nil
}

// setModified takes a time as HTTP has it, and as XML has it.
func setModified(c *objects.Condition, v string) error {
	at, err := http.ParseTime(v)
	if err != nil {
		at, err = time.Parse(time.RFC3339, v)
	}
	if err != nil {
		return errArgument("x-amz-if-match-last-modified-time", v, "The time must be an HTTP date.")
	}
	c.IfModified = at
	return nil
}

// maxDeletes is how many keys one DeleteObjects may have.
const maxDeletes = 1000

// deletion is what a DeleteObjects asks for.
type deletion struct {
	quiet   bool
	entries []deleteEntry
}

type deleteEntry struct {
	key, version string
	condition    objects.Condition
}

// conditions are the elements that the entry's conditions came as.
func (e deleteEntry) conditions() string {
	text := ""
	if v := e.condition.IfMatch; v != "" {
		text += "<ETag>" + escapeXML(v) + "</ETag>"
	}
	if !e.condition.IfModified.IsZero() {
		text += "<LastModifiedTime>" + e.condition.IfModified.UTC().Format(http.TimeFormat) + "</LastModifiedTime>"
	}
	if v := e.condition.IfSize; v != nil {
		text += "<Size>" + strconv.FormatInt(*v, 10) + "</Size>"
	}
	return text
}

func (x *exchange) deletion() (in deletion, err error) {
	_, err = x.document(maxDeletion, "Delete", func(d *document, name string) error {
		switch {
		case name == "Quiet":
			text, err := d.text()
			in.quiet = strings.TrimSpace(text) == "true"
			return err
		case name != "Object" || len(in.entries) == maxDeletes:
			return errMalformedXML(fmt.Errorf("element %s after %d keys", name, len(in.entries)))
		}
		entry, err := readDeleteEntry(d)
		in.entries = append(in.entries, entry)
		return err
	})
	if err == nil && len(in.entries) == 0 {
		err = errMalformedXML(errors.New("no keys"))
	}
	return in, err
}

func readDeleteEntry(d *document) (e deleteEntry, err error) {
	err = d.fields(func(name, text string) error {
		switch name {
		case "Key":
			e.key = text
		case "VersionId":
			e.version = text
		case "ETag":
			e.condition.IfMatch = bareETag(text, strong)
		case "LastModifiedTime":
			return setModified(&e.condition, text)
		case "Size":
			return setSize(&e.condition, text)
		default:
			return errMalformedXML(fmt.Errorf("element %s in a key", name))
		}
		return nil
	})
	return e, err
}

type deleteResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedEntry
	Error   []deleteFailure
}

type deletedEntry struct {
	Key                   text
	VersionId             text   `xml:",omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionId string `xml:",omitempty"`
}

func newDeletedEntry(e deleteEntry, gone objects.Deleted) deletedEntry {
	d := deletedEntry{Key: text(e.key), VersionId: text(e.version), DeleteMarker: gone.Marker}
	if gone.Marker {
		d.DeleteMarkerVersionId = gone.Version
	}
	return d
}

type deleteFailure struct {
	Key       text
	VersionId string `xml:",omitempty"`
	Code      string
	Message   string
}

// deleteObjects decides for each key by itself, and then deletes.
func (s *service) deleteObjects(x *exchange) error {
	in, err := x.deletion()
	if err != nil {
		return err
	}
	failed, gone, denied := make([]error, len(in.entries)), make([]objects.Deleted, len(in.entries)), 0
	for i, entry := range in.entries {
		if failed[i] = s.mayDelete(x, entry); failed[i] != nil {
			denied++
		}
	}
	x.call.Note(fmt.Sprintf("%d of %d keys refused", denied, len(in.entries)))
	var group errgroup.Group
	group.SetLimit(32) // deletions that wait for the disk together wait once
	for i, entry := range in.entries {
		if failed[i] == nil {
			group.Go(func() error {
				gone[i], failed[i] = s.deleteEntry(x, entry)
				return nil
			})
		}
	}
	_ = group.Wait() // no function fails
	var out deleteResult
	for i, entry := range in.entries {
		switch e := failed[i]; {
		case errors.Is(e, objects.ErrNoSuchBucket):
			return s.onBucket(x, e)
		case e != nil:
			shown, ok := errors.AsType[*wire.Error](e)
			if !ok {
				shown = toWire(e)
			}
			out.Error = append(out.Error, deleteFailure{text(entry.key), entry.version, shown.Code, shown.Message})
		case !in.quiet:
			out.Deleted = append(out.Deleted, newDeletedEntry(entry, gone[i]))
		}
	}
	return x.answer(out)
}

func (e deleteEntry) target(x *exchange) *target {
	t := &target{level: onObject, bucket: x.bucket, key: e.key}
	if e.version != "" {
		t.query = url.Values{versionParameter: {e.version}}
	}
	return t
}

// mayDelete tells why an entry is refused.
func (s *service) mayDelete(x *exchange, entry deleteEntry) error {
	t := entry.target(x)
	if t.key == "" {
		return errMalformedXML(errors.New("empty key"))
	}
	if err := checkKey(t.key); err != nil {
		return err
	}
	questions := s.deletionOf(t, x.call)
	if len(questions) > 1 && x.ahead != nil {
		questions[1].Late = x.ahead.late(t)
	}
	if v := entry.condition.IfMatch; v != "" {
		questions[0].Context["s3:if-match"] = []string{v}
	}
	for _, a := range questions {
		if x.call.Demand(x.r.Context(), a) != nil {
			return errAccessDenied()
		}
	}
	return nil
}

func (s *service) deleteEntry(x *exchange, entry deleteEntry) (objects.Deleted, error) {
	t := entry.target(x)
	gone, err := s.Objects.Delete(x.r.Context(), t.ref(), entry.condition)
	switch {
	case errors.Is(err, objects.ErrNoSuchVersion): // S3 says that it is deleted
		return gone, nil
	case err != nil:
		return gone, s.absence(x, t, err)
	}
	return gone, nil
}
