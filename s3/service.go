package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/space"
	"github.com/thingpass/thingpass/upstream"
	"github.com/thingpass/thingpass/wire"
)

// Config is what the service is made of.
type Config struct {
	Place   thingpass.Place
	Objects *objects.Store
	Now     func() time.Time

	// Policies keeps the policies of buckets, which package authz asks: those of
	// engines, too. It is store.BucketPolicies, so that here a policy counts from
	// when it is put, and no longer than its bucket.
	Policies Policies

	// PrincipalExists reports whether an ARN that a bucket's policy names as a
	// principal is one of a user, role or session that may be named.
	PrincipalExists func(ctx context.Context, arn string) (bool, error)

	// Uploads keeps what was verified of uploads to engines that do not verify
	// themselves. It may be nil without engines.
	Uploads Uploads

	// Domains are names of hosts below which each bucket is a host of its own:
	// bucket.domain, in virtual-hosted style. Case does not matter.
	Domains []string

	// Engines have the buckets with their prefixes. Every other bucket is the
	// embedded store's.
	Engines []*upstream.Engine

	// Public lets requests say that everybody may use what an engine has: its
	// access control lists count for who reaches it past Thingpass.
	Public bool

	// Spool is the file system of SpoolDir, whose limit uploads leave free; nil for
	// none.
	Spool *space.Volume

	// SpoolDir is where bodies of unknown length wait that are for engines, on a
	// disk with room for some 16 GiB; "" for the system's temporary folder.
	SpoolDir string
}

// Policies keeps one policy document for a bucket, whether there is such a
// bucket or not. Reading none is thingpass.NotFound.
type Policies interface {
	BucketPolicy(ctx context.Context, bucket string) (document string, err error)
	PutBucketPolicy(ctx context.Context, bucket, document string) error
	DeleteBucketPolicy(ctx context.Context, bucket string) error
}

// service carries out the operations.
type service struct {
	Config
	table table
	owner string // canonical user id of the account
	words words
	cors  corsCache

	lives lives

	spools spools

	there there

	pieces pieces
}

// exchange is one recognised and allowed request.
type exchange struct {
	*target
	w    http.ResponseWriter
	r    *http.Request
	call *gate.Call

	kept []byte            // the body, if it was read before; nil otherwise
	tags map[string]string // in kept

	ahead *ahead // of a list of keys on an engine; nil otherwise
}

// New makes the S3 service.
func New(cfg Config) gate.Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	// AWS's canonical user id is 64 hex digits that say nothing; this one is
	// the same on every start.
	id := sha256.Sum256([]byte("canonical user " + cfg.Place.Account))
	s := &service{Config: cfg, table: newTable(), owner: hex.EncodeToString(id[:]), words: newWords(cfg.Place.Account),
		spools: spools{dir: cfg.SpoolDir, space: cfg.Spool, all: allSpools, each: eachSpools}}
	out := gate.Service{
		Name:     "s3",
		Scopes:   []string{"s3"},
		Protocol: wire.RESTXML,
		Error:    toWire,
		Route:    s.route,
		Hosted:   s.virtual,
		Cross:    s.crossOrigin,
	}
	for i := range s.table.rows {
		out.Operations = append(out.Operations, s.operation(&s.table.rows[i]))
	}
	return out
}

// route names the operation of a request, which leaves no doubt what it says.
func (s *service) route(r *http.Request) (string, any, error) {
	t, err := s.parse(r)
	if err != nil {
		return "", nil, err
	}
	if r.Method == http.MethodOptions {
		t.op = s.table.preflight
		return t.op.name, t, nil
	}
	if err := t.framed(r); err != nil {
		return "", nil, err
	}
	if err := s.table.find(t, r); err != nil {
		return "", nil, err
	}
	if err := t.exact(r.Header); err != nil {
		return "", nil, err
	}
	return t.op.name, t, nil
}

// operation makes the gate's row of ours.
func (s *service) operation(op *row) gate.Operation {
	spec := gate.Spec{Name: op.name, Method: op.method, Path: op.path(), Actions: op.actions, Decides: op.decides,
		Form: op.name == "PostObject", Preflight: op == s.table.preflight}
	access := func(c *gate.Call, in any) ([]gate.Access, error) {
		t := in.(*target) // from route
		if op == s.table.preflight {
			return nil, nil
		}
		if err := t.signedFor(c); err != nil {
			return nil, err
		}
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
		h, id := w.Header(), []string{call.RequestID}
		h["X-Amz-Request-Id"], h["X-Amz-Id-2"] = id, id
		if err := s.checkOwner(r.Header); err != nil {
			return err
		}
		if t.post != nil {
			if err := s.checkOwner(t.post.header); err != nil {
				return err
			}
		}
		x := &exchange{target: t, w: w, r: r, call: call}
		if err := s.carryOut(x, op); err != nil {
			return x.checksumError(bodyError(err))
		}
		return nil
	}
	return gate.NewRaw(spec, access, serve)
}

// embeds tells whether a bucket is the embedded store's.
func (s *service) embeds(bucket string) bool { return upstream.Pick(s.Engines, bucket) == nil }

// carryOut asks what only the bucket and the body tell, and works.
func (s *service) carryOut(x *exchange, op *row) error {
	if op == s.table.preflight {
		return s.preflight(x)
	}
	if err := s.restricted(x); err != nil {
		return err
	}
	if op.ask != nil {
		if err := op.ask(s, x); err != nil {
			return err
		}
	}
	if len(s.Engines) > 0 {
		return s.forward(x, op)
	}
	return s.embedded(x, op)
}

// embedded carries a request out on the embedded store, which refuses what it
// cannot do, after it was allowed.
func (s *service) embedded(x *exchange, op *row) error {
	if op.serve == nil {
		return errNotImplemented(op.name)
	}
	if x.foreign != "" {
		return errForeign(x.foreign)
	}
	return op.serve(s, x)
}

// checkOwner refuses a request that is meant for another account's bucket.
func (s *service) checkOwner(h http.Header) error {
	for _, name := range [...]string{"X-Amz-Expected-Bucket-Owner", "X-Amz-Source-Expected-Bucket-Owner"} {
		if v := h[name]; len(v) > 0 && v[0] != s.Place.Account {
			return errForbidden(&reason{"owner", "the request is meant for a bucket of account " + strconv.Quote(v[0][:min(len(v[0]), 64)])})
		}
	}
	return nil
}
