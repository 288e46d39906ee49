package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/policy"
)

// Names that reasons show for policies that have none of their own.
const (
	nameSession  = "session policy"
	nameTrust    = "trust policy"
	nameResource = "bucket policy"
)

// Layers returns what applies to a principal whatever it asks for: its identity
// policies, its boundary and its session policies. It fails when one of them
// cannot be read or does not compile, and then nothing is allowed.
func (a *Authz) Layers(ctx context.Context, p thingpass.Principal) (Layers, error) {
	return a.LayersWith(ctx, p, nil)
}

// LayersWith is Layers with the principal's stored grants changed first, for
// trying a policy before it is saved: see WithInline and WithManaged. The change
// must not write to what it is given; nil changes nothing.
func (a *Authz) LayersWith(ctx context.Context, p thingpass.Principal, change func(thingpass.Grants) thingpass.Grants) (Layers, error) {
	var grants thingpass.Grants
	var owner, boundary string
	switch p.Kind {
	case thingpass.UserPrincipal:
		u, err := a.Recent.User(ctx, p.User)
		if err != nil {
			return Layers{}, unread("user", p.User, err)
		}
		if u.ID != p.UniqueID {
			return Layers{}, fmt.Errorf("read policies of user %q: the name is another user's by now", p.User)
		}
		grants, owner, boundary = u.Grants, u.ID, u.PermissionsBoundary
	case thingpass.SessionPrincipal:
		r, err := a.Recent.RoleByID(ctx, p.RoleID)
		if err != nil {
			return Layers{}, unread("role", p.RoleName, err)
		}
		grants, owner, boundary = r.Grants, r.ID, r.PermissionsBoundary
	default:
		return Layers{}, nil
	}
	if boundary != "" && grants.Boundary == nil {
		return Layers{}, fmt.Errorf("read policies of %s: permissions boundary %s was not read", p.ARN, boundary)
	}
	if change != nil {
		// Not under the owner's key: what is stored stays compiled.
		grants, owner = change(grants), ""
	}
	l, err := a.grants(owner, &grants)
	if err != nil {
		return Layers{}, err
	}
	l.UserSession = p.Kind == thingpass.UserPrincipal && p.Temporary
	if l.Session, err = a.session(ctx, &p); err != nil {
		return Layers{}, err
	}
	return l, nil
}

// unread hides the kind of an error: to the caller of an operation, "not found"
// would look like an answer about what it asked for.
func unread(what, name string, err error) error {
	if kind := thingpass.KindOf(err); kind == thingpass.Internal || kind == thingpass.Unavailable {
		return fmt.Errorf("read policies of %s %q: %w", what, name, err)
	}
	return fmt.Errorf("read policies of %s %q: %v", what, name, err)
}

// grants compiles what a user or role has. The owner is its unique id, or "" for
// grants that are not as they are stored.
func (a *Authz) grants(owner string, g *thingpass.Grants) (Layers, error) {
	b := bundle{kind: policy.Identity, inline: g.Inline, managed: g.Managed}
	key := setKey{purpose: forIdentity, owner: owner}
	if owner == "" {
		key = a.sets.shared(forIdentity, &b)
	}
	identity, err := a.sets.get(key, &b)
	if err != nil {
		return Layers{}, err
	}
	l := Layers{Identity: identity.set}
	if g.Boundary != nil {
		b := bundle{kind: policy.Identity, single: thingpass.InlinePolicy{Name: g.Boundary.ARN, Document: g.Boundary.Document}}
		boundary, err := a.sets.get(setKey{purpose: forBoundary, owner: g.Boundary.ARN}, &b)
		if err != nil {
			return Layers{}, fmt.Errorf("permissions boundary: %w", err)
		}
		l.Boundary = boundary.set
	}
	return l, nil
}

// session compiles the session policies of a principal, or returns nil when it
// has none. One that is gone limits like one that allows nothing.
func (a *Authz) session(ctx context.Context, p *thingpass.Principal) (*policy.Set, error) {
	if p.SessionPolicy == "" && len(p.PolicyARNs) == 0 {
		return nil, nil
	}
	b := bundle{kind: policy.Session, single: thingpass.InlinePolicy{Name: nameSession, Document: p.SessionPolicy}}
	for _, arn := range p.PolicyARNs {
		document, err := a.Recent.ManagedPolicy(ctx, arn)
		if thingpass.KindOf(err) == thingpass.NotFound {
			// What it denied nobody knows any more: a nil policy denies everything.
			return policy.NewSet(policy.Named{Name: arn + ", which is deleted"}), nil
		}
		if err != nil {
			return nil, fmt.Errorf("session policy %s: %w", arn, err)
		}
		b.managed = append(b.managed, document)
	}
	c, err := a.sets.get(a.sets.shared(forSession, &b), &b)
	if err != nil {
		return nil, err
	}
	return c.set, nil
}

