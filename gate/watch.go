package gate

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/session"
)

const (
	// watchEvery is how often a request that streams asks whether its caller is
	// still known. With store.Staleness it stays below the second within which a
	// withdrawal counts.
	watchEvery = 400 * time.Millisecond

	// watched is the size in bytes from which a transfer is watched from its
	// beginning. A smaller one is over, or watched once it has taken watchEvery.
	watched = 128 << 10
)

// unconfirmed is why a transfer ends whose caller could not be confirmed for
// Timeouts.Unconfirmed.
func unconfirmed(err error) error {
	return &thingpass.Error{Kind: thingpass.Unavailable, Message: "it cannot be found out whether the caller is still known", Err: err}
}

// watch ends a transfer whose caller is no longer known: it makes whoever reads
// or writes the connection return, also when no byte moves. A request of a few
// milliseconds never starts it.
type watch struct {
	call *Call
	conn *http.ResponseController

	ended     atomic.Pointer[error] // why the transfer was ended
	answering atomic.Bool           // the answer has begun

	mu        sync.Mutex
	timer     *time.Timer // nil before it has begun
	confirmed time.Time   // when the caller was last known, as seen before asking
	over      bool
}

// reason is why the transfer was ended, nil while it may go on. Who is about to
// wait for the connection asks after setting its deadline, so that the end cannot
// come between.
func (w *watch) reason() error {
	if e := w.ended.Load(); e != nil {
		return *e
	}
	return nil
}

// begin starts to watch. Doing so again is harmless.
func (w *watch) begin(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil && !w.over {
		w.confirmed = time.Now() // not long ago
		w.timer = time.AfterFunc(watchEvery, func() { w.ask(ctx) })
	}
}

// ask ends the transfer if the caller is no longer known, or could not be asked
// about for too long: a certificate may be turned off that this server cannot
// hear of. Until then it asks again, because the operation has been allowed.
func (w *watch) ask(ctx context.Context) {
	asked, patience := time.Now(), w.call.door.cfg.Timeouts.Unconfirmed
	ctx, cancel := context.WithTimeout(ctx, patience/2)
	_, err := w.call.stillKnown(ctx)
	cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
		return
	case err == nil:
		w.confirmed = asked
	case gone(err):
		w.stop(err)
		return
	case time.Since(w.confirmed) > patience-watchEvery:
		w.stop(unconfirmed(err))
		return
	}
	w.timer.Reset(watchEvery)
}

// stop ends the transfer.
func (w *watch) stop(reason error) {
	w.ended.Store(&reason)
	_ = w.conn.SetReadDeadline(time.Now())
	if w.answering.Load() { // else there is still something to say
		_ = w.conn.SetWriteDeadline(time.Now())
	}
}

// gone reports whether an error says that the caller is no longer known, and not
// that this could not be found out.
func gone(err error) bool {
	_, ok := errors.AsType[*session.Error](err)
	return ok
}

// end stops watching: after it returns the connection is left alone.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.timer != nil {
		w.timer.Stop()
	}
}
