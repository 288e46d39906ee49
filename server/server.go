package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/credentials"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/handshake"
	"github.com/thingpass/thingpass/iam"
	"github.com/thingpass/thingpass/identity"
	"github.com/thingpass/thingpass/iot"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/s3"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/space"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/sts"
	"github.com/thingpass/thingpass/trail"
	"github.com/thingpass/thingpass/upstream"
	"github.com/thingpass/thingpass/why"
)

// Config says how to run an installation. The zero value of everything but Dir
// is a good default.
type Config struct {
	Dir             string
	DeviceListen    string             // device door; "" for :8443
	APIListen       string             // signed door; "" for :9443
	HTTPListen      string             // signed door without TLS, for a proxy that ends it or a network that needs none; "" for none
	OpsListen       string             // health and metrics, plain HTTP; "" for 127.0.0.1:9445
	Certificates    []CertificateFiles // of the doors, the preferred one first; none for those of the data folder
	DeviceEndpoint  string             // public host[:port] of the device door; "" for the first host and the device door's port
	NoPostQuantum   bool               // do not offer X25519MLKEM768
	OldCipherSuites bool               // take RSA key exchange and CBC with SHA-256 of TLS 1.2 at the device door
	NoPresignV2     bool               // refuse S3 URLs presigned with Signature Version 2
	S3Engines       []upstream.Config  // S3 engines that buckets are forwarded to, by prefix; none for the embedded store alone
	S3Domains       []string           // below which a bucket is a host name: BUCKET.DOMAIN
	S3Public        bool               // let bucket policies allow unsigned requests
	UploadAge       time.Duration      // after which an unfinished upload of the embedded store is ended; 0 for 7 days, below for never
	MinFree         *space.Limit       // that uploads leave free on each file system; nil for space.DefaultLimit
	StrictVariables bool               // AWS's variable names only, without the spellings of its launch article
	TrustedProxies  []netip.Prefix     // whose X-Forwarded-For counts at the signed door
	Decisions       int                // how many are kept to be explained; 0 for trail.DefaultSize, below for none
	DecisionsAge    time.Duration      // how long; 0 for trail.DefaultAge
	DatabaseRead    time.Duration      // how long a request waits for the database; 0 for store.DefaultRead
	DatabaseWrite   time.Duration      // likewise for a write; 0 for store.DefaultWrite
	ShutdownTimeout time.Duration
	Log             *slog.Logger
	Now             func() time.Time
}

