package objects

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// PutOptions is what a new object is stored with.
type PutOptions struct {
	Meta
	Condition
	// Checksums, if set, is asked once the body has been read to its end, for
	// what is stored as Meta.Checksums.
	Checksums func() map[string]string
	// Permit, if set, is asked after that and before the key is published: the
	// body may have taken hours. An error of it leaves nothing.
	Permit func() error
}

// Put stores an object and makes it durable. An error of body stops it and
// comes back wrapped; the key then is as it was before.
func (s *Store) Put(ctx context.Context, name Name, body io.Reader, opt PutOptions) (Object, error) {
	if err := s.checkTarget(ctx, name, opt.Condition); err != nil {
		return Object{}, wrap("put object", err)
	}
	b, err := s.store(ctx, body)
	if err != nil {
		return Object{}, wrap("put object", err)
	}
	o := Object{Name: name, Meta: opt.Meta, Size: b.size, ETag: b.etag(), Modified: s.Now(), Parts: b.extents()}
	if opt.Checksums != nil {
		o.Meta.Checksums = opt.Checksums()
	}
	if err := permitted(opt.Permit); err != nil {
		s.discard(b)
		return Object{}, wrap("put object", err)
	}
	var old []Extent
	err = s.write.do(ctx, func(tx *sql.Tx) (err error) {
		old, err = publish(tx, o, opt.Condition)
		return err
	})
	if err != nil {
		if !errors.Is(err, errUnsure) {
			s.discard(b)
		}
		return Object{}, wrap("put object", err)
	}
	s.drop(old)
	return o, nil
}

func permitted(ask func() error) error {
	if ask == nil {
		return nil
	}
	return ask()
}

// checkTarget refuses early what publish would refuse after the body was read.
func (s *Store) checkTarget(ctx context.Context, name Name, c Condition) error {
	if err := checkKey(name.Key); err != nil {
		return err
	}
	var etag sql.NullString
	err := s.read.QueryRowContext(ctx, `select o.etag from bucket b
		left join object o on o.bucket = b.id and o.key = ? where b.name = ?`,
		[]byte(name.Key), name.Bucket).Scan(&etag)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNoSuchBucket
	}
	if err != nil {
		return err
	}
	return c.check(etag.String)
}

// publish makes o the object of its key and returns the files of the one it
// replaces. It runs in the transaction that makes it visible.
func publish(tx *sql.Tx, o Object, c Condition) (old []Extent, err error) {
	id, err := bucketID(tx, o.Bucket)
	if err != nil {
		return nil, err
	}
	old, etag, err := present(tx, id, o.Key)
	if err != nil {
		return nil, err
	}
	if err := c.check(etag); err != nil {
		return nil, err
	}
	_, err = tx.Exec(`insert into object (bucket, key, size, etag, modified, extents, meta, upload)
		values (?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (bucket, key) do update set size = excluded.size, etag = excluded.etag,
			modified = excluded.modified, extents = excluded.extents, meta = excluded.meta, upload = excluded.upload`,
		id, []byte(o.Key), o.Size, o.ETag, o.Modified.UnixNano(), encodeExtents(o.Parts), encode(o.Meta), o.upload)
	return old, err
}

// present reads the files and the ETag of a key, "" when there is no object.
func present(tx *sql.Tx, bucket int64, key string) (extents []Extent, etag string, err error) {
	var text string
	err = tx.QueryRow(`select extents, etag from object where bucket = ? and key = ?`,
		bucket, []byte(key)).Scan(&text, &etag)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	extents, err = decodeExtents(text)
	return extents, etag, err
}

// Head finds an object.
func (s *Store) Head(ctx context.Context, ref Ref) (Object, error) {
	if ref.Version != "" && ref.Version != NullVersion {
		return Object{}, ErrNoSuchVersion
	}
	name := ref.Name
	var size, modified sql.NullInt64
	var etag, extents, meta, upload sql.NullString
	err := s.read.QueryRowContext(ctx, `select o.size, o.modified, o.etag, o.extents, o.meta, o.upload
		from bucket b left join object o on o.bucket = b.id and o.key = ? where b.name = ?`,
		[]byte(name.Key), name.Bucket).Scan(&size, &modified, &etag, &extents, &meta, &upload)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Object{}, ErrNoSuchBucket
	case err != nil:
		return Object{}, wrap("read object", err)
	case !etag.Valid:
		return Object{}, ErrNoSuchKey
	}
	o := Object{Name: name, Version: ref.Version, Latest: true, Size: size.Int64, ETag: etag.String, Modified: time.Unix(0, modified.Int64).UTC(), upload: upload.String}
	if o.Parts, err = decodeExtents(extents.String); err != nil {
		return Object{}, err
	}
	if err := json.Unmarshal([]byte(meta.String), &o.Meta); err != nil {
		return Object{}, fmt.Errorf("index: meta: %w", err)
	}
	return o, nil
}

// Delete removes an object. Without a condition a missing one is no error.
func (s *Store) Delete(ctx context.Context, ref Ref, c Condition) (Deleted, error) {
	if ref.Version != "" && ref.Version != NullVersion {
		return Deleted{Version: ref.Version}, nil
	}
	name := ref.Name
	var old []Extent
	err := s.write.do(ctx, func(tx *sql.Tx) error {
		old = nil
		id, err := bucketID(tx, name.Bucket)
		if err != nil {
			return err
		}
		extents, etag, err := present(tx, id, name.Key)
		if err != nil {
			return err
		}
		if err := c.check(etag); err != nil {
			return err
		}
		old = extents
		_, err = tx.Exec(`delete from object where bucket = ? and key = ?`, id, []byte(name.Key))
		return err
	})
	if err != nil {
		return Deleted{}, wrap("delete object", err)
	}
	s.drop(old)
	return Deleted{Version: ref.Version}, nil
}
