package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// gathered is the most that is read of an upload before it is written, in
	// bytes. net/http would copy 32 KiB at a time, which costs twice as much.
	gathered = 256 << 10

	// enough is how many bytes are written without looking for more. A read of a
	// TLS connection gives 16 KiB at most.
	enough = 64 << 10

	// briefly is how long it is read for more, unless the client keeps it waiting.
	briefly = 10 * time.Millisecond
)

// conn is a connection to an engine that takes uploads in large pieces.
type conn struct {
	net.Conn
	pieces *sync.Pool // of *[gathered]byte
}

// dialer makes connections that share their buffers.
func dialer(wait time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: wait, KeepAlive: 15 * time.Second}
	pieces := &sync.Pool{New: func() any { return new([gathered]byte) }}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{c, pieces}, nil
	}
}

// ReadFrom implements io.ReaderFrom, by which net/http sends what of a body does
// not fit into its own buffer.
func (c *conn) ReadFrom(src io.Reader) (sent int64, err error) {
	buf := c.pieces.Get().(*[gathered]byte)
	defer c.pieces.Put(buf)
	for {
		n, end := gather(src, buf[:])
		if end != nil && !errors.Is(end, io.EOF) {
			return sent, end
		}
		if n > 0 {
			w, err := c.Write(buf[:n])
			sent += int64(w)
			if err != nil {
				return sent, err
			}
		}
		if end != nil {
			return sent, nil
		}
	}
}

// gather reads what comes at once. What came after a wait is not made to wait
// again, so that an engine waits for bytes no longer than we do.
func gather(src io.Reader, buf []byte) (n int, err error) {
	for began := time.Now(); n < enough && err == nil; {
		var got int
		got, err = src.Read(buf[n:])
		if n += got; n > 0 && time.Since(began) > briefly {
			break
		}
	}
	return n, err
}
