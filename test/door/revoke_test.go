package door

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/objects"
)

// limit is how long a transfer may go on after its caller was turned off: a
// second, and what a busy machine takes.
const limit = 1500 * time.Millisecond

// revoke turns the caller's key off.
func (d *door) revoke() {
	d.Helper()
	if err := d.db.UpdateAccessKey(context.Background(), "keeper", keeper.AccessKeyID, false); err != nil {
		d.Fatal(err)
	}
}

// closing is a body whose reader returns when it is closed.
type closing struct {
	io.Reader
	stop chan struct{}
}

func (c closing) Close() error {
	close(c.stop)
	return nil
}

// TestRevokedUploadEnds: an upload ends with its caller's key, while bytes come
// and while none do, and nothing of it is stored.
func TestRevokedUploadEnds(t *testing.T) {
	for name, bytes := range map[string]int{"slowly": 1 << 20, "stalled": 0} {
		for major, version := range map[int]string{1: "HTTP/1", 2: "HTTP/2"} {
			t.Run(name+" "+version, func(t *testing.T) {
				d := openDoor(t, gate.Timeouts{})
				stop := make(chan struct{})
				body := &stalling{bytes: bytes, every: 20 * time.Millisecond, stop: stop}
				r := d.request(http.MethodPut, "/fleet/k", closing{io.MultiReader(io.LimitReader(zeros{}, 300<<10), body), stop}, 1<<20)
				done := make(chan string, 1)
				go func() {
					resp, err := d.client(major).Do(r)
					if err != nil {
						done <- "" // the connection was cut
						return
					}
					defer func() { _ = resp.Body.Close() }()
					text, _ := io.ReadAll(resp.Body)
					done <- string(text)
				}()
				time.Sleep(200 * time.Millisecond)
				d.revoke()
				began := time.Now()
				select {
				case answer := <-done:
					if took := time.Since(began); took > limit || answer != "" && !strings.Contains(answer, "InvalidAccessKeyId") {
						t.Errorf("it took %v: %s", took, answer)
					}
				case <-time.After(5 * time.Second):
					t.Error("the upload goes on")
				}
				if _, err := d.objects.Head(context.Background(), objects.Ref{Name: objects.Name{Bucket: "fleet", Key: "k"}}); err == nil {
					t.Error("something was stored")
				}
			})
		}
	}
}

// TestRevokedDownloadEnds: a download ends with its caller's key, read slowly or
// not at all, with the connection cut: half an answer is not taken for a whole
// one.
func TestRevokedDownloadEnds(t *testing.T) {
	for name, pause := range map[string]time.Duration{"slowly": 5 * time.Millisecond, "not": time.Hour} {
		for major, version := range map[int]string{1: "HTTP/1", 2: "HTTP/2"} {
			t.Run("read "+name+" "+version, func(t *testing.T) { revokedDownload(t, major, pause) })
		}
	}
}

func revokedDownload(t *testing.T, major int, pause time.Duration) {
	const size = 64 << 20
	over := make(chan gate.Observation, 8)
	d := openDoorWith(t, func(cfg *gate.Config) { cfg.Observe = func(o gate.Observation) { over <- o } })
	put, err := d.client(1).Do(d.request(http.MethodPut, "/fleet/k", io.LimitReader(zeros{}, size), size))
	if err != nil || put.StatusCode != http.StatusOK {
		t.Fatal(put, err)
	}
	<-over
	resp, err := d.client(major).Do(d.request(http.MethodGet, "/fleet/k", nil, 0))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	defer func() { _ = resp.Body.Close() }()
	d.revoke()
	began := time.Now()
	slow, buf, total := time.NewTicker(pause), make([]byte, 16<<10), 0
	defer slow.Stop()
	for done := false; !done; {
		select {
		case o := <-over:
			if done = true; o.Out >= size {
				t.Errorf("%d bytes were sent in %v", o.Out, time.Since(began))
			}
		case <-time.After(max(0, limit-time.Since(began))):
			t.Fatal("the download goes on")
		case <-slow.C:
			n, err := resp.Body.Read(buf)
			total += n
			if err != nil && total >= size {
				t.Fatal("all of it came: ", err)
			}
		}
	}
	rest, err := io.Copy(io.Discard, resp.Body) // what was on its way
	if err == nil || int64(total)+rest >= size {
		t.Errorf("%v after %d bytes", err, int64(total)+rest)
	}
}

// TestUnconfirmedUploadEnds: while the database cannot say whether the caller is
// still known, an upload goes on for Timeouts.Unconfirmed and no longer, and
// nothing of it is stored.
func TestUnconfirmedUploadEnds(t *testing.T) {
	const patience = 2 * time.Second
	d := openDoor(t, gate.Timeouts{Unconfirmed: patience})
	stop := make(chan struct{})
	body := &stalling{bytes: 1 << 20, every: 20 * time.Millisecond, stop: stop}
	r := d.request(http.MethodPut, "/fleet/k", closing{io.MultiReader(io.LimitReader(zeros{}, 300<<10), body), stop}, 2<<20)
	done := make(chan string, 1)
	go func() {
		resp, err := d.client(1).Do(r)
		if err != nil {
			done <- "" // the connection was cut
			return
		}
		defer func() { _ = resp.Body.Close() }()
		text, _ := io.ReadAll(resp.Body)
		done <- resp.Status + string(text)
	}()
	time.Sleep(200 * time.Millisecond)
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	select {
	case answer := <-done:
		took := time.Since(began)
		if took < patience/2 || took > patience+limit || answer != "" && !strings.Contains(answer, "SlowDown") {
			t.Errorf("it took %v: %s", took, answer)
		}
	case <-time.After(3 * patience):
		t.Error("the upload goes on")
	}
	if _, err := d.objects.Head(context.Background(), objects.Ref{Name: objects.Name{Bucket: "fleet", Key: "k"}}); err == nil {
		t.Error("something was stored")
	}
}
