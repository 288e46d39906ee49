package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestForwardedFor(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, peer string
		headers    []string
		want       string
	}{
		{"a peer that is not trusted claims nothing", "192.0.2.1:4711", []string{"198.51.100.7"}, "192.0.2.1:4711"},
		{"no header", "10.0.0.1:4711", nil, "10.0.0.1:4711"},
		{"one proxy", "10.0.0.1:4711", []string{"198.51.100.7"}, "198.51.100.7:0"},
		{"the client made up the left part", "10.0.0.1:4711", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7:0"},
		{"the client made up a trusted address", "10.0.0.1:4711", []string{"10.9.9.9, 198.51.100.7"}, "198.51.100.7:0"},
		{"two proxies", "10.0.0.1:4711", []string{"203.0.113.9, 198.51.100.7, 10.0.0.2"}, "198.51.100.7:0"},
		{"two headers", "10.0.0.1:4711", []string{"203.0.113.9", "198.51.100.7", "10.0.0.2"}, "198.51.100.7:0"},
		{"all trusted", "10.0.0.1:4711", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0"},
		{"not an address", "10.0.0.1:4711", []string{"198.51.100.7, unknown"}, "10.0.0.1:4711"},
		{"an empty element", "10.0.0.1:4711", []string{"198.51.100.7,"}, "10.0.0.1:4711"},
		{"with a port", "10.0.0.1:4711", []string{"198.51.100.7:1234"}, "198.51.100.7:0"},
		{"IPv6", "[fd00::1]:4711", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		{"IPv6 in brackets", "[fd00::1]:4711", []string{"[2001:db8::7]"}, "[2001:db8::7]:0"},
		{"IPv6 with a port", "[fd00::1]:4711", []string{"[2001:db8::7]:99"}, "[2001:db8::7]:0"},
		{"mapped addresses are IPv4", "[::ffff:10.0.0.1]:4711", []string{"::ffff:198.51.100.7"}, "198.51.100.7:0"},
		{"a zone is no part of a client's address", "10.0.0.1:4711", []string{"fe80::1%eth0"}, "[fe80::1]:0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.peer
			r.Header["X-Forwarded-For"] = c.headers
			got := ""
			behind(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(nil, r)
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func FuzzForwardedFor(f *testing.F) {
	f.Add("10.0.0.1, 198.51.100.7")
	f.Add("[::1]:80,,")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	peer := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, header string) {
		client := forwardedFor(trusted, peer, []string{header})
		if !client.IsValid() {
			t.Fatalf("%q: no address", header)
		}
		if again := forwardedFor(trusted, peer, []string{"made up," + header}); again != client && !contains(trusted, client) {
			t.Fatalf("%q: what stands further left made %s of %s", header, again, client)
		}
	})
}
