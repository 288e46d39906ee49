package authz

import (
	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/policy"
)

// Layers is everything that has a say in one decision: the sets of policies
// that apply to a principal and to what it asks for, each compiled. Decide puts
// them in order. Layers never change once made and hold no connection to where
// they were read, so that a decision can be explained, repeated and tried with
// one of them replaced.
//
// The zero value denies.
type Layers struct {
	Identity *policy.Set // of the user or role; nil grants nothing
	Boundary *policy.Set // permissions boundary; nil for none
	Session  *policy.Set // session policies, which count as one; nil for none
	Resource *policy.Set // of the resource, for example of the bucket; nil for none
	Trust    *policy.Set // of the role to be assumed: when there is one, it must allow

	// TrustsARN and TrustsRole say that an ARN in Trust that is the caller's own,
	// or its role's, meant this caller when the policy was saved, and not
	// somebody who had the name before. An ARN that is not confirmed here is
	// withheld from Trust.
	TrustsARN, TrustsRole bool

	// Owner is the account of what is asked for; "" is the caller's own. When
	// it is another, the resource's policy and the caller's own must both allow.
	Owner string

	// UserSession marks credentials of sts:GetSessionToken: see refusedToUserSession.
	UserSession bool

	// Known says that the caller is somebody who is known, though the question
	// may not say who: in a simulation of a role or of policies alone.
	Known bool

	// Device, when there is one, decides alone: IoT policies of a certificate and
	// of the groups of the thing it speaks for. Of OtherThings, the policies of
	// the groups of all other things attached to the certificate, only what
	// denies counts.
	Device, OtherThings *policy.Set
}

// mentions tells whether a policy that has a say on a signed request mentions a
// condition key that begins with prefix.
func (l *Layers) mentions(prefix string) bool {
	for _, set := range [...]*policy.Set{l.Identity, l.Boundary, l.Session, l.Resource} {
		if set.Mentions(prefix) {
			return true
		}
	}
	return false
}

// Verdict is a decision with what made it. The zero value denies.
type Verdict struct {
	Decision policy.Decision
	By       string        // which kind of policy made it, as AWS names it in denials: one of the By constants, or ""
	Reason   policy.Reason // the statement that made it; zero when none did
	Asked    *Asked        // what was asked; nil from Layers.Decide
}

// Asked is a question as it was put to the policies: enough to explain the
// answer and to ask again. It must not be changed.
type Asked struct {
	Request *policy.Request
	Layers  Layers
	Kind    string  // one of the Kind constants
	Verdict Verdict // without Asked
}

// The kinds of question.
const (
	KindRequest = "request" // may this principal do this?
	KindTrust   = "trust"   // may it assume this role, or pass something to it?
	KindIoT     = "iot"     // may this device use this role alias?
)

// The kinds of policy, as AWS's denial messages name them, and what else can
// decide.
const (
	ByIdentity    = "identity-based policy"
	ByBoundary    = "permissions boundary"
	BySession     = "session policy"
	ByResource    = "resource-based policy"
	ByTrust       = "role trust policy"
	ByIoT         = "IoT policy"
	ByUserSession = "session of GetSessionToken" // no policy: what such credentials are not for
	ByRoot        = "account root user"          // no policy: not limited by identity policies
	ByNothing     = "needs no permission"        // no policy was asked
)

// Allow is the only decision that lets a request through.
const Allow = policy.Allow

// Allowed tells whether the decision is Allow.
func (v Verdict) Allowed() bool { return v.Decision == policy.Allow }

// Why names what made the decision, for the log line: the kind of policy, the
// policy and the statement.
func (v Verdict) Why() string {
	if v.Reason.Policy == "" {
		return v.By
	}
	text := v.By + " " + v.Reason.Policy
	if v.Reason.Sid != "" {
		text += " " + v.Reason.Sid
	}
	return text
}

// by makes a verdict of what one set said.
func by(kind string, r policy.Result) Verdict {
	return Verdict{Decision: r.Decision, By: kind, Reason: r.Reason}
}

// layer is one set of policies with what it said.
type layer struct {
	kind    string
	present bool
	result  policy.Result
}

// ask fills the layer in place: results are large enough for copies to count.
func (l *layer) ask(kind string, set *policy.Set, q *policy.Request) {
	l.kind = kind
	if set != nil {
		l.present, l.result = true, set.Evaluate(q)
	}
}

// verdict is that the layer decides.
func (l *layer) verdict() Verdict { return by(l.kind, l.result) }

func (l *layer) denies() bool { return l.result.Decision == policy.ExplicitDeny }
func (l *layer) allows() bool { return l.result.Decision == policy.Allow }

// limits tells whether a layer that only narrows is there and does not allow.
func (l *layer) limits() bool { return l.present && !l.allows() }

// answers is what each layer said.
type answers struct {
	identity, boundary, session, resource, trust layer
}

// granter is the layer whose Allow may suffice: of what is asked for, or of the
// role that is to be assumed.
func (a *answers) granter() *layer {
	if a.trust.present {
		return &a.trust
	}
	return &a.resource
}

