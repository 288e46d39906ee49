package iot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

func (s *service) tagRows() []gate.Operation {
	return []gate.Operation{
		askingRow("ListTagsForResource", "GET /tags", func(in *listTagsInput) []gate.Access {
			return s.askTagged("ListTagsForResource", text(in.ARN))
		}, s.listTags),
		askingRow("TagResource", "POST /tags", func(in *tagInput) []gate.Access {
			return taggedAll(s.askTagged("TagResource", text(in.ARN)), in.Tags)
		}, s.tagResource),
		askingRow("UntagResource", "POST /untag", func(in *untagInput) []gate.Access {
			questions := s.askTagged("UntagResource", text(in.ARN))
			if len(questions) > 0 && len(in.Keys) > 0 {
				questions[0].Lists = map[string][]string{"aws:TagKeys": in.Keys}
			}
			return questions
		}, s.untagResource),
	}
}

// maxTags is how many tags a resource may have (AWS general reference,
// "Tagging your AWS resources").
const maxTags = 50

type tag struct {
	Key   *string `json:"Key"`
	Value *string `json:"Value,omitempty"`
}

// text is the text of an optional member, "" when it is not given.
func text(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}

// newTags checks tags and puts them into the terms of the house. Keys are
// unique ignoring case, which AWS IoT does not demand: condition keys have no
// case, so a policy could not tell two such tags apart.
func newTags(c *check, tags []tag) []thingpass.Tag {
	if len(tags) > maxTags {
		c.fail("(not repeated)", "tags", fmt.Sprintf("Member must have length less than or equal to %d", maxTags))
		return nil
	}
	list := make([]thingpass.Tag, 0, len(tags))
	for i, t := range tags {
		member := fmt.Sprintf("tags.%d.member", i+1)
		key := c.required(member+".key", t.Key, tagKeyRule)
		c.optional(member+".value", t.Value, tagValueRule)
		switch {
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			c.fail("'"+key+"'", member+".key", "Member must not begin with aws:")
		case slices.ContainsFunc(list, func(other thingpass.Tag) bool { return strings.EqualFold(other.Key, key) }):
			c.fail("'"+key+"'", member+".key", "Member must not be given more than once. Tag keys are case insensitive")
		}
		list = append(list, thingpass.Tag{Key: key, Value: text(t.Value)})
	}
	return list
}

// taggableKind tells whether resources of a kind can have tags. Things and
// certificates cannot, as on AWS.
func taggableKind(kind string) bool {
	return kind == "rolealias" || kind == "policy" || kind == "thingtype" || kind == "thinggroup"
}

// taggable finds the resource that an ARN names.
func (s *service) taggable(c *check, arn *string) (kind, name string) {
	before := len(c.problems)
	given := c.required("resourceArn", arn, arnRule)
	if len(c.problems) > before {
		return "", ""
	}
	kind, name, ok := s.Place.ParseIoTARN(given)
	if !ok || !taggableKind(kind) {
		c.fail("'"+given+"'", "resourceArn", "Member must be the ARN of a role alias, policy, thing type or thing group of this account and region")
	}
	return kind, name
}

type listTagsInput struct {
	ARN       *string `query:"resourceArn"`
	NextToken *string `query:"nextToken"`
}

type listTagsOutput struct {
	Tags []tag `json:"tags"`
}

// listTags gives all tags of a resource at once: there are never more than fit
// into one answer, and so no token to continue with.
func (s *service) listTags(ctx context.Context, _ *gate.Call, in *listTagsInput) (*listTagsOutput, error) {
	var c check
	kind, name := s.taggable(&c, in.ARN)
	if in.NextToken != nil {
		c.text("nextToken", *in.NextToken, markerRule)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	tags, err := s.Store.Tags(ctx, kind, name)
	if err != nil {
		return nil, err
	}
	return &listTagsOutput{each(tags, func(t thingpass.Tag) tag { return tag{&t.Key, &t.Value} })}, nil
}

type tagInput struct {
	ARN  *string `json:"resourceArn"`
	Tags []tag   `json:"tags"`
}

func (s *service) tagResource(ctx context.Context, _ *gate.Call, in *tagInput) (*none, error) {
	var c check
	kind, name := s.taggable(&c, in.ARN)
	if in.Tags == nil {
		c.fail("null", "tags", "Member must not be null")
	}
	tags := newTags(&c, in.Tags)
	if err := c.err(); err != nil {
		return nil, err
	}
	have, err := s.Store.Tags(ctx, kind, name)
	if err == nil {
		err = clash(have, tags)
	}
	if err != nil {
		return nil, err
	}
	return &none{}, s.Store.TagResource(ctx, kind, name, tags)
}

type untagInput struct {
	ARN  *string  `json:"resourceArn"`
	Keys []string `json:"tagKeys"`
}

func (s *service) untagResource(ctx context.Context, _ *gate.Call, in *untagInput) (*none, error) {
	var c check
	kind, name := s.taggable(&c, in.ARN)
	if in.Keys == nil {
		c.fail("null", "tagKeys", "Member must not be null")
	}
	if len(in.Keys) > maxTags {
		c.fail("(not repeated)", "tagKeys", fmt.Sprintf("Member must have length less than or equal to %d", maxTags))
	} else {
		for i, key := range in.Keys {
			c.text(fmt.Sprintf("tagKeys.%d.member", i+1), key, tagKeyRule)
		}
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.UntagResource(ctx, kind, name, in.Keys)
}
