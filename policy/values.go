package policy

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// comparer holds the values of one condition, typed when the policy was
// compiled. match tells whether a value of the request fits any of them, before
// negation. What cannot be compared does not fit.
type comparer interface {
	match(value string, c *Context) bool
}

// exactValues are texts without variables.
type exactValues []string

func (v exactValues) match(value string, _ *Context) bool {
	for _, s := range v {
		if s == value {
			return true
		}
	}
	return false
}

// patternValues are texts with wildcards or variables.
type patternValues []pattern

func (v patternValues) match(value string, c *Context) bool {
	for i := range v {
		if v[i].match(value, c) {
			return true
		}
	}
	return false
}

// foldValues compare without regard to case.
type foldValues []pattern

func (v foldValues) match(value string, c *Context) bool {
	for i := range v {
		if v[i].equalFold(value, c) {
			return true
		}
	}
	return false
}

// boolValues hold texts that should be "true" or "false".
type boolValues []pattern

func (v boolValues) match(value string, c *Context) bool {
	if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
		return false
	}
	return foldValues(v).match(value, c)
}

// equalFold tells whether a pattern without wildcards is s, ignoring case as
// strings.EqualFold does.
func (p *pattern) equalFold(s string, c *Context) bool {
	if p.class == exact {
		return strings.EqualFold(p.text, s)
	}
	for i := range p.tokens {
		text := p.tokens[i].text
		if p.tokens[i].kind == variable {
			var ok bool
			if text, ok = p.tokens[i].value(c); !ok {
				return false
			}
		}
		// Folding changes lengths in bytes, but not in characters.
		for text != "" && s != "" {
			_, m := utf8.DecodeRuneInString(text)
			_, n := utf8.DecodeRuneInString(s)
			if !strings.EqualFold(text[:m], s[:n]) {
				return false
			}
			text, s = text[m:], s[n:]
		}
		if text != "" {
			return false
		}
	}
	return s == ""
}

// arnValues match segment by segment.
type arnValues []arnValue

type arnValue struct {
	any    bool       // "*"
	split  bool       // it has five colons of its own
	arn    arnPattern // if so, the segments
	tokens []token    // all of it
}

func (v arnValues) match(value string, c *Context) bool {
	t := target{text: value}
	if !t.split() {
		return false
	}
	for i := range v {
		if v[i].match(&t, c) {
			return true
		}
	}
	return false
}

func (v *arnValue) match(t *target, c *Context) bool {
	if v.any {
		return true
	}
	if v.split && v.arn.plain(c) {
		return v.arn.match(t, c)
	}
	// A value brings colons of its own, which move the segments.
	tokens := make([]token, len(v.tokens))
	for i, tok := range v.tokens {
		if tok.kind == variable {
			text, ok := tok.value(c)
			if !ok {
				return false
			}
			tok = token{kind: literal, text: text}
		}
		tokens[i] = tok
	}
	parts, ok := splitTokens(tokens)
	return ok && parts.match(t, nil)
}

// plain tells whether no value that is put into the first five segments has a
// colon.
func (p *arnPattern) plain(c *Context) bool {
	for i := range path {
		for j := range p.parts[i].tokens {
			tok := &p.parts[i].tokens[j]
			if tok.kind != variable {
				continue
			}
			if text, _ := tok.value(c); strings.IndexByte(text, ':') >= 0 {
				return false
			}
		}
	}
	return true
}

// splitTokens cuts tokens at the first five colons in their literals. It fails
// when there are fewer.
func splitTokens(tokens []token) (parts arnPattern, ok bool) {
	var current []token
	n := 0
	for i, t := range tokens {
		if n == path {
			current = append(current, tokens[i:]...)
			break
		}
		for t.kind == literal && n < path {
			before, after, found := strings.Cut(t.text, ":")
			if !found {
				break
			}
			parts.parts[n] = newPattern(append(current, token{kind: literal, text: before}))
			current, t.text = nil, after
			n++
		}
		current = append(current, t)
	}
	parts.parts[path] = newPattern(current)
	parts.finish()
	return parts, n == path
}

// binaryValues are base64. The value of the request is compared as bytes, and as
// base64 too, which is how the IAM API has binary values.
type binaryValues []binaryValue

type binaryValue struct{ bytes, base64 string }

func (v binaryValues) match(value string, _ *Context) bool {
	for i := range v {
		if value == v[i].bytes || value == v[i].base64 {
			return true
		}
	}
	return false
}

// newBinaryValues decodes base64; what is none compares with nothing.
func newBinaryValues(texts []string) binaryValues {
	var values binaryValues
	for _, text := range texts {
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			values = append(values, binaryValue{string(b), base64.StdEncoding.EncodeToString(b)})
		}
	}
	return values
}

// ipValues are ranges of addresses.
type ipValues []netip.Prefix

func (v ipValues) match(value string, _ *Context) bool {
	addr, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	for _, p := range v {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// newIPValues reads CIDR blocks; what is none compares with nothing.
func newIPValues(texts []string) ipValues {
	var values ipValues
	for _, text := range texts {
		if p, ok := parseRange(text); ok {
			values = append(values, p)
		}
	}
	return values
}

// parseRange reads a CIDR block, or an address, which is a block of one. IPv4
// in the form of IPv6 is IPv4.
func parseRange(text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
