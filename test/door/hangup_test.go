package door

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/gate"
)

// ending is how a request ended by the audit line and by the metrics.
type ending struct {
	Level   string
	Code    string
	Status  int
	metrics string
}

// endings collects how requests end.
type endings struct {
	observed chan string
	lines    chan ending
}

func (e *endings) watch(cfg *gate.Config) {
	e.observed, e.lines = make(chan string, 16), make(chan ending, 16)
	cfg.Observe = func(o gate.Observation) { e.observed <- o.Code }
	cfg.Log = slog.New(slog.NewJSONHandler(e, nil))
}

// Write takes a line of the log.
func (e *endings) Write(line []byte) (int, error) {
	var read struct {
		Msg string
		ending
	}
	if err := json.Unmarshal(line, &read); err == nil && read.Msg == "request" {
		e.lines <- read.ending
	}
	return len(line), nil
}

func (e *endings) next(t *testing.T) (over ending) {
	t.Helper()
	for range 2 {
		select {
		case code := <-e.observed:
			over.metrics = code
		case line := <-e.lines:
			over.Level, over.Code, over.Status = line.Level, line.Code, line.Status
		case <-time.After(10 * time.Second):
			t.Fatal("the request did not end")
		}
	}
	return over
}

// TestClientHangsUp: a client that cancels, or breaks a download off, is neither
// a timeout nor a fault of the server. Its code and 499 are nginx's
// (ngx_http_request.h, NGX_HTTP_CLIENT_CLOSED_REQUEST).
func TestClientHangsUp(t *testing.T) {
	var e endings
	d := openDoorWith(t, e.watch)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	resp, err := d.Client().Do(d.request(http.MethodPut, "/fleet/big", bytes.NewReader(content), len(content)))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if over := e.next(t); over.Code != "OK" {
		t.Fatal(over)
	}
	for _, c := range []struct {
		name, path string
		status     int
	}{
		{"amid a download", "/fleet/big", http.StatusOK},
		{"amid a download from an engine", "/cam-a/endless", http.StatusOK},
		{"before the answer", "/cam-a/silent", 499},
	} {
		for major := 1; major <= 2; major++ {
			t.Run(c.name+" over HTTP/"+strconv.Itoa(major), func(t *testing.T) {
				d.hangUp(t, d.client(major), d.request(http.MethodGet, c.path, nil, 0))
				want := ending{"INFO", "ClientClosedRequest", c.status, "ClientClosedRequest"}
				if over := e.next(t); over != want {
					t.Errorf("%+v, want %+v", over, want)
				}
			})
		}
	}
	t.Run("amid a file that the kernel sends", func(t *testing.T) {
		plain := httptest.NewServer(d.Config.Handler)
		defer plain.Close()
		r := d.request(http.MethodGet, "/fleet/big", nil, 0)
		r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(plain.URL, "http://")
		r.Host = strings.TrimPrefix(d.URL, "https://") // as it was signed
		d.hangUp(t, plain.Client(), r)
		want := ending{"INFO", "ClientClosedRequest", http.StatusOK, "ClientClosedRequest"}
		if over := e.next(t); over != want {
			t.Errorf("%+v, want %+v", over, want)
		}
	})
	for major := 1; major <= 2; major++ {
		t.Run("amid an upload over HTTP/"+strconv.Itoa(major), func(t *testing.T) {
			stop := make(chan struct{})
			time.AfterFunc(400*time.Millisecond, func() { close(stop) }) // a client of HTTP/1 waits for its own body
			d.hangUp(t, d.client(major), d.request(http.MethodPut, "/fleet/broken", &stalling{bytes: 5, stop: stop}, 10))
			over := e.next(t)
			if over.Level != "INFO" || over.Code != "ClientClosedRequest" && over.Code != "IncompleteBody" || over.metrics != over.Code {
				t.Errorf("%+v", over)
			}
		})
	}
}

// TestClientStalls: a client that stays and takes nothing is a timeout, and not a
// fault of the server either.
func TestClientStalls(t *testing.T) {
	var e endings
	d := openDoorWith(t, func(cfg *gate.Config) { cfg.Timeouts = short; e.watch(cfg) })
	for major := 1; major <= 2; major++ {
		resp, err := d.client(major).Do(d.request(http.MethodGet, "/cam-a/endless", nil, 0))
		if err != nil {
			t.Fatal(err)
		}
		want := ending{"INFO", "RequestTimeout", http.StatusOK, "RequestTimeout"}
		if over := e.next(t); over != want {
			t.Errorf("HTTP/%d: %+v, want %+v", major, over, want)
		}
		_ = resp.Body.Close()
	}
}

// hangUp makes a request and ends it after a moment, or after the first bytes of
// its answer.
func (d *door) hangUp(t *testing.T, client *http.Client, r *http.Request) {
	t.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	moment := time.AfterFunc(300*time.Millisecond, cancel)
	resp, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return
	}
	moment.Stop()
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<20)
	cancel()
	_ = resp.Body.Close()
}
