package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustParse(t testing.TB, kind Kind, text string) *Policy {
	t.Helper()
	p, err := Parse(kind, text)
	if err != nil {
		t.Fatalf("Parse(%s): %v\n%s", kind, err, text)
	}
	return p
}

func seed(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "seeds", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// statements makes a document of the current version.
func statements(s ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(s, ",") + `]}`
}

func evaluate(set []Named, req *Request) Result { return NewSet(set...).Evaluate(req) }

func decide(p *Policy, req *Request) Decision {
	return evaluate([]Named{{Name: "p", Policy: p}}, req).Decision
}

// warned is the warnings about a policy, one a line.
func warned(p *Policy) string {
	var lines []string
	for _, w := range p.Warnings() {
		lines = append(lines, w.String())
	}
	return strings.Join(lines, "\n")
}

// contextOf makes a context of keys with one value, or with several that are
// separated by "|" when the key ends with "[]".
func contextOf(pairs ...string) *Context {
	c := NewContext()
	for i := 0; i < len(pairs); i += 2 {
		name, multi := strings.CutSuffix(pairs[i], "[]")
		switch {
		case multi && pairs[i+1] == "":
			c.SetList(name, nil)
		case multi:
			c.SetList(name, strings.Split(pairs[i+1], "|"))
		default:
			c.Set(name, pairs[i+1])
		}
	}
	return c
}
