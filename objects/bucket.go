package objects

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// CreateBucket makes a bucket. It does not judge the name.
func (s *Store) CreateBucket(ctx context.Context, name string) error {
	err := s.write.do(ctx, func(tx *sql.Tx) error {
		res, err := tx.Exec(`insert into bucket (name, created) values (?, ?)
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

// DeleteBucket removes a bucket that holds no object. Its unfinished uploads
// go with it.
func (s *Store) DeleteBucket(ctx context.Context, name string) error {
	var garbage []Extent
	err := s.write.do(ctx, func(tx *sql.Tx) error {
		garbage = nil
		id, err := bucketID(tx, name)
		if err != nil {
			return err
		}
		var used bool
		if err := tx.QueryRow(`select exists (select 1 from object where bucket = ?)`, id).Scan(&used); err != nil {
			return err
		}
		if used {
			return ErrBucketNotEmpty
		}
		garbage, err = queryBlobs(tx, `delete from part where upload in
			(select id from upload where bucket = ?) returning blob, size`, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`delete from upload where bucket = ?`, id); err != nil {
			return err
		}
		_, err = tx.Exec(`delete from bucket where id = ?`, id)
		return err
	})
	if err == nil {
		s.dropEach(garbage)
	}
	return wrap("delete bucket", err)
}

// dropEach removes blobs that are no parts of one object.
func (s *Store) dropEach(extents []Extent) {
	for _, e := range extents {
		s.drop([]Extent{e})
	}
}

// queryBlobs runs a query for blob and size, leaving out what has no file.
func queryBlobs(tx *sql.Tx, query string, args ...any) ([]Extent, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []Extent
	for rows.Next() {
		var e Extent
		if err := rows.Scan(&e.blob, &e.Size); err != nil {
			return nil, err
		}
		if e.blob != "" {
			out = append(out, e)
		}
	}
	return out, rows.Err()
}

// Bucket finds a bucket.
func (s *Store) Bucket(ctx context.Context, name string) (Bucket, error) {
	var created int64
	err := s.read.QueryRowContext(ctx, `select created from bucket where name = ?`, name).Scan(&created)
	if errors.Is(err, sql.ErrNoRows) {
		return Bucket{}, ErrNoSuchBucket
	}
	if err != nil {
		return Bucket{}, wrap("read bucket", err)
	}
	return Bucket{Name: name, Created: time.Unix(0, created).UTC()}, nil
}

// Buckets lists all buckets by name.
func (s *Store) Buckets(ctx context.Context) ([]Bucket, error) {
	rows, err := s.read.QueryContext(ctx, `select name, created from bucket order by name`)
	if err != nil {
		return nil, wrap("list buckets", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Bucket
	for rows.Next() {
		var b Bucket
		var created int64
		if err := rows.Scan(&b.Name, &created); err != nil {
			return nil, wrap("list buckets", err)
		}
		b.Created = time.Unix(0, created).UTC()
		out = append(out, b)
	}
	return out, wrap("list buckets", rows.Err())
}

type queryer interface {
	QueryRow(query string, args ...any) *sql.Row
}

func bucketID(q queryer, name string) (id int64, err error) {
	err = q.QueryRow(`select id from bucket where name = ?`, name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNoSuchBucket
	}
	return id, err
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
