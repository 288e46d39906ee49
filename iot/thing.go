package iot

import (
	"context"
	"maps"
	"slices"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/store"
)

func (s *service) thingRows() []gate.Operation {
	return []gate.Operation{
		row("CreateThing", "POST /things/{thingName}", func(in *createThingInput) string { return s.Place.Thing(in.Name) }, s.createThing),
		row("DescribeThing", "GET /things/{thingName}", func(in *thingInput) string { return s.Place.Thing(in.Name) }, s.describeThing),
		row("UpdateThing", "PATCH /things/{thingName}", func(in *updateThingInput) string { return s.Place.Thing(in.Name) }, s.updateThing),
		row("DeleteThing", "DELETE /things/{thingName}", func(in *deleteThingInput) string { return s.Place.Thing(in.Name) }, s.deleteThing),
		row("ListThings", "GET /things", nil, s.listThings),
	}
}

// How many attributes a thing may have (AWS IoT developer guide, "Thing
// types").
const (
	maxAttributes      = 3
	maxAttributesTyped = 50
)

type attributePayload struct {
	Attributes map[string]string `json:"attributes"`
	Merge      bool              `json:"merge,omitempty"`
}

// checkAttributes validates the names and values of a payload, a member of the
// given name. How many there may be is checked where the type is known.
func checkAttributes(c *check, member string, p *attributePayload) {
	if p == nil {
		return
	}
	if len(p.Attributes) > maxAttributesTyped {
		c.fail("(not repeated)", member+".attributes", "Member must have length less than or equal to 50")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(p.Attributes)) {
		c.text(member+".attributes", name, attrNameRule)
		c.text(member+".attributes."+name, p.Attributes[name], attrValueRule)
	}
}

func fewEnough(t *thingpass.Thing) error {
	limit, why := maxAttributesTyped, "with a thing type"
	if t.Type == "" {
		limit, why = maxAttributes, "without a thing type"
	}
	if len(t.Attributes) > limit {
		return invalid("A thing %s can have at most %d attributes", why, limit)
	}
	return nil
}

type thingInput struct {
	Name string `uri:"thingName"`
}

type createThingInput struct {
	Name         string            `uri:"thingName"`
	Type         *string           `json:"thingTypeName"`
	Payload      *attributePayload `json:"attributePayload"`
	BillingGroup *string           `json:"billingGroupName"`
}

type createThingOutput struct {
	Name string `json:"thingName"`
	ARN  string `json:"thingArn"`
	ID   string `json:"thingId"`
}

func (s *service) createThing(ctx context.Context, _ *gate.Call, in *createThingInput) (*createThingOutput, error) {
	var c check
	c.text("thingName", in.Name, thingRule)
	c.optional("thingTypeName", in.Type, thingRule)
	c.optional("billingGroupName", in.BillingGroup, thingRule)
	checkAttributes(&c, "attributePayload", in.Payload)
	if err := c.err(); err != nil {
		return nil, err
	}
	if in.BillingGroup != nil {
		// There are no billing groups here, so none has this name.
		return nil, thingpass.Errorf(thingpass.NotFound, "Billing group %s not found", *in.BillingGroup)
	}
	t := thingpass.Thing{Name: in.Name, Type: text(in.Type), Created: s.Now(), Attributes: map[string]string{}}
	if in.Payload != nil {
		maps.Copy(t.Attributes, in.Payload.Attributes)
	}
	if err := fewEnough(&t); err != nil {
		return nil, err
	}
	saved, err := s.Store.CreateThing(ctx, t)
	if err != nil {
		return nil, err
	}
	return &createThingOutput{saved.Name, s.Place.Thing(saved.Name), saved.ID}, nil
}

type describeThingOutput struct {
	ClientID   string            `json:"defaultClientId"`
	Name       string            `json:"thingName"`
	ID         string            `json:"thingId"`
	ARN        string            `json:"thingArn"`
	Type       string            `json:"thingTypeName,omitempty"`
	Attributes map[string]string `json:"attributes"`
	Version    int64             `json:"version"`
}

