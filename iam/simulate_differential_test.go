package iam_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
)

// ours is what authz.Layers decides. It fails when a policy may not be saved.
func (q *naiveQuestion) ours() (string, error) {
	var layers authz.Layers
	for _, l := range []struct {
		kind  policy.Kind
		texts []string
		set   **policy.Set
	}{
		{policy.Identity, q.identity, &layers.Identity}, {policy.Identity, q.boundary, &layers.Boundary},
		{policy.Session, q.session, &layers.Session}, {policy.Resource, q.resource, &layers.Resource},
	} {
		if l.texts == nil {
			continue
		}
		var named []policy.Named
		for i, text := range l.texts {
			p, err := policy.Parse(l.kind, text)
			if err != nil {
				return "", fmt.Errorf("%w: %s", err, text)
			}
			named = append(named, policy.Named{Name: strconv.Itoa(i), Policy: p})
		}
		*l.set = policy.NewSet(named...)
	}
	if q.foreign {
		layers.Owner = "210987654321"
	}
	keys := policy.NewContext()
	for name, v := range q.keys {
		if v.list {
			keys.SetList(name, v.values)
		} else {
			keys.Set(name, v.values[0])
		}
	}
	verdict := layers.Decide(&policy.Request{
		Principal: policy.Principal{Account: q.caller.account, ARN: q.caller.arn, RoleARN: q.caller.roleARN},
		Action:    q.action, Resource: q.target, Context: keys,
	})
	return map[policy.Decision]string{policy.Allow: "allowed", policy.ExplicitDeny: "explicitDeny", policy.ImplicitDeny: "implicitDeny"}[verdict.Decision], nil
}

// smaller takes away from a question whatever does not matter to a
// disagreement.
func (q naiveQuestion) smaller(differs func(*naiveQuestion) bool) naiveQuestion {
	for again := true; again; {
		again = false
		for _, texts := range []*[]string{&q.identity, &q.boundary, &q.session, &q.resource} {
			for _, fewer := range lessPolicies(*texts) {
				old := *texts
				*texts = fewer
				if differs(&q) {
					again = true
					break
				}
				*texts = old
			}
		}
		for name, v := range q.keys {
			delete(q.keys, name)
			if differs(&q) {
				again = true
				continue
			}
			q.keys[name] = v
		}
	}
	return q
}

// lessPolicies are the texts without one of them, without one statement, and
// without the conditions of one statement.
func lessPolicies(texts []string) [][]string {
	var all [][]string
	if len(texts) == 1 {
		all = append(all, nil)
	}
	for i, text := range texts {
		if len(texts) > 1 {
			all = append(all, append(append([]string{}, texts[:i]...), texts[i+1:]...))
		}
		var doc map[string]any
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			panic(err)
		}
		list, ok := doc["Statement"].([]any)
		if !ok {
			list = []any{doc["Statement"]}
		}
		with := func(statements []any) {
			doc["Statement"] = statements
			changed, _ := json.Marshal(doc)
			less := append([]string{}, texts...)
			less[i] = string(changed)
			all = append(all, less)
		}
		for j := range list {
			if len(list) > 1 {
				with(append(append([]any{}, list[:j]...), list[j+1:]...))
			}
			s := list[j].(map[string]any)
			if c, ok := s["Condition"]; ok {
				delete(s, "Condition")
				with(list)
				s["Condition"] = c
			}
		}
	}
	return all
}

// TestSecondOpinion asks two evaluators that know nothing of each other.
func TestSecondOpinion(t *testing.T) {
	const questions = 30000
	answers, refused, failures := map[string]int{}, map[string]int{}, 0
	for seed := range uint64(questions) {
		m := maker{rand.New(rand.NewPCG(seed, 3))}
		q := m.question()
		got, err := q.ours()
		if err != nil {
			refused[err.Error()[:min(60, len(err.Error()))]]++
			continue
		}
		want := q.decide()
		answers[want]++
		if got == want {
			continue
		}
		if failures++; failures > 6 {
			break
		}
		q = q.smaller(func(q *naiveQuestion) bool {
			got, err := q.ours()
			return err == nil && got != q.decide()
		})
		got, _ = q.ours()
		t.Errorf("seed %d: %s, want %s: %+v", seed, got, q.decide(), q)
	}
	t.Log("answers:", answers)
	n := 0
	for why, count := range refused {
		t.Logf("%d questions have a policy that may not be saved: %s", count, why)
		n += count
	}
	if n > questions/5 {
		t.Errorf("%d of %d questions were not asked", n, questions)
	}
	for _, a := range []string{"allowed", "explicitDeny", "implicitDeny"} {
		if answers[a] < questions/20 {
			t.Errorf("only %d questions have the answer %s", answers[a], a)
		}
	}
}
