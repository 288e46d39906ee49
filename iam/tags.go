package iam

import (
	"fmt"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

// maxTags is how many tags a role may have (IAM quotas).
const maxTags = 50

type tagInput struct{ Key, Value *string }

// tag is a tag in an answer.
type tag struct{ Key, Value string }

func shownTags(tags []thingpass.Tag) []tag {
	shown := make([]tag, len(tags))
	for i, t := range tags {
		shown[i] = tag(t)
	}
	return shown
}

// checkTags checks the form of tags and returns them.
func checkTags(c *check, in []tagInput) []thingpass.Tag {
	if len(in) > maxTags {
		c.fail(fmt.Sprintf("'%d tags'", len(in)), "tags", fmt.Sprintf("Member must have length less than or equal to %d", maxTags))
	}
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

// tagging adds to a question which tags the request gives. What will be refused
// after the question for its number or for a key that is there already is left
// out: condition keys have no case.
func tagging(a gate.Access, in []tagInput) gate.Access {
	a.Context, a.Lists = map[string][]string{}, map[string][]string{}
	for _, t := range in[:min(len(in), maxTags)] {
		if t.Key == nil || slices.ContainsFunc(a.Lists["aws:TagKeys"], func(key string) bool { return strings.EqualFold(key, *t.Key) }) {
			continue
		}
		value := ""
		if t.Value != nil {
			value = *t.Value
		}
		a.Context["aws:RequestTag/"+*t.Key] = []string{value}
		a.Lists["aws:TagKeys"] = append(a.Lists["aws:TagKeys"], *t.Key)
	}
	return a
}