func (cfg *Config) defaults() {
	setDefault(&cfg.DeviceListen, ":8443")
	setDefault(&cfg.APIListen, ":9443")
	setDefault(&cfg.OpsListen, "127.0.0.1:9445")
	if cfg.ShutdownTimeout == 0 {
		cfg.ShutdownTimeout = 30 * time.Second
	}
	if cfg.MinFree == nil {
		cfg.MinFree = &space.DefaultLimit
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// Addresses are where a server listens.
type Addresses struct {
	Device string `json:"device"`
	API    string `json:"api"`
	HTTP   string `json:"http,omitempty"` // the API door without TLS, if there is one
	Ops    string `json:"ops"`
}

// Server is a running installation.
type Server struct {
	cfg     Config
	inst    *Installation
	db      *store.DB
	objects *objects.Store
	engines []*upstream.Engine
	rooms   rooms
	writes  *conditions
	metrics *metrics
	gate    *gate.Door

	handshakes *handshake.Failures // that failed at the doors
	addresses  Addresses
	servers    []*http.Server
	group      *errgroup.Group
	stop       context.CancelFunc
	failed     <-chan struct{}
	draining   atomic.Bool
	control    bool // the control socket is there
	once       sync.Once
	closeErr   error
}

// Start opens an installation and listens. It creates no database and no key.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg.defaults()
	for _, domain := range cfg.S3Domains {
		if err := CheckS3Domain(domain); err != nil {
			return nil, fmt.Errorf("S3 domain %w", err)
		}
	}
	if err := CheckEndpoint(cfg.DeviceEndpoint); err != nil {
		return nil, fmt.Errorf("device endpoint %w", err)
	}
	inst, err := OpenInstallation(cfg.Dir)
	if err != nil {
		return nil, err
	}
	inst.warnOfOpenFolder(cfg.Log)
	needed := []string{PartKeyRing, PartDeviceCA, PartObjects, PartDatabase}
	if len(cfg.Certificates) == 0 {
		needed = append(needed, PartServer)
	}
	if err := inst.need(needed...); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, inst: inst, metrics: newMetrics()}
	s.handshakes = handshake.New(cfg.Log, cfg.Now, s.metrics.handshakeFailed)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.closeStores())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	var err error
	if s.rooms, err = s.inst.openRooms(space.Config{Limit: *s.cfg.MinFree, Log: s.cfg.Log}); err != nil {
		return err
	}
	if err := s.rooms.ready(); err != nil {
		return err
	}
	if s.db, err = store.Open(ctx, s.inst.dsn(), s.inst.Place()); err != nil {
		return err
	}
	s.db.Now, s.db.Space, s.db.Limits = s.cfg.Now, s.rooms.of("database"), store.Limits{Read: s.cfg.DatabaseRead, Write: s.cfg.DatabaseWrite}
	s.db.Measure = s.metrics.database
	if len(s.db.Applied) > 0 {
		s.cfg.Log.Info("the schema of the database was brought forward: an older program will refuse it", "applied", s.db.Applied)
	}
	if s.objects, err = objects.OpenWith(s.inst.Objects(), objects.Options{UploadAge: s.cfg.UploadAge, Space: s.rooms.of("objects"), Log: s.cfg.Log}); err != nil {
		return err
	}
	s.rooms.tend()
	s.writes = s.conditions()
	s.rooms.measure(s.metrics.registry)
	if err := s.openEngines(); err != nil {
		return err
	}
	doors, err := s.listen()
	if err != nil {
		return err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	group, running := errgroup.WithContext(background)
	s.group, s.failed = group, running.Done()
	if err := s.wire(background, doors); err != nil {
		stop()
		doors.close()
		return err
	}
	s.cfg.Log.Info("listening", "device_door", s.addresses.Device, "api_door", s.addresses.API, "api_door_without_tls", s.addresses.HTTP,
		"ops", s.addresses.Ops, "device_endpoint", s.deviceEndpoint(), "account", s.inst.Account, "region", s.inst.Region)
	return nil
}

// listeners are the open addresses of a server.
type listeners struct{ device, api, http, ops net.Listener }

func (l listeners) close() {
	for _, open := range []net.Listener{l.device, l.api, l.http, l.ops} {
		if open != nil {
			_ = open.Close()
		}
	}
}

// listen opens the addresses, so that a port that is taken is found out before
// anything else is started.
func (s *Server) listen() (out listeners, err error) {
	for _, a := range []struct {
		flag, address string
		listener      *net.Listener
		actual        *string
	}{
		{"--device-listen", s.cfg.DeviceListen, &out.device, &s.addresses.Device},
		{"--api-listen", s.cfg.APIListen, &out.api, &s.addresses.API},
		{"--http-listen", s.cfg.HTTPListen, &out.http, &s.addresses.HTTP},
		{"--ops-listen", s.cfg.OpsListen, &out.ops, &s.addresses.Ops},
	} {
		if a.address == "" {
			continue
		}
		if *a.listener, err = net.Listen("tcp", a.address); err != nil {
			out.close()
			return listeners{}, fmt.Errorf("%w: choose another address with %s", err, a.flag)
		}
		*a.actual = (*a.listener).Addr().String()
	}
	return out, nil
}

