package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/thingtest"
)

// TestPlainDoor: the signed door without TLS checks signatures as the other
// does, and policies see that the transport is not secure.
func TestPlainDoor(t *testing.T) {
	s, err := thingtest.Start(t.Context(), thingtest.Options{Configure: func(c *server.Config) { c.HTTPListen = "127.0.0.1:0" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	plain := *s.Admin
	plain.Endpoint = "http://" + s.Addresses().HTTP
	if _, err := plain.S3(t.Context(), http.MethodPut, "/bucket", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := plain.S3(t.Context(), http.MethodPut, "/bucket/key", []byte("content")); err != nil {
		t.Fatal(err)
	}
	got, err := s.Admin.S3(t.Context(), http.MethodGet, "/bucket/key", nil)
	if err != nil || string(got.Body) != "content" {
		t.Fatalf("read %v, %v over TLS", got, err)
	}
	resp, err := http.Get(plain.Endpoint + "/bucket/key")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned: %s", resp.Status)
	}
	_, err = s.Admin.Query(t.Context(), "iam", "PutUserPolicy", "UserName", "admin", "PolicyName", "secure", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(store.Staleness) // by then every change counts
	if _, err := plain.S3(t.Context(), http.MethodGet, "/bucket/key", nil); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("a policy that wants TLS let a plain request pass: %v", err)
	}
	if _, err := s.Admin.S3(t.Context(), http.MethodGet, "/bucket/key", nil); err != nil {
		t.Errorf("over TLS: %v", err)
	}
}
