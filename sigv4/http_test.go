package sigv4

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// server answers 200 with the body it was sent, or 400 with the kind of error,
// and counts the connections made to it.
func server(t *testing.T) (address string, connections *atomic.Int32) {
	t.Helper()
	connections = &atomic.Int32{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := open(r)
		var data []byte
		if err == nil {
			data, err = io.ReadAll(b)
		}
		if e, ok := errors.AsType[*Error](err); ok {
			http.Error(w, fmt.Sprint(e.Kind), http.StatusBadRequest)
			return
		}
		_, _ = w.Write(data)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), connections
}

// send writes r with its body in HTTP chunks on conn, and reads the answer.
func send(t *testing.T, conn net.Conn, reader *bufio.Reader, r *http.Request) (int, string) {
	t.Helper()
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(reader, r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// Over a real server every kind of stream arrives, with the ends that clients
// give it, and the connection serves the next request.
func TestOverHTTP(t *testing.T) {
	address, connections := server(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	data := streamed(300000)
	for _, payload := range streamKinds {
		for _, end := range []string{"", "\r\n\r\n"} {
			s := newStream(payload, data, 64<<10, trailerFor(payload, data))
			s.tail += end
			if status, text := send(t, conn, reader, s.request()); status != 200 || text != data {
				t.Errorf("%s: status %d, %d bytes", payload, status, len(text))
			}
		}
	}
	s := newStream(streamSigned, data, 64<<10, "")
	s.chunks[0], s.chunks[1] = s.chunks[1], s.chunks[0]
	if status, text := send(t, conn, reader, s.request()); status != 400 || strings.TrimSpace(text) != fmt.Sprint(Mismatch) {
		t.Errorf("swapped chunks: status %d, %s", status, text)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// What Go's client sends is signed as it sends it: host, path and query.
func TestSignedByGoClient(t *testing.T) {
	address, _ := server(t)
	for _, target := range []string{"/", "", "/a b/%2F//é?x=a+b&y=é&z", "/a%20b/../c"} {
		r, err := http.NewRequest("PUT", "http://"+address+target, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "text/plain")
		Sign(r, docCredentials, "local-1", "s3", docTime, PayloadHash([]byte("hello")))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != 200 || string(text) != "hello" {
			t.Errorf("%s: %d %s", target, answer.StatusCode, text)
		}
	}
}
