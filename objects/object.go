package objects

import (
	"context"
	"database/sql"
	"errors"
	"io"
)

// PutOptions is what a new object is stored with.
type PutOptions struct {
	Meta
	Condition
	Length int64 // of the body in bytes, 0 or less if it is not known
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
	if err := s.admit(opt.Length); err != nil {
		return Object{}, wrap("put object", err)
	}
	b, err := s.store(ctx, body, maxInline)
	if err != nil {
		return Object{}, wrap("put object", err)
	}
	o := Object{Name: name, Meta: opt.Meta, Size: b.size, ETag: b.etag(), Modified: s.Now(), Parts: b.extents()}
	if opt.Checksums != nil {
		o.Meta.Checksums = opt.Checksums()
	}
	if err := permitted(opt.Permit); err != nil {
		s.discard(&b)
		return Object{}, wrap("put object", err)
	}
	var old []Extent
	err = s.write.do(ctx, func(t *tx) (err error) {
		if err := t.addBlobs(o.Parts); err != nil {
			return err
		}
		old, err = t.publish(&o, b.inline, opt.Condition)
		return err
	})
	if err := s.settle(&b, err); err != nil {
		return Object{}, wrap("put object", err)
	}
	s.drop(old)
	return o, nil
}

// settle ends a blob after the change that names it.
func (s *Store) settle(b *blob, err error) error {
	if err != nil && !errors.Is(err, errUnsure) {
		s.discard(b)
		return err
	}
	s.keep(b)
	return err
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
	if c == (Condition{}) {
		_, err := s.bucket(ctx, name.Bucket)
		return err
	}
	o, err := s.Head(ctx, Ref{Name: name})
	if errors.Is(err, ErrNoSuchKey) {
		return c.check(nil)
	}
	if err != nil {
		return err
	}
	return c.check(&o)
}

// publish makes o the current version of its key, with its version's name, and
// returns the files of the one that goes. It runs in the transaction that makes
// it visible.
func (t *tx) publish(o *Object, inline []byte, c Condition) (gone []Extent, err error) {
	at, err := t.find(o.Name)
	if err != nil {
		return nil, err
	}
	if err := c.check(at.visible()); err != nil {
		return nil, err
	}
	return t.add(at, o, inline)
}

// add writes o over the current version or, where versions are kept, before it.
func (t *tx) add(at *spot, o *Object, inline []byte) (gone []Extent, err error) {
	row := version{seq: 1, Object: o}
	if at.versioning == Enabled {
		row.id = randomName()
	}
	if old := at.current; old != nil {
		if row.seq = old.seq + 1; old.id == row.id {
			gone, err = old.Parts, t.forget(old)
		} else {
			gone, err = t.supersede(at, row.id)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(inline) > 0 {
		res, err := t.exec(`insert into content (bytes) values (?)`, inline)
		if err != nil {
			return nil, err
		}
		if row.content, err = res.LastInsertId(); err != nil {
			return nil, err
		}
	}
	t.key(o.Name)
	o.Version, o.Latest = at.versioning.show(row.id), true
	_, err = t.exec(`insert into object (bucket, key, seq, version, marker, size, etag, modified, extents, content, meta, upload)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (bucket, key) do update set seq = excluded.seq, version = excluded.version, marker = excluded.marker,
			size = excluded.size, etag = excluded.etag, modified = excluded.modified, extents = excluded.extents,
			content = excluded.content, meta = excluded.meta, upload = excluded.upload`,
		at.bucket, []byte(o.Key), row.seq, row.id, o.Marker, o.Size, o.ETag, o.Modified.UnixNano(),
		encodeExtents(o.Parts), row.content, encode(o.Meta), o.upload)
	return gone, err
}

// Head finds an object. It fails with a *MarkerError where there is a delete
// marker, with ErrNoSuchKey or ErrNoSuchVersion where there is nothing. The
// caller must not change the maps of what it returns.
func (s *Store) Head(ctx context.Context, ref Ref) (Object, error) {
	o, err := s.find(ctx, ref)
	if err != nil {
		return Object{}, err
	}
	return o.Object, nil
}

func (s *Store) find(ctx context.Context, ref Ref) (*stored, error) {
	if ref.Version != "" {
		return s.findVersion(ctx, ref)
	}
	o, ticket := s.cache.get(ref.Name)
	if o != nil {
		return o, nil
	}
	o = &stored{}
	var v scanned
	var versioning Versioning
	err := s.read.get(ctx, `select b.versioning, o.seq, o.version, o.marker, o.size, o.etag, o.modified, o.extents, o.content, o.meta, o.upload, c.bytes
		from bucket b left join object o on o.bucket = b.id and o.key = ? left join content c on c.id = o.content
		where b.name = ?`, []any{[]byte(ref.Key), ref.Bucket}, append([]any{&versioning}, v.into(&o.inline)...))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, ErrNoSuchBucket
	case err != nil:
		return nil, wrap("read object", err)
	case !v.seq.Valid:
		return nil, ErrNoSuchKey
	}
	if o.Object, err = v.object(ref.Name); err != nil {
		return nil, err
	}
	o.Version, o.Latest = versioning.show(v.version.String), true
	if o.Marker {
		return nil, &MarkerError{Version: o.Version, Modified: o.Modified, Current: true}
	}
	s.cache.put(o, ticket)
	return o, nil
}

// findVersion finds a version by its name.
func (s *Store) findVersion(ctx context.Context, ref Ref) (*stored, error) {
	b, err := s.bucket(ctx, ref.Bucket)
	if err != nil {
		return nil, err
	}
	o := &stored{}
	var v scanned
	var latest bool
	key, id := []byte(ref.Key), hide(ref.Version)
	err = s.read.get(ctx, `select 1, o.seq, o.version, o.marker, o.size, o.etag, o.modified, o.extents, o.content, o.meta, o.upload, c.bytes
		from object o left join content c on c.id = o.content where o.bucket = ?1 and o.key = ?2 and o.version = ?3
		union all select 0, o.seq, o.version, o.marker, o.size, o.etag, o.modified, o.extents, o.content, o.meta, o.upload, c.bytes
		from noncurrent o left join content c on c.id = o.content where o.bucket = ?1 and o.key = ?2 and o.version = ?3`,
		[]any{b.id, key, id}, append([]any{&latest}, v.into(&o.inline)...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoSuchVersion
	}
	if err != nil {
		return nil, wrap("read object version", err)
	}
	if o.Object, err = v.object(ref.Name); err != nil {
		return nil, err
	}
	o.Version, o.Latest = ref.Version, latest
	if o.Marker {
		return nil, &MarkerError{Version: o.Version, Modified: o.Modified}
	}
	return o, nil
}

// scanned is a row of object or noncurrent, or none.
type scanned struct {
	seq, size, modified, content sql.NullInt64
	marker                       sql.NullBool
	version, etag, extents, meta sql.NullString
	upload                       sql.NullString
}

// into lists where the columns go, from seq to upload and the bytes.
func (v *scanned) into(inline *[]byte) []any {
	return []any{&v.seq, &v.version, &v.marker, &v.size, &v.etag, &v.modified, &v.extents, &v.content, &v.meta, &v.upload, inline}
}

func (v *scanned) object(name Name) (o Object, err error) {
	o = Object{Name: name, Size: v.size.Int64, ETag: v.etag.String, Modified: instant(v.modified.Int64), Marker: v.marker.Bool, upload: v.upload.String}
	if o.Parts, err = decodeExtents(v.extents.String); err != nil {
		return o, err
	}
	o.Meta, err = decodeMeta(v.meta.String)
	return o, err
}
