package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/upstream"
)

// Engines that take no trailers are not told of the checksums of an upload: see
// checksumOfUpload. What a client says of them is held against the parts here, as
// the embedded store does. The parts were verified when they came, so that what
// was verified has to be kept until the upload is completed, wherever its next
// request comes in.

// Uploads keeps what is known of such uploads.
type Uploads interface {
	Upload(ctx context.Context, id string) (thingpass.Upload, error) // NotFound for one of which nothing is known
	SaveUpload(ctx context.Context, u thingpass.Upload) error
	PutUploadPart(ctx context.Context, id, owner string, p thingpass.UploadPart) error
	UploadParts(ctx context.Context, id string) ([]thingpass.UploadPart, error)
}

// verifies reports whether checksums of uploads are for us to look at.
func (f *forwarding) verifies() bool { return !f.engine.Kind().Trailers() }

// knownUpload finds what is known of an upload: of one that is not, its names.
func (f *forwarding) knownUpload(id string) (thingpass.Upload, error) {
	h := sha256.New()
	for _, s := range []string{f.bucket, f.key, id} {
		_, _ = h.Write([]byte(s + "\x00")) // which neither has
	}
	name := hex.EncodeToString(h.Sum(nil))
	u, err := f.s.Uploads.Upload(f.r.Context(), name)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return thingpass.Upload{ID: name, Owner: f.call.Principal.UniqueID}, nil
	}
	return u, err
}

// planOf is an upload as the embedded store would have it
func planOf(u thingpass.Upload) upload {
	if u.Algorithm == "" {
		return upload{}
	}
	return upload{objects.Upload{Meta: objects.Meta{Checksums: map[string]string{u.Algorithm: ""}, ChecksumType: u.ChecksumType}}}
}

// beginUpload forwards a CreateMultipartUpload, and keeps the checksum that it
// plans.
func (f *forwarding) beginUpload() error {
	algorithm, kind, err := checksumPlan(f.r.Header.Get("X-Amz-Checksum-Algorithm"), f.r.Header.Get("X-Amz-Checksum-Type"))
	if err != nil {
		return err
	}
	q, err := f.request()
	if err != nil {
		return err
	}
	for _, name := range []string{"X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type"} {
		if v := q.Header.Get(name); v != "" {
			q.Header.Set(name, strings.ToUpper(v))
		}
	}
	done, err := f.body(q)
	if err != nil {
		return err
	}
	defer done()
	if algorithm.Name == "" || !f.verifies() {
		return f.passOn(q)
	}
	a, err := f.send(q)
	if err != nil {
		return err
	}
	defer a.Close()
	document, err := f.read(a)
	if err != nil {
		return err
	}
	var out initiateMultipartUploadResult
	if err := xml.Unmarshal(document, &out); err != nil || out.UploadId == "" {
		return errEngineDown(errors.Join(errors.New("the engine names no upload"), err))
	}
	u, err := f.knownUpload(out.UploadId)
	if err != nil {
		return err
	}
	u.Algorithm, u.ChecksumType = algorithm.Name, kind
	if err := f.s.Uploads.SaveUpload(f.r.Context(), u); err != nil {
		return err
	}
	f.describeAnswer(a)
	f.w.Header().Set("X-Amz-Checksum-Algorithm", strings.ToUpper(algorithm.Name))
	f.w.Header().Set("X-Amz-Checksum-Type", kind)
	return f.answer(initiateMultipartUploadResult{Bucket: f.bucket, Key: text(f.key), UploadId: out.UploadId})
}

// uploadPart forwards a part, and keeps the checksum that it was verified with.
func (f *forwarding) uploadPart() error {
	number, err := f.partNumber()
	if err != nil {
		return err
	}
	if !f.verifies() {
		return f.plain()
	}
	u, err := f.knownUpload(f.query.Get(uploadParameter))
	if err != nil {
		return err
	}
	q, err := f.request()
	if err != nil {
		return err
	}
	f.plan = planOf(u)
	done, err := f.body(q)
	if err != nil {
		return err
	}
	defer done()
	size := q.Length
	a, err := f.send(q)
	if err != nil {
		return err
	}
	defer a.Close()
	if sums := f.verified.Checksums(); a.Status == http.StatusOK && len(sums) > 0 {
		name := f.verified.Claims()
		if name == "" {
			name = u.Algorithm
		}
		p := thingpass.UploadPart{Number: number, ETag: bareETag(a.Header.Get("Etag"), strong), Size: size, Algorithm: name, Checksum: sums[name]}
		if err := f.s.Uploads.PutUploadPart(f.r.Context(), u.ID, u.Owner, p); err != nil {
			return err
		}
		f.setChecksums(map[string]string{name: sums[name]}, "")
	}
	return f.relay(a)
}

// completing is a completion that we look at.
type completing struct {
	upload thingpass.Upload
	said   string // what parts it has
	meta   objects.Meta
}

