package policy

import (
	"sync"
	"weak"
)

// Source is what a Set was compiled from: its policies as texts. It is much
// smaller than the Set, and the same pointer for as long as the Set lives, so that
// what many decisions have in common is kept once.
//
// What it says never changes.
type Source struct {
	policies []sourceText
	bytes    int

	mu  sync.Mutex
	set weak.Pointer[Set]
}

type sourceText struct {
	name    string
	text    string
	kind    Kind
	missing bool // a nil Policy: see NewSet
}

// Sizes in bytes of a Source, and of one policy in it, without their texts.
const (
	sourceBytes     = 112
	sourceTextBytes = 48
)

func newSource(s *Set) *Source {
	src := &Source{policies: make([]sourceText, len(s.policies)), bytes: sourceBytes, set: weak.Make(s)}
	for i, named := range s.policies {
		t := sourceText{name: named.Name, missing: named.Policy == nil}
		if named.Policy != nil && named.Policy.doc != nil {
			t.kind, t.text = named.Policy.doc.kind, named.Policy.text
		}
		src.policies[i] = t
		src.bytes += sourceTextBytes + len(t.name) + len(t.text)
	}
	return src
}

// Source returns what the set was compiled from, or nil for a nil set.
func (s *Set) Source() *Source {
	if s == nil {
		return nil
	}
	return s.source
}

// Bytes is how much memory the source takes with its texts.
func (s *Source) Bytes() int { return s.bytes }

// Texts calls yield with each document until it returns false.
func (s *Source) Texts(yield func(i int, text string) bool) {
	for i := range s.policies {
		if !yield(i, s.policies[i].text) {
			return
		}
	}
}

// Compile returns the set: the one that the source is of while that lives, else
// another that decides the same. The set of a nil source is nil.
func (s *Source) Compile() *Set {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if set := s.set.Value(); set != nil {
		return set
	}
	named := make([]Named, len(s.policies))
	for i := range s.policies {
		named[i] = Named{Name: s.policies[i].name, Policy: s.policies[i].compile()}
	}
	set := NewSet(named...)
	set.source = s
	s.set = weak.Make(set)
	return set
}

// compile returns nil for a policy that was missing. So would be one that does not
// compile, which cannot be: it has compiled before.
func (t *sourceText) compile() *Policy {
	if t.missing {
		return nil
	}
	if t.kind == 0 {
		return &Policy{}
	}
	p, err := Parse(t.kind, t.text)
	if err != nil {
		return nil
	}
	return p
}