// wire builds the rooms and starts to serve.
func (s *Server) wire(background context.Context, doors listeners) error {
	ring, err := newReloaded("key ring", s.cfg.Log, func() (*session.Ring, error) {
		return session.LoadRing(s.inst.path(fileKeyRing))
	}, s.inst.path(fileKeyRing))
	if err != nil {
		return err
	}
	cert, err := newReloaded("server certificate", s.cfg.Log, s.loadCertificates, s.certificateFiles()...)
	if err != nil {
		return err
	}
	s.checkDomains()
	s.probeEngines(background)
	issuer, err := s.loadIssuer()
	if err != nil {
		return err
	}
	place, recent := s.inst.Place(), store.NewRecent(s.db)
	sessions := session.New(place, recent, ring.get())
	sessions.Now = s.cfg.Now
	decide := authz.New(place, recent)
	decide.StrictVariables = s.cfg.StrictVariables
	decisions := trail.New(trail.Config{Size: s.cfg.Decisions, Age: s.cfg.DecisionsAge, Now: s.cfg.Now})
	device := credentials.New(credentials.Config{
		Place: place, Identifier: &identity.Identifier{Recent: recent, Now: s.cfg.Now},
		Authz: decide, Sessions: sessions, Recent: recent, Store: s.db, Trail: decisions,
		Log: s.cfg.Log, Now: s.cfg.Now, Observe: s.metrics.exchange,
	})
	explain := why.New(why.Config{
		Place: place, Data: s.inst.dir, Trail: decisions, Authz: decide, Door: device, Recent: recent, Store: s.db, Now: s.cfg.Now,
	})
	s.gate = gate.NewDoor(gate.Config{
		Sessions: sessions, Authz: decide, Services: s.services(issuer, sessions, decide, explain), Trail: decisions,
		Log: s.cfg.Log, Now: s.cfg.Now, NoPresignV2: s.cfg.NoPresignV2, Public: s.cfg.S3Public, Observe: s.metrics.request,
	})
	s.group.Go(func() error { s.rooms.watch(background); return nil })
	s.group.Go(func() error { s.writes.watch(background); return nil })
	s.group.Go(func() error { ring.watch(background, sessions.SetRing); return nil })
	expiry := newExpiry(s, cert.get, ring.get)
	s.metrics.registry.MustRegister(expiry)
	s.group.Go(func() error { cert.watch(background, func([]tls.Certificate) { expiry.warn() }); return nil })
	s.group.Go(func() error { expiry.watch(background); return nil })
	signed := behind(s.cfg.TrustedProxies, s.gate)
	settings := tlsSettings{certificates: cert.get, postQuantum: !s.cfg.NoPostQuantum}
	s.serve("api", doors.api, signed, doorTLS(settings), 0)
	settings.device, settings.oldSuites = true, s.cfg.OldCipherSuites
	s.serve("device", doors.device, device, doorTLS(settings), 30*time.Second)
	if doors.http != nil {
		s.serve("api without TLS", doors.http, signed, nil, 0)
	}
	s.serve("ops", doors.ops, s.ops(), nil, 30*time.Second)
	s.serveControl(explain)
	return nil
}

// serveControl answers the command line. A folder that cannot hold a socket
// costs the explanations, and nothing else.
func (s *Server) serveControl(x *why.Explainer) {
	l, err := listenControl(s.inst.dir)
	if err != nil {
		s.cfg.Log.Warn("thingpass why and thingpass policy try will not reach this server", "cause", err.Error())
		return
	}
	s.control = true
	s.serve("control", l, s.controlHandler(x), nil, time.Minute)
}

// services is the list of what the signed door offers.
func (s *Server) services(issuer *identity.Issuer, sessions *session.Sessions, decide *authz.Authz, explain *why.Explainer) []gate.Service {
	place := s.inst.Place()
	check := func(kind policy.Kind) func(string) error {
		return func(text string) error {
			_, err := policy.Parse(kind, text)
			return err
		}
	}
	people := iam.Config{Place: place, Store: s.db, Now: s.cfg.Now, Log: s.cfg.Log, StrictVariables: s.cfg.StrictVariables}
	return []gate.Service{
		iot.New(iot.Config{Place: place, Store: s.db, Issuer: issuer, DeviceEndpoint: s.deviceEndpoint(), ParsePolicy: parseIoTPolicy, Judge: judgeIoTPolicy(place), Now: s.cfg.Now, Log: s.cfg.Log}),
		iam.New(people),
		sts.New(sts.Config{Place: place, Store: s.db, Sessions: sessions, Authz: decide, ParseSessionPolicy: check(policy.Session), Decode: explain.Decode}),
		s3.New(s3.Config{Place: place, Objects: s.objects, Policies: decide.Recent.BucketPolicies(), PrincipalExists: iam.PrincipalExists(people), Uploads: s.db, Domains: s.cfg.S3Domains, Engines: s.engines, Public: s.cfg.S3Public, SpoolDir: s.inst.Uploads(), Spool: s.rooms.of("uploads"), Now: s.cfg.Now}),
	}
}

