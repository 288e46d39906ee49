package policy

import "strings"

// ASCII white space, as dropped around the key of a variable.
const blanks = " \t\n\v\f\r"

// scanner cuts policy text into tokens.
type scanner struct {
	variables bool // ${...} means something
	wild      bool // * and ? mean something
	iot       bool // an IoT policy, with its own rules for values
}

// scan returns the tokens of text. It fails on a variable that does not end or
// has no key.
func (sc scanner) scan(text string) ([]token, *Error) {
	var tokens []token
	rest := text
	for {
		i := sc.nextVariable(rest)
		if i < 0 {
			return append(tokens, sc.plain(rest)...), nil
		}
		tokens = append(tokens, sc.plain(rest[:i])...)
		if rest[i+1] == '(' {
			tokens = append(tokens, token{kind: literal, text: rest[i+2 : i+3]})
			rest = rest[i+4:]
			continue
		}
		t, n := sc.variable(rest[i+2:])
		if n < 0 {
			return nil, &Error{Message: `Policy variable in "` + text + `" has no key or does not end with "}".`}
		}
		tokens = append(tokens, t)
		rest = rest[i+2+n:]
	}
}

func (sc scanner) plain(text string) []token {
	if sc.wild {
		return wildcards(text)
	}
	return []token{{kind: literal, text: text}}
}

// nextVariable finds "${", or in an IoT policy $(*), $(?) and $($), which is how
// the AWS IoT guide spells the escapes.
func (sc scanner) nextVariable(text string) int {
	if !sc.variables {
		return -1
	}
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '$' {
			continue
		}
		if text[i+1] == '{' {
			return i
		}
		if sc.iot && text[i+1] == '(' && i+3 < len(text) && text[i+3] == ')' && isEscape(text[i+2:i+3]) {
			return i
		}
	}
	return -1
}

func isEscape(s string) bool { return s == "*" || s == "?" || s == "$" }

// variable reads what follows "${" and returns how long it is with its "}", or
// -1 when it is not well formed.
func (sc scanner) variable(text string) (token, int) {
	name, length, fallback, hasFallback := cutVariable(text)
	if length < 0 {
		return token{}, -1
	}
	name = trimKey(name)
	switch {
	case name == "" || strings.Contains(name, "${"):
		return token{}, -1
	case !hasFallback && isEscape(name):
		return token{kind: literal, text: name}, length
	}
	return token{
		kind:     variable,
		key:      newKey(name),
		text:     fallback,
		fallback: hasFallback,
		certain:  sc.iot && hasPrefixFold(name, "iot:certificate."),
	}, length
}

// trimKey drops the blanks around a key and around its first colon: AWS's
// launch article of the credentials provider writes "${ iot:certificateId}" and
// "${iot: thingName}".
func trimKey(name string) string {
	service, rest, ok := strings.Cut(strings.Trim(name, blanks), ":")
	if !ok {
		return service
	}
	return strings.TrimRight(service, blanks) + ":" + strings.TrimLeft(rest, blanks)
}

// cutVariable splits "key}" or "key, 'default'}": the default begins after a
// comma, one space and a quote, and ends at the next quote that a "}" follows.
func cutVariable(text string) (name string, length int, fallback string, hasFallback bool) {
	end := strings.IndexByte(text, '}')
	comma := strings.Index(text, ", '")
	if end < 0 || comma < 0 || comma > end {
		if end < 0 {
			return "", -1, "", false
		}
		return text[:end], end + 1, "", false
	}
	value := text[comma+3:]
	for at := 0; ; {
		quote := strings.IndexByte(value[at:], '\'')
		if quote < 0 {
			return "", -1, "", false
		}
		quote += at
		after := strings.TrimLeft(value[quote+1:], blanks)
		if strings.HasPrefix(after, "}") {
			length = len(text) - len(after) + 1
			return text[:comma], length, value[:quote], true
		}
		at = quote + 1
	}
}

// value is what a variable stands for. A multivalued key, an empty value and
// one that is not UTF-8 are no value; the last because wildcards count
// characters.
func (t *token) value(c *Context) (string, bool) {
	if e := c.find(t.key); e != nil && e.text {
		// AWS IoT: certificate variables with one of these are not substituted.
		if !t.certain || !strings.ContainsAny(e.value, "*$+?#") {
			return e.value, true
		}
	}
	return t.text, t.fallback
}

// has tells whether the key of a variable has a value, so that no default is
// needed.
func (t *token) has(c *Context) bool {
	plain := *t
	plain.fallback = false
	_, ok := plain.value(c)
	return ok
}
