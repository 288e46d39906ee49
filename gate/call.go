package gate

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/wire"
)

// Call is one verified request on its way through an operation.
type Call struct {
	Principal   thingpass.Principal
	AccessKeyID string
	RequestID   string
	Now         time.Time
	Request     *http.Request
	Signature   *sigv4.Signature // its Unsigned is set when there is none: see Config.Public
	Form        *sigv4.Form      // of a POST form upload to S3, read up to its file; nil for any other request

	door    *Door
	body    *upload
	room    *room // of a body that is not verified yet; nil for none
	watch   watch
	service *Service
	caller  *session.Caller // as the request began

	principalKeys *authz.Context // condition keys that say who asks
	audit         audit
	preflight     bool
	stage         string // the step of package trail that is being taken; "" once the operation works

	engine   string
	upstream time.Duration

	demanded []Access // what was allowed, to be asked again by StillValid
}

// cross lets the service say what a browser must see. What names no origin was
// sent by no page.
func (c *Call) cross(answer http.Header) {
	if c.service != nil && c.service.Cross != nil && len(c.Request.Header["Origin"]) > 0 {
		c.service.Cross(answer, c.Request)
	}
}

// Demand asks a further question and fails with access denied unless the
// answer is Allow.
func (c *Call) Demand(ctx context.Context, a Access) error {
	q, err := c.Question(a)
	if err != nil {
		return err
	}
	verdict, err := c.door.cfg.Authz.Decide(ctx, q)
	if err != nil {
		return err
	}
	c.audit.decided(a, verdict)
	if !verdict.Allowed() {
		return c.Denied(q, verdict)
	}
	c.demanded = append(c.demanded, a)
	return nil
}

// StillValid asks again, at the end of a request whose body may have taken
// hours, whether the access key is good and whether everything that was
// demanded so far is allowed. Only the session's expiry counts as of the
// request's beginning, as with AWS.
func (c *Call) StillValid(ctx context.Context) error {
	c.audit.again = true
	caller, err := c.stillKnown(ctx)
	if err != nil {
		return err
	}
	c.Principal, c.principalKeys = caller.Principal, c.door.principalKeys(caller)
	questions := c.demanded
	c.demanded = nil
	for _, q := range questions {
		if err := c.Demand(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// stillKnown finds out again whose the access key is. It may be called while
// the operation works.
func (c *Call) stillKnown(ctx context.Context) (*session.Caller, error) {
	if c.Signature.Unsigned {
		return c.caller, nil
	}
	caller, err := c.door.cfg.Sessions.Caller(ctx, c.AccessKeyID, c.Signature.Token, c.Now)
	if err != nil {
		return nil, err
	}
	if caller.Principal.UniqueID != c.caller.Principal.UniqueID { // the name of another by now
		return nil, &session.Error{Failure: session.Withdrawn, Reason: "the access key has another owner"}
	}
	return caller, nil
}

// Allowed asks a further question; an error while deciding is a no. A no does not
// end the request by itself: it may decide what the caller learns.
func (c *Call) Allowed(ctx context.Context, a Access) bool {
	q, err := c.Question(a)
	if err != nil {
		return false
	}
	verdict, err := c.door.cfg.Authz.Decide(ctx, q)
	if err == nil && !verdict.Allowed() {
		c.audit.aside = verdict.Asked
	}
	return err == nil && verdict.Allowed()
}

// Denied is the error for a request that was decided against.
func (c *Call) Denied(q authz.Request, v authz.Verdict) error {
	c.audit.decided(Access{Action: q.Action, Resource: q.Resource}, v)
	if c.service.Protocol == wire.RESTXML {
		q.Resource = `"` + q.Resource + `"` // as S3 words it
	}
	return denied(c.service.Protocol, authz.Denial(q, v))
}

// Decided records a decision that an operation made by itself (see
// Spec.Decides), for the audit line.
func (c *Call) Decided(a Access, v authz.Verdict) { c.audit.decided(a, v) }

// Note puts a remark before the reason in the audit line.
func (c *Call) Note(text string) { c.audit.note = text }

// Saved tells the log and the audit line what is odd about a policy that the
// request saved. attrs say which policy it is.
func (c *Call) Saved(ctx context.Context, warnings []string, attrs ...any) {
	for _, w := range warnings {
		c.door.cfg.Log.WarnContext(ctx, "policy saved with a warning", append(slices.Clone(attrs), "warning", w)...)
	}
	if len(warnings) > 0 {
		c.Note("saved with a warning: " + strings.Join(warnings, "; "))
	}
}

// SetEngine names the S3 engine that the request is forwarded to, for metrics.
func (c *Call) SetEngine(name string) { c.engine = name }

// AddUpstream adds time that was spent waiting for an engine, for metrics.
func (c *Call) AddUpstream(d time.Duration) { c.upstream += d }

// Body is the verified, decoded body of an S3 request that is no form: its last
// bytes are released only after all of it has verified. Its errors are
// *sigv4.Error.
//
// It may take as long as it needs while bytes come; a stall ends it with an
// error that is os.ErrDeadlineExceeded. So does the end of the caller's session,
// with one that is a *session.Error.
func (c *Call) Body() (*sigv4.Body, error) {
	c.body.progress(c.Request)
	return c.Signature.Body(c.Request, c.caller.Secret.Reveal())
}

// Ended is why the transfer of the body or of the answer was ended, because the
// caller is no longer known; nil while it may go on. Body says so by itself.
func (c *Call) Ended() error { return c.watch.reason() }

func denied(p wire.Protocol, message string) *wire.Error {
	code := "AccessDenied"
	if p == wire.RESTJSON || p == wire.JSON11 {
		code = "AccessDeniedException"
	}
	status := http.StatusForbidden
	if p == wire.JSON11 {
		status = http.StatusBadRequest
	}
	return &wire.Error{Status: status, Code: code, Message: message}
}
