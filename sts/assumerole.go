package sts

import (
	"context"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/wire"
)

const (
	assumeRole        = "sts:AssumeRole"
	tagSession        = "sts:TagSession"
	setSourceIdentity = "sts:SetSourceIdentity"

	// maxPolicy is how long session policies and the ARNs of managed ones may be
	// together, in characters (IAM and STS quotas, "role session policies").
	maxPolicy = 2048

	// maxChained is how long a session may last that was made with the
	// credentials of another (IAM user guide, "Role chaining").
	maxChained = time.Hour
)

type credentials struct {
	AccessKeyID     string `query:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

type assumedRoleUser struct {
	AssumedRoleID string `query:"AssumedRoleId"`
	ARN           string `query:"Arn"`
}

type assumeRoleOutput struct {
	Credentials      credentials
	AssumedRoleUser  assumedRoleUser
	PackedPolicySize *int64 // percent of what is allowed
	SourceIdentity   *string
}

// assumeRole decides first and validates then: whoever may not assume a role
// learns nothing else. It writes nothing.
func (s *service) assumeRole(ctx context.Context, call *gate.Call, in *assumeRoleInput) (*assumeRoleOutput, error) {
	role, err := s.allowed(ctx, call, in)
	if err != nil {
		return nil, err
	}
	if err := s.checkLimits(role, call.Principal, in); err != nil {
		return nil, err
	}
	grant := session.Grant{
		Role: role, Name: *in.RoleSessionName, Duration: in.duration(),
		Policy: value(in.Policy), PolicyARNs: in.policyARNs(), SourceIdentity: in.sourceIdentity(&call.Principal),
	}
	if err := in.tag(&grant, &call.Principal); err != nil {
		return nil, err
	}
	packed, err := s.checkPolicies(ctx, &grant)
	if err != nil {
		return nil, err
	}
	issued, err := s.Sessions.Issue(grant)
	if err != nil {
		return nil, err
	}
	out := &assumeRoleOutput{
		Credentials:      reveal(issued),
		AssumedRoleUser:  assumedRoleUser{AssumedRoleID: role.ID + ":" + grant.Name, ARN: s.Place.AssumedRole(role.Name, grant.Name)},
		PackedPolicySize: packed,
	}
	if grant.SourceIdentity != "" {
		out.SourceIdentity = &grant.SourceIdentity
	}
	return out, nil
}

func reveal(c session.Credentials) credentials {
	return credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(),
		SessionToken: c.SessionToken.Reveal(), Expiration: c.Expiration,
	}
}

// allowed returns the role of a well-formed request whose caller may assume
// it. A role that does not exist is answered like one that may not be assumed,
// as on AWS: it must not be possible to feel for names.
func (s *service) allowed(ctx context.Context, call *gate.Call, in *assumeRoleInput) (thingpass.Role, error) {
	ask := in.question(&call.Principal)
	role, found, err := s.role(ctx, ask.Resource)
	if err != nil {
		return role, err
	}
	for _, t := range role.Tags {
		ask.Context["aws:ResourceTag/"+t.Key] = []string{t.Value}
		ask.Context["iam:ResourceTag/"+t.Key] = []string{t.Value}
	}
	for _, ask.Action = range in.actions(&call.Principal) {
		if err := s.ask(ctx, call, ask, role, found); err != nil {
			return role, err
		}
	}
	if err := in.validate(); err != nil {
		return role, err
	}
	if !found {
		return role, call.Denied(authz.Request{Principal: call.Principal, Action: assumeRole, Resource: ask.Resource}, authz.Verdict{})
	}
	if call.Principal.CertificateID != "" {
		ask.Action = assumeRole
		call.Decided(ask, authz.Verdict{By: "device sessions do not chain"})
		return role, thingpass.Errorf(thingpass.Denied, "Credentials that were issued to a device cannot be used to assume a role: "+
			"the session would outlive the device's certificate.")
	}
	return role, nil
}

// ask puts one question: to the role's trust policy and the caller's own, or to
// the latter alone when there is no such role.
func (s *service) ask(ctx context.Context, call *gate.Call, ask gate.Access, role thingpass.Role, found bool) error {
	q, err := call.Question(ask)
	if err != nil {
		return err
	}
	var verdict authz.Verdict
	if found {
		verdict, err = s.Authz.AssumeRole(ctx, role, q)
	} else {
		verdict, err = s.Authz.Decide(ctx, q)
	}
	if err != nil {
		return err
	}
	if !verdict.Allowed() {
		return call.Denied(q, verdict)
	}
	call.Decided(ask, verdict)
	return nil
}

// role finds the role with exactly this ARN: path and spelling are part of it.
func (s *service) role(ctx context.Context, arn string) (thingpass.Role, bool, error) {
	_, name, ok := s.Place.ParseRoleARN(arn)
	if !ok || !thingpass.ValidRoleName(name) {
		return thingpass.Role{}, false, nil
	}
	r, err := s.Store.Role(ctx, name)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return thingpass.Role{}, false, nil
	}
	if err != nil {
		return thingpass.Role{}, false, err
	}
	if s.Place.Role(r.Path, r.Name) != arn {
		return thingpass.Role{}, false, nil
	}
	return r, true, nil
}

// checkLimits holds the duration to what the role and the caller's own
// credentials permit.
func (s *service) checkLimits(role thingpass.Role, caller thingpass.Principal, in *assumeRoleInput) error {
	d := in.duration()
	if caller.Kind == thingpass.SessionPrincipal && d > maxChained {
		return invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	if d > role.MaxSessionDuration {
		return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return nil
}

// checkPolicies says which share of what is allowed session policies and tags
// take, in percent rounded up, or nil without any: of characters, or of the
// bytes that a session can carry, whichever is more.
func (s *service) checkPolicies(ctx context.Context, g *session.Grant) (*int64, error) {
	bytes := g.Packed()
	if bytes == 0 {
		return nil, nil
	}
	characters := utf8.RuneCountInString(g.Policy)
	for _, arn := range g.PolicyARNs {
		characters += utf8.RuneCountInString(arn)
	}
	packed := max(percent(characters, maxPolicy), percent(bytes, session.MaxPacked))
	if packed > 100 {
		return nil, &wire.Error{
			Status: http.StatusBadRequest, Code: "PackedPolicyTooLarge",
			Message: fmt.Sprintf("Packed policy consumes %d%% of allotted space, please use smaller policy.", packed),
		}
	}
	if g.Policy != "" {
		if err := s.ParseSessionPolicy(g.Policy); err != nil {
			return nil, thingpass.Errorf(thingpass.MalformedPolicy, "%s", err.Error())
		}
	}
	for _, arn := range g.PolicyARNs {
		_, err := s.Store.ManagedPolicy(ctx, arn)
		if thingpass.KindOf(err) == thingpass.NotFound {
			return nil, invalid("Policy %s does not exist or is not attachable.", arn)
		}
		if err != nil {
			return nil, err
		}
	}
	return &packed, nil
}

func percent(n, of int) int64 { return (int64(n)*100 + int64(of) - 1) / int64(of) }

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
