// Command load measures what an exchange and a signed request cost the server
// in CPU, next to a bare net/http server that does the same TLS and answers a
// fixed body. Both run as children, in the same run and in alternating rounds,
// because only the ratio means something on a machine that does other work. Both
// have the same garbage collector settings, each exchange is another device's than
// the one before, and audit lines are written to a file.
//
// It speaks to loopback addresses of its own children only, is bounded in
// count and time, and stops by itself. The server's CPU is user and system
// time of the whole process from /proc/PID/stat, so it needs Linux.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/test/rig"
)

// settings are the flags.
type settings struct {
	certificates int
	rounds       int
	seconds      float64
	connections  int
	classic      bool
	gogc         string
	s3           bool
	s3Memory     bool
	only         string
}

func (s settings) check() error {
	switch {
	case s.connections < 1 || s.connections > 64:
		return fmt.Errorf("-c %d: from 1 to 64 connections at a time", s.connections)
	case s.certificates < s.connections || s.certificates > 5000:
		return fmt.Errorf("-certs %d: from -c to 5000 certificates", s.certificates)
	case s.rounds < 1 || s.rounds > 51:
		return fmt.Errorf("-rounds %d: from 1 to 51 rounds", s.rounds)
	case s.seconds < 0.1 || s.seconds > 10:
		return fmt.Errorf("-seconds %v: from 0.1 to 10 seconds a round", s.seconds)
	}
	return nil
}

// limit is when a run is given up, whatever it is doing. A machine that does other
// work takes a multiple of the time that is measured.
func (s settings) limit() time.Duration {
	count := modes
	if s.s3 {
		count = s3Modes
	}
	if s.s3Memory {
		return 30 * time.Minute
	}
	measured := time.Duration(2 * float64(s.rounds+1) * s.seconds * float64(count) * float64(time.Second))
	return 4*measured + 2*time.Minute + time.Duration(s.certificates)*100*time.Millisecond
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		fail(serveBare(os.Args[2:]))
		return
	}
	var s settings
	flag.IntVar(&s.certificates, "certs", 200, "distinct client `certificates`")
	flag.IntVar(&s.rounds, "rounds", 7, "measured `rounds` per server and mode; the medians count")
	flag.Float64Var(&s.seconds, "seconds", 1, "`seconds` per round")
	flag.IntVar(&s.connections, "c", 8, "`connections` at a time")
	flag.BoolVar(&s.classic, "classic", false, "offer X25519 and P-256 only, as embedded clients do, not Go's post-quantum default")
	flag.StringVar(&s.gogc, "gogc", "200", "`GOGC` of both servers; 200 is what Thingpass sets for itself")
	flag.BoolVar(&s.s3, "s3", false, "measure S3 requests: the embedded store against a file server, the gateway against a proxy")
	flag.BoolVar(&s.s3Memory, "s3-memory", false, "measure the memory of 200 parallel uploads: of 1 GiB through the gateway, of 64 MiB to the embedded store, on a disk with 13 GiB")
	flag.StringVar(&s.only, "only", "", "only the modes whose name contains `text`")
	flag.Parse()
	fail(s.check())
	fail(os.Setenv("GOGC", s.gogc)) // the children have it from here
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, s.limit())
	defer cancel()
	if s.s3 || s.s3Memory {
		fail(ended(ctx, s, runS3(ctx, s)))
		return
	}
	fail(ended(ctx, s, run(ctx, s)))
}

// ended says of a run that was given up that it was. The servers are killed then,
// so that the clients find broken connections.
func ended(ctx context.Context, s settings, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("given up (%w; a run may take %v)", ctx.Err(), s.limit())
	}
	return err
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	dir, err := os.MkdirTemp("", "thingpass-load-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary, err := rig.Build(ctx, dir)
	if err != nil {
		return err
	}
	installation, err := rig.Init(ctx, binary, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	server, err := installation.Serve(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if stopped := server.Stop(); err == nil {
			err = stopped
		}
	}()
	devices, err := prepare(ctx, server, s.certificates)
	if err != nil {
		return err
	}
	reference, err := startBare(ctx, dir)
	if err != nil {
		return err
	}
	defer reference.stop()
	fmt.Printf("server CPU per exchange: %d certificates, %d at a time, median of %d rounds of %g s each; GOGC=%s for both\n",
		s.certificates, s.connections, s.rounds, s.seconds, s.gogc)
	return measure(ctx, s, bench{server: server, bare: reference, devices: devices})
}

// names of what the run sets up.
const (
	alias     = "load"
	bucket    = "load"
	forwarded = "gw-load" // at the engine
)

// device is a registered device that holds keys.
type device struct {
	rig.Device
	keys sigv4.Credentials
}

// prepare sets the server up with the operator's calls, gives each device an
// object that only its own certificate may read, and fetches its keys.
func prepare(ctx context.Context, server *rig.Server, count int) ([]device, error) {
	admin := server.Client(server.Admin)
	defer admin.HTTP.CloseIdleConnections()
	registered, err := rig.Prepare(ctx, admin, rig.SetUp{
		Role: "Load", Alias: alias, IoTPolicy: "load", Devices: count,
		Permissions: `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
			"Resource": "arn:aws:s3:::` + bucket + `/${credentials-iot:AwsCertificateId}/*"},
			{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::` + forwarded + `/${credentials-iot:AwsCertificateId}/*"}]}`,
	})
	if err != nil {
		return nil, err
	}
	if _, err := admin.S3(ctx, http.MethodPut, "/"+bucket, nil); err != nil {
		return nil, err
	}
	devices := make([]device, len(registered))
	for n, d := range registered {
		door := server.Device(d.Certificate)
		keys, _, err := door.Credentials(ctx, alias, "")
		door.HTTP.CloseIdleConnections()
		if err != nil {
			return nil, err
		}
		devices[n] = device{Device: d, keys: keys}
		if _, err := admin.S3(ctx, http.MethodPut, objectPath(d), make([]byte, objectSize)); err != nil {
			return nil, err
		}
	}
	return devices, nil
}

func objectPath(d rig.Device) string { return "/" + bucket + "/" + d.ID + "/object" }
