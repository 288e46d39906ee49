package server

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/thingpass/thingpass/credentials"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/handshake"
)

// metrics are what /metrics shows. Labels come from fixed sets: the table of
// operations, error codes, decisions and the names of engines, never from a
// request's text.
type metrics struct {
	registry     *prometheus.Registry
	exchanges    *prometheus.CounterVec
	exchangeTime prometheus.Histogram
	requests     *prometheus.CounterVec
	requestTime  *prometheus.HistogramVec
	engineTime   *prometheus.HistogramVec
	ownTime      *prometheus.HistogramVec
	bytes        *prometheus.CounterVec
	handshakes   *prometheus.CounterVec
	databaseTime *prometheus.HistogramVec
	databaseErrs *prometheus.CounterVec

	// Finding a series by its labels costs more than counting, so what was found is kept.
	found sync.Map // of kind to *series
	kinds atomic.Int32
}

// kind is what requests are counted by.
type kind struct{ service, operation, decision, code, engine string }

// series is where requests of one kind are counted.
type series struct {
	requests, in, out prometheus.Counter
	took, own, engine prometheus.Observer // the last two are nil for what is not forwarded
}

// maxKinds bounds the series of requests: an engine behind us may answer error
// codes without end. What is over it has the code "other".
const maxKinds = 4096

func newMetrics() *metrics {
	buckets := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &metrics{
		registry:     prometheus.NewRegistry(),
		exchanges:    counter("thingpass_exchanges_total", "Exchanges of a certificate for credentials, by HTTP status and how they ended.", "status", "reason"),
		exchangeTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "thingpass_exchange_seconds", Help: "Time to answer an exchange.", Buckets: buckets}),
		requests: counter("thingpass_requests_total", "Requests at the signed door, by service, operation, decision, error code and S3 engine.",
			"service", "operation", "decision", "code", "engine"),
		requestTime:  histogram("thingpass_request_seconds", "Time to answer a request at the signed door.", "service"),
		engineTime:   histogram("thingpass_engine_seconds", "Time that a forwarded request waited for the engine's answer to begin.", "engine"),
		ownTime:      histogram("thingpass_engine_overhead_seconds", "Time of a forwarded request less the wait for the engine's answer to begin.", "engine"),
		bytes:        counter("thingpass_request_bytes_total", "Bytes of bodies read and of answers written, by service and S3 engine.", "service", "engine", "direction"),
		handshakes:   counter("thingpass_handshake_failures_total", "TLS handshakes that failed at the doors, by cause.", "cause"),
		databaseTime: histogram("thingpass_database_seconds", "Time of calls that ask the database, reads, lists and writes, with all their tries.", "kind"),
		databaseErrs: counter("thingpass_database_errors_total", "Calls that the database did not answer, or answered with an error.", "kind"),
	}
	for _, c := range handshake.Causes() {
		m.handshakes.WithLabelValues(string(c)) // a series that begins at its first failure raises no alert
	}
	for outcome, status := range credentials.Outcomes() { // they are there before the first
		m.exchanges.WithLabelValues(strconv.Itoa(status), outcome)
	}
	for _, kind := range []string{"read", "list", "write"} {
		m.databaseTime.WithLabelValues(kind)
		m.databaseErrs.WithLabelValues(kind)
	}
	m.registry.MustRegister(m.databaseTime, m.databaseErrs, m.handshakes, buildInfo(), m.exchanges, m.exchangeTime, m.requests, m.requestTime, m.engineTime, m.ownTime, m.bytes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) exchange(status, outcome string, took time.Duration) {
	m.exchanges.WithLabelValues(status, outcome).Inc()
	m.exchangeTime.Observe(took.Seconds())
}

func (m *metrics) handshakeFailed(c handshake.Cause) { m.handshakes.WithLabelValues(string(c)).Inc() }

// database is store.DB's Measure.
func (m *metrics) database(kind string, took time.Duration, err error) {
	m.databaseTime.WithLabelValues(kind).Observe(took.Seconds())
	if err != nil {
		m.databaseErrs.WithLabelValues(kind).Inc()
	}
}

// buildInfo is 1, with what was built as labels.
func buildInfo() prometheus.Collector {
	labels := prometheus.Labels{"version": "unknown", "revision": "unknown", "goversion": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		labels["version"] = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				labels["revision"] = s.Value
			}
		}
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "thingpass_build_info", Help: "Always 1; the labels say which program this is.", ConstLabels: labels})
	g.Set(1)
	return g
}

func (m *metrics) request(o gate.Observation) {
	s := m.series(kind{o.Service, o.Operation, o.Decision, o.Code, o.Engine})
	s.requests.Inc()
	s.took.Observe(o.Took.Seconds())
	s.in.Add(float64(o.In))
	s.out.Add(float64(o.Out))
	if s.engine != nil {
		s.engine.Observe(o.Upstream.Seconds())
		s.own.Observe((o.Took - o.Upstream).Seconds())
	}
}

func (m *metrics) series(k kind) *series {
	if s, ok := m.found.Load(k); ok {
		return s.(*series)
	}
	if m.kinds.Add(1) > maxKinds {
		m.kinds.Add(-1)
		k.code = "other"
		if s, ok := m.found.Load(k); ok {
			return s.(*series)
		}
	}
	s := &series{
		requests: m.requests.WithLabelValues(k.service, k.operation, k.decision, k.code, k.engine),
		took:     m.requestTime.WithLabelValues(k.service),
		in:       m.bytes.WithLabelValues(k.service, k.engine, "in"),
		out:      m.bytes.WithLabelValues(k.service, k.engine, "out"),
	}
	if k.engine != "" {
		s.engine, s.own = m.engineTime.WithLabelValues(k.engine), m.ownTime.WithLabelValues(k.engine)
	}
	m.found.Store(k, s)
	return s
}
