package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A connection may fall silent: its server has died and another took its
// address, a firewall forgot it, the server's processes stand still. These are
// the bounds, beside those of a call, for what is done about it.
const (
	// connecting bounds how long one address of the database is tried, unless the
	// URL has a connect_timeout.
	connecting = 2 * time.Second

	// probing bounds how long a connection that is in doubt, or was idle for long,
	// is asked for a sign of life before it is given up.
	probing = 500 * time.Millisecond

	// restful is how long a connection may be idle before it is asked.
	restful = 5 * time.Second

	// hopeless is how long an answer has not come on a connection that is given up
	// because a new one works.
	hopeless = 2 * time.Second

	// farewell bounds what Close says to a server.
	farewell = time.Second

	// unanswered is for how long the kernel waits until a peer that acknowledges
	// nothing counts as dead.
	unanswered = 10 * time.Second
)

// keepAlive finds a dead peer of a connection that waits for an answer.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}

// links watches over the connections to PostgreSQL of one process.
type links struct {
	dialer net.Dialer

	mu      sync.Mutex
	open    map[*tracked]struct{}
	closed  bool
	doubted time.Time // connections not heard of since then are asked before they are used
	refused time.Time // connections made before then are given up: their server takes no writes
}

func newLinks() *links {
	return &links{
		dialer: net.Dialer{KeepAliveConfig: keepAlive, Control: userTimeout},
		open:   map[*tracked]struct{}{},
	}
}

// link is one connection of pgx.
type link struct{ made, heard time.Time }

const linkKey = "thingpass.link"

// configure makes pgx connect through l.
func (l *links) configure(config *pgx.ConnConfig) {
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connecting
	}
	config.DialFunc = l.dial
}

func (l *links) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := l.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	t := &tracked{Conn: c, links: l}
	l.open[t] = struct{}{}
	return t, nil
}

// tracked is an open connection.
type tracked struct {
	net.Conn
	links *links
	asked atomic.Int64 // when what waits for an answer was sent, in Unix nanoseconds; 0 when nothing does
}

func (t *tracked) Write(b []byte) (int, error) {
	t.asked.CompareAndSwap(0, time.Now().UnixNano())
	return t.Conn.Write(b)
}

func (t *tracked) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 {
		t.asked.Store(0)
	}
	return n, err
}

func (t *tracked) Close() error {
	t.links.mu.Lock()
	delete(t.links.open, t)
	t.links.mu.Unlock()
	return t.Conn.Close()
}

// close gives all connections a short time to end.
func (l *links) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.open {
		_ = c.SetDeadline(time.Now().Add(farewell))
	}
}

// doubt has all connections asked for a sign of life before they are used again,
// after one of them has failed. Those to a server that takes no writes are given
// up: it is the standby of another by now.
func (l *links) doubt(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doubted = time.Now()
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "25006" {
		l.refused = l.doubted
	}
}

// made notes a new connection. While others are in doubt it is the sign that the
// database answers: who has waited on one of them for long waits in vain. Such a
// write, which may still have a lock to wait for, is given up early.
func (l *links) made(_ context.Context, c *pgx.Conn) error {
	now := time.Now()
	c.PgConn().CustomData()[linkKey] = &link{made: now, heard: now}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.doubted) > DefaultWrite {
		return nil
	}
	for t := range l.open {
		if asked := t.asked.Load(); asked != 0 && now.Sub(time.Unix(0, asked)) > hopeless {
			_ = t.SetDeadline(now)
		}
	}
	return nil
}

// usable reports by its error whether a connection of the pool may be used. A
// connection that is given up is closed without a word: its peer does not listen.
func (l *links) usable(ctx context.Context, c *pgx.Conn) error {
	known, ok := c.PgConn().CustomData()[linkKey].(*link)
	if !ok {
		return nil
	}
	l.mu.Lock()
	doubted, refused := l.doubted, l.refused
	l.mu.Unlock()
	now := time.Now()
	switch {
	case known.made.Before(refused):
		return giveUp(c)
	case known.heard.After(doubted) && now.Sub(known.heard) < restful:
		known.heard = now // if it fails from here on, doubt says so
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probing)
	defer cancel()
	if err := c.PgConn().Ping(ctx); err != nil {
		return giveUp(c)
	}
	known.heard = now
	return nil
}

func giveUp(c *pgx.Conn) error {
	_ = c.PgConn().Conn().SetDeadline(time.Now()) // also of TLS, which says goodbye otherwise
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.Close(ended)
	return driver.ErrBadConn
}

// patient makes connections that take as long as they need, up to limit, while
// who asks waits no longer than it may: with several addresses in the URL the
// first may be dead. A connection that comes too late is the next one's.
type patient struct {
	driver.Connector
	limit time.Duration
	turns chan struct{}    // taken by each connection in the making
	late  chan driver.Conn // that nobody waits for
}

func newPatient(c driver.Connector, limit time.Duration, size int) *patient {
	return &patient{Connector: c, limit: limit, turns: make(chan struct{}, size), late: make(chan driver.Conn, 1)}
}

// Connect implements driver.Connector.
func (p *patient) Connect(ctx context.Context) (driver.Conn, error) {
	select {
	case c := <-p.late:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case p.turns <- struct{}{}:
	}
	type outcome struct {
		conn driver.Conn
		err  error
	}
	made, left := make(chan outcome), make(chan struct{})
	defer close(left)
	go func() {
		defer func() { <-p.turns }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.limit)
		defer cancel()
		c, err := p.Connector.Connect(ctx)
		select {
		case made <- outcome{c, err}:
		case <-left:
			if err == nil {
				p.keep(c)
			}
		}
	}()
	select {
	case o := <-made:
		return o.conn, o.err
	case c := <-p.late:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keep leaves a connection to the next that asks.
func (p *patient) keep(c driver.Conn) {
	select {
	case p.late <- c:
	default:
		_ = c.Close()
	}
}

// Close implements io.Closer for sql.DB.Close.
func (p *patient) Close() error {
	select {
	case c := <-p.late:
		return c.Close()
	default:
		return nil
	}
}
