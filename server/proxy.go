package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// maxHops is how many addresses of an X-Forwarded-For are looked at.
const maxHops = 32

// behind lets requests that come through a trusted proxy be known by the address
// of the client behind it. The header is a claim of whoever sent it, so it
// counts only when the peer of the socket is trusted, and is read from the right:
// each proxy appends the address that it saw, and what stands left of the first
// one that is not trusted could have been made up by the client.
func behind(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err == nil && contains(trusted, peer.Addr()) {
			client := forwardedFor(trusted, peer.Addr(), r.Header.Values("X-Forwarded-For"))
			if client != peer.Addr() {
				r = r.WithContext(r.Context()) // a copy: the server's own stays as it is
				r.RemoteAddr = net.JoinHostPort(client.String(), "0")
			}
		}
		next.ServeHTTP(w, r)
	})
}

// forwardedFor finds the client's address: the rightmost one that is not a
// trusted proxy, or the last one that could be read.
func forwardedFor(trusted []netip.Prefix, peer netip.Addr, headers []string) netip.Addr {
	client := peer
	rest := strings.Join(headers, ",")
	for range maxHops {
		if rest == "" || !contains(trusted, client) {
			return client
		}
		hop := rest
		if i := strings.LastIndexByte(rest, ','); i >= 0 {
			rest, hop = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		address, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			return client
		}
		client = address
	}
	return client
}

// parseHop reads an address, which some proxies write with a port.
func parseHop(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return a.Unmap().WithZone(""), err == nil
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
