package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/thingpass/thingpass"
)

// Limits bound how long a call waits for the database: for a connection, for
// locks and for the answer, all together. A zero field takes its default.
type Limits struct {
	Read  time.Duration // DefaultRead
	Write time.Duration // DefaultWrite; it includes trying again after a conflict
}

// The defaults of Limits. A request that waits for the database is answered
// within the first; a write may have to wait for other writes.
const (
	DefaultRead  = 2 * time.Second
	DefaultWrite = 10 * time.Second
)

func (l Limits) read() time.Duration  { return cmp.Or(l.Read, DefaultRead) }
func (l Limits) write() time.Duration { return cmp.Or(l.Write, DefaultWrite) }

// migrating bounds one step of the schema: building an index over a large fleet
// takes minutes.
const migrating = 15 * time.Minute

// The answers while the database cannot be used, and while too many listings
// are under way.
const (
	textUnavailable = "the database does not answer"
	textThrottled   = "too many lists are being read"
)

// failure names what was tried in an error of the database, and tells what will
// pass from what will not. ctx is the one that bounded the call.
func (db *DB) failure(ctx context.Context, o op, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*thingpass.Error](err); ok {
		return err
	}
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	err = o.wrap(err)
	if errors.Is(err, context.Canceled) || !unavailable(err) {
		return err
	}
	db.doubt(err)
	return &thingpass.Error{Kind: thingpass.Unavailable, Message: textUnavailable, Err: err}
}

// unavailable reports whether an error says that the database cannot be used
// now, as opposed to something about the statement.
func unavailable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return unavailableState(e.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff { // the primary result code
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL,
			sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR:
			return true
		}
		return false
	}
	return strings.Contains(err.Error(), "conn closed") // pgx has no value for it
}

// unavailableState reports whether an SQLSTATE (PostgreSQL documentation,
// appendix A) is of the server's condition. A conflict gets here when it was
// tried again for as long as a write may take.
func unavailableState(code string) bool {
	for _, prefix := range []string{
		"08",    // connection exceptions
		"25006", // read_only_sql_transaction: a standby, as after a failover
		"25P03", // idle_in_transaction_session_timeout
		"25P04", // transaction_timeout
		"28",    // authorization: a password that was changed
		"3D000", // no such database
		"40001", // serialization_failure
		"40P01", // deadlock_detected
		"53",    // insufficient resources: connections, memory, disk
		"55P03", // lock_not_available
		"57",    // operator intervention: cancelled, shut down, crashed, starting up
		"58",    // errors of the system: input and output
	} {
		if strings.HasPrefix(code, prefix) {
			return true
		}
	}
	return false
}

// within runs f with a context that ends after limit, and returns then at the
// latest, also when the driver does not come back: f is left to itself.
func within[T any](ctx context.Context, limit time.Duration, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		defer cancel()
		value, err := f(ctx)
		done <- outcome{value, err}
	}()
	timer := time.NewTimer(limit + unheeded)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.value, o.err
	case <-timer.C:
		var none T
		return none, &thingpass.Error{Kind: thingpass.Unavailable, Message: textUnavailable,
			Err: fmt.Errorf("the driver does not heed a deadline of %s", limit)}
	}
}

// unheeded is how long after its deadline a load may come back.
const unheeded = 250 * time.Millisecond
