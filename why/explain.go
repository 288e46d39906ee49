package why

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/credentials"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/trail"
)

// Config is what an Explainer is made of.
type Config struct {
	Place  thingpass.Place
	Data   string      // data folder, for commands that are proposed
	Trail  *trail.Ring // nil when nothing is kept
	Authz  *authz.Authz
	Door   *credentials.Door // for questions that nobody sent
	Recent *store.Recent     // reads no older than a second
	Store  *store.DB         // to propose what there is: aliases, policies
	Now    func() time.Time
}

// Explainer explains decisions of a running server.
type Explainer struct{ cfg Config }

// New makes an Explainer.
func New(cfg Config) *Explainer { return &Explainer{cfg: cfg} }

// minPrefix is how many characters of a request id are enough to ask by.
const minPrefix = 4

const hexDigits = "0123456789abcdef"

// Request explains a kept decision. The id may be cut short, to no less than
// four characters, when it is still the only one.
func (x *Explainer) Request(ctx context.Context, id string) (*Explanation, error) {
	rec, err := x.find(strings.TrimSpace(id))
	if err != nil {
		return nil, err
	}
	return x.explain(ctx, rec), nil
}

func (x *Explainer) find(id string) (*trail.Record, error) {
	if rec, ok := x.cfg.Trail.Find(id); ok {
		return rec, nil
	}
	if len(id) < minPrefix || strings.Trim(strings.ToLower(id), hexDigits+"-") != "" {
		return nil, thingpass.Errorf(thingpass.Invalid, "%q is no request id: give at least four hex digits of one", id)
	}
	id = strings.ToLower(id)
	var found []*trail.Record
	kept := 0
	x.cfg.Trail.Each(func(rec *trail.Record) bool {
		kept++
		if strings.HasPrefix(rec.ID, id) {
			found = append(found, rec)
		}
		return true
	})
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, thingpass.Errorf(thingpass.Invalid, "%d requests begin with %q: give more of the id", len(found), id)
	case x.cfg.Trail == nil:
		return nil, thingpass.Errorf(thingpass.NotFound, "no request %q: this server keeps no decisions (serve --decisions)", id)
	}
	return nil, thingpass.Errorf(thingpass.NotFound, "no request %q among the %d kept: it is older than %s, was pushed out by later ones, was before the server's last start, or another server answered it",
		id, kept, x.cfg.Trail.Age())
}

// explain tells about a record.
func (x *Explainer) explain(ctx context.Context, rec *trail.Record) *Explanation {
	e := &Explanation{
		RequestID: rec.ID, Time: rec.At.UTC(), Door: rec.Door, Remote: rec.Remote, Status: rec.Status, Code: rec.Code,
		Message: rec.Message, Cause: rec.Cause, Reason: rec.Reason, Engine: rec.Engine,
		Principal: rec.Principal.ARN, FailedStep: rec.Failure, Outcome: outcome(rec),
		Steps: []Step{}, Statements: []Statement{}, Changes: []Change{},
	}
	s := &story{Explainer: x, ctx: ctx, rec: rec, e: e}
	if rec.Door == trail.DeviceDoor {
		s.exchange()
	} else {
		s.request()
	}
	return e
}

func outcome(rec *trail.Record) string {
	switch {
	case rec.Failure == trail.StepRequest:
		return Failed
	case rec.Denied():
		return Denied
	case rec.Status >= 400, rec.Cut:
		return Failed
	}
	return Allowed
}

// story is an explanation while it is being written.
type story struct {
	*Explainer
	ctx context.Context
	rec *trail.Record
	e   *Explanation
}

func (s *story) step(name string, ok bool, format string, args ...any) {
	s.e.Steps = append(s.e.Steps, Step{Name: name, OK: ok, Text: fmt.Sprintf(format, args...)})
}

func (s *story) change(c Change) { s.e.Changes = append(s.e.Changes, c) }

// failed is the step that ended the request, or nil.
func (s *story) failed() *trail.Step {
	for i := range s.rec.Steps {
		if !s.rec.Steps[i].OK {
			return &s.rec.Steps[i]
		}
	}
	return nil
}

