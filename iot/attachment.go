package iot

import (
	"context"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

func (s *service) attachmentRows() []gate.Operation {
	return []gate.Operation{
		askingRow("AttachPolicy", "PUT /target-policies/{policyName}", about(s, "AttachPolicy", targetARN), s.attachPolicy),
		askingRow("DetachPolicy", "POST /target-policies/{policyName}", about(s, "DetachPolicy", targetARN), s.detachPolicy),
		row("ListAttachedPolicies", "POST /attached-policies/{target}", nil, s.listAttachedPolicies),
		askingRow("ListTargetsForPolicy", "POST /policy-targets/{policyName}", func(in *listTargetsInput) []gate.Access {
			return s.askTagged("ListTargetsForPolicy", s.Place.Policy(in.Policy))
		}, s.listTargetsForPolicy),
		// The older names for the same, with the principal in a header.
		row("AttachPrincipalPolicy", "PUT /principal-policies/{policyName}", principalPolicyARN, s.attachPrincipalPolicy),
		row("DetachPrincipalPolicy", "DELETE /principal-policies/{policyName}", principalPolicyARN, s.detachPrincipalPolicy),
		row("ListPrincipalPolicies", "GET /principal-policies", nil, s.listPrincipalPolicies),
		row("ListPolicyPrincipals", "GET /policy-principals", nil, s.listPolicyPrincipals),
	}
}

type targetInput struct {
	Policy string  `uri:"policyName"`
	Target *string `json:"target"`
}

func targetARN(in *targetInput) string { return text(in.Target) }

type principalPolicyInput struct {
	Policy    string  `uri:"policyName"`
	Principal *string `header:"x-amzn-iot-principal"`
}

func principalPolicyARN(in *principalPolicyInput) string { return text(in.Principal) }

// certificate checks a member that must be the ARN of a certificate, and
// returns the certificate's id. Ids are compared as they are written:
// permission is asked for the ARN as it was sent, so another spelling must not
// lead to the same certificate.
func (s *service) certificate(c *check, member string, arn *string) string {
	kind, id, ok := s.identity(c, member, arn)
	if ok && kind != "cert" {
		c.fail(quote(*arn), member, "Member must be the ARN of a certificate of this account and region")
	}
	return id
}

// target checks a member that must be the ARN of what a policy can be attached
// to: a certificate ("cert") or a thing group ("thinggroup"). AWS's third kind,
// Cognito identities, does not exist here.
func (s *service) target(c *check, member string, arn *string) (kind, name string) {
	kind, name, ok := s.identity(c, member, arn)
	if ok && kind == "" {
		c.fail(quote(*arn), member, "Member must be the ARN of a certificate or thing group of this account and region")
	}
	return kind, name
}

// identity reads the ARN of a certificate or thing group; kind is "" for any
// other text. ok is false for what is refused already.
func (s *service) identity(c *check, member string, arn *string) (kind, name string, ok bool) {
	before := len(c.problems)
	given := c.required(member, arn, arnRule)
	if len(c.problems) > before {
		return "", "", false
	}
	kind, name, _ = s.Place.ParseIoTARN(given)
	if kind == "cert" && certIDRule.broken(name) == "" || kind == "thinggroup" && thingRule.broken(name) == "" {
		return kind, name, true
	}
	return "", "", true
}

func (s *service) attachPolicy(ctx context.Context, _ *gate.Call, in *targetInput) (*none, error) {
	return s.pair(ctx, in, s.Store.AttachPolicy, s.Store.AttachPolicyToGroup)
}

func (s *service) detachPolicy(ctx context.Context, _ *gate.Call, in *targetInput) (*none, error) {
	return s.pair(ctx, in, s.Store.DetachPolicy, s.Store.DetachPolicyFromGroup)
}

// pair checks a policy name and a target, and hands policy and target to what
// deals with targets of its kind.
func (s *service) pair(ctx context.Context, in *targetInput, certificate, group func(ctx context.Context, policy, target string) error) (*none, error) {
	var c check
	c.text("policyName", in.Policy, policyNameRule)
	kind, name := s.target(&c, "target", in.Target)
	if err := c.err(); err != nil {
		return nil, err
	}
	if kind == "thinggroup" {
		return &none{}, group(ctx, in.Policy, name)
	}
	return &none{}, certificate(ctx, in.Policy, name)
}

func (s *service) attachPrincipalPolicy(ctx context.Context, _ *gate.Call, in *principalPolicyInput) (*none, error) {
	return s.pairPrincipal(ctx, in, s.Store.AttachPolicy)
}

func (s *service) detachPrincipalPolicy(ctx context.Context, _ *gate.Call, in *principalPolicyInput) (*none, error) {
	return s.pairPrincipal(ctx, in, s.Store.DetachPolicy)
}

func (s *service) pairPrincipal(ctx context.Context, in *principalPolicyInput, do func(ctx context.Context, policy, certificate string) error) (*none, error) {
	var c check
	c.text("policyName", in.Policy, policyNameRule)
	id := s.certificate(&c, "principal", in.Principal)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, do(ctx, in.Policy, id)
}

type listAttachedInput struct {
	markerPage
	Target    string `uri:"target"`
	Recursive bool   `query:"recursive"`
}

func (s *service) listAttachedPolicies(ctx context.Context, _ *gate.Call, in *listAttachedInput) (*policiesOutput, error) {
	var c check
	kind, name := s.target(&c, "target", &in.Target)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	return s.attached(ctx, kind, name, in.Recursive, page)
}

// attached lists the policies of a certificate, or of a thing group. recursive
// adds those of the groups above; certificates are in no groups.
func (s *service) attached(ctx context.Context, kind, name string, recursive bool, page thingpass.Page) (*policiesOutput, error) {
	var all []thingpass.Policy
	var err error
	if kind == "thinggroup" {
		all, err = s.Store.GroupPolicies(ctx, name, recursive, page)
	} else {
		all, err = s.Store.AttachedPolicies(ctx, name, page)
	}
	if err != nil {
		return nil, err
	}
	return s.policyPage(all, page), nil
}

type listPrincipalPoliciesInput struct {
	orderedPage
	Principal *string `header:"x-amzn-iot-principal"`
}

func (s *service) listPrincipalPolicies(ctx context.Context, _ *gate.Call, in *listPrincipalPoliciesInput) (*policiesOutput, error) {
	var c check
	kind, name := s.target(&c, "principal", in.Principal)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	return s.attached(ctx, kind, name, false, page)
}

type listTargetsInput struct {
	markerPage
	Policy string `uri:"policyName"`
}

type targetsOutput struct {
	Targets    []string `json:"targets"`
	NextMarker string   `json:"nextMarker,omitempty"`
}

func (s *service) listTargetsForPolicy(ctx context.Context, _ *gate.Call, in *listTargetsInput) (*targetsOutput, error) {
	var c check
	c.text("policyName", in.Policy, policyNameRule)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.PolicyTargets(ctx, in.Policy, page)
	if err != nil {
		return nil, err
	}
	some, next := cut(all, page, same)
	return &targetsOutput{each(some, same), next}, nil
}

type listPolicyPrincipalsInput struct {
	orderedPage
	Policy *string `header:"x-amzn-iot-policy"`
}

type principalsOutput struct {
	Principals []string `json:"principals"`
	NextMarker string   `json:"nextMarker,omitempty"`
}

// listPolicyPrincipals lists those targets of a policy that are certificates.
// In the order of the targets' ARNs they come before the thing groups.
func (s *service) listPolicyPrincipals(ctx context.Context, _ *gate.Call, in *listPolicyPrincipalsInput) (*principalsOutput, error) {
	var c check
	policy := c.required("policyName", in.Policy, policyNameRule)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	certificates := s.Place.Certificate("")
	if page.Descending && page.After == "" {
		page.After = certificates + "\x7f"
	}
	all, err := s.Store.PolicyTargets(ctx, policy, page)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(arn string) bool { return !strings.HasPrefix(arn, certificates) })
	some, next := cut(all, page, same)
	return &principalsOutput{each(some, same), next}, nil
}
