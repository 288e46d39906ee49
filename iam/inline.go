package iam

import (
	"context"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/policy"
)

// inlineRows are the operations on the policies that belong to one role or
// user.
func (h *holder) inlineRows() []gate.Operation {
	k := &h.kind
	return []gate.Operation{
		on(k, "Put"+h.noun+"Policy", h.putInline, bounded),
		on(k, "Get"+h.noun+"Policy", h.getInline),
		on(k, "List"+h.noun+"Policies", h.listInline),
		on(k, "Delete"+h.noun+"Policy", h.deleteInline, bounded),
	}
}

// inlineInput names an inline policy of a role or user.
type inlineInput struct {
	target
	PolicyName *string
}

func (h *holder) inline(c *check, in *inlineInput) (owner, name string) {
	return h.named(c, &in.target), c.required("policyName", in.PolicyName, policyNameRule)
}

type putInlineInput struct {
	inlineInput
	PolicyDocument *string
}

func (h *holder) putInline(ctx context.Context, call *gate.Call, in *putInlineInput) (*done, error) {
	var c check
	owner, name := h.inline(&c, &in.inlineInput)
	document := c.required("policyDocument", in.PolicyDocument, documentRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	p, err := parse(policy.Identity, document)
	if err != nil {
		return nil, err
	}
	quota := func(all []thingpass.InlinePolicy) error { return h.checkInline(owner, all) }
	if err := h.put(ctx, owner, thingpass.InlinePolicy{Name: name, Document: document}, quota); err != nil {
		return nil, err
	}
	h.warn(ctx, call, p, h.label(), owner, "policy", name)
	return nil, nil
}

type getInlineOutput struct {
	target
	PolicyName, PolicyDocument string
}

func (h *holder) getInline(ctx context.Context, _ *gate.Call, in *inlineInput) (*getInlineOutput, error) {
	var c check
	owner, name := h.inline(&c, in)
	if err := c.err(); err != nil {
		return nil, err
	}
	p, err := h.get(ctx, owner, name)
	if err != nil {
		return nil, err
	}
	return &getInlineOutput{h.called(owner), p.Name, escaped(p.Document)}, nil
}

func (h *holder) deleteInline(ctx context.Context, _ *gate.Call, in *inlineInput) (*done, error) {
	var c check
	owner, name := h.inline(&c, in)
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, h.remove(ctx, owner, name)
}

type listInlineOutput struct {
	PolicyNames []string
	pageOutput
}

func (h *holder) listInline(ctx context.Context, _ *gate.Call, in *listInput) (*listInlineOutput, error) {
	var c check
	owner := h.named(&c, &in.target)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := h.list(ctx, owner, page)
	if err != nil {
		return nil, err
	}
	some, more := cut(all, page, func(name string) string { return name })
	return &listInlineOutput{some, more}, nil
}
