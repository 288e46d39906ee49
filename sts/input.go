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

	PolicyARNs        []policyDescriptor `query:"PolicyArns"`
	Tags              []tagInput
	TransitiveTagKeys []string
	SourceIdentity    *string

	SerialNumber     *string
	TokenCode        *string
	ProvidedContexts []struct{}
}

type policyDescriptor struct {
	ARN *string `query:"arn"`
}

type tagInput struct {
	Key   *string
	Value *string
}

// unsupported names the first parameter that is given and cannot be honoured.
func (in *assumeRoleInput) unsupported() string {
	for _, p := range []struct {
		name  string
		given bool
	}{
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

// Rules of the members of requests, from the botocore model sts/2011-06-15.
// Patterns are told as the model writes them.
var (
	arnRule = rule{20, 2048, regexp.MustCompile(`\A[\t\n\r\x20-\x7e\x{85}\x{a0}-\x{d7ff}\x{e000}-\x{fffd}\x{10000}-\x{10ffff}]+\z`),
		`[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`}
	sessionNameRule = rule{2, 64, regexp.MustCompile(`\A[\w+=,.@-]*\z`), `[\w+=,.@-]*`}
	externalIDRule  = rule{2, 1224, regexp.MustCompile(`\A[\w+=,.@:/-]*\z`), `[\w+=,.@:\/-]*`}
	identityRule    = rule{2, 64, sessionNameRule.pattern, sessionNameRule.shown}
	tagKeyRule      = rule{1, 128, regexp.MustCompile(`\A[\p{L}\p{Z}\p{N}_.:/=+\-@]+\z`), `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`}
	tagValueRule    = rule{0, 256, regexp.MustCompile(`\A[\p{L}\p{Z}\p{N}_.:/=+\-@]*\z`), `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`}
	accessKeyRule   = rule{16, 128, regexp.MustCompile(`\A[\w]*\z`), `[\w]*`}
	messageRule     = rule{1, 10240, regexp.MustCompile(`\A(?s:.*)\z`), ""}
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

// problems gathers all that is wrong with a request, in the words of AWS.
type problems []string

func (p *problems) add(value, member, constraint string) {
	*p = append(*p, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, member, constraint))
}

// text checks a member that must be there.
func (p *problems) text(member string, v *string, r rule) {
	if v == nil {
		p.add("null", member, "Member must not be null")
		return
	}
	p.optional(member, v, r)
}

// optional checks a member that may be absent.
func (p *problems) optional(member string, v *string, r rule) {
	if v == nil {
		return
	}
	if problem := r.broken(*v); problem != "" {
		p.add("'"+shorten(*v)+"'", member, problem)
	}
}

// duration checks a number of seconds that may be absent.
func (p *problems) duration(v *int64, longest time.Duration) {
	low, high := int64(thingpass.MinSession/time.Second), int64(longest/time.Second)
	if v != nil && *v < low {
		p.add(fmt.Sprintf("'%d'", *v), "durationSeconds", fmt.Sprintf("Member must have value greater than or equal to %d", low))
	} else if v != nil && *v > high {
		p.add(fmt.Sprintf("'%d'", *v), "durationSeconds", fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
}

func (p *problems) length(member string, n, most int) {
	if n > most {
		p.add(fmt.Sprintf("'a list of %d'", n), member, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
}

// maxProblems bounds how many are told.
const maxProblems = 20

func (p problems) err() error {
	switch n := len(p); {
	case n == 0:
		return nil
	case n == 1:
		return invalid("1 validation error detected: %s", p[0])
	default:
		return invalid("%d validation errors detected: %s", n, strings.Join(p[:min(n, maxProblems)], "; "))
	}
}

// Quotas of one request (IAM and STS quotas).
const (
	maxPolicyARNs = 10
	maxTags       = 50
)

// validate checks the form of each member, and says all that is wrong at once.
func (in *assumeRoleInput) validate() error {
	var p problems
	p.text("roleArn", in.RoleARN, arnRule)
	p.text("roleSessionName", in.RoleSessionName, sessionNameRule)
	p.optional("policy", in.Policy, policyRule)
	p.optional("externalId", in.ExternalID, externalIDRule)
	p.optional("sourceIdentity", in.SourceIdentity, identityRule)
	p.duration(in.DurationSeconds, thingpass.MaxSession)
	p.length("policyArns", len(in.PolicyARNs), maxPolicyARNs)
	p.length("tags", len(in.Tags), maxTags)
	p.length("transitiveTagKeys", len(in.TransitiveTagKeys), maxTags)
	for i, d := range in.PolicyARNs {
		p.text(fmt.Sprintf("policyArns.%d.member.arn", i+1), d.ARN, arnRule)
	}
	for i, t := range in.Tags {
		p.text(fmt.Sprintf("tags.%d.member.key", i+1), t.Key, tagKeyRule)
		p.text(fmt.Sprintf("tags.%d.member.value", i+1), t.Value, tagValueRule)
	}
	for i := range in.TransitiveTagKeys {
		p.text(fmt.Sprintf("transitiveTagKeys.%d.member", i+1), &in.TransitiveTagKeys[i], tagKeyRule)
	}
	if err := p.err(); err != nil {
		return err
	}
	return refuseUnsupported(in.unsupported())
}

func refuseUnsupported(name string) error {
	if name == "" {
		return nil
	}
	return invalid("%s is not supported: the session would not honour it.", name)
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
