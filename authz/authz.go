// Package authz decides whether a principal may do something: it knows which
// policies apply to whom and in which order they are asked.
//
// It owns the order of evaluation, the principal's condition keys, the caches
// of compiled policies, and the words in which a denial is explained. It does
// not own the policy language (package policy) or where policies are stored
// (package store).
//
// The database is trusted. The zero value of every verdict denies, and an
// error while deciding is a denial for the caller.
package authz

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/store"
)

// Authz decides. Its fields are set before first use.
type Authz struct {
	Place  thingpass.Place
	Recent *store.Recent // reads no older than a second

	// StrictVariables turns off the seed spellings ${iot:thingName},
	// ${iot:thingType} and ${iot:certificateId} in role policies.
	StrictVariables bool

	compiled *otter.Cache[source, *policy.Policy]
}

// source is the content a compiled policy is cached by.
type source struct {
	kind policy.Kind
	text string
}

// Policies kept compiled. A policy text is at most 10 KiB, so this bounds the
// cache to a few hundred MiB in the worst case and a few MiB in practice.
const compiledPolicies = 16384

// New returns an Authz for an installation.
func New(place thingpass.Place, recent *store.Recent) *Authz {
	return &Authz{
		Place: place, Recent: recent,
		compiled: otter.Must(&otter.Options[source, *policy.Policy]{MaximumSize: compiledPolicies}),
	}
}

// Request is one question.
type Request struct {
	Principal thingpass.Principal
	Action    string // service:Name
	Resource  string // ARN, decoded and never normalised
	Context   *policy.Context
}

// Verdict is a decision with what made it. The zero value denies.
type Verdict struct {
	Decision policy.Decision
	By       string          // which kind of policy made it, as AWS names it in denials
	Reasons  []policy.Reason // the statements that made it
}

// Allow is the only decision that lets a request through.
const Allow = policy.Allow

// Allowed tells whether the decision is Allow.
func (v Verdict) Allowed() bool { return v.Decision == policy.Allow }

// Context is a set of condition keys.
type Context = policy.Context

// Reason names what made the decision, for logs: the kind of policy, the policy
// and the statement.
func (v Verdict) Reason() string {
	if len(v.Reasons) == 0 {
		return v.By
	}
	r := v.Reasons[0]
	text := v.By + " " + r.Policy
	if r.Sid != "" {
		text += " " + r.Sid
	}
	return text
}

// NewContext returns an empty set of condition keys.
func NewContext() *policy.Context { return policy.NewContext() }

// The kinds of policy, as AWS's denial messages name them.
const (
	byIdentity = "identity-based policy"
	bySession  = "session policy"
	byTrust    = "role trust policy"
	byIoT      = "IoT policy"
)

// Decide answers for a user or a session: its identity policies, then, when
// there is one, the session policy (both must allow).
func (a *Authz) Decide(ctx context.Context, req Request) (Verdict, error) {
	q := a.request(req)
	identity, err := a.identity(ctx, req.Principal, q)
	if err != nil {
		return Verdict{}, err
	}
	session, err := a.session(req.Principal, q)
	if err != nil {
		return Verdict{}, err
	}
	// Where both refuse, an explicit deny is what is named.
	if identity.Decision != policy.ExplicitDeny && !session.Allowed() &&
		(identity.Allowed() || session.Decision == policy.ExplicitDeny) {
		return session, nil
	}
	return identity, nil
}

// identity asks the principal's own policies.
func (a *Authz) identity(ctx context.Context, p thingpass.Principal, q *policy.Request) (Verdict, error) {
	set, err := a.identityPolicies(ctx, p)
	if err != nil {
		return Verdict{}, err
	}
	r := policy.Evaluate(set, q)
	return Verdict{Decision: r.Decision, By: byIdentity, Reasons: r.Reasons}, nil
}

// session asks the session policy. Where there is none it allows: it only ever
// narrows what others grant.
func (a *Authz) session(p thingpass.Principal, q *policy.Request) (Verdict, error) {
	if p.SessionPolicy == "" {
		return Verdict{Decision: policy.Allow, By: byIdentity}, nil
	}
	compiled, err := a.compile(policy.Session, p.SessionPolicy)
	if err != nil {
		return Verdict{}, fmt.Errorf("session policy: %w", err)
	}
	r := policy.Evaluate([]policy.Named{{Name: "session policy", Policy: compiled}}, q)
	return Verdict{Decision: r.Decision, By: bySession, Reasons: r.Reasons}, nil
}

