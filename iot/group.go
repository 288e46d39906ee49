package iot

import (
	"context"
	"errors"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/wire"
)

func (s *service) groupRows() []gate.Operation {
	return []gate.Operation{
		askingRow("CreateThingGroup", "POST /thing-groups/{thingGroupName}", s.askCreateGroup, s.createThingGroup),
		askingRow("DescribeThingGroup", "GET /thing-groups/{thingGroupName}", about(s, "DescribeThingGroup", s.groupARN), s.describeThingGroup),
		askingRow("UpdateThingGroup", "PATCH /thing-groups/{thingGroupName}", about(s, "UpdateThingGroup", func(in *updateGroupInput) string {
			return s.Place.ThingGroup(in.Name)
		}), s.updateThingGroup),
		askingRow("DeleteThingGroup", "DELETE /thing-groups/{thingGroupName}", about(s, "DeleteThingGroup", func(in *deleteGroupInput) string {
			return s.Place.ThingGroup(in.Name)
		}), s.deleteThingGroup),
		row("ListThingGroups", "GET /thing-groups", nil, s.listThingGroups),
	}
}

// askCreateGroup asks about the new group, and about the group above it: its
// policies are given to what the new one will hold (service authorization
// reference, CreateThingGroup).
func (s *service) askCreateGroup(in *createGroupInput) []gate.Access {
	questions := taggedAll(s.askTagged("CreateThingGroup", s.Place.ThingGroup(in.Name)), in.Tags)
	if in.Parent == nil {
		return questions
	}
	return append(questions, taggedAll(s.askTagged("CreateThingGroup", s.Place.ThingGroup(*in.Parent)), in.Tags)...)
}

type groupInput struct {
	Name string `uri:"thingGroupName"`
}

func (s *service) groupARN(in *groupInput) string { return s.Place.ThingGroup(in.Name) }

// groupProperties leaves out of an answer what a group does not have, as AWS
// does: Terraform takes an empty member for a property that was set.
type groupProperties struct {
	Description *string           `json:"thingGroupDescription,omitempty"`
	Payload     *attributePayload `json:"attributePayload,omitempty"`
}

func (p *groupProperties) check(c *check) {
	if p == nil {
		return
	}
	const member = "thingGroupProperties."
	c.optional(member+"thingGroupDescription", p.Description, descriptionRule)
	checkAttributes(c, member+"attributePayload", p.Payload)
}

// apply changes a group as a request wants it. AWS does not say what an update
// does with a description that is left out. Here an update that replaces the
// attributes replaces the description too, with none; one that merges, or leaves
// the attributes out, keeps it.
func (p *groupProperties) apply(g *thingpass.ThingGroup) error {
	if p == nil {
		return nil
	}
	if p.Description != nil || p.Payload != nil && !p.Payload.Merge {
		g.Description = text(p.Description)
	}
	g.Attributes = p.Payload.applied(g.Attributes)
	if len(g.Attributes) > maxAttributesTyped {
		return invalid("A thing group can have at most %d attributes", maxAttributesTyped)
	}
	return nil
}

type createGroupInput struct {
	Name       string           `uri:"thingGroupName"`
	Parent     *string          `json:"parentGroupName"`
	Properties *groupProperties `json:"thingGroupProperties"`
	Tags       []tag            `json:"tags"`
}

type createGroupOutput struct {
	Name string `json:"thingGroupName"`
	ARN  string `json:"thingGroupArn"`
	ID   string `json:"thingGroupId"`
}

func (s *service) createThingGroup(ctx context.Context, _ *gate.Call, in *createGroupInput) (*createGroupOutput, error) {
	var c check
	c.text("thingGroupName", in.Name, thingRule)
	c.optional("parentGroupName", in.Parent, thingRule)
	in.Properties.check(&c)
	tags := newTags(&c, in.Tags)
	if err := c.err(); err != nil {
		return nil, err
	}
	g := thingpass.ThingGroup{Name: in.Name, Parent: text(in.Parent), Created: s.Now(), Tags: tags}
	if err := in.Properties.apply(&g); err != nil {
		return nil, err
	}
	saved, err := s.Store.CreateThingGroup(ctx, g)
	if err != nil {
		return nil, modelled(err, thingpass.NotFound)
	}
	return &createGroupOutput{saved.Name, s.Place.ThingGroup(saved.Name), saved.ID}, nil
}

// modelled turns an error of a kind that the API does not foresee for an
// operation into an InvalidRequestException.
func modelled(err error, unforeseen thingpass.Kind) error {
	if e, ok := errors.AsType[*thingpass.Error](err); ok && e.Kind == unforeseen {
		return &thingpass.Error{Kind: thingpass.Invalid, Message: e.Message, Err: e.Err}
	}
	return err
}

