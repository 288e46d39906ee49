package upstream

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

var errEnded = errors.New("the request is over")

// watch ends a request when the engine makes no progress. It runs while we wait
// for the engine, and pauses while we wait for the client.
type watch struct {
	ctx    context.Context // of the request
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
	answer time.Duration // how long the engine may think
}

func newWatch(ctx context.Context, cancel context.CancelCauseFunc, stall, answer time.Duration) *watch {
	return &watch{ctx: ctx, cancel: cancel, stall: stall, answer: answer, timer: time.AfterFunc(stall, func() { cancel(errStalled) })}
}

func (w *watch) pause()     { w.timer.Stop() }
func (w *watch) resume()    { w.timer.Reset(w.stall) }
func (w *watch) answering() { w.timer.Reset(w.answer) }

// stalled tells whether it has ended the request.
func (w *watch) stalled() bool { return errors.Is(context.Cause(w.ctx), errStalled) }

func (w *watch) end() {
	w.timer.Stop()
	w.cancel(errEnded)
}

// outgoing is the body of a request as net/http reads it, in a goroutine that
// may still do so when the answer is there.
type outgoing struct {
	src   io.Reader
	watch *watch
	abort func()
	left  int64       // bytes; the last of them come when all have verified
	done  atomic.Bool // all of it was read
	ended time.Time   // when; set before done

	mu   sync.Mutex // held while src is read
	over bool
	err  error
}

func (o *outgoing) Read(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return 0, errEnded
	}
	if o.left > 0 { // else net/http looks for the end only
		o.watch.pause()
	}
	n, err := o.src.Read(p)
	o.left -= int64(n)
	switch {
	case err != nil && err != io.EOF: //nolint:errorlint // io.Reader's contract
		o.err = err
	case o.left <= 0 && !o.done.Load():
		o.ended = time.Now()
		o.done.Store(true)
		o.watch.answering()
	case o.left > 0:
		o.watch.resume()
	}
	return n, err
}

// Close is net/http's. The owner of the source closes it.
func (o *outgoing) Close() error { return nil }

// complete tells whether the engine was given everything.
func (o *outgoing) complete() bool { return o == nil || o.done.Load() }

// failed is what reading the body failed with.
func (o *outgoing) failed() error {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// patience is how long a read of the body may go on when its result is of no
// use any more.
const patience = time.Second

// stop sees to it that the body is not read any more. A read that is waiting
// for a client that is sending ends by itself; one that waits for nothing is
// ended.
func (o *outgoing) stop() {
	if o.complete() {
		return
	}
	if o.abort != nil {
		defer time.AfterFunc(patience, o.abort).Stop()
	}
	o.mu.Lock()
	o.over = true
	o.mu.Unlock()
}