// completion holds a completion against what is known of the parts, and against
// the completion that there has been.
func (f *forwarding) completion(chosen []objects.Chosen) (c completing, err error) {
	if !f.verifies() {
		return c, nil
	}
	if c.upload, err = f.knownUpload(f.query.Get(uploadParameter)); err != nil {
		return c, err
	}
	c.said = partsText(chosen)
	first, _, _ := strings.Cut(c.upload.Ended, " ")
	if first != "" && first != c.said {
		return c, objects.ErrInvalidPart
	}
	known, err := f.s.Uploads.UploadParts(f.r.Context(), c.upload.ID)
	if err != nil {
		return c, err
	}
	plan := planOf(c.upload)
	parts, all, err := plan.match(chosen, known)
	if err != nil {
		return c, err
	}
	if all {
		c.meta.Checksums, c.meta.ChecksumType, err = f.finalChecksums(plan)(parts)
		return c, err
	}
	if err := plan.sameType(f.r.Header.Get("X-Amz-Checksum-Type")); err != nil {
		return c, err
	}
	for _, name := range checksumHeaders {
		if f.r.Header.Get(name) != "" {
			return c, errNotImplemented(strings.ToLower(name) + " of parts whose checksums are not known, on the storage of this bucket")
		}
	}
	return c, f.sameSize(chosen)
}

// partsText tells which parts a completion has.
func partsText(chosen []objects.Chosen) string {
	h := sha256.New()
	for _, c := range chosen {
		_, _ = fmt.Fprintf(h, "%d %q\n", c.Number, c.ETag)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// match finds the chosen among the parts that are known; all is false when some
// are not, as copies are. A checksum that cannot be compared is a wrong one.
func (u upload) match(chosen []objects.Chosen, known []thingpass.UploadPart) (parts []objects.Part, all bool, err error) {
	byNumber := make(map[int]thingpass.UploadPart, len(known))
	for _, p := range known {
		byNumber[p.Number] = p
	}
	var found []objects.Chosen
	for _, c := range chosen {
		p, ok := byNumber[c.Number]
		part := objects.Part{Number: c.Number, ETag: c.ETag}
		if ok && p.ETag == c.ETag {
			part.Size, part.Checksums = p.Size, map[string]string{p.Algorithm: p.Checksum}
			found = append(found, c)
		}
		for name, sum := range c.Checksums {
			if part.Checksums[name] != sum {
				return nil, false, fmt.Errorf("checksum of part %d: %w", c.Number, objects.ErrInvalidPart)
			}
		}
		parts = append(parts, part)
	}
	return parts, len(found) == len(chosen), u.claimed(found)
}

// sameSize holds the size that a completion says against the parts that the engine
// has.
func (f *forwarding) sameSize(chosen []objects.Chosen) error {
	said := f.r.Header.Get(sizeHeader)
	if said == "" {
		return nil
	}
	sizes, err := f.partSizes()
	if err != nil {
		return err
	}
	total := int64(0)
	for _, c := range chosen {
		total += sizes[c.Number]
	}
	return sameSize(said, total)
}

// partSizes asks the engine how many bytes the parts of an upload have.
func (f *forwarding) partSizes() (map[int]int64, error) {
	sizes, marker := map[int]int64{}, 0
	for {
		var out struct {
			NextPartNumberMarker int
			IsTruncated          bool
			Part                 []struct {
				PartNumber int
				Size       int64
			}
		}
		q := &upstream.Request{Method: http.MethodGet, Bucket: f.bucket, Key: f.key, Upload: f.query.Get(uploadParameter),
			Query: "max-parts=1000&part-number-marker=" + strconv.Itoa(marker)}
		if err := f.ask(q, &out); err != nil {
			return nil, err
		}
		for _, p := range out.Part {
			sizes[p.PartNumber] = p.Size
		}
		if !out.IsTruncated || out.NextPartNumberMarker <= marker {
			return sizes, nil
		}
		marker = out.NextPartNumberMarker
	}
}

// completed keeps what an upload was completed with.
func (f *forwarding) completed(c completing, etag string) {
	if !f.verifies() {
		return
	}
	c.upload.Ended = c.said + " " + etag
	if err := f.s.Uploads.SaveUpload(f.r.Context(), c.upload); err != nil {
		f.call.Note("the completion could not be kept: " + err.Error()) // the object is there all the same
	}
}

// completedBefore answers a completion that has been, if its object is still
// there: a client that lost the first answer asks again.
func (f *forwarding) completedBefore(c completing) (out completeResult, ok bool) {
	_, etag, again := strings.Cut(c.upload.Ended, " ")
	if !again {
		return out, false
	}
	a, err := f.send(&upstream.Request{Method: http.MethodHead, Bucket: f.bucket, Key: f.key})
	if err != nil {
		return out, false
	}
	defer a.Close()
	if a.Status != http.StatusOK || bareETag(a.Header.Get("Etag"), strong) != etag {
		return out, false
	}
	f.setMade(a.Header.Get(versionHeader))
	out.ETag = quote(etag)
	return out, true
}
