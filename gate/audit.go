package gate

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/trail"
	"github.com/thingpass/thingpass/wire"
)

// audit gathers what the audit line says of a request.
type audit struct {
	operation string
	action    string
	resource  string
	decision  string
	reason    string
	note      string
	code      string
	cause     error  // for the log only
	message   string // of the error that is answered
	fault     int    // status of the error, which an answer that had begun does not show
	cut       bool   // the answer broke off
	again     bool   // what was allowed is being asked once more

	trail *trail.Record
	aside *authz.Asked // the last no to a question that did not end the request
}

// maxLogged bounds each text that a caller chooses, in bytes.
const maxLogged = 512

// decided notes a decision; the first denial stays.
func (a *audit) decided(q Access, v authz.Verdict) {
	if a.decision != "" && a.decision != authz.Allow.String() {
		return
	}
	a.action, a.resource, a.decision = q.Action, q.Resource, v.Decision.String()
	a.reason = v.Why()
	if v.Allowed() && (a.again || len(a.trail.Steps) >= maxSteps) {
		return
	}
	a.trail.Add(trail.Step{Name: trail.StepPermission, OK: v.Allowed(), Asked: v.Asked})
}

// maxSteps bounds how many allowed questions of one request are kept. Only
// DeleteObjects asks more; a denial is kept in any case.
const maxSteps = 16

// begin makes the record of a request.
func (a *audit) begin(c *Call) {
	r := c.Request
	a.trail = &trail.Record{
		ID: c.RequestID, At: c.Now, Door: trail.SignedDoor, Remote: r.RemoteAddr,
		Method: strings.Clone(r.Method), Host: strings.Clone(shorten(r.Host)), Path: strings.Clone(shorten(r.URL.Path)),
	}
}

// caused is an error that says in a word of package trail what it comes from,
// where the code of the answer does not tell an operator.
type caused interface {
	error
	Cause() string
}

// failed notes at which step a request ended. An operation that fails by itself
// (there is no such object) ends no step: it was allowed. What is wrong with a
// request may be found only while it is worked out what must be allowed.
func (a *audit) failed(c *Call, err error) {
	step := trail.Step{Name: c.stage, Detail: shorten(err.Error())}
	if e, ok := errors.AsType[caused](err); ok {
		a.trail.Cause = e.Cause()
	}
	if _, ok := errors.AsType[*wire.Error](err); ok && step.Name == trail.StepPermission {
		step.Name = trail.StepRequest
	}
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		step.Name, a.trail.Cause, step.Detail = trail.StepSignature, signatureCause(e.Kind), shorten(e.Message)
		if a.trail.Cause == "" {
			step.Name = trail.StepRequest
		}
	}
	if e, ok := errors.AsType[*session.Error](err); ok {
		step.Name, a.trail.Cause, step.Detail = trail.StepSession, sessionCause(e.Failure), shorten(e.Reason)
		a.trail.Was = e.Was
	}
	if e, ok := errors.AsType[*wire.Error](err); ok && step.Name == "" && e.Status == http.StatusForbidden && a.aside != nil {
		step = trail.Step{Name: trail.StepPermission, Asked: a.aside, Detail: trail.DetailHidden}
	}
	if step.Name != "" && a.trail.Failure == "" {
		a.trail.Add(step)
	}
}

// signatureCause is "" for what is wrong with a body and not with a signature.
func signatureCause(k sigv4.Kind) string {
	switch k {
	case sigv4.Missing:
		return trail.CauseUnsigned
	case sigv4.Mismatch:
		return trail.CauseMismatch
	case sigv4.Expired, sigv4.NotYet:
		return trail.CauseClock
	case sigv4.PresignExpired:
		return trail.CausePresignExpired
	case sigv4.UnsignedHeaders:
		return trail.CauseUnsignedHeader
	case sigv4.Incomplete, sigv4.IncompleteForm, sigv4.Ambiguous, sigv4.BadExpires, sigv4.BadDate, sigv4.BadPayloadHash,
		sigv4.MissingPayloadHash, sigv4.UnsupportedAlgorithm, sigv4.UnknownMechanism, sigv4.MissingDate:
		return trail.CauseMalformed
	}
	return ""
}