// AssumeRole answers whether a principal may assume a role. The trust policy
// must allow. Where it names only the account, the principal's own policies
// must allow as well; an explicit deny in them always counts. A session policy
// must allow too, unless the trust policy names the very session.
//
// A user or role that was made after the trust policy was saved is not the one
// that the policy names, though its ARN be the same: see bind.
func (a *Authz) AssumeRole(ctx context.Context, role thingpass.Role, req Request) (Verdict, error) {
	p, err := a.compile(policy.Trust, role.TrustPolicy)
	if err != nil {
		return Verdict{}, fmt.Errorf("trust policy of role %s: %w", role.Name, err)
	}
	q := a.request(req)
	bind(&q.Principal, role.TrustIDs, req.Principal)
	trust := policy.Evaluate([]policy.Named{{Name: "trust policy", Policy: p}}, q)
	verdict := Verdict{Decision: trust.Decision, By: byTrust, Reasons: trust.Reasons}
	if trust.Decision != policy.Allow || req.Principal.Kind == thingpass.ServicePrincipal {
		return verdict, nil
	}
	full := a.request(req)
	identity, err := a.identity(ctx, req.Principal, full)
	if err != nil {
		return Verdict{}, err
	}
	session, err := a.session(req.Principal, full)
	if err != nil {
		return Verdict{}, err
	}
	switch {
	case identity.Decision == policy.ExplicitDeny:
		return identity, nil
	case session.Decision == policy.ExplicitDeny:
		return session, nil
	case trust.Grant != policy.DirectGrant && !session.Allowed():
		return session, nil
	case trust.Grant == policy.AccountGrant && !identity.Allowed():
		return identity, nil
	}
	return verdict, nil
}

// bind withholds those ARNs of a caller by which a trust policy does not mean
// it: its own and its role's, unless ids, which were taken when the policy was
// saved, has the ARN with the caller's unique id. An ARN that ids does not have
// names nobody.
//
// The ARN is withheld from denying statements too: one that denied a deleted
// user or role by name does not deny its successor, whom another statement may
// allow, for instance one that names the account. That is what AWS does (IAM
// user guide, "AWS JSON policy elements: Principal": the ARN is saved as the
// unique id, and the successor has another). To deny whoever has the name, a
// policy compares aws:PrincipalArn in a condition, which is not withheld.
func bind(caller *policy.Principal, ids map[string]string, p thingpass.Principal) {
	id := p.UniqueID
	if p.Kind == thingpass.SessionPrincipal {
		id = p.RoleID
	}
	for _, arn := range []*string{&caller.ARN, &caller.RoleARN} {
		if id == "" || ids[*arn] != id {
			*arn = ""
		}
	}
}

// AssumeRoleWithCertificate answers for a device: do the IoT policies attached
// to its certificate let it use a role alias?
func (a *Authz) AssumeRoleWithCertificate(device *thingpass.Device, aliasARN string, keys *policy.Context) (Verdict, error) {
	set := make([]policy.Named, 0, len(device.Policies))
	for i, text := range device.Policies {
		p, err := a.compile(policy.IoT, text)
		if err != nil {
			return Verdict{}, fmt.Errorf("IoT policy %s: %w", device.PolicyNames[i], err)
		}
		set = append(set, policy.Named{Name: device.PolicyNames[i], Policy: p})
	}
	result := policy.Evaluate(set, &policy.Request{
		Principal: policy.Principal{Account: a.Place.Account, ARN: a.Place.Certificate(device.CertificateID)},
		Action:    "iot:AssumeRoleWithCertificate", Resource: aliasARN, Context: keys,
	})
	return Verdict{Decision: result.Decision, By: byIoT, Reasons: result.Reasons}, nil
}

func (a *Authz) identityPolicies(ctx context.Context, p thingpass.Principal) ([]policy.Named, error) {
	var inline []thingpass.InlinePolicy
	switch p.Kind {
	case thingpass.UserPrincipal:
		u, err := a.Recent.User(ctx, p.User)
		if err != nil {
			return nil, err
		}
		inline = u.Inline
	case thingpass.SessionPrincipal:
		r, err := a.Recent.RoleByID(ctx, p.RoleID)
		if err != nil {
			return nil, err
		}
		inline = r.Inline
	}
	set := make([]policy.Named, 0, len(inline))
	for _, d := range inline {
		c, err := a.compile(policy.Identity, d.Document)
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", d.Name, err)
		}
		set = append(set, policy.Named{Name: d.Name, Policy: c})
	}
	return set, nil
}

