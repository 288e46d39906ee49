package iam

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/store"
)

// policyRows are the operations on managed policies but for their tags. Their
// versions have none of their own: who may save one and make it the default may
// change what everybody has who has the policy, as on AWS.
func (s *service) policyRows(k *kind) []gate.Operation {
	create := gate.Spec{Name: "CreatePolicy", Actions: []string{"iam:CreatePolicy", "iam:TagPolicy"}}
	return []gate.Operation{
		gate.New(create, s.askCreatePolicy(k), s.createPolicy),
		on(k, "GetPolicy", s.getPolicy),
		onAll("ListPolicies", s.listPolicies),
		on(k, "DeletePolicy", s.deletePolicy),
		on(k, "CreatePolicyVersion", s.createPolicyVersion),
		on(k, "GetPolicyVersion", s.getPolicyVersion),
		on(k, "ListPolicyVersions", s.listPolicyVersions),
		on(k, "SetDefaultPolicyVersion", s.setDefaultPolicyVersion),
		on(k, "DeletePolicyVersion", s.deletePolicyVersion),
		on(k, "ListEntitiesForPolicy", s.listEntitiesForPolicy),
	}
}

// managedPolicy is a managed policy in an answer.
type managedPolicy struct {
	PolicyName                    string
	PolicyID                      string `query:"PolicyId"`
	ARN                           string `query:"Arn"`
	Path                          string
	DefaultVersionID              string `query:"DefaultVersionId"`
	AttachmentCount               int64
	PermissionsBoundaryUsageCount int64
	IsAttachable                  bool
	Description                   string `query:",omitempty"`
	CreateDate                    time.Time
	UpdateDate                    time.Time
	Tags                          []tag `query:",omitempty"`
}

func (s *service) shownPolicy(p thingpass.ManagedPolicy) managedPolicy {
	return managedPolicy{
		PolicyName: p.Name, PolicyID: p.ID, ARN: s.Place.ManagedPolicy(p.Path, p.Name), Path: p.Path, DefaultVersionID: p.VersionID,
		AttachmentCount: p.Attachments, PermissionsBoundaryUsageCount: p.Boundaries, IsAttachable: true,
		Description: p.Description, CreateDate: p.Created, UpdateDate: p.Modified, Tags: shownTags(p.Tags),
	}
}

type policyOutput struct{ Policy managedPolicy }

type createPolicyInput struct {
	PolicyName     *string
	Path           *string
	PolicyDocument *string
	Description    *string
	Tags           []tagInput
}

func (s *service) askCreatePolicy(k *kind) func(*createPolicyInput) []gate.Access {
	return func(in *createPolicyInput) []gate.Access {
		return k.creating(s.Place.ManagedPolicy(cmp.Or(value(in.Path), "/"), value(in.PolicyName)), in.Tags, "")
	}
}

func (s *service) createPolicy(ctx context.Context, call *gate.Call, in *createPolicyInput) (*policyOutput, error) {
	var c check
	now := s.Now().UTC()
	m := thingpass.ManagedPolicy{
		Name:        c.required("policyName", in.PolicyName, policyNameRule),
		Path:        cmp.Or(c.optional("path", in.Path, policyPathRule), "/"),
		Document:    c.required("policyDocument", in.PolicyDocument, documentRule),
		Description: c.optional("description", in.Description, policyTextRule),
		Created:     now,
		Modified:    now,
		Tags:        checkTags(&c, in.Tags),
	}
	if err := cmp.Or(c.err(), checkTagKeys(m.Tags)); err != nil {
		return nil, err
	}
	p, err := parseManaged(m.Document)
	if err != nil {
		return nil, err
	}
	if m, err = s.Store.CreateManagedPolicy(ctx, m); err != nil {
		return nil, err
	}
	s.warn(ctx, call, p, "policy", s.Place.ManagedPolicy(m.Path, m.Name))
	return &policyOutput{s.shownPolicy(m)}, nil
}

// managed checks the ARN in a request and returns it.
func managed(c *check, in *target) string {
	return c.required("policyArn", in.PolicyARN, policyARNRule)
}

