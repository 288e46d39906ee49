package iam

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

func (s *service) roleRows() []gate.Operation {
	create := gate.Spec{Name: "CreateRole", Actions: []string{"iam:CreateRole", "iam:TagRole"}}
	list := gate.Spec{Name: "ListRoles", Actions: []string{"iam:ListRoles"}}
	return []gate.Operation{
		gate.New(create, s.askCreateRole, s.createRole),
		onRole(s, "GetRole", s.getRole),
		gate.New(list, func(*listRolesInput) []gate.Access { return []gate.Access{{Action: "iam:ListRoles", Resource: "*"}} }, s.listRoles),
		onRole(s, "DeleteRole", s.deleteRole),
		onRole(s, "UpdateRole", s.updateRole),
		onRole(s, "UpdateRoleDescription", s.updateRoleDescription),
		onRole(s, "UpdateAssumeRolePolicy", s.updateAssumeRolePolicy),
		onRole(s, "ListRoleTags", s.listRoleTags),
		onRole(s, "ListInstanceProfilesForRole", s.listInstanceProfilesForRole),
	}
}

// roleInput names a role.
type roleInput struct{ RoleName *string }

func (in *roleInput) roleName() string { return value(in.RoleName) }

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
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
	Tags                     []tag `query:",omitempty"`
}

func (s *service) shown(r thingpass.Role) role {
	return role{
		Path: r.Path, RoleName: r.Name, RoleID: r.ID, ARN: s.Place.Role(r.Path, r.Name), CreateDate: r.Created,
		AssumeRolePolicyDocument: escaped(r.TrustPolicy), Description: r.Description,
		MaxSessionDuration: int64(r.MaxSessionDuration / time.Second), Tags: shownTags(r.Tags),
	}
}

type roleOutput struct{ Role role }

type createRoleInput struct {
	roleInput
	Path                     *string
	AssumeRolePolicyDocument *string
	Description              *string
	MaxSessionDuration       *int64
	PermissionsBoundary      *string
	Tags                     []tagInput
}

// askCreateRole asks for iam:TagRole as well when the role is made with tags:
// tags can be what other policies go by.
func (s *service) askCreateRole(in *createRoleInput) []gate.Access {
	arn := s.Place.Role(cmp.Or(value(in.Path), "/"), in.roleName())
	questions := []gate.Access{tagging(gate.Access{Action: "iam:CreateRole", Resource: arn}, in.Tags)}
	if len(in.Tags) > 0 {
		questions = append(questions, tagging(gate.Access{Action: "iam:TagRole", Resource: arn}, in.Tags))
	}
	return questions
}

func (in *createRoleInput) role(now time.Time) (thingpass.Role, error) {
	var c check
	r := thingpass.Role{
		ID:                 thingpass.NewID("AROA"),
		Name:               c.required("roleName", in.RoleName, roleNameRule),
		Path:               cmp.Or(c.optional("path", in.Path, pathRule), "/"),
		TrustPolicy:        c.required("assumeRolePolicyDocument", in.AssumeRolePolicyDocument, documentRule),
		Description:        c.optional("description", in.Description, descriptionRule),
		MaxSessionDuration: thingpass.MinMaxSessionDuration,
		Created:            now.UTC(),
		Tags:               checkTags(&c, in.Tags),
	}
	checkMaxSession(&c, in.MaxSessionDuration)
	if err := c.err(); err != nil {
		return r, err
	}
	if in.MaxSessionDuration != nil {
		r.MaxSessionDuration = time.Duration(*in.MaxSessionDuration) * time.Second
	}
	if in.PermissionsBoundary != nil {
		return r, invalid("PermissionsBoundary is not supported: the boundary would not limit the role.")
	}
	return r, checkTagKeys(r.Tags)
}

func checkMaxSession(c *check, v *int64) {
	c.number("maxSessionDuration", v, int64(thingpass.MinMaxSessionDuration/time.Second), int64(thingpass.MaxSession/time.Second))
}

func (s *service) createRole(ctx context.Context, _ *gate.Call, in *createRoleInput) (*roleOutput, error) {
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
	s.warn(ctx, r.Name, "trust policy", trust)
	return &roleOutput{s.shown(r)}, nil
}

// read finds the role that a request names.
func (s *service) read(ctx context.Context, in *roleInput) (thingpass.Role, error) {
	var c check
	name := c.required("roleName", in.RoleName, roleNameRule)
	if err := c.err(); err != nil {
		return thingpass.Role{}, err
	}
	return s.Store.Role(ctx, name)
}

func (s *service) getRole(ctx context.Context, _ *gate.Call, in *roleInput) (*roleOutput, error) {
	r, err := s.read(ctx, in)
	if err != nil {
		return nil, err
	}
	return &roleOutput{s.shown(r)}, nil
}

type listRolesInput struct {
	pageInput
	PathPrefix *string
}

type listRolesOutput struct {
	Roles []role
	pageOutput
}

// listRoles leaves tags out, as AWS does (API reference, ListRoles).
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
		r.Tags = nil
		out.Roles = append(out.Roles, s.shown(r))
	}
	return out, nil
}

func (s *service) deleteRole(ctx context.Context, _ *gate.Call, in *roleInput) (*done, error) {
	var c check
	name := c.required("roleName", in.RoleName, roleNameRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteRole(ctx, name)
}

type updateRoleInput struct {
	roleInput
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
	roleInput
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
	return &roleOutput{s.shown(changed)}, nil
}

type updateAssumeRolePolicyInput struct {
	roleInput
	PolicyDocument *string
}

func (s *service) updateAssumeRolePolicy(ctx context.Context, _ *gate.Call, in *updateAssumeRolePolicyInput) (*done, error) {
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
	s.warn(ctx, name, "trust policy", trust)
	return nil, nil
}

// roleListInput asks for a list that belongs to a role.
type roleListInput struct {
	roleInput
	pageInput
}

type listRoleTagsOutput struct {
	Tags []tag
	pageOutput
}

func (s *service) listRoleTags(ctx context.Context, _ *gate.Call, in *roleListInput) (*listRoleTagsOutput, error) {
	var c check
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	r, err := s.read(ctx, &in.roleInput)
	if err != nil {
		return nil, err
	}
	tags := slices.SortedFunc(slices.Values(shownTags(r.Tags)), func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	rest := slices.IndexFunc(tags, func(t tag) bool { return t.Key > page.After })
	if rest < 0 {
		return &listRoleTagsOutput{}, nil
	}
	tags = tags[rest:]
	some, more := cut(tags[:min(len(tags), page.Limit)], page, func(t tag) string { return t.Key })
	return &listRoleTagsOutput{some, more}, nil
}

type listInstanceProfilesOutput struct {
	InstanceProfiles []done
	pageOutput
}

// listInstanceProfilesForRole answers what is true: there are no instance
// profiles. Clients ask before they delete a role.
func (s *service) listInstanceProfilesForRole(ctx context.Context, _ *gate.Call, in *roleListInput) (*listInstanceProfilesOutput, error) {
	var c check
	in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	if _, err := s.read(ctx, &in.roleInput); err != nil {
		return nil, err
	}
	return &listInstanceProfilesOutput{}, nil
}
