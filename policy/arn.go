package policy

import "strings"

// The segments of an ARN: arn:partition:service:region:account:resource.
const (
	segments = 6
	service  = 2
	region   = 3
	path     = 5 // the sixth segment, which may contain colons itself
)

// splitARN cuts at the first five colons and returns how many segments it
// found; the others stay empty.
func splitARN(s string) (parts [segments]string, n int) {
	for n < path {
		i := strings.IndexByte(s, ':')
		if i < 0 {
			break
		}
		parts[n], s = s[:i], s[i+1:]
		n++
	}
	parts[n] = s
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
type arnPattern [segments]pattern

func (p *arnPattern) match(parts *[segments]string, c *Context) bool {
	// The most selective segment first; the partition hardly ever differs.
	return p[path].match(parts[path], c) &&
		p[4].match(parts[4], c) &&
		p[service].match(parts[service], c) &&
		p[region].match(parts[region], c) &&
		p[1].match(parts[1], c) &&
		p[0].match(parts[0], c)
}

// target is the resource of a request, split once.
type target struct {
	arn   bool // it has six segments
	parts [segments]string
}

func newTarget(s string) target {
	parts, n := splitARN(s)
	return target{arn: n == segments, parts: parts}
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
	return r.any || t.arn && r.arn.match(&t.parts, c)
}

// newResource compiles an entry. Variables stand in the sixth segment only.
func newResource(text string, sc scanner) (resource, *Error) {
	if text == "*" {
		return resource{any: true}, nil
	}
	var r resource
	parts, _ := padARN(text)
	r.text = parts[path]
	for i := range path {
		r.arn[i] = newPattern(wildcards(parts[i]))
	}
	sc.wild = true
	tokens, err := sc.scan(parts[path])
	if err != nil {
		return r, err
	}
	r.arn[path] = newPattern(tokens)
	return r, nil
}
