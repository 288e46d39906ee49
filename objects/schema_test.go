package objects

import (
	"crypto/md5"
	"database/sql"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// released1 is schema 1 as it was released: a copy, so that a change of ours to
// the first step does not go unnoticed.
const released1 = `
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
pragma user_version = 1;
`

// release1 makes a store as the release with schema 1 left it: an object, one
// of two parts, an upload with a part, and a file that no row names.
func release1(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "s")
	file := func(content string) string {
		name := fmt.Sprintf("%x", md5.Sum([]byte("name of "+content)))
		path := filepath.Join(dir, "blobs", name[:2], name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	one, two, three, part := file("content"), file("part 1"), file("part 2"), file("unfinished")
	file("orphan")
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.Join(dir, indexName)}).String()+"?_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		released1,
		`insert into bucket (id, name, created) values (7, 'b', 1700000000000000000)`,
		fmt.Sprintf(`insert into object values (7, x'6b', 7, 'e1', 1700000000000000001, '[{"b":"%s","s":7}]',
			'{"Headers":{"Content-Type":"text/plain"},"User":{"a":"b"},"Checksums":{"crc32":"AAAAAA=="},"ChecksumType":"FULL_OBJECT"}', '')`, one),
		fmt.Sprintf(`insert into object values (7, x'6d', 12, 'e2-2', 2, '[{"b":"%s","s":6,"n":1},{"b":"%s","s":6,"n":3}]',
			'{"Headers":null,"User":null,"Checksums":null,"ChecksumType":""}', 'u0')`, two, three),
		`insert into object values (7, x'65', 0, 'd41d8cd98f00b204e9800998ecf8427e', 3, '[]', '{}', '')`,
		`insert into upload values (7, x'75', 'u1', 4, '{"User":{"c":"d"}}')`,
		fmt.Sprintf(`insert into part values ('u1', 1, '%s', 10, '%x', 5, '{}'), ('u1', 2, '', 0, 'd41d8cd98f00b204e9800998ecf8427e', 5, 'null')`, part, md5.Sum([]byte("unfinished"))),
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, indexName), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMigrate(t *testing.T) {
	dir := release1(t)
	s, err := OpenWith(dir, Options{UploadAge: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx := t.Context()
	wantBodies(t, s, 4)
	if get(t, s, "k") != "content" || get(t, s, "m") != "part 1part 2" || get(t, s, "e") != "" {
		t.Error("contents differ")
	}
	o, err := s.Head(ctx, Ref{Name{"b", "k"}, NullVersion})
	want := Object{
		Name: Name{"b", "k"}, Size: 7, ETag: "e1", Modified: instant(1700000000000000001), Parts: o.Parts, Version: NullVersion, Latest: true,
		Meta: Meta{Headers: map[string]string{"Content-Type": "text/plain"}, User: map[string]string{"a": "b"}, Checksums: map[string]string{"crc32": "AAAAAA=="}, ChecksumType: "FULL_OBJECT"},
	}
	if diff := cmp.Diff(want, o, cmp.AllowUnexported(Object{}, Extent{})); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if b, err := s.Bucket(ctx, "b"); err != nil || b.Versioning != Unversioned {
		t.Error(b, err)
	}
	done, err := s.CompleteUpload(ctx, Name{"b", "u"}, "u1", []Chosen{{Number: 1, ETag: fmt.Sprintf("%x", md5.Sum([]byte("unfinished")))}}, CompleteOptions{})
	if err != nil || get(t, s, "u") != "unfinished" || done.User["c"] != "d" {
		t.Error(done, err)
	}
	if err := s.SetVersioning(ctx, "b", Enabled); err != nil {
		t.Fatal(err)
	}
	put(t, s, "k", "newer")
	if got, _, err := read(t, s, Ref{Name{"b", "k"}, NullVersion}); got != "content" || err != nil {
		t.Errorf("old version: %q, %v", got, err)
	}
	wantBodies(t, s, 5)
	wantModes(t, dir)
}

// Nobody but the owner reads a file of the store.
func wantModes(t *testing.T, dir string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if strings.HasPrefix(d.Name(), indexName) {
			n++
		}
		return err
	})
	if err != nil || n != 3 {
		t.Errorf("%d files of the index, %v", n, err)
	}
}

// A migrated index and a new one have the same tables.
func TestMigratedSchema(t *testing.T) {
	tables := func(s *Store) (out []string) {
		rows := query(t, s, `select sql from sqlite_master where sql is not null and name not like 'sqlite%' order by name`)
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			out = append(out, text)
		}
		return out
	}
	old, err := Open(release1(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()
	fresh := newStore(t)
	wantModes(t, fresh.dir)
	if diff := cmp.Diff(tables(fresh), tables(old)); diff != "" {
		t.Error(diff)
	}
}