func (s *service) getPolicy(ctx context.Context, _ *gate.Call, in *target) (*policyOutput, error) {
	var c check
	arn := managed(&c, in)
	if err := cmp.Or(c.err(), checkARN(arn)); err != nil {
		return nil, err
	}
	p, err := s.Store.ManagedPolicy(ctx, arn)
	if err != nil {
		return nil, err
	}
	return &policyOutput{s.shownPolicy(p)}, nil
}

type listPoliciesInput struct {
	pageInput
	Scope             *string
	OnlyAttached      bool
	PathPrefix        *string
	PolicyUsageFilter *string
}

type listPoliciesOutput struct {
	Policies []managedPolicy
	pageOutput
}

// listPolicies leaves tags out, as AWS does (API reference, ListPolicies). There
// are no policies of AWS's own.
func (s *service) listPolicies(ctx context.Context, _ *gate.Call, in *listPoliciesInput) (*listPoliciesOutput, error) {
	var c check
	c.oneOf("scope", in.Scope, "All", "AWS", "Local")
	c.oneOf("policyUsageFilter", in.PolicyUsageFilter, store.PermissionsPolicy, store.PermissionsBoundary)
	prefix := cmp.Or(c.optional("pathPrefix", in.PathPrefix, policyPathRule), "/")
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	if value(in.Scope) == "AWS" {
		return &listPoliciesOutput{}, nil
	}
	filter := store.ManagedPolicyFilter{PathPrefix: prefix, OnlyAttached: in.OnlyAttached, Usage: value(in.PolicyUsageFilter)}
	all, err := s.Store.ManagedPolicies(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	some, more := cut(all, page, func(p thingpass.ManagedPolicy) string { return p.Name })
	out := &listPoliciesOutput{pageOutput: more}
	for _, p := range some {
		p.Tags = nil
		out.Policies = append(out.Policies, s.shownPolicy(p))
	}
	return out, nil
}

func (s *service) deletePolicy(ctx context.Context, _ *gate.Call, in *target) (*done, error) {
	var c check
	arn := managed(&c, in)
	if err := cmp.Or(c.err(), checkARN(arn)); err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteManagedPolicy(ctx, arn)
}

type listEntitiesInput struct {
	listInput
	EntityFilter      *string
	PathPrefix        *string
	PolicyUsageFilter *string
}

type policyRole struct {
	RoleName string
	RoleID   string `query:"RoleId"`
}

type policyUser struct {
	UserName string
	UserID   string `query:"UserId"`
}

type listEntitiesOutput struct {
	PolicyGroups []done
	PolicyUsers  []policyUser
	PolicyRoles  []policyRole
	pageOutput
}

// listEntitiesForPolicy pages roles and users as one list.
func (s *service) listEntitiesForPolicy(ctx context.Context, _ *gate.Call, in *listEntitiesInput) (*listEntitiesOutput, error) {
	var c check
	arn := managed(&c, &in.target)
	c.oneOf("entityFilter", in.EntityFilter, "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy")
	c.oneOf("policyUsageFilter", in.PolicyUsageFilter, store.PermissionsPolicy, store.PermissionsBoundary)
	prefix := c.optional("pathPrefix", in.PathPrefix, pathRule)
	page := in.page(&c)
	if err := cmp.Or(c.err(), checkARN(arn)); err != nil {
		return nil, err
	}
	roles, users, err := s.Store.ManagedPolicyEntities(ctx, arn, value(in.PolicyUsageFilter))
	if err != nil {
		return nil, err
	}
	type holding struct {
		kind string
		store.NamedID
	}
	var all []holding
	for kind, some := range map[string][]store.NamedID{"Role": roles, "User": users} {
		for _, e := range some {
			if filter := value(in.EntityFilter); (filter == "" || filter == kind) && strings.HasPrefix(e.Path, prefix) {
				all = append(all, holding{kind, e})
			}
		}
	}
	some, more := pageOf(all, page, func(h holding) string { return h.kind + " " + h.Name })
	out := &listEntitiesOutput{pageOutput: more}
	for _, h := range some {
		if h.kind == "Role" {
			out.PolicyRoles = append(out.PolicyRoles, policyRole{h.Name, h.ID})
		} else {
			out.PolicyUsers = append(out.PolicyUsers, policyUser{h.Name, h.ID})
		}
	}
	return out, nil
}
