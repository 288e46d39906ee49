package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/wire"
)

func (s *service) deleteObject(x *exchange) error {
	c, err := writeCondition(x.r.Header)
	if err == nil && c.IfNoneMatch != "" {
		err = errNotImplemented("If-None-Match on a deletion")
	}
	if err != nil {
		return err
	}
	if _, err := s.Objects.Delete(x.r.Context(), objects.Ref{Name: x.name()}, c); err != nil {
		return s.missing(x, x.target, err)
	}
	x.w.WriteHeader(http.StatusNoContent)
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
	key, version, etag string
	condition          string // the name of one that is not evaluated
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
			e.etag = text
		case "LastModifiedTime", "Size":
			e.condition = name
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
	Key       text
	VersionId string `xml:",omitempty"`
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
	failed, denied := make([]error, len(in.entries)), 0
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
				failed[i] = s.deleteEntry(x, entry)
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
			out.Deleted = append(out.Deleted, deletedEntry{text(entry.key), entry.version})
		}
	}
	return x.answer(out)
}

func (e deleteEntry) target(x *exchange) *target {
	return &target{level: onObject, bucket: x.bucket, key: e.key}
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
	if entry.condition != "" {
		return errNotImplemented(entry.condition)
	}
	question := s.access(t, x.call, "s3:DeleteObject")
	if entry.version != "" {
		if entry.version != nullVersion {
			return errNoSuchVersion(t.key, entry.version)
		}
		question.Action = "s3:DeleteObjectVersion"
		question.Context["s3:VersionId"] = []string{entry.version}
	}
	if x.call.Demand(x.r.Context(), question) != nil {
		return errAccessDenied()
	}
	return nil
}

func (s *service) deleteEntry(x *exchange, entry deleteEntry) error {
	t := entry.target(x)
	_, err := s.Objects.Delete(x.r.Context(), objects.Ref{Name: t.name()}, objects.Condition{IfMatch: strings.Trim(entry.etag, `"`)})
	if err != nil {
		return s.missing(x, t, err)
	}
	return nil
}
