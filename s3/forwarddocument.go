package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/thingpass/thingpass/checksum"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/upstream"
	"github.com/thingpass/thingpass/wire"
)

// setDocument gives a request a body that was made here.
func setDocument(q *upstream.Request, text string) {
	body := []byte(text)
	sum := md5.Sum(body)
	q.Body, q.Length, q.Hash = bytes.NewReader(body), int64(len(body)), sigv4.PayloadHash(body)
	q.Header.Set("Content-Type", "application/xml")
	q.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:])) // AWS wants it of deletions
}

// copy forwards a copy within an engine, with the source as it was authorised.
func (f *forwarding) copy() error {
	src, err := copySource(f.r)
	if err != nil {
		return err
	}
	if upstream.Pick(f.s.Engines, src.bucket) != f.engine {
		return errOtherEngine()
	}
	kind := f.engine.Kind()
	why := kind.Refuses(src.bucket, src.key)
	if why == "" && f.op.name == "UploadPartCopy" {
		why = kind.RefusesPartSource(src.key)
	}
	if why != "" {
		return errEngineRefuses(src.bucket, src.key, why)
	}
	if err := f.versionOf(src); err != nil {
		return err
	}
	q, err := f.request()
	if err != nil {
		return err
	}
	if f.op.name == "CopyObject" {
		if err := f.copiedTags(src); err != nil {
			return err
		}
	}
	if err := f.partSource(src); err != nil {
		return err
	}
	q.Source = &upstream.Object{Bucket: src.bucket, Key: src.key, Version: src.version()}
	q.Thinks = true
	a, err := f.send(q)
	if err != nil {
		return err
	}
	defer a.Close()
	text, err := f.read(a)
	a.Close() // the engine may take one request at a time
	if err == nil {
		err = f.partSource(src)
	}
	if err != nil {
		return err
	}
	f.describeAnswer(a)
	f.w.Header().Set("Content-Type", "application/xml")
	f.w.WriteHeader(a.Status)
	_, err = f.w.Write(text)
	return err
}

// copiedTags asks about the tags that a copy has. Those of the request it has
// only where the engine looks at the directive: another would copy the source's,
// and nobody would have been asked about them.
func (f *forwarding) copiedTags(src *target) error {
	v := f.r.Header.Get(taggingHeader)
	switch {
	case f.r.Header.Get("X-Amz-Tagging-Directive") == "REPLACE":
		if !f.engine.Kind().ReplacesTags() {
			return errNotImplemented("x-amz-tagging-directive: REPLACE on the storage of this bucket")
		}
	case v != "":
		return errArgument("x-amz-tagging", v, "The x-amz-tagging header needs x-amz-tagging-directive: REPLACE.")
	}
	return f.s.mayCopyTags(f.exchange, src)
}

// complete forwards the completion of an upload. The list of parts is made
// anew: without checksums for an engine that was not told of any.
func (f *forwarding) complete() error {
	parts, err := f.completedParts()
	if err != nil {
		return err
	}
	c, err := f.completion(parts)
	if err != nil {
		return err
	}
	q, err := f.request()
	if err != nil {
		return err
	}
	setDocument(q, completion(parts, f.engine.Kind().Trailers()))
	q.Thinks = true
	if err := f.permit(); err != nil {
		return err
	}
	a, err := f.send(q)
	if err != nil {
		return err
	}
	defer a.Close()
	out, err := f.completeAnswer(a)
	if e, refused := errors.AsType[*wire.Error](err); refused && e.Code == "NoSuchUpload" {
		if before, ok := f.completedBefore(c); ok {
			out, err = before, nil
		}
	}
	if err != nil {
		return err
	}
	if c.upload.Ended == "" {
		f.completed(c, bareETag(out.ETag, strong))
	}
	if f.verifies() {
		out.sums, out.ChecksumType = newSums(c.meta.Checksums), c.meta.ChecksumType
	}
	out.XMLName = xml.Name{}
	out.Location, out.Bucket, out.Key = f.location(), f.bucket, text(f.key)
	return f.answer(out)
}

// completeAnswer reads what an engine says of a completion.
func (f *forwarding) completeAnswer(a *upstream.Answer) (out completeResult, err error) {
	document, err := f.read(a)
	if err != nil {
		return out, err
	}
	if err := xml.Unmarshal(document, &out); err != nil {
		return out, errEngineDown(err)
	}
	f.describeAnswer(a)
	return out, nil
}

