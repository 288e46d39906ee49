package iot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

// reading bounds the read that a question about tags needs. It is not cut short
// by the caller hanging up: a question has no context.
const reading = 5 * time.Second

// about makes the question of an operation on a resource that may have tags.
func about[In any](s *service, operation string, resource func(*In) string) func(*In) []gate.Access {
	return func(in *In) []gate.Access { return s.askTagged(operation, resource(in)) }
}

// askTagged is ask with the tags that the resource has (IAM user guide,
// "Controlling access to AWS resources using tags"). When they cannot be read
// the question has their error, and the gate refuses the call.
func (s *service) askTagged(operation, resource string) []gate.Access {
	a := ask(operation, resource)
	kind, name, ok := s.Place.ParseIoTARN(resource)
	if !ok || !taggableKind(kind) {
		return []gate.Access{a}
	}
	ctx, cancel := context.WithTimeout(context.Background(), reading)
	defer cancel()
	tags, err := s.Store.Tags(ctx, kind, name)
	a.Context, a.Err = s.resourceKeys(a.Action, tags, err)
	return []gate.Access{a}
}

// askPass asks for iam:PassRole on a role, with the tags that it has now: it
// need not exist yet.
func (s *service) askPass(arn string) gate.Access {
	tags, err := s.roleTags(arn)
	resource, err := s.resourceKeys(passRole, tags, err)
	keys := map[string][]string{"iam:PassedToService": {"credentials.iot.amazonaws.com"}}
	maps.Copy(keys, resource)
	for _, t := range tags {
		keys["iam:ResourceTag/"+t.Key] = []string{t.Value}
	}
	return gate.Access{Action: passRole, Resource: arn, Context: keys, Err: err}
}

// roleTags reads the tags of the role with exactly this ARN: one that is found
// by another path or spelling is not the one that is passed.
func (s *service) roleTags(arn string) ([]thingpass.Tag, error) {
	_, name, ok := s.Place.ParseRoleARN(arn)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), reading)
	defer cancel()
	role, err := s.Store.Role(ctx, name)
	if err != nil || s.Place.Role(role.Path, role.Name) != arn {
		return nil, err
	}
	return role.Tags, nil
}

// resourceKeys are the condition keys for the tags of a resource, nil without
// any. What does not exist has none. It is an error when the tags were not read,
// or when two would be the same key, as key names have no case.
func (s *service) resourceKeys(action string, tags []thingpass.Tag, err error) (keys map[string][]string, _ error) {
	if kind := thingpass.KindOf(err); err != nil && (kind == thingpass.NotFound || kind == thingpass.Invalid) {
		return nil, nil
	}
	if err == nil && clash(nil, tags) != nil {
		err = errors.New("two tags are the same condition key")
	}
	if err != nil {
		return nil, fmt.Errorf("tags cannot be read to ask for %s: %w", action, err)
	}
	for _, t := range tags {
		if keys == nil {
			keys = map[string][]string{}
		}
		keys["aws:ResourceTag/"+t.Key] = []string{t.Value}
	}
	return keys, nil
}

// tagged adds what a request wants to tag with to a question (IAM user guide,
// "Controlling access during AWS requests"). What will be refused after the
// question for its number or for a key that is there already is left out.
func tagged(a gate.Access, tags []tag) gate.Access {
	if len(tags) == 0 {
		return a
	}
	keys := map[string][]string{}
	maps.Copy(keys, a.Context)
	var names []string
	for _, t := range tags[:min(len(tags), maxTags)] {
		key := text(t.Key)
		if slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, key) }) {
			continue
		}
		keys["aws:RequestTag/"+key] = []string{text(t.Value)}
		names = append(names, key)
	}
	a.Context, a.Lists = keys, map[string][]string{"aws:TagKeys": names}
	return a
}

// taggedAll adds the tags of a request to the first of its questions, if there
// is one.
func taggedAll(questions []gate.Access, tags []tag) []gate.Access {
	if len(questions) > 0 {
		questions[0] = tagged(questions[0], tags)
	}
	return questions
}

// clash is the error for keys of tags that differ in case only, among
// themselves or from the keys that a resource has already. Condition keys have
// no case, so a policy could not tell them apart.
func clash(have, tags []thingpass.Tag) error {
	for i, t := range tags {
		same := func(other thingpass.Tag) bool { return strings.EqualFold(other.Key, t.Key) }
		differs := func(other thingpass.Tag) bool { return same(other) && other.Key != t.Key }
		if slices.ContainsFunc(tags[:i], same) || slices.ContainsFunc(have, differs) {
			return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
	}
	return nil
}
