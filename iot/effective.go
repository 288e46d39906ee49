package iot

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

func (s *service) effectiveRows() []gate.Operation {
	return []gate.Operation{
		askingRow("GetEffectivePolicies", "POST /effective-policies", func(in *effectiveInput) []gate.Access {
			return s.askTagged("GetEffectivePolicies", text(in.Principal))
		}, s.getEffectivePolicies),
	}
}

type effectiveInput struct {
	Principal *string `json:"principal"`
	Pool      *string `json:"cognitoIdentityPoolId"`
	Thing     *string `query:"thingName"`
}

type effectivePolicy struct {
	Name     string `json:"policyName"`
	ARN      string `json:"policyArn"`
	Document string `json:"policyDocument"`
}

type effectiveOutput struct {
	Policies []effectivePolicy `json:"effectivePolicies"`
}

// noPools refuses a member that is about Amazon Cognito, which is not here.
func (c *check) noPools(pool *string) {
	if pool != nil {
		c.fail("(not repeated)", "cognitoIdentityPoolId", "Member is not supported: there are no Cognito identities here")
	}
}

// getEffectivePolicies lists what counts when a certificate asks for
// credentials in the name of a thing: its own policies, those of the groups of
// that thing, and those of the groups of its other things that deny something.
// Without a certificate it lists those of the thing's groups, and for a group
// its own and those above. Whether thing and certificate are attached is not
// asked: the list is good for what is about to be attached, too.
func (s *service) getEffectivePolicies(ctx context.Context, _ *gate.Call, in *effectiveInput) (*effectiveOutput, error) {
	var c check
	c.noPools(in.Pool)
	c.optional("thingName", in.Thing, thingRule)
	var kind, name string
	if in.Principal != nil {
		kind, name = s.target(&c, "principal", in.Principal)
	}
	if in.Principal == nil && in.Thing == nil {
		c.fail("null", "principal", "Member must not be null when thingName is not given")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	found := map[string]string{}
	var err error
	thing := text(in.Thing)
	switch kind {
	case "cert":
		var set candidates
		if set, err = s.candidates(ctx, name, thing); err == nil {
			set.documents(found)
		}
	case "thinggroup":
		err = s.inherited(ctx, name, found)
	}
	if err == nil && thing != "" {
		err = s.throughGroups(ctx, thing, found)
	}
	if err != nil {
		return nil, err
	}
	return &effectiveOutput{each(slices.Sorted(maps.Keys(found)), func(name string) effectivePolicy {
		return effectivePolicy{name, s.Place.Policy(name), found[name]}
	})}, nil
}

// inherited adds the policies of a thing group and of all above it to found,
// documents by name.
func (s *service) inherited(ctx context.Context, group string, found map[string]string) error {
	policies, err := s.Store.GroupPolicies(ctx, group, true, thingpass.Page{})
	for _, p := range policies {
		found[p.Name] = p.Document
	}
	return err
}

// throughGroups adds the policies that a thing has through its groups.
func (s *service) throughGroups(ctx context.Context, thing string, found map[string]string) error {
	groups, err := s.Store.ThingGroupsOf(ctx, thing, thingpass.Page{})
	for _, group := range groups {
		if err == nil {
			err = s.inherited(ctx, group, found)
		}
	}
	return err
}

// candidates are the IoT policies that decide for a certificate.
type candidates struct {
	thing   *thingpass.Attachment // what it speaks for, nil for nothing
	full    map[string]string     // documents by name: those of the certificate and of the thing's groups
	denying map[string]string     // of the groups of other things: only what they deny counts
}

// candidates reads the policies that decide when a certificate speaks for one
// of the things it is attached to. As at an exchange, one that names no thing
// speaks for the thing that it is attached to exclusively.
func (s *service) candidates(ctx context.Context, certificateID, thing string) (candidates, error) {
	device, err := s.Store.Device(ctx, certificateID)
	if err != nil {
		return candidates{}, err
	}
	set := candidates{full: map[string]string{}, denying: map[string]string{}}
	for i, name := range device.PolicyNames {
		set.full[name] = device.Policies[i]
	}
	for i, a := range device.Things {
		into := set.denying
		if a.Thing == thing || thing == "" && a.Exclusive {
			set.thing, into = &device.Things[i], set.full
		}
		for _, p := range a.GroupPolicies {
			into[p.Name] = p.Document
		}
	}
	maps.DeleteFunc(set.denying, func(name, _ string) bool { _, ok := set.full[name]; return ok })
	return set, nil
}

// documents adds to found what has an effect.
func (c candidates) documents(found map[string]string) {
	for name, document := range c.denying {
		if denies(document) {
			found[name] = document
		}
	}
	maps.Copy(found, c.full)
}

// denies tells whether a policy has a statement that denies. It was checked
// when it was saved: Statement is an object or a list of them.
func denies(document string) bool {
	type statement struct{ Effect string }
	var several struct{ Statement []statement }
	if json.Unmarshal([]byte(document), &several) == nil {
		return slices.Contains(several.Statement, statement{"Deny"})
	}
	var single struct{ Statement statement }
	err := json.Unmarshal([]byte(document), &single)
	return err != nil || single.Statement.Effect == "Deny"
}
