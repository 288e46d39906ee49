package objects

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/thingpass/thingpass/space"
)

// show is the name that a version has for callers.
func (v Versioning) show(id string) string {
	if id == "" && v != Unversioned {
		return NullVersion
	}
	return id
}

// hide is the name that a version has in the index.
func hide(name string) string {
	if name == NullVersion {
		return ""
	}
	return name
}

// version is a row of object or noncurrent, as a change finds it.
type version struct {
	*Object // without Meta
	seq     int64
	id      string // "" for the null version
	content int64  // 0 for none
}

// spot is a key as a change finds it.
type spot struct {
	Name
	bucket     int64
	versioning Versioning
	current    *version // nil if the key has none
}

// visible is the object that conditions are about, nil for none.
func (at *spot) visible() *Object {
	if at.current == nil || at.current.Marker {
		return nil
	}
	return at.current.Object
}

func (t *tx) find(name Name) (*spot, error) {
	at := &spot{Name: name}
	var v scanned
	err := t.get(`select b.id, b.versioning, o.seq, o.version, o.marker, o.size, o.etag, o.modified, o.extents, o.content
		from bucket b left join object o on o.bucket = b.id and o.key = ? where b.name = ?`, []any{[]byte(name.Key), name.Bucket},
		[]any{&at.bucket, &at.versioning, &v.seq, &v.version, &v.marker, &v.size, &v.etag, &v.modified, &v.extents, &v.content})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoSuchBucket
	}
	if err != nil || !v.seq.Valid {
		return at, err
	}
	at.current, err = v.row(name)
	return at, err
}

// row is the version of a row that was read without Meta.
func (v *scanned) row(name Name) (*version, error) {
	v.meta.String = "{}"
	o, err := v.object(name)
	return &version{Object: &o, seq: v.seq.Int64, id: v.version.String, content: v.content.Int64}, err
}

// older finds a version of a key that is not current, nil if there is none.
func (t *tx) older(at *spot, id string) (*version, error) {
	var v scanned
	err := t.get(`select seq, version, marker, size, etag, modified, extents, content from noncurrent
		where bucket = ? and key = ? and version = ?`, []any{at.bucket, []byte(at.Key), id},
		[]any{&v.seq, &v.version, &v.marker, &v.size, &v.etag, &v.modified, &v.extents, &v.content})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return v.row(at.Name)
}

// supersede makes the current version an older one. Its row stays, to be
// overwritten by the next. If that is the null version, the null version that
// there was goes.
func (t *tx) supersede(at *spot, next string) (gone []Extent, err error) {
	if next == "" {
		null, err := t.older(at, "")
		if err != nil {
			return nil, err
		}
		if null != nil {
			if err := t.removeOlder(at, null); err != nil {
				return nil, err
			}
			gone = null.Parts
		}
	}
	_, err = t.exec(`insert into noncurrent (bucket, key, seq, version, marker, size, etag, modified, extents, content, meta, upload)
		select bucket, key, seq, version, marker, size, etag, modified, extents, content, meta, upload
		from object where bucket = ? and key = ?`, at.bucket, []byte(at.Key))
	return gone, err
}

func (t *tx) removeOlder(at *spot, v *version) error {
	if err := t.forget(v); err != nil {
		return err
	}
	_, err := t.exec(`delete from noncurrent where bucket = ? and key = ? and seq = ?`, at.bucket, []byte(at.Key), v.seq)
	return err
}

// removeCurrent removes the current version. The newest of the others takes
// its place.
func (t *tx) removeCurrent(at *spot) error {
	if err := t.forget(at.current); err != nil {
		return err
	}
	if _, err := t.exec(`delete from object where bucket = ? and key = ?`, at.bucket, []byte(at.Key)); err != nil {
		return err
	}
	if at.versioning == Unversioned {
		return nil
	}
	res, err := t.exec(`insert into object (bucket, key, seq, version, marker, size, etag, modified, extents, content, meta, upload)
		select bucket, key, seq, version, marker, size, etag, modified, extents, content, meta, upload
		from noncurrent where bucket = ? and key = ? order by seq desc limit 1`, at.bucket, []byte(at.Key))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = t.exec(`delete from noncurrent where bucket = ?1 and key = ?2 and
		seq = (select seq from object where bucket = ?1 and key = ?2)`, at.bucket, []byte(at.Key))
	return err
}

// forget removes the bytes of a version from the index, and its files' names.
func (t *tx) forget(v *version) error {
	if v.content != 0 {
		if _, err := t.exec(`delete from content where id = ?`, v.content); err != nil {
			return err
		}
	}
	return t.removeBlobs(v.Parts)
}

func (t *tx) addBlobs(extents []Extent) error {
	return t.eachBlob(`insert into blob (name) values (?)`, extents)
}

func (t *tx) removeBlobs(extents []Extent) error {
	for _, e := range extents {
		t.forgets(e.blob)
	}
	return t.eachBlob(`delete from blob where name = ?`, extents)
}

