package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/thingpass/thingpass/upstream"
	"github.com/thingpass/thingpass/wire"
)

const taggingHeader = "X-Amz-Tagging"

// Limits of tags (user guide, "Categorizing your storage using tags", and
// PutBucketTagging).
const (
	maxObjectTags = 10
	maxBucketTags = 50
	maxTagKey     = 128 // characters
	maxTagValue   = 256
)

// readTags reads tags as x-amz-tagging has them: as a query.
func readTags(v string) (map[string]string, error) {
	malformed := func() error {
		return errArgument("x-amz-tagging", v, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	query, err := url.ParseQuery(v)
	if err != nil {
		return nil, malformed()
	}
	tags := make(map[string]string, len(query))
	for k, values := range query {
		if len(values) != 1 {
			return nil, malformed()
		}
		tags[k] = values[0]
	}
	return tags, checkTags(tags, maxObjectTags)
}

// checkTags holds tags to S3's limits.
func checkTags(tags map[string]string, most int) error {
	if len(tags) > most {
		return errTag(fmt.Sprintf("Object tags cannot be greater than %d", most))
	}
	for k, v := range tags {
		switch {
		case k == "" || !utf8.ValidString(k) || utf8.RuneCountInString(k) > maxTagKey:
			return errTag("The TagKey you have provided is invalid")
		case !utf8.ValidString(v) || utf8.RuneCountInString(v) > maxTagValue:
			return errTag("The TagValue you have provided is invalid")
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return errTag("System tags cannot be added/updated by requester")
		}
	}
	return nil
}

func errTag(text string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidTag", Message: text}
}

type tag struct {
	Key   text
	Value text
}

type tagging struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
	TagSet  struct{ Tag []tag }
}

func newTagging(tags map[string]string) (out tagging) {
	for k, v := range tags {
		out.TagSet.Tag = append(out.TagSet.Tag, tag{text(k), text(v)})
	}
	slices.SortFunc(out.TagSet.Tag, func(a, b tag) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return out
}

// tagging reads the body of a request that sets tags.
func (x *exchange) tagging(most int) (map[string]string, error) {
	tags, sets := map[string]string{}, 0
	found, err := x.document(maxConfiguration, "Tagging", func(d *document, name string) error {
		if sets++; name != "TagSet" || sets > 1 {
			return errMalformedXML(fmt.Errorf("element %s", name))
		}
		return d.each(func(name string) error {
			if name != "Tag" {
				return errMalformedXML(fmt.Errorf("element %s", name))
			}
			return d.tag(tags)
		})
	})
	if err == nil && (!found || sets == 0) {
		err = errMalformedXML(errors.New("no tag set"))
	}
	if err != nil {
		return nil, err
	}
	return tags, checkTags(tags, most)
}

// tag reads one tag.
func (d *document) tag(tags map[string]string) error {
	key, value, keys := "", "", 0
	err := d.fields(func(name, text string) error {
		switch name {
		case "Key":
			key, keys = text, 1
		case "Value":
			value = text
		default:
			return errMalformedXML(fmt.Errorf("element %s in a tag", name))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if keys == 0 {
		return errMalformedXML(errors.New("a tag without a key"))
	}
	if _, twice := tags[key]; twice {
		return errTag("Cannot provide multiple Tags with the same key")
	}
	tags[key] = value
	return nil
}

// askObjectTagging asks with the tags that the body sets.
func (s *service) askObjectTagging(x *exchange) error {
	if err := x.keepBody(maxConfiguration); err != nil {
		return err
	}
	tags, err := x.tagging(maxObjectTags)
	if err != nil {
		return err
	}
	a := s.onVersion(x.target, x.call, x.op.actions)
	tagKeys(&a, tags)
	x.tags = tags
	if err := x.instead(newTagging(tags)); err != nil {
		return err
	}
	return x.call.Demand(x.r.Context(), a)
}

func (s *service) putObjectTagging(x *exchange) error {
	if err := x.permit(); err != nil {
		return err
	}
	return s.setTags(x, x.tags, http.StatusOK)
}

func (s *service) deleteObjectTagging(x *exchange) error {
	return s.setTags(x, nil, http.StatusNoContent)
}

func (s *service) setTags(x *exchange, tags map[string]string, status int) error {
	o, err := s.Objects.SetTags(x.r.Context(), x.ref(), tags)
	if err != nil {
		return s.missing(x, x.target, err)
	}
	x.setVersion(o.Version)
	x.w.WriteHeader(status)
	return nil
}

func (s *service) getObjectTagging(x *exchange) error {
	o, err := s.Objects.Head(x.r.Context(), x.ref())
	if err != nil {
		return s.missing(x, x.target, err)
	}
	x.setVersion(o.Version)
	return x.answer(newTagging(o.Tags))
}

func (s *service) putBucketTagging(x *exchange) error {
	tags, err := x.tagging(maxBucketTags)
	if err != nil {
		return err
	}
	return s.keep(x, "tagging", newTagging(tags))
}

// mayCopyTags asks whether the tags of a source may be copied, if they would
// be.
func (s *service) mayCopyTags(x *exchange, src *target) error {
	if x.r.Header.Get("X-Amz-Tagging-Directive") == "REPLACE" {
		return nil
	}
	tags, err := s.tagsOf(x.r.Context(), src)
	if err != nil || len(tags) == 0 {
		return err
	}
	for _, a := range s.copyTagging(x, src, tags) {
		if err := x.call.Demand(x.r.Context(), a); err != nil {
			return err
		}
	}
	return nil
}

// engineTags reads the tags of an object that an engine has.
func engineTags(ctx context.Context, e *upstream.Engine, t *target) (map[string]string, error) {
	if v := t.version(); v != "" && !e.Kind().HasVersion(v) {
		return nil, nil
	}
	var out struct {
		Tags []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	found, err := question(ctx, e, &upstream.Request{Method: http.MethodGet, Bucket: t.bucket, Key: t.key, Version: t.version(), Query: "tagging"}, &out)
	if err != nil || !found {
		return nil, err
	}
	tags, seen := make(map[string]string, len(out.Tags)), make(map[string]bool, len(out.Tags))
	for _, t := range out.Tags {
		if name := strings.ToLower(t.Key); seen[name] { // in condition keys, case does not count
			return nil, fmt.Errorf("the engine has two tags %q", name)
		} else {
			seen[name] = true
		}
		tags[t.Key] = t.Value
	}
	return tags, nil
}
