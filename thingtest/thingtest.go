// Package thingtest is to Thingpass what net/http/httptest is to HTTP: a
// running server on loopback, a device with a certificate, and a client that
// signs. It goes through the same doors as everybody: nothing here reaches
// behind them. Firmware and service tests may use it; so does thingpass demo.
package thingtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/upstream"
)

// Options say what server to start. The zero value is a good default.
type Options struct {
	Dir            string // data folder to make; "" for a temporary one, removed by Close
	Account        string // "" for 123456789012
	Region         string // "" for us-east-1
	Database       string // PostgreSQL URL; "" for SQLite
	DeviceEndpoint string
	Hosts          []string
	RSA            bool // an RSA certificate for the doors, too
	NoPresignV2    bool // see server.Config
	S3Engines      []upstream.Config
	S3Domains      []string
	S3Public       bool
	Now            func() time.Time // the server's clock
	Log            *slog.Logger
	Configure      func(*server.Config) // changes what the server is run with; nil for nothing
}

// Server is a running server.
type Server struct {
	*server.Server
	Dir    string          // the data folder
	Env    server.AdminEnv // the administrator's key
	Admin  *Client         // signs as the administrator
	CAs    *x509.CertPool  // trusts the server's certificate
	CAFile string

	now       func() time.Time
	temporary bool

	mu         sync.Mutex
	transports []*http.Transport
}

// Start makes an installation and runs it on loopback.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := &Server{Dir: o.Dir, now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	if o.Account == "" {
		o.Account = "123456789012"
	}
	if s.Dir == "" {
		dir, err := os.MkdirTemp("", "thingpass-")
		if err != nil {
			return nil, err
		}
		s.Dir, s.temporary = filepath.Join(dir, "data"), true
	}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, o Options) error {
	env, err := server.Init(ctx, server.InitConfig{
		Dir: s.Dir, Account: o.Account, Region: o.Region, Database: o.Database, Hosts: o.Hosts, NoRSA: !o.RSA, Now: s.now(),
	})
	if err != nil {
		return err
	}
	s.Env = env
	s.CAFile = env.CABundle
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return err
	}
	s.CAs = x509.NewCertPool()
	if !s.CAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate", s.CAFile)
	}
	cfg := server.Config{
		Dir: s.Dir, DeviceListen: "127.0.0.1:0", APIListen: "127.0.0.1:0", OpsListen: "127.0.0.1:0",
		DeviceEndpoint: o.DeviceEndpoint, NoPresignV2: o.NoPresignV2, S3Engines: o.S3Engines, S3Domains: o.S3Domains, S3Public: o.S3Public, Log: o.Log, Now: s.now,
	}
	if o.Configure != nil {
		o.Configure(&cfg)
	}
	s.Server, err = server.Start(ctx, cfg)
	if err != nil {
		return err
	}
	s.Admin = s.Client(sigv4.Credentials{AccessKeyID: env.AccessKeyID, SecretAccessKey: env.SecretAccessKey.Reveal()})
	return nil
}

// Close shuts the server down and removes its folder if it is temporary. It
// closes the connections of its own clients first: the server would wait for
// them.
func (s *Server) Close() error {
	var err error
	s.mu.Lock()
	for _, t := range s.transports {
		t.CloseIdleConnections()
	}
	s.mu.Unlock()
	if s.Server != nil {
		err = s.Shutdown()
	}
	if s.temporary {
		err = errors.Join(err, os.RemoveAll(filepath.Dir(s.Dir)))
	}
	return err
}

// APIURL is the base URL of the signed door.
func (s *Server) APIURL() string { return "https://" + s.Addresses().API }

// DeviceURL is the base URL of the device door.
func (s *Server) DeviceURL() string { return "https://" + s.Addresses().Device }

// Client returns a client of the signed door with other credentials.
func (s *Server) Client(c sigv4.Credentials) *Client {
	return &Client{
		Endpoint: s.APIURL(), Region: s.Installation().Region, Credentials: c, Now: s.now,
		HTTP: s.http(&tls.Config{RootCAs: s.CAs}),
	}
}

// Device returns a device that presents a certificate with its key.
func (s *Server) Device(cert tls.Certificate) *Device {
	return &Device{
		Endpoint: s.DeviceURL(),
		HTTP:     s.http(&tls.Config{RootCAs: s.CAs, Certificates: []tls.Certificate{cert}}),
	}
}

// http makes a client whose connections Close closes.
func (s *Server) http(c *tls.Config) *http.Client {
	t := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 8}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transports = append(s.transports, t)
	return &http.Client{Transport: t}
}