func (a *Authz) compile(kind policy.Kind, text string) (*policy.Policy, error) {
	key := source{kind, text}
	if p, ok := a.compiled.GetIfPresent(key); ok {
		return p, nil
	}
	p, err := policy.Parse(kind, text)
	if err != nil {
		return nil, err
	}
	a.compiled.Set(key, p)
	return p, nil
}

// request puts a question into the policy language, with the principal's
// condition keys added to a copy of the caller's.
func (a *Authz) request(req Request) *policy.Request {
	keys := policy.NewContext()
	if req.Context != nil {
		keys = req.Context.Clone()
	}
	a.principalKeys(keys, req.Principal)
	return &policy.Request{
		Principal: policy.Principal{
			Account: req.Principal.Account, ARN: req.Principal.ARN,
			RoleARN: req.Principal.RoleARN, Service: req.Principal.Service,
			Anonymous: req.Principal.Kind == thingpass.Nobody,
		},
		Action: req.Action, Resource: req.Resource, Context: keys,
	}
}

// principalKeys sets the condition keys that say who asks (IAM user guide,
// "AWS global condition context keys"; AWS IoT developer guide, "Authorizing
// direct calls to AWS services").
func (a *Authz) principalKeys(keys *policy.Context, p thingpass.Principal) {
	keys.Set("aws:PrincipalIsAWSService", boolean(p.Kind == thingpass.ServicePrincipal))
	keys.Set("aws:ViaAWSService", "false")
	keys.Set("aws:RequestedRegion", a.Place.Region)
	keys.Set("aws:ResourceAccount", a.Place.Account)
	if p.Kind == thingpass.ServicePrincipal {
		keys.Set("aws:PrincipalServiceName", p.Service)
		return
	}
	keys.Set("aws:PrincipalAccount", p.Account)
	keys.Set("aws:userid", p.UniqueID)
	switch p.Kind {
	case thingpass.UserPrincipal:
		keys.Set("aws:PrincipalArn", p.ARN)
		keys.Set("aws:PrincipalType", "User")
		keys.Set("aws:username", p.User)
	case thingpass.SessionPrincipal:
		keys.Set("aws:PrincipalArn", p.RoleARN)
		keys.Set("aws:PrincipalType", "AssumedRole")
		keys.Set("aws:TokenIssueTime", p.Issued.UTC().Format(time.RFC3339))
		keys.Set("aws:MultiFactorAuthPresent", "false")
		a.deviceKeys(keys, p)
	}
}

// deviceKeys sets the three variables of the credentials provider, each also
// in the spelling of AWS's launch article. A thing that was not named, and a
// type that a thing does not have, leave their keys absent.
func (a *Authz) deviceKeys(keys *policy.Context, p thingpass.Principal) {
	for _, v := range []struct{ key, alias, value string }{
		{"credentials-iot:AwsCertificateId", "iot:certificateId", p.CertificateID},
		{"credentials-iot:ThingName", "iot:thingName", p.Thing},
		{"credentials-iot:ThingTypeName", "iot:thingType", p.ThingType},
	} {
		if v.value == "" {
			continue
		}
		keys.Set(v.key, v.value)
		if !a.StrictVariables {
			keys.Set(v.alias, v.value)
		}
	}
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// Denial is the sentence AWS answers a denied request with (IAM user guide,
// "Troubleshoot access denied error messages").
func Denial(req Request, v Verdict) string {
	who := req.Principal.ARN
	if who == "" {
		who = req.Principal.Service
	}
	var b strings.Builder
	fmt.Fprintf(&b, "User: %s is not authorized to perform: %s on resource: %s", who, req.Action, req.Resource)
	article := "a"
	if v.By == byIdentity || v.By == byIoT {
		article = "an"
	}
	if v.By == byTrust {
		article = "the"
	}
	if v.Decision == policy.ExplicitDeny {
		fmt.Fprintf(&b, " with an explicit deny in %s %s", article, v.By)
	} else if v.By != "" {
		fmt.Fprintf(&b, " because no %s allows the %s action", v.By, req.Action)
	}
	return b.String()
}
