package gate

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
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
	Signature   *sigv4.Signature

	door    *Door
	body    *upload
	service *Service
	secret  thingpass.Secret
	keys    contextKeys
	audit   audit
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

// Question puts an Access into the terms of package authz.
func (c *Call) Question(a Access) authz.Request {
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
	return authz.Request{Principal: c.Principal, Action: a.Action, Resource: a.Resource, Context: keys}
}

// Demand asks a further question and fails with access denied unless the
// answer is Allow.
func (c *Call) Demand(ctx context.Context, a Access) error {
	q := c.Question(a)
	verdict, err := c.door.cfg.Authz.Decide(ctx, q)
	if err != nil {
		return err
	}
	c.audit.decided(a, verdict)
	if !verdict.Allowed() {
		return c.Denied(q, verdict)
	}
	return nil
}

// Allowed asks a further question; an error while deciding is a no.
func (c *Call) Allowed(ctx context.Context, a Access) bool {
	verdict, err := c.door.cfg.Authz.Decide(ctx, c.Question(a))
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

// Body is the verified, decoded body of an S3 request: its last bytes are
// released only after all of it has verified. Its errors are *sigv4.Error.
//
// It may take as long as it needs while bytes come; a stall ends it with an
// error that is os.ErrDeadlineExceeded.
func (c *Call) Body() (*sigv4.Body, error) {
	c.body.progress()
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