// Decide answers a question. It is the order of evaluation of the IAM user
// guide ("Policy evaluation logic"), and all of it: the doors, the simulator and
// whoever asks what would be decided use this function. It is pure. It does not
// allocate, except for a caller whose ARN is withheld from a trust policy.
//
// A Deny in any layer is final. Else a resource's policy that names the caller
// may suffice (see granted). Else identity policies, boundary and session
// policies must all allow.
func (l *Layers) Decide(q *policy.Request) Verdict {
	switch {
	case l == nil || q == nil:
		return Verdict{}
	case l.Device != nil || l.OtherThings != nil:
		return l.decideDevice(q)
	case needsNoPermission(q) && (l.Known || q.Principal.ARN != ""):
		return Verdict{Decision: policy.Allow, By: ByNothing}
	case l.UserSession && refusedToUserSession(q.Action):
		return Verdict{Decision: policy.ImplicitDeny, By: ByUserSession}
	}
	var a answers
	a.identity.ask(ByIdentity, l.Identity, q)
	a.boundary.ask(ByBoundary, l.Boundary, q)
	a.session.ask(BySession, l.Session, q)
	a.resource.ask(ByResource, l.Resource, q)
	l.askTrust(&a.trust, q)
	for _, layer := range [...]*layer{&a.identity, &a.boundary, &a.session, &a.resource, &a.trust} {
		if layer.denies() {
			return layer.verdict()
		}
	}
	if l.Boundary != nil {
		if reason, ok := l.Resource.NotPrincipalDeny(q); ok {
			return Verdict{Decision: policy.ExplicitDeny, By: ByResource, Reason: reason}
		}
	}
	return l.granted(q, &a)
}

// askTrust asks the trust policy about a caller that it may know by its ARN.
func (l *Layers) askTrust(trust *layer, q *policy.Request) {
	if l.Trust != nil &&
		(!l.TrustsARN && q.Principal.ARN != "" || !l.TrustsRole && q.Principal.RoleARN != "") {
		q = l.withhold(q)
	}
	trust.ask(ByTrust, l.Trust, q)
}

// withhold returns the question without the ARNs that mean somebody else.
func (l *Layers) withhold(q *policy.Request) *policy.Request {
	meant := *q
	if !l.TrustsARN {
		meant.Principal.ARN = ""
	}
	if !l.TrustsRole {
		meant.Principal.RoleARN = ""
	}
	return &meant
}

// granted looks for what allows, nothing having denied. How far the policy of
// the resource, or the trust policy of the role, reaches depends on how it names
// the caller:
//
//   - the user, the session or everyone: it suffices;
//   - the role of the session: boundary and session policies still limit;
//   - the account: it leaves the decision to the account, so that identity
//     policies must allow as well;
//   - a service has no policies of its own, and neither has who is anonymous.
func (l *Layers) granted(q *policy.Request, a *answers) Verdict {
	p, granter := &q.Principal, a.granter()
	stranger := p.Service != "" || p.Anonymous
	another := l.Owner != "" && l.Owner != p.Account
	grant := policy.NoPrincipal
	if granter.allows() && !another {
		grant = granter.result.Grant
	}
	switch {
	case stranger, !granter.allows() && (another || a.trust.present):
		return granter.verdict()
	case grant == policy.DirectGrant, grant == policy.Everyone:
		return granter.verdict()
	}
	byRole, root := grant == policy.RoleGrant, isRoot(p)
	switch {
	case !byRole && !root && !a.identity.allows():
		return a.identity.verdict()
	case a.boundary.limits():
		return a.boundary.verdict()
	case a.session.limits():
		return a.session.verdict()
	case byRole, a.trust.present:
		return granter.verdict()
	case root && !a.identity.allows():
		return Verdict{Decision: policy.Allow, By: ByRoot}
	}
	return a.identity.verdict()
}

// decideDevice asks IoT policies.
func (l *Layers) decideDevice(q *policy.Request) Verdict {
	device := l.Device.Evaluate(q)
	if device.Decision != policy.ExplicitDeny && l.OtherThings != nil {
		if other := l.OtherThings.Evaluate(q); other.Decision == policy.ExplicitDeny {
			return by(ByIoT, other)
		}
	}
	return by(ByIoT, device)
}

// isRoot tells whether the caller is the account itself.
func isRoot(p *policy.Principal) bool {
	const before, after = "arn:aws:iam::", ":root"
	n := len(before) + len(p.Account)
	return p.Account != "" && len(p.ARN) == n+len(after) &&
		p.ARN[:len(before)] == before && p.ARN[len(before):n] == p.Account && p.ARN[n:] == after
}

// needsNoPermission reports whether the action is sts:GetCallerIdentity, which
// no known caller can be denied (AWS STS API reference, GetCallerIdentity), and
// the caller is not anonymous.
func needsNoPermission(q *policy.Request) bool {
	return thingpass.SameKey(q.Action, "sts:GetCallerIdentity") && !q.Principal.Anonymous
}

// forUserSessions are the actions of IAM and STS that credentials of
// GetSessionToken are good for. AWS names the operations AssumeRole and
// GetCallerIdentity (AWS STS API reference, GetSessionToken); the others here
// are no operations, but permissions that AssumeRole and the making of a role
// alias ask for besides.
var forUserSessions = [...]string{
	"sts:AssumeRole", "sts:GetCallerIdentity", "sts:TagSession", "sts:SetSourceIdentity", "iam:PassRole",
}

// refusedToUserSession tells whether the credentials of GetSessionToken are no
// good for an action, whatever the user may do: IAM does not take them, and STS
// for little.
func refusedToUserSession(action string) bool {
	if len(action) < 4 || !thingpass.SameKey(action[:4], "iam:") && !thingpass.SameKey(action[:4], "sts:") {
		return false
	}
	for _, a := range forUserSessions {
		if thingpass.SameKey(action, a) {
			return false
		}
	}
	return true
}
