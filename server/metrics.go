package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/thingpass/thingpass/gate"
)

// metrics are what /metrics shows. Labels come from fixed sets: the table of
// operations and error codes, never from a request's text.
type metrics struct {
	registry     *prometheus.Registry
	exchanges    *prometheus.CounterVec
	exchangeTime prometheus.Histogram
	requests     *prometheus.CounterVec
	requestTime  *prometheus.HistogramVec
}

func newMetrics() *metrics {
	buckets := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30}
	m := &metrics{
		registry:     prometheus.NewRegistry(),
		exchanges:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "thingpass_exchanges_total", Help: "Exchanges of a certificate for credentials, by HTTP status."}, []string{"status"}),
		exchangeTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "thingpass_exchange_seconds", Help: "Time to answer an exchange.", Buckets: buckets}),
		requests:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "thingpass_requests_total", Help: "Signed requests, by service, operation and error code."}, []string{"service", "operation", "code"}),
		requestTime:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "thingpass_request_seconds", Help: "Time to answer a signed request.", Buckets: buckets}, []string{"service"}),
	}
	m.registry.MustRegister(m.exchanges, m.exchangeTime, m.requests, m.requestTime,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) exchange(status string, took time.Duration) {
	m.exchanges.WithLabelValues(status).Inc()
	m.exchangeTime.Observe(took.Seconds())
}

func (m *metrics) request(o gate.Observation) {
	m.requests.WithLabelValues(o.Service, o.Operation, o.Code).Inc()
	m.requestTime.WithLabelValues(o.Service).Observe(o.Took.Seconds())
}
