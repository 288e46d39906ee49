package test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// tunnel is a CONNECT proxy on loopback that leads every host's port 443 to one
// address, for clients that cannot be told another port. It closes with the
// test and returns its own address.
func tunnel(t *testing.T, to string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if err := carry(conn, to); err != nil {
					t.Errorf("proxy: %v", err)
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// carry answers one CONNECT and then copies both ways until one side is done.
func carry(client net.Conn, to string) error {
	in := bufio.NewReader(client)
	request, err := http.ReadRequest(in)
	if errors.Is(err, io.EOF) {
		return nil // connected and left
	}
	if err != nil {
		return err
	}
	if request.Method != http.MethodConnect || !strings.HasSuffix(request.Host, ":443") {
		_, _ = io.WriteString(client, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
		return errors.New("asked for " + request.Method + " " + request.Host)
	}
	server, err := net.DialTimeout("tcp", to, 5*time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return err
	}
	done := make(chan struct{}, 2)
	copyAll := func(to io.Writer, from io.Reader) {
		_, _ = io.Copy(to, from) // either side may hang up at any time
		done <- struct{}{}
	}
	go copyAll(server, in)
	go copyAll(client, server)
	<-done
	return nil
}
