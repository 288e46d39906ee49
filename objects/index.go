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
	"sync"

	"modernc.org/sqlite"
)

const indexName = "index.db"

// openIndex opens the index that is there. The options beyond the durable ones
// take away what only a damaged or hostile file would use.
func openIndex(dir, options string) (*sql.DB, error) {
	uri := url.URL{Scheme: "file", Path: filepath.Join(dir, indexName)}
	connector, err := sqlite.NewConnector(uri.String() + "?mode=rw&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)" +
		"&_pragma=trusted_schema(0)&_defensive=1&_dqs=0&" + options)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
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

// readers answers questions from snapshots of the index, with statements that
// stay prepared.
type readers struct {
	db    *sql.DB
	mu    sync.RWMutex
	stmts map[string]*sql.Stmt
}

func openReaders(ctx context.Context, dir string) (*readers, error) {
	db, err := openIndex(dir, "_query_only=1&_pragma=cache_size(-4096)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &readers{db: db, stmts: make(map[string]*sql.Stmt)}, nil
}

// stmt returns the prepared form of one of the package's statements, whose
// number bounds the map.
func (r *readers) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.RLock()
	st := r.stmts[query]
	r.mu.RUnlock()
	if st != nil {
		return st, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if st := r.stmts[query]; st != nil {
		return st, nil
	}
	st, err := r.db.PrepareContext(ctx, query) //nolint:sqlclosecheck // closed with the database
	if err == nil {
		r.stmts[query] = st
	}
	return st, err
}

// get reads one row. It does not watch ctx while it does: that would cost more
// than the reading.
func (r *readers) get(ctx context.Context, query string, args, into []any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	st, err := r.stmt(ctx, query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(ctx, args...).Scan(into...)
}

// query reads many rows.
func (r *readers) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	st, err := r.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

// view runs f in one snapshot of the index.
func (r *readers) view(ctx context.Context, f func(snapshot) error) error {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return f(snapshot{r, tx})
}

// snapshot is the index as it was at one moment.
type snapshot struct {
	readers *readers
	tx      *sql.Tx
}

func (v snapshot) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	st, err := v.readers.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return v.tx.StmtContext(ctx, st).QueryContext(ctx, args...)
}

func (v snapshot) row(ctx context.Context, query string, args, into []any) error {
	st, err := v.readers.stmt(ctx, query)
	if err != nil {
		return err
	}
	return v.tx.StmtContext(ctx, st).QueryRowContext(ctx, args...).Scan(into...)
}

func (v snapshot) bucketID(ctx context.Context, name string) (id int64, err error) {
	err = v.row(ctx, `select id from bucket where name = ?`, []any{name}, []any{&id})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNoSuchBucket
	}
	return id, err
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

// encode is JSON of a type that cannot fail.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("objects: " + err.Error()) // a type of ours that JSON cannot hold: a mistake in this package
	}
	return string(b)
}
