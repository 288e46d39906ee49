package iot

import (
	"context"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/wire"
)

func (s *service) versionRows() []gate.Operation {
	return []gate.Operation{
		askingRow("CreatePolicyVersion", "POST /policies/{policyName}/version", about(s, "CreatePolicyVersion", func(in *createVersionInput) string {
			return s.Place.Policy(in.Name)
		}), s.createPolicyVersion),
		askingRow("GetPolicyVersion", "GET /policies/{policyName}/version/{policyVersionId}", about(s, "GetPolicyVersion", s.versionARN), s.getPolicyVersion),
		askingRow("ListPolicyVersions", "GET /policies/{policyName}/version", about(s, "ListPolicyVersions", s.policyARN), s.listPolicyVersions),
		askingRow("SetDefaultPolicyVersion", "PATCH /policies/{policyName}/version/{policyVersionId}",
			about(s, "SetDefaultPolicyVersion", s.versionARN), s.setDefaultPolicyVersion),
		askingRow("DeletePolicyVersion", "DELETE /policies/{policyName}/version/{policyVersionId}", about(s, "DeletePolicyVersion", s.versionARN), s.deletePolicyVersion),
	}
}

type versionInput struct {
	Name string `uri:"policyName"`
	ID   string `uri:"policyVersionId"`
}

// versionARN is the policy's: versions have no ARN of their own.
func (s *service) versionARN(in *versionInput) string { return s.Place.Policy(in.Name) }

func (in *versionInput) check() error {
	var c check
	c.text("policyName", in.Name, policyNameRule)
	c.text("policyVersionId", in.ID, versionRule)
	return c.err()
}

type createVersionInput struct {
	Name     string  `uri:"policyName"`
	Document *string `json:"policyDocument"`
	Default  bool    `query:"setAsDefault"`
}

type createVersionOutput struct {
	ARN      string `json:"policyArn"`
	Document string `json:"policyDocument"`
	Version  string `json:"policyVersionId"`
	Default  bool   `json:"isDefaultVersion"`
}

func (s *service) createPolicyVersion(ctx context.Context, call *gate.Call, in *createVersionInput) (*createVersionOutput, error) {
	var c check
	c.text("policyName", in.Name, policyNameRule)
	document := c.required("policyDocument", in.Document, documentRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	warnings, err := s.checkDocument(document)
	if err != nil {
		return nil, err
	}
	v, err := s.Store.CreatePolicyVersion(ctx, in.Name, document, in.Default)
	if err != nil {
		return nil, err
	}
	call.Saved(ctx, warnings, "iot_policy", in.Name)
	return &createVersionOutput{s.Place.Policy(in.Name), v.Document, v.ID, v.Default}, nil
}

type getVersionOutput struct {
	ARN        string     `json:"policyArn"`
	Name       string     `json:"policyName"`
	Document   string     `json:"policyDocument"`
	Version    string     `json:"policyVersionId"`
	Default    bool       `json:"isDefaultVersion"`
	Created    wire.Epoch `json:"creationDate"`
	Modified   wire.Epoch `json:"lastModifiedDate"`
	Generation string     `json:"generationId"`
}

// getPolicyVersion says of a version that it was last modified when it was
// created: its text never changes.
func (s *service) getPolicyVersion(ctx context.Context, _ *gate.Call, in *versionInput) (*getVersionOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	v, err := s.Store.PolicyVersion(ctx, in.Name, in.ID)
	if err != nil {
		return nil, err
	}
	p, err := s.Store.Policy(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &getVersionOutput{
		ARN: s.Place.Policy(in.Name), Name: in.Name, Document: v.Document, Version: v.ID, Default: v.Default,
		Created: wire.Epoch(v.Created), Modified: wire.Epoch(v.Created), Generation: p.Generation,
	}, nil
}

type versionItem struct {
	ID      string     `json:"versionId"`
	Default bool       `json:"isDefaultVersion"`
	Created wire.Epoch `json:"createDate"`
}

type versionsOutput struct {
	Versions []versionItem `json:"policyVersions"`
}

func (s *service) listPolicyVersions(ctx context.Context, _ *gate.Call, in *policyInput) (*versionsOutput, error) {
	var c check
	c.text("policyName", in.Name, policyNameRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.PolicyVersions(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &versionsOutput{each(all, func(v thingpass.PolicyVersion) versionItem {
		return versionItem{v.ID, v.Default, wire.Epoch(v.Created)}
	})}, nil
}

func (s *service) setDefaultPolicyVersion(ctx context.Context, _ *gate.Call, in *versionInput) (*none, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.SetDefaultPolicyVersion(ctx, in.Name, in.ID)
}

func (s *service) deletePolicyVersion(ctx context.Context, _ *gate.Call, in *versionInput) (*none, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.DeletePolicyVersion(ctx, in.Name, in.ID)
}
