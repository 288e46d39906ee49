package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

// maxTags is how many tags a role, a user or a policy may have (IAM quotas).
const maxTags = 50

type tagInput struct{ Key, Value *string }

// tag is a tag in an answer.
type tag struct{ Key, Value string }

// tagRows are the operations on the tags of one kind of noun. A change is
// decided with the tags that are there and those that are given.
func (k *kind) tagRows() []gate.Operation {
	return []gate.Operation{
		on(k, "Tag"+k.noun, k.tag, func(in *tagsInput, _ entity, a *gate.Access) { tagging(a, in.Tags) }),
		on(k, "Untag"+k.noun, k.untag, func(in *untagInput, _ entity, a *gate.Access) {
			a.Lists["aws:TagKeys"] = in.TagKeys[:min(len(in.TagKeys), maxTags)]
		}),
		on(k, "List"+k.noun+"Tags", k.listTags),
	}
}

func shownTags(tags []thingpass.Tag) []tag {
	shown := make([]tag, len(tags))
	for i, t := range tags {
		shown[i] = tag(t)
	}
	return shown
}

// checkTags checks the form of tags and returns them.
func checkTags(c *check, in []tagInput) []thingpass.Tag {
	checkNumber(c, "tags", len(in))
	var tags []thingpass.Tag
	for i, t := range in {
		member := fmt.Sprintf("tags.%d.member.", i+1)
		tags = append(tags, thingpass.Tag{
			Key:   c.required(member+"key", t.Key, tagKeyRule),
			Value: c.required(member+"value", t.Value, tagValueRule),
		})
	}
	return tags
}

func checkNumber(c *check, member string, n int) {
	if n > maxTags {
		c.fail(fmt.Sprintf("'%d %s'", n, member), member, fmt.Sprintf("Member must have length less than or equal to %d", maxTags))
	}
}

// checkTagKeys refuses keys that are reserved or given twice (IAM user guide,
// "Rules for tagging": keys are unique ignoring case, aws: is reserved).
func checkTagKeys(tags []thingpass.Tag) error {
	for i, t := range tags {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return invalidInput("Tag keys that begin with aws: are reserved: " + t.Key)
		}
		if slices.ContainsFunc(tags[:i], func(other thingpass.Tag) bool { return strings.EqualFold(other.Key, t.Key) }) {
			return invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
	}
	return nil
}

type tagsInput struct {
	target
	Tags []tagInput
}

// tag adds tags. One whose key is there, in any spelling, takes its place (IAM
// user guide, "Rules for tagging").
func (k *kind) tag(ctx context.Context, _ *gate.Call, in *tagsInput) (*done, error) {
	var c check
	name := k.named(&c, &in.target)
	given := checkTags(&c, in.Tags)
	if in.Tags == nil {
		c.fail("null", "tags", "Member must not be null")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := checkTagKeys(given); err != nil {
		return nil, err
	}
	return nil, k.retag(ctx, name, func(tags []thingpass.Tag) ([]thingpass.Tag, error) {
		for _, t := range given {
			tags = append(without(tags, t.Key), t)
		}
		if len(tags) > maxTags {
			return nil, thingpass.Errorf(thingpass.LimitExceeded, "The number of tags has reached the maximum limit: %d.", maxTags)
		}
		return tags, nil
	})
}

type untagInput struct {
	target
	TagKeys []string
}

// untag removes tags. Those that are not there need no removing.
func (k *kind) untag(ctx context.Context, _ *gate.Call, in *untagInput) (*done, error) {
	var c check
	name := k.named(&c, &in.target)
	checkNumber(&c, "tagKeys", len(in.TagKeys))
	if in.TagKeys == nil {
		c.fail("null", "tagKeys", "Member must not be null")
	}
	for i := range in.TagKeys {
		c.required(fmt.Sprintf("tagKeys.%d.member", i+1), &in.TagKeys[i], tagKeyRule)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, k.retag(ctx, name, func(tags []thingpass.Tag) ([]thingpass.Tag, error) {
		for _, key := range in.TagKeys {
			tags = without(tags, key)
		}
		return tags, nil
	})
}

// without is the tags but the one with a key. It tells keys apart as policies
// do: a key that Unicode folds to another must not take that other's tag away.
func without(tags []thingpass.Tag, key string) []thingpass.Tag {
	return slices.DeleteFunc(tags, func(t thingpass.Tag) bool { return thingpass.SameKey(t.Key, key) })
}

// listInput asks for a list that belongs to a noun.
type listInput struct {
	target
	pageInput
}

type listTagsOutput struct {
	Tags []tag
	pageOutput
}

func (k *kind) listTags(ctx context.Context, _ *gate.Call, in *listInput) (*listTagsOutput, error) {
	var c check
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	e, err := k.read(ctx, &in.target)
	if err != nil {
		return nil, err
	}
	some, more := pageOf(shownTags(e.tags), page, func(t tag) string { return t.Key })
	return &listTagsOutput{some, more}, nil
}
