package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/thingpass/thingpass/objects"
)

const copySourceHeader = "X-Amz-Copy-Source"

// copySource reads the copy source header: bucket/key?versionId=id, with or
// without a slash in front. The parameter is what follows the first question mark
// that is not encoded. What is before it is decoded once, as a form is: S3 takes
// "+" for a blank (aws/aws-sdk-js#1821, aws/aws-cli#614), and the slash in front
// encoded, too (aws/aws-sdk-ruby#2545).
func copySource(r *http.Request) (*target, error) {
	v := r.Header.Get(copySourceHeader)
	path, query, _ := strings.Cut(v, "?")
	t := &target{level: onObject}
	if err := t.readQuery(query); err != nil {
		return nil, err
	}
	for name := range t.query {
		if name != versionParameter {
			return nil, errNotImplemented("x-amz-copy-source with " + query)
		}
	}
	path, err := url.QueryUnescape(path)
	if err != nil {
		return nil, errArgument("x-amz-copy-source", v, "Invalid copy source encoding.")
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || key == "" || !validBucket(bucket) {
		return nil, errArgument("x-amz-copy-source", v, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	t.bucket, t.key = bucket, key
	return t, checkKey(key)
}

// source opens the object that is copied from.
func (s *service) source(x *exchange) (o objects.Object, body *objects.Reader, err error) {
	t, err := copySource(x.r)
	if err != nil {
		return o, nil, err
	}
	o, body, err = s.Objects.Get(x.r.Context(), t.ref())
	if marker, ok := errors.AsType[*objects.MarkerError](err); ok && !marker.Current {
		return o, nil, errRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
	}
	if err != nil {
		return o, nil, s.missing(x, t, err)
	}
	if o.Version != "" {
		x.w.Header()["X-Amz-Copy-Source-Version-Id"] = []string{o.Version}
	}
	p := preconditions{prefix: "x-amz-copy-source-", header: x.r.Header}
	modified, err := p.hold(o)
	if err == nil && !modified {
		err = errPrecondition("x-amz-copy-source-If-None-Match or x-amz-copy-source-If-Modified-Since")
	}
	if err != nil {
		_ = body.Close()
		return o, nil, err
	}
	return o, body, nil
}

type copyResult struct {
	XMLName      xml.Name
	LastModified string
	ETag         string
	sums
	ChecksumType string `xml:",omitempty"`
}

func (s *service) copyObject(x *exchange) error {
	if err := checkNewKey(x.key); err != nil {
		return err
	}
	condition, err := writeCondition(x.r.Header)
	if err != nil {
		return err
	}
	o, body, err := s.source(x)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	opt := objects.PutOptions{Meta: o.Meta, Condition: condition, Length: o.Size, Permit: x.permit}
	opt.Meta.Checksums, opt.Meta.ChecksumType = nil, ""
	if opt.Meta.Tags, err = s.copiedTags(x, o.Tags); err != nil {
		return err
	}
	tags := opt.Meta.Tags
	if x.r.Header.Get("X-Amz-Metadata-Directive") == "REPLACE" {
		if opt.Meta, err = readMeta(x.r.Header); err != nil {
			return err
		}
		opt.Meta.Tags = tags
	} else if o.Name == x.name() && x.copiesOnto(o) {
		return errRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if o.Size > maxPut {
		return errRequest("The specified copy source is larger than the maximum allowable size for a copy source: 5368709120")
	}
	from := io.Reader(body)
	if name := x.r.Header.Get("X-Amz-Checksum-Algorithm"); name != "" {
		a, err := findAlgorithm(name)
		if err != nil {
			return err
		}
		from, opt.Checksums = tee(a, body)
		opt.Meta.ChecksumType = fullObject
	} else if o.ChecksumType == fullObject {
		opt.Meta.Checksums, opt.Meta.ChecksumType = o.Checksums, fullObject
	}
	done, err := s.Objects.Put(x.r.Context(), x.name(), from, opt)
	if err != nil {
		return err
	}
	x.setMade(done.Version)
	return x.answer(newCopyResult("CopyObjectResult", done.ETag, stamp(done.Modified), done.Meta))
}

// copiesOnto tells whether a copy of an object to itself would change nothing:
// it names the current version, and no other tags.
func (x *exchange) copiesOnto(o objects.Object) bool {
	return o.Latest && x.r.Header.Get("X-Amz-Tagging-Directive") != "REPLACE"
}

// copiedTags are the tags of a copy. Those of the source are copied unless the
// request says otherwise, which needs permission on both sides.
func (s *service) copiedTags(x *exchange, tags map[string]string) (map[string]string, error) {
	v := x.r.Header.Get(taggingHeader)
	switch {
	case x.r.Header.Get("X-Amz-Tagging-Directive") == "REPLACE":
		return readTags(v)
	case v != "":
		return nil, errArgument("x-amz-tagging", v, "The x-amz-tagging header needs x-amz-tagging-directive: REPLACE.")
	case len(tags) == 0:
		return nil, nil
	}
	src, err := copySource(x.r)
	if err == nil {
		err = s.mayCopyTags(x, src)
	}
	return tags, err
}

func newCopyResult(element, etag, modified string, meta objects.Meta) copyResult {
	return copyResult{
		XMLName: xml.Name{Space: namespace, Local: element}, LastModified: modified, ETag: quote(etag),
		sums: newSums(meta.Checksums), ChecksumType: meta.ChecksumType,
	}
}

// uploadPartCopy makes a part of another object or of a range of one.
func (s *service) uploadPartCopy(x *exchange) error {
	u, number, err := s.part(x)
	if err != nil {
		return err
	}
	o, body, err := s.source(x)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	run, err := copyRange(x.r.Header.Get("X-Amz-Copy-Source-Range"), o.Size)
	if err != nil {
		return err
	}
	if run.length > maxPut {
		return errTooLarge(run.length)
	}
	if _, err := body.Seek(run.offset, io.SeekStart); err != nil {
		return err
	}
	from, sums := io.LimitReader(body, run.length), func() map[string]string { return nil }
	if name := u.planned(); name != "" {
		a, err := findAlgorithm(name)
		if err != nil {
			return err
		}
		from, sums = tee(a, from)
	}
	p, err := s.Objects.PutPart(x.r.Context(), u.Upload, number, from, objects.PartOptions{Length: run.length, Checksums: sums, Permit: x.permit})
	if err != nil {
		return err
	}
	return x.answer(newCopyResult("CopyPartResult", p.ETag, stamp(p.Modified), objects.Meta{Checksums: p.Checksums}))
}

// copyRange reads x-amz-copy-source-range, which unlike Range must name a first
// and a last byte that exist. S3 says of one past the end that the argument is
// invalid, not the range (versity/versitygw#610).
func copyRange(header string, size int64) (span, error) {
	if header == "" {
		return span{length: size}, nil
	}
	set, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(set, "-")
	from, okFirst := digits(first)
	to, okLast := digits(last)
	if !ok || !dash || !okFirst || !okLast || to < from {
		return span{}, errArgument("x-amz-copy-source-range", header, "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	if to >= size {
		return span{}, errArgument("x-amz-copy-source-range", header, fmt.Sprintf("Range specified is not valid for source object of size: %d", size))
	}
	return span{offset: from, length: to - from + 1, partial: true}, nil
}