type groupItem struct {
	Name string `json:"groupName"`
	ARN  string `json:"groupArn"`
}

func (s *service) groupItem(name string) groupItem { return groupItem{name, s.Place.ThingGroup(name)} }

type groupMetadata struct {
	Parent  string      `json:"parentGroupName,omitempty"`
	Above   []groupItem `json:"rootToParentThingGroups,omitempty"`
	Created wire.Epoch  `json:"creationDate"`
}

type describeGroupOutput struct {
	Name       string          `json:"thingGroupName"`
	ID         string          `json:"thingGroupId"`
	ARN        string          `json:"thingGroupArn"`
	Version    int64           `json:"version"`
	Properties groupProperties `json:"thingGroupProperties"`
	Metadata   groupMetadata   `json:"thingGroupMetadata"`
}

func (s *service) describeThingGroup(ctx context.Context, _ *gate.Call, in *groupInput) (*describeGroupOutput, error) {
	var c check
	c.text("thingGroupName", in.Name, thingRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	g, err := s.Store.ThingGroup(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	above, err := s.Store.ThingGroupAncestors(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	out := describeGroupOutput{
		Name: g.Name, ID: g.ID, ARN: s.Place.ThingGroup(g.Name), Version: g.Version,
		Metadata: groupMetadata{
			Parent: g.Parent, Created: wire.Epoch(g.Created),
			Above: each(above, func(a thingpass.ThingGroup) groupItem { return s.groupItem(a.Name) }),
		},
	}
	if g.Description != "" {
		out.Properties.Description = &g.Description
	}
	if len(g.Attributes) > 0 {
		out.Properties.Payload = &attributePayload{Attributes: g.Attributes}
	}
	return &out, nil
}

type updateGroupInput struct {
	Name       string           `uri:"thingGroupName"`
	Properties *groupProperties `json:"thingGroupProperties"`
	Version    *int64           `json:"expectedVersion"`
}

type updateGroupOutput struct {
	Version int64 `json:"version"`
}

func (s *service) updateThingGroup(ctx context.Context, _ *gate.Call, in *updateGroupInput) (*updateGroupOutput, error) {
	var c check
	c.text("thingGroupName", in.Name, thingRule)
	if in.Properties == nil {
		c.fail("null", "thingGroupProperties", "Member must not be null")
	}
	in.Properties.check(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	updated, err := s.Store.UpdateThingGroup(ctx, in.Name, version(in.Version), in.Properties.apply)
	if err != nil {
		return nil, err
	}
	return &updateGroupOutput{updated}, nil
}

type deleteGroupInput struct {
	Name    string `uri:"thingGroupName"`
	Version *int64 `query:"expectedVersion"`
}

// deleteThingGroup succeeds for a group that is not there: the API foresees no
// ResourceNotFoundException, nor a DeleteConflictException.
func (s *service) deleteThingGroup(ctx context.Context, _ *gate.Call, in *deleteGroupInput) (*none, error) {
	var c check
	c.text("thingGroupName", in.Name, thingRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, modelled(s.Store.DeleteThingGroup(ctx, in.Name, version(in.Version)), thingpass.Conflict)
}

type listGroupsInput struct {
	tokenPage
	Parent    *string `query:"parentGroup"`
	Prefix    *string `query:"namePrefixFilter"`
	Recursive bool    `query:"recursive"`
}

type groupsOutput struct {
	Groups    []groupItem `json:"thingGroups"`
	NextToken string      `json:"nextToken,omitempty"`
}

// listThingGroups lists all groups, or the children of one, or with recursive
// all that are below that one (AWS IoT developer guide, "List thing groups").
func (s *service) listThingGroups(ctx context.Context, _ *gate.Call, in *listGroupsInput) (*groupsOutput, error) {
	var c check
	page := in.page(&c)
	c.optional("parentGroup", in.Parent, thingRule)
	c.optional("namePrefixFilter", in.Prefix, thingRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.ThingGroups(ctx, store.ThingGroupFilter{Parent: text(in.Parent), NamePrefix: text(in.Prefix), Recursive: in.Recursive}, page)
	if err != nil {
		return nil, err
	}
	some, next := cut(all, page, func(g thingpass.ThingGroup) string { return g.Name })
	return &groupsOutput{each(some, func(g thingpass.ThingGroup) groupItem { return s.groupItem(g.Name) }), next}, nil
}