func completion(parts []objects.Chosen, checksums bool) string {
	var b strings.Builder
	b.WriteString(`<CompleteMultipartUpload xmlns="` + namespace + `">`)
	for _, p := range parts {
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag>", p.Number, escapeXML(quote(p.ETag)))
		for _, name := range checksum.Names() {
			if v := p.Checksums[name]; v != "" && checksums {
				fmt.Fprintf(&b, "<Checksum%[1]s>%[2]s</Checksum%[1]s>", strings.ToUpper(name), escapeXML(v))
			}
		}
		b.WriteString("</Part>")
	}
	b.WriteString("</CompleteMultipartUpload>")
	return b.String()
}

// deleteObjects has the engine delete the keys that may be deleted, and puts
// together what it says of them with what was refused here.
func (f *forwarding) deleteObjects() error {
	in, err := f.deletion()
	if err != nil {
		return err
	}
	failed, denied := make([]error, len(in.entries)), 0
	f.exchange.ahead = f.readAhead(in.entries)
	var list strings.Builder
	list.WriteString(`<Delete xmlns="` + namespace + `">`)
	for i, entry := range in.entries {
		if failed[i] = f.mayDelete(entry); failed[i] != nil {
			denied++
			continue
		}
		list.WriteString("<Object><Key>" + escapeXML(entry.key) + "</Key>")
		if entry.version != "" {
			list.WriteString("<VersionId>" + escapeXML(entry.version) + "</VersionId>")
		}
		list.WriteString(entry.conditions())
		list.WriteString("</Object>")
	}
	list.WriteString("</Delete>")
	f.call.Note(fmt.Sprintf("%d of %d keys refused", denied, len(in.entries)))
	out := forwardedDeletes{}
	if denied < len(in.entries) {
		q, err := f.request()
		if err != nil {
			return err
		}
		f.replaceDocument(q, list.String())
		if err := f.ask(q, &out); err != nil {
			return err
		}
	}
	out.XMLName = xml.Name{}
	if in.quiet {
		out.Deleted = nil
	}
	for i, e := range out.Error {
		code := f.entryCode(e)
		out.Error[i].Code, out.Error[i].Message = code, explain(code)
	}
	for i, e := range failed {
		if e == nil {
			continue
		}
		shown, ok := errors.AsType[*wire.Error](e)
		if !ok {
			shown = toWire(e)
		}
		out.Error = append(out.Error, deleteFailure{text(in.entries[i].key), in.entries[i].version, shown.Code, shown.Message})
	}
	return f.answer(out)
}

// entryCode is how an engine's error about one of several keys is told. Nothing
// but the lock of a version denies a deletion for another reason than our keys.
func (f *forwarding) entryCode(e deleteFailure) string {
	answered := upstream.Answered{Status: http.StatusForbidden, Code: e.Code}
	switch {
	case answered.Ours() || answered.Denied() && e.VersionId == "":
		f.engine.Refused(f.r.Context(), answered)
		return "SlowDown"
	case hidesAbsence(e.Code) && !f.mayKnow():
		return "AccessDenied"
	case !isCode(e.Code):
		return "InternalError"
	}
	return e.Code
}

// mayDelete tells why a key must not be deleted.
func (f *forwarding) mayDelete(entry deleteEntry) error {
	if err := f.s.mayDelete(f.exchange, entry); err != nil {
		return err
	}
	if why := f.engine.Kind().Refuses(f.bucket, entry.key); why != "" {
		return errEngineRefuses(f.bucket, entry.key, why)
	}
	for name, given := range map[string]bool{"If-Match": entry.condition.IfMatch != "", "X-Amz-If-Match-Size": entry.condition.IfSize != nil,
		"X-Amz-If-Match-Last-Modified-Time": !entry.condition.IfModified.IsZero()} {
		if given && !f.engine.Kind().Honours(f.op.name, name) {
			return errNotImplemented("a condition of a deletion on the storage of this bucket")
		}
	}
	return f.versionOf(entry.target(f.exchange))
}

// forwardedDeletes is what an engine says of deletions.
type forwardedDeletes struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []struct {
		Key                   text
		VersionId             string `xml:",omitempty"`
		DeleteMarker          string `xml:",omitempty"`
		DeleteMarkerVersionId string `xml:",omitempty"`
	}
	Error []deleteFailure
}

// wantedLocation reads the document of a CreateBucket.
func (f *forwarding) wantedLocation() (location string, err error) {
	_, err = f.document(maxConfiguration, "CreateBucketConfiguration", func(d *document, name string) (err error) {
		if name != "LocationConstraint" {
			return errNotImplemented(name)
		}
		location, err = d.text()
		return err
	})
	return location, err
}

type locationConstraint struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
	Region  string   `xml:",chardata"`
}

func newLocation(region string) locationConstraint {
	if region == classicRegion {
		region = ""
	}
	return locationConstraint{Region: region}
}
