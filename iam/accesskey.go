package iam

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

// keyRows are the operations on the long-lived keys of users. Who names no user
// means their own.
func (s *service) keyRows(h *holder) []gate.Operation {
	k := &h.kind
	return []gate.Operation{
		own(k, "CreateAccessKey", s.createAccessKey),
		own(k, "ListAccessKeys", s.listAccessKeys),
		own(k, "UpdateAccessKey", s.updateAccessKey),
		own(k, "DeleteAccessKey", s.deleteAccessKey),
	}
}

// accessKey is a key in an answer, with its secret when it is new.
type accessKey struct {
	UserName        string
	AccessKeyID     string `query:"AccessKeyId"`
	Status          string
	SecretAccessKey string `query:",omitempty"`
	CreateDate      time.Time
}

const (
	activeKey   = "Active"
	inactiveKey = "Inactive"
)

func shownKey(owner string, k thingpass.AccessKey) accessKey {
	shown := accessKey{UserName: owner, AccessKeyID: k.ID, Status: inactiveKey, CreateDate: k.Created}
	if k.Active {
		shown.Status = activeKey
	}
	return shown
}

type createAccessKeyOutput struct{ AccessKey accessKey }

// secretSize makes secrets as long as AWS's: 40 characters.
const secretSize = 30

// createAccessKey answers with the secret, which is shown at no other time.
func (s *service) createAccessKey(ctx context.Context, owner entity, _ *target) (*createAccessKeyOutput, error) {
	var random [secretSize]byte
	_, _ = rand.Read(random[:]) // never fails
	k := thingpass.AccessKey{
		ID: thingpass.NewID("AKIA"), Secret: thingpass.NewSecret(base64.StdEncoding.EncodeToString(random[:])),
		User: owner.name, Active: true, Created: s.Now().UTC(),
	}
	if err := s.Store.CreateAccessKey(ctx, owner.name, k); err != nil {
		return nil, err
	}
	shown := shownKey(owner.name, k)
	shown.SecretAccessKey = k.Secret.Reveal()
	return &createAccessKeyOutput{shown}, nil
}

type listAccessKeysOutput struct {
	AccessKeyMetadata []accessKey
	pageOutput
}

func (s *service) listAccessKeys(ctx context.Context, owner entity, in *listInput) (*listAccessKeysOutput, error) {
	var c check
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.AccessKeys(ctx, owner.name, page)
	if err != nil {
		return nil, err
	}
	some, more := cut(all, page, func(k thingpass.AccessKey) string { return k.ID })
	out := &listAccessKeysOutput{pageOutput: more}
	for _, k := range some {
		out.AccessKeyMetadata = append(out.AccessKeyMetadata, shownKey(owner.name, k))
	}
	return out, nil
}

type accessKeyInput struct {
	target
	AccessKeyID *string `query:"AccessKeyId"`
}

type updateAccessKeyInput struct {
	accessKeyInput
	Status *string
}

func (s *service) updateAccessKey(ctx context.Context, owner entity, in *updateAccessKeyInput) (*done, error) {
	var c check
	id := c.required("accessKeyId", in.AccessKeyID, keyIDRule)
	if in.Status == nil {
		c.fail("null", "status", "Member must not be null")
	}
	c.oneOf("status", in.Status, activeKey, inactiveKey)
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, s.Store.UpdateAccessKey(ctx, owner.name, id, *in.Status == activeKey)
}

func (s *service) deleteAccessKey(ctx context.Context, owner entity, in *accessKeyInput) (*done, error) {
	var c check
	id := c.required("accessKeyId", in.AccessKeyID, keyIDRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteAccessKey(ctx, owner.name, id)
}
