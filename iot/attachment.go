package iot

import (
	"context"

	"github.com/thingpass/thingpass/gate"
)

func (s *service) attachmentRows() []gate.Operation {
	return []gate.Operation{
		row("AttachPolicy", "PUT /target-policies/{policyName}", targetARN, s.attachPolicy),
		row("DetachPolicy", "POST /target-policies/{policyName}", targetARN, s.detachPolicy),
		row("ListAttachedPolicies", "POST /attached-policies/{target}", func(in *listAttachedInput) string { return in.Target }, s.listAttachedPolicies),
		askingRow("ListTargetsForPolicy", "POST /policy-targets/{policyName}", func(in *listTargetsInput) []gate.Access {
			return s.askTagged("ListTargetsForPolicy", s.Place.Policy(in.Policy))
		}, s.listTargetsForPolicy),
		// The older pair of names for the same, with the principal in a header.
		row("AttachPrincipalPolicy", "PUT /principal-policies/{policyName}", principalPolicyARN, s.attachPrincipalPolicy),
		row("DetachPrincipalPolicy", "DELETE /principal-policies/{policyName}", principalPolicyARN, s.detachPrincipalPolicy),
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
// returns the certificate's id. Other targets and principals of AWS (thing
// groups, Cognito identities) do not exist here. Ids are compared as they are
// written: permission is asked for the ARN as it was sent, so another spelling
// must not lead to the same certificate.
func (s *service) certificate(c *check, member string, arn *string) string {
	before := len(c.problems)
	given := c.required(member, arn, arnRule)
	if len(c.problems) > before {
		return ""
	}
	kind, id, ok := s.Place.ParseIoTARN(given)
	if !ok || kind != "cert" || certIDRule.broken(id) != "" {
		c.fail("'"+given+"'", member, "Member must be the ARN of a certificate of this account and region")
	}
	return id
}

// pair checks a policy name and the ARN of a certificate, and hands name and id
// to do.
func (s *service) pair(ctx context.Context, in pairing, do func(context.Context, string, string) error) (*none, error) {
	var c check
	c.text("policyName", in.policy, policyNameRule)
	id := s.certificate(&c, in.member, in.arn)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, do(ctx, in.policy, id)
}

type pairing struct {
	policy string
	member string // the name of the member that holds the ARN
	arn    *string
}

func (s *service) attachPolicy(ctx context.Context, _ *gate.Call, in *targetInput) (*none, error) {
	return s.pair(ctx, pairing{in.Policy, "target", in.Target}, s.Store.AttachPolicy)
}

func (s *service) detachPolicy(ctx context.Context, _ *gate.Call, in *targetInput) (*none, error) {
	return s.pair(ctx, pairing{in.Policy, "target", in.Target}, s.Store.DetachPolicy)
}

func (s *service) attachPrincipalPolicy(ctx context.Context, _ *gate.Call, in *principalPolicyInput) (*none, error) {
	return s.pair(ctx, pairing{in.Policy, "principal", in.Principal}, s.Store.AttachPolicy)
}

func (s *service) detachPrincipalPolicy(ctx context.Context, _ *gate.Call, in *principalPolicyInput) (*none, error) {
	return s.pair(ctx, pairing{in.Policy, "principal", in.Principal}, s.Store.DetachPolicy)
}

// listAttachedInput leaves out "recursive": it is about thing groups, and
// certificates are in none.
type listAttachedInput struct {
	markerPage
	Target string `uri:"target"`
}

func (s *service) listAttachedPolicies(ctx context.Context, _ *gate.Call, in *listAttachedInput) (*policiesOutput, error) {
	var c check
	id := s.certificate(&c, "target", &in.Target)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.AttachedPolicies(ctx, id, page)
	if err != nil {
		return nil, err
	}
	return s.policyPage(all, page), nil
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
	return &targetsOutput{each(some, s.Place.Certificate), next}, nil
}