func (s *Server) loadIssuer() (*identity.Issuer, error) {
	cert, err := os.ReadFile(s.inst.path(fileDeviceCA))
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(s.inst.path(fileDeviceCAKey))
	if err != nil {
		return nil, err
	}
	return identity.LoadIssuer(cert, key, s.cfg.Now)
}

// deviceEndpoint is the public name of the device door. Port 443 goes unsaid.
func (s *Server) deviceEndpoint() string {
	endpoint := s.cfg.DeviceEndpoint
	if endpoint == "" {
		_, port, _ := net.SplitHostPort(s.addresses.Device)
		return endpointOf(s.inst.Hosts[0], port)
	}
	if host, port, err := net.SplitHostPort(endpoint); err == nil {
		return endpointOf(host, port)
	}
	return endpoint
}

// maxStreams is how many requests one connection of HTTP/2 may have under way: no
// fewer than RFC 9113, 6.5.2, recommends.
const maxStreams = 100

// serve runs one HTTP server. A door that carries uploads has no limit on the
// time of a whole request: package gate moves its deadlines while bytes come.
func (s *Server) serve(door string, l net.Listener, h http.Handler, t *tls.Config, limit time.Duration) {
	srv := &http.Server{
		Handler: h, TLSConfig: t,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: limit, WriteTimeout: limit,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		HTTP2:    &http.HTTP2Config{WriteByteTimeout: time.Minute, MaxConcurrentStreams: maxStreams},
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	if t != nil {
		l, srv.ConnState = handshake.Listen(l), s.handshakes.Watch(door)
	}
	s.servers = append(s.servers, srv)
	s.group.Go(func() error {
		var err error
		if t != nil {
			err = srv.ServeTLS(l, "", "")
		} else {
			err = srv.Serve(l)
		}
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
}

// ops serves health, readiness and metrics.
func (s *Server) ops() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}

// Addresses are where the server listens.
func (s *Server) Addresses() Addresses { return s.addresses }

// Failed is closed when a listener has failed: the server should be shut down.
func (s *Server) Failed() <-chan struct{} { return s.failed }

// Installation is what the server runs.
func (s *Server) Installation() *Installation { return s.inst }

// Services lists the table of operations.
func (s *Server) Services() []gate.Service { return s.gate.Services() }

// Shutdown stops accepting, lets requests in flight finish for at most the
// configured time, and closes the stores. Further calls return the same.
func (s *Server) Shutdown() error {
	s.once.Do(func() {
		s.draining.Store(true)
		ctx, cancel := context.WithTimeout(context.Background(), s.cfg.ShutdownTimeout)
		defer cancel()
		var errs []error
		for _, srv := range s.servers {
			if err := srv.Shutdown(ctx); err != nil {
				errs = append(errs, fmt.Errorf("requests were cut off: %w", err), srv.Close())
			}
		}
		if s.control {
			errs = append(errs, removeControl(s.inst.dir))
		}
		s.stop()
		errs = append(errs, s.group.Wait(), s.closeStores())
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}

func (s *Server) closeStores() error {
	var err error
	for _, e := range s.engines {
		e.Close()
	}
	if s.objects != nil {
		err = s.objects.Close()
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	return err
}

// Tune sets the garbage collector for a server: it trades a few megabytes for
// fewer collections, with a limit as a guard, unless the environment says
// otherwise (GOGC, GOMEMLIMIT).
func Tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(1 << 30)
	}
}
