package iam

import (
	"cmp"
	"context"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

// roleRows are the operations on roles but for those that they share with
// users.
func (s *service) roleRows(h *holder) []gate.Operation {
	k := &h.kind
	create := gate.Spec{Name: "CreateRole", Actions: []string{"iam:CreateRole", "iam:TagRole"}}
	return []gate.Operation{
		gate.New(create, s.askCreateRole(k), s.createRole),
		on(k, "GetRole", s.getRole, bounded),
		onAll("ListRoles", s.listRoles),
		on(k, "DeleteRole", s.deleteRole, bounded),
		on(k, "UpdateRole", s.updateRole, bounded),
		on(k, "UpdateRoleDescription", s.updateRoleDescription, bounded),
		on(k, "UpdateAssumeRolePolicy", s.updateAssumeRolePolicy, bounded),
		on(k, "ListInstanceProfilesForRole", s.listInstanceProfilesForRole),
	}
}

// role is a role in an answer.
type role struct {
	Path                     string
	RoleName                 string
	RoleID                   string `query:"RoleId"`
	ARN                      string `query:"Arn"`
	CreateDate               time.Time
	AssumeRolePolicyDocument string
	Description              string `query:",omitempty"`
	MaxSessionDuration       int64
	PermissionsBoundary      *boundary
	Tags                     []tag `query:",omitempty"`
}

func (s *service) shownRole(r thingpass.Role) role {
	return role{
		Path: r.Path, RoleName: r.Name, RoleID: r.ID, ARN: s.Place.Role(r.Path, r.Name), CreateDate: r.Created,
		AssumeRolePolicyDocument: escaped(r.TrustPolicy), Description: r.Description,
		MaxSessionDuration: int64(r.MaxSessionDuration / time.Second), PermissionsBoundary: shownBoundary(r.PermissionsBoundary),
		Tags: shownTags(r.Tags),
	}
}

type roleOutput struct{ Role role }

type createRoleInput struct {
	target
	Path                     *string
	AssumeRolePolicyDocument *string
	Description              *string
	MaxSessionDuration       *int64
	PermissionsBoundary      *string
	Tags                     []tagInput
}

func (s *service) askCreateRole(k *kind) func(*createRoleInput) []gate.Access {
	return func(in *createRoleInput) []gate.Access {
		arn := s.Place.Role(cmp.Or(value(in.Path), "/"), value(in.RoleName))
		return k.creating(arn, in.Tags, value(in.PermissionsBoundary))
	}
}

func (in *createRoleInput) role(now time.Time) (thingpass.Role, error) {
	var c check
	r := thingpass.Role{
		ID:                  thingpass.NewID("AROA"),
		Name:                c.required("roleName", in.RoleName, roleNameRule),
		Path:                cmp.Or(c.optional("path", in.Path, pathRule), "/"),
		TrustPolicy:         c.required("assumeRolePolicyDocument", in.AssumeRolePolicyDocument, documentRule),
		Description:         c.optional("description", in.Description, descriptionRule),
		MaxSessionDuration:  thingpass.MinMaxSessionDuration,
		Created:             now.UTC(),
		Tags:                checkTags(&c, in.Tags),
		PermissionsBoundary: c.optional("permissionsBoundary", in.PermissionsBoundary, policyARNRule),
	}
	checkMaxSession(&c, in.MaxSessionDuration)
	if err := c.err(); err != nil {
		return r, err
	}
	if in.MaxSessionDuration != nil {
		r.MaxSessionDuration = time.Duration(*in.MaxSessionDuration) * time.Second
	}
	return r, cmp.Or(checkARN(r.PermissionsBoundary), checkTagKeys(r.Tags))
}

func checkMaxSession(c *check, v *int64) {
	c.number("maxSessionDuration", v, int64(thingpass.MinMaxSessionDuration/time.Second), int64(thingpass.MaxSession/time.Second))
}

func (s *service) createRole(ctx context.Context, call *gate.Call, in *createRoleInput) (*roleOutput, error) {
	r, err := in.role(s.Now())
	if err != nil {
		return nil, err
	}
	trust, err := parseTrust(r.TrustPolicy)
	if err != nil {
		return nil, err
	}
	if r.TrustIDs, err = s.principalIDs(ctx, trust); err != nil {
		return nil, err
	}
	if err := s.Store.CreateRole(ctx, r); err != nil {
		return nil, err
	}
	s.warn(ctx, call, trust, "role", r.Name, "policy", "trust policy")
	return &roleOutput{s.shownRole(r)}, nil
}

func (s *service) getRole(ctx context.Context, _ *gate.Call, in *target) (*roleOutput, error) {
	var c check
	name := c.required("roleName", in.RoleName, roleNameRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	r, err := s.Store.Role(ctx, name)
	if err != nil {
		return nil, err
	}
	return &roleOutput{s.shownRole(r)}, nil
}

type listRolesInput struct {
	pageInput
	PathPrefix *string
}

type listRolesOutput struct {
	Roles []role
	pageOutput
}

// listRoles leaves tags and boundaries out, as AWS does (API reference, ListRoles).
func (s *service) listRoles(ctx context.Context, _ *gate.Call, in *listRolesInput) (*listRolesOutput, error) {
	var c check
	prefix := cmp.Or(c.optional("pathPrefix", in.PathPrefix, pathPrefixRule), "/")
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.Roles(ctx, prefix, page)
	if err != nil {
		return nil, err
	}
	some, more := cut(all, page, func(r thingpass.Role) string { return r.Name })
	out := &listRolesOutput{pageOutput: more}
	for _, r := range some {
		r.Tags, r.PermissionsBoundary = nil, ""
		out.Roles = append(out.Roles, s.shownRole(r))
	}
	return out, nil
}

func (s *service) deleteRole(ctx context.Context, _ *gate.Call, in *target) (*done, error) {
	var c check
	name := c.required("roleName", in.RoleName, roleNameRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteRole(ctx, name)
}

type updateRoleInput struct {
	target
	Description        *string
	MaxSessionDuration *int64
}

// updateRole changes only what is given. The answer has an empty result
// element, without which botocore does not read it.
func (s *service) updateRole(ctx context.Context, _ *gate.Call, in *updateRoleInput) (*done, error) {
	var c check
	name := c.required("roleName", in.RoleName, roleNameRule)
	c.optional("description", in.Description, descriptionRule)
	checkMaxSession(&c, in.MaxSessionDuration)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &done{}, s.Store.UpdateRole(ctx, name, func(r *thingpass.Role) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		if in.MaxSessionDuration != nil {
			r.MaxSessionDuration = time.Duration(*in.MaxSessionDuration) * time.Second
		}
		return nil
	})
}

type updateRoleDescriptionInput struct {
	target
	Description *string
}

func (s *service) updateRoleDescription(ctx context.Context, _ *gate.Call, in *updateRoleDescriptionInput) (*roleOutput, error) {
	var c check
	name := c.required("roleName", in.RoleName, roleNameRule)
	description := c.required("description", in.Description, descriptionRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	var changed thingpass.Role
	err := s.Store.UpdateRole(ctx, name, func(r *thingpass.Role) error {
		r.Description = description
		changed = *r
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &roleOutput{s.shownRole(changed)}, nil
}

type updateAssumeRolePolicyInput struct {
	target
	PolicyDocument *string
}

func (s *service) updateAssumeRolePolicy(ctx context.Context, call *gate.Call, in *updateAssumeRolePolicyInput) (*done, error) {
	var c check
	name := c.required("roleName", in.RoleName, roleNameRule)
	document := c.required("policyDocument", in.PolicyDocument, documentRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	trust, err := parseTrust(document)
	if err != nil {
		return nil, err
	}
	ids, err := s.principalIDs(ctx, trust)
	if err != nil {
		return nil, err
	}
	err = s.Store.UpdateRole(ctx, name, func(r *thingpass.Role) error {
		r.TrustPolicy, r.TrustIDs = document, ids
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.warn(ctx, call, trust, "role", name, "policy", "trust policy")
	return nil, nil
}

type listInstanceProfilesOutput struct {
	InstanceProfiles []done
	pageOutput
}

// listInstanceProfilesForRole answers what is true: there are no instance
// profiles. Clients ask before they delete a role.
func (s *service) listInstanceProfilesForRole(ctx context.Context, _ *gate.Call, in *listInput) (*listInstanceProfilesOutput, error) {
	var c check
	name := c.required("roleName", in.RoleName, roleNameRule)
	in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	if _, err := s.Store.Role(ctx, name); err != nil {
		return nil, err
	}
	return &listInstanceProfilesOutput{}, nil
}