// request tells about a signed request.
func (s *story) request() {
	rec, e := s.rec, s.e
	e.Operation = strings.TrimSpace(rec.Service + " " + rec.Operation)
	failed := s.failed()
	if e.Operation != "" && !e.Hypothetical {
		s.step("request", failed == nil || failed.Name != trail.StepRequest || s.underWay(), "%s: %s %s%s from %s%s", e.Operation, rec.Method, rec.Host, rec.Path, rec.Remote, listed(rec))
	}
	if rec.Operation == "" && rec.Method != "" {
		e.Operation = strings.TrimSpace(rec.Service + " " + rec.Method + " " + rec.Path)
	}
	if rec.Principal.Kind != thingpass.Nobody {
		s.caller()
	} else if s.asked() {
		s.step("caller", true, "nobody: the request is not signed, and --s3-public lets the bucket's policy decide about it")
	} else {
		s.unproven(failed)
		return
	}
	s.permissions(failed)
	switch {
	case failed != nil && failed.Asked == nil && failed.Name == trail.StepPermission:
		e.Summary = "The decision could not be made, and what is not decided is denied: " + failed.Detail
	case failed != nil && failed.Name == trail.StepRequest, failed == nil && e.Outcome == Failed:
		s.failure(failed)
	case failed != nil && failed.Asked == nil:
		s.unproven(failed)
	case failed != nil:
		s.denied(failed.Asked)
		s.hidden(failed)
	case e.Hypothetical:
		e.Summary = "It would be allowed."
	default:
		e.Summary = "It was allowed."
	}
	s.ended(failed)
	if rec.Note != "" {
		e.Summary += " (" + rec.Note + ")"
	}
	s.allowed(failed)
	s.again(failed)
}

// hidden says that what was named does not exist, where the caller was not told.
func (s *story) hidden(failed *trail.Step) {
	if failed.Detail != trail.DetailHidden {
		return
	}
	if q := s.rec.Steps[0].Asked; q != nil {
		s.e.Action, s.e.Resource = q.Request.Action, q.Request.Resource
	}
	s.e.Summary = fmt.Sprintf("What was named does not exist. The caller may not list (%s), so it is told \"denied\" and not \"not found\", as AWS does.", failed.Asked.Request.Action)
	s.e.Changes = append([]Change{{Text: "Correct the name that the client asks for, or create what it names."}}, s.e.Changes...)
	if len(s.e.Changes) > 1 && strings.Contains(s.e.Changes[1].Text, " "+prefixKey+": ") { // a request for an object has none
		s.e.Changes = append(s.e.Changes[:1], Change{Text: "Or, to let the client see that it does not exist: allow " + failed.Asked.Request.Action + " without the condition " + prefixKey +
			", which a request for an object never fits. That lets it list the whole bucket, too."})
	} else if len(s.e.Changes) > 1 {
		s.e.Changes[1].Text = "Or, to let the client see that it does not exist: " + strings.TrimPrefix(s.e.Changes[1].Text, "Or: ")
	}
}

// permissions tells what each question of the request answered.
func (s *story) permissions(failed *trail.Step) {
	for i := range s.rec.Steps {
		st := &s.rec.Steps[i]
		if st.Name != trail.StepPermission || st.Asked == nil {
			continue
		}
		q, v := st.Asked.Request, st.Asked.Verdict
		if st == failed || failed == nil {
			s.e.Action, s.e.Resource = q.Action, q.Resource
		}
		if st.Detail == trail.DetailHidden {
			s.step("exists", false, "what was named does not exist, and only who may list is told so")
		}
		s.step("permission", st.OK, "%s on %s%s: %s", q.Action, q.Resource, withPrefix(q), verdictText(v))
	}
}

// listed is what a request that lists wants to see of a bucket.
func listed(rec *trail.Record) string {
	for i := range rec.Steps {
		if a := rec.Steps[i].Asked; a != nil && rec.Steps[i].Detail != trail.DetailHidden {
			return withPrefix(a.Request)
		}
	}
	return ""
}

