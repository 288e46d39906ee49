package objects

import (
	"context"
	"crypto/md5"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/checksum"
)

// verifyPage is how many rows are read from the index at once: a longer snapshot
// would keep a server from emptying its log.
const verifyPage = 200

const (
	verifyColumns = `select b.id, b.name, o.key, o.seq, o.version, o.marker, o.size, o.etag, o.modified, o.extents, o.content, o.meta, o.upload, c.bytes from `
	verifyJoin    = ` o join bucket b on b.id = o.bucket left join content c on c.id = o.content where `

	verifyCurrent    = verifyColumns + "object" + verifyJoin + "(o.bucket, o.key) > (?, ?) order by o.bucket, o.key limit ?"
	verifyNoncurrent = verifyColumns + "noncurrent" + verifyJoin + "(o.bucket, o.key, o.version) > (?, ?, ?) order by o.bucket, o.key, o.version limit ?"
	verifyAgain      = verifyColumns + "object" + verifyJoin + "o.bucket = ?1 and o.key = ?2 and o.version = ?3 union all " +
		verifyColumns + "noncurrent" + verifyJoin + "o.bucket = ?1 and o.key = ?2 and o.version = ?3"
	verifyParts = `select b.name, u.key, p.upload, p.number, p.blob, p.size, p.etag, p.checksums
		from part p join upload u on u.id = p.upload join bucket b on b.id = u.bucket
		where (p.upload, p.number) > (?, ?) order by p.upload, p.number limit ?`
)

// verified is a version as the index has it.
type verified struct {
	Object
	bucket  int64
	id      string // "" for the null version
	content int64  // 0 for none
	bytes   []byte // nil for none
	files   string // its extents as they are stored
	bad     error  // the row itself cannot be read
}

func (v *verification) current(ctx context.Context) error {
	for bucket, key := int64(-1), ""; ; {
		page, err := v.page(ctx, verifyCurrent, bucket, []byte(key), verifyPage)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := v.each(ctx, page); err != nil {
			return err
		}
		last := page[len(page)-1]
		bucket, key = last.bucket, last.Key
	}
}

func (v *verification) noncurrent(ctx context.Context) error {
	for bucket, key, id := int64(-1), "", ""; ; {
		page, err := v.page(ctx, verifyNoncurrent, bucket, []byte(key), id, verifyPage)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := v.each(ctx, page); err != nil {
			return err
		}
		last := page[len(page)-1]
		bucket, key, id = last.bucket, last.Key, last.id
	}
}

func (v *verification) page(ctx context.Context, query string, args ...any) (page []*verified, err error) {
	err = v.read.with(ctx, func(s *session) error {
		rows, err := s.query(query, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var r scanned
			var key []byte
			o := &verified{}
			var name Name
			if err := rows.Scan(append([]any{&o.bucket, &name.Bucket, &key}, r.into(&o.bytes)...)...); err != nil {
				return err
			}
			name.Key = string(key)
			o.id, o.content, o.files = r.version.String, r.content.Int64, r.extents.String
			o.Object, o.bad = r.object(name)
			page = append(page, o)
		}
		return rows.Err()
	})
	return page, err
}

func (v *verification) each(ctx context.Context, page []*verified) error {
	for _, o := range page {
		for {
			problems, err := v.check(ctx, o)
			if err != nil {
				return err
			}
			if len(problems) == 0 {
				break
			}
			again, err := v.page(ctx, verifyAgain, o.bucket, []byte(o.Key), o.id)
			if err != nil {
				return err
			}
			if len(again) == 0 {
				break // removed meanwhile
			}
			if again[0].files == o.files && again[0].content == o.content && again[0].ETag == o.ETag {
				for i := range problems {
					problems[i].Bucket, problems[i].Key, problems[i].Version = o.Name.Bucket, o.Key, Enabled.show(o.id)
				}
				v.add(problems)
				break
			}
			o = again[0] // written anew meanwhile
		}
		v.step()
	}
	return nil
}

// check reads an object and returns what is wrong with it. The error is one
// that ends the verification.
func (v *verification) check(ctx context.Context, o *verified) (problems []Problem, err error) {
	whole := newSums(nil)
	if o.ChecksumType == "FULL_OBJECT" {
		whole = newSums(o.Checksums)
	}
	size, etag := int64(len(o.bytes)), ""
	switch {
	case o.bad != nil:
		return []Problem{{Text: o.bad.Error()}}, nil
	case o.Marker:
		return nil, nil
	case o.content != 0 && o.bytes == nil:
		return []Problem{{Text: "its bytes are missing from the index"}}, nil
	case len(o.Parts) == 0:
		_, _ = whole.Write(o.bytes)
		v.Bytes += size
		etag = whole.md5()
	default:
		var readable bool
		if etag, readable, problems, err = v.checkFiles(ctx, o, whole); err != nil || !readable {
			return problems, err
		}
		for _, e := range o.Parts {
			size += e.Size
		}
	}
	file := ""
	if len(o.Parts) == 1 {
		file = v.path(o.Parts[0].blob)
	}
	if size != o.Size {
		problems = append(problems, Problem{File: file, Text: fmt.Sprintf("it has %d bytes, not %d", size, o.Size)})
	}
	if etag != o.ETag {
		problems = append(problems, Problem{File: file, Text: fmt.Sprintf("the ETag of its bytes is %s, not %s", etag, o.ETag)})
	}
	for _, text := range whole.differ() {
		problems = append(problems, Problem{File: file, Text: text})
	}
	return problems, nil
}

