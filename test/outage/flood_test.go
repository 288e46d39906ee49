package outage

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
)

// most is how much memory a flood of bodies with forged signatures may take, above
// what the idle server has.
const most = 64 << 20

// memory reads a line of /proc/PID/status (proc(5)), in bytes.
func (w *world) memory(line string) int64 {
	w.Helper()
	text, err := os.ReadFile(fmt.Sprint("/proc/", w.server.PID, "/status"))
	if err != nil {
		w.Skip("no /proc to measure with")
	}
	_, rest, _ := strings.Cut(string(text), line+":")
	fields := strings.Fields(rest)
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		w.Fatal(err)
	}
	return n << 10
}

// dribble is a body that stops short of its end until it is told to stop.
type dribble struct {
	left  int
	piece int           // bytes of one read
	pause time.Duration // before each
	stop  <-chan struct{}
}

func (d *dribble) Read(p []byte) (int, error) {
	if d.left == 0 {
		<-d.stop
		return 0, errors.New("given up")
	}
	if d.pause > 0 {
		select {
		case <-d.stop:
			return 0, errors.New("given up")
		case <-time.After(d.pause):
		}
	}
	n := min(len(p), d.left, d.piece)
	for i := range p[:n] {
		p[i] = 'a'
	}
	d.left -= n
	return n, nil
}

func (d *dribble) Close() error { return nil }

// flooder sends requests with a key that exists and a signature that is forged.
type flooder struct {
	*world
	key   string
	proto int // 1 or 2
	body  func() *dribble
	form  bool // POST forms to S3 instead of requests to IAM
	sent  atomic.Int64
	codes sync.Map
}

// connection is an HTTP client with one connection at most.
func (f *flooder) connection() *http.Client {
	t := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: f.server.CA}, ForceAttemptHTTP2: f.proto == 2, MaxConnsPerHost: 1,
		HTTP2: &http.HTTP2Config{StrictMaxConcurrentRequests: true},
	}
	f.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t}
}

// flood sends on so many connections, so many requests on each at a time, until
// the context ends.
func (f *flooder) flood(ctx context.Context, connections, streams int) *sync.WaitGroup {
	var group sync.WaitGroup
	for range connections {
		client := f.connection()
		for range streams {
			group.Go(func() {
				for ctx.Err() == nil {
					f.one(ctx, client)
				}
			})
		}
	}
	return &group
}

func (f *flooder) one(ctx context.Context, client *http.Client) {
	body := f.body()
	announced := body.left + 1
	path, kind := "/", "application/x-www-form-urlencoded"
	reader := io.ReadCloser(body)
	if f.form {
		head := "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n"
		path, kind, announced = "/fleet", "multipart/form-data; boundary=b", announced+len(head)
		reader = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(strings.NewReader(head), body), body}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+f.server.SignedDoor+path, reader)
	if err != nil {
		f.Error(err)
		return
	}
	r.ContentLength = int64(announced)
	r.Header.Set("Content-Type", kind)
	if !f.form {
		forged := sigv4.Credentials{AccessKeyID: f.key, SecretAccessKey: "not the secret"}
		sigv4.Sign(r, forged, f.server.Region, "iam", time.Now(), strings.Repeat("0", 64))
	}
	resp, err := client.Do(r)
	if err != nil {
		time.Sleep(10 * time.Millisecond)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	f.sent.Add(1)
	f.codes.Store(resp.StatusCode, true)
}

