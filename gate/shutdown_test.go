package gate_test

import (
	"crypto/tls"
	"io"
	"testing"
	"time"

	"github.com/thingpass/thingpass/thingtest"
)

// TestStrangerDoesNotHoldShutdown: a connection that announces a body and sends
// none does not delay the end of the server.
func TestStrangerDoesNotHoldShutdown(t *testing.T) {
	s, err := thingtest.Start(t.Context(), thingtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", s.Addresses().API, &tls.Config{RootCAs: s.CAs, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "PUT /bucket/key HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the server took %v to end", took)
	}
}
