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

// No operator allocates while it decides, with variables neither.
func TestConditionsDoNotAllocate(t *testing.T) {
	ctx := contextOf("k:s", "Äbc", "k:n", "10", "k:d", "2026-05-01T12:00:00Z", "k:b", "true", "k:ip", "10.0.0.1", "k:bin", "abc",
		"k:arn", "arn:aws:iam::123456789012:role/x", "k:acct", "123456789012", "k:list[]", "a|b|c", "k:half", "bc")
	for operator, condition := range map[string]string{
		"StringEquals":                `"k:s":["x","Ä${k:half}"]`,
		"StringNotEquals":             `"k:s":["x","y"]`,
		"StringEqualsIgnoreCase":      `"k:s":["x","ä${k:half}"]`,
		"StringLike":                  `"k:s":["x*","*${k:half}"]`,
		"ArnLike":                     `"k:arn":["arn:aws:iam::${k:acct}:role/*"]`,
		"NumericLessThan":             `"k:n":["1","11.5"]`,
		"DateGreaterThan":             `"k:d":["2027-01-01","2026-01-01"]`,
		"Bool":                        `"k:b":"true"`,
		"IpAddress":                   `"k:ip":["::/0","10.0.0.0/8"]`,
		"BinaryEquals":                `"k:bin":"YWJj"`,
		"Null":                        `"k:x":"true"`,
		"ForAllValues:StringLike":     `"k:list":["a","?"]`,
		"ForAnyValue:StringEquals":    `"k:list":"c"`,
		"ForAnyValue:StringNotEquals": `"k:list":"a"`,
		"StringNotLikeIfExists":       `"k:absent":"a"`,
		"NumericGreaterThanEquals":    `"k:n":10`,
		"StringNotEqualsIgnoreCase":   `"k:s":"${k:acct}"`,
		"ArnNotEquals":                `"k:arn":"arn:aws:iam::${k:absent}:role/*"`,
		"NotIpAddress":                `"k:ip":"fd00::/8"`,
		"DateNotEquals":               `"k:d":"2026-05-01"`,
	} {
		s := NewSet(Named{"p", mustParse(t, Identity, statements(`{"Effect":"Allow","Action":"x:y","Resource":"*","Condition":{"`+operator+`":{`+condition+`}}}`))})
		req := &Request{Action: "x:y", Resource: "*", Context: ctx}
		if got := s.Evaluate(req).Decision; got != Allow {
			t.Errorf("%s: %v", operator, got)
		}
		if n := testing.AllocsPerRun(50, func() { s.Evaluate(req) }); n > 0 {
			t.Errorf("%s allocates %v times", operator, n)
		}
	}
}

// The star gives up where what follows it no longer fits in, so that the worst
// pattern for a text takes steps by a quarter of its square, however long
// the pattern.
func TestLongPatternsGiveUpEarly(t *testing.T) {
	text := strings.Repeat("a", 1024)
	for n := 1; n < 5000; n = n*3/2 + 1 {
		p := newPattern(wildcards("*" + strings.Repeat("?a", n) + "b"))
		ok, steps := glob(p.tokens, nil, text, false)
		if limit := 1024*1024/4 + 4*1024; ok || steps > limit {
			t.Errorf("%d pairs: %v in %d steps, limit %d", n, ok, steps, limit)
		}
	}
}
