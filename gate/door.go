package gate

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/trail"
	"github.com/thingpass/thingpass/wire"
)

// MaxBody is the largest body of a request that is not an S3 one, in bytes.
const MaxBody = 1 << 20

// Config is what a door is made of.
type Config struct {
	Sessions *session.Sessions
	Authz    *authz.Authz
	Services []Service
	Log      *slog.Logger
	Now      func() time.Time
	Trail    *trail.Ring // where decisions are kept to be explained; nil for nowhere

	Timeouts Timeouts

	// NoPresignV2 refuses URLs presigned with Signature Version 2.
	NoPresignV2 bool

	// Public lets unsigned S3 requests ask: nobody stands behind them, and the
	// policy of the bucket alone decides. Without it they are refused unseen.
	Public bool

	// Observe is told of every request when it is over.
	Observe func(Observation)
}

// Observation is what a request was, for metrics. All texts are from fixed sets:
// the table of operations, error codes, and names in the configuration.
type Observation struct {
	Service   string
	Operation string // "" when none was found
	Code      string // error code of the answer; OK for none
	Decision  string // of the last question: as policy.Decision prints it; "" when none was asked
	Engine    string // S3 engine that the request was forwarded to, "" for none
	Took      time.Duration
	Upstream  time.Duration // of Took: waited for the engine
	In        int64         // bytes of the body that were read, as they were on the wire
	Out       int64         // bytes of the answer's body
}

// Door is the signed door, an http.Handler. Mount it directly: a ServeMux
// would clean paths, and S3 keys are never cleaned.
type Door struct {
	cfg      Config
	services []*service
	byScope  map[string]*service
	buffers  sync.Pool // of *[piece]byte
	keys     *sigv4.Keys
	names    names

	unverified *unverified
}

type service struct {
	Service
	byName map[string]*Operation
	routes wire.Routes[*Operation]
}

// NewDoor makes a door. It panics when two services or operations claim the same
// name or route.
func NewDoor(cfg Config) *Door {
	cfg.Timeouts = cfg.Timeouts.orDefaults()
	d := &Door{cfg: cfg, byScope: map[string]*service{}, keys: sigv4.NewKeys(maxSigningKeys), names: newNames(), unverified: newUnverified()}
	d.buffers.New = func() any { return new([piece]byte) }
	for _, s := range cfg.Services {
		sv := &service{Service: s, byName: map[string]*Operation{}}
		for i := range s.Operations {
			op := &s.Operations[i]
			if sv.byName[op.Name] != nil {
				panic("gate: operation " + s.Name + ":" + op.Name + " is listed twice")
			}
			sv.byName[op.Name] = op
			if s.Protocol == wire.RESTJSON {
				sv.routes.Add(op.Method, op.Path, op)
			}
		}
		for _, scope := range s.Scopes {
			if d.byScope[scope] != nil {
				panic("gate: scope " + scope + " is claimed twice")
			}
			d.byScope[scope] = sv
		}
		d.services = append(d.services, sv)
	}
	return d
}

// maxSigningKeys is how many derived signing keys are kept: of so many callers.
const maxSigningKeys = 1 << 14

// principalKeys are the condition keys that say who a caller is. They are worked
// out once for as long as nothing about the caller changes.
func (d *Door) principalKeys(c *session.Caller) *authz.Context {
	return c.Memo(func(c *session.Caller) any {
		keys := authz.NewContext()
		d.cfg.Authz.PrincipalKeys(keys, &c.Principal)
		return keys
	}).(*authz.Context)
}

// requestID makes a random UUID (RFC 9562, 5.4). It has to be unique, and is no
// secret.
func requestID() string {
	var id [16]byte
	binary.LittleEndian.PutUint64(id[:], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	var text [36]byte
	at := 0
	for i, n := range [...]int{4, 6, 8, 10, 16} {
		from := [...]int{0, 4, 6, 8, 10}[i]
		at += hex.Encode(text[at:], id[from:n])
		if i < 4 {
			text[at] = '-'
			at++
		}
	}
	return string(text[:])
}

// Services lists the table of operations.
func (d *Door) Services() []Service { return d.cfg.Services }

// ServeHTTP treats one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &Call{RequestID: requestID(), Now: d.cfg.Now(), door: d, stage: trail.StepRequest}
	c.watch.call, c.watch.conn = c, http.NewResponseController(w)
	c.Request, c.body = d.guard(&c.watch, r)
	c.audit.begin(c)
	answer := &answer{ResponseWriter: w, call: c, stall: d.cfg.Timeouts.Stall}
	w.Header()["X-Amzn-Requestid"] = []string{c.RequestID}
	defer func() {
		c.watch.end()
		c.room.leave()
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			c.audit.cause = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			d.fail(answer, c, &wire.Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: internalText})
		}
		answer.end()
		d.record(c, answer)
	}()
	err := d.serve(r.Context(), answer, c)
	c.watch.end()
	if reason := c.watch.ended.Swap(nil); reason != nil {
		err = *reason // whatever the operation made of it
	}
	if err != nil {
		if e := answer.hungUp(r.Context(), err); e != nil {
			err = e
		}
		c.audit.failed(c, err)
		d.fail(answer, c, d.shown(c, err))
	}
}

