package iam

import (
	"cmp"
	"context"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

// policyVersion is a version of a managed policy in an answer. Only
// GetPolicyVersion shows the document (API reference, "PolicyVersion").
type policyVersion struct {
	Document         string `query:",omitempty"`
	VersionID        string `query:"VersionId"`
	IsDefaultVersion bool
	CreateDate       time.Time
}

type policyVersionOutput struct{ PolicyVersion policyVersion }

type createPolicyVersionInput struct {
	target
	PolicyDocument *string
	SetAsDefault   bool
}

func (s *service) createPolicyVersion(ctx context.Context, call *gate.Call, in *createPolicyVersionInput) (*policyVersionOutput, error) {
	var c check
	arn := managed(&c, &in.target)
	document := c.required("policyDocument", in.PolicyDocument, documentRule)
	if err := cmp.Or(c.err(), checkARN(arn)); err != nil {
		return nil, err
	}
	p, err := parseManaged(document)
	if err != nil {
		return nil, err
	}
	v, err := s.Store.CreateManagedPolicyVersion(ctx, arn, document, in.SetAsDefault)
	if err != nil {
		return nil, err
	}
	s.warn(ctx, call, p, "policy", arn, "version", v.ID)
	return &policyVersionOutput{policyVersion{VersionID: v.ID, IsDefaultVersion: v.Default, CreateDate: v.Created}}, nil
}

// versionInput names a version of a managed policy.
type versionInput struct {
	target
	VersionID *string `query:"VersionId"`
}

func (in *versionInput) check() (arn, id string, err error) {
	var c check
	arn = managed(&c, &in.target)
	id = c.required("versionId", in.VersionID, versionRule)
	return arn, id, cmp.Or(c.err(), checkARN(arn))
}

func (s *service) getPolicyVersion(ctx context.Context, _ *gate.Call, in *versionInput) (*policyVersionOutput, error) {
	arn, id, err := in.check()
	if err != nil {
		return nil, err
	}
	v, err := s.Store.ManagedPolicyVersion(ctx, arn, id)
	if err != nil {
		return nil, err
	}
	return &policyVersionOutput{policyVersion{escaped(v.Document), v.ID, v.Default, v.Created}}, nil
}

func (s *service) setDefaultPolicyVersion(ctx context.Context, _ *gate.Call, in *versionInput) (*done, error) {
	arn, id, err := in.check()
	if err != nil {
		return nil, err
	}
	return nil, s.Store.SetDefaultManagedPolicyVersion(ctx, arn, id)
}

func (s *service) deletePolicyVersion(ctx context.Context, _ *gate.Call, in *versionInput) (*done, error) {
	arn, id, err := in.check()
	if err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteManagedPolicyVersion(ctx, arn, id)
}

type listVersionsOutput struct {
	Versions []policyVersion
	pageOutput
}

// listPolicyVersions lists the newest first.
func (s *service) listPolicyVersions(ctx context.Context, _ *gate.Call, in *listInput) (*listVersionsOutput, error) {
	var c check
	arn := managed(&c, &in.target)
	page := in.page(&c)
	if err := cmp.Or(c.err(), checkARN(arn)); err != nil {
		return nil, err
	}
	all, err := s.Store.ManagedPolicyVersions(ctx, arn, page)
	if err != nil {
		return nil, err
	}
	some, more := cut(all, page, func(v thingpass.PolicyVersion) string { return v.ID })
	out := &listVersionsOutput{pageOutput: more}
	for _, v := range some {
		out.Versions = append(out.Versions, policyVersion{VersionID: v.ID, IsDefaultVersion: v.Default, CreateDate: v.Created})
	}
	return out, nil
}
