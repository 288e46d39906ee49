package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thingpass/thingpass/session"
)

const (
	// expiryWarning is how long before its end a certificate is warned of.
	expiryWarning = 30 * 24 * time.Hour

	// expiryEvery is how often the ends are looked at while the server runs.
	expiryEvery = 24 * time.Hour
)

// expiry watches when the certificates of an installation end.
type expiry struct {
	server *Server
	certs  func() []tls.Certificate
	ring   func() *session.Ring

	notAfter, keyCreated *prometheus.Desc
}

func newExpiry(s *Server, certs func() []tls.Certificate, ring func() *session.Ring) *expiry {
	return &expiry{
		server: s, certs: certs, ring: ring,
		notAfter: prometheus.NewDesc("thingpass_certificate_not_after_timestamp_seconds",
			"When a certificate ends, or the one of its chain or file that ends first.", []string{"certificate"}, nil),
		keyCreated: prometheus.NewDesc("thingpass_key_ring_created_timestamp_seconds", "When the newest key of the key ring was made.", nil, nil),
	}
}

// certificateEnd is when a certificate ends, and what to do about it.
type certificateEnd struct {
	name   string // label of the metric
	file   string
	issuer string // of a server certificate that is not the installation's own, else ""
	at     time.Time
	remedy string
}

// ends lists the server's certificates and the CAs of the data folder. What
// cannot be read now is left out: using it says so.
func (e *expiry) ends() (list []certificateEnd) {
	inst := e.server.inst
	for n, cert := range e.certs() {
		end := certificateEnd{name: "server", file: e.server.certificatePairs()[n].cert, at: chainEnd(cert.Certificate), remedy: "renew it with thingpass renew-certificate"}
		if n > 0 {
			end.name = fmt.Sprintf("server-%d", n+1)
		}
		if !inst.issued(cert.Leaf) {
			end.issuer = cert.Leaf.Issuer.String()
			end.remedy = "have its issuer renew it, and put the new files in place of the old: thingpass renew-certificate would make one of another CA"
		}
		list = append(list, end)
	}
	for _, ca := range []struct{ name, file, remedy string }{
		{"server-ca", fileCA, "clients need a new CA before that: see Server certificate in docs/operating.md"},
		{"device-ca", fileDeviceCA, "certificates made after that would not be valid: see Device CA in docs/operating.md"},
	} {
		raw, err := os.ReadFile(inst.path(ca.file))
		if err != nil {
			continue
		}
		if at := chainEnd(ders(raw)); !at.IsZero() {
			list = append(list, certificateEnd{name: ca.name, file: ca.file, at: at, remedy: ca.remedy})
		}
	}
	return list
}

// ders are the certificates in a PEM file.
func ders(raw []byte) (list [][]byte) {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			list = append(list, block.Bytes)
		}
	}
	return list
}

// chainEnd is when the first of some certificates ends.
func chainEnd(chain [][]byte) (at time.Time) {
	for _, der := range chain {
		cert, err := x509.ParseCertificate(der)
		if err == nil && (at.IsZero() || cert.NotAfter.Before(at)) {
			at = cert.NotAfter
		}
	}
	return at
}

// watch warns of ends that come near, now and once a day.
func (e *expiry) watch(ctx context.Context) {
	tick := time.NewTicker(expiryEvery)
	defer tick.Stop()
	for {
		e.warn()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (e *expiry) warn() {
	cfg := e.server.cfg
	for _, end := range e.ends() {
		left := end.at.Sub(cfg.Now())
		if left >= expiryWarning {
			continue
		}
		attrs := []any{"certificate", end.name, "file", end.file, "not_after", end.at, "remedy", end.remedy}
		if end.issuer != "" {
			attrs = append(attrs, "issuer", end.issuer)
		}
		if left <= 0 {
			cfg.Log.Error("a certificate has expired", attrs...)
		} else {
			cfg.Log.Warn("a certificate expires soon", attrs...)
		}
	}
}

// Describe is prometheus.Collector's.
func (e *expiry) Describe(out chan<- *prometheus.Desc) { out <- e.notAfter; out <- e.keyCreated }

// Collect is prometheus.Collector's.
func (e *expiry) Collect(out chan<- prometheus.Metric) {
	for _, end := range e.ends() {
		out <- prometheus.MustNewConstMetric(e.notAfter, prometheus.GaugeValue, float64(end.at.Unix()), end.name)
	}
	out <- prometheus.MustNewConstMetric(e.keyCreated, prometheus.GaugeValue, float64(e.ring().Created().Unix()))
}
