// Package rig runs the real program as a child process: it builds, starts,
// stops and kills `thingpass serve`, and prepares a role, its alias and devices
// by the calls that an operator makes. Clients come from package thingtest,
// which runs a server inside the test process instead.
//
// It owns nothing of the server, so that what passes here passes from outside.
// It trusts the binary it builds and the
// folder it is given; everything it starts listens on loopback only.
package rig

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

// startLimit is how long a server may take to listen, and stopLimit to finish
// the requests in flight after it was asked to stop.
const (
	startLimit = 15 * time.Second
	stopLimit  = 15 * time.Second
)

// Build compiles the program into dir and returns its path. It must run inside
// the module.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "thingpass")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/thingpass/thingpass/cmd/thingpass").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build thingpass: %w\n%s", err, out)
	}
	return binary, nil
}

// Installation is a data folder made by `thingpass init`.
type Installation struct {
	Binary string
	Data   string
	Region string
	Admin  sigv4.Credentials
	CA     *x509.CertPool // of the server's certificate
}

// CAFile is the PEM file of the installation's CA.
func (i *Installation) CAFile() string { return filepath.Join(i.Data, "tls", "ca.pem") }

// Init makes an installation in the folder data, which must not exist. The
// arguments are further flags.
func Init(ctx context.Context, binary, data string, args ...string) (*Installation, error) {
	out, err := exec.CommandContext(ctx, binary, append([]string{"init", "--data", data}, args...)...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("thingpass init: %w\n%s", err, out)
	}
	env, err := readEnv(filepath.Join(data, "admin.env"))
	if err != nil {
		return nil, err
	}
	i := &Installation{
		Binary: binary, Data: data, Region: env["AWS_DEFAULT_REGION"], CA: x509.NewCertPool(),
		Admin: sigv4.Credentials{AccessKeyID: env["AWS_ACCESS_KEY_ID"], SecretAccessKey: env["AWS_SECRET_ACCESS_KEY"]},
	}
	if i.Admin.AccessKeyID == "" || i.Admin.SecretAccessKey == "" || i.Region == "" {
		return nil, errors.New("read admin.env: no access key, secret or region in it")
	}
	pem, err := os.ReadFile(i.CAFile())
	if err != nil {
		return nil, fmt.Errorf("read the installation's CA: %w", err)
	}
	if !i.CA.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the installation's CA: no certificate in %s", i.CAFile())
	}
	return i, nil
}

// readEnv reads the assignments of a file made for a shell to source.
func readEnv(name string) (map[string]string, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the administrator's keys: %w", err)
	}
	env := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		line := strings.TrimPrefix(strings.TrimSpace(lines.Text()), "export ")
		if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			env[key] = strings.Trim(value, `"'`)
		}
	}
	return env, lines.Err()
}

// Addresses are host:port of where a server listens, as it writes them.
type Addresses struct {
	DeviceDoor string `json:"device"`
	SignedDoor string `json:"api"`
	PlainDoor  string `json:"http"` // the signed door without TLS, with --http-listen
	Ops        string `json:"ops"`
}

// Server is a running `thingpass serve`.
type Server struct {
	*Installation
	Addresses
	PID int

	process *exec.Cmd
	log     string // file
	exited  chan struct{}
	exit    error
}

// Serve starts a server on free loopback ports and waits until it listens. The
// arguments are further flags. The server is killed when ctx ends.
func (i *Installation) Serve(ctx context.Context, args ...string) (*Server, error) {
	said := filepath.Join(i.Data, "addresses.json")
	if err := os.Remove(said); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	args = append([]string{
		"serve", "--data", i.Data, "--device-listen", "127.0.0.1:0",
		"--api-listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--addresses-file", said,
	}, args...)
	s := &Server{Installation: i, log: i.Data + ".log", exited: make(chan struct{})}
	s.process = exec.CommandContext(ctx, i.Binary, args...)
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	s.process.Stdout, s.process.Stderr = log, log
	err = s.process.Start()
	_ = log.Close() // the child has its own
	if err != nil {
		return nil, fmt.Errorf("start thingpass serve: %w", err)
	}
	s.PID = s.process.Process.Pid
	go func() {
		s.exit = s.process.Wait()
		close(s.exited)
	}()
	if err := s.listening(ctx, said); err != nil {
		s.Kill()
		return nil, s.told(err)
	}
	return s, nil
}

// listening waits for the file in which the server names its addresses.
func (s *Server) listening(ctx context.Context, said string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.exited:
			return fmt.Errorf("ended before it listened: %w", s.exit)
		case <-ctx.Done():
			return fmt.Errorf("did not say its addresses: %w", ctx.Err())
		case <-tick.C:
		}
		content, err := os.ReadFile(said)
		if err != nil {
			continue
		}
		var at Addresses
		if json.Unmarshal(content, &at) == nil && at.DeviceDoor != "" {
			s.Addresses = at
			return nil
		}
	}
}

// told adds the end of the log to an error.
func (s *Server) told(err error) error {
	log, _ := os.ReadFile(s.log)
	return fmt.Errorf("thingpass serve: %w\n%s", err, log[max(0, len(log)-4000):])
}

// Client returns a client of the signed door with the given keys. Close its
// idle connections when done.
func (s *Server) Client(c sigv4.Credentials) *thingtest.Client {
	return &thingtest.Client{
		Endpoint: "https://" + s.SignedDoor, Region: s.Region, Credentials: c, Now: time.Now,
		HTTP: &http.Client{
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.CA}, MaxIdleConnsPerHost: 16},
			Timeout:   10 * time.Second,
		},
	}
}

// Device returns a device that shows a certificate at the device door.
func (s *Server) Device(certificate tls.Certificate) *thingtest.Device {
	return &thingtest.Device{
		Endpoint: "https://" + s.DeviceDoor,
		HTTP: &http.Client{
			Transport: &http.Transport{TLSClientConfig: &tls.Config{
				RootCAs: s.CA, Certificates: []tls.Certificate{certificate},
			}},
			Timeout: 10 * time.Second,
		},
	}
}

// Kill ends the server at once, as a power cut would, and waits for its end.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	<-s.exited
}

// Stop asks the server to finish and returns how it ended.
func (s *Server) Stop() error {
	if err := s.process.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.exited:
		if s.exit != nil {
			return s.told(s.exit)
		}
		return nil
	case <-time.After(stopLimit):
		s.Kill()
		return fmt.Errorf("thingpass serve did not stop within %v of being asked", stopLimit)
	}
}
