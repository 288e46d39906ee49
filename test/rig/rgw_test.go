package rig_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/test/rig"
	"github.com/thingpass/thingpass/thingtest"
)

// TestRGW starts Ceph's gateway, uses it, has it die and return, and stops it:
// nobody listens then, and the folder is gone.
func TestRGW(t *testing.T) {
	if err := rig.HaveRGW(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := filepath.Join(t.TempDir(), "rgw")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r, err := rig.StartRGW(context.WithoutCancel(t.Context()), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	t.Logf("Ceph's gateway answered after %v", time.Since(began).Round(100*time.Millisecond))
	client := &thingtest.Client{
		Endpoint: r.Endpoint, Region: "us-east-1", Now: time.Now, HTTP: &http.Client{Timeout: 30 * time.Second},
		Credentials: sigv4.Credentials{AccessKeyID: r.AccessKey, SecretAccessKey: r.SecretKey},
	}
	for _, path := range []string{"/bucket", "/bucket/key"} {
		if _, err := client.S3(t.Context(), http.MethodPut, path, []byte{}); err != nil {
			t.Fatalf("PUT %s: %v", path, err)
		}
	}
	if err := r.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := r.Restart(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := client.S3(t.Context(), http.MethodGet, "/bucket/key", nil); err != nil {
		t.Errorf("GET after a restart: %v", err)
	}
	r.Stop()
	var refused *url.Error
	if _, err := client.S3(t.Context(), http.MethodGet, "/", nil); !errors.As(err, &refused) {
		t.Errorf("GET after the stop: %v, want no connection", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder after the stop: %v, want it gone", err)
	}
}
