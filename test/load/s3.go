package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/test/rig"
)

// largeDevices is how many devices have a large object, which takes the disk.
const largeDevices = 8

// s3Modes is how many modes there are at most.
const s3Modes = 24

// s3Bench is what is measured: the embedded store next to a file server, and the
// gateway next to a proxy to the same engine.
type s3Bench struct {
	server  *rig.Server
	files   *bareServer
	engine  *bareServer
	proxy   *bareServer
	devices []device
}

func runS3(ctx context.Context, s settings) (err error) {
	dir, err := os.MkdirTemp("", "thingpass-load-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var b s3Bench
	for _, child := range []struct {
		at   **bareServer
		args func() []string
	}{
		{&b.files, func() []string { return []string{"files"} }},
		{&b.engine, func() []string { return []string{"upstream"} }},
		{&b.proxy, func() []string { return []string{"proxy", "http://" + b.engine.Plain} }},
	} {
		if *child.at, err = startBare(ctx, dir, child.args()...); err != nil {
			return err
		}
		defer (*child.at).stop()
	}
	if b.server, err = serveGateway(ctx, dir, b.engine.Plain); err != nil {
		return err
	}
	defer func() {
		if stopped := b.server.Stop(); err == nil {
			err = stopped
		}
	}()
	if b.devices, err = prepare(ctx, b.server, s.certificates); err != nil {
		return err
	}
	if s.s3Memory {
		return measureMemory(ctx, s, b)
	}
	fmt.Printf("server CPU per S3 request: %d clients, median of %d rounds of %g s each; GOGC=%s for both\n", s.certificates, s.rounds, s.seconds, s.gogc)
	return b.measure(ctx, s)
}

// serveGateway starts Thingpass with an engine besides the embedded store.
func serveGateway(ctx context.Context, dir, engine string) (*rig.Server, error) {
	binary, err := rig.Build(ctx, dir)
	if err != nil {
		return nil, err
	}
	installation, err := rig.Init(ctx, binary, filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	keys := filepath.Join(dir, "engine-keys")
	if err := os.WriteFile(keys, []byte("[default]\naws_access_key_id = load\naws_secret_access_key = load-load-load\n"), 0o600); err != nil {
		return nil, err
	}
	return installation.Serve(ctx, "--http-listen", "127.0.0.1:0",
		"--s3-backend", "name=load,endpoint=http://"+engine+",region=us-east-1,prefix=gw-,kind=other,credentials="+keys)
}

func (b *s3Bench) measure(ctx context.Context, s settings) error {
	if err := b.fill(ctx); err != nil {
		return err
	}
	for _, m := range b.modes() {
		if !strings.Contains(m.name, s.only) {
			continue
		}
		if err := b.compare(ctx, s, m); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// fill puts the large object of each device into the embedded store.
func (b *s3Bench) fill(ctx context.Context) error {
	admin := b.server.Client(b.server.Admin)
	admin.HTTP.Timeout = time.Minute
	defer admin.HTTP.CloseIdleConnections()
	large := make([]byte, largeSize)
	for _, d := range b.devices[:min(largeDevices, len(b.devices))] {
		if _, err := admin.S3(ctx, http.MethodPut, s3Path(bucket, d, "large"), large); err != nil {
			return err
		}
	}
	return nil
}

func s3Path(bucket string, d device, name string) string {
	return "/" + bucket + "/" + d.ID + "/" + name
}

// s3Case is a request that is measured on several doors.
type s3Case struct {
	method, object string
	size           int  // of the body
	hash           bool // the body's hash is signed
	embedded, gate float64
}

// s3Cases have the bars of the embedded store and of the gateway; 0 for none. What
// either is compared with hashes a large body whose hash is signed, too.
var s3Cases = [...]s3Case{
	{http.MethodHead, "object", 0, false, 2.0, 1.5},
	{http.MethodGet, "object", 0, false, 2.0, 1.5},
	{http.MethodPut, "small", objectSize, true, 1.4, 1.5},
	{http.MethodGet, "large", 0, false, 0, 1.1},
	{http.MethodPut, "big", largeSize, false, 1.05, 1.1},
	{http.MethodPut, "big", largeSize, true, 1.05, 1.1},
}

func (c s3Case) name() string {
	size := "4 KiB"
	if c.object == "large" || c.size == largeSize {
		size = "64 MiB"
	}
	if c.method == http.MethodPut && !c.hash {
		return c.method + " " + size + " unsigned payload"
	}
	return c.method + " " + size
}

// modes pairs each request with the doors.
func (b *s3Bench) modes() []mode {
	pid, region := b.server.PID, b.server.Region
	ours := map[string]door{
		"http": {address: b.server.PlainDoor, pid: pid, region: region},
		"tls":  {address: b.server.SignedDoor, roots: b.server.CA, pid: pid, region: region},
	}
	bare := func(s *bareServer, kind string) door {
		if kind == "http" {
			return door{address: s.Plain, pid: s.process.Process.Pid, region: region}
		}
		return door{address: s.TLS, roots: s.roots, pid: s.process.Process.Pid, region: region}
	}
	var all []mode
	body := make([]byte, largeSize)
	for _, kind := range []string{"http", "tls"} {
		for _, c := range s3Cases {
			m := mode{reuse: connection, thingpass: ours[kind], method: c.method, body: body[:c.size]}
			hash := sigv4.UnsignedPayload
			if c.size == 0 || c.hash {
				hash = sigv4.PayloadHash(m.body)
			}
			m.name, m.bar, m.bare, m.request = "embedded "+kind+" "+c.name(), c.embedded, bare(b.files, kind), c.request(bucket, hash)
			all = append(all, m)
			m.name, m.bar, m.bare, m.request = "gateway "+kind+" "+c.name(), c.gate, bare(b.proxy, kind), c.request(forwarded, hash)
			all = append(all, m)
		}
	}
	return all
}

// request signs one for a device.
func (c s3Case) request(bucket, hash string) func(door, device) ([]byte, error) {
	return func(at door, d device) ([]byte, error) {
		r, err := http.NewRequest(c.method, "http://"+at.address+s3Path(bucket, d, c.object), nil)
		if err != nil {
			return nil, err
		}
		sigv4.Sign(r, d.keys, at.region, "s3", time.Now(), hash)
		var wire bytes.Buffer
		if err := r.Write(&wire); err != nil {
			return nil, err
		}
		if c.method != http.MethodPut {
			return wire.Bytes(), nil
		}
		announced := fmt.Appendf(nil, "Content-Length: %d\r\n", c.size)
		return bytes.Replace(wire.Bytes(), []byte("Content-Length: 0\r\n"), announced, 1), nil
	}
}

func (b *s3Bench) compare(ctx context.Context, s settings, m mode) error {
	devices := b.devices
	if strings.Contains(m.name, "64 MiB") {
		devices = devices[:min(largeDevices, len(devices))]
		s.connections = min(s.connections, len(devices))
	}
	ours, err := newClients(s, m, m.thingpass, devices)
	if err != nil {
		return err
	}
	defer ours.close()
	bare, err := newClients(s, m, m.bare, devices)
	if err != nil {
		return err
	}
	defer bare.close()
	return compare(ctx, s, m, [2]*clients{ours, bare})
}