const internalText = "An internal error occurred. Ask the operator to look up the request id in the log."

// serve is the way of a request: verify, resolve, route, decide, call.
func (d *Door) serve(ctx context.Context, w http.ResponseWriter, c *Call) error {
	sv, err := d.pick(c)
	c.cross(w.Header())
	if err != nil {
		return err
	}
	if c.Signature.Unsigned && !d.cfg.Public && !c.preflight {
		return &sigv4.Error{Kind: sigv4.Missing, Message: "Missing Authentication Token"}
	}
	body, err := d.authenticate(ctx, sv, c)
	c.room.leave()
	if err != nil {
		return err
	}
	if err := stillPresigned(sv, c); err != nil {
		return err
	}
	if err := plainPath(sv, c.Request); err != nil {
		return err
	}
	op, in, err := sv.route(c.Request, body)
	if err != nil {
		return err
	}
	c.audit.operation = op.Name
	if op.Form != (c.Form != nil) {
		return unknownOperation(sv.Protocol, "a form that is no upload, or an upload that is no form")
	}
	if op.Preflight != c.preflight {
		return unknownOperation(sv.Protocol, c.Request.Method)
	}
	if err := op.signedInput(c); err != nil {
		return err
	}
	decoded, err := op.decode(c, in)
	if err != nil {
		return err
	}
	c.stage = trail.StepPermission
	if err := d.decide(ctx, op, c, decoded); err != nil {
		return err
	}
	c.stage = ""
	return op.serve(ctx, w, c, decoded)
}

// authenticate resolves the access key and verifies the signature. The body of
// anything but S3 is read, bounded, because its hash is signed.
func (d *Door) authenticate(ctx context.Context, sv *service, c *Call) ([]byte, error) {
	if c.Signature.Unsigned {
		c.caller = &session.Caller{}
		c.principalKeys = d.principalKeys(c.caller)
		return nil, nil // of nobody: package authz knows what nobody may do
	}
	caller, err := d.cfg.Sessions.Caller(ctx, c.AccessKeyID, c.Signature.Token, c.Now)
	if err != nil {
		return nil, err
	}
	rules := sigv4.Rules{S3: sv.Protocol == wire.RESTXML, Now: c.Now, NoV2: d.cfg.NoPresignV2, Keys: d.keys}
	if sv.Hosted != nil {
		rules.Bucket = sv.Hosted(c.Request.Host)
	}
	var body []byte
	hash := ""
	if !rules.S3 {
		if err := c.Signature.Precheck(c.Request, rules); err != nil {
			return nil, err
		}
		if body, err = c.readUnverified(ctx); err != nil {
			return nil, err
		}
		hash = sigv4.PayloadHash(body)
	}
	if c.Form != nil {
		err = c.Signature.VerifyForm(c.Form, caller.Secret.Reveal(), rules)
	} else {
		err = c.Signature.Verify(c.Request, caller.Secret.Reveal(), rules, hash)
	}
	if err != nil {
		return nil, err
	}
	c.caller, c.Principal, c.principalKeys = caller, caller.Principal, d.principalKeys(caller)
	return body, nil
}

func readError(err error) error {
	if thingpass.KindOf(err) == thingpass.Throttled {
		return err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &wire.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException",
			Message: fmt.Sprintf("The request body must not be larger than %d bytes.", MaxBody)}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &wire.Error{Status: http.StatusRequestTimeout, Code: "RequestTimeout", Message: "The request body did not arrive in time.", Err: err}
	}
	return &wire.Error{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: "The request body could not be read.", Err: err}
}

