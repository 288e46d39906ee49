package objects

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// CompleteUpload makes the chosen parts an object, in one transaction and
// without copying. Asking again with the same parts for an upload that became the
// present object answers that object, as a client does that lost the first answer.
func (s *Store) CompleteUpload(ctx context.Context, name Name, id string, chosen []Chosen, opt CompleteOptions) (Object, error) {
	var o Object
	var old, unused []Extent
	err := s.write.do(ctx, func(t *tx) (err error) {
		meta, err := t.uploadMeta(name, id)
		if err != nil {
			return err
		}
		o = Object{Name: name, Meta: meta, Modified: s.Now(), upload: id}
		if err := t.assemble(&o, chosen, opt); err != nil {
			return err
		}
		if opt.IfMatch != "" {
			o.upload += " " + opt.IfMatch
		}
		if old, err = t.publish(&o, nil, opt.Condition); err != nil {
			return err
		}
		files, err := t.endUpload(id)
		if err != nil {
			return err
		}
		unused = without(files, o.Parts)
		return t.removeBlobs(unused)
	})
	if errors.Is(err, ErrNoSuchUpload) {
		if o, again := s.Head(ctx, Ref{Name: name}); again == nil && o.completedFrom() == id {
			return o, wrap("complete upload", o.again(chosen, opt))
		}
	}
	if err != nil {
		return Object{}, wrap("complete upload", err)
	}
	s.drop(old)
	s.dropEach(unused)
	return o, nil
}

// completedFrom is the id of the upload that became the object, "" for none.
func (o *Object) completedFrom() string {
	id, _, _ := strings.Cut(o.upload, " ")
	return id
}

// again compares a completion with the one that made the object. If-None-Match is
// not asked again, as S3 does not (measured: getmoto/moto#9209): what is there is
// what the request made. If-Match holds where it was that of the first.
func (o *Object) again(chosen []Chosen, opt CompleteOptions) error {
	if len(chosen) != len(o.Parts) {
		return ErrInvalidPart
	}
	sum := md5.New()
	for i, c := range chosen {
		raw, err := hex.DecodeString(c.ETag)
		if p := o.Parts[i]; err != nil || p.Number != c.Number || !agree(c.Checksums, p.Checksums) {
			return fmt.Errorf("part %d: %w", c.Number, ErrInvalidPart)
		}
		_, _ = sum.Write(raw)
	}
	if wholeETag(sum, len(chosen)) != o.ETag {
		return ErrInvalidPart
	}
	_, first, _ := strings.Cut(o.upload, " ")
	if opt.IfMatch == "" || opt.IfMatch == first {
		return nil
	}
	return Condition{IfMatch: opt.IfMatch}.check(o)
}

// wholeETag is the ETag of an object of n parts, whose MD5s sum has.
func wholeETag(sum hash.Hash, n int) string { return fmt.Sprintf("%x-%d", sum.Sum(nil), n) }

// assemble checks the chosen parts and makes of them size, ETag and checksums.
func (t *tx) assemble(o *Object, chosen []Chosen, opt CompleteOptions) error {
	rows, err := t.query(`select number, blob, size, etag, modified, checksums from part
		where upload = ? order by number`, o.upload)
	if err != nil {
		return err
	}
	parts, err := scanParts(rows)
	if err != nil {
		return err
	}
	used, err := choose(parts, chosen)
	if err != nil {
		return err
	}
	sum := md5.New()
	for _, p := range used {
		raw, err := hex.DecodeString(p.ETag)
		if err != nil {
			return fmt.Errorf("index: part etag: %w", err)
		}
		_, _ = sum.Write(raw)
		o.Size += p.Size
		o.Parts = append(o.Parts, Extent{Size: p.Size, Number: p.Number, Checksums: p.Checksums, blob: p.blob})
	}
	o.ETag = wholeETag(sum, len(used))
	if opt.Checksums != nil {
		o.Meta.Checksums, o.Meta.ChecksumType, err = opt.Checksums(used)
	}
	return err
}

// choose finds the chosen among the parts, which are in ascending order.
func choose(parts []Part, chosen []Chosen) (used []Part, err error) {
	if len(chosen) == 0 {
		return nil, ErrInvalidPart
	}
	last := 0
	for _, c := range chosen {
		if c.Number <= last {
			return nil, ErrInvalidPartOrder
		}
		last = c.Number
	}
	for _, c := range chosen {
		for len(parts) > 0 && parts[0].Number < c.Number {
			parts = parts[1:]
		}
		if len(parts) == 0 || parts[0].Number != c.Number || parts[0].ETag != c.ETag || !agree(c.Checksums, parts[0].Checksums) {
			return nil, fmt.Errorf("part %d: %w", c.Number, ErrInvalidPart)
		}
		used = append(used, parts[0])
	}
	for _, p := range used[:len(used)-1] {
		if p.Size < MinPartSize {
			return nil, fmt.Errorf("part %d: %w", p.Number, ErrEntityTooSmall)
		}
	}
	return used, nil
}

// agree reports whether a part has the checksums that it is said to have.
func agree(want, have map[string]string) bool {
	for name, value := range want {
		if have[name] != value {
			return false
		}
	}
	return true
}

func without(blobs, used []Extent) (unused []Extent) {
	keep := make(map[string]bool, len(used))
	for _, e := range used {
		keep[e.blob] = true
	}
	for _, e := range blobs {
		if !keep[e.blob] {
			unused = append(unused, e)
		}
	}
	return unused
}
