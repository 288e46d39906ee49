package iot

import (
	"context"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/wire"
)

func (s *service) aliasRows() []gate.Operation {
	return []gate.Operation{
		askingRow("CreateRoleAlias", "POST /role-aliases/{roleAlias}", s.askCreateAlias, s.createRoleAlias, passRole),
		askingRow("DescribeRoleAlias", "GET /role-aliases/{roleAlias}", about(s, "DescribeRoleAlias", s.aliasARN), s.describeRoleAlias),
		askingRow("UpdateRoleAlias", "PUT /role-aliases/{roleAlias}", s.askUpdateAlias, s.updateRoleAlias, passRole),
		askingRow("DeleteRoleAlias", "DELETE /role-aliases/{roleAlias}", about(s, "DeleteRoleAlias", s.aliasARN), s.deleteRoleAlias),
		row("ListRoleAliases", "GET /role-aliases", nil, s.listRoleAliases),
	}
}

const passRole = "iam:PassRole"

type aliasInput struct {
	Alias string `uri:"roleAlias"`
}

func (s *service) aliasARN(in *aliasInput) string { return s.Place.RoleAlias(in.Alias) }

type aliasChange struct {
	Alias   string  `uri:"roleAlias"`
	RoleARN *string `json:"roleArn"`
	Seconds *int64  `json:"credentialDurationSeconds"`
}

type createAliasInput struct {
	aliasChange
	Tags []tag `json:"tags"`
}

type aliasOutput struct {
	Alias string `json:"roleAlias"`
	ARN   string `json:"roleAliasArn"`
}

func (s *service) askCreateAlias(in *createAliasInput) []gate.Access {
	return taggedAll(s.askAlias("CreateRoleAlias", &in.aliasChange), in.Tags)
}

func (s *service) askUpdateAlias(in *aliasChange) []gate.Access {
	return s.askAlias("UpdateRoleAlias", in)
}

// askAlias asks for iam:PassRole as well, on the role that an alias is to hand
// out: without it, whoever may write aliases could give themselves any role.
func (s *service) askAlias(operation string, in *aliasChange) []gate.Access {
	questions := s.askTagged(operation, s.Place.RoleAlias(in.Alias))
	if in.RoleARN == nil || *in.RoleARN == "" {
		return questions // no role is passed; creation refuses it later
	}
	return append(questions, s.askPass(*in.RoleARN))
}

// checkAlias validates what creation and update have in common.
func (s *service) checkAlias(c *check, in *aliasChange) {
	c.text("roleAlias", in.Alias, aliasRule)
	c.number("credentialDurationSeconds", in.Seconds, seconds(thingpass.MinSession), seconds(thingpass.MaxSession))
	if in.RoleARN == nil {
		return
	}
	before := len(c.problems)
	c.text("roleArn", *in.RoleARN, roleARNRule)
	if len(c.problems) > before {
		return
	}
	// The role need not exist, nor trust the service: a device is told so when
	// it asks for credentials, as on AWS.
	path, name, ok := s.Place.ParseRoleARN(*in.RoleARN)
	if !ok || !thingpass.ValidRoleName(name) || !thingpass.ValidPath(path) {
		c.fail("'"+*in.RoleARN+"'", "roleArn", "Member must be the ARN of a role of account "+s.Place.Account)
	}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func (s *service) createRoleAlias(ctx context.Context, _ *gate.Call, in *createAliasInput) (*aliasOutput, error) {
	var c check
	s.checkAlias(&c, &in.aliasChange)
	if in.RoleARN == nil {
		c.required("roleArn", nil, roleARNRule)
	}
	tags := newTags(&c, in.Tags)
	if err := c.err(); err != nil {
		return nil, err
	}
	a := thingpass.RoleAlias{Name: in.Alias, RoleARN: *in.RoleARN, Duration: thingpass.DefaultSession, Created: s.Now(), Tags: tags}
	if in.Seconds != nil {
		a.Duration = time.Duration(*in.Seconds) * time.Second
	}
	if err := s.Store.CreateRoleAlias(ctx, a); err != nil {
		return nil, err
	}
	return &aliasOutput{a.Name, s.Place.RoleAlias(a.Name)}, nil
}

type aliasDescription struct {
	Alias    string     `json:"roleAlias"`
	ARN      string     `json:"roleAliasArn"`
	RoleARN  string     `json:"roleArn"`
	Owner    string     `json:"owner"`
	Seconds  int64      `json:"credentialDurationSeconds"`
	Created  wire.Epoch `json:"creationDate"`
	Modified wire.Epoch `json:"lastModifiedDate"`
}

type describeAliasOutput struct {
	Description aliasDescription `json:"roleAliasDescription"`
}

func (s *service) describeRoleAlias(ctx context.Context, _ *gate.Call, in *aliasInput) (*describeAliasOutput, error) {
	var c check
	c.text("roleAlias", in.Alias, aliasRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	a, err := s.Store.RoleAlias(ctx, in.Alias)
	if err != nil {
		return nil, err
	}
	return &describeAliasOutput{aliasDescription{
		Alias: a.Name, ARN: s.Place.RoleAlias(a.Name), RoleARN: a.RoleARN, Owner: s.Place.Account,
		Seconds: seconds(a.Duration), Created: wire.Epoch(a.Created), Modified: wire.Epoch(a.Modified),
	}}, nil
}

func (s *service) updateRoleAlias(ctx context.Context, _ *gate.Call, in *aliasChange) (*aliasOutput, error) {
	var c check
	s.checkAlias(&c, in)
	if err := c.err(); err != nil {
		return nil, err
	}
	a, err := s.Store.UpdateRoleAlias(ctx, in.Alias, func(a *thingpass.RoleAlias) error {
		if in.RoleARN != nil {
			a.RoleARN = *in.RoleARN
		}
		if in.Seconds != nil {
			a.Duration = time.Duration(*in.Seconds) * time.Second
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &aliasOutput{a.Name, s.Place.RoleAlias(a.Name)}, nil
}

func (s *service) deleteRoleAlias(ctx context.Context, _ *gate.Call, in *aliasInput) (*none, error) {
	var c check
	c.text("roleAlias", in.Alias, aliasRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.DeleteRoleAlias(ctx, in.Alias)
}

type listAliasesOutput struct {
	Aliases    []string `json:"roleAliases"`
	NextMarker string   `json:"nextMarker,omitempty"`
}

func (s *service) listRoleAliases(ctx context.Context, _ *gate.Call, in *orderedPage) (*listAliasesOutput, error) {
	var c check
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.RoleAliases(ctx, page)
	if err != nil {
		return nil, err
	}
	name := func(a thingpass.RoleAlias) string { return a.Name }
	some, next := cut(all, page, name)
	return &listAliasesOutput{each(some, name), next}, nil
}
