package policy

import "strings"

// trie finds, for a text, the patterns whose literal beginning the text has. It
// is a radix tree. What is kept for a beginning is known to the caller by a
// number.
type trie struct {
	nodes []trieNode // the first is the root; none when nothing was added
	slots int        // numbers given so far
}

type trieNode struct {
	label    string // what follows the parent's
	first    string // the first byte of each child's label
	children []int32
	wild     int32 // the number for texts that go on here, or -1
	exact    int32 // the number for texts that end here, or -1
}

// add returns the number of a beginning, or of a whole text.
func (t *trie) add(beginning string, whole bool) int32 {
	at := t.node(beginning)
	slot := &t.nodes[at].wild
	if whole {
		slot = &t.nodes[at].exact
	}
	if *slot < 0 {
		*slot = int32(t.slots)
		t.slots++
	}
	return *slot
}

func (t *trie) newNode(label string) int32 {
	t.nodes = append(t.nodes, trieNode{label: label, wild: -1, exact: -1})
	return int32(len(t.nodes) - 1)
}

// node returns the node of a text, which it makes if it must.
func (t *trie) node(text string) int32 {
	if len(t.nodes) == 0 {
		t.newNode("")
	}
	at := int32(0)
	for text != "" {
		i := strings.IndexByte(t.nodes[at].first, text[0])
		if i < 0 {
			child := t.newNode(text)
			n := &t.nodes[at]
			n.first, n.children = n.first+text[:1], append(n.children, child)
			return child
		}
		child := t.nodes[at].children[i]
		label, common := t.nodes[child].label, 1
		for common < len(label) && common < len(text) && label[common] == text[common] {
			common++
		}
		if common < len(label) {
			// A new node takes the common part, the old one what is left.
			between := t.newNode(label[:common])
			t.nodes[child].label = label[common:]
			t.nodes[between].first, t.nodes[between].children = label[common:common+1], []int32{child}
			t.nodes[at].children[i] = between
			child = between
		}
		at, text = child, text[common:]
	}
	return at
}

// found is how many beginnings of one text are collected. More nested ones are
// rare, and then all patterns are asked.
const maxFound = 16

type found struct {
	slots [maxFound]int32
	n     int
}

func (f *found) add(slot int32) bool {
	if slot < 0 {
		return true
	}
	if f.n == maxFound {
		return false
	}
	f.slots[f.n] = slot
	f.n++
	return true
}

// find collects the numbers for a text. With fold, which wants the trie to be
// in lower case, ASCII case does not matter. It fails when there are too many.
func (t *trie) find(text string, fold bool, f *found) bool {
	if len(t.nodes) == 0 {
		return true
	}
	n := &t.nodes[0]
	for {
		if !f.add(n.wild) {
			return false
		}
		if text == "" {
			return f.add(n.exact)
		}
		c := text[0]
		if fold {
			c = lower(c)
		}
		i := index(n.first, c)
		if i < 0 {
			return true
		}
		n = &t.nodes[n.children[i]]
		if fold && !hasPrefixFold(text, n.label) || !fold && !strings.HasPrefix(text, n.label) {
			return true
		}
		text = text[len(n.label):]
	}
}

// index is strings.IndexByte, which is slower for the few bytes that most nodes
// have.
func index(s string, c byte) int {
	if len(s) > 8 {
		return strings.IndexByte(s, c)
	}
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}
