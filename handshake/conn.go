package handshake

import (
	"crypto/tls"
	"net"
	"sync/atomic"
)

// Conn is a connection that remembers what its client said before the handshake
// was over.
type Conn struct {
	net.Conn
	heard atomic.Bool
	hello atomic.Pointer[string] // the server name of the hello; nil before one came
}

// Read notes that the client said something at all.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.heard.Load() {
		c.heard.Store(true)
	}
	return n, err
}

// Listen makes the connections of a listener remember. TLS goes on top.
func Listen(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: c}, nil
}

// Hello notes the hello of a client. It belongs into GetConfigForClient.
func Hello(info *tls.ClientHelloInfo) {
	if c, ok := info.Conn.(*Conn); ok {
		name := printable(info.ServerName, maxName)
		c.hello.Store(&name)
	}
}
