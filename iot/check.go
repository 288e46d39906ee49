package iot

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
	min, max int // max 0 for no limit
	valid    func(string) bool
	pattern  string // how valid is told to the caller
	enum     []string
	hidden   bool // never repeat the value: it may hold a key by mistake
}

// Rules of the members of requests, from the botocore model iot/2015-05-28.
// Patterns are told as the model writes them.
var (
	aliasRule      = rule{min: 1, max: 128, valid: thingpass.ValidRoleAlias, pattern: `[\w=,@-]+`}
	roleARNRule    = rule{min: 20, max: 2048}
	policyNameRule = rule{min: 1, max: 128, valid: thingpass.ValidPolicyName, pattern: `[\w+=,.@-]+`}
	documentRule   = rule{max: 404600, hidden: true}
	certIDRule     = rule{min: 64, max: 64, valid: matches(`(0x)?[a-fA-F0-9]+`), pattern: `(0x)?[a-fA-F0-9]+`}
	pemRule        = rule{min: 1, max: 65536, hidden: true}
	csrRule        = rule{min: 1, max: 4096, hidden: true}
	thingRule      = rule{min: 1, max: 128, valid: thingpass.ValidThingName, pattern: `[a-zA-Z0-9:_-]+`}
	attrNameRule   = rule{max: 128, valid: matches(`[a-zA-Z0-9_.,@/:#-]+`), pattern: `[a-zA-Z0-9_.,@/:#-]+`}
	attrValueRule  = rule{max: 800, valid: matches(`[a-zA-Z0-9_.,@/:#=\[\]-]*`), pattern: `[a-zA-Z0-9_.,@/:#=\[\]-]*`}
	// 2028 is the model's number. \p{Graph} is Java's name of [[:graph:]].
	descriptionRule = rule{max: 2028, valid: matches(`[[:graph:]\x20]*`), pattern: `[\p{Graph}\x20]*`}
	tagKeyRule      = rule{min: 1, max: 128, valid: matches(tagPattern), pattern: `^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`}
	// The model has no pattern for values; the API reference gives them that
	// of keys.
	tagValueRule  = rule{max: 256, valid: matches(tagPattern), pattern: `^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`}
	markerRule    = rule{max: 1024, valid: matches(`[A-Za-z0-9+/]+={0,2}`), pattern: `[A-Za-z0-9+/]+={0,2}`}
	endpointRule  = rule{max: 128}
	arnRule       = rule{min: 1, max: 2048}
	statusRule    = rule{enum: statuses}
	versionRule   = rule{min: 1, max: 20, valid: matches(`[0-9]+`), pattern: `[0-9]+`}
	resourceRule  = rule{max: 2048}
	clientRule    = rule{max: 2048}
	actionRule    = rule{enum: []string{"PUBLISH", "SUBSCRIBE", "RECEIVE", "CONNECT", exchanging}}
	principalRule = rule{enum: []string{exclusive, notExclusive}}
)

const (
	tagPattern   = `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`
	exclusive    = "EXCLUSIVE_THING"
	notExclusive = "NON_EXCLUSIVE_THING"
)

var statuses = []string{
	string(thingpass.Active), string(thingpass.Inactive), string(thingpass.Revoked),
	string(thingpass.PendingTransfer), string(thingpass.RegisterInactive), string(thingpass.PendingActivation),
}

func matches(pattern string) func(string) bool {
	return regexp.MustCompile(`\A(?:` + pattern + `)\z`).MatchString
}

// broken tells the first constraint that v breaks, or "".
func (r rule) broken(v string) string {
	n := utf8.RuneCountInString(v)
	switch {
	case r.max > 0 && n > r.max:
		return fmt.Sprintf("Member must have length less than or equal to %d", r.max)
	case n < r.min:
		return fmt.Sprintf("Member must have length greater than or equal to %d", r.min)
	case r.valid != nil && !r.valid(v):
		return "Member must satisfy regular expression pattern: " + r.pattern
	case r.enum != nil && !slices.Contains(r.enum, v):
		return "Member must satisfy enum value set: [" + strings.Join(r.enum, ", ") + "]"
	case strings.ContainsRune(v, 0):
		return "Member must not contain the character U+0000"
	}
	return ""
}

// check gathers what is wrong with a request, so that a caller hears of all of
// it at once, in the words of AWS.
type check struct{ problems []string }

func (c *check) fail(value, member, constraint string) {
	c.problems = append(c.problems, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, member, constraint))
}

// text checks a member that is given.
func (c *check) text(member, v string, r rule) {
	problem := r.broken(v)
	if problem == "" {
		return
	}
	if r.hidden {
		c.fail("(not repeated)", member, problem)
		return
	}
	c.fail(quote(v), member, problem)
}

// quote repeats a refused value, or its beginning.
func quote(v string) string {
	if utf8.RuneCountInString(v) > maxShown {
		v = string([]rune(v)[:maxShown]) + "…"
	}
	return "'" + v + "'"
}

// optional checks a member if it is given.
func (c *check) optional(member string, v *string, r rule) {
	if v != nil {
		c.text(member, *v, r)
	}
}

// required checks a member that must be given, and returns it.
func (c *check) required(member string, v *string, r rule) string {
	if v == nil {
		c.fail("null", member, "Member must not be null")
		return ""
	}
	c.text(member, *v, r)
	return *v
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
	switch len(c.problems) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", c.problems[0])
	}
	return invalid("%d validation errors detected: %s", len(c.problems), strings.Join(c.problems, "; "))
}

func invalid(format string, args ...any) error {
	return thingpass.Errorf(thingpass.Invalid, format, args...)
}
