package session

import (
	"context"
	"errors"
	"fmt"
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

// Grant says what a session is to be bound to.
type Grant struct {
	Role          thingpass.Role
	Name          string // session name, 2 to 64 characters; "" for a device: its certificate id
	Duration      time.Duration
	NotAfter      time.Time // credentials never outlive this; zero for no such bound
	CertificateID string
	Thing         string
	ThingType     string
	Policy        string // session policy, "" for none
}

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
}

func (e *Error) Error() string { return "resolve access key: " + e.Reason }

// Sessions issues and resolves. Its fields are set before first use.
type Sessions struct {
	Place  thingpass.Place
	Recent *store.Recent // reads no older than a second
	Now    func() time.Time

	ring atomic.Pointer[Ring]
}

// New returns Sessions that use ring until SetRing replaces it.
func New(place thingpass.Place, recent *store.Recent, ring *Ring) *Sessions {
	s := &Sessions{Place: place, Recent: recent, Now: time.Now}
	s.ring.Store(ring)
	return s
}

// SetRing replaces the key ring; requests in flight finish with the old one.
func (s *Sessions) SetRing(ring *Ring) { s.ring.Store(ring) }

// Issue makes temporary credentials for a grant. It writes nothing.
func (s *Sessions) Issue(ctx context.Context, g Grant) (Credentials, error) {
	if g.Role.ID == "" || (g.Name == "") == (g.CertificateID == "") {
		return Credentials{}, errors.New("issue session: a grant needs a role and either a name or a certificate")
	}
	now := s.Now().UTC()
	expires := now.Truncate(time.Second).Add(g.Duration.Truncate(time.Second))
	if !g.NotAfter.IsZero() && expires.After(g.NotAfter) {
		expires = g.NotAfter.UTC().Truncate(time.Second)
	}
	issued, err := s.issueTime(ctx, g, now.Truncate(time.Millisecond))
	if err != nil {
		return Credentials{}, fmt.Errorf("issue session: %w", err)
	}
	token, id, secret, err := s.ring.Load().seal(record{
		RoleID: g.Role.ID, SessionName: g.Name, Issued: issued, Expires: expires,
		CertificateID: g.CertificateID, Thing: g.Thing, ThingType: g.ThingType, Policy: g.Policy,
	}, s.Place.Account)
	if err != nil {
		return Credentials{}, fmt.Errorf("issue session: %w", err)
	}
	return Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: thingpass.NewSecret(token), Expiration: expires}, nil
}

// issueTime is now, or the last change that ended the device's earlier sessions
// if that is later because it was made by a server whose clock is ahead: else
// the new session would be taken for one of those.
func (s *Sessions) issueTime(ctx context.Context, g Grant, now time.Time) (time.Time, error) {
	if g.CertificateID == "" {
		return now, nil
	}
	device, err := s.Recent.Device(ctx, g.CertificateID)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return now, nil // deleted a moment ago: Resolve refuses what is issued
	}
	if err != nil {
		return now, err
	}
	if device.ValidAfter.After(now) {
		now = device.ValidAfter
	}
	for _, a := range device.Things {
		if a.Thing == g.Thing && a.Since.After(now) {
			now = a.Since
		}
	}
	return now, nil
}

// Resolve finds out who an access key belongs to, and the secret that must
// have signed. Long-lived AKIA keys take no token; ASIA keys need theirs.
// It returns *Error when the key may not be used, any other error when that
// could not be found out.
func (s *Sessions) Resolve(ctx context.Context, accessKeyID, token string) (thingpass.Principal, thingpass.Secret, error) {
	return s.ResolveAt(ctx, accessKeyID, token, s.Now())
}

