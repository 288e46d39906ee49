package policy

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	literal  tokenKind = iota // text, as it stands
	star                      // any characters, or none
	one                       // exactly one character
	variable                  // the value of a context key, as it stands
)

type token struct {
	kind     tokenKind
	text     string // literal, or the default of a variable
	key      key    // of a variable
	fallback bool   // the variable has a default
	need     int    // of a star: bytes that what follows it takes at least
	certain  bool   // a value with a special character of AWS IoT is no value
}

// class says how a pattern is matched; most need no token walk.
type class uint8

const (
	exact   class = iota // the text
	prefix               // the text, then anything
	all                  // anything
	general              // the tokens
)

// pattern is text with wildcards and variables. The zero value matches only
// the empty text.
type pattern struct {
	class     class
	variables bool
	text      string
	tokens    []token
}

// newPattern classifies tokens.
func newPattern(tokens []token) pattern {
	tokens = simplify(tokens)
	switch {
	case len(tokens) == 0:
		return pattern{class: exact}
	case len(tokens) == 1 && tokens[0].kind == literal:
		return pattern{class: exact, text: tokens[0].text}
	case len(tokens) == 1 && tokens[0].kind == star:
		return pattern{class: all}
	case len(tokens) == 2 && tokens[0].kind == literal && tokens[1].kind == star:
		return pattern{class: prefix, text: tokens[0].text}
	}
	p := pattern{class: general, tokens: tokens}
	need := 0
	for i := len(tokens) - 1; i >= 0; i-- {
		switch t := &tokens[i]; t.kind {
		case star:
			t.need = need
		case one:
			need++
		case literal:
			need += len(t.text)
		default:
			p.variables = true
		}
	}
	return p
}

// simplify joins neighbouring literals and neighbouring stars.
func simplify(tokens []token) []token {
	var out []token
	for _, t := range tokens {
		if t.kind == literal && t.text == "" {
			continue
		}
		if n := len(out); n > 0 && out[n-1].kind == t.kind {
			switch t.kind {
			case literal:
				out[n-1].text += t.text
				continue
			case star:
				continue
			}
		}
		out = append(out, t)
	}
	return out
}

// wildcards cuts text at "*" and "?".
func wildcards(text string) []token {
	var tokens []token
	for {
		i := strings.IndexAny(text, "*?")
		if i < 0 {
			return append(tokens, token{kind: literal, text: text})
		}
		kind := star
		if text[i] == '?' {
			kind = one
		}
		tokens = append(tokens, token{kind: literal, text: text[:i]}, token{kind: kind})
		text = text[i+1:]
	}
}

// match tells whether the whole of s fits. A variable without a value fits
// nothing.
func (p *pattern) match(s string, c *Context) bool {
	switch p.class {
	case exact:
		return s == p.text
	case prefix:
		return strings.HasPrefix(s, p.text)
	case all:
		return true
	}
	if !p.variables {
		ok, _ := glob(p.tokens, nil, s, false)
		return ok
	}
	var space [4]string
	values, ok := resolve(p.tokens, c, space[:0])
	if !ok {
		return false
	}
	ok, _ = glob(p.tokens, values, s, false)
	return ok
}

// resolved tells whether every variable has a value.
func (p *pattern) resolved(c *Context) bool {
	if !p.variables {
		return true
	}
	var space [4]string
	_, ok := resolve(p.tokens, c, space[:0])
	return ok
}

// resolve appends the values of the variables among tokens, in order.
func resolve(tokens []token, c *Context, values []string) ([]string, bool) {
	for i := range tokens {
		if tokens[i].kind != variable {
			continue
		}
		v, ok := tokens[i].value(c)
		if !ok {
			return nil, false
		}
		values = append(values, v)
	}
	return values, true
}

// glob matches iteratively and returns the number of steps it took, which is at
// most a small multiple of len(tokens) times len(s). When the tokens after a
// star do not fit, it goes back to the last star only and lets it take one
// character more: an earlier star need never be tried again, because whatever
// it could take in addition the last star can take as well. With fold, ASCII case
// does not matter.
func glob(tokens []token, values []string, s string, fold bool) (ok bool, steps int) {
	i, pos, value := 0, 0, 0 // next token, byte of s, variable
	starAt, starPos, starValue := -1, 0, 0
	last := 0 // where what follows the star may begin at the latest
	for {
		steps++
		if i == len(tokens) {
			if pos == len(s) {
				return true, steps
			}
		} else {
			switch t := &tokens[i]; t.kind {
			case star:
				if i == len(tokens)-1 {
					return true, steps
				}
				i++
				starAt, starPos, starValue, last = i, pos, value, len(s)-t.need
				if pos > last {
					return false, steps
				}
				continue
			case one:
				if pos == len(s) {
					return false, steps
				}
				pos += width(s, pos)
				i++
				continue
			default:
				text := t.text
				if t.kind == variable {
					text = values[value]
				}
				if fold && hasPrefixFold(s[pos:], text) || !fold && strings.HasPrefix(s[pos:], text) {
					pos += len(text)
					i++
					if t.kind == variable {
						value++
					}
					continue
				}
			}
		}
		if starAt < 0 || starPos >= last {
			return false, steps
		}
		starPos += width(s, starPos)
		// Jump to where the literal after the star occurs next.
		if t := &tokens[starAt]; t.kind == literal && !fold {
			next := strings.Index(s[starPos:], t.text)
			if next < 0 {
				return false, steps
			}
			starPos += next
		}
		i, pos, value = starAt, starPos, starValue
	}
}

// width is the length in bytes of the character of s at pos.
func width(s string, pos int) int {
	if s[pos] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s[pos:])
	return n
}

// matchFold matches a pattern that was lower-cased, without variables, without
// regard to ASCII case.
func (p *pattern) matchFold(s string) bool {
	switch p.class {
	case exact:
		return equalFold(s, p.text)
	case prefix:
		return hasPrefixFold(s, p.text)
	case all:
		return true
	default:
		ok, _ := glob(p.tokens, nil, s, true)
		return ok
	}
}
