package policy

import "strings"

// indexFrom is the number of statements from which an index is quicker than
// asking them all.
const indexFrom = 8

// longestAction is the longest action name that is looked up in an index;
// longer ones are matched by asking all statements. No AWS action comes near.
const longestAction = 128

// group is the denying or the allowing statements of a policy, found by
// action.
type group struct {
	statements []statement
	exact      map[string][]int // by action, lower case
	vendors    map[string][]int // with a wildcard, by what stands before the colon
	others     []int            // "*" and NotAction
}

// buildIndex fills the maps when there are many statements. A statement may be
// found in more than one way, which does no harm: it is matched in full.
func (g *group) buildIndex() {
	if len(g.statements) < indexFrom {
		return
	}
	g.exact, g.vendors = map[string][]int{}, map[string][]int{}
	for i := range g.statements {
		s := &g.statements[i]
		if s.notAction {
			g.others = append(g.others, i)
			continue
		}
		for j := range s.actions {
			p := &s.actions[j]
			switch p.class {
			case all:
				g.others = add(g.others, i)
			case exact:
				g.exact[p.text] = add(g.exact[p.text], i)
			default:
				// The vendor has no wildcard, so it is all in the first literal.
				text := p.text
				if p.class == general {
					text = p.tokens[0].text
				}
				vendor, _, _ := strings.Cut(text, ":")
				g.vendors[vendor] = add(g.vendors[vendor], i)
			}
		}
	}
}

// add appends i unless it came last.
func add(list []int, i int) []int {
	if n := len(list); n > 0 && list[n-1] == i {
		return list
	}
	return append(list, i)
}

// candidates returns lists of the statements that may apply to an action, or
// false when all may.
func (g *group) candidates(action string) (lists [3][]int, ok bool) {
	if g.exact == nil || len(action) > longestAction {
		return lists, false
	}
	var buffer [longestAction]byte
	name := buffer[:len(action)]
	colon := 0
	for i := range len(action) {
		name[i] = lower(action[i])
		if name[i] == ':' && colon == 0 {
			colon = i
		}
	}
	return [3][]int{g.exact[string(name)], g.vendors[string(name[:colon])], g.others}, true
}
