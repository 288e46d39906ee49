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
	base    *Context // what it has, counts; nil for none
	frozen  []byte   // the entries as appendEntries writes them; nil unless they are final
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
	code uint8  // of a name that NewKey has readied, see keyNames; 0 for another
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

// NewContextOver returns a context with the keys of base, which must not change
// any more, and room for size further ones. A key that base has cannot be set
// otherwise: whoever makes base has the last word. Base has no base.
func NewContextOver(base *Context, size int) *Context {
	return &Context{entries: make([]entry, 0, size), base: base}
}

// Key is the name of a condition key, ready to be set many times.
type Key struct{ key key }

// NewKey readies a name. There should be few, made once: the names are kept.
func NewKey(name string) Key {
	k := newKey(name)
	k.code = readied.code(name)
	return Key{k}
}

// SetKey is Set for a name that is ready.
func (c *Context) SetKey(name Key, value string) {
	c.put(entry{key: name.key, value: value, text: value != "" && utf8.ValidString(value)})
}

// Has tells whether a key was set in c itself, with whatever value.
func (c *Context) Has(name string) bool {
	return find(c.entries, newKey(name)) != nil
}

// Own gives c texts of its own in place of those that it was given: from then on
// it keeps nothing else in memory, such as a request that they were cut out of.
func (c *Context) Own() {
	var all strings.Builder
	all.Grow(c.ownBytes())
	for i := range c.entries {
		c.entries[i].own(&all)
	}
}

// own copies the texts of an entry to the end of all, which has the room. A name
// that was readied is kept by itself.
func (e *entry) own(all *strings.Builder) {
	for i, s := range [...]*string{&e.key.name, &e.value} {
		if i == 0 && e.key.code != 0 {
			continue
		}
		at := all.Len()
		all.WriteString(*s)
		*s = all.String()[at:]
	}
	for k := range e.list {
		at := all.Len()
		all.WriteString(e.list[k])
		e.list[k] = all.String()[at:]
	}
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
	if old := find(c.entries, e.key); old != nil {
		*old = e
		return
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
	if c.base != nil {
		for i := range c.base.entries {
			n.put(c.base.entries[i])
		}
	}
	for i := range n.entries {
		n.entries[i].list = slices.Clone(n.entries[i].list)
	}
	n.Own()
	return n
}

// Bytes is how long all keys and values are together.
func (c *Context) Bytes() int {
	n := c.ownBytes()
	if c.base != nil {
		n += c.base.ownBytes()
	}
	return n
}

func (c *Context) ownBytes() int {
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
	e := find(c.entries, k)
	if c.base != nil {
		if b := find(c.base.entries, k); b != nil {
			e = b
		}
	}
	if e == nil || e.multi && len(e.list) == 0 {
		return nil
	}
	return e
}

func find(entries []entry, k key) *entry {
	for i := range entries {
		if entries[i].is(k) {
			return &entries[i]
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
