package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A policy needs six levels: document, statements, statement, conditions,
// operator, values.
const maxDepth = 8

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
	kind   nodeKind
	text   string // string, number as written, or "true" and "false"
	list   []node
	fields []field
}

type field struct {
	name  string
	value node
}

// readJSON parses text strictly: one value, unique keys, bounded depth.
func readJSON(text string) (node, error) {
	if !utf8.ValidString(text) {
		return node{}, fmt.Errorf("not UTF-8")
	}
	// All of the syntax is checked, including what follows the value, before the
	// token walk builds anything.
	if err := json.Unmarshal([]byte(text), new(json.RawMessage)); err != nil {
		return node{}, fmt.Errorf("not JSON%s", place(text, err))
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	n, err := readNode(d, maxDepth)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
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
	return fmt.Sprintf(": line %d, column %d: %v", line, column, e)
}

func readNode(d *json.Decoder, depth int) (node, error) {
	if depth == 0 {
		return node{}, fmt.Errorf("nested too deep")
	}
	t, err := d.Token()
	if err != nil {
		return node{}, err
	}
	switch v := t.(type) {
	case json.Delim:
		if v == '{' {
			return readObject(d, depth)
		}
		return readList(d, depth)
	case string:
		return node{kind: stringNode, text: v}, nil
	case json.Number:
		return node{kind: numberNode, text: v.String()}, nil
	case bool:
		return node{kind: boolNode, text: fmt.Sprint(v)}, nil
	default:
		return node{kind: nullNode}, nil
	}
}

func readList(d *json.Decoder, depth int) (node, error) {
	n := node{kind: listNode}
	for d.More() {
		item, err := readNode(d, depth-1)
		if err != nil {
			return node{}, err
		}
		n.list = append(n.list, item)
	}
	_, err := d.Token()
	return n, err
}

func readObject(d *json.Decoder, depth int) (node, error) {
	n := node{kind: objectNode}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return node{}, err
		}
		name, _ := t.(string)
		if seen[name] {
			return node{}, fmt.Errorf("key %q appears twice", name)
		}
		seen[name] = true
		value, err := readNode(d, depth-1)
		if err != nil {
			return node{}, err
		}
		n.fields = append(n.fields, field{name: name, value: value})
	}
	_, err := d.Token()
	return n, err
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
