// Package door tests the signed door on connections that stall: it puts the
// door together by hand, with short timeouts, out of rooms that package gate
// itself may not know.
package door

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/iam"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/s3"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/upstream"
)

var keeper = sigv4.Credentials{AccessKeyID: "AKIATESTKEEPER", SecretAccessKey: "keeper's secret"}

// door is a door of its own, with short timeouts, on a real connection.
type door struct {
	*testing.T
	*httptest.Server
	db      *store.DB
	objects *objects.Store
	engine  *recorder // has the buckets cam-…
	bucket  string    // of the door's own requests; the embedded store's unless a test says otherwise
}

func openDoor(t *testing.T, timeouts gate.Timeouts) *door {
	t.Helper()
	return openDoorWith(t, func(cfg *gate.Config) { cfg.Timeouts = timeouts })
}

func openDoorWith(t *testing.T, change func(*gate.Config)) *door {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	place, dir := thingpass.Place{Account: "123456789012", Region: "us-east-1"}, t.TempDir()
	db, err := store.Create(t.Context(), "sqlite:"+filepath.Join(dir, "test.db"), place)
	must(err)
	t.Cleanup(func() { _ = db.Close() })
	must(db.CreateUser(t.Context(), thingpass.User{ID: "AIDAKEEPER", Name: "keeper", Path: "/", Grants: thingpass.Grants{Inline: []thingpass.InlinePolicy{{
		Name: "all", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
	}}}}, thingpass.AccessKey{ID: keeper.AccessKeyID, Secret: thingpass.NewSecret(keeper.SecretAccessKey), Active: true}))
	must(session.CreateRing(filepath.Join(dir, "ring"), time.Now()))
	ring, err := session.LoadRing(filepath.Join(dir, "ring"))
	must(err)
	bytes, err := objects.Create(filepath.Join(dir, "objects"))
	must(err)
	t.Cleanup(func() { _ = bytes.Close() })
	must(bytes.CreateBucket(t.Context(), "fleet"))
	recent, log := store.NewRecent(db), slog.New(slog.DiscardHandler)
	engine, behind := record(t)
	cfg := gate.Config{
		Sessions: session.New(place, recent, ring), Authz: authz.New(place, recent), Log: log, Now: time.Now,
		Services: []gate.Service{
			iam.New(iam.Config{Place: place, Store: db, Now: time.Now, Log: log}),
			s3.New(s3.Config{Place: place, Objects: bytes, Policies: db, Now: time.Now, Engines: []*upstream.Engine{behind}, SpoolDir: dir}),
		},
	}
	change(&cfg)
	srv := httptest.NewUnstartedServer(gate.NewDoor(cfg))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return &door{T: t, Server: srv, db: db, objects: bytes, engine: engine, bucket: "fleet"}
}

// client is a client of HTTP/1 or HTTP/2.
func (d *door) client(major int) *http.Client {
	if major == 2 {
		return d.Client()
	}
	t := d.Client().Transport.(*http.Transport).Clone()
	t.ForceAttemptHTTP2, t.TLSClientConfig.NextProtos = false, nil
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	d.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t}
}

func (d *door) request(method, path string, body io.Reader, size int) *http.Request {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, d.URL+path, body)
	if err != nil {
		d.Fatal(err)
	}
	r.ContentLength = int64(size)
	sigv4.Sign(r, keeper, "us-east-1", "s3", time.Now(), sigv4.UnsignedPayload)
	return r
}

// raw opens a connection of HTTP/1 and sends text.
func (d *door) raw(text string) net.Conn {
	d.Helper()
	pool := d.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	conn, err := tls.Dial("tcp", d.Listener.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "example.com"})
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		d.Fatal(err)
	}
	return conn
}

// send writes a request with its headers and without a body.
func head(r *http.Request) string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.URL.RequestURI() + " HTTP/1.1\r\nHost: " + r.Host + "\r\nContent-Length: " + strconv.FormatInt(r.ContentLength, 10) + "\r\n")
	_ = r.Header.Write(&b)
	return b.String() + "\r\n"
}

// short are timeouts that only the body's own keeps.
var short = gate.Timeouts{Body: 200 * time.Millisecond, Stall: 200 * time.Millisecond, Drain: 50 * time.Millisecond}

// TestStrangerDoesNotHoldConnections: who announces a body and sends none is
// answered all the same, and the connection ends.
func TestStrangerDoesNotHoldConnections(t *testing.T) {
	d := openDoor(t, gate.Timeouts{Drain: 50 * time.Millisecond})
	for name, text := range map[string]string{
		"with a length": "PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
		"in chunks":     "PUT /b/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"expecting":     "PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
		"half sent":     "PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
	} {
		t.Run(name, func(t *testing.T) {
			conn := d.raw(text)
			answer, err := io.ReadAll(conn)
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 403 ") || !strings.Contains(string(answer), "AccessDenied") {
				t.Errorf("%v: %s", err, answer)
			}
		})
	}
}

