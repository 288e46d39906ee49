package iot

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/wire"
)

func (s *service) thingTypeRows() []gate.Operation {
	return []gate.Operation{
		askingRow("CreateThingType", "POST /thing-types/{thingTypeName}", func(in *createTypeInput) []gate.Access {
			return taggedAll(s.askTagged("CreateThingType", s.Place.ThingType(in.Name)), in.Tags)
		}, s.createThingType),
		askingRow("DescribeThingType", "GET /thing-types/{thingTypeName}", about(s, "DescribeThingType", s.typeARN), s.describeThingType),
		askingRow("DeprecateThingType", "POST /thing-types/{thingTypeName}/deprecate", func(in *deprecateInput) []gate.Access {
			return s.askTagged("DeprecateThingType", s.Place.ThingType(in.Name))
		}, s.deprecateThingType),
		askingRow("DeleteThingType", "DELETE /thing-types/{thingTypeName}", about(s, "DeleteThingType", s.typeARN), s.deleteThingType),
		row("ListThingTypes", "GET /thing-types", nil, s.listThingTypes),
	}
}

// maxSearchable is how many searchable attributes a thing type may have (AWS
// IoT developer guide, "Thing types").
const maxSearchable = 3

type typeInput struct {
	Name string `uri:"thingTypeName"`
}

func (s *service) typeARN(in *typeInput) string { return s.Place.ThingType(in.Name) }

type typeProperties struct {
	Description *string         `json:"thingTypeDescription,omitempty"`
	Searchable  []string        `json:"searchableAttributes"`
	MQTT5       json.RawMessage `json:"mqtt5Configuration,omitempty"`
}

func (p *typeProperties) check(c *check) {
	if p == nil {
		return
	}
	const member = "thingTypeProperties."
	c.optional(member+"thingTypeDescription", p.Description, descriptionRule)
	if len(p.Searchable) > maxSearchable {
		c.fail("(not repeated)", member+"searchableAttributes", fmt.Sprintf("Member must have length less than or equal to %d", maxSearchable))
		return
	}
	for i, name := range p.Searchable {
		c.text(fmt.Sprintf("%ssearchableAttributes.%d.member", member, i+1), name, attrNameRule)
	}
	if len(p.MQTT5) > 0 && string(p.MQTT5) != "null" {
		c.fail("(not repeated)", member+"mqtt5Configuration", "Member is not supported: there is no message broker here")
	}
}

type createTypeInput struct {
	Name       string          `uri:"thingTypeName"`
	Properties *typeProperties `json:"thingTypeProperties"`
	Tags       []tag           `json:"tags"`
}

type createTypeOutput struct {
	Name string `json:"thingTypeName"`
	ARN  string `json:"thingTypeArn"`
	ID   string `json:"thingTypeId"`
}

func (s *service) createThingType(ctx context.Context, _ *gate.Call, in *createTypeInput) (*createTypeOutput, error) {
	var c check
	c.text("thingTypeName", in.Name, thingRule)
	in.Properties.check(&c)
	tags := newTags(&c, in.Tags)
	if err := c.err(); err != nil {
		return nil, err
	}
	t := thingpass.ThingType{Name: in.Name, Created: s.Now(), Tags: tags}
	if p := in.Properties; p != nil {
		t.Description, t.SearchableAttributes = text(p.Description), p.Searchable
	}
	saved, err := s.Store.CreateThingType(ctx, t)
	if err != nil {
		return nil, err
	}
	return &createTypeOutput{saved.Name, s.Place.ThingType(saved.Name), saved.ID}, nil
}

type typeMetadata struct {
	Deprecated   bool        `json:"deprecated"`
	DeprecatedAt *wire.Epoch `json:"deprecationDate,omitempty"`
	Created      wire.Epoch  `json:"creationDate"`
}

// typeItem is a thing type in a list.
type typeItem struct {
	Name       string         `json:"thingTypeName"`
	ARN        string         `json:"thingTypeArn"`
	Properties typeProperties `json:"thingTypeProperties"`
	Metadata   typeMetadata   `json:"thingTypeMetadata"`
}

func (s *service) typeItem(t thingpass.ThingType) typeItem {
	item := typeItem{
		Name: t.Name, ARN: s.Place.ThingType(t.Name),
		Properties: typeProperties{Searchable: each(t.SearchableAttributes, same)},
		Metadata:   typeMetadata{Created: wire.Epoch(t.Created)},
	}
	if t.Description != "" {
		item.Properties.Description = &t.Description
	}
	if !t.Deprecated.IsZero() {
		item.Metadata.Deprecated, item.Metadata.DeprecatedAt = true, new(wire.Epoch(t.Deprecated))
	}
	return item
}

type describeTypeOutput struct {
	typeItem
	ID string `json:"thingTypeId"`
}

func (s *service) describeThingType(ctx context.Context, _ *gate.Call, in *typeInput) (*describeTypeOutput, error) {
	var c check
	c.text("thingTypeName", in.Name, thingRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	t, err := s.Store.ThingType(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &describeTypeOutput{s.typeItem(t), t.ID}, nil
}

type deprecateInput struct {
	Name string `uri:"thingTypeName"`
	Undo bool   `json:"undoDeprecate"`
}

func (s *service) deprecateThingType(ctx context.Context, _ *gate.Call, in *deprecateInput) (*none, error) {
	var c check
	c.text("thingTypeName", in.Name, thingRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.DeprecateThingType(ctx, in.Name, in.Undo)
}

// deleteThingType needs a deprecated, unused type. AWS also makes one wait for
// five minutes after deprecation, for its caches; there is nothing to wait for
// here.
func (s *service) deleteThingType(ctx context.Context, _ *gate.Call, in *typeInput) (*none, error) {
	var c check
	c.text("thingTypeName", in.Name, thingRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.DeleteThingType(ctx, in.Name)
}

type listTypesInput struct {
	tokenPage
	Name *string `query:"thingTypeName"`
}

type listTypesOutput struct {
	Types     []typeItem `json:"thingTypes"`
	NextToken string     `json:"nextToken,omitempty"`
}

func (s *service) listThingTypes(ctx context.Context, _ *gate.Call, in *listTypesInput) (*listTypesOutput, error) {
	var c check
	page := in.page(&c)
	c.optional("thingTypeName", in.Name, thingRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.ThingTypes(ctx, text(in.Name), page)
	if err != nil {
		return nil, err
	}
	some, next := cut(all, page, func(t thingpass.ThingType) string { return t.Name })
	return &listTypesOutput{each(some, s.typeItem), next}, nil
}
