package policy

// query is a request prepared for matching.
type query struct {
	*Request
	target target
}

// Evaluate decides one request against a set of policies that count as one: any
// denying statement that matches denies, else any allowing statement that
// matches allows, else nothing does. A nil Policy in the set, which is a
// caller's mistake, denies explicitly, since nobody knows what it would have
// denied.
func Evaluate(set []Named, req *Request) Result {
	if req == nil {
		return Result{}
	}
	q := query{Request: req, target: newTarget(req.Resource)}
	for i := range set {
		if set[i].Policy == nil {
			return Result{Decision: ExplicitDeny, Reasons: []Reason{{Policy: set[i].Name}}}
		}
		if s, grant := set[i].Policy.denies.first(&q); s != nil {
			return Result{Decision: ExplicitDeny, Reasons: []Reason{s.reason(set[i].Name, grant)}}
		}
	}
	var result Result
	for i := range set {
		if set[i].Policy.allows.each(&q, set[i].Name, &result) {
			break
		}
	}
	return result
}

// first returns the first statement that matches, or nil.
func (g *group) first(q *query) (*statement, Grant) {
	lists, ok := g.candidates(q.Action)
	if !ok {
		for i := range g.statements {
			if grant, ok := g.statements[i].match(q); ok {
				return &g.statements[i], grant
			}
		}
		return nil, NoPrincipal
	}
	for _, list := range lists {
		for _, i := range list {
			if grant, ok := g.statements[i].match(q); ok {
				return &g.statements[i], grant
			}
		}
	}
	return nil, NoPrincipal
}

// each adds the statements that match to an allowing result, and tells when
// none can make it stronger.
func (g *group) each(q *query, name string, r *Result) (enough bool) {
	lists, ok := g.candidates(q.Action)
	if !ok {
		for i := range g.statements {
			if g.statements[i].allow(q, name, r) {
				return true
			}
		}
		return false
	}
	for _, list := range lists {
		for _, i := range list {
			if g.statements[i].allow(q, name, r) {
				return true
			}
		}
	}
	return false
}

// allow adds the statement to the result if it matches, and tells whether that
// settles it: without a principal, or with the strongest grant.
func (s *statement) allow(q *query, name string, r *Result) (enough bool) {
	grant, ok := s.match(q)
	if !ok {
		return false
	}
	r.Decision = Allow
	r.Reasons = append(r.Reasons, s.reason(name, grant))
	if grant.strength() > r.Grant.strength() {
		r.Grant = grant
	}
	return s.principals == nil || grant.strength() == DirectGrant.strength()
}

func (s *statement) reason(name string, grant Grant) Reason {
	return Reason{Policy: name, Statement: s.number, Sid: s.sid, Effect: s.effect, Grant: grant}
}

// match tells whether the statement applies to the request, and how it names
// the principal.
func (s *statement) match(q *query) (grant Grant, ok bool) {
	if !s.matchAction(q.Action) || !s.matchResource(q) {
		return NoPrincipal, false
	}
	if s.principals != nil {
		if grant, ok = s.principals.match(&q.Principal); !ok {
			return NoPrincipal, false
		}
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(q.Context) {
			return NoPrincipal, false
		}
	}
	return grant, true
}

func (s *statement) matchAction(action string) bool {
	for i := range s.actions {
		if s.actions[i].matchFold(action) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *statement) matchResource(q *query) bool {
	if s.everywhere {
		return true
	}
	if s.notResource {
		// A variable without a value makes it unknown what is excepted. Take
		// the safe side: deny, and do not allow.
		for i := range s.resources {
			if !s.resources[i].arn[path].resolved(q.Context) {
				return s.effect == EffectDeny
			}
		}
	}
	for i := range s.resources {
		if s.resources[i].match(&q.target, q.Context) {
			return !s.notResource
		}
	}
	return s.notResource
}
