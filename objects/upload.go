package objects

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"time"

	"github.com/thingpass/thingpass/space"
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
	Checksums map[string]string // those that the part must have; nil for any
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
	if err := s.admit(0); err != nil {
		return Upload{}, wrap("create upload", err)
	}
	u := Upload{Name: name, Meta: meta, ID: randomName(), Created: s.Now()}
	err := s.write.do(ctx, func(t *tx) error {
		id, err := t.bucketID(name.Bucket)
		if err != nil {
			return err
		}
		_, err = t.exec(`insert into upload (bucket, key, id, created, meta) values (?, ?, ?, ?, ?)`,
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
	err := s.read.get(ctx, `select u.created, u.meta from bucket b
		left join upload u on u.bucket = b.id and u.key = ? and u.id = ? where b.name = ?`,
		[]any{[]byte(name.Key), id, name.Bucket}, []any{&created, &meta})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Upload{}, ErrNoSuchBucket
	case err != nil:
		return Upload{}, wrap("read upload", err)
	case !created.Valid:
		return Upload{}, ErrNoSuchUpload
	}
	u.Created = instant(created.Int64)
	u.Meta, err = decodeMeta(meta.String)
	return u, err
}

// PartOptions is what a part is stored with; see PutOptions.
type PartOptions struct {
	Length    int64 // of the body in bytes, 0 or less if it is not known
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
	if err := s.admit(opt.Length); err != nil {
		return Part{}, wrap("put part", err)
	}
	b, err := s.store(ctx, body, 0)
	if err != nil {
		return Part{}, wrap("put part", err)
	}
	p := Part{Number: number, Size: b.size, ETag: b.etag(), Modified: s.Now(), blob: b.name}
	if opt.Checksums != nil {
		p.Checksums = opt.Checksums()
	}
	if err := permitted(opt.Permit); err != nil {
		s.discard(&b)
		return Part{}, wrap("put part", err)
	}
	var old []Extent
	err = s.write.do(ctx, func(t *tx) (err error) {
		old, err = t.publishPart(u, p)
		return err
	})
	if err := s.settle(&b, err); err != nil {
		return Part{}, wrap("put part", err)
	}
	s.dropEach(old)
	return p, nil
}

func (t *tx) publishPart(u Upload, p Part) (old []Extent, err error) {
	if _, err := t.uploadMeta(u.Name, u.ID); err != nil {
		return nil, err
	}
	old, err = t.removeParts(`delete from part where upload = ? and number = ? returning blob, size`, u.ID, p.Number)
	if err != nil {
		return nil, err
	}
	if err := t.addBlobs([]Extent{{blob: p.blob}}); err != nil {
		return nil, err
	}
	_, err = t.exec(`insert into part (upload, number, blob, size, etag, modified, checksums)
		values (?, ?, ?, ?, ?, ?, ?)`,
		u.ID, p.Number, p.blob, p.Size, p.ETag, p.Modified.UnixNano(), encode(p.Checksums))
	return old, err
}

// uploadMeta reads what an upload was created with.
func (t *tx) uploadMeta(name Name, id string) (meta Meta, err error) {
	bucket, err := t.bucketID(name.Bucket)
	if err != nil {
		return meta, err
	}
	var text string
	err = t.get(`select meta from upload where bucket = ? and key = ? and id = ?`,
		[]any{bucket, []byte(name.Key), id}, []any{&text})
	if errors.Is(err, sql.ErrNoRows) {
		return meta, ErrNoSuchUpload
	}
	if err != nil {
		return meta, err
	}
	return decodeMeta(text)
}

// Parts lists the parts of an upload with numbers above after, at most limit.
func (s *Store) Parts(ctx context.Context, u Upload, after, limit int) (parts []Part, err error) {
	err = s.read.with(ctx, func(v *session) error {
		rows, err := v.query(`select number, blob, size, etag, modified, checksums from part
			where upload = ? and number > ? order by number limit ?`, u.ID, after, limit)
		if err != nil {
			return err
		}
		parts, err = scanParts(rows)
		return err
	})
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
		p.Modified = instant(modified)
		if p.Checksums, err = decodeSums(checksums); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, rows.Err()
}

// Uploads lists unfinished uploads of keys with a prefix, by key and then id,
// after the marker, at most limit. A marker without an id stands behind all
// uploads of its key.
func (s *Store) Uploads(ctx context.Context, bucket, prefix string, after Marker, limit int) (uploads []Upload, err error) {
	b, err := s.bucket(ctx, bucket)
	if err != nil {
		return nil, wrap("list uploads", err)
	}
	switch { // ids are never empty, so ("k", "") comes before all uploads of k
	case after.Key < prefix:
		after = Marker{Key: prefix}
	case after.ID == "" && after.Key != "":
		after.Key += "\x00"
	}
	err = s.read.with(ctx, func(v *session) error {
		rows, err := v.query(`select key, id, created from upload
			where bucket = ? and (key, id) > (?, ?) order by key, id`, b.id, []byte(after.Key), after.ID)
		if err != nil {
			return err
		}
		uploads, err = scanUploads(rows, bucket, prefix, limit)
		return err
	})
	return uploads, wrap("list uploads", err)
}

// Marker is a place in a listing of uploads.
type Marker struct {
	Key string
	ID  string
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
		u.Key, u.Created = string(key), instant(created)
		uploads = append(uploads, u)
	}
	return uploads, rows.Err()
}

// AbortUpload ends an upload and removes its parts.
func (s *Store) AbortUpload(ctx context.Context, name Name, id string) error {
	var garbage []Extent
	err := s.write.doing(ctx, space.Removing, func(t *tx) (err error) {
		if _, err := t.uploadMeta(name, id); err != nil {
			return err
		}
		if garbage, err = t.endUpload(id); err != nil {
			return err
		}
		return t.removeBlobs(garbage)
	})
	if err != nil {
		return wrap("abort upload", err)
	}
	s.dropEach(garbage)
	return nil
}

// endUpload forgets an upload and returns the files of its parts, which stay in
// table blob.
func (t *tx) endUpload(id string) (files []Extent, err error) {
	rows, err := t.query(`delete from part where upload = ? returning blob, size`, id)
	if err != nil {
		return nil, err
	}
	parts, err := scanFiles(rows)
	if err != nil {
		return nil, err
	}
	_, err = t.exec(`delete from upload where id = ?`, id)
	return parts, err
}
