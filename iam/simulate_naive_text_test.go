package iam_test

import (
	"math/big"
	"strings"
	"time"
)

// This file is how the second evaluator reads patterns, numbers and dates.

// naiveToken is one place of a pattern: a character, or a wildcard.
type naiveToken struct {
	r    rune
	wild rune // '*', '?', or 0 for a character
}

func naiveLiteral(text string) []naiveToken {
	var pattern []naiveToken
	for _, r := range text {
		pattern = append(pattern, naiveToken{r: r})
	}
	return pattern
}

func naiveText(pattern []naiveToken) string {
	var text strings.Builder
	for _, t := range pattern {
		text.WriteRune(t.r)
	}
	return text.String()
}

func naiveWild(text string) []naiveToken {
	pattern := naiveLiteral(text)
	for i, t := range pattern {
		if t.r == '*' || t.r == '?' {
			pattern[i] = naiveToken{wild: t.r}
		}
	}
	return pattern
}

// naiveFill puts the values of variables into a text. Values are never
// wildcards; what has no value and no default leaves the text unresolved.
func naiveFill(text string, keys map[string]naiveValue, wild bool) (pattern []naiveToken, resolved bool) {
	convert := naiveLiteral
	if wild {
		convert = naiveWild
	}
	for {
		before, rest, ok := strings.Cut(text, "${")
		pattern = append(pattern, convert(before)...)
		if !ok {
			return pattern, true
		}
		var name string
		name, text, _ = strings.Cut(rest, "}")
		if name == "*" || name == "?" || name == "$" {
			pattern = append(pattern, naiveLiteral(name)...)
			continue
		}
		name, fallback, hasDefault := strings.Cut(name, ", '")
		have := keys[strings.ToLower(strings.Trim(name, " \t\r\n"))]
		switch {
		case !have.list && len(have.values) == 1 && have.values[0] != "":
			pattern = append(pattern, naiveLiteral(have.values[0])...)
		case hasDefault:
			pattern = append(pattern, naiveLiteral(strings.TrimSuffix(fallback, "'"))...)
		default:
			return nil, false
		}
	}
}

// naiveGlob tries a star with every length.
func naiveGlob(pattern []naiveToken, text []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0].wild == '*':
		for i := range len(text) + 1 {
			if naiveGlob(pattern[1:], text[i:]) {
				return true
			}
		}
		return false
	default:
		return len(text) > 0 && (pattern[0].wild == '?' || pattern[0].r == text[0]) && naiveGlob(pattern[1:], text[1:])
	}
}

// naiveNumber reads an integer or a decimal, whole.
func naiveNumber(text string) (*big.Rat, bool) {
	digits := strings.TrimPrefix(text, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || point && fraction == "" {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// naiveInstant reads a date of W3C's note on date and time, or seconds since
// 1970: the latter unless it can be a year.
func naiveInstant(text string) (*big.Rat, bool) {
	for _, layout := range []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			seconds := new(big.Rat).SetInt64(t.Unix())
			return seconds.Add(seconds, big.NewRat(int64(t.Nanosecond()), 1e9)), true
		}
	}
	return naiveNumber(text)
}
