package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/upstream"
	"github.com/thingpass/thingpass/wire"
)

// Config is what the service is made of.
type Config struct {
	Place   thingpass.Place
	Objects *objects.Store
	Now     func() time.Time

	// Engines have the buckets with their prefixes. Every other bucket is the
	// embedded store's.
	Engines []*upstream.Engine
}

// service carries out the operations.
type service struct {
	Config
	table table
	owner string // canonical user id of the account

	pieces sync.Pool // of *[]byte: what answers of engines are copied by
}

// exchange is one recognised and allowed request.
type exchange struct {
	*target
	w    http.ResponseWriter
	r    *http.Request
	call *gate.Call
}

// New makes the S3 service.
func New(cfg Config) gate.Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	// AWS's canonical user id is 64 hex digits that say nothing; this one is
	// the same on every start.
	id := sha256.Sum256([]byte("canonical user " + cfg.Place.Account))
	s := &service{Config: cfg, table: newTable(), owner: hex.EncodeToString(id[:])}
	out := gate.Service{
		Name:     "s3",
		Scopes:   []string{"s3"},
		Protocol: wire.RESTXML,
		Error:    toWire,
		Route:    s.route,
	}
	for i := range s.table {
		out.Operations = append(out.Operations, s.operation(&s.table[i]))
	}
	return out
}

// route names the operation of a request.
func (s *service) route(r *http.Request) (string, any, error) {
	t, err := parse(r)
	if err != nil {
		return "", nil, err
	}
	op, err := s.table.find(t, r)
	if err != nil {
		return "", nil, err
	}
	return op.name, t, nil
}

// operation makes the gate's row of ours.
func (s *service) operation(op *row) gate.Operation {
	spec := gate.Spec{Name: op.name, Method: op.method, Path: op.path(), Actions: op.actions, Decides: op.decides, Form: op.name == "PostObject"}
	access := func(c *gate.Call, in any) ([]gate.Access, error) {
		t := in.(*target) // from route
		if op.decides {
			return nil, nil
		}
		if op.access != nil {
			return op.access(s, t, c)
		}
		return []gate.Access{s.access(t, c, op.actions[0])}, nil
	}
	serve := func(w http.ResponseWriter, r *http.Request, call *gate.Call, in any) error {
		t := in.(*target)
		w.Header().Set("X-Amz-Request-Id", call.RequestID)
		w.Header().Set("X-Amz-Id-2", call.RequestID)
		if err := s.checkOwner(r); err != nil {
			return err
		}
		x := &exchange{target: t, w: w, r: r, call: call}
		if len(s.Engines) > 0 {
			return bodyError(s.forward(x, op))
		}
		return bodyError(op.serve(s, x))
	}
	return gate.NewRaw(spec, access, serve)
}

// checkOwner refuses a request that is meant for another account's bucket.
func (s *service) checkOwner(r *http.Request) error {
	for _, name := range []string{"X-Amz-Expected-Bucket-Owner", "X-Amz-Source-Expected-Bucket-Owner"} {
		if owner := r.Header.Get(name); owner != "" && owner != s.Place.Account {
			return errAccessDenied()
		}
	}
	return nil
}
