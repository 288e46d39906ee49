package s3_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/upstream"
)

// TestEngineFaults: an engine that is down, stalls, or answers garbage or half
// an answer gives a proper error before the answer has begun and a cut
// connection after it, and nothing is said to be stored.
func TestEngineFaults(t *testing.T) {
	for _, fault := range []struct {
		name string
		talk func(net.Conn)
		get  string // what a GET ends with: a code, or "cut"
		put  string
	}{
		{"closes at once", func(net.Conn) {}, "SlowDown", "SlowDown"},
		{"garbage", func(c net.Conn) { skim(c); _, _ = io.WriteString(c, "\x00\x01 SSH-2.0\r\n\r\n") }, "SlowDown", "SlowDown"},
		{"no status", says("HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n"), "SlowDown", "SlowDown"},
		{"a status beyond all", says("HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n"), "SlowDown", "SlowDown"},
		{"no end of beginnings", func(c net.Conn) {
			skim(c)
			for range 10_000 {
				if _, err := io.WriteString(c, "HTTP/1.1 103 X\r\nLink: x\r\n\r\n"); err != nil {
					return
				}
			}
		}, "SlowDown", "SlowDown"},
		{"another protocol", says("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "SlowDown", "SlowDown"},
		{"half a head", func(c net.Conn) { skim(c); _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le") }, "SlowDown", "SlowDown"},
		{"half an answer", func(c net.Conn) {
			skim(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
		}, "cut", "SlowDown"},
		{"half a chunk", func(c net.Conn) {
			skim(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc")
		}, "cut", "SlowDown"},
		{"says nothing", func(c net.Conn) { skim(c); _, _ = io.Copy(io.Discard, c) }, "SlowDown", "SlowDown"},
		{"takes nothing", func(net.Conn) { time.Sleep(3 * time.Second) }, "SlowDown", "SlowDown"},
		{"stalls in the answer", func(c net.Conn) {
			skim(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
			_, _ = io.Copy(io.Discard, c)
		}, "cut", "SlowDown"},
		{"slow", func(c net.Conn) {
			skim(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
			for range 10 { // longer than a stall may be, in all
				time.Sleep(100 * time.Millisecond)
				_, _ = io.WriteString(c, "x")
			}
		}, "", "SlowDown"},
		{"done too early", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			time.Sleep(50 * time.Millisecond)
		}, "", "SlowDown"},
		{"an endless head", func(c net.Conn) {
			skim(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for range 100 {
				_, _ = io.WriteString(c, "X-A: "+strings.Repeat("a", 4000)+"\r\n")
			}
		}, "SlowDown", "SlowDown"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			go func() {
				for {
					c, err := listener.Accept()
					if err != nil {
						return
					}
					go func() { fault.talk(c); _ = c.Close() }()
				}
			}()
			s := behind(t, "http://"+listener.Addr().String(), upstream.Other, nil)
			w := &world{T: t, server: s, admin: s.Admin}
			before := goroutines()
			if got := outcome(w, "GET", nil); got != fault.get {
				t.Errorf("GET: %q, want %q", got, fault.get)
			}
			if got := outcome(w, "PUT", bytes.Repeat([]byte("x"), 8<<20)); fault.name == "half an answer" || fault.name == "half a chunk" || fault.name == "stalls in the answer" {
				if got == "" {
					t.Error("PUT is said to be stored")
				}
			} else if got != fault.put {
				t.Errorf("PUT: %q, want %q", got, fault.put)
			}
			for i := 0; goroutines() > before+2; i++ {
				if i == 300 {
					buffer := make([]byte, 1<<20)
					t.Fatalf("goroutines are left: %d before, %d now\n%s", before, goroutines(), buffer[:runtime.Stack(buffer, true)])
				}
				s.Admin.HTTP.CloseIdleConnections()
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
}

func goroutines() int { return runtime.NumGoroutine() }

// says reads a request's head and answers with a text.
func says(text string) func(net.Conn) {
	return func(c net.Conn) { skim(c); _, _ = io.WriteString(c, text) }
}

// skim reads the head of a request.
func skim(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return
		}
	}
}

// outcome is the error code of a request, "" for a success, "cut" for a broken
// connection.
func outcome(w *world, method string, body []byte) string {
	r, err := w.admin.Do(w.Context(), "s3", method, "/cam-a/k", nil, body)
	switch {
	case err != nil:
		return "cut"
	case r.Status < 300:
		return ""
	}
	return codeOf(r)
}
