package objects

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

const schemaVersion = 2

// steps makes each schema from the one before. A new index takes them all.
var steps = [schemaVersion]string{schema1, schema2}

// Keys are blobs: compared as bytes, with any content. The rows of a bucket lie
// together in key order, which is what listing reads. Times are nanoseconds
// since 1970.
const schema1 = `
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

// Table object has the current version of each key, noncurrent the others: a
// key is in noncurrent only if it is in object. Versions of a key are ordered
// by seq, which counts within the key; no clock is asked. A version's name is
// empty for the null version.
//
// The bytes of small objects are in content. Table blob names every file that
// object, noncurrent and part name, in order, for comparison with the folder.
const schema2 = `
alter table bucket add column versioning text not null default '';
alter table object add column seq integer not null default 1;
alter table object add column version text not null default '';
alter table object add column marker integer not null default 0;
alter table object add column content integer not null default 0;
create table noncurrent (
	bucket   integer not null references bucket (id),
	key      blob not null,
	seq      integer not null,
	version  text not null,
	marker   integer not null,
	size     integer not null,
	etag     text not null,
	modified integer not null,
	extents  text not null,
	content  integer not null,
	meta     text not null,
	upload   text not null,
	primary key (bucket, key, seq desc)
) without rowid;
create unique index noncurrent_version on noncurrent (bucket, key, version);
create unique index upload_id on upload (id);
create table content (
	id    integer primary key,
	bytes blob not null
);
create table setting (
	bucket   integer not null references bucket (id),
	name     text not null,
	document text not null,
	primary key (bucket, name)
) without rowid;
create table blob (
	name blob primary key
) without rowid;
insert into blob select unhex(json_extract(e.value, '$.b')) from object o, json_each(o.extents) e;
insert into blob select unhex(blob) from part where blob <> '';
`

// migrate makes the tables of a new index, brings those of an earlier release
// up to date, and refuses those of a later one.
func migrate(ctx context.Context, db *sql.DB, create bool) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	version, err := schemaOf(ctx, tx)
	if err != nil {
		return err
	}
	if version == 0 && !create {
		return errors.New("index.db is empty: not an object store")
	}
	if version == schemaVersion {
		return nil
	}
	for _, step := range steps[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("migrate from schema %d: %w", version, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("pragma user_version = %d", schemaVersion)); err != nil {
		return err
	}
	return tx.Commit()
}

func schemaOf(ctx context.Context, tx *sql.Tx) (version int, err error) {
	if err := tx.QueryRowContext(ctx, "pragma user_version").Scan(&version); err != nil {
		return 0, err
	}
	if version > schemaVersion {
		return 0, fmt.Errorf("index has schema %d, this release knows %d: it was written by a later release", version, schemaVersion)
	}
	return version, nil
}
