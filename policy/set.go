package policy

import (
	"slices"
	"sync"
)

// Set is several policies compiled to be asked as one. It never changes and
// may be used by any number of goroutines. A nil Set is an empty one, which
// grants nothing.
type Set struct {
	policies []Named
	rules    []rule // denies first
	denies   int    // how many of them deny
	broken   int    // the first policy that is nil, or -1
	index    actionIndex
	source   *Source

	lookedUp  sync.Once
	mentioned []string // what ContextKeys answered
}

// rule is a statement with the place of its policy in the set.
type rule struct {
	*statement
	policy int
}

// NewSet compiles policies that count as one. A nil Policy among them, which
// is a caller's mistake, makes the set deny everything explicitly, since nobody
// knows what it would have denied.
func NewSet(policies ...Named) *Set {
	s := &Set{policies: slices.Clone(policies), broken: -1}
	for _, effect := range []Effect{EffectDeny, EffectAllow} {
		for i, named := range s.policies {
			if named.Policy == nil {
				if s.broken < 0 {
					s.broken = i
				}
				continue
			}
			for j := range named.Policy.statements {
				if st := &named.Policy.statements[j]; st.effect == effect {
					s.rules = append(s.rules, rule{st, i})
				}
			}
		}
		if effect == EffectDeny {
			s.denies = len(s.rules)
		}
	}
	s.buildIndex()
	s.source = newSource(s)
	return s
}

// Policies are those of the set, in their order.
func (s *Set) Policies() []Named {
	if s == nil {
		return nil
	}
	return slices.Clone(s.policies)
}

// Evaluate decides a request: any denying statement that matches denies, else
// any allowing statement that matches allows, else nothing does. It does not
// allocate.
func (s *Set) Evaluate(req *Request) Result {
	if s == nil || req == nil {
		return Result{}
	}
	if s.broken >= 0 {
		return Result{Decision: ExplicitDeny, Reason: Reason{Policy: s.policies[s.broken].Name}}
	}
	ask := search{set: s, q: query{Request: req, target: target{text: req.Resource}}}
	ask.run()
	return ask.result()
}

func (s *Set) reason(r *rule, grant Grant) Reason {
	return Reason{Policy: s.policies[r.policy].Name, Statement: r.number, Sid: r.sid, Effect: r.effect, Grant: grant}
}

// Matching lists every statement that applies to a request, those that deny
// first. It is slower than Evaluate.
func (s *Set) Matching(req *Request) []Reason {
	if s == nil || req == nil {
		return nil
	}
	var reasons []Reason
	for _, named := range s.policies {
		if named.Policy == nil {
			reasons = append(reasons, Reason{Policy: named.Name})
		}
	}
	q := query{Request: req, target: target{text: req.Resource}}
	for i := range s.rules {
		if grant, ok := s.rules[i].match(&q); ok {
			reasons = append(reasons, s.reason(&s.rules[i], grant))
		}
	}
	return reasons
}

// NotPrincipalDeny finds a denying statement with NotPrincipal that would apply
// to a request if it listed nobody. AWS denies every principal that has a
// permissions boundary by such a statement, whomever it lists (IAM user guide,
// "AWS JSON policy elements: NotPrincipal").
func (s *Set) NotPrincipalDeny(req *Request) (Reason, bool) {
	if s == nil || req == nil {
		return Reason{}, false
	}
	q := query{Request: req, target: target{text: req.Resource}}
	for i := range s.rules[:s.denies] {
		r := &s.rules[i]
		if r.notPrincipal && r.matchAction(q.Action) && r.matchResource(&q) && r.conditionsHold(q.Context) {
			return s.reason(r, NoPrincipal), true
		}
	}
	return Reason{}, false
}

// Mentions tells whether a policy of the set mentions a condition key, in a
// condition or as a variable, whose name begins with prefix. The first call is
// slower than those that follow.
func (s *Set) Mentions(prefix string) bool {
	if s == nil {
		return false
	}
	s.lookedUp.Do(func() { s.mentioned = s.ContextKeys() })
	return slices.ContainsFunc(s.mentioned, func(key string) bool { return hasPrefixFold(key, prefix) })
}

// ContextKeys are the condition keys and variables that the policies mention,
// as they are written, each once, sorted.
func (s *Set) ContextKeys() []string {
	if s == nil {
		return nil
	}
	var keys []string
	for _, named := range s.policies {
		keys = append(keys, named.Policy.ContextKeys()...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
