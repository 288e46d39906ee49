package policy

import (
	"encoding/binary"
	"sync"
	"unicode/utf8"
)

// keyNames are the names that NewKey has readied, by their codes.
type keyNames struct {
	mu    sync.RWMutex
	names []string // the name with code n is at n-1
}

var readied keyNames

// code returns the code of a name, 0 when there are too many.
func (n *keyNames) code(name string) uint8 {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, known := range n.names {
		if known == name {
			return uint8(i + 1)
		}
	}
	if len(n.names) == 255 {
		return 0
	}
	n.names = append(n.names, name)
	return uint8(len(n.names))
}

func (n *keyNames) name(code uint8) (string, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if code == 0 || int(code) > len(n.names) {
		return "", false
	}
	return n.names[code-1], true
}

// Freeze says that the context does not change any more, so that Append can copy
// what it writes of it.
func (c *Context) Freeze() {
	c.frozen = appendEntries(nil, c.entries)
}

// Append writes a context to the end of out, for ReadContext in the same
// process. A nil context is written as an empty one.
func (c *Context) Append(out []byte) []byte {
	if c == nil {
		return append(out, 0, 0)
	}
	if c.base == nil {
		return append(c.appendOwn(out), 0)
	}
	return c.base.appendOwn(c.appendOwn(out))
}

func (c *Context) appendOwn(out []byte) []byte {
	if c.frozen != nil {
		return append(out, c.frozen...)
	}
	return appendEntries(out, c.entries)
}

// An entry is the code of its name, or 0 and the name; 0 and the value, or one
// more than the number of its values and they.
func appendEntries(out []byte, entries []entry) []byte {
	out = binary.AppendUvarint(out, uint64(len(entries)))
	for i := range entries {
		e := &entries[i]
		if out = append(out, e.key.code); e.key.code == 0 {
			out = appendText(out, e.key.name)
		}
		if !e.multi {
			out = appendText(append(out, 0), e.value)
			continue
		}
		out = binary.AppendUvarint(out, uint64(len(e.list))+1)
		for _, v := range e.list {
			out = appendText(out, v)
		}
	}
	return out
}

func appendText(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// ReadContext reads what Append wrote, and returns what follows it. The context
// has texts of its own.
func ReadContext(b []byte) (c *Context, rest []byte, ok bool) {
	c, base := NewContext(), NewContext()
	if c.entries, b, ok = readEntries(b); !ok {
		return nil, nil, false
	}
	if base.entries, b, ok = readEntries(b); !ok {
		return nil, nil, false
	}
	if len(base.entries) > 0 {
		c.base = base
	}
	return c, b, true
}

func readEntries(b []byte) (entries []entry, rest []byte, ok bool) {
	count, b, ok := cutNumber(b)
	for ; ok && count > 0; count-- {
		var e entry
		if e, b, ok = readEntry(b); ok {
			entries = append(entries, e)
		}
	}
	return entries, b, ok
}

func readEntry(b []byte) (e entry, rest []byte, ok bool) {
	if len(b) == 0 {
		return e, nil, false
	}
	code, b := b[0], b[1:]
	var name string
	if code == 0 {
		name, b, ok = cutText(b)
	} else {
		name, ok = readied.name(code)
	}
	if !ok {
		return e, nil, false
	}
	e.key = newKey(name)
	e.key.code = code
	count, b, ok := cutNumber(b)
	switch {
	case !ok || count > uint64(len(b))+1:
		return e, nil, false
	case count == 0:
		e.value, b, ok = cutText(b)
		e.text = e.value != "" && utf8.ValidString(e.value)
		return e, b, ok
	}
	e.multi = true
	e.list = make([]string, count-1)
	for i := range e.list {
		if e.list[i], b, ok = cutText(b); !ok {
			return e, nil, false
		}
	}
	return e, b, true
}

func cutNumber(b []byte) (n uint64, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, false
	}
	return n, b[size:], true
}

func cutText(b []byte) (s string, rest []byte, ok bool) {
	n, b, ok := cutNumber(b)
	if !ok || n > uint64(len(b)) {
		return "", nil, false
	}
	return string(b[:n]), b[n:], true
}