func (t *tx) eachBlob(statement string, extents []Extent) error {
	for _, e := range extents {
		id, ok := blobID(e.blob)
		if !ok {
			continue // an empty part has no file
		}
		if _, err := t.exec(statement, id[:]); err != nil {
			return err
		}
	}
	return nil
}

// Delete removes an object. Without a condition a missing one is no error. In a
// bucket that keeps versions it puts a delete marker before them, unless ref
// names a version: that is removed for good.
func (s *Store) Delete(ctx context.Context, ref Ref, c Condition) (out Deleted, err error) {
	var gone []Extent
	err = s.write.doing(ctx, s.deleting(ctx, ref), func(t *tx) error {
		at, err := t.find(ref.Name)
		if err != nil {
			return err
		}
		t.key(ref.Name)
		switch {
		case ref.Version != "":
			out, gone, err = t.removeVersion(at, ref.Version, c)
		case at.versioning != Unversioned:
			out, gone, err = t.mark(at, s.Now, c)
		default:
			out, gone, err = t.remove(at, c)
		}
		return err
	})
	if err != nil {
		return Deleted{}, wrap("delete object", err)
	}
	s.drop(gone)
	return out, nil
}

// deleting is what a deletion uses space for: a delete marker adds a row.
func (s *Store) deleting(ctx context.Context, ref Ref) space.Use {
	if b, err := s.bucket(ctx, ref.Bucket); ref.Version == "" && err == nil && b.Versioning != Unversioned {
		return space.Adding
	}
	return space.Removing
}

// remove removes the object of a key that has no versions.
func (t *tx) remove(at *spot, c Condition) (out Deleted, gone []Extent, err error) {
	if err := c.check(at.visible()); err != nil || at.current == nil {
		return out, nil, err
	}
	return out, at.current.Parts, t.removeCurrent(at)
}

// removeVersion removes one version.
func (t *tx) removeVersion(at *spot, name string, c Condition) (out Deleted, gone []Extent, err error) {
	out.Version = name
	v, id := at.current, hide(name)
	current := v != nil && v.id == id
	if !current {
		if v, err = t.older(at, id); err != nil {
			return out, nil, err
		}
	}
	if v == nil {
		return out, nil, c.check(nil)
	}
	if err := c.check(v.Object); err != nil {
		return out, nil, err
	}
	out.Marker = v.Marker
	if current {
		return out, v.Parts, t.removeCurrent(at)
	}
	return out, v.Parts, t.removeOlder(at, v)
}

// SetTags replaces the tags of a version; nil removes them. The object is as
// before in all else.
func (s *Store) SetTags(ctx context.Context, ref Ref, tags map[string]string) (o Object, err error) {
	err = s.write.doing(ctx, space.Adding, func(t *tx) error {
		at, err := t.find(ref.Name)
		if err != nil {
			return err
		}
		t.key(ref.Name)
		o, err = t.setTags(at, ref.Version, tags)
		return err
	})
	return o, wrap("set tags", err)
}

func (t *tx) setTags(at *spot, name string, tags map[string]string) (Object, error) {
	v, read, write := at.current, `select meta from object where bucket = ? and key = ? and seq = ?`,
		`update object set meta = ? where bucket = ? and key = ? and seq = ?`
	if name != "" && (v == nil || v.id != hide(name)) {
		var err error
		if v, err = t.older(at, hide(name)); err != nil {
			return Object{}, err
		}
		read, write = `select meta from noncurrent where bucket = ? and key = ? and seq = ?`,
			`update noncurrent set meta = ? where bucket = ? and key = ? and seq = ?`
	}
	switch {
	case v == nil && name != "":
		return Object{}, ErrNoSuchVersion
	case v == nil:
		return Object{}, ErrNoSuchKey
	}
	v.Latest, v.Version = v == at.current, at.versioning.show(v.id)
	if name != "" {
		v.Version = name
	}
	if v.Marker {
		return Object{}, &MarkerError{Version: v.Version, Modified: v.Modified, Current: name == ""}
	}
	var text string
	err := t.get(read, []any{at.bucket, []byte(at.Key), v.seq}, []any{&text})
	if err != nil {
		return Object{}, err
	}
	if v.Meta, err = decodeMeta(text); err != nil {
		return Object{}, err
	}
	v.Tags = tags
	_, err = t.exec(write, encode(v.Meta), at.bucket, []byte(at.Key), v.seq)
	return *v.Object, err
}

// mark puts a delete marker before the versions of a key, also of one that has
// none. Where writing is suspended it takes the place of the null version.
func (t *tx) mark(at *spot, now func() time.Time, c Condition) (out Deleted, gone []Extent, err error) {
	if err := c.check(at.visible()); err != nil {
		return out, nil, err
	}
	marker := Object{Name: at.Name, Marker: true, Modified: now()}
	gone, err = t.add(at, &marker, nil)
	return Deleted{Version: marker.Version, Marker: true}, gone, err
}
