package objects

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/thingpass/thingpass/anchor"
	"github.com/thingpass/thingpass/space"
)

// writer is the only one to change the index. Changes that arrive while one is
// being synced to the disk share the next sync.
type writer struct {
	db      *sql.DB
	tx      tx
	space   *space.Volume
	moved   atomic.Pointer[[]*anchor.File] // nil before the store is open
	queue   chan *change
	stop    chan struct{}
	stopped chan struct{}
	// settled is told, after each transaction and before its changes are
	// acknowledged, what they changed.
	settled func(*touched)
}

type change struct {
	run  func(*tx) error
	use  space.Use // of the reserve, on a full disk
	err  error
	done chan struct{}
}

// maxBatch bounds how long a change waits for others to be applied.
const maxBatch = 128

// errUnsure marks a failed commit: the change may or may not be in the index,
// so no file may be removed on its account.
var errUnsure = errors.New("index commit failed")

// errLost marks a transaction of many changes that ended before its commit.
var errLost = errors.New("index transaction ended early")

// tx is the transaction that changes run in, on the one session that writes.
type tx struct {
	*session
	touched
	forgets func(blob string) // is told before the index no longer names a file
}

// touched is what a transaction changed.
type touched struct {
	keys    []Name
	buckets []string
	every   bool // all keys
}

func (t *touched) reset() { t.keys, t.buckets, t.every = t.keys[:0], t.buckets[:0], false }

func (t *touched) key(name Name) { t.keys = append(t.keys, name) }

func (t *touched) bucket(name string) { t.buckets = append(t.buckets, name) }

func openWriter(ctx context.Context, dir string, create bool, settled func(*touched)) (_ *writer, err error) {
	// A checkpoint copies a page once however often it was written since the
	// last, so they are rare: every 16 MiB of log. A log that grew because
	// somebody read for long shrinks again.
	db, err := openIndex(dir, "_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)"+
		"&_pragma=cache_size(-16384)&_pragma=wal_autocheckpoint(4000)&_pragma=journal_size_limit(67108864)")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = db.Close()
		}
	}()
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, create); err != nil {
		return nil, err
	}
	session, err := openSession(ctx, db)
	if err != nil {
		return nil, err
	}
	w := &writer{
		db: db, tx: tx{session: session},
		queue: make(chan *change), stop: make(chan struct{}), stopped: make(chan struct{}), settled: settled,
	}
	go w.loop()
	return w, nil
}

func (w *writer) close() error {
	close(w.stop)
	<-w.stopped
	return errors.Join(w.tx.close(), w.db.Close())
}

// do is doing without use of the reserve.
func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	return w.doing(ctx, space.None, run)
}

// doing runs a change in a transaction and returns when it is durable. An error
// of run undoes that change alone. It may be run again after it was undone. Once taken up a change is not abandoned when
// ctx ends, because its outcome decides about files.
func (w *writer) doing(ctx context.Context, use space.Use, run func(*tx) error) error {
	c := &change{run: run, use: use, done: make(chan struct{})}
	select {
	case w.queue <- c:
		<-c.done
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return ErrClosed
	}
}

func (w *writer) loop() {
	defer close(w.stopped)
	var batch []*change
	for {
		select {
		case c := <-w.queue:
			batch = w.gather(append(batch[:0], c))
			w.apply(batch)
			clear(batch)
		case <-w.stop:
			return
		}
	}
}

// gather takes the changes that wait already.
func (w *writer) gather(batch []*change) []*change {
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

// apply commits a batch and tells each change its outcome. Where the disk was
// full, or a change took the transaction of all with it, each gets its own.
func (w *writer) apply(batch []*change) {
	w.tx.reset()
	err := w.inPlace()
	if err == nil {
		err = w.tx.transact(batch)
	}
	if again := errors.Is(err, errLost) || space.Full(err); len(batch) > 1 && again {
		for _, c := range batch {
			c.err = w.tx.transact([]*change{c})
		}
		err = nil
	}
	for _, c := range batch {
		if space.Full(c.err) || space.Full(err) {
			w.inRoom(c)
			err = nil // there is one change then
		}
	}
	w.settled(&w.tx.touched)
	if gone := w.inPlace(); gone != nil && err == nil { // it could have been before the end
		err = fmt.Errorf("%w: %w", errUnsure, gone)
	}
	for _, c := range batch {
		if err != nil && c.err == nil {
			c.err = err
		}
		close(c.done)
	}
}

// inPlace fails when the index is not where it was.
func (w *writer) inPlace() error {
	if files := w.moved.Load(); files != nil {
		return moved(*files)
	}
	return nil
}

// inRoom runs a change again that met a full disk, when some room could be made:
// first in the log of changes, by moving what it holds to where it belongs, and
// then by giving back steps of the reserve.
func (w *writer) inRoom(c *change) {
	for {
		_ = w.tx.checkpoint()
		if c.err = w.tx.transact([]*change{c}); !space.Full(c.err) || !w.space.Relieve(c.use) {
			return
		}
	}
}

// checkpoint moves changes from SQLite's log to the index, so that the log is
// written from its start again.
func (t *tx) checkpoint() error {
	var busy, log, moved int
	return t.get("pragma wal_checkpoint(passive)", nil, []any{&busy, &log, &moved})
}

// transact runs the changes of a batch and commits. The error is for those
// that did not fail by themselves.
func (t *tx) transact(batch []*change) error {
	if _, err := t.exec("begin immediate"); err != nil {
		return err
	}
	if err := t.each(batch); err != nil {
		_, _ = t.exec("rollback") // SQLite may have done it already
		return err
	}
	if _, err := t.exec("commit"); err != nil {
		_, _ = t.exec("rollback")
		return fmt.Errorf("%w: %w", errUnsure, err)
	}
	return nil
}

// each runs every change as a savepoint of the one transaction. An error ends
// the transaction.
func (t *tx) each(batch []*change) error {
	if len(batch) == 1 {
		batch[0].err = batch[0].run(t)
		return batch[0].err
	}
	for _, c := range batch {
		if _, err := t.exec("savepoint change"); err != nil {
			return fmt.Errorf("%w: %w", errLost, err)
		}
		if c.err = c.run(t); c.err != nil {
			if _, err := t.exec("rollback to change"); err != nil {
				return fmt.Errorf("%w: %w", errLost, err)
			}
		}
		if _, err := t.exec("release change"); err != nil {
			return fmt.Errorf("%w: %w", errLost, err)
		}
	}
	return nil
}
