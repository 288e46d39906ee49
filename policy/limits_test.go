package policy

import (
	"strings"
	"testing"
)

// Patterns that make a backtracking matcher take exponential time take steps in
// proportion to pattern times text here. Steps are counted, since time depends
// on the machine.
func TestAdversarialPatternsStayBounded(t *testing.T) {
	text := strings.Repeat("a", 1024)
	for name, pattern := range map[string]string{
		"stars":               strings.Repeat("*a", 20) + "*b",
		"question marks":      "*" + strings.Repeat("?a", 50) + "b",
		"stars and questions": strings.Repeat("*?", 100) + "b",
		"long tail":           "*" + strings.Repeat("a", 500) + "b",
		"many segments":       strings.Repeat("*a*?", 60) + "b",
	} {
		tokens := simplify(wildcards(pattern))
		for _, fold := range []bool{false, true} {
			ok, steps := glob(tokens, nil, text, fold)
			if limit := (len(tokens) + 2) * (len(text) + 2); ok || steps > limit {
				t.Errorf("%s: matched %v in %d steps, limit %d", name, ok, steps, limit)
			}
		}
	}
	values := make([]string, 20)
	var tokens []token
	for i := range values {
		values[i] = "a"
		tokens = append(tokens, token{kind: star}, token{kind: variable})
	}
	tokens = append(tokens, token{kind: literal, text: "b"})
	if ok, steps := glob(tokens, values, text, false); ok || steps > (len(tokens)+2)*(len(text)+2) {
		t.Errorf("variables: matched %v in %d steps", ok, steps)
	}
}

func TestEvaluateAllocates(t *testing.T) {
	p := mustParse(t, Identity, seed(t, "own-folder"))
	set := NewSet(Named{"own", p})
	req := &Request{Action: "s3:PutObject", Resource: "arn:aws:s3:::vincent-iot/abc/x", Context: contextOf("iot:certificateId", "abc")}
	if n := testing.AllocsPerRun(100, func() { set.Evaluate(req) }); n > 0 {
		t.Errorf("an allow makes %v allocations", n)
	}
	req.Resource = "arn:aws:s3:::vincent-iot/other/x"
	if n := testing.AllocsPerRun(100, func() { set.Evaluate(req) }); n > 0 {
		t.Errorf("an implicit deny makes %v allocations", n)
	}
}
