package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"time"
)

// connected is a connection as engines have, and its other end.
func connected(t *testing.T) (ours io.ReaderFrom, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := dialer(time.Second)(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if theirs, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Close() })
	return c.(io.ReaderFrom), theirs
}

func TestUploadArrives(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 3*gathered/16+1)
	for name, src := range map[string]io.Reader{
		"at once":         bytes.NewReader(body),
		"in halves":       iotest.HalfReader(bytes.NewReader(body)),
		"last with EOF":   iotest.DataErrReader(bytes.NewReader(body)),
		"byte for byte":   iotest.OneByteReader(bytes.NewReader(body)),
		"as TLS gives it": records{bytes.NewReader(body)},
	} {
		ours, theirs := connected(t)
		got := make(chan []byte)
		go func() {
			b := make([]byte, len(body))
			n, _ := io.ReadFull(theirs, b)
			got <- b[:n]
		}()
		if n, err := ours.ReadFrom(src); n != int64(len(body)) || err != nil {
			t.Fatalf("%s: sent %d of %d bytes, %v", name, n, len(body), err)
		}
		if !bytes.Equal(<-got, body) {
			t.Errorf("%s: other bytes arrived", name)
		}
	}
}

// records reads 16 KiB at most.
type records struct{ src io.Reader }

func (r records) Read(p []byte) (int, error) { return r.src.Read(p[:min(len(p), 16<<10)]) }

// An error of the source ends the upload: what was gathered with it stays here.
func TestUploadBreaksOff(t *testing.T) {
	broken := errors.New("broken")
	ours, _ := connected(t)
	n, err := ours.ReadFrom(io.MultiReader(bytes.NewReader(make([]byte, 100)), iotest.ErrReader(broken)))
	if n != 0 || !errors.Is(err, broken) {
		t.Fatalf("sent %d bytes, %v", n, err)
	}
}

// A client that sends little at a time does not have the engine wait twice as
// long as itself.
func TestUploadOfSlowClient(t *testing.T) {
	ours, theirs := connected(t)
	src, client := io.Pipe()
	go func() { _, _ = ours.ReadFrom(src) }()
	defer func() { _ = client.Close() }()
	one := make([]byte, 1)
	for range 5 {
		time.Sleep(2 * briefly)
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		_ = theirs.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.ReadFull(theirs, one); err != nil {
			t.Fatalf("the byte waits for another: %v", err)
		}
	}
}
