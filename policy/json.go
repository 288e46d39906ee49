package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A policy needs six levels: document, statements, statement, conditions,
// operator, values.
const maxDepth = 8

// byteOrderMark is what some editors and PowerShell put before UTF-8.
const byteOrderMark = "\ufeff"

type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	listNode
	objectNode
)

// node is a JSON value with its object members in order, because encoding/json
// itself keeps the last of two equal keys and says nothing.
type node struct {
	kind       nodeKind
	text       string // string, number as written, or "true" and "false"
	list       []node
	fields     []field
	start, end int // of an object, in the text
}

type field struct {
	name  string
	value node
}

// readJSON parses text strictly: one value, unique keys, bounded depth.
func readJSON(text string) (node, error) {
	if !utf8.ValidString(text) {
		if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
			return node{}, fmt.Errorf("not UTF-8, but UTF-16: save it as UTF-8")
		}
		return node{}, fmt.Errorf("not UTF-8")
	}
	if strings.HasPrefix(text, byteOrderMark) {
		return node{}, fmt.Errorf("begins with a byte order mark (U+FEFF), which is no JSON: save it as UTF-8 without one")
	}
	// All of the syntax is checked here, so that the walk need not.
	if err := json.Unmarshal([]byte(text), new(json.RawMessage)); err != nil {
		return node{}, fmt.Errorf("not JSON%s", place(text, err))
	}
	w := walk{text: text}
	return w.value(maxDepth)
}

// place says where in a text a syntax error is.
func place(text string, err error) string {
	e, ok := errors.AsType[*json.SyntaxError](err)
	if !ok || e.Offset < 1 || e.Offset > int64(len(text)) {
		return ""
	}
	before := text[:e.Offset-1]
	line := strings.Count(before, "\n") + 1
	column := len(before) - strings.LastIndexByte(before, '\n')
	// encoding/json speaks of a byte where a character is meant, such as a quotation
	// mark from a word processor.
	if r, _ := utf8.DecodeRuneInString(text[e.Offset-1:]); r >= utf8.RuneSelf {
		return fmt.Sprintf(": line %d, column %d: invalid character %q (%U)", line, column, r, r)
	}
	return fmt.Sprintf(": line %d, column %d: %v", line, column, e)
}

// walk reads text that is known to be valid JSON.
type walk struct {
	text string
	pos  int
}

// next passes white space and returns the byte that follows it.
func (w *walk) next() byte {
	for {
		switch c := w.text[w.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
		w.pos++
	}
}

func (w *walk) value(depth int) (node, error) {
	switch w.next() {
	case '{', '[':
		if depth == 0 {
			return node{}, fmt.Errorf("nested too deep")
		}
		if w.text[w.pos] == '{' {
			return w.object(depth)
		}
		return w.elements(depth)
	case '"':
		return node{kind: stringNode, text: w.quoted()}, nil
	case 't', 'f':
		return node{kind: boolNode, text: w.bare()}, nil
	case 'n':
		w.bare()
		return node{}, nil
	default:
		return node{kind: numberNode, text: w.bare()}, nil
	}
}

// bare reads a number or a name.
func (w *walk) bare() string {
	rest := w.text[w.pos:]
	if end := strings.IndexAny(rest, " \t\r\n,]}"); end >= 0 {
		rest = rest[:end]
	}
	w.pos += len(rest)
	return rest
}

// quoted reads a string.
func (w *walk) quoted() string {
	start := w.pos
	w.pos++
	for escaped := false; ; w.pos++ {
		switch w.text[w.pos] {
		case '\\':
			escaped = true
			w.pos++
		case '"':
			w.pos++
			if !escaped {
				return w.text[start+1 : w.pos-1]
			}
			var s string
			if err := json.Unmarshal([]byte(w.text[start:w.pos]), &s); err != nil {
				return "" // not in valid JSON
			}
			return s
		}
	}
}

// more passes a comma, or the bracket that closes, and tells which.
func (w *walk) more(closing byte) bool {
	switch w.next() {
	case closing:
		w.pos++
		return false
	case ',':
		w.pos++
	}
	return true
}

func (w *walk) elements(depth int) (node, error) {
	n := node{kind: listNode}
	w.pos++
	for w.more(']') {
		item, err := w.value(depth - 1)
		if err != nil {
			return node{}, err
		}
		n.list = append(n.list, item)
	}
	return n, nil
}

func (w *walk) object(depth int) (node, error) {
	n := node{kind: objectNode, start: w.pos}
	w.pos++
	seen := map[string]bool{}
	for w.more('}') {
		w.next()
		name := w.quoted()
		if seen[name] {
			return node{}, fmt.Errorf("key %q appears twice", name)
		}
		seen[name] = true
		w.next()
		w.pos++ // the colon
		value, err := w.value(depth - 1)
		if err != nil {
			return node{}, err
		}
		n.fields = append(n.fields, field{name: name, value: value})
	}
	n.end = w.pos
	return n, nil
}

// minifiedSize counts the characters of valid JSON without the white space
// between its tokens.
func minifiedSize(text string) int {
	n, quoted, escaped := 0, false, false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case !quoted && (r == ' ' || r == '\t' || r == '\n' || r == '\r'):
			continue
		}
		n++
	}
	return n
}
