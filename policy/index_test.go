package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// chooser makes choices out of the bytes of a fuzz input.
type chooser struct{ bytes []byte }

func (c *chooser) of(options ...string) string {
	if len(c.bytes) == 0 {
		return options[0]
	}
	i := int(c.bytes[0]) % len(options)
	c.bytes = c.bytes[1:]
	return options[i]
}

var (
	indexActions = []string{"s3:PutObject", "s3:GetObject", "s3:*", "*", "s3:Put*", "s3:*Object", "S3:p?tobject", "iam:Get*", "iam:GetUser", "s3:Pu*", "s3:P*", "s3:", "logs:X"}
	indexARNs    = []string{"*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::b/${k:v}/*", "arn:aws:s3:::*", "arn:aws:s3:*", "arn:aws:iam::*:user/ann",
		"arn:aws:iam::1:user/*", "arn:*:s3:::b", "arn:aws:s3:::b/?/x", "arn:aws:s3", "arn:aws:s3:::bu*", "arn:aws:s3:::b*", "arn:aws:iot:*:*:thing/${k:absent, 'v'}"}
	indexAsked = []string{"arn:aws:s3:::b/k", "arn:aws:s3:::b/v/k", "arn:aws:s3:::b/", "arn:aws:s3:::bucket", "arn:aws:s3:::b", "*", "arn:aws:iam::1:user/ann", "arn:aws:iam::2:user/ann",
		"arn:aws:iot:r:1:thing/v", "arn:aws-cn:s3:::b", "", "arn:aws:s3:::*", "arn", "arn:aws:s3:::b/a/x"}
)

func indexStatement(c *chooser) string {
	list := func(options []string) string {
		items := []string{quote(c.of(options...))}
		for c.of("", "more") != "" && len(items) < 4 {
			items = append(items, quote(c.of(options...)))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	s := fmt.Sprintf(`{"Effect":%s,%s:%s,%s:%s`, quote(c.of("Allow", "Deny", "Allow")), quote(c.of("Action", "Action", "Action", "NotAction")), list(indexActions),
		quote(c.of("Resource", "Resource", "Resource", "NotResource")), list(indexARNs))
	switch c.of("", "", "condition", "principal") {
	case "condition":
		return s + `,"Principal":"*","Condition":{"StringEquals":{"k:v":"v"}}}`
	case "principal":
		return s + `,` + quote(c.of("Principal", "NotPrincipal")) + `:{"AWS":["123456789012","arn:aws:iam::123456789012:user/a"]}}`
	}
	return s + `,"Principal":"*"}`
}

// FuzzIndex: a set decides as its statements do when they are asked one by one,
// and adding a denying statement never allows more.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("\x00\x00"), uint8(1))
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz0123456789"), uint8(9))
	f.Add([]byte(strings.Repeat("\x01\x07\x05\x00\x02\x03", 40)), uint8(30))
	f.Fuzz(func(t *testing.T, choices []byte, n uint8) {
		if len(choices) > 1000 {
			t.Skip()
		}
		checkIndex(t, &chooser{choices}, int(n)%60+1)
	})
}

// TestIndexDecidesTheSame is FuzzIndex with random choices.
func TestIndexDecidesTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 150 {
		choices := make([]byte, 800)
		for j := range choices {
			choices[j] = byte(random.Uint32())
		}
		checkIndex(t, &chooser{choices}, i%40+1)
	}
}

func checkIndex(t *testing.T, c *chooser, n int) {
	var parts []string
	for range n {
		parts = append(parts, indexStatement(c))
	}
	extra := mustParse(t, Resource, statements(strings.Replace(indexStatement(c), `"Allow"`, `"Deny"`, 1)))
	p := mustParse(t, Resource, statements(parts...))
	s, more := NewSet(Named{"p", p}), NewSet(Named{"p", p}, Named{"extra", extra})
	for _, caller := range []Principal{{}, {Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/a"}} {
		for _, resource := range indexAsked {
			for _, action := range []string{"s3:PutObject", "IAM:GETUSER", "logs:y"} {
				req := &Request{Principal: caller, Action: action, Resource: resource, Context: contextOf("k:v", c.of("v", "*", ""))}
				decidesAsItMatches(t, s, req)
				decidesAsItMatches(t, more, req)
				if more.Evaluate(req).Decision == Allow && s.Evaluate(req).Decision != Allow {
					t.Errorf("%s on %s is allowed by a Deny", action, resource)
				}
			}
		}
	}
}

// Many nested beginnings are more than the index collects; then all are asked.
func TestManyNestedBeginnings(t *testing.T) {
	var parts []string
	name := strings.Repeat("n", 40)
	for i := range name {
		parts = append(parts, fmt.Sprintf(`{"Effect":"Allow","Action":"s3:%s*","Resource":"arn:aws:s3:::%s*","Condition":{"Null":{"x:y":"false"}}}`, name[:i], name[:i]))
	}
	parts = append(parts, `{"Sid":"last","Effect":"Allow","Action":"s3:`+name+`","Resource":"arn:aws:s3:::`+name+`"}`)
	s := NewSet(Named{"p", mustParse(t, Identity, statements(parts...))})
	for _, action := range []string{name, name + "x"} {
		req := &Request{Action: "s3:" + action, Resource: "arn:aws:s3:::" + name}
		if r := s.Evaluate(req); (r.Decision == Allow) != (action == name) {
			t.Errorf("%s: %+v", action, r)
		}
		agree(t, s, req)
	}
	// The same with one action, so that only the resources are too many.
	for i := range name {
		parts[i] = fmt.Sprintf(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::%s*","Condition":{"Null":{"x:y":"false"}}}`, name[:i])
	}
	s = NewSet(Named{"p", mustParse(t, Identity, statements(parts...))})
	for _, resource := range []string{name, name + "x"} {
		req := &Request{Action: "s3:" + name, Resource: "arn:aws:s3:::" + resource}
		if r := s.Evaluate(req); (r.Decision == Allow) != (resource == name) {
			t.Errorf("%s: %+v", resource, r)
		}
		agree(t, s, req)
	}
}
