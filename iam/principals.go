package iam

import (
	"context"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/policy"
)

// principalIDs finds the users and roles that a trust policy names, and returns
// the unique id of each by the ARN it is named by; a role session is its role's.
// The ARN must be right in path and spelling. Who does not exist may not be
// named, nor who belongs to another account, as there is none here (IAM user
// guide, "AWS JSON policy elements: Principal").
//
// The policy is saved after this, in a transaction of its own. Whoever is
// deleted in between is then bound by an id that nobody will have again, so the
// policy does not name a successor: the same as if it was deleted afterwards.
func (s *service) principalIDs(ctx context.Context, trust *policy.Policy) (map[string]string, error) {
	ids := map[string]string{}
	for _, arn := range trust.PrincipalARNs() {
		id, found, err := s.principal(ctx, arn)
		if err != nil && thingpass.KindOf(err) != thingpass.NotFound {
			return nil, err
		}
		if err != nil || found != arn {
			return nil, thingpass.Errorf(thingpass.MalformedPolicy, `Invalid principal in policy: "AWS":"%s"`, arn)
		}
		ids[arn] = id
	}
	return ids, nil
}

// PrincipalExists finds out for other services whether an ARN is one of a user or
// role that exists, or of a session of such a role, right in path and spelling.
// What belongs to another account exists for all that is known here.
func PrincipalExists(cfg Config) func(ctx context.Context, arn string) (bool, error) {
	s := &service{cfg}
	return func(ctx context.Context, arn string) (bool, error) {
		if part := strings.SplitN(arn, ":", 6); len(part) == 6 && part[4] != s.Place.Account {
			return true, nil
		}
		_, found, err := s.principal(ctx, arn)
		if thingpass.KindOf(err) == thingpass.NotFound {
			return false, nil
		}
		return err == nil && found == arn, err
	}
}

// principal returns the unique id and the true ARN of who is named by an ARN in
// any spelling. What is no ARN of this account is nobody's: both are empty.
func (s *service) principal(ctx context.Context, arn string) (id, found string, err error) {
	if _, name, ok := s.Place.ParseRoleARN(arn); ok {
		r, err := s.Store.Role(ctx, name)
		return r.ID, s.Place.Role(r.Path, r.Name), err
	}
	if name, session, ok := s.Place.ParseAssumedRoleARN(arn); ok {
		r, err := s.Store.Role(ctx, name)
		return r.ID, s.Place.AssumedRole(r.Name, session), err
	}
	if _, name, ok := s.Place.ParseUserARN(arn); ok {
		u, err := s.Store.User(ctx, name)
		return u.ID, s.Place.User(u.Path, u.Name), err
	}
	return "", "", nil
}
