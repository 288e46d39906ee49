package objects

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const indexName = "index.db"

// openIndex opens the index that is there. The options beyond the durable ones
// take away what only a damaged or hostile file would use.
func openIndex(dir, options string) (*sql.DB, error) {
	uri := url.URL{Scheme: "file", Path: filepath.Join(dir, indexName)}
	connector, err := sqlite.NewConnector(uri.String() + "?mode=rw&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)" +
		"&_pragma=temp_store(memory)&_pragma=trusted_schema(0)&_defensive=1&_dqs=0&" + options)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// Busy reports whether an error says that another process holds the lock of the
// index, longer than a statement waits for it.
func Busy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == sqlite3.SQLITE_BUSY || e.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

// createIndex makes an empty index that only its owner may read: SQLite gives
// the files beside it the same mode.
func createIndex(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, indexName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// closeModes takes the index away from everyone but its owner: earlier releases
// left its mode to the umask.
func closeModes(dir string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		err := os.Chmod(filepath.Join(dir, indexName+suffix), 0o600)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// session is one connection to the index, with statements that stay prepared.
// One goroutine has it at a time. It does not watch a context while a statement
// runs: that costs more than most statements.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func openSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, stmts: make(map[string]*sql.Stmt)}, nil
}

func (s *session) close() error {
	var errs []error
	for _, st := range s.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, s.conn.Close())...)
}

// stmt returns the prepared form of one of the package's statements, whose
// number bounds the map.
func (s *session) stmt(query string) (*sql.Stmt, error) {
	if st := s.stmts[query]; st != nil {
		return st, nil
	}
	st, err := s.conn.PrepareContext(context.Background(), query) //nolint:sqlclosecheck // closed with the session
	if err == nil {
		s.stmts[query] = st
	}
	return st, err
}

func (s *session) exec(query string, args ...any) (sql.Result, error) {
	st, err := s.stmt(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(context.Background(), args...)
}

func (s *session) query(query string, args ...any) (*sql.Rows, error) {
	st, err := s.stmt(query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(context.Background(), args...)
}

// get reads one row.
func (s *session) get(query string, args, into []any) error {
	st, err := s.stmt(query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(context.Background(), args...).Scan(into...)
}

func (s *session) bucketID(name string) (id int64, err error) {
	err = s.get(`select id from bucket where name = ?`, []any{name}, []any{&id})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNoSuchBucket
	}
	return id, err
}

// maxReaders bounds how many read the index at once.
const maxReaders = 8

// readers lends out sessions that see the index as it was at one moment. Who
// has one must not ask for another.
type readers struct {
	db   *sql.DB
	idle chan *session // nil ones are not open yet
	stop chan struct{}
}

func openReaders(ctx context.Context, dir string) (*readers, error) {
	db, err := openIndex(dir, "_query_only=1&_pragma=cache_size(-4096)")
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	r := &readers{db: db, idle: make(chan *session, maxReaders), stop: make(chan struct{})}
	for range maxReaders {
		r.idle <- nil
	}
	return r, nil
}

// close waits for those who read.
func (r *readers) close() error {
	close(r.stop)
	var errs []error
	for range maxReaders {
		if s := <-r.idle; s != nil {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(append(errs, r.db.Close())...)
}

// with lends a session to f for statements of which each sees its own moment.
func (r *readers) with(ctx context.Context, f func(*session) error) error {
	select {
	case <-r.stop:
		return ErrClosed
	default:
	}
	select {
	case s := <-r.idle:
		if s == nil {
			opened, err := openSession(ctx, r.db)
			if err != nil {
				r.idle <- nil
				return err
			}
			s = opened
		}
		defer func() { r.idle <- s }()
		return f(s)
	case <-ctx.Done():
		return ctx.Err()
	case <-r.stop:
		return ErrClosed
	}
}

// view lends a session to f for statements that all see the same moment.
func (r *readers) view(ctx context.Context, f func(*session) error) error {
	return r.with(ctx, func(s *session) error {
		if _, err := s.exec("begin"); err != nil {
			return err
		}
		err := f(s)
		_, end := s.exec("rollback")
		return errors.Join(err, end)
	})
}

// get reads one row.
func (r *readers) get(ctx context.Context, query string, args, into []any) error {
	return r.with(ctx, func(s *session) error { return s.get(query, args, into) })
}

// storedExtent is the stored form of an extent.
type storedExtent struct {
	Blob string `json:"b"`
	Extent
}

func encodeExtents(extents []Extent) string {
	if len(extents) == 0 {
		return "[]"
	}
	rows := make([]storedExtent, len(extents))
	for i, e := range extents {
		rows[i] = storedExtent{e.blob, e}
	}
	return encode(rows)
}

func decodeExtents(text string) ([]Extent, error) {
	if text == "[]" {
		return nil, nil
	}
	var rows []storedExtent
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		return nil, fmt.Errorf("index: extents: %w", err)
	}
	extents := make([]Extent, len(rows))
	for i, r := range rows {
		if _, ok := blobID(r.Blob); !ok && (r.Blob != "" || r.Size != 0) {
			return nil, fmt.Errorf("index: blob name %q", r.Blob)
		}
		extents[i] = r.Extent
		extents[i].blob = r.Blob
	}
	return extents, nil
}

func decodeMeta(text string) (meta Meta, err error) {
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		return meta, fmt.Errorf("index: meta: %w", err)
	}
	return meta, nil
}

func decodeSums(text string) (sums map[string]string, err error) {
	if err := json.Unmarshal([]byte(text), &sums); err != nil {
		return nil, fmt.Errorf("index: checksums: %w", err)
	}
	return sums, nil
}

// encode is JSON of a type that cannot fail.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("objects: " + err.Error()) // a type of ours that JSON cannot hold: a mistake in this package
	}
	return string(b)
}
