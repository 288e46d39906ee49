package objects

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/thingpass/thingpass/space"
)

// CreateBucket makes a bucket. It does not judge the name.
func (s *Store) CreateBucket(ctx context.Context, name string) error {
	err := s.write.doing(ctx, space.Adding, func(t *tx) error {
		t.bucket(name)
		res, err := t.exec(`insert into bucket (name, created) values (?, ?)
			on conflict (name) do nothing`, name, s.Now().UnixNano())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrBucketExists)
		}
		return nil
	})
	return wrap("create bucket", err)
}

// DeleteBucket removes a bucket that holds no object, no version and no delete
// marker. Its unfinished uploads and its settings go with it.
func (s *Store) DeleteBucket(ctx context.Context, name string) error {
	var garbage []Extent
	err := s.write.doing(ctx, space.Removing, func(t *tx) (err error) {
		t.bucket(name)
		garbage, err = deleteBucket(t, name)
		return err
	})
	if err == nil {
		s.dropEach(garbage)
	}
	return wrap("delete bucket", err)
}

func deleteBucket(t *tx, name string) (garbage []Extent, err error) {
	id, err := t.bucketID(name)
	if err != nil {
		return nil, err
	}
	var used bool
	if err := t.get(`select exists (select 1 from object where bucket = ?)`, []any{id}, []any{&used}); err != nil {
		return nil, err
	}
	if used {
		return nil, ErrBucketNotEmpty
	}
	garbage, err = t.removeParts(`delete from part where upload in
		(select id from upload where bucket = ?) returning blob, size`, id)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{
		`delete from upload where bucket = ?`,
		`delete from setting where bucket = ?`,
		`delete from bucket where id = ?`,
	} {
		if _, err := t.exec(statement, id); err != nil {
			return nil, err
		}
	}
	return garbage, nil
}

// removeParts runs a statement that removes parts and returns their blob and
// size. The files are forgotten and returned.
func (t *tx) removeParts(statement string, args ...any) (files []Extent, err error) {
	rows, err := t.query(statement, args...)
	if err != nil {
		return nil, err
	}
	if files, err = scanFiles(rows); err != nil {
		return nil, err
	}
	return files, t.removeBlobs(files)
}

// scanFiles reads blob and size, leaving out what has no file.
func scanFiles(rows *sql.Rows) (files []Extent, err error) {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var e Extent
		if err := rows.Scan(&e.blob, &e.Size); err != nil {
			return nil, err
		}
		if e.blob != "" {
			files = append(files, e)
		}
	}
	return files, rows.Err()
}

// Bucket finds a bucket.
func (s *Store) Bucket(ctx context.Context, name string) (Bucket, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return Bucket{}, wrap("read bucket", err)
	}
	return b.Bucket, nil
}

func (s *Store) bucket(ctx context.Context, name string) (*bucketRow, error) {
	b, taken := s.buckets.get(name)
	if b != nil {
		return b, nil
	}
	err := s.read.view(ctx, func(v *session) (err error) {
		b, err = readBucket(v, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.buckets.put(b, taken)
	return b, nil
}

func readBucket(v *session, name string) (*bucketRow, error) {
	b := &bucketRow{Bucket: Bucket{Name: name}}
	var created int64
	err := v.get(`select id, created, versioning from bucket where name = ?`, []any{name}, []any{&b.id, &created, &b.Versioning})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoSuchBucket
	}
	if err != nil {
		return nil, err
	}
	b.Created = instant(created)
	rows, err := v.query(`select name, document from setting where bucket = ?`, b.id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var setting, document string
		if err := rows.Scan(&setting, &document); err != nil {
			return nil, err
		}
		if b.settings == nil {
			b.settings = make(map[string]string)
		}
		b.settings[setting] = document
	}
	return b, rows.Err()
}

func instant(nanoseconds int64) time.Time { return time.Unix(0, nanoseconds).UTC() }

// Buckets lists all buckets by name.
func (s *Store) Buckets(ctx context.Context) (out []Bucket, err error) {
	err = s.read.with(ctx, func(v *session) error {
		rows, err := v.query(`select name, created, versioning from bucket order by name`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var b Bucket
			var created int64
			if err := rows.Scan(&b.Name, &created, &b.Versioning); err != nil {
				return err
			}
			b.Created = instant(created)
			out = append(out, b)
		}
		return rows.Err()
	})
	return out, wrap("list buckets", err)
}

// SetVersioning turns the keeping of versions on or off. A bucket that had
// versions cannot be made Unversioned again.
func (s *Store) SetVersioning(ctx context.Context, bucket string, v Versioning) error {
	if v != Enabled && v != Suspended {
		return fmt.Errorf("set versioning to %q: %w", v, errors.ErrUnsupported)
	}
	err := s.write.doing(ctx, space.Adding, func(t *tx) error {
		t.bucket(bucket)
		t.every = true // the null versions get a name
		id, err := t.bucketID(bucket)
		if err != nil {
			return err
		}
		_, err = t.exec(`update bucket set versioning = ? where id = ?`, string(v), id)
		return err
	})
	return wrap("set versioning", err)
}

// Setting reads a small document that is kept with a bucket under a name, or
// fails with ErrNoSetting. It asks no index if it was asked before.
func (s *Store) Setting(ctx context.Context, bucket, name string) (document string, err error) {
	b, err := s.bucket(ctx, bucket)
	if err != nil {
		return "", wrap("read bucket setting", err)
	}
	document, ok := b.settings[name]
	if !ok {
		return "", ErrNoSetting
	}
	return document, nil
}

// PutSetting keeps a document with a bucket, durable when it returns; ""
// removes it. Documents are held in memory, so they are to be small: the store
// does not bound them.
func (s *Store) PutSetting(ctx context.Context, bucket, name, document string) error {
	use := space.Adding
	if document == "" {
		use = space.Removing
	}
	err := s.write.doing(ctx, use, func(t *tx) error {
		t.bucket(bucket)
		id, err := t.bucketID(bucket)
		if err != nil {
			return err
		}
		if document == "" {
			_, err = t.exec(`delete from setting where bucket = ? and name = ?`, id, name)
			return err
		}
		_, err = t.exec(`insert into setting (bucket, name, document) values (?, ?, ?)
			on conflict (bucket, name) do update set document = excluded.document`, id, name, document)
		return err
	})
	return wrap("put bucket setting", err)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
