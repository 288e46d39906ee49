package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

// Credentials are what a device or a caller of sts:AssumeRole receives.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey thingpass.Secret
	SessionToken    thingpass.Secret
	Expiration      time.Time // whole seconds, UTC
}

// Grant says what a session is to be bound to: a role with a name, a role with a
// device, or a user.
type Grant struct {
	Role     thingpass.Role
	Name     string // session name, 2 to 64 characters; "" for a device: its certificate id
	Duration time.Duration
	NotAfter time.Time // credentials never outlive this; zero for no such bound

	// Of a device: as it was read for the exchange, and the thing it speaks for.
	Device     *thingpass.Device
	Thing      string
	ThingType  string
	DeviceKeys []thingpass.DeviceKey // see ThingGroupsKey; an attribute without a value is one that the thing does not have

	// Of a caller of sts:AssumeRole. What these take together is bounded by
	// MaxPacked.
	Policy         string // session policy, "" for none
	PolicyARNs     []string
	Tags           []thingpass.Tag
	Transitive     []string // keys of those of Tags that further sessions inherit
	SourceIdentity string

	// Of a caller of sts:GetSessionToken, who has no role: the user, and the
	// long-lived access key that it asked with, which the session ends with.
	User      thingpass.User
	AccessKey thingpass.AccessKey // its ID and ValidAfter
}

// Bounds of what a session carries.
const (
	// MaxDeviceToken is how long a device's session token may be, in characters:
	// the smallest buffer that a client of the exchange has for a signed request
	// leaves room for about 1,200.
	MaxDeviceToken = 1000

	// MaxPacked is how much of a token session policies, their ARNs and session
	// tags may take, in bytes.
	MaxPacked = 5632

	// MaxUserSession is how long a user's temporary credentials may last (STS
	// API reference, GetSessionToken).
	MaxUserSession = 36 * time.Hour
)

// ErrTooLarge is wrapped by the error of Issue when what a session is to carry
// exceeds its bound.
var ErrTooLarge = errors.New("the session is too large")

// Packed is how many bytes of a token the session policies and tags of a grant
// take.
func (g *Grant) Packed() int {
	n := len(g.Policy)
	for _, arn := range g.PolicyARNs {
		n += len(arn) + perText
	}
	for _, t := range g.Tags {
		n += len(t.Key) + len(t.Value) + 2*perText
	}
	return n
}

// perText is what a text takes in a token besides its bytes, at most.
const perText = 3

// Failure says why an access key was not resolved.
type Failure uint8

// The failures. The zero value is no verdict and never returned.
const (
	_         Failure = iota
	Unknown           // no such access key, or it does not belong to the token
	Malformed         // the token is not one of ours, or does not go with the kind of key
	Expired           // the session is over
	Withdrawn         // the certificate, attachment or role it was issued for is gone
)

// Error is returned by Resolve. Reason is for logs, not for callers.
type Error struct {
	Failure Failure
	Reason  string

	// Was is whose session it was, when the token was genuine and the session is
	// over: certificate, thing, names and times as they were sealed, of Kind
	// Nobody. It is for explanations; the request was not proven to be theirs.
	Was *thingpass.Principal
}

func (e *Error) Error() string { return "resolve access key: " + e.Reason }

// Sessions issues and resolves. Its fields are set before first use.
type Sessions struct {
	Place  thingpass.Place
	Recent *store.Recent // reads no older than a second
	Now    func() time.Time

	opening atomic.Pointer[opening]
}

// New returns Sessions that use ring until SetRing replaces it.
func New(place thingpass.Place, recent *store.Recent, ring *Ring) *Sessions {
	s := &Sessions{Place: place, Recent: recent, Now: time.Now}
	s.SetRing(ring)
	return s
}

// SetRing replaces the key ring; requests in flight finish with the old one.
func (s *Sessions) SetRing(ring *Ring) { s.opening.Store(newOpening(ring)) }

// Issue makes temporary credentials for a grant. It reads and writes nothing.
func (s *Sessions) Issue(g Grant) (Credentials, error) {
	creds, err := s.issue(&g)
	if err != nil {
		return Credentials{}, fmt.Errorf("issue session: %w", err)
	}
	return creds, nil
}

