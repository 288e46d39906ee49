package iot

import (
	"bytes"
	"context"
	"encoding/json"
	"unicode/utf8"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/wire"
)

func (s *service) policyRows() []gate.Operation {
	return []gate.Operation{
		askingRow("CreatePolicy", "POST /policies/{policyName}", func(in *createPolicyInput) []gate.Access {
			return taggedAll(s.askTagged("CreatePolicy", s.Place.Policy(in.Name)), in.Tags)
		}, s.createPolicy),
		askingRow("GetPolicy", "GET /policies/{policyName}", about(s, "GetPolicy", s.policyARN), s.getPolicy),
		askingRow("DeletePolicy", "DELETE /policies/{policyName}", about(s, "DeletePolicy", s.policyARN), s.deletePolicy),
		row("ListPolicies", "GET /policies", nil, s.listPolicies),
	}
}

// maxDocument is how long a policy document may be, in characters without the
// white space around its tokens (AWS IoT Core quotas, "Policy document size").
const maxDocument = 2048

type policyInput struct {
	Name string `uri:"policyName"`
}

func (s *service) policyARN(in *policyInput) string { return s.Place.Policy(in.Name) }

type createPolicyInput struct {
	Name     string  `uri:"policyName"`
	Document *string `json:"policyDocument"`
	Tags     []tag   `json:"tags"`
}

type createPolicyOutput struct {
	Name     string `json:"policyName"`
	ARN      string `json:"policyArn"`
	Document string `json:"policyDocument"`
	Version  string `json:"policyVersionId"`
}

func (s *service) createPolicy(ctx context.Context, call *gate.Call, in *createPolicyInput) (*createPolicyOutput, error) {
	var c check
	c.text("policyName", in.Name, policyNameRule)
	document := c.required("policyDocument", in.Document, documentRule)
	tags := newTags(&c, in.Tags)
	if err := c.err(); err != nil {
		return nil, err
	}
	warnings, err := s.checkDocument(document)
	if err != nil {
		return nil, err
	}
	p := thingpass.Policy{Name: in.Name, Document: document, VersionID: "1", Created: s.Now(), Tags: tags}
	if err := s.Store.CreatePolicy(ctx, p); err != nil {
		return nil, err
	}
	call.Saved(ctx, warnings, "iot_policy", p.Name)
	return &createPolicyOutput{p.Name, s.Place.Policy(p.Name), p.Document, p.VersionID}, nil
}

// checkDocument refuses a document that is too long or that could not be
// evaluated, and tells what is odd about one that may be saved. Length comes
// first: what is too long is not worth compiling.
func (s *service) checkDocument(document string) (warnings []string, err error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(document)); err == nil && utf8.RuneCount(compact.Bytes()) > maxDocument {
		return nil, thingpass.Errorf(thingpass.MalformedPolicy,
			"The policy document has %d characters without white space; at most %d are allowed", utf8.RuneCount(compact.Bytes()), maxDocument)
	}
	warnings, err = s.ParsePolicy(document)
	if err != nil {
		return nil, &thingpass.Error{Kind: thingpass.MalformedPolicy, Message: err.Error()}
	}
	return warnings, nil
}

type getPolicyOutput struct {
	Name       string     `json:"policyName"`
	ARN        string     `json:"policyArn"`
	Document   string     `json:"policyDocument"`
	Version    string     `json:"defaultVersionId"`
	Created    wire.Epoch `json:"creationDate"`
	Modified   wire.Epoch `json:"lastModifiedDate"`
	Generation string     `json:"generationId"`
}

func (s *service) getPolicy(ctx context.Context, _ *gate.Call, in *policyInput) (*getPolicyOutput, error) {
	var c check
	c.text("policyName", in.Name, policyNameRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	p, err := s.Store.Policy(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &getPolicyOutput{
		Name: p.Name, ARN: s.Place.Policy(p.Name), Document: p.Document, Version: p.VersionID,
		Created: wire.Epoch(p.Created), Modified: wire.Epoch(p.Modified), Generation: p.Generation,
	}, nil
}

func (s *service) deletePolicy(ctx context.Context, _ *gate.Call, in *policyInput) (*none, error) {
	var c check
	c.text("policyName", in.Name, policyNameRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.DeletePolicy(ctx, in.Name)
}

type policyItem struct {
	Name string `json:"policyName"`
	ARN  string `json:"policyArn"`
}

type policiesOutput struct {
	Policies   []policyItem `json:"policies"`
	NextMarker string       `json:"nextMarker,omitempty"`
}

func (s *service) policyItem(name string) policyItem { return policyItem{name, s.Place.Policy(name)} }

func (s *service) policyPage(all []thingpass.Policy, page thingpass.Page) *policiesOutput {
	some, next := cut(all, page, func(p thingpass.Policy) string { return p.Name })
	return &policiesOutput{each(some, func(p thingpass.Policy) policyItem { return s.policyItem(p.Name) }), next}
}

func (s *service) listPolicies(ctx context.Context, _ *gate.Call, in *orderedPage) (*policiesOutput, error) {
	var c check
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.Policies(ctx, page)
	if err != nil {
		return nil, err
	}
	return s.policyPage(all, page), nil
}
