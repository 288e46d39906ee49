package handshake

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/thingtest"
)

// TestApplicationProtocols: a client whose protocols are not ours goes on
// without ALPN. AWS IoT developer guide, "Device communication protocols",
// documents x-amzn-http-ca for HTTPS with certificates on port 443.
func TestApplicationProtocols(t *testing.T) {
	s := start(t, thingtest.Options{})
	for offered, want := range map[string]string{
		"": "", "x-amzn-http-ca": "", "mqtt": "", "http/1.0": "", "x-amzn-http-ca http/1.1": "http/1.1", "http/1.1": "http/1.1", "h2": "h2",
		"http/1.1 h2": "h2", "x-amzn-http-ca h2": "h2",
	} {
		for door, address := range map[string]string{"device": s.Addresses().Device, "api": s.Addresses().API} {
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				state, err := dialAddress(t, address, s, &tls.Config{ServerName: "localhost", NextProtos: strings.Fields(offered), MaxVersion: version})
				if err != nil || state.NegotiatedProtocol != want {
					t.Errorf("%q at the %s door, %s: %q, %v", offered, door, tls.VersionName(version), state.NegotiatedProtocol, err)
				}
			}
		}
	}
	out, err := openssl(t, s, "-alpn", "x-amzn-http-ca")
	if err != nil || !strings.Contains(out, "HTTP/1.1 403") || !strings.Contains(out, "No ALPN negotiated") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Suites of AWS's tables for TLS 1.2 (AWS IoT developer guide, "Transport
// security"), in OpenSSL's names: those that are always there, those of
// --old-cipher-suites, and those that Go does not have.
var (
	usualSuites = []string{
		"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA",
		"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA",
	}
	oldSuites = []string{
		"AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "AES128-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA256",
	}
	noSuites = []string{"AES256-SHA256", "ECDHE-RSA-AES256-SHA384", "ECDHE-ECDSA-AES256-SHA384", "DHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-CCM8"}
)

// TestSuites: which suites a client may have, without and with the switch, and
// that an old one does not end in HTTP/2, which forbids it (RFC 9113, 9.2.2).
func TestSuites(t *testing.T) {
	for _, old := range []bool{false, true} {
		s := start(t, thingtest.Options{RSA: true, Configure: func(cfg *server.Config) { cfg.OldCipherSuites = old }})
		check := func(suites []string, want bool) {
			for _, suite := range suites {
				out, _ := openssl(t, s, "-tls1_2", "-cipher", suite+":@SECLEVEL=0")
				if got := strings.Contains(out, "HTTP/1.1 403") && strings.Contains(out, suite); got != want {
					t.Errorf("%s, switch %v: %v\n%s", suite, old, got, out)
				}
			}
		}
		check(usualSuites, true)
		check(oldSuites, old)
		check(noSuites, false)
		if out, _ := openssl(t, s, "-connect", s.Addresses().API, "-tls1_2", "-cipher", "AES128-SHA"); strings.Contains(out, "HTTP/1.1") {
			t.Errorf("an old suite at the API door\n%s", out)
		}
		state, err := dial(t, s, &tls.Config{
			ServerName: "localhost", MaxVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
		})
		if err != nil || state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("%q %v", state.NegotiatedProtocol, err)
		}
		// A client that has better suites, too, gets one of those.
		state, err = dial(t, s, &tls.Config{ServerName: "localhost", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{
			tls.TLS_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		}})
		if err != nil || state.CipherSuite != tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 {
			t.Errorf("%s %v", tls.CipherSuiteName(state.CipherSuite), err)
		}
	}
}
