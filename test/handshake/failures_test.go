package handshake

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/handshake"
	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/thingtest"
)

// failing is a client that fails in the handshake.
type failing struct {
	name  string
	cause handshake.Cause
	run   func(t *testing.T, s *thingtest.Server)
}

// client is a failing client made of a configuration of crypto/tls.
func client(change func(*tls.Config)) func(*testing.T, *thingtest.Server) {
	return func(t *testing.T, s *thingtest.Server) {
		cfg := &tls.Config{ServerName: "localhost", RootCAs: s.CAs}
		change(cfg)
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", s.Addresses().Device, cfg)
		if err != nil {
			return
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil { // in TLS 1.3 a client hears of it here
			t.Error("the handshake was made")
		}
		_ = conn.Close()
	}
}

// raw is a failing client that sends bytes, and waits for the end or hangs up.
func raw(hello string, wait bool) func(*testing.T, *thingtest.Server) {
	return func(t *testing.T, s *thingtest.Server) {
		conn, err := net.Dial("tcp", s.Addresses().Device)
		must(t, err)
		bytes, err := hex.DecodeString(hello)
		must(t, err)
		_, err = conn.Write(bytes)
		must(t, err)
		if wait {
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.Copy(io.Discard, conn)
		}
		_ = conn.Close()
	}
}

// hello is a ClientHello of TLS 1.2 with suites and extensions, in hex.
func hello(version, suites, extensions string) string {
	body := version + strings.Repeat("00", 32) + "00" + fmt.Sprintf("%04x", len(suites)/2) + suites + "0100" + fmt.Sprintf("%04x", len(extensions)/2) + extensions
	message := "01" + fmt.Sprintf("%06x", len(body)/2) + body
	return "160301" + fmt.Sprintf("%04x", len(message)/2) + message
}

// Extensions of a hello (RFC 8446, 4.2; RFC 8422, 5.1): P-256 as a group,
// uncompressed points, ECDSA with P-256 and SHA-256, ECDSA with SHA-224, and a
// group that is not known here (secp256k1).
const (
	groupP256  = "000a000400020017"
	groupOther = "000a000400020016"
	signsECDSA = "000d000400020403"
	signsOther = "000d000400020303"
	suiteECDSA = "c02b"
)

func certificateOf(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "lamp"}, NotAfter: time.Now().Add(time.Hour)}
	change(c)
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// failures has a client for every cause: each that crypto/tls can be brought to.
func failures(t *testing.T) []failing {
	good := certificateOf(t, func(*x509.Certificate) {})
	odd := certificateOf(t, func(c *x509.Certificate) { c.RawSubject = name(t, one(commonName, printable, "lamp@home")) })
	large := largeRSA(t, 8200)
	template := &x509.Certificate{SerialNumber: big.NewInt(7), NotAfter: time.Now().Add(time.Hour)}
	ofLarge, err := x509.CreateCertificate(rand.Reader, template, template, large.Public(), large)
	must(t, err)
	certificate := func(c tls.Certificate, version uint16) func(*testing.T, *thingtest.Server) {
		return client(func(cfg *tls.Config) { cfg.Certificates, cfg.MaxVersion = []tls.Certificate{c}, version })
	}
	behind := tls.Certificate{Certificate: [][]byte{good.Certificate[0], odd.Certificate[0]}, PrivateKey: good.PrivateKey}
	foreign := certificateOf(t, func(*x509.Certificate) {})
	return []failing{
		{"nothing said", handshake.NoHello, raw("", false)},
		{"half a hello", handshake.NoHello, raw(hello("0303", suiteECDSA, "")[:40], false)},
		{"plain HTTP", handshake.NotTLS, raw(hex.EncodeToString([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), true)},
		{"TLS 1.1", handshake.Version, client(func(cfg *tls.Config) { cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })},
		{"RSA suites", handshake.CipherSuite, client(func(cfg *tls.Config) { cfg.MaxVersion, cfg.CipherSuites = tls.VersionTLS12, rsaOnly.CipherSuites })},
		{"no signature_algorithms", handshake.KeyExchange, raw(hello("0303", suiteECDSA, groupP256), true)},
		{"other signatures", handshake.KeyExchange, raw(hello("0303", suiteECDSA, groupP256+signsOther), true)},
		{"no group in common", handshake.CipherSuite, raw(hello("0303", suiteECDSA, groupOther+signsECDSA), true)},
		{"compressed points only", handshake.KeyExchange, raw(hello("0303", suiteECDSA, groupP256+signsECDSA+"000b00020101"), true)},
		{"fallback", handshake.Version, raw(hello("0303", suiteECDSA+"5600", groupP256+signsECDSA), true)},
		{"leaf, TLS 1.2", handshake.CertificateUnread, certificate(odd, tls.VersionTLS12)},
		{"leaf, TLS 1.3", handshake.CertificateUnread, certificate(odd, tls.VersionTLS13)},
		{"behind the leaf, TLS 1.2", handshake.CertificateUnread, certificate(behind, tls.VersionTLS12)},
		{"behind the leaf, TLS 1.3", handshake.CertificateUnread, certificate(behind, tls.VersionTLS13)},
		{"RSA-8200", handshake.CertificateKey, certificate(tls.Certificate{Certificate: [][]byte{ofLarge}, PrivateKey: large}, tls.VersionTLS13)},
		{"another's key, TLS 1.2", handshake.CertificateProof, certificate(tls.Certificate{Certificate: good.Certificate, PrivateKey: foreign.PrivateKey}, tls.VersionTLS12)},
		{"another's key, TLS 1.3", handshake.CertificateProof, certificate(tls.Certificate{Certificate: good.Certificate, PrivateKey: foreign.PrivateKey}, tls.VersionTLS13)},
		{"no trust, TLS 1.2", handshake.ServerDistrusted, client(func(cfg *tls.Config) { cfg.RootCAs, cfg.MaxVersion = x509.NewCertPool(), tls.VersionTLS12 })},
		{"no trust, TLS 1.3", handshake.ServerDistrusted, client(func(cfg *tls.Config) { cfg.RootCAs = x509.NewCertPool() })},
		{"another name", handshake.ServerDistrusted, client(func(cfg *tls.Config) { cfg.ServerName = "elsewhere.example" })},
		{"an alert", handshake.ClientAlert, raw(hello("0303", suiteECDSA, groupP256+signsECDSA)+"15030300020250", true)},
		{"hung up", handshake.HungUp, raw(hello("0303", suiteECDSA, groupP256+signsECDSA), false)},
		{"another message", handshake.BadMessage, raw(hello("0303", suiteECDSA, groupP256+signsECDSA)+"160303000400000000", true)},
		{"compression only", handshake.BadMessage, raw(strings.Replace(hello("0303", suiteECDSA, groupP256+signsECDSA), suiteECDSA+"0100", suiteECDSA+"0101", 1), true)},
	}
}

// TestFailuresAreTold: a handshake that fails leaves a warning with address,
// server name and cause, a count, and an entry in what "thingpass why
// --handshakes" lists. A client that says nothing is counted only.
func TestFailuresAreTold(t *testing.T) {
	var log lines
	s := start(t, thingtest.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	before := metrics(t, s)
	want := map[handshake.Cause]int{}
	for _, f := range failures(t) {
		log.reset()
		f.run(t, s)
		want[f.cause]++
		if got := counted(t, s, before, f.cause, want[f.cause]); got != want[f.cause] {
			t.Fatalf("%s: %s counted %d times, want %d: %s", f.name, f.cause, got, want[f.cause], log.String())
		}
		var line struct{ Level, Msg, Door, Remote, Cause, Error, Advice string }
		text := strings.TrimSpace(log.String())
		if f.cause == handshake.NoHello {
			if text != "" {
				t.Errorf("%s: %s", f.name, text)
			}
			continue
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Level != "WARN" || line.Cause != string(f.cause) || line.Door != "device" ||
			!strings.HasPrefix(line.Remote, "127.0.0.1:") || line.Error == "" || line.Advice == "" {
			t.Errorf("%s: %v %s", f.name, err, text)
		}
	}
	report, err := server.NewControl(s.Dir).Handshakes(t.Context())
	must(t, err)
	told := map[handshake.Cause]int{}
	for _, f := range report.Failures {
		told[f.Cause] += f.Count
		if f.Address != "127.0.0.1" || f.Door != "device" || f.Error == "" {
			t.Errorf("%+v", f)
		}
	}
	delete(want, handshake.NoHello)
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("listed %v, want %v", told, want)
	}
	// Handshakes that are made are no failures.
	if _, err := dial(t, s, &tls.Config{ServerName: "localhost"}); err != nil {
		t.Error(err)
	}
}

// TestServerNameIsTold: the name that the client asked for is in the warning, cut
// and printable, and the API door warns as the device door does.
func TestServerNameIsTold(t *testing.T) {
	var log lines
	s := start(t, thingtest.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if _, err := dialAddress(t, s.Addresses().API, s, &tls.Config{ServerName: "elsewhere.example"}); err == nil {
		t.Fatal("trusted")
	}
	for end := time.Now().Add(5 * time.Second); !strings.Contains(log.String(), "WARN") && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	if text := log.String(); !strings.Contains(text, `"server_name":"elsewhere.example"`) || !strings.Contains(text, `"door":"api"`) {
		t.Error(text)
	}
	report, err := server.NewControl(s.Dir).Handshakes(t.Context())
	if err != nil || len(report.Failures) != 1 || report.Failures[0].ServerName != "elsewhere.example" || report.Failures[0].Door != "api" {
		t.Errorf("%v %+v", err, report)
	}
}

// TestManualHasCauses: the manual says of each cause what to do.
func TestManualHasCauses(t *testing.T) {
	manual, err := os.ReadFile("../../docs/operating.md")
	must(t, err)
	for _, c := range handshake.Causes() {
		if !strings.Contains(string(manual), "| `"+string(c)+"` |") {
			t.Errorf("docs/operating.md has no row for %s", c)
		}
	}
}

// counted waits until a cause was counted so often.
func counted(t *testing.T, s *thingtest.Server, before map[string]string, cause handshake.Cause, want int) (got int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if before[string(cause)] != "0" {
			t.Fatalf("%s begins with %q", cause, before[string(cause)])
		}
		if _, err := fmt.Sscan(metrics(t, s)[string(cause)], &got); err == nil && got >= want {
			return got
		}
	}
	return got
}

var counter = regexp.MustCompile(`(?m)^thingpass_handshake_failures_total\{cause="([a-z_]+)"\} (\S+)$`)

// metrics reads the counter of every cause.
func metrics(t *testing.T, s *thingtest.Server) map[string]string {
	t.Helper()
	resp, err := http.Get("http://" + s.Addresses().Ops + "/metrics")
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	found := map[string]string{}
	for _, m := range counter.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = m[2]
	}
	return found
}
