package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/thingpass/thingpass"
)

const sqliteScheme = "sqlite:"

// openSQLite opens the existing file at path with one connection to write and
// several to read, which in WAL mode never wait for each other. Lists, which
// cost CPU, get half of the processors.
func (db *DB) openSQLite(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || path == "" {
		return &thingpass.Error{Kind: thingpass.NotFound, Message: fmt.Sprintf("there is no database at %q", path)}
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return thingpass.Errorf(thingpass.Invalid, "%q is not a database file", path)
	}
	db.engine = engine{
		hasTable: `select 1 from sqlite_master where type = 'table' and name = $1`,
		again:    sqliteBusy,
	}
	if db.writer, err = sqlitePool(path, 1, "_txlock=immediate&_pragma=journal_mode(wal)"); err != nil {
		return err
	}
	if err = db.writer.PingContext(ctx); err == nil {
		readers, listers := max(4, 2*runtime.GOMAXPROCS(0)), max(1, runtime.GOMAXPROCS(0)/2)
		db.turns = make(chan struct{}, listers)
		db.reader, err = sqlitePool(path, readers, "_query_only=1")
		if err == nil {
			db.lister, err = sqlitePool(path, listers, "_query_only=1")
		}
	}
	if err == nil {
		err = db.hold(path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open %q: %w", path, err), db.closePools())
	}
	return nil
}

// sqliteBusy reports whether another process held the lock for longer than one
// attempt waits. Within this one a writer is alone.
func sqliteBusy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// sqlitePool makes a pool of at most size connections that stay open.
//
// synchronous(full) makes a commit wait until it is on disk; busy_timeout is for
// other processes that use the same file, in milliseconds, and short because no
// deadline interrupts it; temp_store(memory) lets a change work when no disk has
// room; defensive, trusted_schema and dqs take
// away what only a damaged or hostile file would use.
func sqlitePool(path string, size int, options string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	connector, err := sqlite.NewConnector(uri.String() + "?mode=rw&_pragma=busy_timeout(500)&" + options +
		"&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_pragma=cache_size(-8192)" +
		"&_pragma=temp_store(memory)&_pragma=trusted_schema(0)&_defensive=1&_dqs=0")
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool, nil
}

// createFile makes an empty file that only its owner may read, and makes sure
// that its name survives a crash.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return thingpass.Errorf(thingpass.Exists, "%q exists already", path)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// removeFile takes back a file that createFile has made, with SQLite's files
// beside it. What cannot be removed is found by the next Create.
func removeFile(path string) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(path + suffix)
	}
}
