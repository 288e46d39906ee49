package policy

import (
	"encoding/binary"
	"strings"
)

// A set finds the statements that may apply to a request by the literal
// beginnings of actions, and among those by the literal beginnings of
// resources, so that statements about other actions or other resources cost
// nothing, however many there are.

// candidate is a statement that may apply to an action.
type candidate struct {
	rule int32
	sure bool // the action matches for certain
}

// place is a candidate that may apply to a resource too.
type placed struct {
	candidate
	resource int32 // the entry to ask, or -1 to ask the statement
}

// shelf is the candidates for one beginning of an action.
type shelf struct {
	all    []candidate
	sorted bool     // what follows is filled
	any    []placed // whatever the resource
	arns   trie     // by the beginning of the ARN
	paths  trie     // by the beginning of the sixth segment
	byARN  [][]placed
	byPath [][]placed
}

// sortFrom is the number of resources from which a shelf is sorted by them.
const sortFrom = 8

// actionIndex is the shelves by action.
type actionIndex struct {
	actions trie
	denies  []int32 // the shelf of each number of the trie, or -1
	allows  []int32
	shelves []shelf
}

// buildIndex files all rules.
func (s *Set) buildIndex() {
	x := &s.index
	var denies, allows [][]candidate
	file := func(rule int, beginning string, whole, sure bool) {
		slot := int(x.actions.add(beginning, whole))
		for len(denies) <= slot {
			denies, allows = append(denies, nil), append(allows, nil)
		}
		list := &allows
		if rule < s.denies {
			list = &denies
		}
		c := candidate{rule: int32(rule), sure: sure}
		if l := (*list)[slot]; len(l) > 0 && l[len(l)-1].rule == c.rule {
			l[len(l)-1].sure = l[len(l)-1].sure || sure
			return
		}
		(*list)[slot] = append((*list)[slot], c)
	}
	for i := range s.rules {
		r := &s.rules[i]
		if r.notAction {
			file(i, "", false, false)
			continue
		}
		for j := range r.actions {
			p := &r.actions[j]
			switch p.class {
			case exact:
				file(i, p.text, true, true)
			case prefix, all:
				file(i, p.text, false, true)
			default:
				file(i, p.beginning(), false, false)
			}
		}
	}
	// Many actions have the same statements; those share a shelf.
	shelves := map[string]int32{}
	x.denies, x.allows = s.shelve(denies, shelves), s.shelve(allows, shelves)
}

func (s *Set) shelve(lists [][]candidate, shelves map[string]int32) []int32 {
	numbers := make([]int32, len(lists))
	var name []byte
	for i, list := range lists {
		numbers[i] = -1
		if len(list) == 0 {
			continue
		}
		name = name[:0]
		for _, c := range list {
			n := int64(c.rule) << 1
			if c.sure {
				n++
			}
			name = binary.AppendVarint(name, n)
		}
		number, ok := shelves[string(name)]
		if !ok {
			number = int32(len(s.index.shelves))
			s.index.shelves = append(s.index.shelves, s.newShelf(list))
			shelves[string(name)] = number
		}
		numbers[i] = number
	}
	return numbers
}

func (s *Set) newShelf(list []candidate) shelf {
	f := shelf{all: list}
	resources := 0
	for _, c := range list {
		resources += max(1, len(s.rules[c.rule].resources))
	}
	if resources < sortFrom {
		return f
	}
	f.sorted = true
	for _, c := range list {
		r := &s.rules[c.rule]
		if r.everywhere || r.notResource {
			f.any = append(f.any, placed{c, -1})
			continue
		}
		for i := range r.resources {
			f.place(&r.resources[i], placed{c, int32(i)})
		}
	}
	return f
}

// place files a candidate by one of its resources: by the ARN, or by the sixth
// segment where that has the longer literal beginning.
func (f *shelf) place(r *resource, p placed) {
	if r.any {
		f.any = append(f.any, p)
		return
	}
	whole, tail := true, 0
	var b strings.Builder
	for i := range r.arn.parts {
		seg := &r.arn.parts[i]
		b.WriteString(seg.beginning())
		if i > service {
			tail += len(seg.beginning())
		}
		if whole = seg.class == exact; !whole {
			break
		}
		if i < path {
			b.WriteByte(':')
		}
	}
	if own := &r.arn.parts[path]; len(own.beginning()) > tail {
		file(&f.paths, &f.byPath, own.beginning(), own.class == exact, p)
		return
	}
	file(&f.arns, &f.byARN, b.String(), whole, p)
}