// ResolveAt is Resolve for a request that began at a time: a session that was
// good then may have expired since. What the key was issued for must still be
// there now.
func (s *Sessions) ResolveAt(ctx context.Context, accessKeyID, token string, at time.Time) (thingpass.Principal, thingpass.Secret, error) {
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

func fail(f Failure, reason string) (thingpass.Principal, thingpass.Secret, error) {
	return thingpass.Principal{}, thingpass.Secret{}, &Error{Failure: f, Reason: reason}
}

func (s *Sessions) resolveUser(ctx context.Context, accessKeyID string) (thingpass.Principal, thingpass.Secret, error) {
	owner, err := s.Recent.AccessKey(ctx, accessKeyID)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return fail(Unknown, "no such access key")
	}
	if err != nil {
		return thingpass.Principal{}, thingpass.Secret{}, err
	}
	if !owner.Key.Active || owner.Key.Secret.Empty() {
		return fail(Unknown, "access key is inactive")
	}
	u := owner.User
	return thingpass.Principal{
		Kind: thingpass.UserPrincipal, Account: s.Place.Account, User: u.Name,
		ARN: s.Place.User(u.Path, u.Name), UniqueID: u.ID,
	}, owner.Key.Secret, nil
}

func (s *Sessions) resolveSession(ctx context.Context, accessKeyID, token string, at time.Time) (thingpass.Principal, thingpass.Secret, error) {
	rec, id, secret, err := s.ring.Load().open(token, s.Place.Account)
	if err != nil {
		return fail(Malformed, errToken.Error())
	}
	if !thingpass.NewSecret(id).Equal(thingpass.NewSecret(accessKeyID)) {
		return fail(Unknown, "access key and session token do not belong together")
	}
	if !at.Before(rec.Expires) {
		return fail(Expired, "session expired at "+rec.Expires.Format(time.RFC3339))
	}
	role, err := s.Recent.RoleByID(ctx, rec.RoleID)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return fail(Withdrawn, "the role it was issued for is gone")
	}
	if err != nil {
		return thingpass.Principal{}, thingpass.Secret{}, err
	}
	if reason, err := s.deviceGone(ctx, rec); err != nil || reason != "" {
		if err != nil {
			return thingpass.Principal{}, thingpass.Secret{}, err
		}
		return fail(Withdrawn, reason)
	}
	name := rec.SessionName
	if rec.CertificateID != "" {
		name = rec.CertificateID
	}
	return thingpass.Principal{
		Kind: thingpass.SessionPrincipal, Account: s.Place.Account,
		ARN: s.Place.AssumedRole(role.Name, name), UniqueID: rec.RoleID + ":" + name,
		RoleName: role.Name, RoleARN: s.Place.Role(role.Path, role.Name), RoleID: role.ID,
		SessionName: name, Issued: rec.Issued, Expires: rec.Expires, SessionPolicy: rec.Policy,
		CertificateID: rec.CertificateID, Thing: rec.Thing, ThingType: rec.ThingType,
	}, secret, nil
}

// deviceGone says why a device's session must stop, or "".
func (s *Sessions) deviceGone(ctx context.Context, rec record) (string, error) {
	if rec.CertificateID == "" {
		return "", nil
	}
	device, err := s.Recent.Device(ctx, rec.CertificateID)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return "its certificate is no longer registered", nil
	}
	if err != nil {
		return "", err
	}
	if device.Status != thingpass.Active {
		return "its certificate is " + string(device.Status), nil
	}
	if rec.Issued.Before(device.ValidAfter) {
		return "it was issued before its certificate was last activated", nil
	}
	if rec.Thing == "" {
		return "", nil
	}
	for _, a := range device.Things {
		if a.Thing == rec.Thing {
			return attachmentGone(a, rec), nil
		}
	}
	return "thing " + rec.Thing + " is no longer attached to its certificate", nil
}

// attachmentGone says why a session of an attached thing must stop, or "".
func attachmentGone(a thingpass.Attachment, rec record) string {
	switch {
	case a.ThingType == "" && rec.ThingType != "":
		return "thing " + a.Thing + " is now of no type"
	case a.ThingType != rec.ThingType:
		return "thing " + a.Thing + " is now of type " + a.ThingType
	case rec.Issued.Before(a.Since):
		return "it was issued before thing " + a.Thing + " was attached to its certificate, or got its type"
	}
	return ""
}
