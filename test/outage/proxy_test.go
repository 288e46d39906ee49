// Package outage tests what clients see while the database is away, silent, or
// another than before: the built program against a real PostgreSQL, through a
// proxy that can fall silent.
package outage

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/thingpass/thingpass/store/storetest"
)

// proxy stands in front of PostgreSQL. Its connections stay open while it is
// silent: clients see their bytes acknowledged and no answer.
type proxy struct {
	*testing.T
	listener         net.Listener
	network, address string // of the database
	direct, through  string // URLs

	mu      sync.Mutex
	links   []*link
	paused  bool   // new connections are silent, too
	refusal string // SQLSTATE with which new connections are refused, "" for not
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn
	mu             sync.Mutex
	moved          *sync.Cond
	paused, dead   bool
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{T: t, direct: storetest.NewPostgres(t, "encoding 'UTF8' lc_collate 'C' lc_ctype 'C'")}
	config, err := pgx.ParseConfig(p.direct)
	if err != nil {
		t.Fatal(err)
	}
	p.network, p.address = pgconn.NetworkAddress(config.Host, config.Port)
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	through := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: p.listener.Addr().String(),
		Path: "/" + config.Database, RawQuery: "sslmode=disable"}
	p.through = through.String()
	go p.accept(p.listener)
	t.Cleanup(func() {
		_ = p.listener.Close()
		p.cut()
	})
	return p
}

func (p *proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.refusal != "" {
			go refuse(client, p.refusal)
		} else if server, err := net.Dial(p.network, p.address); err != nil {
			_ = client.Close()
		} else {
			k := &link{client: client, server: server, paused: p.paused}
			k.moved = sync.NewCond(&k.mu)
			p.links = append(p.links, k)
			go k.carry(client, server)
			go k.carry(server, client)
		}
		p.mu.Unlock()
	}
}

// carry moves bytes. While the link is paused they are held; those of a dead one
// are read and forgotten, as by a host that is gone behind a device that
// acknowledges.
func (k *link) carry(from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		k.mu.Lock()
		for k.paused && err == nil {
			k.moved.Wait()
		}
		dead := k.dead
		k.mu.Unlock()
		if n > 0 && !dead {
			_, err = to.Write(buf[:n])
		}
		if err != nil {
			if !dead {
				_, _ = from.Close(), to.Close()
			}
			return
		}
	}
}

// each changes the connections that there are.
func (p *proxy) each(change func(*link)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.links {
		k.mu.Lock()
		change(k)
		k.moved.Broadcast()
		k.mu.Unlock()
	}
}

// failover has all connections fall silent for ever. New ones work.
func (p *proxy) failover() {
	p.Helper()
	p.each(func(k *link) { k.dead = true })
}

// pause has everything fall silent, new connections too, until resume.
func (p *proxy) pause() {
	p.set(true, "")
	p.each(func(k *link) { k.paused = true })
}

func (p *proxy) resume() {
	p.set(false, "")
	p.each(func(k *link) { k.paused = false })
}

func (p *proxy) set(paused bool, refusal string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused, p.refusal = paused, refusal
}

// refuseWith ends all connections, and refuses new ones as a server does in the
// state that an SQLSTATE says.
func (p *proxy) refuseWith(state string) {
	p.set(false, state)
	p.cut()
}

func (p *proxy) cut() {
	p.each(func(k *link) {
		k.paused = false
		_, _ = k.client.Close(), k.server.Close()
	})
	p.mu.Lock()
	p.links = nil
	p.mu.Unlock()
}

// refuse answers a start-up message with an error (PostgreSQL documentation,
// 55.7 "Message Formats", ErrorResponse).
func refuse(client net.Conn, state string) {
	defer func() { _ = client.Close() }()
	var size [4]byte
	if _, err := io.ReadFull(client, size[:]); err != nil {
		return
	}
	if _, err := io.CopyN(io.Discard, client, int64(binary.BigEndian.Uint32(size[:]))-4); err != nil {
		return
	}
	fields := "SFATAL\x00VFATAL\x00C" + state + "\x00Mthe database system is not available\x00\x00"
	message := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(4+len(fields)))
	_, _ = client.Write(append(message, fields...))
}