func sessionCause(f session.Failure) string {
	switch f {
	case session.Expired:
		return trail.CauseSessionExpired
	case session.Withdrawn:
		return trail.CauseSessionWithdrawn
	case session.Malformed:
		return trail.CauseToken
	}
	return trail.CauseKey
}

// keep hands the record over.
func (d *Door) keep(c *Call, service string, w *answer) {
	r := c.audit.trail
	r.Service, r.Operation, r.Status, r.Code = service, c.audit.operation, w.status, c.audit.code
	r.AccessKeyID, r.Principal, r.Note = strings.Clone(shorten(c.AccessKeyID)), c.Principal, c.audit.note
	r.Engine, r.Message, r.Cut = c.engine, strings.Clone(shorten(c.audit.message)), c.audit.cut
	if c.audit.cause != nil {
		r.Reason = strings.Clone(shorten(c.audit.cause.Error()))
	}
	d.cfg.Trail.Keep(r)
}

func (a *audit) unconditional(action string) {
	a.action, a.resource, a.decision, a.reason = action, "*", authz.Allow.String(), "needs no permission"
}

// record writes the audit line: who asked for what, what was decided and why,
// and how it ended. No secret, no token, no body.
func (d *Door) record(c *Call, w *answer) {
	ended := d.cfg.Now()
	took := ended.Sub(c.Now)
	code := c.audit.code
	if code == "" {
		code = "OK"
	}
	name := "unknown"
	if c.service != nil {
		name = c.service.Name
	}
	if d.cfg.Observe != nil {
		d.cfg.Observe(Observation{
			Service: name, Operation: c.audit.operation, Code: code, Decision: c.audit.decision, Engine: c.engine,
			Took: took, Upstream: c.upstream, In: c.body.count(), Out: w.bytes,
		})
	}
	d.keep(c, name, w)
	reason := c.audit.reason
	if c.audit.note != "" {
		reason = c.audit.note + "; " + reason
	}
	attrs := []slog.Attr{
		slog.String("request_id", c.RequestID),
		slog.String("remote", c.Request.RemoteAddr),
		slog.String("principal", c.Principal.ARN),
		slog.String("access_key", shorten(c.AccessKeyID)),
		slog.String("service", name),
		slog.String("operation", c.audit.operation),
		slog.String("action", c.audit.action),
		slog.String("resource", shorten(c.audit.resource)),
		slog.String("decision", c.audit.decision),
		slog.String("reason", reason),
		slog.Int("status", w.status),
		slog.String("code", code),
		slog.Int64("bytes", w.bytes),
		slog.Duration("took", took),
	}
	if id := c.Principal.CertificateID; id != "" { // a device's session
		attrs = append(attrs, slog.String("thing", c.Principal.Thing), slog.String("certificate", id))
	}
	level := slog.LevelInfo
	if c.engine != "" {
		attrs = append(attrs, slog.String("engine", c.engine))
	}
	if c.audit.cause != nil {
		attrs = append(attrs, slog.String("cause", c.audit.cause.Error()))
	}
	// 501 is the client's doing: it asked for what is not here.
	if c.audit.fault >= http.StatusInternalServerError && c.audit.fault != http.StatusNotImplemented {
		level = slog.LevelError
	}
	line := trail.Line{At: ended, Level: level, Text: "request", Attrs: attrs}
	line.Log(c.Request.Context(), d.cfg.Log)
	if c.audit.cut {
		panic(http.ErrAbortHandler)
	}
}

func shorten(s string) string {
	if len(s) <= maxLogged {
		return s
	}
	return s[:maxLogged] + "…"
}
