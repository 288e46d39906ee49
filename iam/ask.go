package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

// handler is what carries out one operation.
type handler[In, Out any] func(context.Context, *gate.Call, *In) (*Out, error)

// about is an input that names what it is about.
type about[In any] interface {
	*In
	self() *target
}

// adding completes the question of an operation with the condition keys that
// depend on what the request says.
type adding[In any] func(in *In, about entity, a *gate.Access)

// on builds the row of an operation that needs the permission of its own name
// on one existing noun.
func on[In, Out any, P about[In]](k *kind, name string, handle handler[In, Out], add ...adding[In]) gate.Operation {
	action := "iam:" + name
	access := func(in *In) []gate.Access {
		e, err := k.subject(action, k.given(P(in).self()))
		if err != nil {
			return []gate.Access{{Err: err}}
		}
		a := k.question(action, e)
		for _, f := range add {
			f(in, e, &a)
		}
		return []gate.Access{a}
	}
	return gate.New(gate.Spec{Name: name, Actions: []string{action}}, access, handle)
}

// onAll builds the row of an operation on no noun in particular.
func onAll[In, Out any](name string, handle handler[In, Out]) gate.Operation {
	action := "iam:" + name
	access := func(*In) []gate.Access { return []gate.Access{{Action: action, Resource: "*"}} }
	return gate.New(gate.Spec{Name: name, Actions: []string{action}}, access, handle)
}

// reading bounds the read that a question needs. It is not cut short by the
// caller hanging up: a question has no context.
const reading = 5 * time.Second

// ask is the question whether an action is allowed on what has a name. When that
// cannot be read the gate refuses the call.
func (k *kind) ask(action, name string) []gate.Access {
	e, err := k.subject(action, name)
	if err != nil {
		return []gate.Access{{Err: err}}
	}
	return []gate.Access{k.question(action, e)}
}

// subject finds what a question is about. Requests name roles and users without
// their path, and in any spelling; policies are about the ARN, which has the
// path and the true spelling. Were the ARN made from the request, a policy that
// denies role/prod/* would deny nothing.
func (k *kind) subject(action, name string) (entity, error) {
	ctx, cancel := context.WithTimeout(context.Background(), reading)
	defer cancel()
	e, err := k.find(ctx, name)
	if err == nil {
		return e, nil
	}
	if kind := thingpass.KindOf(err); kind != thingpass.NotFound && kind != thingpass.Invalid {
		return entity{}, fmt.Errorf("what %s is asked about cannot be read: %w", action, err)
	}
	return entity{arn: k.absent(name)}, nil
}

// question asks about an entity by its ARN and its tags. The older key
// iam:ResourceTag is about roles and users only (service authorization
// reference, "Resource types defined by AWS IAM").
func (k *kind) question(action string, e entity) gate.Access {
	a := gate.Access{Action: action, Resource: e.arn, Context: map[string][]string{}, Lists: map[string][]string{}}
	for _, t := range e.tags {
		a.Context["aws:ResourceTag/"+t.Key] = []string{t.Value}
		if k.noun != "Policy" {
			a.Context["iam:ResourceTag/"+t.Key] = []string{t.Value}
		}
	}
	return a
}

// creating asks for the creation of what does not exist yet, and for the
// tagging as well when it is made with tags: tags can be what other policies go
// by. A boundary is "" when none is asked for.
func (k *kind) creating(arn string, tags []tagInput, boundary string) []gate.Access {
	a := k.question("iam:Create"+k.noun, entity{arn: arn})
	tagging(&a, tags)
	bounding(&a, boundary)
	if len(tags) == 0 {
		return []gate.Access{a}
	}
	b := k.question("iam:Tag"+k.noun, entity{arn: arn})
	tagging(&b, tags)
	return []gate.Access{a, b}
}

// bounded adds the permissions boundary that a role or user has. Which
// operations have the key is AWS's choice (service authorization reference,
// "Actions defined by AWS IAM").
func bounded[In any](_ *In, e entity, a *gate.Access) { bounding(a, e.boundary) }

func bounding(a *gate.Access, arn string) {
	if arn != "" {
		a.Context["iam:PermissionsBoundary"] = []string{arn}
	}
}

// tagging adds which tags a request gives. What will be refused after the
// question for its number or for a key that is there already is left out:
// condition keys have no case.
func tagging(a *gate.Access, in []tagInput) {
	for _, t := range in[:min(len(in), maxTags)] {
		if t.Key == nil || slices.ContainsFunc(a.Lists["aws:TagKeys"], func(key string) bool { return strings.EqualFold(key, *t.Key) }) {
			continue
		}
		a.Context["aws:RequestTag/"+*t.Key] = []string{value(t.Value)}
		a.Lists["aws:TagKeys"] = append(a.Lists["aws:TagKeys"], *t.Key)
	}
}
