package handshake

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what is kept and logged.
const (
	maxKept  = 256 // failures, each of one client and cause
	maxName  = 255 // characters of a server name (RFC 1035, 2.3.4)
	maxError = 300 // characters of an error

	// One client that fails for ever must not fill the log: of each cause,
	// burst warnings are written at once, and then one every pause.
	burst = 10
	pause = 10 * time.Second
)

// Failure is what became of the handshakes of one client with one cause.
type Failure struct {
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	Count      int       `json:"count"`
	Door       string    `json:"door"`
	Address    string    `json:"address"` // without the port
	ServerName string    `json:"serverName,omitempty"`
	Cause      Cause     `json:"cause"`
	Error      string    `json:"error"` // of the last one
	Advice     string    `json:"advice"`
}

// key is what one Failure is about.
type key struct {
	door, address, name string
	cause               Cause
}

// Failures counts, logs and keeps failed handshakes. Its zero value is not
// ready: see New.
type Failures struct {
	log   *slog.Logger
	now   func() time.Time
	count func(Cause)

	mu     sync.Mutex
	kept   map[key]*Failure
	limits map[Cause]*limit
}

// New returns an empty list. count is called for every failure.
func New(log *slog.Logger, now func() time.Time, count func(Cause)) *Failures {
	return &Failures{log: log, now: now, count: count, kept: map[key]*Failure{}, limits: map[Cause]*limit{}}
}

// Watch returns a hook for http.Server.ConnState of a door whose listener is
// from Listen. A connection is closed after its handshake failed, and crypto/tls
// then still has the error.
func (f *Failures) Watch(door string) func(net.Conn, http.ConnState) {
	return func(conn net.Conn, state http.ConnState) {
		c, ok := conn.(*tls.Conn)
		if !ok || state != http.StateClosed {
			return
		}
		below, ok := c.NetConn().(*Conn)
		if !ok {
			return
		}
		if err := c.Handshake(); err != nil { // it was made, or is on a closed connection
			f.failed(door, below, err)
		}
	}
}

func (f *Failures) failed(door string, c *Conn, err error) {
	cause := causeOf(err, c)
	defer f.count(cause) // who sees the count finds the line
	if cause == NoHello {
		return
	}
	k := key{door: door, address: hostOf(c.RemoteAddr()), cause: cause}
	if name := c.hello.Load(); name != nil {
		k.name = *name
	}
	text := printable(err.Error(), maxError)
	write, missed := f.keep(k, text)
	if !write {
		return
	}
	f.log.Warn("TLS handshake failed", "door", door, "remote", c.RemoteAddr().String(), "server_name", k.name, "cause", string(cause),
		"error", text, "advice", cause.Advice(), "not_logged", missed)
}

// keep adds a failure to the list, and reports whether it is to be logged and
// how many of its cause were not since the last one.
func (f *Failures) keep(k key, text string) (write bool, missed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	failure := f.kept[k]
	if failure == nil {
		if len(f.kept) >= maxKept {
			f.dropOldest()
		}
		failure = &Failure{First: now, Door: k.door, Address: k.address, ServerName: k.name, Cause: k.cause, Advice: k.cause.Advice()}
		f.kept[k] = failure
	}
	failure.Last, failure.Error = now, text
	failure.Count++
	l := f.limits[k.cause]
	if l == nil {
		l = &limit{}
		f.limits[k.cause] = l
	}
	return l.allow(now)
}

func (f *Failures) dropOldest() {
	var oldest key
	var last time.Time
	for k, v := range f.kept {
		if last.IsZero() || v.Last.Before(last) {
			oldest, last = k, v.Last
		}
	}
	delete(f.kept, oldest)
}

// Recent lists what is kept, the last first.
func (f *Failures) Recent() []Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Failure, 0, len(f.kept))
	for _, v := range f.kept {
		list = append(list, *v)
	}
	slices.SortFunc(list, func(a, b Failure) int {
		if n := b.Last.Compare(a.Last); n != 0 {
			return n
		}
		return strings.Compare(a.Address, b.Address)
	})
	return list
}

// limit allows burst events at once, and one every pause after.
type limit struct {
	used   int
	since  time.Time // of used
	missed int
}

func (l *limit) allow(now time.Time) (bool, int) {
	if back := int(now.Sub(l.since) / pause); back > 0 {
		l.used, l.since = max(0, l.used-back), now
	}
	if l.used >= burst {
		l.missed++
		return false, 0
	}
	if l.used == 0 {
		l.since = now
	}
	l.used++
	missed := l.missed
	l.missed = 0
	return true, missed
}

func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}

// printable cuts a text and shows what could change a terminal or a line of a
// log as a question mark.
func printable(text string, limit int) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text[:min(len(text), limit)])
	if len(text) > limit {
		clean += "..."
	}
	return clean
}
