package gate

import (
	"cmp"
	"io"
	"net/http"
	"time"
)

// Timeouts bound how long a connection is waited for. A zero field takes its
// default.
type Timeouts struct {
	Body  time.Duration // for all of a body that is read before its signature can be verified; 30 s
	Stall time.Duration // without a byte, of a verified S3 upload or of an answer; 60 s
	Drain time.Duration // for the rest of a body that nobody reads; 1 s

	// Room is how long a body that is not verified yet waits for room in memory; 2 s.
	Room time.Duration

	// Unconfirmed is how long a transfer goes on while it cannot be found out
	// whether its caller is still known; 5 s.
	Unconfirmed time.Duration
}

func (t Timeouts) orDefaults() Timeouts {
	return Timeouts{
		Body:  cmp.Or(t.Body, 30*time.Second),
		Stall: cmp.Or(t.Stall, time.Minute),
		Drain: cmp.Or(t.Drain, time.Second),

		Room:        cmp.Or(t.Room, 2*time.Second),
		Unconfirmed: cmp.Or(t.Unconfirmed, 5*time.Second),
	}
}

const (
	// piece is how many bytes of an answer must get through within a stall, and
	// what copies of it are made in.
	piece = 64 << 10
	// filePiece is how many bytes of a file the kernel is asked to send at once.
	filePiece = 1 << 20
	// drained is how many unread bytes of a body are read so that a client that
	// is still sending them sees the answer and keeps its connection.
	drained = 256 << 10
)

// upload is the body of a request, read against a deadline. Deadlines are of
// the machine's clock: Config.Now does not move a socket.
type upload struct {
	io.ReadCloser
	watch    *watch
	conn     *http.ResponseController
	timeouts Timeouts
	started  time.Time // when reading was allowed to take its time
	moving   bool      // the deadline moves with every read
	armed    time.Time // when the deadline was last moved
	begun    bool
	bytes    int64 // that were read
	over     error // io.EOF, or why there is no more
}

// guard puts a deadline on the body of a request, which a stranger may have
// announced and never send. It returns the request to go on with, and nil when
// there is no body.
func (d *Door) guard(w *watch, r *http.Request) (*http.Request, *upload) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return r, nil
	}
	u := &upload{ReadCloser: r.Body, watch: w, conn: w.conn, timeouts: d.cfg.Timeouts}
	u.deadline(u.timeouts.Body)
	r = r.WithContext(r.Context()) // a copy: the server's own stays as it is
	r.Body = u
	return r, u
}

// deadline is best effort: a connection without deadlines, as in tests, goes
// without.
func (u *upload) deadline(in time.Duration) {
	u.armed = time.Now()
	_ = u.conn.SetReadDeadline(u.armed.Add(in))
}

// progress lets the body take as long as it needs while bytes come, and its
// sender is known.
func (u *upload) progress(r *http.Request) {
	if u == nil {
		return
	}
	u.moving = true
	u.deadline(u.timeouts.Stall)
	u.started = u.armed
	if r.ContentLength < 0 || r.ContentLength >= watched {
		u.watch.begin(r.Context())
	}
}

func (u *upload) Read(p []byte) (int, error) {
	u.begun = true
	if u.moving {
		u.keepMoving()
	}
	if reason := u.watch.reason(); reason != nil {
		u.over = reason
		return 0, reason
	}
	n, err := u.ReadCloser.Read(p)
	u.bytes += int64(n)
	if reason := u.watch.reason(); reason != nil && err != nil {
		err = reason
	}
	if err != nil && u.over == nil {
		u.over = err
		if err == io.EOF { //nolint:errorlint // io.Reader's contract
			_ = u.conn.SetReadDeadline(time.Time{}) // else it would end the operation that goes on
		}
	}
	return n, err
}

// keepMoving moves the deadline before it comes near. A small body that takes
// long is watched like a large one.
func (u *upload) keepMoving() {
	now := time.Now()
	if now.Sub(u.armed) > u.timeouts.Stall/8 {
		u.deadline(u.timeouts.Stall)
	}
	if !u.started.IsZero() && now.Sub(u.started) > watchEvery {
		u.started = time.Time{}
		u.watch.begin(u.watch.call.Request.Context())
	}
}

// count is how many bytes of the body were read.
func (u *upload) count() int64 {
	if u == nil {
		return 0
	}
	return u.bytes
}

// finish reads what is left of a body before an answer begins, or has the
// connection closed behind the answer. net/http would do so too, but wait for
// a body that never comes. HTTP/2 resets a stream by itself.
func (u *upload) finish(r *http.Request, h http.Header) {
	if u == nil || u.over == io.EOF || r.ProtoMajor != 1 { //nolint:errorlint // kept as it came
		return
	}
	u.moving = false
	u.deadline(u.timeouts.Drain)
	if u.over == nil && (u.begun || r.Header.Get("Expect") == "") { // who waits for 100 Continue sends nothing
		_, _ = io.CopyN(io.Discard, u, drained)
	}
	if u.over != io.EOF { //nolint:errorlint // kept as it came
		u.deadline(u.timeouts.Drain)
		h.Set("Connection", "close")
	}
}
