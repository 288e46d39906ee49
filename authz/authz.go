// Package authz decides whether a principal may do something: it knows which
// policies apply to whom and in which order they are asked.
//
// It owns the order of evaluation, the principal's condition keys, the cache of
// compiled sets of policies, and the words in which a denial is explained. It
// does not own the policy language (package policy) or where policies are stored
// (package store).
//
// The database is trusted. The zero value of every verdict denies, and an
// error while deciding is a denial for the caller.
package authz

import (
	"context"
	"fmt"
	"strings"

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

	sets *sets
}

// New returns an Authz for an installation.
func New(place thingpass.Place, recent *store.Recent) *Authz {
	return &Authz{Place: place, Recent: recent, sets: newSets(setBytes)}
}

// Request is one question.
type Request struct {
	Principal thingpass.Principal
	Action    string // service:Name
	Resource  string // ARN, decoded and never normalised
	Context   *policy.Context
	Late      *Late // condition keys that cost something to find out; nil for none

	// Complete says that Context has what PrincipalKeys sets, and is given over: it
	// does not change any more and keeps nothing else in memory.
	Complete bool

	Public bool // the request is knowingly unsigned: the resource's policy may allow it to everyone
}

// Late is a family of single-valued condition keys that are found out only when
// a policy that has a say mentions one of them. Names are compared without regard
// to ASCII case.
type Late struct {
	Prefix string // what the names of the family begin with, for example "s3:ExistingObjectTag/"

	// Keys finds them out. An error is one of deciding: the request is refused.
	Keys func(context.Context) (map[string]string, error)
}

// Context is a set of condition keys.
type Context = policy.Context

// Key is the name of a condition key, ready to be set many times.
type Key = policy.Key

// NewKey readies a name.
func NewKey(name string) Key { return policy.NewKey(name) }

// NewContextOver returns a set of condition keys in which those of base, which
// must not change any more, count whatever is set. It has room for size others.
func NewContextOver(base *policy.Context, size int) *policy.Context {
	return policy.NewContextOver(base, size)
}

// NewContext returns an empty set of condition keys.
func NewContext() *policy.Context { return policy.NewContext() }

// Decide answers for a user or a session. For actions of S3 the policy of the
// bucket is asked, too. Nobody may do nothing, whatever a bucket's policy says of
// everyone, unless the request says that it is Public.
func (a *Authz) Decide(ctx context.Context, req Request) (Verdict, error) {
	l, err := a.Layers(ctx, req.Principal)
	if err != nil {
		return Verdict{}, err
	}
	if l.Resource, err = a.resource(ctx, req.Action, req.Resource); err != nil {
		return Verdict{}, err
	}
	if req.Principal.Kind == thingpass.Nobody && !req.Public {
		l.Resource = nil
	}
	if err := late(ctx, &req, &l); err != nil {
		return Verdict{}, err
	}
	return a.ask(KindRequest, req, &l), nil
}

// late adds the condition keys of req.Late if they can matter.
func late(ctx context.Context, req *Request, l *Layers) error {
	if req.Late == nil || !l.mentions(req.Late.Prefix) {
		return nil
	}
	keys, err := req.Late.Keys(ctx)
	if err != nil {
		return fmt.Errorf("find out condition keys %s…: %w", req.Late.Prefix, err)
	}
	if !req.Complete {
		req.Context = req.Context.Clone()
	}
	for k, v := range keys {
		req.Context.Set(k, v)
	}
	return nil
}

// AssumeRole answers whether a principal may assume a role, or pass a tag or a
// source identity to its session: the action says which. The trust policy must
// allow. Whether the principal's own policies must allow as well depends on how
// the trust policy names it: see Layers.Decide.
//
// A user or role that was made after the trust policy was saved is not the one
// that the policy names, though its ARN be the same: see bind.
func (a *Authz) AssumeRole(ctx context.Context, role thingpass.Role, req Request) (Verdict, error) {
	l, err := a.Layers(ctx, req.Principal)
	if err != nil {
		return Verdict{}, err
	}
	b := bundle{kind: policy.Trust, single: thingpass.InlinePolicy{Name: nameTrust, Document: role.TrustPolicy}}
	trust, err := a.sets.get(setKey{purpose: forTrust, owner: role.ID}, &b)
	if err != nil {
		return Verdict{}, fmt.Errorf("role %s: %w", role.Name, err)
	}
	l.Trust = trust.set
	l.bind(role.TrustIDs, &req.Principal)
	return a.ask(KindTrust, req, &l), nil
}

