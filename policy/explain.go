package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Finding is what one statement had to say about a request.
type Finding struct {
	Reason                                        // of the statement; Grant is NoPrincipal when the principal does not fit
	Applies                              bool     // all of it fits
	Action                               bool     // the Action or NotAction element fits
	Resource                             bool     // the Resource or NotResource element fits, or there is none
	Principal                            bool     // the Principal or NotPrincipal element fits, or there is none
	Actions                              []string // entries of Action or NotAction, as written
	NotAction, NotResource, NotPrincipal bool
	Resources                            []Text // entries of Resource or NotResource
	Conditions                           []Check
}

// Text is a piece of a policy that may have wildcards and variables.
type Text struct {
	Pattern   string // as written
	Resolved  string // with values put in; "" when one is missing
	Matches   bool
	Variables []Variable
}

// Variable is a variable in a text and the values of its key in the request.
type Variable struct {
	Name    string   // as written, without blanks
	Values  []string // several for a multivalued key, which a variable cannot use
	Present bool     // the request has the key
	Default bool     // it has no value to put in, and a default takes its place
}

// Check is a condition: one operator and one key.
type Check struct {
	Operator string // as written
	Key      string // as written
	Wanted   []Text
	Have     []string // the values of the key in the request
	Present  bool     // the request has the key
	Holds    bool
}

// Explain tells what every statement has to say about a request: those that
// apply first, then the others, the nearest first. It is much slower than
// Evaluate.
func (s *Set) Explain(req *Request) []Finding {
	if s == nil || req == nil {
		return nil
	}
	q := query{Request: req, target: target{text: req.Resource}}
	var findings []Finding
	for i := range s.policies {
		if s.policies[i].Policy == nil {
			findings = append(findings, Finding{Reason: Reason{Policy: s.policies[i].Name}, Applies: true, Action: true, Resource: true, Principal: true})
		}
	}
	for i := range s.rules {
		findings = append(findings, s.find(&s.rules[i], &q))
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		if d := cmp.Compare(a.misses(), b.misses()); d != 0 || a.Applies {
			return d // what applies is in order, with the denies first
		}
		return cmp.Compare(b.common(req.Resource), a.common(req.Resource))
	})
	return findings
}

func (s *Set) find(r *rule, q *query) Finding {
	grant, named := r.matchPrincipal(&q.Request.Principal)
	f := Finding{
		Reason: s.reason(r, grant), NotAction: r.notAction, NotResource: r.notResource, NotPrincipal: r.notPrincipal,
		Action: r.matchAction(q.Action), Resource: r.matchResource(q), Principal: named,
		Actions: slices.Clone(r.source.actions),
	}
	f.Applies = f.Action && f.Resource && f.Principal
	for i, text := range r.source.resources {
		t := newText(r.resources[i].text, r.scan, q.Context)
		t.Pattern = text
		if head, cut := strings.CutSuffix(text, r.resources[i].text); t.Resolved != "" && cut {
			t.Resolved = head + t.Resolved
		} else if t.Resolved != "" {
			t.Resolved = text // shorter than an ARN
		}
		t.Matches = r.resources[i].match(&q.target, q.Context)
		f.Resources = append(f.Resources, t)
	}
	for i := range r.conditions {
		c := r.conditions[i].check(q.Context)
		f.Applies = f.Applies && c.Holds
		f.Conditions = append(f.Conditions, c)
	}
	return f
}

// misses counts what keeps a statement from applying.
func (f *Finding) misses() int {
	n := 0
	for _, fits := range []bool{f.Action, f.Resource, f.Principal} {
		if !fits {
			n += 2
		}
	}
	if !f.Action {
		n += 2 // about something else altogether
	}
	for _, c := range f.Conditions {
		if !c.Holds {
			n++
		}
	}
	return n
}

// common is how much of a resource the nearest entry has in common with it.
func (f *Finding) common(resource string) int {
	best := 0
	for _, t := range f.Resources {
		n := 0
		text := cmp.Or(t.Resolved, t.Pattern)
		for n < len(text) && n < len(resource) && text[n] == resource[n] {
			n++
		}
		best = max(best, n)
	}
	return best
}

// newText explains a text without telling whether it matches.
func newText(pattern string, sc scanner, c *Context) Text {
	t := Text{Pattern: pattern}
	tokens, err := sc.scan(pattern)
	if err != nil {
		return t // no policy that was compiled has such a text
	}
	var b strings.Builder
	whole := true
	for i := range tokens {
		switch tok := &tokens[i]; tok.kind {
		case star:
			b.WriteByte('*')
		case one:
			b.WriteByte('?')
		case literal:
			b.WriteString(tok.text)
		case variable:
			v := Variable{Name: tok.key.name}
			v.Values, _, v.Present = c.lookup(tok.key)
			value, ok := tok.value(c)
			v.Default = tok.fallback && !tok.has(c)
			whole = whole && ok
			b.WriteString(value)
			t.Variables = append(t.Variables, v)
		}
	}
	if whole {
		t.Resolved = b.String()
	}
	return t
}

func (cond *condition) check(c *Context) Check {
	raw := cond.source
	k := Check{Operator: raw.name, Key: raw.key, Holds: cond.holds(c)}
	k.Have, _, k.Present = c.lookup(cond.key)
	for i, text := range raw.values {
		var t Text
		if raw.op.family == nullFamily {
			t = Text{Pattern: text, Resolved: text, Matches: cond.absent[i] != k.Present}
		} else {
			t = newText(text, cond.scan, c)
			alone := *raw
			alone.values = raw.values[i : i+1]
			if one, err := newCondition(&alone, cond.scan); err == nil {
				t.Matches = slices.ContainsFunc(k.Have, func(have string) bool { return one.values.match(have, c) })
			}
		}
		k.Wanted = append(k.Wanted, t)
	}
	return k
}
