package iam

import (
	"cmp"
	"context"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

// attachRows are the operations that tie managed policies to roles or users.
// They are decided on the role or user; which policy it is about is a condition
// key.
func (h *holder) attachRows() []gate.Operation {
	k := &h.kind
	return []gate.Operation{
		on(k, "Attach"+h.noun+"Policy", h.attachPolicy, bounded, h.naming),
		on(k, "Detach"+h.noun+"Policy", h.detachPolicy, bounded, h.naming),
		on(k, "ListAttached"+h.noun+"Policies", h.listAttached),
		on(k, "Put"+h.noun+"PermissionsBoundary", h.putBoundary, h.rebounding),
		on(k, "Delete"+h.noun+"PermissionsBoundary", h.deleteBoundary, bounded),
	}
}

// attachInput names a role or user and a managed policy.
type attachInput struct{ target }

func (h *holder) naming(in *attachInput, _ entity, a *gate.Access) {
	if in.PolicyARN != nil {
		a.Context["iam:PolicyARN"] = []string{*in.PolicyARN}
	}
}

func (h *holder) attaching(in *attachInput) (owner, arn string, err error) {
	var c check
	owner = h.named(&c, &in.target)
	arn = c.required("policyArn", in.PolicyARN, policyARNRule)
	return owner, arn, cmp.Or(c.err(), checkARN(arn))
}

func (h *holder) attachPolicy(ctx context.Context, _ *gate.Call, in *attachInput) (*done, error) {
	owner, arn, err := h.attaching(in)
	if err != nil {
		return nil, err
	}
	return nil, h.attach(ctx, owner, arn)
}

func (h *holder) detachPolicy(ctx context.Context, _ *gate.Call, in *attachInput) (*done, error) {
	owner, arn, err := h.attaching(in)
	if err != nil {
		return nil, err
	}
	return nil, h.detach(ctx, owner, arn)
}

type listAttachedInput struct {
	listInput
	PathPrefix *string
}

// attachedPolicy is how answers name a managed policy of a role or user.
type attachedPolicy struct {
	PolicyName string
	PolicyARN  string `query:"PolicyArn"`
}

type listAttachedOutput struct {
	AttachedPolicies []attachedPolicy
	pageOutput
}

// listAttached reads all policies, of which there are few, to leave out those
// of other paths.
func (h *holder) listAttached(ctx context.Context, _ *gate.Call, in *listAttachedInput) (*listAttachedOutput, error) {
	var c check
	owner := h.named(&c, &in.target)
	prefix := c.optional("pathPrefix", in.PathPrefix, policyPathRule)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := h.attached(ctx, owner, thingpass.Page{})
	if err != nil {
		return nil, err
	}
	var shown []attachedPolicy
	for _, p := range all {
		if strings.HasPrefix(p.Path, prefix) {
			shown = append(shown, attachedPolicy{p.Name, h.Place.ManagedPolicy(p.Path, p.Name)})
		}
	}
	some, more := pageOf(shown, page, func(p attachedPolicy) string { return p.PolicyName })
	return &listAttachedOutput{some, more}, nil
}

// boundary is a permissions boundary in an answer.
type boundary struct {
	PermissionsBoundaryType string
	PermissionsBoundaryARN  string `query:"PermissionsBoundaryArn"`
}

// shownBoundary is nil for none. AWS answers the type "Policy", whatever the
// model says (awsdocs/iam-user-guide issue 82).
func shownBoundary(arn string) *boundary {
	if arn == "" {
		return nil
	}
	return &boundary{"Policy", arn}
}

type putBoundaryInput struct {
	target
	PermissionsBoundary *string
}

// rebounding makes the new boundary what the condition key is about, not the
// one that is there: with the old one, who may change boundaries within limits
// could put any other in its place.
func (h *holder) rebounding(in *putBoundaryInput, _ entity, a *gate.Access) {
	bounding(a, value(in.PermissionsBoundary))
}

func (h *holder) putBoundary(ctx context.Context, _ *gate.Call, in *putBoundaryInput) (*done, error) {
	var c check
	owner := h.named(&c, &in.target)
	arn := c.required("permissionsBoundary", in.PermissionsBoundary, policyARNRule)
	if err := cmp.Or(c.err(), checkARN(arn)); err != nil {
		return nil, err
	}
	return nil, h.rebound(ctx, owner, arn)
}

// deleteBoundary is a success too when there is none.
func (h *holder) deleteBoundary(ctx context.Context, _ *gate.Call, in *target) (*done, error) {
	var c check
	owner := h.named(&c, in)
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, h.rebound(ctx, owner, "")
}

// checkARN refuses what is no ARN at all. Whether there is such a policy is for
// the store to say.
func checkARN(arn string) error {
	if arn != "" && !strings.HasPrefix(arn, "arn:") {
		return invalidInput("ARN " + arn + " is not valid.")
	}
	return nil
}