func withPrefix(q *policy.Request) string {
	values, _, ok := q.Context.Lookup(prefixKey)
	if !ok {
		return ""
	}
	return " with " + prefixKey + " " + list(quoted(values))
}

// verdictText tells what decided, in one clause.
func verdictText(v authz.Verdict) string {
	where := v.By
	if v.Reason.Policy != "" {
		where = statementName(v)
	}
	switch {
	case v.Decision == policy.ExplicitDeny:
		return "denied by " + where
	case v.Decision == policy.Allow && v.By == authz.ByNothing:
		return "needs no permission"
	case v.Decision == policy.Allow:
		return "allowed by " + where
	case v.By == "":
		return "nothing allows it"
	case v.By == authz.ByUserSession:
		return "credentials of GetSessionToken are not good for it"
	}
	return "no " + v.By + " allows it"
}

// statementName names the statement that made a verdict.
func statementName(v authz.Verdict) string {
	s := Statement{Layer: v.By, Policy: v.Reason.Policy, Number: v.Reason.Statement + 1, Sid: v.Reason.Sid}
	return s.name()
}

// denied tells about the policies that refused.
func (s *story) denied(a *authz.Asked) {
	s.e.Action, s.e.Resource = a.Request.Action, a.Request.Resource
	s.tell(a)
	s.changes(a)
	v := a.Verdict
	switch {
	case v.Decision == policy.ExplicitDeny:
		s.e.Summary = denySummary(v)
	case v.By == authz.ByUserSession:
		s.e.Summary = "Credentials of sts:GetSessionToken are not good for IAM, nor for STS but AssumeRole and GetCallerIdentity, whatever the user may do."
	default:
		s.e.Summary = s.implicit(a)
	}
}

func denySummary(v authz.Verdict) string {
	return "A statement denies it, and a Deny always wins, whatever else allows: " + statementName(v) + "."
}

// implicit says in one sentence why nothing allows.
func (s *story) implicit(a *authz.Asked) string {
	set := layerSet(&a.Layers, a.Verdict.By)
	owner := s.owner(a.Verdict.By)
	if len(set.Policies()) == 0 {
		return fmt.Sprintf("Nothing allows it: %s has no %s at all.", owner, a.Verdict.By)
	}
	text := fmt.Sprintf("No %s of %s allows it", a.Verdict.By, owner)
	if a.Verdict.By == authz.ByTrust {
		text = "The trust policy of the role does not allow it"
	}
	if len(s.e.Statements) > 0 && s.e.Statements[0].Layer == a.Verdict.By {
		first := &s.e.Statements[0]
		if reason := first.misfit(); reason != "" {
			return sentence(text + ". The nearest is " + first.name() + ", which does not apply: " + reason)
		}
	}
	return text + ", and no statement comes near."
}

// misfit is the first thing that keeps a statement from applying, as a clause.
func (s *Statement) misfit() string {
	for _, el := range s.Elements {
		if el.Fits {
			continue
		}
		for _, n := range el.Notes {
			if strings.Contains(n, "has no value") || strings.Contains(n, "no such variable") || strings.Contains(n, "is an API call") {
				return n
			}
		}
		if len(el.Notes) == 0 {
			return "its " + el.Name + " does not fit"
		}
		note := el.Notes[len(el.Notes)-1]
		if el.Name == "Condition" {
			return "it has the condition " + el.Text + ", and " + note
		}
		return "its " + el.Name + " " + note
	}
	return ""
}

// owner names whose policies a kind of policy are.
func (s *story) owner(by string) string {
	p := &s.rec.Principal
	switch {
	case by == authz.ByIoT:
		return "this certificate"
	case by == authz.ByTrust:
		return "the role"
	case by == authz.ByResource:
		return "the bucket"
	case p.Kind == thingpass.UserPrincipal:
		return "user " + p.User
	case p.Kind == thingpass.SessionPrincipal:
		return "role " + p.RoleName
	}
	return cmp.Or(p.Service, "the caller")
}