// bind withholds from the trust policy those ARNs of a caller by which it does
// not mean it: its own and its role's, unless ids, which were taken when the
// policy was saved, has the ARN with the caller's unique id. An ARN that ids
// does not have names nobody.
//
// The ARN is withheld from denying statements too: one that denied a deleted
// user or role by name does not deny its successor, whom another statement may
// allow, for instance one that names the account. That is what AWS does (IAM
// user guide, "AWS JSON policy elements: Principal": the ARN is saved as the
// unique id, and the successor has another). To deny whoever has the name, a
// policy compares aws:PrincipalArn in a condition, which is not withheld.
func (l *Layers) bind(ids map[string]string, p *thingpass.Principal) {
	id := p.UniqueID
	if p.Kind == thingpass.SessionPrincipal {
		id = p.RoleID
	}
	l.TrustsARN = id != "" && ids[p.ARN] == id
	l.TrustsRole = id != "" && ids[p.RoleARN] == id
}

// AssumeRoleWithCertificate answers for a device that speaks for a thing, or for
// none (""): may it use a role alias? See DeviceLayers for the policies that are
// asked. The verdict keeps keys, so the caller must not change them any more.
func (a *Authz) AssumeRoleWithCertificate(device *thingpass.Device, thing, aliasARN string, keys *policy.Context) (Verdict, error) {
	l, err := a.DeviceLayers(device, thing)
	if err != nil {
		return Verdict{}, err
	}
	q := &policy.Request{
		Principal: policy.Principal{Account: a.Place.Account, ARN: a.Place.Certificate(device.CertificateID)},
		Action:    "iot:AssumeRoleWithCertificate", Resource: aliasARN, Context: keys,
	}
	return answer(KindIoT, q, &l), nil
}

// resource compiles the policy of what is asked for, or returns nil when it has
// none. Only buckets have policies.
func (a *Authz) resource(ctx context.Context, action, arn string) (*policy.Set, error) {
	const service = "s3:"
	rest, ok := strings.CutPrefix(arn, "arn:"+thingpass.Partition+":s3:::")
	if !ok || len(action) < len(service) || !thingpass.SameKey(action[:len(service)], service) {
		return nil, nil
	}
	bucket, _, _ := strings.Cut(rest, "/")
	if bucket == "" || bucket == "*" {
		return nil, nil
	}
	document, err := a.Recent.BucketPolicy(ctx, bucket)
	if err != nil {
		return nil, fmt.Errorf("read policy of bucket %q: %w", bucket, err)
	}
	if document == "" {
		return nil, nil
	}
	b := bundle{kind: policy.Resource, single: thingpass.InlinePolicy{Name: nameResource, Document: document}}
	c, err := a.sets.get(setKey{purpose: forResource, owner: bucket}, &b)
	if err != nil {
		return nil, fmt.Errorf("bucket %q: %w", bucket, err)
	}
	return c.set, nil
}

// ask puts a question into the policy language, with the principal's condition
// keys added to a copy of the caller's unless they are there.
func (a *Authz) ask(kind string, req Request, l *Layers) Verdict {
	keys := req.Context
	if !req.Complete {
		keys = keys.Clone()
		a.PrincipalKeys(keys, &req.Principal)
	}
	return answer(kind, &policy.Request{
		Principal: policy.Principal{
			Account: req.Principal.Account, ARN: req.Principal.ARN,
			RoleARN: req.Principal.RoleARN, Service: req.Principal.Service,
			Anonymous: req.Principal.Kind == thingpass.Nobody,
		},
		// They are kept, and must not keep the request's body that they were cut out of.
		Action: strings.Clone(req.Action), Resource: strings.Clone(req.Resource), Context: keys,
	}, l)
}

// answer decides, and keeps what was asked with the answer.
func answer(kind string, q *policy.Request, l *Layers) Verdict {
	v := l.Decide(q)
	v.Asked = &Asked{Request: q, Layers: *l, Kind: kind, Verdict: v}
	return v
}
