package gate

import (
	"context"
	"fmt"
	"net"
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
	watch   watch
	service *Service
	secret  thingpass.Secret
	caller  string // unique id of the principal
	keys    contextKeys
	audit   audit
	stage   string // the step of package trail that is being taken; "" once the operation works

	engine   string
	upstream time.Duration

	demanded []Access // what was allowed, to be asked again by StillValid
}

// contextKeys are the condition keys that every question of a request shares.
type contextKeys map[string]string

// newKeys reads them off the request (IAM user guide, "AWS global condition
// context keys"). The address is the socket's: no forwarding header is
// believed.
func newKeys(r *http.Request, now time.Time) contextKeys {
	keys := contextKeys{
		"aws:CurrentTime":     now.UTC().Format(time.RFC3339),
		"aws:EpochTime":       epoch(now),
		"aws:SecureTransport": "false",
	}
	if r.TLS != nil {
		keys["aws:SecureTransport"] = "true"
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		keys["aws:SourceIp"] = host
	}
	if ua := r.UserAgent(); ua != "" {
		keys["aws:UserAgent"] = ua
	}
	if ref := r.Referer(); ref != "" {
		keys["aws:Referer"] = ref
	}
	return keys
}

// Limits of a question. AWS's ARNs and keys are shorter: an S3 key has at most
// 1,024 bytes, an ExternalId 1,224 characters. Matching costs the product of the
// lengths of a pattern and a text, and the text is the caller's.
const (
	maxText  = 2048  // bytes of a resource, of a condition key and of a value
	maxKeys  = 256   // condition keys, and values of one
	maxTexts = 24576 // bytes of all keys and values that a request gives: 50 tags have 19,200 characters at most
)

// Question puts an Access into the terms of package authz. It fails with what
// the caller should hear when the request names something too long to be
// anything, or a condition key in two spellings, of which one would win.
func (c *Call) Question(a Access) (authz.Request, error) {
	if err := a.check(c); err != nil {
		return authz.Request{}, err
	}
	keys := authz.NewContext()
	for k, v := range c.keys {
		keys.Set(k, v)
	}
	for k, v := range a.Context {
		if len(v) == 1 {
			keys.Set(k, v[0])
		}
	}
	for k, v := range a.Lists {
		keys.SetList(k, v)
	}
	return authz.Request{Principal: c.Principal, Action: a.Action, Resource: a.Resource, Context: keys, Late: a.Late, Public: c.Signature.Unsigned}, nil
}

// check holds a question to its limits.
func (a Access) check(c *Call) error {
	if len(a.Resource) > maxText {
		return unaskable(c, fmt.Sprintf("A resource must not be longer than %d bytes.", maxText))
	}
	if len(a.Context)+len(a.Lists) > maxKeys {
		return unaskable(c, "The request has too many tags or other values that policies can be about.")
	}
	seen, total := map[string]bool{}, 0
	for k, v := range c.keys {
		seen[foldKey(k)] = true
		if len(v) > maxText {
			return unaskable(c, fmt.Sprintf("What the request says of %s must not be longer than %d bytes.", k, maxText))
		}
	}
	for _, set := range []map[string][]string{a.Context, a.Lists} {
		for k, values := range set {
			if seen[foldKey(k)] {
				return unaskable(c, "The request gives the same key twice, in different case.")
			}
			seen[foldKey(k)] = true
			total += len(k)
			for _, v := range values {
				total += len(v)
			}
			if len(k) > maxText || len(values) > maxKeys || slices.ContainsFunc(values, func(v string) bool { return len(v) > maxText }) {
				return unaskable(c, fmt.Sprintf("Tags, prefixes and other values that policies can be about must not be longer than %d bytes.", maxText))
			}
		}
	}
	if total > maxTexts {
		return unaskable(c, fmt.Sprintf("Tags, prefixes and other values that policies can be about must not be longer than %d bytes together.", maxTexts))
	}
	return nil
}

// foldKey is one spelling of keys that are the same: package policy folds ASCII
// letters.
func foldKey(k string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, k)
}

// unaskable is the error for a request that no policy is asked about.
func unaskable(c *Call, message string) *wire.Error {
	e := pick3(c.service.Protocol, wire.Error{Code: "ValidationError"}, wire.Error{Code: "InvalidRequestException"}, wire.Error{Code: "InvalidArgument"})
	e.Status, e.Message = http.StatusBadRequest, message
	return e
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
	principal, err := c.stillKnown(ctx)
	if err != nil {
		return err
	}
	c.Principal = principal
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
func (c *Call) stillKnown(ctx context.Context) (thingpass.Principal, error) {
	if c.Signature.Unsigned {
		return thingpass.Principal{}, nil
	}
	principal, _, err := c.door.cfg.Sessions.ResolveAt(ctx, c.AccessKeyID, c.Signature.Token, c.Now)
	if err == nil && principal.UniqueID != c.caller { // the name of another by now
		err = &session.Error{Failure: session.Withdrawn, Reason: "the access key has another owner"}
	}
	return principal, err
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
	return c.Signature.Body(c.Request, c.secret.Reveal())
}

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
