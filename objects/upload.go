package objects

import (
	"context"
	"crypto/md5"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Upload is an unfinished multipart upload.
type Upload struct {
	Name
	Meta
	ID      string
	Created time.Time
}

// Part is an uploaded part.
type Part struct {
	Number    int
	Size      int64
	ETag      string
	Modified  time.Time
	Checksums map[string]string

	blob string
}

// Chosen names a part that an upload is completed with.
type Chosen struct {
	Number    int
	ETag      string
	Checksums map[string]string // compared where given and where the part has one
}

// CompleteOptions says how an upload becomes an object.
type CompleteOptions struct {
	Condition
	// Checksums, if set, makes the object's checksums and their type from
	// those of its parts.
	Checksums func(parts []Part) (sums map[string]string, kind string, err error)
}

// CreateUpload begins a multipart upload. Its Meta becomes the object's.
func (s *Store) CreateUpload(ctx context.Context, name Name, meta Meta) (Upload, error) {
	if err := checkKey(name.Key); err != nil {
		return Upload{}, wrap("create upload", err)
	}
	u := Upload{Name: name, Meta: meta, ID: randomName(), Created: s.Now()}
	err := s.write.do(ctx, func(tx *sql.Tx) error {
		id, err := bucketID(tx, name.Bucket)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`insert into upload (bucket, key, id, created, meta) values (?, ?, ?, ?, ?)`,
			id, []byte(name.Key), u.ID, u.Created.UnixNano(), encode(u.Meta))
		return err
	})
	return u, wrap("create upload", err)
}

// Upload finds an unfinished upload.
func (s *Store) Upload(ctx context.Context, name Name, id string) (Upload, error) {
	u := Upload{Name: name, ID: id}
	var created sql.NullInt64
	var meta sql.NullString
	err := s.read.QueryRowContext(ctx, `select u.created, u.meta from bucket b
		left join upload u on u.bucket = b.id and u.key = ? and u.id = ? where b.name = ?`,
		[]byte(name.Key), id, name.Bucket).Scan(&created, &meta)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Upload{}, ErrNoSuchBucket
	case err != nil:
		return Upload{}, wrap("read upload", err)
	case !created.Valid:
		return Upload{}, ErrNoSuchUpload
	}
	u.Created = time.Unix(0, created.Int64).UTC()
	if err := json.Unmarshal([]byte(meta.String), &u.Meta); err != nil {
		return Upload{}, fmt.Errorf("index: meta: %w", err)
	}
	return u, nil
}

// PartOptions is what a part is stored with; see PutOptions.
type PartOptions struct {
	Checksums func() map[string]string
	Permit    func() error
}

// PutPart stores a part of an upload, replacing one of the same number.
func (s *Store) PutPart(ctx context.Context, u Upload, number int, body io.Reader, opt PartOptions) (Part, error) {
	if number < 1 || number > MaxPart {
		return Part{}, wrap("put part", ErrPartNumber)
	}
	if _, err := s.Upload(ctx, u.Name, u.ID); err != nil {
		return Part{}, wrap("put part", err)
	}
	b, err := s.store(ctx, body)
	if err != nil {
		return Part{}, wrap("put part", err)
	}
	p := Part{Number: number, Size: b.size, ETag: b.etag(), Modified: s.Now(), blob: b.name}
	if opt.Checksums != nil {
		p.Checksums = opt.Checksums()
	}
	if err := permitted(opt.Permit); err != nil {
		s.discard(b)
		return Part{}, wrap("put part", err)
	}
	var old []Extent
	err = s.write.do(ctx, func(tx *sql.Tx) (err error) {
		old, err = publishPart(tx, u, p)
		return err
	})
	if err != nil {
		if !errors.Is(err, errUnsure) {
			s.discard(b)
		}
		return Part{}, wrap("put part", err)
	}
	s.dropEach(old)
	return p, nil
}

func publishPart(tx *sql.Tx, u Upload, p Part) (old []Extent, err error) {
	if _, err := uploadMeta(tx, u.Name, u.ID); err != nil {
		return nil, err
	}
	old, err = queryBlobs(tx, `select blob, size from part where upload = ? and number = ?`, u.ID, p.Number)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(`insert or replace into part (upload, number, blob, size, etag, modified, checksums)
		values (?, ?, ?, ?, ?, ?, ?)`,
		u.ID, p.Number, p.blob, p.Size, p.ETag, p.Modified.UnixNano(), encode(p.Checksums))
	return old, err
}

// uploadMeta reads what an upload was created with.
func uploadMeta(tx *sql.Tx, name Name, id string) (meta Meta, err error) {
	bucket, err := bucketID(tx, name.Bucket)
	if err != nil {
		return meta, err
	}
	var text string
	err = tx.QueryRow(`select meta from upload where bucket = ? and key = ? and id = ?`,
		bucket, []byte(name.Key), id).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return meta, ErrNoSuchUpload
	}
	if err != nil {
		return meta, err
	}
	return meta, json.Unmarshal([]byte(text), &meta)
}

// Parts lists the parts of an upload with numbers above after, at most limit.
func (s *Store) Parts(ctx context.Context, u Upload, after, limit int) ([]Part, error) {
	rows, err := s.read.QueryContext(ctx, `select number, blob, size, etag, modified, checksums from part
		where upload = ? and number > ? order by number limit ?`, u.ID, after, limit)
	if err != nil {
		return nil, wrap("list parts", err)
	}
	parts, err := scanParts(rows)
	return parts, wrap("list parts", err)
}

