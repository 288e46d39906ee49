package door

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/upstream"
)

// engineKeys are what the door signs with for its engine.
var engineKeys = sigv4.Credentials{AccessKeyID: "AKIAENGINE", SecretAccessKey: "engine's secret"}

// recorder is an engine that stores what comes whole, as S3 does, and notes every
// request for an object that came to it.
type recorder struct {
	mu   sync.Mutex
	seen map[string]string // by path: what was put
	all  []string          // methods and targets
}

func (e *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/cam-a/") {
		return // it asks whether the engine is there
	}
	switch r.Method + r.URL.Path {
	case "GET/cam-a/silent":
		<-r.Context().Done()
		return
	case "GET/cam-a/endless":
		for err := error(nil); err == nil; {
			_, err = w.Write(make([]byte, 1<<16))
		}
		return
	}
	e.mu.Lock()
	e.all = append(e.all, r.Method+" "+r.RequestURI)
	e.mu.Unlock()
	sig, err := sigv4.Parse(r)
	if err == nil {
		err = sig.Verify(r, engineKeys.SecretAccessKey, sigv4.Rules{S3: true, Now: time.Now()}, "")
	}
	if err != nil {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength {
		return // and stores nothing of it
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen[r.URL.Path] = string(body)
	w.Header().Set("Etag", `"e"`)
}

// record starts a recorder, as the engine of the buckets cam-….
func record(t *testing.T) (*recorder, *upstream.Engine) {
	t.Helper()
	e := &recorder{seen: map[string]string{}}
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return e, upstream.New(upstream.Config{Name: "back", Endpoint: u, Region: "back", Prefix: "cam-", Kind: upstream.Ceph,
		AccessKeyID: engineKeys.AccessKeyID, SecretKey: thingpass.NewSecret(engineKeys.SecretAccessKey)})
}

// onBoth runs a test in front of the embedded store and of an engine.
func onBoth(t *testing.T, timeouts gate.Timeouts, f func(d *door)) {
	for name, bucket := range map[string]string{"embedded": "fleet", "engine": "cam-a"} {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t, timeouts)
			d.bucket = bucket
			f(d)
		})
	}
}

// stored lists the keys of the bucket that tests try to write.
func (d *door) stored() (keys []string) {
	d.Helper()
	for _, name := range []string{"k", "k2", "other", "evil"} {
		if _, ok := d.content(name); ok {
			keys = append(keys, name)
		}
	}
	return keys
}

// content is what the bucket has under a key.
func (d *door) content(key string) (string, bool) {
	d.Helper()
	if d.bucket != "fleet" {
		d.engine.mu.Lock()
		defer d.engine.mu.Unlock()
		text, ok := d.engine.seen["/"+d.bucket+"/"+key]
		return text, ok
	}
	_, body, err := d.objects.Get(context.Background(), objects.Ref{Name: objects.Name{Bucket: "fleet", Key: key}})
	if err != nil {
		return "", false
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(body)
	return string(text), err == nil
}

// forget removes what was stored, and returns what the engine was asked.
func (d *door) forget(key string) []string {
	d.Helper()
	if d.bucket == "fleet" {
		_, _ = d.objects.Delete(context.Background(), objects.Ref{Name: objects.Name{Bucket: "fleet", Key: key}}, objects.Condition{})
		return nil
	}
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	all := slices.Clone(d.engine.all)
	d.engine.seen, d.engine.all = map[string]string{}, nil
	return all
}