// allowed shows the statements by which an allowed request was allowed.
func (s *story) allowed(failed *trail.Step) {
	if failed != nil {
		return
	}
	for i := range s.rec.Steps {
		if a := s.rec.Steps[i].Asked; a != nil && len(s.e.Statements) < MaxStatements {
			s.tell(a)
		}
	}
	s.e.Others = 0
}

// asked tells whether any policy was asked. Of nobody that happens only where
// unsigned requests may ask.
func (s *story) asked() bool {
	return slices.ContainsFunc(s.rec.Steps, func(step trail.Step) bool { return step.Asked != nil })
}

// again asks the same question of the policies as they are now.
func (s *story) again(failed *trail.Step) {
	if failed == nil || failed.Asked == nil || failed.Detail == trail.DetailHidden || failed.Asked.Kind != authz.KindRequest || s.e.Hypothetical {
		return
	}
	q := failed.Asked.Request
	v, err := s.cfg.Authz.Decide(s.ctx, authz.Request{
		Principal: s.rec.Principal, Action: q.Action, Resource: q.Resource, Context: q.Context, Public: s.rec.Principal.Kind == thingpass.Nobody,
	})
	switch {
	case err != nil:
		s.e.Now = "the same question cannot be answered any more: " + err.Error()
	case v.Allowed():
		s.e.Now = "by the policies as they are now, the same request would be allowed."
	default:
		s.e.Now = "by the policies as they are now, the same request would still be denied."
	}
}

// layerSet is the set of policies of a kind.
func layerSet(l *authz.Layers, by string) *policy.Set {
	switch by {
	case authz.ByIdentity:
		return l.Identity
	case authz.ByBoundary:
		return l.Boundary
	case authz.BySession:
		return l.Session
	case authz.ByResource:
		return l.Resource
	case authz.ByTrust:
		return l.Trust
	case authz.ByIoT:
		return l.Device
	}
	return nil
}

// tell adds the statements of the layer that decided.
func (s *story) tell(a *authz.Asked) {
	v := a.Verdict
	set := layerSet(&a.Layers, v.By)
	if v.By == authz.ByIoT && v.Decision == policy.ExplicitDeny && !has(set, v.Reason) {
		set = a.Layers.OtherThings
	}
	findings := set.Explain(asSeenBy(v.By, a))
	if v.Reason.Policy != "" {
		for i := range findings {
			if f := &findings[i]; f.Policy == v.Reason.Policy && f.Reason.Statement == v.Reason.Statement {
				s.e.Statements = append(s.e.Statements, s.statement(v.By, f, a))
				return
			}
		}
		return
	}
	s.near(v.By, findings, a)
}

// near adds the allowing statements that came nearest.
func (s *story) near(by string, findings []policy.Finding, a *authz.Asked) {
	var near []*policy.Finding
	for i := range findings {
		f := &findings[i]
		switch {
		case f.Effect != policy.EffectAllow || f.Applies || !f.Action && !f.Resource:
		case meant(f, a.Request.Action) != "":
			near = slices.Insert(near, 0, f)
		default:
			near = append(near, f)
		}
	}
	s.e.Others += len(findings) - len(near)
	for i, f := range near {
		if i == MaxStatements || i > 0 && !f.Action && near[0].Action {
			s.e.Others += len(near) - i
			return
		}
		s.e.Statements = append(s.e.Statements, s.statement(by, f, a))
	}
}

func has(set *policy.Set, r policy.Reason) bool {
	return slices.ContainsFunc(set.Policies(), func(n policy.Named) bool { return n.Name == r.Policy })
}

// asSeenBy is a request as a kind of policy sees it: a trust policy does not see
// an ARN by which it means somebody else.
func asSeenBy(by string, a *authz.Asked) *policy.Request {
	if by != authz.ByTrust {
		return a.Request
	}
	q := *a.Request
	if !a.Layers.TrustsARN {
		q.Principal.ARN = ""
	}
	if !a.Layers.TrustsRole {
		q.Principal.RoleARN = ""
	}
	return &q
}
