package handshake

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// from is a connection that comes from an address, and closed.
type from string

func (f from) Network() string { return "tcp" }
func (f from) String() string  { return string(f) }

type closed struct {
	net.Conn
	remote from
}

func (c closed) RemoteAddr() net.Addr { return c.remote }

func connOf(address, name string) *Conn {
	c := &Conn{Conn: closed{remote: from(address)}}
	c.heard.Store(true)
	Hello(&tls.ClientHelloInfo{Conn: c, ServerName: name})
	return c
}

// TestBounds: a flood of failures is counted whole, and neither the log nor the
// list grows with it.
func TestBounds(t *testing.T) {
	var lines bytes.Buffer
	now, counted := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), 0
	f := New(slog.New(slog.NewJSONHandler(&lines, nil)), func() time.Time { return now }, func(Cause) { counted++ })
	for n := range 5000 {
		f.failed("device", connOf(fmt.Sprintf("192.0.%d.%d:99", n/250, n%250), "lamp"), io.EOF)
	}
	if got := strings.Count(lines.String(), "\n"); counted != 5000 || got != burst || len(f.Recent()) != maxKept {
		t.Errorf("%d counted, %d lines, %d kept", counted, got, len(f.Recent()))
	}
	// Another cause is heard through the flood, and the same one after a pause.
	lines.Reset()
	f.failed("device", connOf("192.0.2.1:1", ""), os.ErrDeadlineExceeded)
	if !strings.Contains(lines.String(), `"cause":"timeout"`) {
		t.Error(lines.String())
	}
	lines.Reset()
	now = now.Add(pause)
	f.failed("device", connOf("192.0.2.1:1", ""), io.EOF)
	f.failed("device", connOf("192.0.2.1:1", ""), io.EOF)
	if got := lines.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, fmt.Sprintf(`"not_logged":%d`, 5000-burst)) {
		t.Error(got)
	}
}

// TestRepeated: the failures of one client with one cause are one entry, from
// whatever port they come.
func TestRepeated(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	f := New(slog.New(slog.DiscardHandler), func() time.Time { now = now.Add(time.Second); return now }, func(Cause) {})
	for port := range 3 {
		f.failed("device", connOf(fmt.Sprintf("192.0.2.1:%d", port+1), "lamp"), io.EOF)
	}
	f.failed("api", connOf("[2001:db8::1]:7", "api\x1b[31m\n"), fmt.Errorf("odd\r\n%s", strings.Repeat("x", 5000)))
	got := f.Recent()
	if len(got) != 2 || got[1].Count != 3 || got[1].Address != "192.0.2.1" || got[1].Last.Sub(got[1].First) != 2*time.Second || got[1].Cause != HungUp {
		t.Fatalf("%+v", got)
	}
	if got[0].Address != "2001:db8::1" || len(got[0].Error) > maxError+3 || strings.ContainsAny(got[0].Error, "\r\n\x1b") {
		t.Errorf("%+v", got[0])
	}
	var text bytes.Buffer
	if err := (&Report{got}).WriteText(&text); err != nil || strings.ContainsAny(text.String(), "\r\x1b") || !strings.Contains(text.String(), "3 times") {
		t.Errorf("%v %s", err, &text)
	}
}

// TestCauses: each cause is known, with what to do about it.
func TestCauses(t *testing.T) {
	for _, c := range Causes() {
		if c.Advice() == "" {
			t.Errorf("%s has no advice", c)
		}
	}
	if len(Causes()) != len(advice) {
		t.Errorf("%d causes, %d with advice", len(Causes()), len(advice))
	}
}
