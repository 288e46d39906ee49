package credentials_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/thingtest"
)

// BenchmarkExchange measures an exchange next to a bare net/http server with
// mutual TLS that answers a fixed 1 KB, client and server together in one
// process. The load program under test/load tells the server's CPU apart.
func BenchmarkExchange(b *testing.B) {
	ctx := b.Context()
	s, err := thingtest.Start(ctx, thingtest.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	cert := enrolForBench(b, ctx, s)
	bare := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(1024))
		_, _ = io.WriteString(w, strings.Repeat("x", 1024))
	}))
	bare.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, Certificates: []tls.Certificate{bareCertificate(b)}}
	bare.StartTLS()
	defer bare.Close()
	pool := s.CAs.Clone()
	pool.AddCert(bare.Certificate())
	for _, keepAlive := range []bool{true, false} {
		title := "full-handshake"
		if keepAlive {
			title = "keep-alive"
		}
		for _, target := range []struct{ name, url string }{
			{"bare", bare.URL}, {"thingpass", s.DeviceURL() + "/role-aliases/fleet/credentials"},
		} {
			b.Run(title+"/"+target.name, func(b *testing.B) {
				transport := &http.Transport{DisableKeepAlives: !keepAlive, TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}}}
				defer transport.CloseIdleConnections()
				client := &http.Client{Transport: transport}
				for b.Loop() {
					resp, err := client.Get(target.url)
					if err != nil {
						b.Fatal(err)
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					if resp.StatusCode != http.StatusOK {
						b.Fatal(resp.Status)
					}
				}
			})
		}
	}
}

// bareCertificate is of the kind that thingpass has: P-256, where httptest's own
// is RSA.
func bareCertificate(b *testing.B) tls.Certificate {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		b.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// enrolForBench sets up a role, an alias and a device that may use it.
func enrolForBench(b *testing.B, ctx context.Context, s *thingtest.Server) tls.Certificate {
	b.Helper()
	if _, err := s.Admin.Query(ctx, "iam", "CreateRole", "RoleName", "R", "AssumeRolePolicyDocument", trust); err != nil {
		b.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	cert, id, err := s.Admin.Enrol(ctx, key, "device")
	if err != nil {
		b.Fatal(err)
	}
	for _, call := range []struct {
		method, path string
		body         map[string]any
	}{
		{http.MethodPost, "/role-aliases/fleet", map[string]any{"roleArn": "arn:aws:iam::123456789012:role/R"}},
		{http.MethodPost, "/policies/p", map[string]any{"policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*"}]}`}},
		{http.MethodPut, "/target-policies/p", map[string]any{"target": "arn:aws:iot:us-east-1:123456789012:cert/" + id}},
	} {
		if err := s.Admin.Call(ctx, call.method, call.path, call.body, nil); err != nil {
			b.Fatal(err)
		}
	}
	return cert
}
