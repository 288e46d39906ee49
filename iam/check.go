package iam

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/thingpass/thingpass"
)

// maxShown bounds how much of a refused value is repeated, in characters.
const maxShown = 256

// rule is what a text must satisfy. Lengths are in characters.
type rule struct {
	min, max int
	valid    func(string) bool
	pattern  string // how valid is told to the caller
}

// Rules of the members of requests, from the botocore model iam/2010-05-08.
// Patterns are told as the model writes them.
var (
	roleNameRule    = rule{1, 64, thingpass.ValidRoleName, `[\w+=,.@-]+`}
	newUserNameRule = rule{1, 64, matches(`[\w+=,.@-]+`), `[\w+=,.@-]+`}
	userNameRule    = rule{1, 128, matches(`[\w+=,.@-]+`), `[\w+=,.@-]+`}
	policyNameRule  = rule{1, 128, thingpass.ValidPolicyName, `[\w+=,.@-]+`}
	pathRule        = rule{1, 512, matches(`/|/[\x21-\x7e]+/`), `(\u002F)|(\u002F[\u0021-\u007E]+\u002F)`}
	pathPrefixRule  = rule{1, 512, matches(`/[\x21-\x7f]*`), `\u002F[\u0021-\u007F]*`}
	policyPathRule  = rule{1, 512, matches(`((/[A-Za-z0-9.,+@=_-]+)*)/`), `((/[A-Za-z0-9\.,\+@=_-]+)*)/`}
	documentRule    = rule{1, 131072, matches(`[\t\n\r\x20-\x{ff}]+`), `[\u0009\u000A\u000D\u0020-\u00FF]+`}
	descriptionRule = rule{0, 1000, matches(`[\t\n\r\x20-\x7e\x{a1}-\x{ff}]*`), `[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`}
	policyTextRule  = rule{0, 1000, matches(`[^\x00]*`), `[^\u0000]*`} // the model has no pattern
	policyARNRule   = rule{20, 2048, matches(`[\x20-\x7e]+`), `[\u0020-\u007E]+`}
	versionRule     = rule{1, 32, matches(`v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`), `v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`}
	keyIDRule       = rule{16, 128, matches(`\w+`), `[\w]+`}
	markerRule      = rule{1, 320, matches(`[\x20-\x{ff}]+`), `[\u0020-\u00FF]+`}
	tagKeyRule      = rule{1, 128, matches(`[\p{L}\p{Z}\p{N}_.:/=+\-@]+`), `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`}
	tagValueRule    = rule{0, 256, matches(`[\p{L}\p{Z}\p{N}_.:/=+\-@]*`), `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`}
)

func matches(pattern string) func(string) bool {
	return regexp.MustCompile(`\A(?:` + pattern + `)\z`).MatchString
}

// broken tells the first constraint that v breaks, or "".
func (r rule) broken(v string) string {
	n := utf8.RuneCountInString(v)
	switch {
	case n > r.max:
		return fmt.Sprintf("Member must have length less than or equal to %d", r.max)
	case n < r.min:
		return fmt.Sprintf("Member must have length greater than or equal to %d", r.min)
	case !r.valid(v):
		return "Member must satisfy regular expression pattern: " + r.pattern
	}
	return ""
}

// check gathers what is wrong with a request, so that a caller hears of all of
// it at once, in the words of AWS.
type check struct{ problems []string }

func (c *check) fail(value, member, constraint string) {
	c.problems = append(c.problems, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, member, constraint))
}

// shown is a value as problems repeat it.
func shown(v string) string {
	if utf8.RuneCountInString(v) > maxShown {
		v = string([]rune(v)[:maxShown]) + "…"
	}
	return "'" + v + "'"
}

// optional checks a member if it is given, and returns it or "".
func (c *check) optional(member string, v *string, r rule) string {
	if v == nil {
		return ""
	}
	if problem := r.broken(*v); problem != "" {
		c.fail(shown(*v), member, problem)
	}
	return *v
}

// required checks a member that must be given, and returns it.
func (c *check) required(member string, v *string, r rule) string {
	if v == nil {
		c.fail("null", member, "Member must not be null")
	}
	return c.optional(member, v, r)
}

// oneOf checks a member that has one of a few values, if it is given.
func (c *check) oneOf(member string, v *string, values ...string) {
	if v != nil && !slices.Contains(values, *v) {
		c.fail(shown(*v), member, "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
	}
}

// number checks a number if it is given. Limits are inclusive.
func (c *check) number(member string, v *int64, low, high int64) {
	switch {
	case v == nil:
	case *v < low:
		c.fail(fmt.Sprintf("'%d'", *v), member, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	case *v > high:
		c.fail(fmt.Sprintf("'%d'", *v), member, fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
}

// err is everything that was found, as one error of kind Invalid, or nil.
func (c *check) err() error {
	switch n := len(c.problems); n {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", c.problems[0])
	default:
		return invalid("%d validation errors detected: %s", n, strings.Join(c.problems, "; "))
	}
}

func invalid(format string, args ...any) error {
	return thingpass.Errorf(thingpass.Invalid, format, args...)
}