// DeviceLayers returns what decides what a device may do that speaks for a
// thing, or for none: the IoT policies of its certificate and of the groups that
// the thing is in, with all groups above them. A Deny counts from the groups of
// every other attached thing, too: a device must not escape a group that denies
// by not naming its thing.
func (a *Authz) DeviceLayers(device *thingpass.Device, thing string) (Layers, error) {
	b := bundle{device: device.Policies, deviceNames: device.PolicyNames}
	var others bundle
	for i := range device.Things {
		t := &device.Things[i]
		if t.Thing == thing && thing != "" {
			b.groups = t.GroupPolicies
		} else {
			others.groups = append(others.groups, t.GroupPolicies...)
		}
	}
	own, err := a.sets.get(a.sets.shared(forDevice, &b), &b)
	if err != nil {
		return Layers{}, err
	}
	l := Layers{Device: own.set}
	if len(others.groups) > 0 {
		other, err := a.sets.get(a.sets.shared(forDevice, &others), &others)
		if err != nil {
			return Layers{}, err
		}
		l.OtherThings = other.set
	}
	return l, nil
}

// WithInline returns grants with one inline policy put in, in place of the one
// of that name if there is one.
func WithInline(g thingpass.Grants, name, document string) thingpass.Grants {
	g.Inline = slices.Clone(g.Inline)
	p := thingpass.InlinePolicy{Name: name, Document: document}
	i, found := slices.BinarySearchFunc(g.Inline, name, func(p thingpass.InlinePolicy, name string) int {
		return strings.Compare(p.Name, name)
	})
	if found {
		g.Inline[i] = p
	} else {
		g.Inline = slices.Insert(g.Inline, i, p)
	}
	return g
}

// WithManaged returns grants with another text of a managed policy, wherever
// they have it: attached or as the boundary.
func WithManaged(g thingpass.Grants, arn, document string) thingpass.Grants {
	g.Managed = slices.Clone(g.Managed)
	for i := range g.Managed {
		if g.Managed[i].ARN == arn {
			g.Managed[i].Document = document
		}
	}
	if g.Boundary != nil && g.Boundary.ARN == arn {
		g.Boundary = &thingpass.ManagedDocument{ARN: arn, Document: document}
	}
	return g
}

// deviceKeyPrefix begins the condition keys that sessions of devices have.
const deviceKeyPrefix = "credentials-iot:"

// awsDeviceKeys are those that every such session has when they apply.
var awsDeviceKeys = [...]string{
	"credentials-iot:AwsCertificateId", "credentials-iot:ThingName", "credentials-iot:ThingTypeName",
}

// DeviceKeyNames lists the condition keys beyond AWS's three that the sessions of
// a role need for its policies: those of credentials-iot that its inline and
// managed policies and its boundary mention, as they are spelled there, sorted,
// each in one spelling. The caller must not change the list.
func (a *Authz) DeviceKeyNames(_ context.Context, role *thingpass.RoleGrants) ([]string, error) {
	b := bundle{kind: policy.Identity, inline: role.Inline, managed: role.Managed}
	if role.Boundary != nil {
		b.single = thingpass.InlinePolicy{Name: role.Boundary.ARN, Document: role.Boundary.Document}
	}
	c, err := a.sets.get(setKey{purpose: forMentions, owner: role.ID}, &b)
	if err != nil {
		return nil, err
	}
	return c.keys, nil
}

// deviceKeyNames picks the keys of DeviceKeyNames out of all that a set
// mentions.
func deviceKeyNames(set *policy.Set) []string {
	var names []string
	for _, key := range set.ContextKeys() {
		same := func(other string) bool { return thingpass.SameKey(key, other) }
		if len(key) > len(deviceKeyPrefix) && thingpass.SameKey(key[:len(deviceKeyPrefix)], deviceKeyPrefix) &&
			!slices.ContainsFunc(awsDeviceKeys[:], same) && !slices.ContainsFunc(names, same) {
			names = append(names, key)
		}
	}
	return names
}
