package sts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/thingpass/thingpass"
)

// assumeRoleInput holds every member of the model; those that are refused when
// given stand at the end.
type assumeRoleInput struct {
	RoleARN         *string `query:"RoleArn"`
	RoleSessionName *string
	Policy          *string
	DurationSeconds *int64
	ExternalID      *string `query:"ExternalId"`

	PolicyARNs        []struct{} `query:"PolicyArns"`
	Tags              []struct{}
	TransitiveTagKeys []string
	SourceIdentity    *string
	SerialNumber      *string
	TokenCode         *string
	ProvidedContexts  []struct{}
}

// unsupported names the first parameter that is given and cannot be honoured.
func (in *assumeRoleInput) unsupported() string {
	for _, p := range []struct {
		name  string
		given bool
	}{
		{"PolicyArns", len(in.PolicyARNs) > 0},
		{"Tags", len(in.Tags) > 0},
		{"TransitiveTagKeys", len(in.TransitiveTagKeys) > 0},
		{"SourceIdentity", in.SourceIdentity != nil},
		{"SerialNumber", in.SerialNumber != nil},
		{"TokenCode", in.TokenCode != nil},
		{"ProvidedContexts", len(in.ProvidedContexts) > 0},
	} {
		if p.given {
			return p.name
		}
	}
	return ""
}

// duration is how long the session is asked to last.
func (in *assumeRoleInput) duration() time.Duration {
	if in.DurationSeconds == nil {
		return thingpass.DefaultSession
	}
	return time.Duration(*in.DurationSeconds) * time.Second
}

// rule is what a text must satisfy. Lengths are in characters.
type rule struct {
	min, max int // max 0 for no limit
	pattern  *regexp.Regexp
	shown    string // the pattern as the caller is told it
}

// Rules of the members of AssumeRole, from the botocore model sts/2011-06-15.
// Patterns are told as the model writes them.
var (
	roleARNRule = rule{20, 2048, regexp.MustCompile(`\A[\t\n\r\x20-\x7e\x{85}\x{a0}-\x{d7ff}\x{e000}-\x{fffd}\x{10000}-\x{10ffff}]+\z`),
		`[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`}
	sessionNameRule = rule{2, 64, regexp.MustCompile(`\A[\w+=,.@-]*\z`), `[\w+=,.@-]*`}
	externalIDRule  = rule{2, 1224, regexp.MustCompile(`\A[\w+=,.@:/-]*\z`), `[\w+=,.@:\/-]*`}
	policyRule      = rule{1, 0, regexp.MustCompile(`\A[\t\n\r\x20-\x{ff}]+\z`), `[\u0009\u000A\u000D\u0020-\u00FF]+`}
)

// broken tells the first constraint that v breaks, or "".
func (r rule) broken(v string) string {
	n := utf8.RuneCountInString(v)
	switch {
	case r.max > 0 && n > r.max:
		return fmt.Sprintf("Member must have length less than or equal to %d", r.max)
	case n < r.min:
		return fmt.Sprintf("Member must have length greater than or equal to %d", r.min)
	case !r.pattern.MatchString(v):
		return "Member must satisfy regular expression pattern: " + r.shown
	}
	return ""
}

// maxShown bounds how much of a refused value is repeated, in characters.
const maxShown = 256

// validate checks the form of each member, and says all that is wrong at once,
// in the words of AWS.
func (in *assumeRoleInput) validate() error {
	var problems []string
	fail := func(value, member, constraint string) {
		problems = append(problems, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, member, constraint))
	}
	for _, m := range []struct {
		name     string
		value    *string
		rule     rule
		required bool
	}{
		{"roleArn", in.RoleARN, roleARNRule, true},
		{"roleSessionName", in.RoleSessionName, sessionNameRule, true},
		{"policy", in.Policy, policyRule, false},
		{"externalId", in.ExternalID, externalIDRule, false},
	} {
		switch {
		case m.value == nil && m.required:
			fail("null", m.name, "Member must not be null")
		case m.value == nil:
		default:
			if problem := m.rule.broken(*m.value); problem != "" {
				fail("'"+shorten(*m.value)+"'", m.name, problem)
			}
		}
	}
	low, high := int64(thingpass.MinSession/time.Second), int64(thingpass.MaxSession/time.Second)
	if d := in.DurationSeconds; d != nil && *d < low {
		fail(fmt.Sprintf("'%d'", *d), "durationSeconds", fmt.Sprintf("Member must have value greater than or equal to %d", low))
	} else if d != nil && *d > high {
		fail(fmt.Sprintf("'%d'", *d), "durationSeconds", fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
	switch n := len(problems); n {
	case 0:
	case 1:
		return invalid("1 validation error detected: %s", problems[0])
	default:
		return invalid("%d validation errors detected: %s", n, strings.Join(problems, "; "))
	}
	if name := in.unsupported(); name != "" {
		return invalid("%s is not supported: the session would not honour it.", name)
	}
	return nil
}

func shorten(s string) string {
	if utf8.RuneCountInString(s) <= maxShown {
		return s
	}
	return string(slices.Concat([]rune(s)[:maxShown], []rune("…")))
}

func invalid(format string, args ...any) error {
	return thingpass.Errorf(thingpass.Invalid, format, args...)
}
