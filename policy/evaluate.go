package policy

// query is a request prepared for matching.
type query struct {
	*Request
	target target
}

// match tells whether the statement applies to the request, and how it names
// the principal.
func (s *statement) match(q *query) (grant Grant, ok bool) {
	if !s.matchAction(q.Action) || !s.matchResource(q) {
		return NoPrincipal, false
	}
	return s.matchRest(q)
}

// matchRest is match without the action and the resource.
func (s *statement) matchRest(q *query) (grant Grant, ok bool) {
	if grant, ok = s.matchPrincipal(&q.Principal); !ok {
		return NoPrincipal, false
	}
	return grant, s.conditionsHold(q.Context)
}

func (s *statement) conditionsHold(c *Context) bool {
	for i := range s.conditions {
		if !s.conditions[i].holds(c) {
			return false
		}
	}
	return true
}

func (s *statement) matchPrincipal(caller *Principal) (Grant, bool) {
	switch {
	case s.principals == nil:
		return NoPrincipal, true
	case s.notPrincipal:
		return Everyone, s.principals.excepts(caller, s.effect)
	default:
		return s.principals.match(caller)
	}
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
			if !s.resources[i].arn.parts[path].resolved(q.Context) {
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