// checkFiles reads the files of an object into whole, all of them, whatever is
// wrong with one. What is not readable has no ETag.
func (v *verification) checkFiles(ctx context.Context, o *verified, whole *sums) (etag string, readable bool, problems []Problem, err error) {
	parts := md5.New()
	readable = true
	for _, e := range o.Parts {
		part := newSums(e.Checksums)
		texts, err := v.checkFile(ctx, e, io.MultiWriter(whole, part))
		if err != nil {
			return "", false, nil, err
		}
		if len(texts) == 0 {
			texts = part.differ()
		} else {
			readable = false
		}
		for _, text := range texts {
			problems = append(problems, Problem{Part: e.Number, File: v.path(e.blob), Text: text})
		}
		_, _ = parts.Write(part.all[""].Sum(nil))
	}
	switch {
	case !readable:
		return "", false, problems, nil
	case o.Parts[0].Number > 0:
		return compositeETag(parts, len(o.Parts), o.ETag), true, problems, nil
	}
	return whole.md5(), true, problems, nil
}

// compositeETag is the ETag of n parts. Earlier releases did not keep a last
// part that was empty, but counted it.
func compositeETag(parts hash.Hash, n int, stored string) string {
	if _, count, _ := strings.Cut(stored, "-"); count == strconv.Itoa(n+1) {
		empty := md5.Sum(nil)
		_, _ = parts.Write(empty[:])
		n++
	}
	return fmt.Sprintf("%x-%d", parts.Sum(nil), n)
}

// checkFile reads the file of an extent into w.
func (v *verification) checkFile(ctx context.Context, e Extent, w io.Writer) (problems []string, err error) {
	if e.blob == "" {
		return nil, nil // an empty part
	}
	named, err := v.named(ctx, e.blob)
	if err != nil {
		return nil, err
	}
	if !named {
		problems = append(problems, "its file is not named in order: the next start would remove it")
	}
	f, err := os.Open(v.path(e.blob))
	if errors.Is(err, fs.ErrNotExist) {
		return append(problems, "its file is missing"), nil
	}
	if err != nil {
		return append(problems, err.Error()), nil
	}
	defer func() { _ = f.Close() }()
	size := int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := f.Read(v.buf)
		_, _ = w.Write(v.buf[:n])
		size += int64(n)
		v.Bytes += int64(n)
		if err == io.EOF { //nolint:errorlint // os.File returns it bare
			break
		}
		if err != nil {
			return append(problems, err.Error()), nil
		}
	}
	v.tell()
	if size != e.Size {
		problems = append(problems, fmt.Sprintf("its file has %d bytes, not %d", size, e.Size))
	}
	return problems, nil
}

// parts verifies the parts of unfinished uploads.
func (v *verification) parts(ctx context.Context) error {
	for at := (partRow{}); ; {
		page, err := v.partPage(ctx, at)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			if err := v.checkPart(ctx, p); err != nil {
				return err
			}
			v.step()
		}
		at = page[len(page)-1]
	}
}

type partRow struct {
	Part
	name   Name
	upload string
}

func (v *verification) partPage(ctx context.Context, after partRow) (page []partRow, err error) {
	err = v.read.with(ctx, func(s *session) error {
		rows, err := s.query(verifyParts, after.upload, after.Number, verifyPage)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var p partRow
			var key []byte
			var sums string
			if err := rows.Scan(&p.name.Bucket, &key, &p.upload, &p.Number, &p.blob, &p.Size, &p.ETag, &sums); err != nil {
				return err
			}
			p.name.Key = string(key)
			if p.Checksums, err = decodeSums(sums); err != nil {
				return err
			}
			page = append(page, p)
		}
		return rows.Err()
	})
	return page, err
}

func (v *verification) checkPart(ctx context.Context, p partRow) error {
	sums := newSums(p.Checksums)
	texts, err := v.checkFile(ctx, Extent{Size: p.Size, blob: p.blob}, sums)
	if err != nil {
		return err
	}
	if len(texts) == 0 {
		texts = sums.differ()
		if sums.md5() != p.ETag {
			texts = append(texts, fmt.Sprintf("the ETag of its bytes is %s, not %s", sums.md5(), p.ETag))
		}
	}
	if len(texts) == 0 {
		return nil
	}
	var same bool
	err = v.read.get(ctx, `select blob = ? from part where upload = ? and number = ?`, []any{p.blob, p.upload, p.Number}, []any{&same})
	if errors.Is(err, sql.ErrNoRows) || err == nil && !same {
		return nil // removed or replaced meanwhile; a replacement was synced a moment ago
	}
	var problems []Problem
	for _, text := range texts {
		problems = append(problems, Problem{Bucket: p.name.Bucket, Key: p.name.Key, Upload: p.upload, Part: p.Number, File: v.path(p.blob), Text: text})
	}
	v.add(problems)
	return err
}

// sums computes the MD5 of what is written to it, and the checksums that are
// expected.
type sums struct {
	want map[string]string
	all  map[string]hash.Hash // MD5 as ""
}

func newSums(want map[string]string) *sums {
	s := &sums{want: want, all: map[string]hash.Hash{"": md5.New()}}
	for name := range want {
		if a, ok := checksum.Find(name); ok {
			s.all[name] = a.New()
		}
	}
	return s
}

func (s *sums) Write(p []byte) (int, error) {
	for _, h := range s.all {
		_, _ = h.Write(p)
	}
	return len(p), nil
}

func (s *sums) md5() string { return hex.EncodeToString(s.all[""].Sum(nil)) }

func (s *sums) differ() (texts []string) {
	for name, want := range s.want {
		if h := s.all[name]; h != nil {
			if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want {
				texts = append(texts, fmt.Sprintf("the %s of the bytes is %s, not %s", name, got, want))
			}
		}
	}
	return texts
}