// route finds the row of a verified request.
func (sv *service) route(r *http.Request, body []byte) (*Operation, *input, error) {
	switch sv.Protocol {
	case wire.Query:
		return sv.routeQuery(r, body)
	case wire.RESTJSON:
		op, labels, ok := sv.routes.Match(r)
		if !ok {
			return nil, nil, unknownOperation(sv.Protocol, sv.nameOf(r))
		}
		return op, &input{body: body, labels: labels}, nil
	case wire.RESTXML:
		name, in, err := sv.Route(r)
		if err != nil {
			return nil, nil, err
		}
		op := sv.byName[name]
		if op == nil {
			return nil, nil, unknownOperation(sv.Protocol, name)
		}
		return op, &input{routed: in}, nil
	}
	return nil, nil, unknownOperation(sv.Protocol, r.Header.Get("X-Amz-Target"))
}

// nameOf names what a request without a row asks for.
func (sv *service) nameOf(r *http.Request) string {
	asked := r.Method + " " + r.URL.EscapedPath()
	if sv.AllNames != nil {
		if name, _, ok := sv.AllNames.Match(r); ok {
			return name + " is not included here (" + asked + ")"
		}
	}
	return asked
}

func (sv *service) routeQuery(r *http.Request, body []byte) (*Operation, *input, error) {
	if err := queryTarget(r); err != nil {
		return nil, nil, err
	}
	form := r.URL.Query()
	if isForm(r) {
		posted, err := url.ParseQuery(string(bytes.TrimSpace(body)))
		if err != nil {
			return nil, nil, &wire.Error{Status: http.StatusBadRequest, Code: "MalformedInput", Message: "The request body is not a form."}
		}
		for k, v := range posted {
			form[k] = append(form[k], v...)
		}
	}
	action, version := form.Get("Action"), form.Get("Version")
	op := sv.byName[action]
	if op == nil || version != sv.Version {
		return nil, nil, &wire.Error{Status: http.StatusBadRequest, Code: "InvalidAction",
			Message: fmt.Sprintf("Could not find operation %s for version %s", action, version)}
	}
	return op, &input{form: form}, nil
}

// queryTarget refuses what is no request of the query protocol: it has one path
// and two methods.
func queryTarget(r *http.Request) error {
	switch {
	case r.URL.EscapedPath() != "/":
		return &wire.Error{Status: http.StatusNotFound, Code: "InvalidAction", Message: "There is no operation at this path: send it to /."}
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return &wire.Error{Status: http.StatusMethodNotAllowed, Code: "InvalidAction", Message: "The method must be GET or POST."}
	}
	return nil
}

// decide puts every question of the row to package authz. A row that asks
// nothing is refused unless its spec says so.
func (d *Door) decide(ctx context.Context, op *Operation, c *Call, in any) error {
	questions, err := op.access(c, in)
	if err != nil {
		return err
	}
	if op.Preflight {
		return nil
	}
	if op.Unconditional {
		c.audit.unconditional(op.Actions[0])
		return nil
	}
	if len(questions) == 0 && !op.Decides {
		return fmt.Errorf("operation %s asked for no permission", op.Name)
	}
	for _, q := range questions {
		if q.Err != nil {
			return q.Err
		}
		if !slices.Contains(op.Actions, q.Action) {
			return fmt.Errorf("operation %s asked for %s, which its row does not list", op.Name, q.Action)
		}
		if err := c.Demand(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func epoch(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// shown turns any error into what the caller may see.
func (d *Door) shown(c *Call, err error) *wire.Error {
	if e := passing(c.service.Protocol, err); e != nil {
		c.audit.cause = err
		return e
	}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		c.audit.cause = e.Err
		return e
	}
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		return signatureError(c, e)
	}
	if e, ok := errors.AsType[*session.Error](err); ok {
		c.audit.cause = e
		return sessionError(c, e)
	}
	if thingpass.KindOf(err) != thingpass.Internal && c.service.Error != nil {
		return c.service.Error(err)
	}
	c.audit.cause = err
	if c.service.Error != nil {
		if e := c.service.Error(err); e != nil {
			return e
		}
	}
	return &wire.Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: internalText}
}

// fail writes an error, unless the answer has begun: then the connection is
// cut, so that nobody takes half an answer for a whole one.
func (d *Door) fail(w *answer, c *Call, e *wire.Error) {
	c.audit.code, c.audit.message, c.audit.fault = e.Code, e.Message, e.Status
	if w.status != 0 {
		c.audit.cut = true
		return
	}
	if c.service.Protocol == wire.Query && e.Namespace == "" {
		e.Namespace = c.service.Namespace
	}
	if c.Request.Method == http.MethodHead {
		w.Header().Set("X-Amz-Error-Code", e.Code)
	}
	if e.Status == http.StatusServiceUnavailable {
		w.Header()["Retry-After"] = []string{retryAfter}
	}
	wire.WriteError(w, c.service.Protocol, c.RequestID, e)
}
