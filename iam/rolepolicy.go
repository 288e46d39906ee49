package iam

import (
	"context"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/policy"
)

func (s *service) rolePolicyRows() []gate.Operation {
	return []gate.Operation{
		onRole(s, "PutRolePolicy", s.putRolePolicy),
		onRole(s, "GetRolePolicy", s.getRolePolicy),
		onRole(s, "ListRolePolicies", s.listRolePolicies),
		onRole(s, "DeleteRolePolicy", s.deleteRolePolicy),
		onRole(s, "ListAttachedRolePolicies", s.listAttachedRolePolicies),
	}
}

// rolePolicyInput names an inline policy of a role.
type rolePolicyInput struct {
	roleInput
	PolicyName *string
}

func (in *rolePolicyInput) check(c *check) (role, name string) {
	return c.required("roleName", in.RoleName, roleNameRule), c.required("policyName", in.PolicyName, policyNameRule)
}

type putRolePolicyInput struct {
	rolePolicyInput
	PolicyDocument *string
}

func (s *service) putRolePolicy(ctx context.Context, _ *gate.Call, in *putRolePolicyInput) (*done, error) {
	var c check
	role, name := in.check(&c)
	document := c.required("policyDocument", in.PolicyDocument, documentRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	p, err := parse(policy.Identity, document)
	if err != nil {
		return nil, err
	}
	quota := func(all []thingpass.InlinePolicy) error { return checkInline(role, all) }
	if err := s.Store.PutRolePolicy(ctx, role, thingpass.InlinePolicy{Name: name, Document: document}, quota); err != nil {
		return nil, err
	}
	s.warn(ctx, role, name, p)
	return nil, nil
}

type getRolePolicyOutput struct{ RoleName, PolicyName, PolicyDocument string }

func (s *service) getRolePolicy(ctx context.Context, _ *gate.Call, in *rolePolicyInput) (*getRolePolicyOutput, error) {
	var c check
	role, name := in.check(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	p, err := s.Store.RolePolicy(ctx, role, name)
	if err != nil {
		return nil, err
	}
	return &getRolePolicyOutput{role, p.Name, escaped(p.Document)}, nil
}

func (s *service) deleteRolePolicy(ctx context.Context, _ *gate.Call, in *rolePolicyInput) (*done, error) {
	var c check
	role, name := in.check(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteRolePolicy(ctx, role, name)
}

type listRolePoliciesOutput struct {
	PolicyNames []string
	pageOutput
}

func (s *service) listRolePolicies(ctx context.Context, _ *gate.Call, in *roleListInput) (*listRolePoliciesOutput, error) {
	var c check
	name := c.required("roleName", in.RoleName, roleNameRule)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.RolePolicies(ctx, name, page)
	if err != nil {
		return nil, err
	}
	some, more := cut(all, page, func(name string) string { return name })
	return &listRolePoliciesOutput{some, more}, nil
}

type listAttachedInput struct {
	roleListInput
	PathPrefix *string
}

type listAttachedOutput struct {
	AttachedPolicies []done
	pageOutput
}

// listAttachedRolePolicies answers what is true: there are no managed
// policies. Clients ask before they delete a role.
func (s *service) listAttachedRolePolicies(ctx context.Context, _ *gate.Call, in *listAttachedInput) (*listAttachedOutput, error) {
	var c check
	c.optional("pathPrefix", in.PathPrefix, policyPathRule)
	in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	if _, err := s.read(ctx, &in.roleInput); err != nil {
		return nil, err
	}
	return &listAttachedOutput{}, nil
}
