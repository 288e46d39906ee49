package server

import (
	"maps"
	"slices"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/iot"
	"github.com/thingpass/thingpass/policy"
)

// parseIoTPolicy is iot.Config.ParsePolicy.
func parseIoTPolicy(text string) (warnings []string, err error) {
	p, err := policy.Parse(policy.IoT, text)
	if err != nil {
		return nil, err
	}
	return policy.Lines(p.Warnings()), nil
}

// judgeIoTPolicy is iot.Config.Judge.
func judgeIoTPolicy(place thingpass.Place) func(string) (func(iot.Question) iot.Judgement, error) {
	return func(document string) (func(iot.Question) iot.Judgement, error) {
		p, err := policy.Parse(policy.IoT, document)
		if err != nil {
			return nil, err
		}
		set := policy.NewSet(policy.Named{Policy: p})
		return func(q iot.Question) iot.Judgement {
			req := iotRequest(place, q)
			decision := set.Evaluate(req).Decision
			return iot.Judgement{
				Allows: decision == policy.Allow, Denies: decision == policy.ExplicitDeny,
				Missing: missingKeys(set.Explain(req)),
			}
		}, nil
	}
}

// iotRequest puts a question into the policy language. Of names of keys that
// differ in case only, the first counts, as at the exchange: it is set last.
func iotRequest(place thingpass.Place, q iot.Question) *policy.Request {
	keys := policy.NewContext()
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(q.Keys))) {
		keys.Set(name, q.Keys[name])
	}
	return &policy.Request{
		Principal: policy.Principal{Account: place.Account, ARN: q.Principal},
		Action:    q.Action, Resource: q.Resource, Context: keys,
	}
}

// missingKeys are the keys that statements about the action use, in conditions
// or as variables, and that the request does not have.
func missingKeys(findings []policy.Finding) []string {
	var missing []string
	for _, f := range findings {
		if !f.Action {
			continue
		}
		texts := slices.Clone(f.Resources)
		for _, c := range f.Conditions {
			if !c.Present {
				missing = append(missing, c.Key)
			}
			texts = append(texts, c.Wanted...)
		}
		for _, t := range texts {
			for _, v := range t.Variables {
				if !v.Present {
					missing = append(missing, v.Name)
				}
			}
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}
