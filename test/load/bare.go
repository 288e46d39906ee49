package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// bareCommand is the first argument with which this program runs itself as the
// bare server.
const bareCommand = "bare"

const objectSize = 4096

// bareServer is the reference: the same TLS, and then as little as possible.
type bareServer struct {
	MutualTLS string // host:port, asks for a client certificate
	TLS       string // host:port, does not
	Plain     string // host:port, without TLS
	CA        string // PEM

	roots   *x509.CertPool
	process *exec.Cmd
	stdin   io.Closer // the child ends when it closes
}

// startBare starts one. The arguments say what it does: see serveBare.
func startBare(ctx context.Context, dir string, args ...string) (*bareServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &bareServer{process: exec.CommandContext(ctx, self, append([]string{bareCommand}, args...)...), roots: x509.NewCertPool()}
	b.process.Dir, b.process.Stderr = dir, os.Stderr
	out, err := b.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if b.stdin, err = b.process.StdinPipe(); err != nil {
		return nil, err
	}
	if err := b.process.Start(); err != nil {
		return nil, fmt.Errorf("start the bare server: %w", err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, b)
	}
	if err == nil && !b.roots.AppendCertsFromPEM([]byte(b.CA)) {
		err = errors.New("no certificate")
	}
	if err != nil {
		b.stop()
		return nil, fmt.Errorf("start the bare server: %w", err)
	}
	return b, nil
}

func (b *bareServer) stop() {
	_ = b.stdin.Close()
	_ = b.process.Wait()
}

// serveBare is the child: it says where it listens and serves until its
// standard input ends. Without an argument it answers exchanges; the other kinds
// are those of bareKind. Its files are in the working directory.
func serveBare(args []string) error {
	certificate, err := bareCertificate()
	if err != nil {
		return err
	}
	handler, err := bareKind(args)
	if err != nil {
		return err
	}
	var at bareServer
	failed := make(chan error, 4)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	at.Plain = listener.Addr().String()
	plain := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { failed <- plain.Serve(listener) }()
	for _, door := range []struct {
		address *string
		auth    tls.ClientAuthType
	}{{&at.MutualTLS, tls.RequireAnyClientCert}, {&at.TLS, tls.NoClientCert}} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		*door.address = listener.Addr().String()
		server := &http.Server{
			Handler: handler, ReadHeaderTimeout: 10 * time.Second,
			TLSConfig: &tls.Config{
				Certificates: []tls.Certificate{certificate}, ClientAuth: door.auth, MinVersion: tls.VersionTLS12,
			},
		}
		go func() { failed <- server.ServeTLS(listener, "", "") }()
	}
	at.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))
	if err := json.NewEncoder(os.Stdout).Encode(&at); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		failed <- nil
	}()
	return <-failed
}

// bareKind is what the child does.
func bareKind(args []string) (http.Handler, error) {
	if len(args) == 2 && args[0] == "proxy" {
		return bareProxy(args[1])
	}
	if len(args) == 1 && args[0] == "upstream" {
		return upstream(), nil
	}
	for name, size := range map[string]int{"object": objectSize, "large": largeSize} {
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			return nil, err
		}
	}
	if len(args) == 1 && args[0] == "files" {
		return http.HandlerFunc(bareFiles), nil
	}
	return bareHandler(filepath.Join(".", "object")), nil
}

// bareHandler answers a fixed JSON of 1 KB, or a file of 4 KiB under /load/.
func bareHandler(object string) http.Handler {
	fixed := []byte(`{"credentials":"` + strings.Repeat("x", 1024-18) + `"}`)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/"+bucket+"/") {
			http.ServeFile(w, r, object)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(fixed)
	})
}

func bareCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
