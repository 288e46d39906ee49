package policy

import (
	"strconv"
	"strings"
)

// decimal is an exact number: value = sign * whole.frac, without needless
// zeros. Numbers are never floats here, since 0.1 is not one.
type decimal struct {
	negative    bool
	whole, frac string
}

// parseDecimal reads an optional sign, digits, and perhaps a point and more
// digits; nothing else, so that "5abc" and "1e3" are no numbers.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		d.negative, s = true, rest
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	whole, frac, point := strings.Cut(s, ".")
	if !digits(whole) || point && !digits(frac) {
		return decimal{}, false
	}
	d.whole, d.frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if d.whole == "" && d.frac == "" {
		d.negative = false
	}
	return d, true
}

// maxExponent is the largest exponent that plainNumber writes out.
const maxExponent = 40

// plainNumber writes out the exponent of a number of JSON: 1e3 is 1000.
func plainNumber(s string) string {
	mantissa, exponent, found := strings.Cut(strings.ReplaceAll(s, "E", "e"), "e")
	shift, err := strconv.Atoi(exponent)
	if !found || err != nil || shift > maxExponent || shift < -maxExponent {
		return s
	}
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, frac, _ := strings.Cut(mantissa, ".")
	whole = strings.Repeat("0", maxExponent) + whole
	frac += strings.Repeat("0", maxExponent)
	if shift >= 0 {
		whole, frac = whole+frac[:shift], frac[shift:]
	} else {
		whole, frac = whole[:len(whole)+shift], whole[len(whole)+shift:]+frac
	}
	whole, frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	if negative {
		whole = "-" + whole
	}
	return whole
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// compare returns -1, 0 or 1.
func (d decimal) compare(other decimal) int {
	switch {
	case d.negative && !other.negative:
		return -1
	case !d.negative && other.negative:
		return 1
	case d.negative:
		return other.compareSize(d)
	default:
		return d.compareSize(other)
	}
}

func (d decimal) compareSize(other decimal) int {
	if len(d.whole) != len(other.whole) {
		if len(d.whole) < len(other.whole) {
			return -1
		}
		return 1
	}
	if c := strings.Compare(d.whole, other.whole); c != 0 {
		return c
	}
	return strings.Compare(d.frac, other.frac)
}

// numericValues are numbers to compare with.
type numericValues struct {
	relation relation
	numbers  []decimal
}

func (v *numericValues) match(value string, _ *Context) bool {
	d, ok := parseDecimal(value)
	if !ok {
		return false
	}
	for _, n := range v.numbers {
		if v.relation.holds(d.compare(n)) {
			return true
		}
	}
	return false
}