func (s *Sessions) issue(g *Grant) (Credentials, error) {
	now := s.Now().UTC()
	expires := now.Truncate(time.Second).Add(g.Duration.Truncate(time.Second))
	if !g.NotAfter.IsZero() && expires.After(g.NotAfter) {
		expires = g.NotAfter.UTC().Truncate(time.Second)
	}
	rec, err := g.record(now.Truncate(time.Millisecond), expires)
	if err != nil {
		return Credentials{}, err
	}
	if n := g.Packed(); n > MaxPacked {
		return Credentials{}, fmt.Errorf("%w: policies and tags take %d bytes, at most %d are possible", ErrTooLarge, n, MaxPacked)
	}
	token, id, secret, err := s.opening.Load().ring.seal(rec, s.Place.Account)
	if err != nil {
		return Credentials{}, err
	}
	if g.Device != nil && len(token) > MaxDeviceToken {
		return Credentials{}, fmt.Errorf("%w: a token of %d characters, at most %d are possible: %s", ErrTooLarge, len(token), MaxDeviceToken, weigh(g.DeviceKeys))
	}
	return Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: thingpass.NewSecret(token), Expiration: expires}, nil
}

// record is what a grant comes to, or an error when it is not one of the three
// kinds.
func (g *Grant) record(now, expires time.Time) (record, error) {
	rec := record{
		RoleID: g.Role.ID, SessionName: g.Name, Issued: now, Expires: expires, Thing: g.Thing, ThingType: g.ThingType, Policy: g.Policy,
		extras: extras{SourceIdentity: g.SourceIdentity, PolicyARNs: g.PolicyARNs, DeviceKeys: g.DeviceKeys},
	}
	switch {
	case g.Role.ID != "" && g.Name != "" && g.Device == nil && g.User.ID == "" && g.DeviceKeys == nil:
	case g.Role.ID != "" && g.Name == "" && g.Device != nil && g.User.ID == "":
		rec.CertificateID, rec.Issued = g.Device.CertificateID, issueTime(g.Device, g.Thing, now)
	case g.Role.ID == "" && g.Name == "" && g.Device == nil && g.User.ID != "" && g.DeviceKeys == nil:
		rec.UserID, rec.AccessKeyID = g.User.ID, g.AccessKey.ID
		if g.AccessKey.ValidAfter.After(now) { // by a server whose clock is ahead: see issueTime
			rec.Issued = g.AccessKey.ValidAfter
		}
	default:
		return rec, errors.New("a grant is for a role and a name, a role and a device, or a user")
	}
	for _, t := range g.Tags {
		rec.Tags = append(rec.Tags, sessionTag{Tag: t, transitive: slices.Contains(g.Transitive, t.Key)})
	}
	return rec, nil
}

// issueTime is now, or the last change that ended the device's earlier sessions
// if that is later because it was made by a server whose clock is ahead: else
// the new session would be taken for one of those.
func issueTime(device *thingpass.Device, thing string, now time.Time) time.Time {
	if device.ValidAfter.After(now) {
		now = device.ValidAfter
	}
	for _, a := range device.Things {
		if a.Thing == thing && a.Since.After(now) {
			now = a.Since
		}
	}
	return now
}

// Resolve is Caller for a request that begins now.
func (s *Sessions) Resolve(ctx context.Context, accessKeyID, token string) (thingpass.Principal, thingpass.Secret, error) {
	c, err := s.Caller(ctx, accessKeyID, token, s.Now())
	if err != nil {
		return thingpass.Principal{}, thingpass.Secret{}, err
	}
	return c.Principal, c.Secret, nil
}

// Caller finds out who an access key belongs to, and the secret that must have
// signed. Long-lived AKIA keys take no token; ASIA keys need theirs. It returns
// *Error when the key may not be used, any other error when that could not be
// found out.
//
// It answers for a request that began at a time: a session that was good then may
// have expired since. What the key was issued for must still be there now.
func (s *Sessions) Caller(ctx context.Context, accessKeyID, token string, at time.Time) (*Caller, error) {
	if strings.HasPrefix(accessKeyID, "ASIA") {
		if token == "" {
			return fail(Unknown, "temporary access key without a session token")
		}
		return s.resolveSession(ctx, accessKeyID, token, at)
	}
	if token != "" {
		return fail(Malformed, "long-lived access key with a session token")
	}
	return s.resolveUser(ctx, accessKeyID)
}

func fail(f Failure, reason string) (*Caller, error) {
	return nil, &Error{Failure: f, Reason: reason}
}

func (s *Sessions) resolveUser(ctx context.Context, accessKeyID string) (*Caller, error) {
	owner, err := s.Recent.AccessKey(ctx, accessKeyID)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return fail(Unknown, "no such access key")
	}
	if err != nil {
		return nil, err
	}
	if !owner.Key.Active || owner.Key.Secret.Empty() {
		return fail(Unknown, "access key is inactive")
	}
	return &Caller{Principal: s.user(owner.User), Secret: owner.Key.Secret}, nil
}

func (s *Sessions) user(u thingpass.User) thingpass.Principal {
	return thingpass.Principal{
		Kind: thingpass.UserPrincipal, Account: s.Place.Account, User: u.Name,
		ARN: s.Place.User(u.Path, u.Name), UniqueID: u.ID, Tags: u.Tags,
	}
}

