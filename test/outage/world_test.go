package outage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/test/rig"
	"github.com/thingpass/thingpass/thingtest"
)

// What the product promises (docs/operating.md, "When the database is away").
const (
	readLimit  = 2 * time.Second
	writeLimit = 10 * time.Second
	recovery   = 5 * time.Second
	margin     = 1500 * time.Millisecond // for a machine that does other things
)

var builds = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "thingpass-outage-")
	if err != nil {
		return "", err
	}
	built = dir
	return rig.Build(context.Background(), dir)
})

var built string // folder of the program

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// world is a running server with devices.
type world struct {
	*testing.T
	server  *rig.Server
	admin   *thingtest.Client
	devices []*thingtest.Device
	keys    []sigv4.Credentials // of the devices
	made    atomic.Int64        // things, for names
}

const devices = 12

func start(t *testing.T, initArgs []string, args ...string) *world {
	t.Helper()
	program, err := builds()
	if err != nil {
		t.Fatal(err)
	}
	inst, err := rig.Init(t.Context(), program, filepath.Join(t.TempDir(), "data"), initArgs...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t}
	if w.server, err = inst.Serve(t.Context(), args...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.server.Kill)
	w.admin = w.server.Client(inst.Admin)
	set := rig.SetUp{Role: "Fleet", Alias: "fleet", IoTPolicy: "may", Devices: devices,
		Permissions: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`}
	made, err := rig.Prepare(t.Context(), w.admin, set)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.admin.S3(t.Context(), http.MethodPut, "/fleet", nil); err != nil {
		t.Fatal(err)
	}
	for _, d := range made {
		device := w.server.Device(d.Certificate)
		device.HTTP.Timeout = time.Minute
		w.devices = append(w.devices, device)
		keys, _, err := device.Credentials(t.Context(), "fleet", "")
		if err != nil {
			t.Fatal(err)
		}
		w.keys = append(w.keys, keys)
	}
	w.admin.HTTP.Timeout = time.Minute
	return w
}

// call is one kind of request.
type call struct {
	name  string
	limit time.Duration
	code  string // of the answer while the database is away
	do    func(ctx context.Context) (*thingtest.Response, error)
}

// calls are requests of every kind, by every key.
func (w *world) calls() (all []call) {
	for i, d := range w.devices {
		signed := w.server.Client(w.keys[i])
		signed.HTTP = w.admin.HTTP
		all = append(all,
			call{fmt.Sprint("exchange ", i), readLimit, "ServiceUnavailableException", func(ctx context.Context) (*thingtest.Response, error) {
				return d.Exchange(ctx, "fleet", "")
			}},
			call{fmt.Sprint("S3 GET ", i), readLimit, "SlowDown", func(ctx context.Context) (*thingtest.Response, error) {
				return signed.Do(ctx, "s3", http.MethodGet, "/fleet", nil, nil)
			}})
	}
	return append(all,
		call{"S3 HEAD", readLimit, "SlowDown", func(ctx context.Context) (*thingtest.Response, error) {
			r, err := w.admin.Do(ctx, "s3", http.MethodHead, "/fleet", nil, nil)
			if err == nil {
				r.Header.Set("X-Amzn-Errortype", r.Header.Get("X-Amz-Error-Code")) // HEAD has no body
			}
			return r, err
		}},
		call{"IAM GetRole", readLimit, "ServiceUnavailable", func(ctx context.Context) (*thingtest.Response, error) {
			return w.query(ctx, "iam", "Action=GetRole&Version=2010-05-08&RoleName=Fleet")
		}},
		call{"STS GetCallerIdentity", readLimit, "ServiceUnavailable", func(ctx context.Context) (*thingtest.Response, error) {
			return w.query(ctx, "sts", "Action=GetCallerIdentity&Version=2011-06-15")
		}},
		call{"IoT ListThings", readLimit, "ServiceUnavailableException", func(ctx context.Context) (*thingtest.Response, error) {
			return w.admin.Do(ctx, "iot", http.MethodGet, "/things", nil, nil)
		}},
		call{"IoT CreateThing", writeLimit, "ServiceUnavailableException", func(ctx context.Context) (*thingtest.Response, error) {
			return w.admin.Do(ctx, "iot", http.MethodPost, fmt.Sprint("/things/made-", w.made.Add(1)), nil, []byte("{}"))
		}},
	)
}

func (w *world) query(ctx context.Context, service, form string) (*thingtest.Response, error) {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	return w.admin.Do(ctx, service, http.MethodPost, "/", header, []byte(form))
}

// away checks one answer while the database is away: in time, and a success or
// the protocol's 503.
func (w *world) away(c call) (ok bool) {
	w.Helper()
	began := time.Now()
	resp, err := c.do(context.Background())
	took := time.Since(began)
	if err != nil {
		w.Errorf("%s: after %v: %v", c.name, took, err)
		return false
	}
	if took > c.limit+margin {
		w.Errorf("%s: answered %d after %v", c.name, resp.Status, took)
	}
	failed := resp.Err()
	if failed == nil {
		return true
	}
	if e, ok := failed.(*thingtest.Error); !ok || e.Status != http.StatusServiceUnavailable || e.Code != c.code || resp.Header.Get("Retry-After") == "" {
		w.Errorf("%s: %v %q", c.name, failed, resp.Header)
	}
	return false
}

// outage sends every kind of request at once, again and again, for as long as it
// says, and returns how many succeeded.
func (w *world) outage(long time.Duration) (succeeded int) {
	w.Helper()
	var good atomic.Int64
	var group sync.WaitGroup
	end := time.Now().Add(long)
	for _, c := range w.calls() {
		group.Go(func() {
			for time.Now().Before(end) {
				if w.away(c) {
					good.Add(1)
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	group.Wait()
	return int(good.Load())
}

// recovers checks that every call succeeds within recovery after since.
func (w *world) recovers(since time.Time) {
	w.Helper()
	var group sync.WaitGroup
	var worst atomic.Int64
	for _, c := range w.calls() {
		group.Go(func() {
			for {
				began := time.Now()
				ctx, cancel := context.WithDeadline(context.Background(), since.Add(2*recovery+writeLimit))
				resp, err := c.do(ctx)
				cancel()
				if err == nil && resp.Err() == nil {
					worst.Store(max(worst.Load(), int64(time.Since(since))))
					if took := time.Since(since); took > recovery {
						w.Errorf("%s: works again after %v", c.name, took)
					}
					return
				}
				if time.Since(since) > 2*recovery+writeLimit {
					w.Errorf("%s: still does not work after %v: %v", c.name, time.Since(since), err)
					return
				}
				time.Sleep(max(0, 50*time.Millisecond-time.Since(began)))
			}
		})
	}
	group.Wait()
	w.Logf("every key works %v after", time.Duration(worst.Load()).Round(time.Millisecond))
}

// ready returns the status of /readyz and what it says.
func (w *world) ready() (int, string) {
	w.Helper()
	resp, err := http.Get("http://" + w.server.Ops + "/readyz")
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

func (w *world) notReady() {
	w.Helper()
	if status, text := w.ready(); status != http.StatusServiceUnavailable || text != "the database does not answer\n" {
		w.Errorf("/readyz: %d %s", status, text)
	}
}
