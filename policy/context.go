package policy

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Context holds the condition keys of a request. Key names are
// case-insensitive. It is not safe for concurrent writing.
type Context struct {
	entries []entry
}

type entry struct {
	key   key
	value string   // of a single-valued key
	list  []string // of a multivalued key
	multi bool
	text  bool // value is one for a variable: not empty and UTF-8
}

// key is the name of a condition key with a hash of its lower-case form, so
// that looking it up compares numbers and not texts.
type key struct {
	hash uint64
	name string // as it was given
}

// newKey hashes with FNV-1a over the lower-cased bytes. Collisions are harmless:
// equal hashes are followed by a comparison of the names.
func newKey(name string) key {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(lower(name[i]))) * 1099511628211
	}
	return key{hash: h, name: name}
}

// NewContext returns an empty context.
func NewContext() *Context {
	return &Context{entries: make([]entry, 0, 24)}
}

// Set gives a single-valued key its value. An empty value is present in
// conditions but is no value for a variable.
func (c *Context) Set(key, value string) {
	c.put(entry{key: newKey(key), value: value, text: value != "" && utf8.ValidString(value)})
}

// SetList gives a multivalued key its values. An empty list is the same as no
// key at all.
func (c *Context) SetList(key string, values []string) {
	c.put(entry{key: newKey(key), list: slices.Clone(values), multi: true})
}

func (c *Context) put(e entry) {
	for i := range c.entries {
		if c.entries[i].is(e.key) {
			c.entries[i] = e
			return
		}
	}
	c.entries = append(c.entries, e)
}

// Lookup returns the values of a key, whether it is multivalued, and whether it
// is present.
func (c *Context) Lookup(key string) (values []string, multi, ok bool) {
	return c.lookup(newKey(key))
}

func (c *Context) lookup(k key) (values []string, multi, ok bool) {
	e := c.find(k)
	switch {
	case e == nil:
		return nil, false, false
	case e.multi:
		return slices.Clone(e.list), true, true
	default:
		return []string{e.value}, false, true
	}
}

// Clone returns a copy that may be changed on its own, with texts of its own: it
// keeps nothing else in memory, such as the body of a request that the texts
// were cut out of.
func (c *Context) Clone() *Context {
	n := NewContext()
	if c == nil {
		return n
	}
	n.entries = append(n.entries, c.entries...)
	var all strings.Builder
	all.Grow(c.Bytes())
	own := func(s *string) {
		at := all.Len()
		all.WriteString(*s)
		*s = all.String()[at:]
	}
	for i := range n.entries {
		e := &n.entries[i]
		own(&e.key.name)
		own(&e.value)
		e.list = slices.Clone(e.list)
		for k := range e.list {
			own(&e.list[k])
		}
	}
	return n
}

// Bytes is how long all keys and values are together.
func (c *Context) Bytes() int {
	n := 0
	for i := range c.entries {
		n += len(c.entries[i].key.name) + len(c.entries[i].value)
		for _, v := range c.entries[i].list {
			n += len(v)
		}
	}
	return n
}

func (e *entry) is(k key) bool {
	return e.key.hash == k.hash && equalFold(e.key.name, k.name)
}

// find returns the entry of a key that is present, or nil. A nil context has
// none.
func (c *Context) find(k key) *entry {
	if c == nil {
		return nil
	}
	for i := range c.entries {
		e := &c.entries[i]
		if e.is(k) {
			if e.multi && len(e.list) == 0 {
				return nil
			}
			return e
		}
	}
	return nil
}

// lower is ASCII lower-casing of one byte.
func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// equalFold compares without regard to ASCII case. Key and action names are
// ASCII; folding more would let other letters pass for them.
func equalFold(a, b string) bool {
	return len(a) == len(b) && hasPrefixFold(a, b)
}

// hasPrefixFold tells whether s begins with prefix, without regard to ASCII
// case.
func hasPrefixFold(s, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if s[i] != prefix[i] && lower(s[i]) != lower(prefix[i]) {
			return false
		}
	}
	return true
}