func (s *service) describeThing(ctx context.Context, _ *gate.Call, in *thingInput) (*describeThingOutput, error) {
	var c check
	c.text("thingName", in.Name, thingRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	t, err := s.Store.Thing(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &describeThingOutput{
		ClientID: t.Name, Name: t.Name, ID: t.ID, ARN: s.Place.Thing(t.Name), Type: t.Type, Attributes: attributes(t), Version: t.Version,
	}, nil
}

// attributes of a thing as they are answered: never null.
func attributes(t thingpass.Thing) map[string]string {
	if t.Attributes == nil {
		return map[string]string{}
	}
	return t.Attributes
}

type updateThingInput struct {
	Name       string            `uri:"thingName"`
	Type       *string           `json:"thingTypeName"`
	RemoveType bool              `json:"removeThingType"`
	Payload    *attributePayload `json:"attributePayload"`
	Version    *int64            `json:"expectedVersion"`
}

func (s *service) updateThing(ctx context.Context, _ *gate.Call, in *updateThingInput) (*none, error) {
	var c check
	c.text("thingName", in.Name, thingRule)
	c.optional("thingTypeName", in.Type, thingRule)
	checkAttributes(&c, "attributePayload", in.Payload)
	if err := c.err(); err != nil {
		return nil, err
	}
	if in.Type != nil && in.RemoveType {
		return nil, invalid("thingTypeName and removeThingType cannot be given together")
	}
	_, err := s.Store.UpdateThing(ctx, in.Name, version(in.Version), func(t *thingpass.Thing) error {
		if in.Type != nil {
			t.Type = *in.Type
		}
		if in.RemoveType {
			t.Type = ""
		}
		t.Attributes = in.Payload.applied(t.Attributes)
		return fewEnough(t)
	})
	if err != nil {
		return nil, err
	}
	return &none{}, nil
}

// applied is what a payload makes of the attributes that a thing has: it
// replaces them, or with merge adds to them; an empty value removes one (API
// reference, AttributePayload). The maps given are left as they are: a
// transaction may be tried again.
func (p *attributePayload) applied(old map[string]string) map[string]string {
	if p == nil {
		return old
	}
	result := map[string]string{}
	if p.Merge {
		maps.Copy(result, old)
	}
	maps.Copy(result, p.Attributes)
	maps.DeleteFunc(result, func(name, _ string) bool {
		v, given := p.Attributes[name]
		return given && v == ""
	})
	return result
}

// version is the expected version in the terms of the store: 0 for any.
func version(v *int64) int64 {
	switch {
	case v == nil:
		return 0
	case *v == 0:
		return -1 // no thing has it
	}
	return *v
}

type deleteThingInput struct {
	Name    string `uri:"thingName"`
	Version *int64 `query:"expectedVersion"`
}

func (s *service) deleteThing(ctx context.Context, _ *gate.Call, in *deleteThingInput) (*none, error) {
	var c check
	c.text("thingName", in.Name, thingRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.DeleteThing(ctx, in.Name, version(in.Version))
}

type listThingsInput struct {
	tokenPage
	AttributeName  *string `query:"attributeName"`
	AttributeValue *string `query:"attributeValue"`
	Type           *string `query:"thingTypeName"`
	UsePrefix      bool    `query:"usePrefixAttributeValue"`
}

type thingItem struct {
	Name       string            `json:"thingName"`
	Type       string            `json:"thingTypeName,omitempty"`
	ARN        string            `json:"thingArn"`
	Attributes map[string]string `json:"attributes"`
	Version    int64             `json:"version"`
}

type listThingsOutput struct {
	Things    []thingItem `json:"things"`
	NextToken string      `json:"nextToken,omitempty"`
}

func (s *service) listThings(ctx context.Context, _ *gate.Call, in *listThingsInput) (*listThingsOutput, error) {
	var c check
	page := in.page(&c)
	c.optional("attributeName", in.AttributeName, attrNameRule)
	c.optional("attributeValue", in.AttributeValue, attrValueRule)
	c.optional("thingTypeName", in.Type, thingRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	if in.AttributeName == nil && in.AttributeValue != nil {
		return nil, invalid("attributeValue cannot be given without attributeName")
	}
	all, err := s.Store.Things(ctx, store.ThingFilter{
		Type: text(in.Type), AttributeName: text(in.AttributeName), AttributeValue: text(in.AttributeValue), UsePrefix: in.UsePrefix,
	}, page)
	if err != nil {
		return nil, err
	}
	some, next := cut(all, page, func(t thingpass.Thing) string { return t.Name })
	return &listThingsOutput{each(some, func(t thingpass.Thing) thingItem {
		return thingItem{t.Name, t.Type, s.Place.Thing(t.Name), attributes(t), t.Version}
	}), next}, nil
}