// serves checks that others are served, until the context ends.
func (w *world) serves(ctx context.Context) {
	w.Helper()
	var worst time.Duration
	served := 0
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::%s/*"]}]}`, strings.Repeat("x", 1500))
	for ctx.Err() == nil {
		for name, do := range map[string]func() error{
			"exchange": func() error {
				_, _, err := w.devices[served%devices].Credentials(context.Background(), "fleet", "")
				return err
			},
			"GetCallerIdentity": func() error {
				_, err := w.admin.Query(context.Background(), "sts", "GetCallerIdentity")
				return err
			},
			"PutRolePolicy": func() error {
				_, err := w.admin.Query(context.Background(), "iam", "PutRolePolicy", "RoleName", "Fleet", "PolicyName", "more", "PolicyDocument", policy)
				return err
			},
		} {
			began := time.Now()
			if err := do(); err != nil {
				w.Errorf("%s under the flood: %v", name, err)
			}
			served++
			worst = max(worst, time.Since(began))
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.Logf("served %d others meanwhile, the slowest in %v", served, worst.Round(time.Millisecond))
	if served < 10 || worst > 4*time.Second {
		w.Errorf("others were served %d times, the slowest took %v", served, worst)
	}
}

// TestForgedBodies floods the signed door with bodies whose signature is forged:
// three connections of 240 streams with a megabyte each, many connections that
// dribble, and forms. Memory stays bounded, and others are served.
func TestForgedBodies(t *testing.T) {
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	const body = 1<<20 - 1
	for _, tt := range []struct {
		name                 string
		proto                int
		connections, streams int
		piece                int
		pause                time.Duration
		form                 bool
	}{
		{"HTTP/2", 2, 3, 240, 16 << 10, 0, false},
		{"dribbling", 1, 150, 1, 1 << 10, 100 * time.Millisecond, false},
		{"forms", 2, 3, 240, 1 << 10, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t, nil)
			if err := os.WriteFile(fmt.Sprint("/proc/", w.server.PID, "/clear_refs"), []byte("5"), 0); err != nil { // resets VmHWM
				t.Skip(err)
			}
			idle := w.memory("VmRSS")
			f := &flooder{world: w, key: w.admin.Credentials.AccessKeyID, proto: tt.proto, form: tt.form,
				body: func() *dribble { return &dribble{left: body, piece: tt.piece, pause: tt.pause, stop: stop} }}
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			group := f.flood(ctx, tt.connections, tt.streams)
			w.serves(ctx)
			group.Wait()
			peak := w.memory("VmHWM")
			var codes []any
			f.codes.Range(func(code, _ any) bool { codes = append(codes, code); return true })
			t.Logf("%.1f MiB idle, %.1f MiB at the peak; %d answers, with %v", float64(idle)/(1<<20), float64(peak)/(1<<20), f.sent.Load(), codes)
			if peak-idle > most {
				t.Errorf("the flood took %.1f MiB", float64(peak-idle)/(1<<20))
			}
		})
	}
}

// TestBodyUnseen: what is wrong with a signature besides itself is found out
// before a byte of the body has come.
func TestBodyUnseen(t *testing.T) {
	w := start(t, nil)
	sign := func(key string, at time.Time) http.Header {
		r, err := http.NewRequest(http.MethodPost, "https://"+w.server.SignedDoor+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		sigv4.Sign(r, sigv4.Credentials{AccessKeyID: key, SecretAccessKey: "x"}, w.server.Region, "iam", at, strings.Repeat("0", 64))
		return r.Header
	}
	key := w.admin.Credentials.AccessKeyID
	unsigned := sign(key, time.Now())
	unsigned.Set("X-Amz-Security-Token", "token")
	for name, h := range map[string]http.Header{
		"unknown key":     sign("AKIAUNKNOWNUNKNOWNUN", time.Now()),
		"old":             sign(key, time.Now().Add(-time.Hour)),
		"from the future": sign(key, time.Now().Add(time.Hour)),
		"unsigned token":  unsigned,
	} {
		conn, err := tls.Dial("tcp", w.server.SignedDoor, &tls.Config{RootCAs: w.server.CA, NextProtos: []string{"http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		head := "POST / HTTP/1.1\r\nHost: " + w.server.SignedDoor + "\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n"
		for n, v := range h {
			head += n + ": " + v[0] + "\r\n"
		}
		if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 12)
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 403" {
			if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
				t.Errorf("%s: waited for the body", name)
			} else {
				t.Errorf("%s: %q %v", name, answer, err)
			}
		}
		_ = conn.Close()
	}
}