// TestRefusalKeepsConnection: a body that does come is read past, so that the
// connection serves another request.
func TestRefusalKeepsConnection(t *testing.T) {
	d := openDoor(t, gate.Timeouts{})
	const request = "PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
	conn := d.raw(request)
	r := bufio.NewReader(conn)
	for range 3 {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != http.StatusForbidden || resp.Close {
			t.Errorf("%d, close %v", resp.StatusCode, resp.Close)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBodyBeforeVerification: the body of a request that is not S3's is read
// before its signature is known to be good, and has a fixed time.
func TestBodyBeforeVerification(t *testing.T) {
	d := openDoor(t, short)
	r := d.request(http.MethodPost, "/", nil, 10)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sigv4.Sign(r, keeper, "us-east-1", "iam", time.Now(), sigv4.PayloadHash(nil))
	conn := d.raw(head(r))
	go func() {
		for range 20 { // progress does not count
			time.Sleep(50 * time.Millisecond)
			_, _ = conn.Write([]byte("x"))
		}
	}()
	answer, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, net.ErrClosed) && len(answer) == 0 || !strings.HasPrefix(string(answer), "HTTP/1.1 4") {
		t.Errorf("%v: %s", err, answer)
	}
}

// stalling gives a byte now and then, and stops giving any after some.
type stalling struct {
	bytes int
	every time.Duration
	stop  <-chan struct{}
}

func (s *stalling) Read(p []byte) (int, error) {
	if s.bytes == 0 {
		if s.stop != nil {
			<-s.stop
		}
		return 0, io.EOF
	}
	s.bytes--
	time.Sleep(s.every)
	p[0] = 'x'
	return 1, nil
}

func TestStalledUpload(t *testing.T) {
	d := openDoor(t, short)
	for major := 1; major <= 2; major++ {
		t.Run("HTTP/"+strconv.Itoa(major), func(t *testing.T) {
			stop := make(chan struct{})
			resp, err := d.client(major).Do(d.request(http.MethodPut, "/fleet/stalled", &stalling{bytes: 5, stop: stop}, 10))
			close(stop)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.ProtoMajor != major || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "<Code>RequestTimeout</Code>") {
				t.Errorf("%s %d %s", resp.Proto, resp.StatusCode, body)
			}
			d.missing(t, "/fleet/stalled")
		})
	}
}

func (d *door) missing(t *testing.T, path string) {
	t.Helper()
	resp, err := d.Client().Do(d.request(http.MethodGet, path, nil, 0))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("%s: %d", path, resp.StatusCode)
	}
}

// TestSlowUpload takes longer than every timeout, and ends well.
func TestSlowUpload(t *testing.T) {
	d := openDoor(t, short)
	for major := 1; major <= 2; major++ {
		t.Run("HTTP/"+strconv.Itoa(major), func(t *testing.T) {
			client := d.client(major)
			resp, err := client.Do(d.request(http.MethodPut, "/fleet/slow", &stalling{bytes: 14, every: 50 * time.Millisecond}, 14))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.ProtoMajor != major || resp.StatusCode != http.StatusOK {
				t.Fatalf("%s %d", resp.Proto, resp.StatusCode)
			}
			time.Sleep(300 * time.Millisecond) // no deadline is left on the connection
			resp, err = client.Do(d.request(http.MethodPut, "/fleet/slow", strings.NewReader("again"), 5))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("then %d", resp.StatusCode)
			}
		})
	}
}

// TestSlowDownload: a client that reads slowly gets everything, and one that
// does not read at all is cut off.
func TestSlowDownload(t *testing.T) {
	d := openDoor(t, short)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	resp, err := d.Client().Do(d.request(http.MethodPut, "/fleet/big", bytes.NewReader(content), len(content)))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	for major := 1; major <= 2; major++ {
		for _, stall := range []bool{false, true} {
			t.Run("HTTP/"+strconv.Itoa(major)+map[bool]string{false: " slow", true: " stalled"}[stall], func(t *testing.T) {
				resp, err := d.client(major).Do(d.request(http.MethodGet, "/fleet/big", nil, 0))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = resp.Body.Close() }()
				if stall {
					time.Sleep(time.Second)
				}
				n, pieces := int64(0), 0
				for err == nil {
					var m int64
					m, err = io.CopyN(io.Discard, resp.Body, 1<<20)
					n += m
					if pieces++; !stall && pieces <= 8 {
						time.Sleep(75 * time.Millisecond)
					}
				}
				if whole := n == int64(len(content)) && errors.Is(err, io.EOF); whole == stall {
					t.Errorf("%d bytes, %v", n, err)
				}
			})
		}
	}
}
