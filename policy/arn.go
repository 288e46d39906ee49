package policy

import "strings"

// The segments of an ARN: arn:partition:service:region:account:resource.
const (
	segments = 6
	service  = 2
	region   = 3
	account  = 4
	path     = 5 // the sixth segment, which may contain colons itself
)

// splitARN cuts at the first five colons and returns how many segments it
// found; the others stay empty.
func splitARN(s string) (parts [segments]string, n int) {
	start := 0
	for i := 0; i < len(s) && n < path; i++ {
		if s[i] == ':' {
			parts[n] = s[start:i]
			n, start = n+1, i+1
		}
	}
	parts[n] = s[start:]
	return parts, n + 1
}

// padARN fills missing segments with "*", as AWS does.
func padARN(s string) (parts [segments]string, given int) {
	parts, given = splitARN(s)
	for i := given; i < segments; i++ {
		parts[i] = "*"
	}
	return parts, given
}

// arnPattern matches segment by segment, so that a wildcard never crosses one
// of the first five colons.
type arnPattern struct {
	head  string // the first five segments with their colons, if all are literal
	parts [segments]pattern
}

// finish is called when the parts are set.
func (p *arnPattern) finish() {
	head := ""
	for i := range path {
		if p.parts[i].class != exact {
			return
		}
		head += p.parts[i].text + ":"
	}
	p.head = head
}

func (p *arnPattern) match(t *target, c *Context) bool {
	if p.head != "" {
		return strings.HasPrefix(t.text, p.head) && p.parts[path].match(t.text[len(p.head):], c)
	}
	if !t.split() {
		return false
	}
	// The most selective segment first; the partition hardly ever differs.
	for _, i := range [...]int{path, service, account, region, 1, 0} {
		if !p.parts[i].match(t.parts[i], c) {
			return false
		}
	}
	return true
}

// target is the resource of a request, or a value to compare with ARNs.
type target struct {
	text  string
	parts [segments]string // filled by split
	count int              // how many there are, 0 before split
}

// split cuts the text unless it is cut, and tells whether it is an ARN.
func (t *target) split() bool {
	if t.count == 0 {
		t.parts, t.count = splitARN(t.text)
	}
	return t.count == segments
}

// resource is one entry of Resource or NotResource.
type resource struct {
	any  bool // "*"
	arn  arnPattern
	text string // the sixth segment as written
}

// match: a request whose resource is not an ARN (that is "*", of an action
// without resource) is matched by "*" only.
func (r *resource) match(t *target, c *Context) bool {
	return r.any || r.arn.match(t, c)
}

// newResource compiles an entry. Variables stand in the sixth segment only.
func newResource(text string, sc scanner) (resource, *Error) {
	if text == "*" {
		return resource{any: true, text: text}, nil
	}
	parts, _ := padARN(text)
	r := resource{text: parts[path]}
	for i := range path {
		r.arn.parts[i] = newPattern(wildcards(parts[i]))
	}
	sc.wild = true
	tokens, err := sc.scan(parts[path])
	if err != nil {
		return r, err
	}
	r.arn.parts[path] = newPattern(tokens)
	r.arn.finish()
	return r, nil
}
