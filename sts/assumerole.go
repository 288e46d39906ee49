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
	assumeRole = "sts:AssumeRole"

	// maxPolicy is how long a session policy may be, in characters (IAM and
	// STS quotas, "role session policies").
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
	packed, err := s.checkPolicy(in.Policy)
	if err != nil {
		return nil, err
	}
	name := *in.RoleSessionName
	issued, err := s.Sessions.Issue(session.Grant{
		Role: role, Name: name, Duration: in.duration(), Policy: value(in.Policy),
	})
	if err != nil {
		return nil, err
	}
	return &assumeRoleOutput{
		Credentials: credentials{
			AccessKeyID: issued.AccessKeyID, SecretAccessKey: issued.SecretAccessKey.Reveal(),
			SessionToken: issued.SessionToken.Reveal(), Expiration: issued.Expiration,
		},
		AssumedRoleUser:  assumedRoleUser{AssumedRoleID: role.ID + ":" + name, ARN: s.Place.AssumedRole(role.Name, name)},
		PackedPolicySize: packed,
	}, nil
}

// allowed returns the role of a well-formed request whose caller may assume
// it. A role that does not exist is answered like one that may not be assumed,
// as on AWS: it must not be possible to feel for names.
func (s *service) allowed(ctx context.Context, call *gate.Call, in *assumeRoleInput) (thingpass.Role, error) {
	ask := question(in)
	role, found, err := s.role(ctx, ask.Resource)
	if err != nil {
		return role, err
	}
	for _, t := range role.Tags {
		ask.Context["aws:ResourceTag/"+t.Key] = []string{t.Value}
		ask.Context["iam:ResourceTag/"+t.Key] = []string{t.Value}
	}
	q, err := call.Question(ask)
	if err != nil {
		return role, err
	}
	var verdict authz.Verdict
	if found {
		verdict, err = s.Authz.AssumeRole(ctx, role, q)
	} else {
		verdict, err = s.Authz.Decide(ctx, q)
	}
	if err != nil {
		return role, err
	}
	if !verdict.Allowed() {
		return role, call.Denied(q, verdict)
	}
	if err := in.validate(); err != nil {
		call.Decided(ask, verdict)
		return role, err
	}
	if !found {
		return role, call.Denied(q, authz.Verdict{})
	}
	if call.Principal.CertificateID != "" {
		call.Decided(ask, authz.Verdict{By: "device sessions do not chain"})
		return role, thingpass.Errorf(thingpass.Denied, "Credentials that were issued to a device cannot be used to assume a role: "+
			"the session would outlive the device's certificate.")
	}
	call.Decided(ask, verdict)
	return role, nil
}

// question is what must be allowed, from a request that has not been checked.
func question(in *assumeRoleInput) gate.Access {
	a := gate.Access{Action: assumeRole, Resource: "*", Context: map[string][]string{}}
	if arn := value(in.RoleARN); arn != "" {
		a.Resource = arn
	}
	if in.RoleSessionName != nil {
		a.Context["sts:RoleSessionName"] = []string{*in.RoleSessionName}
	}
	if in.ExternalID != nil {
		a.Context["sts:ExternalId"] = []string{*in.ExternalID}
	}
	return a
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

// checkPolicy says which share of the allowed size a session policy takes, in
// percent rounded up, or nil without one.
func (s *service) checkPolicy(policy *string) (*int64, error) {
	if policy == nil {
		return nil, nil
	}
	packed := (int64(utf8.RuneCountInString(*policy))*100 + maxPolicy - 1) / maxPolicy
	if packed > 100 {
		return nil, &wire.Error{
			Status: http.StatusBadRequest, Code: "PackedPolicyTooLarge",
			Message: fmt.Sprintf("Packed policy consumes %d%% of allotted space, please use smaller policy.", packed),
		}
	}
	if err := s.ParseSessionPolicy(*policy); err != nil {
		return nil, thingpass.Errorf(thingpass.MalformedPolicy, "%s", err.Error())
	}
	return &packed, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