func scanParts(rows *sql.Rows) (parts []Part, err error) {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p Part
		var modified int64
		var checksums string
		if err := rows.Scan(&p.Number, &p.blob, &p.Size, &p.ETag, &modified, &checksums); err != nil {
			return nil, err
		}
		p.Modified = time.Unix(0, modified).UTC()
		if err := json.Unmarshal([]byte(checksums), &p.Checksums); err != nil {
			return nil, fmt.Errorf("index: checksums: %w", err)
		}
		parts = append(parts, p)
	}
	return parts, rows.Err()
}

// Uploads lists unfinished uploads of keys with a prefix, by key and then id,
// after the marker, at most limit. A marker without an id stands behind all
// uploads of its key.
func (s *Store) Uploads(ctx context.Context, bucket, prefix string, after Marker, limit int) ([]Upload, error) {
	b, err := bucketIDContext(ctx, s.read, bucket)
	if err != nil {
		return nil, wrap("list uploads", err)
	}
	switch { // ids are never empty, so ("k", "") comes before all uploads of k
	case after.Key < prefix:
		after = Marker{Key: prefix}
	case after.ID == "" && after.Key != "":
		after.Key += "\x00"
	}
	rows, err := s.read.QueryContext(ctx, `select key, id, created from upload
		where bucket = ? and (key, id) > (?, ?) order by key, id`, b, []byte(after.Key), after.ID)
	if err != nil {
		return nil, wrap("list uploads", err)
	}
	uploads, err := scanUploads(rows, bucket, prefix, limit)
	return uploads, wrap("list uploads", err)
}

// Marker is a place in a listing of uploads.
type Marker struct {
	Key string
	ID  string
}

func bucketIDContext(ctx context.Context, db *sql.DB, name string) (id int64, err error) {
	err = db.QueryRowContext(ctx, `select id from bucket where name = ?`, name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNoSuchBucket
	}
	return id, err
}

func scanUploads(rows *sql.Rows, bucket, prefix string, limit int) (uploads []Upload, err error) {
	defer func() { _ = rows.Close() }()
	for len(uploads) < limit && rows.Next() {
		var key []byte
		var created int64
		u := Upload{Name: Name{Bucket: bucket}}
		if err := rows.Scan(&key, &u.ID, &created); err != nil {
			return nil, err
		}
		if len(key) < len(prefix) || string(key[:len(prefix)]) != prefix {
			break
		}
		u.Key, u.Created = string(key), time.Unix(0, created).UTC()
		uploads = append(uploads, u)
	}
	return uploads, rows.Err()
}

// AbortUpload ends an upload and removes its parts.
func (s *Store) AbortUpload(ctx context.Context, name Name, id string) error {
	var garbage []Extent
	err := s.write.do(ctx, func(tx *sql.Tx) (err error) {
		if _, err := uploadMeta(tx, name, id); err != nil {
			return err
		}
		garbage, err = endUpload(tx, id)
		return err
	})
	if err != nil {
		return wrap("abort upload", err)
	}
	s.dropEach(garbage)
	return nil
}

// endUpload forgets an upload and returns the files of its parts.
func endUpload(tx *sql.Tx, id string) ([]Extent, error) {
	blobs, err := queryBlobs(tx, `select blob, size from part where upload = ?`, id)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(`delete from part where upload = ?`, id); err != nil {
		return nil, err
	}
	_, err = tx.Exec(`delete from upload where id = ?`, id)
	return blobs, err
}

// CompleteUpload makes the chosen parts an object, in one transaction and
// without copying. Asking again for an upload that became the present object
// answers that object, as a client does that lost the first answer.
func (s *Store) CompleteUpload(ctx context.Context, name Name, id string, chosen []Chosen, opt CompleteOptions) (Object, error) {
	var o Object
	var old, unused []Extent
	err := s.write.do(ctx, func(tx *sql.Tx) (err error) {
		meta, err := uploadMeta(tx, name, id)
		if err != nil {
			return err
		}
		o = Object{Name: name, Meta: meta, Modified: s.Now(), upload: id}
		if err := assemble(tx, &o, chosen, opt); err != nil {
			return err
		}
		if old, err = publish(tx, o, opt.Condition); err != nil {
			return err
		}
		blobs, err := endUpload(tx, id)
		unused = without(blobs, o.Parts)
		return err
	})
	if errors.Is(err, ErrNoSuchUpload) {
		if o, again := s.Head(ctx, Ref{Name: name}); again == nil && o.upload == id {
			return o, nil
		}
	}
	if err != nil {
		return Object{}, wrap("complete upload", err)
	}
	s.drop(old)
	s.dropEach(unused)
	return o, nil
}

// assemble checks the chosen parts and makes of them size, ETag and checksums.
func assemble(tx *sql.Tx, o *Object, chosen []Chosen, opt CompleteOptions) error {
	rows, err := tx.Query(`select number, blob, size, etag, modified, checksums from part
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
		if p.blob != "" {
			o.Parts = append(o.Parts, Extent{Size: p.Size, Number: p.Number, Checksums: p.Checksums, blob: p.blob})
		}
	}
	o.ETag = fmt.Sprintf("%x-%d", sum.Sum(nil), len(used))
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

func agree(want, have map[string]string) bool {
	for name, value := range want {
		if v, ok := have[name]; ok && v != value {
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
