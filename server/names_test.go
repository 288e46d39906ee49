package server

import (
	"strings"
	"testing"
)

// TestHosts: RFC 952 and RFC 1123 2.1 for names, RFC 9525 6.3 for wildcards.
func TestHosts(t *testing.T) {
	for _, good := range []string{
		"localhost", "127.0.0.1", "::1", "credentials.example.com", "A.example.COM", "xn--mnchen-3ya.example", "10.0.0.1", "2001:db8::1",
		"3com.example", "a", "a-b.c-d", "fe80::1", "1.2.3.4.example", strings.Repeat("a", 63) + ".example",
	} {
		if err := CheckHosts([]string{good}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	if err := CheckHosts([]string{"s3.example.com", "*.s3.example.com", "::1"}); err != nil {
		t.Errorf("a wildcard after the first name: %v", err)
	}
	for bad, want := range map[string]string{
		"":                               "it is empty",
		"*":                              "has no place",
		"*.example.com":                  "cannot be a wildcard",
		"a b":                            "' ' has no place",
		"https://x:1":                    "has no place",
		"foo:8443":                       "without a port",
		"-x":                             "dash",
		"x-.example":                     "dash",
		"0.0.0.0":                        "clients cannot reach",
		"::":                             "clients cannot reach",
		"224.0.0.1":                      "clients cannot reach",
		"255.255.255.255":                "clients cannot reach",
		"bad_host":                       "'_' has no place",
		"foo.example.com.":               "dot at the end",
		"a..b":                           "between two dots",
		".example.com":                   "between two dots",
		"münchen.example":                "punycode",
		"256.1.1.1":                      "not a number",
		"1.2.3":                          "not a number",
		"12345":                          "not a number",
		"[::1]":                          "has no place",
		"fe80::1%eth0":                   "zone",
		"::ffff:10.0.0.1":                "write it as 10.0.0.1",
		"10.0.0.1/8":                     "has no place",
		"user@host":                      "has no place",
		"host\n":                         "has no place",
		"host\x00":                       "has no place",
		strings.Repeat("a", 64):          "63 characters",
		strings.Repeat("abcdefg.", 40):   "253 characters",
		"$(id)":                          "has no place",
		"a.*.example.com":                "has no place",
		"**.example.com":                 "has no place",
		"foo*.example.com":               "has no place",
		"localhost,127.0.0.1":            "has no place",
		"http:":                          "has no place",
		"00.00.00.00":                    "not a number",
		"\u2028":                         "punycode",
		"example.com/":                   "has no place",
		" example.com":                   "has no place",
		"example.com ":                   "has no place",
		"example.com?x":                  "has no place",
		"e\u0301xample.com":              "punycode",
		"xn--" + strings.Repeat("a", 60): "63 characters",
	} {
		if err := CheckHosts([]string{bad}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
	for _, bad := range []string{"*", "*.", "*.*.example.com", "*.1.2.3.4", "*.bad_host", "*example.com"} {
		if err := CheckHosts([]string{"localhost", bad}); err == nil {
			t.Errorf("%q passes as a further name", bad)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for _, good := range []string{"", "example.com", "example.com:8443", "10.0.0.1", "10.0.0.1:443", "[::1]", "[::1]:8443", "localhost:1"} {
		if err := CheckEndpoint(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"https://foo": "without a scheme", "foo:bar": "a number from 1 to 65535", "foo:": "a number from 1", "foo:0": "a number from 1",
		"foo:65536": "a number from 1", "foo:08443": "a number from 1", "foo/x": "without a path", "::1": "in brackets", "::1:8443": "in brackets",
		"[foo]:1": "only an IPv6 address", "[::1": "HOST or HOST:PORT", "[::1]8443": "HOST or HOST:PORT", "*.example.com": "wildcard", "0.0.0.0:8443": "cannot reach",
		"a b": "has no place", ":8443": "it is empty", "foo:84:43": "in brackets", "foo:+1": "a number from 1", "[10.0.0.1]:1": "only an IPv6 address",
	} {
		if err := CheckEndpoint(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
}

func TestListenAddresses(t *testing.T) {
	for _, good := range []string{":8443", "127.0.0.1:0", "[::1]:8443", "0.0.0.0:443", "[::]:1", "[fe80::1%eth0]:8443", "localhost:9445"} {
		if err := CheckListen(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "8443", "nonsense", "::1:8443", "127.0.0.1", ":https", ":65536", ":-1", "*:8443", "https://x:1", "a b:1", ":08443", "256.0.0.1:1"} {
		if err := CheckListen(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestS3Domains(t *testing.T) {
	for _, good := range []string{"s3.example.com", "localhost", "s3-a.b"} {
		if err := CheckS3Domain(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", ".a", "a.", "S3.example.com", "*.a", "http://x", "a:1", "10.0.0.1", "a..b", "-a.b", "a_b"} {
		if err := CheckS3Domain(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

// TestDatabases: the forms are those of PostgreSQL's documentation, 34.1.1.2
// (connection URIs), with several hosts. No text repeats a password.
func TestDatabases(t *testing.T) {
	for _, good := range []string{
		"", "postgres://thingpass@db.example.com/thingpass?sslmode=verify-full", "postgresql:///mydb?host=/var/run/postgresql",
		"postgres://u:p%40ss@a:5432,b:5433/db?target_session_attrs=read-write", "postgres://[::1]:5432/db", "postgres://localhost",
	} {
		if err := CheckDatabase(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"sqlite:///x.db", "sqlite:x.db", "mysql://x", "db.example.com", "postgres:x", "postgres://u:hunter2%zz@h/db", "postgres://h:port/db",
		"postgres://a:1,b:x/db", "postgres://h/db?sslmode=%zz", "postgres://h/%zz", "POSTGRES://h/db",
	} {
		err := CheckDatabase(bad)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestEndpointOf: an IPv6 address keeps its brackets when the port goes unsaid.
func TestEndpointOf(t *testing.T) {
	for _, tc := range [][3]string{
		{"::1", "443", "[::1]"}, {"::1", "8443", "[::1]:8443"}, {"h.example", "443", "h.example"}, {"10.0.0.1", "1", "10.0.0.1:1"},
	} {
		if got := endpointOf(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%s %s: %s, want %s", tc[0], tc[1], got, tc[2])
		}
	}
}
