package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/thingpass/thingpass"
)

// op names a public call in the errors of the database.
type op struct{ verb, name string }

// wrap adds what was tried to an error of the database. An error for the caller
// stays as it is.
func (o op) wrap(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*thingpass.Error](err); ok {
		return err
	}
	if o.name == "" {
		return fmt.Errorf("%s: %w", o.verb, err)
	}
	return fmt.Errorf("%s %q: %w", o.verb, o.name, err)
}

// querier is what a transaction and a pool have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// tx runs the statements of one public call, for its account only: $1 of every
// statement is the account, and the arguments count from $2. It carries the
// context because it lives as long as the call.
type tx struct {
	*DB
	ctx context.Context
	q   querier
}

// maxAttempts bounds how often a write is tried, within Limits.Write. With the
// waits between them it takes about three seconds to give up.
const maxAttempts = 40

// write runs f in a transaction that sees and leaves a state as if it ran alone.
// f may run more than once, each time after the server has said that the time
// before came to nothing. When the answer to a commit does not come, whether it
// has happened is not known: the error is Unavailable, and nothing is repeated.
func (db *DB) write(ctx context.Context, o op, f func(*tx) error) error {
	return db.writeWithin(ctx, db.Limits.write(), o, f)
}

func (db *DB) writeWithin(ctx context.Context, limit time.Duration, o op, f func(*tx) error) (err error) {
	if db.Measure != nil {
		defer db.observe("write", time.Now(), &err)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := db.inRoom(ctx, o, f)
		if err == nil || attempt == maxAttempts || !db.engine.again(err) {
			return db.failure(ctx, o, err)
		}
		// Growing waits of random length let one of the contenders finish.
		longest := min(time.Duration(attempt)*5*time.Millisecond, 150*time.Millisecond)
		select {
		case <-ctx.Done():
			return db.failure(ctx, o, err)
		case <-time.After(rand.N(longest)):
		}
	}
}

func (db *DB) attempt(ctx context.Context, f func(*tx) error) error {
	t, err := db.writer.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }() // does nothing after a commit
	if err := f(&tx{DB: db, ctx: ctx, q: t}); err != nil {
		return err
	}
	return t.Commit()
}

// observe tells how a call went. What is an answer for the caller, or the end of
// the caller's patience, is no error of the database.
func (db *DB) observe(kind string, began time.Time, result *error) {
	err := *result
	if e, ok := errors.AsType[*thingpass.Error](err); ok && e.Kind != thingpass.Unavailable || errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	db.Measure(kind, time.Since(began), err)
}

// change is write for a call that returns what it has written.
func change[T any](ctx context.Context, db *DB, o op, f func(*tx) (T, error)) (T, error) {
	var result T
	err := db.write(ctx, o, func(t *tx) (err error) {
		result, err = f(t)
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return result, nil
}

// read runs f, which makes one query for something that has a name. Requests
// wait for it, so it has connections that lists never take.
func read[T any](ctx context.Context, db *DB, o op, f func(*tx) (T, error)) (result T, err error) {
	if db.Measure != nil {
		defer db.observe("read", time.Now(), &err)
	}
	ctx, cancel := context.WithTimeout(ctx, db.Limits.read())
	defer cancel()
	result, err = f(&tx{DB: db, ctx: ctx, q: db.reader})
	return result, db.failure(ctx, o, err)
}

// snapshot is read for an f with several queries, which all see the same state.
func snapshot[T any](ctx context.Context, db *DB, o op, f func(*tx) (T, error)) (result T, err error) {
	if db.Measure != nil {
		defer db.observe("read", time.Now(), &err)
	}
	ctx, cancel := context.WithTimeout(ctx, db.Limits.read())
	defer cancel()
	result, err = frozen(ctx, db, db.reader, f)
	return result, db.failure(ctx, o, err)
}

// browse is snapshot for lists, whose cost grows with what there is. They are
// few at a time, on connections of their own; who has no turn within Limits.Read
// is refused as Throttled.
func browse[T any](ctx context.Context, db *DB, o op, f func(*tx) (T, error)) (result T, err error) {
	if db.Measure != nil {
		defer db.observe("list", time.Now(), &err)
	}
	var none T
	turn := time.NewTimer(db.Limits.read())
	defer turn.Stop()
	select {
	case db.turns <- struct{}{}:
		defer func() { <-db.turns }()
	case <-ctx.Done():
		return none, db.failure(ctx, o, ctx.Err())
	case <-turn.C:
		return none, &thingpass.Error{Kind: thingpass.Throttled, Message: textThrottled, Err: o.wrap(errors.New("no turn came"))}
	}
	ctx, cancel := context.WithTimeout(ctx, db.Limits.read())
	defer cancel()
	result, err = frozen(ctx, db, db.lister, f)
	return result, db.failure(ctx, o, err)
}

// frozen runs f in a read-only transaction of pool.
func frozen[T any](ctx context.Context, db *DB, pool *sql.DB, f func(*tx) (T, error)) (result T, err error) {
	t, err := pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return result, err
	}
	defer func() { _ = t.Rollback() }()
	result, err = f(&tx{DB: db, ctx: ctx, q: t})
	if err != nil {
		var none T
		return none, err
	}
	return result, nil
}

// exec runs a statement and returns the number of rows it has changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	args, err := t.bind(query, args)
	if err != nil {
		return 0, err
	}
	result, err := t.q.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t *tx) query(query string, args []any) (*sql.Rows, error) {
	args, err := t.bind(query, args)
	if err != nil {
		return nil, err
	}
	if stmt := t.prepared[query]; stmt != nil && t.q == querier(t.reader) {
		return stmt.QueryContext(t.ctx, args...)
	}
	return t.q.QueryContext(t.ctx, query, args...)
}

