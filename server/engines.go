package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/thingpass/thingpass/upstream"
)

// openEngines makes ready to forward. An engine that is down at the start is
// no reason not to start: /readyz says so, and its buckets answer SlowDown.
func (s *Server) openEngines() error {
	if err := upstream.CheckConfigs(s.cfg.S3Engines); err != nil {
		return err
	}
	for _, cfg := range s.cfg.S3Engines {
		cfg.Log = s.cfg.Log
		s.engines = append(s.engines, upstream.New(cfg))
		if cfg.Exposed != "" {
			s.cfg.Log.Warn("the keys of an S3 engine can be read by others than the file's owner: chmod 600", "engine", cfg.Name, "file", cfg.Exposed)
		}
		s.cfg.Log.Info("buckets are forwarded", "engine", cfg.Name, "endpoint", cfg.Endpoint.String(), "prefix", cfg.Prefix, "kind", string(cfg.Kind))
	}
	return s.hiddenBuckets()
}

// hiddenBuckets warns of buckets of the embedded store that nobody reaches any
// more, because an engine has their names.
func (s *Server) hiddenBuckets() error {
	buckets, err := s.objects.Buckets(context.Background())
	if err != nil {
		return err
	}
	for _, b := range buckets {
		if e := upstream.Pick(s.engines, b.Name); e != nil {
			s.cfg.Log.Warn("a bucket of the embedded store is hidden: its name belongs to an S3 engine now; with a prefix= that does not fit it is there again",
				"bucket", b.Name, "engine", e.Name())
		}
	}
	return nil
}

// probeEngines says at the start which engines cannot be used yet.
func (s *Server) probeEngines(ctx context.Context) {
	for _, e := range s.engines {
		s.group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, readyLimit)
			defer cancel()
			if err := e.Health(ctx); err != nil && ctx.Err() != context.Canceled {
				s.cfg.Log.Warn("an S3 engine cannot be used yet: check its endpoint (http or https), its keys, and that it runs; its buckets answer 503 until then", "engine", e.Name(), "cause", err.Error())
			}
			return nil
		})
	}
}

// checkDomains warns of names that clients would not trust: a host name per
// bucket needs a wildcard in the certificate.
func (s *Server) checkDomains() {
	certs, err := s.loadCertificates()
	if err != nil {
		return // loading them for use says so
	}
	for _, domain := range s.cfg.S3Domains {
		for i := range certs {
			if certs[i].Leaf.VerifyHostname("bucket."+domain) != nil {
				s.cfg.Log.Warn("a server certificate does not cover buckets of this S3 domain: renew it with all names and a wildcard",
					"domain", domain, "key", certs[i].Leaf.PublicKeyAlgorithm.String(), "command", fmt.Sprintf("thingpass renew-certificate --data %s --host %s --host %s --host '*.%s'",
						s.inst.dir, strings.Join(s.inst.Hosts, " --host "), domain, domain))
			}
		}
	}
}

// readyLimit is how long the parts of the server have to say that they are
// there.
const readyLimit = 2 * time.Second

// ready tells whether requests can be served, and if not, what is missing.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyLimit)
	defer cancel()
	if missing := s.missing(ctx); len(missing) > 0 {
		http.Error(w, strings.Join(missing, "\n"), http.StatusServiceUnavailable)
		return
	}
	_, short := s.rooms.shortage()
	_, _ = w.Write([]byte(strings.Join(append([]string{"ready"}, short...), "\n") + "\n"))
}

// missing asks the stores and the engines, all at once. It names no endpoint
// and no cause: those are in the log.
func (s *Server) missing(ctx context.Context) (out []string) {
	type part struct {
		what string
		ask  func(context.Context) error
	}
	parts := []part{{"the database does not answer", s.db.Ping}, {"the object store does not answer", s.objects.Ping}}
	for _, e := range s.engines {
		parts = append(parts, part{"the S3 engine " + e.Name() + " does not answer, or refuses our keys: see the log", e.Health})
	}
	failed := make([]error, len(parts))
	var group sync.WaitGroup
	for i, p := range parts {
		group.Go(func() { failed[i] = p.ask(ctx) })
	}
	group.Wait()
	full, _ := s.rooms.shortage()
	out = append(full, s.writes.broken()...)
	for i, err := range failed {
		if err != nil {
			s.cfg.Log.Warn("not ready: "+parts[i].what, "cause", err.Error())
			out = append(out, parts[i].what)
		}
	}
	return out
}
