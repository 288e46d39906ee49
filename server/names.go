package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// What is checked here is what operators name by flags, variables and
// installation.json: init, renew-certificate and serve take the same. The texts
// begin with the value, for the caller to put the name of a flag before it.

// CheckHosts reports what is wrong with the names and addresses of a server
// certificate. Clients are told to go to the first, so it is not a wildcard.
func CheckHosts(hosts []string) error {
	for n, h := range hosts {
		if err := checkHost(h, n > 0); err != nil {
			return err
		}
	}
	return nil
}

// checkHost takes an address, a DNS name, and perhaps a name whose first label
// is a wildcard (RFC 9525, 6.3: alone in it, and only there).
func checkHost(h string, wildcard bool) error {
	if a, err := netip.ParseAddr(h); err == nil {
		switch {
		case a.Zone() != "":
			return fmt.Errorf("%q: an address without a zone is needed: a certificate cannot name one", h)
		case a.IsUnspecified(), a.IsMulticast(), a.Is4() && a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
			return fmt.Errorf("%q: clients cannot reach a server at this address: give the name or the address that they use", h)
		case a.Is4In6():
			return fmt.Errorf("%q: write it as %s", h, a.Unmap())
		}
		return nil
	}
	name := h
	if rest, ok := strings.CutPrefix(h, "*."); ok {
		if !wildcard {
			return fmt.Errorf("%q: clients are told the first name, so it cannot be a wildcard: give another one before it", h)
		}
		name = rest
	}
	if why := dnsName(name); why != "" {
		return fmt.Errorf("%q: a host is a name or an address, without a port: %s", h, why)
	}
	return nil
}

// dnsName tells what is wrong with a host name (RFC 952, RFC 1123 2.1), "" for
// nothing.
func dnsName(name string) string {
	switch {
	case name == "":
		return "it is empty"
	case strings.IndexFunc(name, func(r rune) bool { return r > 0x7e }) >= 0:
		return "write letters that are not ASCII as xn--… (punycode)"
	case len(name) > 253:
		return "a name has at most 253 characters"
	case strings.HasSuffix(name, "."):
		return "leave out the dot at the end"
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		switch {
		case label == "":
			return "there is nothing between two dots"
		case len(label) > 63:
			return "a part between dots has at most 63 characters"
		case label[0] == '-' || label[len(label)-1] == '-':
			return "a part between dots does not begin or end with a dash"
		}
		if i := strings.IndexFunc(label, func(r rune) bool { return !isLetterOrDigit(r) && r != '-' }); i >= 0 {
			return fmt.Sprintf("%q has no place in it", label[i])
		}
	}
	// RFC 1123 2.1: what ends with a number is an address, or a mistake.
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return "it is no address, and the last part of a name is not a number"
	}
	return ""
}

func isLetterOrDigit(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// CheckEndpoint reports what is wrong with HOST or HOST:PORT, as clients are
// told it; "" is none. An IPv6 address is in brackets, as in a URL.
func CheckEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	host, port := endpoint, ""
	bracketed := strings.HasPrefix(endpoint, "[")
	switch {
	case strings.Contains(endpoint, "://"):
		return fmt.Errorf("%q: give HOST or HOST:PORT, without a scheme", endpoint)
	case strings.Contains(endpoint, "/"):
		return fmt.Errorf("%q: give HOST or HOST:PORT, without a path", endpoint)
	case bracketed && strings.HasSuffix(endpoint, "]"):
		host = endpoint[1 : len(endpoint)-1]
	case strings.Count(endpoint, ":") > 1 && !bracketed:
		return fmt.Errorf("%q: write an IPv6 address in brackets: [::1] or [::1]:8443", endpoint)
	case strings.Contains(endpoint, ":"):
		var err error
		if host, port, err = net.SplitHostPort(endpoint); err != nil {
			return fmt.Errorf("%q: give HOST or HOST:PORT", endpoint)
		}
		if err := CheckPort(port); err != nil {
			return fmt.Errorf("%q: %w", endpoint, err)
		}
	}
	if bracketed && !strings.Contains(host, ":") {
		return fmt.Errorf("%q: only an IPv6 address stands in brackets", endpoint)
	}
	return checkHost(host, false)
}

// CheckPort reports what is wrong with a port that clients are told.
func CheckPort(port string) error {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return fmt.Errorf("%q: a port is a number from 1 to 65535", port)
	}
	return nil
}

// CheckListen reports what is wrong with an address to listen on: HOST:PORT,
// or :PORT for all addresses; port 0 takes a free one.
func CheckListen(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q: an address to listen on is HOST:PORT or :PORT, an IPv6 address in brackets", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return fmt.Errorf("%q: a port to listen on is a number from 0 to 65535", address)
	}
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return nil
	}
	if why := dnsName(host); why != "" {
		return fmt.Errorf("%q: listen on an address or a host name: %s", address, why)
	}
	return nil
}

// CheckS3Domain reports what is wrong with a domain of buckets.
func CheckS3Domain(domain string) error {
	why := dnsName(domain)
	if why == "" && domain != strings.ToLower(domain) {
		why = "write it in lower case"
	}
	if why != "" {
		return fmt.Errorf("%q: give a domain alone, such as s3.example.com, without a scheme, a port or a wildcard: %s", domain, why)
	}
	return nil
}

// CheckDatabase reports what is wrong with the name of a database for init, ""
// being SQLite in the data folder. It does not repeat the text, which may hold a
// password.
func CheckDatabase(dsn string) error {
	switch {
	case dsn == "":
		return nil
	case strings.HasPrefix(dsn, "sqlite:"):
		return errors.New("SQLite is in the data folder, where the other parts of an installation are: leave this out to use it, or give a PostgreSQL URL")
	case !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://"):
		return errors.New("a database is named by a PostgreSQL URL, such as postgres://thingpass@db.example.com/thingpass")
	}
	// pgx takes several hosts with ports, which are no URL to package url.
	rest, query, _ := strings.Cut(dsn[strings.Index(dsn, "://")+3:], "?")
	authority, path, _ := strings.Cut(rest, "/")
	if _, err := url.ParseQuery(query); err != nil {
		return errors.New("what follows ? in the PostgreSQL URL is not NAME=VALUE joined by &, with % before two hexadecimal digits only")
	}
	if _, err := url.PathUnescape(path); err != nil {
		return errors.New("the name of the database in the PostgreSQL URL has a % that two hexadecimal digits do not follow")
	}
	user, hosts := "", authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, hosts = authority[:i], authority[i+1:]
	}
	if _, err := url.Parse("postgres://" + user + "@x/"); user != "" && err != nil {
		return errors.New("user or password in the PostgreSQL URL have signs that must be written as % and two hexadecimal digits")
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if _, err := url.Parse("postgres://" + host + "/"); err != nil {
			return errors.New("the PostgreSQL URL names a host or a port that is none")
		}
	}
	return nil
}

// endpointOf joins a host and a port as clients are told them: port 443 goes
// unsaid.
func endpointOf(host, port string) string {
	if port != "443" {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
