package objects

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // registers the driver
)

const schemaVersion = 1

// Keys are blobs: compared as bytes, with any content. The rows of a bucket lie
// together in key order, which is what listing reads. Times are nanoseconds
// since 1970.
const schema = `
create table bucket (
	id      integer primary key autoincrement,
	name    text not null unique,
	created integer not null
);
create table object (
	bucket   integer not null references bucket (id),
	key      blob not null,
	size     integer not null,
	etag     text not null,
	modified integer not null,
	extents  text not null,
	meta     text not null,
	upload   text not null,
	primary key (bucket, key)
) without rowid;
create table upload (
	bucket  integer not null references bucket (id),
	key     blob not null,
	id      text not null,
	created integer not null,
	meta    text not null,
	primary key (bucket, key, id)
) without rowid;
create table part (
	upload    text not null,
	number    integer not null,
	blob      text not null,
	size      integer not null,
	etag      text not null,
	modified  integer not null,
	checksums text not null,
	primary key (upload, number)
) without rowid;
`

func openIndex(dir, txlock string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_pragma": append([]string{
		"busy_timeout(10000)", "foreign_keys(1)", "cache_size(-16384)",
	}, pragmas...), "_txlock": {txlock}}
	dsn := url.URL{Scheme: "file", Path: filepath.Join(dir, "index.db"), RawQuery: query.Encode()}
	return sql.Open("sqlite", dsn.String())
}

func openReaders(dir string) (*sql.DB, error) {
	db, err := openIndex(dir, "deferred", "query_only(1)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	return db, db.Ping()
}

// writer is the only one to change the index. Changes that arrive while one is
// being synced to the disk share the next sync.
type writer struct {
	db      *sql.DB
	queue   chan *change
	stop    chan struct{}
	stopped chan struct{}
}

type change struct {
	run  func(*sql.Tx) error
	done chan error
}

// maxBatch bounds how long a change waits for others to be applied.
const maxBatch = 128

// errUnsure marks a failed commit: the change may or may not be in the index,
// so no file may be removed on its account.
var errUnsure = errors.New("index commit failed")

func openWriter(dir string, create bool) (*writer, error) {
	db, err := openIndex(dir, "immediate", "journal_mode(wal)", "synchronous(full)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := migrate(db, create); err != nil {
		_ = db.Close()
		return nil, err
	}
	w := &writer{db: db, queue: make(chan *change), stop: make(chan struct{}), stopped: make(chan struct{})}
	go w.loop()
	return w, nil
}

// migrate makes the tables of a new index, and refuses one of a later release.
func migrate(db *sql.DB, create bool) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var version int
	if err := tx.QueryRow("pragma user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case version > schemaVersion:
		return fmt.Errorf("index has schema %d, this release knows %d: it was written by a later release", version, schemaVersion)
	case version == 0 && !create:
		return errors.New("index.db is empty: not an object store")
	case version == schemaVersion:
		return nil
	}
	if _, err := tx.Exec(schema + fmt.Sprintf("pragma user_version = %d", schemaVersion)); err != nil {
		return err
	}
	return tx.Commit()
}

func (w *writer) close() error {
	close(w.stop)
	<-w.stopped
	return w.db.Close()
}

// do runs a change in a transaction and returns when it is durable. An error
// of run undoes that change alone. Once taken up a change is not abandoned when
// ctx ends, because its outcome decides about files.
func (w *writer) do(ctx context.Context, run func(*sql.Tx) error) error {
	c := &change{run: run, done: make(chan error, 1)}
	select {
	case w.queue <- c:
		return <-c.done
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return ErrClosed
	}
}

func (w *writer) loop() {
	defer close(w.stopped)
	for {
		select {
		case c := <-w.queue:
			w.apply(w.gather(c))
		case <-w.stop:
			return
		}
	}
}

// gather takes the changes that wait already.
func (w *writer) gather(first *change) []*change {
	batch := []*change{first}
	for len(batch) < maxBatch {
		select {
		case c := <-w.queue:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// apply commits a batch. Each change is a savepoint of the one transaction.
func (w *writer) apply(batch []*change) {
	errs := make([]error, len(batch))
	err := w.transact(batch, errs)
	for i, c := range batch {
		if err != nil && errs[i] == nil {
			errs[i] = fmt.Errorf("%w: %w", errUnsure, err)
		}
		c.done <- errs[i]
	}
}

func (w *writer) transact(batch []*change, errs []error) error {
	tx, err := w.db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for i, c := range batch {
		if _, err := tx.Exec("savepoint change"); err != nil {
			return err
		}
		if errs[i] = c.run(tx); errs[i] != nil {
			// When even this fails the transaction is gone, with all changes.
			if _, err := tx.Exec("rollback to change"); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("release change"); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// row is the stored form of an extent.
type row struct {
	Blob string `json:"b"`
	Extent
}

func encodeExtents(extents []Extent) string {
	rows := make([]row, len(extents))
	for i, e := range extents {
		rows[i] = row{e.blob, e}
	}
	return encode(rows)
}

func decodeExtents(text string) ([]Extent, error) {
	var rows []row
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		return nil, fmt.Errorf("index: extents: %w", err)
	}
	extents := make([]Extent, len(rows))
	for i, r := range rows {
		if _, ok := blobID(r.Blob); !ok {
			return nil, fmt.Errorf("index: blob name %q", r.Blob)
		}
		extents[i] = Extent{Size: r.Size, Number: r.Number, Checksums: r.Checksums, blob: r.Blob}
	}
	return extents, nil
}

// encode is JSON of a type that cannot fail.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("objects: " + err.Error()) // a type of ours that JSON cannot hold: a mistake in this file
	}
	return string(b)
}