func (s *Sessions) resolveSession(ctx context.Context, accessKeyID, token string, at time.Time) (*Caller, error) {
	t, err := s.opening.Load().open(token, s.Place.Account)
	if err != nil {
		return fail(Malformed, errToken.Error())
	}
	if !thingpass.NewSecret(t.id).Equal(thingpass.NewSecret(accessKeyID)) {
		return fail(Unknown, "access key and session token do not belong together")
	}
	if !at.Before(t.rec.Expires) {
		return nil, &Error{Failure: Expired, Reason: "session expired at " + t.rec.Expires.Format(time.RFC3339), Was: t.rec.holder()}
	}
	var c *Caller
	if t.rec.UserID != "" {
		c, err = s.temporaryUser(ctx, t)
	} else {
		c, err = s.roleSession(ctx, t)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		e.Was = t.rec.holder()
	}
	return c, err
}

// holder is what a record says of whose session it is.
func (r *record) holder() *thingpass.Principal {
	return &thingpass.Principal{
		RoleID: r.RoleID, UniqueID: r.UserID, SessionName: r.SessionName, Issued: r.Issued, Expires: r.Expires,
		CertificateID: r.CertificateID, Thing: r.Thing, ThingType: r.ThingType,
	}
}

func withdrawn(reason string) error { return &Error{Failure: Withdrawn, Reason: reason} }

// temporaryUser is the user whose temporary credentials were presented. It is
// found by the long-lived key that they were asked for with, so that they end
// when that key is no longer good.
func (s *Sessions) temporaryUser(ctx context.Context, t *opened) (*Caller, error) {
	owner, err := s.Recent.AccessKey(ctx, t.rec.AccessKeyID)
	switch {
	case thingpass.KindOf(err) == thingpass.NotFound:
		return nil, withdrawn("the access key it was asked for with is gone")
	case err != nil:
		return nil, err
	case owner.User.ID != t.rec.UserID:
		return nil, withdrawn("the access key it was asked for with belongs to another user")
	case !owner.Key.Active:
		return nil, withdrawn("the access key it was asked for with is inactive")
	case t.rec.Issued.Before(owner.Key.ValidAfter):
		return nil, withdrawn("it was issued before the access key it was asked for with was last activated")
	}
	c := &Caller{Principal: s.user(owner.User), Secret: t.secret}
	c.Principal.Temporary, c.Principal.Issued, c.Principal.Expires = true, t.rec.Issued, t.rec.Expires
	return c, nil
}

// Principal is who the credentials of a grant would belong to if they were
// issued and used now.
func (s *Sessions) Principal(g Grant) (thingpass.Principal, error) {
	now := s.Now().UTC()
	rec, err := g.record(now.Truncate(time.Millisecond), now.Truncate(time.Second).Add(g.Duration))
	if err != nil {
		return thingpass.Principal{}, err
	}
	p := s.session(&g.Role, rec)
	p.Issued, p.Expires = rec.Issued, rec.Expires
	return p, nil
}

func (s *Sessions) session(role *thingpass.Role, rec record) thingpass.Principal {
	name := rec.SessionName
	if rec.CertificateID != "" {
		name = rec.CertificateID
	}
	tags, transitive := overlay(role.Tags, rec.Tags)
	return thingpass.Principal{
		Kind: thingpass.SessionPrincipal, Account: s.Place.Account,
		ARN: s.Place.AssumedRole(role.Name, name), UniqueID: rec.RoleID + ":" + name,
		RoleName: role.Name, RoleARN: s.Place.Role(role.Path, role.Name), RoleID: role.ID, SessionName: name,
		Tags: tags, Transitive: transitive, SourceIdentity: rec.SourceIdentity,
		SessionPolicy: rec.Policy, PolicyARNs: rec.PolicyARNs,
		CertificateID: rec.CertificateID, Thing: rec.Thing, ThingType: rec.ThingType, DeviceKeys: present(rec.DeviceKeys),
	}
}

// overlay is the role's tags with those of the session over them. Keys that
// differ in case only are one key (IAM user guide, "Passing session tags in AWS
// STS").
func overlay(role []thingpass.Tag, session []sessionTag) (tags []thingpass.Tag, transitive []string) {
	if len(session) == 0 {
		return role, nil
	}
	for _, t := range role {
		if !slices.ContainsFunc(session, func(s sessionTag) bool { return thingpass.SameKey(s.Key, t.Key) }) {
			tags = append(tags, t)
		}
	}
	for _, t := range session {
		tags = append(tags, t.Tag)
		if t.transitive {
			transitive = append(transitive, t.Key)
		}
	}
	return tags, transitive
}
