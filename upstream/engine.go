package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thingpass/thingpass/sigv4"
)

// Timeouts bound how long an engine is waited for. A zero field takes its
// default.
type Timeouts struct {
	Dial  time.Duration // to connect, and again for TLS; 3 s
	Turn  time.Duration // for a turn when the engine has all the requests that it may have; 1 s
	Stall time.Duration // without a byte taken or given; 30 s
	Think time.Duration // until an answer begins that copies or completes an object; 10 min
}

func (t Timeouts) orDefaults() Timeouts {
	return Timeouts{
		Dial:  cmp.Or(t.Dial, 3*time.Second),
		Turn:  cmp.Or(t.Turn, time.Second),
		Stall: cmp.Or(t.Stall, 30*time.Second),
		Think: cmp.Or(t.Think, 10*time.Minute),
	}
}

const (
	defaultConcurrency = 512

	// unsignedShare is the part of the turns, one in so many, that requests without
	// a signature may have together: who sends those has shown nothing, and must
	// not keep others waiting.
	unsignedShare = 8

	// idle is how long a connection is kept for the next request: less than any
	// engine or balancer does, because an upload that meets the end of its
	// connection cannot be sent again.
	idle = 5 * time.Second

	maxHeader = 64 << 10 // bytes of an answer's headers

	// buffered is what net/http gathers of a request before it writes, in bytes:
	// all of a small one. What is beyond it goes by conn.ReadFrom.
	buffered = 8 << 10
)

// Engine is one engine. It is safe for use by many goroutines.
type Engine struct {
	cfg       Config
	keys      sigv4.Credentials
	transport *http.Transport
	turns     chan struct{}
	unsigned  chan struct{} // those of turns that requests without a signature have

	probe  sync.Mutex
	probed time.Time
	health error

	refused atomic.Int64 // when that was logged last, in Unix nanoseconds
}

// New makes an engine. It connects to nothing yet.
func New(cfg Config) *Engine {
	cfg.Timeouts = cfg.Timeouts.orDefaults()
	cfg.Concurrency = cmp.Or(cfg.Concurrency, defaultConcurrency)
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &Engine{
		cfg:   cfg,
		keys:  cfg.credentials(),
		turns: make(chan struct{}, cfg.Concurrency),

		unsigned: make(chan struct{}, max(1, cfg.Concurrency/unsignedShare)),
		transport: &http.Transport{
			DialContext:            dialer(cfg.Timeouts.Dial),
			TLSHandshakeTimeout:    cfg.Timeouts.Dial,
			TLSClientConfig:        &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
			Protocols:              protocols,
			DisableCompression:     true,
			MaxIdleConns:           0,
			MaxIdleConnsPerHost:    cfg.Concurrency,
			IdleConnTimeout:        idle,
			MaxResponseHeaderBytes: maxHeader,
			WriteBufferSize:        buffered,
			ReadBufferSize:         8 << 10,
		},
	}
}

// Name is the engine's name in logs and metrics.
func (e *Engine) Name() string { return e.cfg.Name }

// Kind is what sort of engine it is.
func (e *Engine) Kind() Kind { return e.cfg.Kind }

// Region is the region that the engine is in.
func (e *Engine) Region() string { return e.cfg.Region }

// Serves tells whether a bucket of that name would be the engine's, as far as
// it alone is concerned. See Pick for several engines.
func (e *Engine) Serves(bucket string) bool { return strings.HasPrefix(bucket, e.cfg.Prefix) }

// Mentioned tells whether a text names the engine's host or the key that it is
// used with, or another place.
func (e *Engine) Mentioned(text string) bool {
	return strings.Contains(text, e.cfg.Endpoint.Hostname()) || strings.Contains(text, e.cfg.AccessKeyID) || strings.Contains(text, "://")
}

// Pick returns the engine that has the buckets of that name: the one with the
// longest prefix. It returns nil when none has.
func Pick(engines []*Engine, bucket string) (found *Engine) {
	for _, e := range engines {
		if e.Serves(bucket) && (found == nil || len(e.cfg.Prefix) > len(found.cfg.Prefix)) {
			found = e
		}
	}
	return found
}

// Close ends the connections that no request uses.
func (e *Engine) Close() { e.transport.CloseIdleConnections() }

// quiet is how long nothing is logged about the same engine's refusals.
const quiet = time.Minute

// Refused logs that the engine refused our keys, or something to them: nobody
// who uses Thingpass can mend that, and every request may meet it.
func (e *Engine) Refused(ctx context.Context, a Answered) {
	now, last := time.Now().UnixNano(), e.refused.Load()
	if last != 0 && now-last < int64(quiet) || !e.refused.CompareAndSwap(last, now) {
		return
	}
	cause := fmt.Sprintf("it answers %d %s", a.Status, a.Code)
	if err := e.Health(ctx); err != nil { // which has a document, when a is of a HEAD
		cause = err.Error()
	}
	e.cfg.Log.Error("an S3 engine refuses the keys that it is used with, or something to them; clients are answered 503 SlowDown: check credentials=, region= and the clock, "+
		"and that the keys may do everything, s3:ListBucket too, in the buckets that the engine has",
		"engine", e.cfg.Name, "cause", cause)
}

// fresh is how long what is known of an engine's health counts.
const fresh = time.Second

// Health asks the engine whether it answers and takes our keys. Several that
// ask at a time are told the same.
func (e *Engine) Health(ctx context.Context) error {
	e.probe.Lock()
	defer e.probe.Unlock()
	if time.Since(e.probed) > fresh {
		e.health = e.ask(ctx)
		e.probed = time.Now()
	}
	return e.health
}

func (e *Engine) ask(ctx context.Context) error {
	a, err := e.Send(ctx, &Request{Method: http.MethodGet, Query: "max-buckets=1"})
	if err != nil {
		return fmt.Errorf("S3 engine %q: %w", e.cfg.Name, err)
	}
	defer a.Close()
	if a.Status == http.StatusOK {
		return nil
	}
	failure := ReadFailure(a)
	if failure.Ours() || a.Status != http.StatusForbidden { // keys for some buckets only may not list them
		return fmt.Errorf("S3 engine %q: it answers %d %s", e.cfg.Name, a.Status, failure.Code)
	}
	return nil
}
