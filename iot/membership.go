package iot

import (
	"context"
	"fmt"
	"slices"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

func (s *service) membershipRows() []gate.Operation {
	return []gate.Operation{
		askingRow("AddThingToThingGroup", "PUT /thing-groups/addThingToThingGroup", func(in *membershipInput) []gate.Access {
			return s.askMembership("AddThingToThingGroup", in)
		}, s.addThing),
		askingRow("RemoveThingFromThingGroup", "PUT /thing-groups/removeThingFromThingGroup", func(in *membershipInput) []gate.Access {
			return s.askMembership("RemoveThingFromThingGroup", in)
		}, s.removeThing),
		askingRow("UpdateThingGroupsForThing", "PUT /thing-groups/updateThingGroupsForThing", s.askMemberships, s.updateThingGroups),
		askingRow("ListThingsInThingGroup", "GET /thing-groups/{thingGroupName}/things", about(s, "ListThingsInThingGroup", func(in *listMembersInput) string {
			return s.Place.ThingGroup(in.Group)
		}), s.listThingsInGroup),
		row("ListThingGroupsForThing", "GET /things/{thingName}/thing-groups",
			func(in *listGroupsOfInput) string { return s.Place.Thing(in.Thing) }, s.listGroupsOfThing),
	}
}

// maxGroups is how many groups a thing may be in (AWS IoT developer guide,
// "Static thing groups").
const maxGroups = 10

// membershipInput leaves out overrideDynamicGroups: there are no dynamic groups.
type membershipInput struct {
	Group    *string `json:"thingGroupName"`
	GroupARN *string `json:"thingGroupArn"`
	Thing    *string `json:"thingName"`
	ThingARN *string `json:"thingArn"`
}

// askMembership asks about the thing and about the group, as both change: a
// group's policies are given to its things.
func (s *service) askMembership(operation string, in *membershipInput) []gate.Access {
	group := text(in.GroupARN)
	if in.Group != nil {
		group = s.Place.ThingGroup(*in.Group)
	}
	thing := text(in.ThingARN)
	if in.Thing != nil {
		thing = s.Place.Thing(*in.Thing)
	}
	return append(s.askTagged(operation, group), ask(operation, thing))
}

// names finds what a request means, by name or by ARN. Where both are given
// they must agree: permission was asked for the name.
func (s *service) names(in *membershipInput) (thing, group string, err error) {
	var c check
	group = s.named(&c, naming{"thingGroupName", in.Group, "thingGroupArn", in.GroupARN, "thinggroup"})
	thing = s.named(&c, naming{"thingName", in.Thing, "thingArn", in.ThingARN, "thing"})
	return thing, group, c.err()
}

// naming is a resource that a request gives by name, by ARN, or by both.
type naming struct {
	nameMember string
	name       *string
	arnMember  string
	arn        *string
	kind       string
}

func (s *service) named(c *check, n naming) string {
	if n.name == nil && n.arn == nil {
		c.fail("null", n.nameMember, "Member must not be null when "+n.arnMember+" is not given")
		return ""
	}
	c.optional(n.nameMember, n.name, thingRule)
	if n.arn == nil {
		return *n.name
	}
	kind, name, ok := s.Place.ParseIoTARN(*n.arn)
	switch {
	case !ok || kind != n.kind || thingRule.broken(name) != "":
		c.fail(quote(*n.arn), n.arnMember, "Member must be the ARN of a "+n.kind+" of this account and region")
	case n.name != nil && *n.name != name:
		c.fail(quote(*n.arn), n.arnMember, "Member must name the same as "+n.nameMember)
	}
	return name
}

func (s *service) addThing(ctx context.Context, _ *gate.Call, in *membershipInput) (*none, error) {
	thing, group, err := s.names(in)
	if err != nil {
		return nil, err
	}
	return &none{}, s.Store.AddThingToGroup(ctx, thing, group)
}

func (s *service) removeThing(ctx context.Context, _ *gate.Call, in *membershipInput) (*none, error) {
	thing, group, err := s.names(in)
	if err != nil {
		return nil, err
	}
	return &none{}, s.Store.RemoveThingFromGroup(ctx, thing, group)
}

// updateGroupsInput leaves out overrideDynamicGroups, as membershipInput does.
type updateGroupsInput struct {
	Thing  *string  `json:"thingName"`
	Add    []string `json:"thingGroupsToAdd"`
	Remove []string `json:"thingGroupsToRemove"`
}

// askMemberships asks about the thing and about each group. Lists that are too
// long are refused after the question.
func (s *service) askMemberships(in *updateGroupsInput) []gate.Access {
	const operation = "UpdateThingGroupsForThing"
	thing := ""
	if in.Thing != nil {
		thing = s.Place.Thing(*in.Thing)
	}
	questions := []gate.Access{ask(operation, thing)}
	for _, list := range [][]string{in.Add, in.Remove} {
		for _, group := range list[:min(len(list), maxGroups)] {
			questions = append(questions, s.askTagged(operation, s.Place.ThingGroup(group))...)
		}
	}
	return questions
}

// updateThingGroups leaves groups before it joins others, so that a thing can
// be moved within a hierarchy. It changes nothing when one of them does not
// exist; when a later one is refused, the changes before it stay.
func (s *service) updateThingGroups(ctx context.Context, _ *gate.Call, in *updateGroupsInput) (*none, error) {
	var c check
	thing := c.required("thingName", in.Thing, thingRule)
	checkGroups(&c, "thingGroupsToAdd", in.Add)
	checkGroups(&c, "thingGroupsToRemove", in.Remove)
	if err := c.err(); err != nil {
		return nil, err
	}
	for _, group := range in.Add {
		if slices.Contains(in.Remove, group) {
			return nil, invalid("Thing group %s cannot be added and removed at once", group)
		}
	}
	if _, err := s.Store.Thing(ctx, thing); err != nil {
		return nil, err
	}
	for _, group := range slices.Concat(in.Add, in.Remove) {
		if _, err := s.Store.ThingGroup(ctx, group); err != nil {
			return nil, err
		}
	}
	for _, group := range in.Remove {
		if err := s.Store.RemoveThingFromGroup(ctx, thing, group); err != nil {
			return nil, err
		}
	}
	for _, group := range in.Add {
		if err := s.Store.AddThingToGroup(ctx, thing, group); err != nil {
			return nil, err
		}
	}
	return &none{}, nil
}

func checkGroups(c *check, member string, groups []string) {
	if len(groups) > maxGroups {
		c.fail("(not repeated)", member, fmt.Sprintf("Member must have length less than or equal to %d", maxGroups))
		return
	}
	for i, group := range groups {
		c.text(fmt.Sprintf("%s.%d.member", member, i+1), group, thingRule)
	}
}

type listMembersInput struct {
	tokenPage
	Group     string `uri:"thingGroupName"`
	Recursive bool   `query:"recursive"`
}

type membersOutput struct {
	Things    []string `json:"things"`
	NextToken string   `json:"nextToken,omitempty"`
}

func (s *service) listThingsInGroup(ctx context.Context, _ *gate.Call, in *listMembersInput) (*membersOutput, error) {
	var c check
	c.text("thingGroupName", in.Group, thingRule)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.GroupThings(ctx, in.Group, in.Recursive, page)
	if err != nil {
		return nil, err
	}
	some, next := cut(all, page, same)
	return &membersOutput{each(some, same), next}, nil
}

type listGroupsOfInput struct {
	tokenPage
	Thing string `uri:"thingName"`
}

// listGroupsOfThing lists the groups that a thing is in, and those above them
// (AWS IoT developer guide, "List groups for a thing"). They are few: they are
// gathered whole for each page.
func (s *service) listGroupsOfThing(ctx context.Context, _ *gate.Call, in *listGroupsOfInput) (*groupsOutput, error) {
	var c check
	c.text("thingName", in.Thing, thingRule)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.ThingGroupsOf(ctx, in.Thing, thingpass.Page{})
	if err != nil {
		return nil, err
	}
	for _, group := range slices.Clone(all) {
		above, err := s.Store.ThingGroupAncestors(ctx, group)
		if err != nil {
			return nil, err
		}
		for _, a := range above {
			all = append(all, a.Name)
		}
	}
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(group string) bool { return group <= page.After })
	some, next := cut(all[:min(len(all), page.Limit)], page, same)
	return &groupsOutput{each(some, s.groupItem), next}, nil
}