// bind puts the account before args. PostgreSQL stores neither NUL nor invalid
// UTF-8; both engines shall refuse the same.
func (t *tx) bind(query string, args []any) ([]any, error) {
	bound := make([]any, 1, len(args)+1)
	bound[0] = t.place.Account
	for _, arg := range args {
		if s, ok := arg.(string); ok && (strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s)) {
			return nil, thingpass.Errorf(thingpass.Invalid, "text must be UTF-8 without the NUL character")
		}
		bound = append(bound, arg)
	}
	if t.observed != nil {
		t.observed(query, args)
	}
	return bound, nil
}

// row is the current row of a result.
type row interface{ Scan(dest ...any) error }

// many returns all rows of a query.
func many[T any](t *tx, scan func(row) (T, error), query string, args ...any) (items []T, err error) {
	rows, err := t.query(query, args)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, rows.Err()
}

// one returns the only row of a query, or sql.ErrNoRows.
func one[T any](t *tx, scan func(row) (T, error), query string, args ...any) (T, error) {
	items, err := many(t, scan, query, args...)
	if err == nil && len(items) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		var none T
		return none, err
	}
	return items[0], nil
}

// listing is a query for a page of a list.
type listing struct {
	query string // ends in a where clause
	by    string // the column that orders the list, unique in it
	page  thingpass.Page
}

// list returns one page.
func list[T any](t *tx, scan func(row) (T, error), l listing, args ...any) ([]T, error) {
	query, order, beyond := l.query, "asc", ">"
	if l.page.Descending {
		order, beyond = "desc", "<"
	}
	if l.page.After != "" {
		args = append(args, l.page.After)
		query += fmt.Sprintf(" and %s %s $%d", l.by, beyond, len(args)+1)
	}
	limit := int64(math.MaxInt64)
	if l.page.Limit > 0 {
		limit = int64(l.page.Limit)
	}
	args = append(args, limit)
	query += fmt.Sprintf(" order by %s %s limit $%d", l.by, order, len(args)+1)
	return many(t, scan, query, args...)
}

// text scans a row of one text column.
func text(r row) (s string, err error) {
	err = r.Scan(&s)
	return s, err
}

// number scans a row of one bigint column.
func number(r row) (n int64, err error) {
	err = r.Scan(&n)
	return n, err
}

// orMissing turns the error for no rows into missing.
func orMissing(err error, missing *thingpass.Error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return missing
	}
	return err
}

// orElse returns err, or other if there is none.
func orElse(err error, other *thingpass.Error) error {
	if err != nil {
		return err
	}
	return other
}

// taken turns the outcome of an "on conflict do nothing" into exists.
func taken(inserted int64, err error, exists *thingpass.Error) error {
	return touched(inserted, err, exists)
}

// touched returns other when a statement has changed no row.
func touched(rows int64, err error, other *thingpass.Error) error {
	if err == nil && rows == 0 {
		return other
	}
	return err
}

// already is the error for an IoT resource whose name is in use.
func already(arn, id, message string) *thingpass.Error {
	return &thingpass.Error{
		Kind:    thingpass.Exists,
		Message: message,
		Fields:  map[string]string{"resourceArn": arn, "resourceId": id},
	}
}

// millis is how a time is stored. The zero time is stored too, and read back as
// the zero time.
func millis(t time.Time) int64 { return t.UnixMilli() }

// timeOf reads what millis has stored.
func timeOf(n int64) time.Time { return time.UnixMilli(n).UTC() }

// later is an expression for the time of parameter n, in a column that held an
// earlier time. It grows by a millisecond at least, so that two changes at the
// same instant, or by servers whose clocks differ, are told apart.
func later(column string, n int) string {
	return fmt.Sprintf(`case when %[1]s < $%[2]d then $%[2]d else %[1]s + 1 end`, column, n)
}

// instant scans what millis has stored.
type instant time.Time

// Scan implements sql.Scanner.
func (i *instant) Scan(value any) error {
	n, ok := value.(int64)
	if !ok {
		return fmt.Errorf("time is stored as %T", value)
	}
	*i = instant(timeOf(n))
	return nil
}

// seconds is how a duration is stored.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// durationOf reads what seconds has stored.
func durationOf(n int64) time.Duration { return time.Duration(n) * time.Second }

// span scans what seconds has stored.
type span time.Duration

// Scan implements sql.Scanner.
func (s *span) Scan(value any) error {
	n, ok := value.(int64)
	if !ok {
		return fmt.Errorf("duration is stored as %T", value)
	}
	*s = span(durationOf(n))
	return nil
}

// flag is how a truth is stored.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// jsonText is how small lists and maps of text are stored inside a row.
func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// or returns value, or what other makes when value is empty.
func or[T comparable](value T, other func() T) T {
	var empty T
	if value == empty {
		return other()
	}
	return value
}
