package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/test/rig"
)

// bench is what is measured, and with whom.
type bench struct {
	server  *rig.Server
	bare    *bareServer
	devices []device
}

// mode is one comparison. A mode without a bar is printed for information.
type mode struct {
	name         string
	bar          float64
	reuse        reuse
	thingpass    door
	bare         door
	certificates bool // the client shows its certificate
	request      func(door, device) ([]byte, error)
	method       string // of the request; "" is GET
	body         []byte // sent after the request
}

// door is an address of a child.
type door struct {
	address string
	roots   *x509.CertPool // nil for no TLS
	pid     int
	region  string
}

const modes = 5

func (b bench) modes() [modes]mode {
	device := door{b.server.DeviceDoor, b.server.CA, b.server.PID, b.server.Region}
	api := door{b.server.SignedDoor, b.server.CA, b.server.PID, b.server.Region}
	mutual := door{b.bare.MutualTLS, b.bare.roots, b.bare.process.Process.Pid, b.server.Region}
	plain := door{b.bare.TLS, b.bare.roots, b.bare.process.Process.Pid, b.server.Region}
	return [modes]mode{
		{"full handshake", 1.10, nothing, device, mutual, true, exchangeRequest, "", nil},
		{"resumed handshake", 1.10, session, device, mutual, true, exchangeRequest, "", nil},
		{"keep-alive", 2.2, connection, device, mutual, true, exchangeRequest, "", nil},
		{"signed GetCallerIdentity, keep-alive", 0, connection, api, plain, false, identityRequest, "", nil},
		{"signed GetObject 4 KiB, keep-alive", 0, connection, api, plain, false, objectRequest, "", nil},
	}
}

func exchangeRequest(at door, _ device) ([]byte, error) {
	return []byte("GET /role-aliases/" + alias + "/credentials HTTP/1.1\r\nHost: " + at.address +
		"\r\nAccept: */*\r\nUser-Agent: load\r\n\r\n"), nil
}

func identityRequest(at door, d device) ([]byte, error) {
	return signedRequest("sts", "https://"+at.address+"/?Action=GetCallerIdentity&Version=2011-06-15", at.region, d)
}

func objectRequest(at door, d device) ([]byte, error) {
	return signedRequest("s3", "https://"+at.address+objectPath(d.Device), at.region, d)
}

// signedRequest signs once: a signature is good for 15 minutes, which is
// longer than any mode runs.
func signedRequest(service, url, region string, d device) ([]byte, error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	sigv4.Sign(r, d.keys, region, service, time.Now(), sigv4.PayloadHash(nil))
	var wire bytes.Buffer
	err = r.Write(&wire)
	return wire.Bytes(), err
}

// measure runs every mode and prints a line for each.
func measure(ctx context.Context, s settings, b bench) error {
	for _, m := range b.modes() {
		if !strings.Contains(m.name, s.only) {
			continue
		}
		ours, err := newClients(s, m, m.thingpass, b.devices)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		bare, err := newClients(s, m, m.bare, b.devices)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		err = compare(ctx, s, m, [2]*clients{ours, bare})
		ours.close()
		bare.close()
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// compare runs both sides in alternating rounds after one round of each that
// does not count: it opens the connections and fills the caches.
func compare(ctx context.Context, s settings, m mode, sides [2]*clients) error {
	length := time.Duration(s.seconds * float64(time.Second))
	var costs [2][]float64
	var ratios []float64
	for n := range s.rounds + 1 {
		for which, side := range sides {
			cost, err := side.round(ctx, length)
			if err != nil {
				return fmt.Errorf("%s: %w", [2]string{"thingpass", "bare"}[which], err)
			}
			if n > 0 {
				costs[which] = append(costs[which], cost)
			}
		}
		if n > 0 {
			ratios = append(ratios, costs[0][n-1]/costs[1][n-1])
		}
	}
	ours, bare := median(costs[0]), median(costs[1])
	bar := ""
	if m.bar > 0 {
		bar = fmt.Sprintf(" (bar %.2f)", m.bar)
	}
	fmt.Printf("%s: thingpass %.0f µs, bare %.0f µs, ratio %.2f%s, rounds %.2f to %.2f\n",
		m.name, ours, bare, ours/bare, bar, slices.Min(ratios), slices.Max(ratios))
	return nil
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// tlsConfig is how device d speaks to a door in a mode.
func (s settings) tlsConfig(m mode, at door, d device) *tls.Config {
	if at.roots == nil {
		return nil
	}
	c := &tls.Config{RootCAs: at.roots, MinVersion: tls.VersionTLS12}
	if m.certificates {
		c.Certificates = []tls.Certificate{d.Certificate}
	}
	if s.classic {
		c.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256}
	}
	if m.reuse == session {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	return c
}