func file(t *trie, lists *[][]placed, beginning string, whole bool, p placed) {
	slot := int(t.add(beginning, whole))
	for len(*lists) <= slot {
		*lists = append(*lists, nil)
	}
	(*lists)[slot] = append((*lists)[slot], p)
}

// beginning is the literal text that everything that matches begins with.
func (p *pattern) beginning() string {
	switch {
	case p.class == exact || p.class == prefix:
		return p.text
	case p.class == general && p.tokens[0].kind == literal:
		return p.tokens[0].text
	default:
		return ""
	}
}

// search is the state of one walk through the index.
type search struct {
	set      *Set
	q        query
	decision Decision
	grant    Grant
	rule     int32 // that made the decision
	found    found // of resources
}

func (s *search) result() Result {
	if s.decision == ImplicitDeny {
		return Result{}
	}
	return Result{Decision: s.decision, Grant: s.grant, Reason: s.set.reason(&s.set.rules[s.rule], s.grant)}
}

// run asks the denying statements that may apply, and then the allowing ones.
func (s *search) run() {
	x := &s.set.index
	var f found
	if !x.actions.find(s.q.Action, true, &f) {
		for i := range s.set.rules {
			if s.ask(placed{candidate{int32(i), false}, -1}) {
				return
			}
		}
		return
	}
	// The longest beginnings first, so that the reason is what names the request
	// most closely.
	for i := f.n - 1; i >= 0; i-- {
		if number := x.denies[f.slots[i]]; number >= 0 && s.shelf(&x.shelves[number]) {
			return
		}
	}
	for i := f.n - 1; i >= 0; i-- {
		if number := x.allows[f.slots[i]]; number >= 0 && s.shelf(&x.shelves[number]) {
			return
		}
	}
}

// shelf asks the candidates of a shelf until the decision is made.
func (s *search) shelf(f *shelf) (decided bool) {
	if !f.sorted {
		return s.each(f.all)
	}
	if s.along(&f.arns, f.byARN, s.q.Resource, f) {
		return true
	}
	if len(f.byPath) > 0 && s.q.target.split() && s.along(&f.paths, f.byPath, s.q.target.parts[path], f) {
		return true
	}
	for _, p := range f.any {
		if s.ask(p) {
			return true
		}
	}
	return false
}

// along asks the candidates that are filed by a beginning of text.
func (s *search) along(t *trie, lists [][]placed, text string, f *shelf) (decided bool) {
	s.found.n = 0
	if !t.find(text, false, &s.found) {
		return s.each(f.all)
	}
	for i := s.found.n - 1; i >= 0; i-- {
		for _, p := range lists[s.found.slots[i]] {
			if s.ask(p) {
				return true
			}
		}
	}
	return false
}

func (s *search) each(list []candidate) (decided bool) {
	for _, c := range list {
		if s.ask(placed{c, -1}) {
			return true
		}
	}
	return false
}

// ask asks one statement, and tells whether the decision is made: it denies, or
// it allows by a grant that cannot be stronger.
func (s *search) ask(p placed) (decided bool) {
	r := &s.set.rules[p.rule]
	if !p.sure && !r.matchAction(s.q.Action) {
		return false
	}
	if p.resource < 0 {
		if !r.matchResource(&s.q) {
			return false
		}
	} else if !r.resources[p.resource].match(&s.q.target, s.q.Context) {
		return false
	}
	grant, ok := r.matchRest(&s.q)
	if !ok {
		return false
	}
	if int(p.rule) < s.set.denies {
		s.decision, s.grant, s.rule = ExplicitDeny, grant, p.rule
		return true
	}
	if s.decision != Allow || grant.strength() > s.grant.strength() {
		s.decision, s.grant, s.rule = Allow, grant, p.rule
	}
	return r.principals == nil || grant.strength() == DirectGrant.strength()
}
