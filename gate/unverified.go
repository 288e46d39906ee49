package gate

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/thingpass/thingpass"
)

// What is held of bodies whose signature has not been verified yet is held for
// strangers, so it is bounded, in bytes.
const (
	// unverifiedAll is the bound over all connections. A request of these services
	// has some hundred bytes; a policy has ten thousand.
	unverifiedAll = 4 << 20

	// unverifiedEach is the bound of one connection: one body of the largest size,
	// beside the one that began first.
	unverifiedEach = MaxBody + 1

	// firstBytes is what a body gets before a byte of it has come, whatever length
	// it announces.
	firstBytes = 512

	// formRoom is what the fields of a POST form take while they are read: see
	// sigv4.MaxFormFields.
	formRoom = 32 << 10
)

// unverified shares out room for bodies. When there is none, the body that has
// taken most of it is refused, of several the one that began first: who sends a
// small body and all of it at once is served, whatever others do.
type unverified struct {
	mu      sync.Mutex
	held    int
	by      map[string]int // bytes by connection
	bodies  map[*room]struct{}
	changed chan struct{} // closed when room has become free
}

// room is what one body has taken.
type room struct {
	*unverified
	conn    string // which connection, as its address
	began   time.Time
	size    int
	evict   func() // has whoever reads the body return
	evicted bool
}

func newUnverified() *unverified {
	return &unverified{by: map[string]int{}, bodies: map[*room]struct{}{}, changed: make(chan struct{})}
}

// enter makes a room without any bytes.
func (u *unverified) enter(conn string, evict func()) *room {
	r := &room{unverified: u, conn: conn, began: time.Now(), evict: evict}
	u.mu.Lock()
	u.bodies[r] = struct{}{}
	u.mu.Unlock()
	return r
}

// errCrowded refuses a body for which there is no room.
func errCrowded() error {
	return &thingpass.Error{Kind: thingpass.Throttled, Message: "too many bodies wait to be verified"}
}

// grow makes the room have size bytes, which is more than it has. It waits for
// others to leave until deadline.
func (r *room) grow(ctx context.Context, size int, deadline time.Time) error {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		ok, changed, err := r.try(size)
		if ok || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return errCrowded()
		}
	}
}

// try is one attempt of grow. When it fails, another may succeed after changed
// is closed.
func (r *room) try(size int) (ok bool, changed <-chan struct{}, err error) {
	u := r.unverified
	u.mu.Lock()
	defer u.mu.Unlock()
	more := size - r.size
	switch {
	case r.evicted:
		return false, nil, errCrowded()
	case u.by[r.conn]+more > unverifiedEach && !u.first(r): // of two that wait for each other one goes on
		return false, u.changed, nil
	case u.held+more > unverifiedAll:
		worst := u.worst()
		if worst == r {
			return false, nil, errCrowded()
		}
		worst.evicted = true
		worst.evict()
		u.wake() // it may be waiting for room itself
		return false, u.changed, nil
	}
	u.by[r.conn] += more
	u.held += more
	r.size = size
	return true, nil, nil
}

// worst is the room that is taken back first. One that is being taken back is
// the answer for as long as that takes.
func (u *unverified) worst() (worst *room) {
	for r := range u.bodies {
		if r.evicted && r.size > 0 {
			return r
		}
		if worst == nil || r.size > worst.size || r.size == worst.size && r.began.Before(worst.began) {
			worst = r
		}
	}
	return worst
}

// leave gives the room back. Doing so again is harmless.
func (r *room) leave() {
	if r == nil {
		return
	}
	u := r.unverified
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, in := u.bodies[r]; !in {
		return
	}
	delete(u.bodies, r)
	u.held -= r.size
	if u.by[r.conn] -= r.size; u.by[r.conn] <= 0 {
		delete(u.by, r.conn)
	}
	r.size = 0
	u.wake()
}

// wake has those who wait try again.
func (u *unverified) wake() {
	close(u.changed)
	u.changed = make(chan struct{})
}

// first reports whether no other body of the connection began before r.
func (u *unverified) first(r *room) bool {
	for other := range u.bodies {
		if other.conn == r.conn && other.began.Before(r.began) {
			return false
		}
	}
	return true
}

// lost replaces the error of reading a body that was taken back.
func (r *room) lost(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.evicted {
		return errCrowded()
	}
	return err
}

// enterRoom makes a room for the body of a call.
func (c *Call) enterRoom() *room {
	conn := c.watch.conn
	c.room = c.door.unverified.enter(c.Request.RemoteAddr, func() { _ = conn.SetReadDeadline(time.Now()) })
	return c.room
}

// readUnverified reads the body of a request into memory, which grows as bytes
// come and not as they are announced. The room that it takes is the call's until
// the signature is verified.
func (c *Call) readUnverified(ctx context.Context) ([]byte, error) {
	if c.body == nil {
		return nil, nil
	}
	announced := c.Request.ContentLength
	if announced > MaxBody {
		return nil, readError(&http.MaxBytesError{Limit: MaxBody})
	}
	deadline := time.Now().Add(c.door.cfg.Timeouts.Room)
	room, body := c.enterRoom(), []byte(nil)
	for {
		if len(body) == cap(body) {
			size := nextSize(cap(body), announced)
			if err := room.grow(ctx, size, deadline); err != nil {
				return nil, err
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := c.Request.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if len(body) > MaxBody {
			return nil, readError(&http.MaxBytesError{Limit: MaxBody})
		}
		if err == io.EOF { //nolint:errorlint // io.Reader's contract
			return body, nil
		}
		if err != nil {
			return nil, readError(room.lost(err))
		}
	}
}

// nextSize is the capacity after one that is full, for a body of an announced
// length, or below zero for one that is not known: four times as much, up to a
// byte more than there can be, so that its end is seen.
func nextSize(size int, announced int64) int {
	most := MaxBody + 1
	if announced >= 0 {
		most = int(announced) + 1
	}
	return min(max(firstBytes, 4*size), most)
}
