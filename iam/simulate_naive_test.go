package iam_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// This file decides like IAM, a second time. It is written from AWS's
// documentation alone, shares no code with package policy, and does everything
// in the plainest way: texts are taken apart again for each question, and a
// pattern is tried in every way there is. What it and package policy both
// say is hardly a mistake of either.

// naiveCaller is who asks.
type naiveCaller struct {
	account, arn, roleARN string // arn of the user or the session; roleARN for a session
}

// naiveValue is what a request says of a condition key.
type naiveValue struct {
	values []string
	list   bool // the key is multivalued
}

// naiveQuestion is everything a decision depends on. Texts are policies; nil
// means that there is no policy of the kind.
type naiveQuestion struct {
	identity, boundary, session, resource []string
	foreign                               bool // the resource belongs to another account
	caller                                naiveCaller
	action, target                        string
	keys                                  map[string]naiveValue // by lower-case name
}

// decide is the order of evaluation of the IAM user guide, "Policy evaluation
// logic".
func (q *naiveQuestion) decide() string {
	allows := map[string]bool{}
	strongest := ""
	for name, texts := range map[string][]string{"identity": q.identity, "boundary": q.boundary, "session": q.session, "resource": q.resource} {
		for _, text := range texts {
			for _, s := range naiveStatements(text) {
				naming, ok := s.applies(q, name == "resource")
				switch {
				case !ok:
				case s.effect == "Deny":
					return "explicitDeny"
				default:
					allows[name] = true
					if name == "resource" && slices.Index(naiveNamings, naming) > slices.Index(naiveNamings, strongest) {
						strongest = naming
					}
				}
			}
		}
	}
	identity := allows["identity"]
	boundary := q.boundary == nil || allows["boundary"]
	session := q.session == nil || allows["session"]
	all := identity && boundary && session
	if q.foreign {
		return naiveSpelled(allows["resource"] && all)
	}
	switch strongest {
	case "direct", "everyone":
		return "allowed"
	case "role":
		return naiveSpelled(boundary && session)
	default: // nobody is named, or only the account, which leaves it to its policies
		return naiveSpelled(all)
	}
}

// naiveNamings are the ways to name a caller in a resource policy, the weakest
// first.
var naiveNamings = []string{"", "account", "role", "everyone", "direct"}

func naiveSpelled(allowed bool) string {
	if allowed {
		return "allowed"
	}
	return "implicitDeny"
}

// naiveStatement is a statement as it was written.
type naiveStatement struct {
	effect     string
	current    bool // the policy has variables: version 2012-10-17
	elements   map[string]any
	conditions map[string]map[string]any
}

func naiveStatements(text string) []naiveStatement {
	var doc struct {
		Version   string
		Statement any
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		panic(fmt.Sprint(err, text))
	}
	list, ok := doc.Statement.([]any)
	if !ok {
		list = []any{doc.Statement}
	}
	var all []naiveStatement
	for _, one := range list {
		s := naiveStatement{elements: one.(map[string]any), current: doc.Version == "2012-10-17", conditions: map[string]map[string]any{}}
		s.effect = s.elements["Effect"].(string)
		conditions, _ := s.elements["Condition"].(map[string]any)
		for operator, keys := range conditions {
			s.conditions[operator] = keys.(map[string]any)
		}
		all = append(all, s)
	}
	return all
}

// naiveTexts is an element that may be one value or a list; numbers and
// booleans stand for their texts.
func naiveTexts(element any) []string {
	list, ok := element.([]any)
	if !ok {
		list = []any{element}
	}
	texts := []string{}
	for _, v := range list {
		switch v := v.(type) {
		case string:
			texts = append(texts, v)
		case bool:
			texts = append(texts, strconv.FormatBool(v))
		case float64:
			texts = append(texts, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
	return texts
}

func (s *naiveStatement) applies(q *naiveQuestion, resourcePolicy bool) (naming string, ok bool) {
	if !s.action(q.action) || !s.target(q) {
		return "", false
	}
	if resourcePolicy {
		if naming, ok = s.principal(q); !ok {
			return "", false
		}
	}
	for operator, keys := range s.conditions {
		for key, wanted := range keys {
			if !s.condition(q, operator, key, naiveTexts(wanted)) {
				return "", false
			}
		}
	}
	return naming, true
}

func (s *naiveStatement) action(action string) bool {
	listed, not := s.elements["Action"], false
	if listed == nil {
		listed, not = s.elements["NotAction"], true
	}
	for _, pattern := range naiveTexts(listed) {
		if naiveGlob(naiveWild(strings.ToLower(pattern)), []rune(strings.ToLower(action))) {
			return !not
		}
	}
	return not
}

func (s *naiveStatement) target(q *naiveQuestion) bool {
	if listed, ok := s.elements["Resource"]; ok {
		return slices.ContainsFunc(naiveTexts(listed), func(p string) bool { matches, _ := s.arn(q, p); return matches })
	}
	listed, ok := s.elements["NotResource"]
	if !ok {
		return true // a trust policy
	}
	for _, p := range naiveTexts(listed) {
		matches, resolved := s.arn(q, p)
		if matches {
			return false
		}
		if !resolved {
			return s.effect == "Deny"
		}
	}
	return true
}

// arn compares a resource pattern with the target, segment by segment.
func (s *naiveStatement) arn(q *naiveQuestion, pattern string) (matches, resolved bool) {
	if pattern == "*" {
		return true, true
	}
	segments := strings.SplitN(pattern, ":", 6)
	for len(segments) < 6 {
		segments = append(segments, "*")
	}
	last, resolved := naiveWild(segments[5]), true
	if s.current {
		last, resolved = naiveFill(segments[5], q.keys, true)
	}
	if !resolved {
		return false, false
	}
	have := strings.SplitN(q.target, ":", 6)
	if len(have) < 6 {
		return false, true
	}
	for i := range 5 {
		if !naiveGlob(naiveWild(segments[i]), []rune(have[i])) {
			return false, true
		}
	}
	return naiveGlob(last, []rune(have[5])), true
}

// principal is for resource policies: how the caller is named.
func (s *naiveStatement) principal(q *naiveQuestion) (naming string, ok bool) {
	if listed, has := s.elements["NotPrincipal"]; has {
		named := naiveNamed(listed, q.caller)
		exempt := named["direct"] && named["account"] && (q.caller.roleARN == "" || named["role"])
		return "", s.effect == "Deny" && (!exempt || q.boundary != nil)
	}
	named := naiveNamed(s.elements["Principal"], q.caller)
	for i := len(naiveNamings) - 1; i > 0; i-- {
		if named[naiveNamings[i]] {
			return naiveNamings[i], true
		}
	}
	return "", false
}

func naiveNamed(element any, caller naiveCaller) map[string]bool {
	named := map[string]bool{}
	if element == "*" {
		named["everyone"] = true
		return named
	}
	for _, v := range naiveTexts(element.(map[string]any)["AWS"]) {
		switch v {
		case "*":
			named["everyone"] = true
		case caller.account, "arn:aws:iam::" + caller.account + ":root":
			named["account"] = true
		case caller.arn:
			named["direct"] = true
		case caller.roleARN:
			named["role"] = true
		}
	}
	return named
}

// condition is one key under one operator.
func (s *naiveStatement) condition(q *naiveQuestion, operator, key string, wanted []string) bool {
	have, present := q.keys[strings.ToLower(key)]
	if have.list && len(have.values) == 0 {
		present = false
	}
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	set, inner, isSet := strings.Cut(operator, ":")
	if !isSet {
		inner = operator
	}
	plain, negated := naivePositive(inner)
	if inner == "Null" {
		return slices.Contains(wanted, strconv.FormatBool(!present))
	}
	holds := func(value string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return s.compare(q, plain, w, value) }) != negated
	}
	switch {
	case !present && ifExists:
		return true
	case !present && isSet:
		return set == "ForAllValues"
	case !present:
		return negated
	case set == "ForAllValues":
		return !slices.ContainsFunc(have.values, func(v string) bool { return !holds(v) })
	case set == "ForAnyValue":
		return slices.ContainsFunc(have.values, holds)
	case have.list:
		return false
	default:
		return holds(have.values[0])
	}
}

// naivePositive is the operator that a negated one negates.
func naivePositive(operator string) (positive string, negated bool) {
	if operator == "NotIpAddress" {
		return "IpAddress", true
	}
	for _, kind := range []string{"String", "Arn", "Numeric", "Date"} {
		if rest, ok := strings.CutPrefix(operator, kind+"Not"); ok {
			return kind + rest, true
		}
	}
	return operator, false
}

// compare is one value of the policy against one of the request.
func (s *naiveStatement) compare(q *naiveQuestion, operator, wanted, have string) bool {
	switch {
	case strings.HasPrefix(operator, "String"), strings.HasPrefix(operator, "Arn"):
		return s.compareText(q, operator, wanted, have)
	case strings.HasPrefix(operator, "Numeric"):
		a, ok1 := naiveNumber(have)
		b, ok2 := naiveNumber(wanted)
		return ok1 && ok2 && naiveOrder(strings.TrimPrefix(operator, "Numeric"), a.Cmp(b))
	case strings.HasPrefix(operator, "Date"):
		a, ok1 := naiveInstant(have)
		b, ok2 := naiveInstant(wanted)
		return ok1 && ok2 && naiveOrder(strings.TrimPrefix(operator, "Date"), a.Cmp(b))
	case operator == "Bool":
		if pattern, resolved := naiveFill(wanted, q.keys, false); s.current && resolved {
			wanted = naiveText(pattern)
		}
		have, wanted = strings.ToLower(have), strings.ToLower(wanted)
		return have == wanted && (have == "true" || have == "false")
	case operator == "BinaryEquals": // a request gives its bytes, or the same base64
		decoded, err := base64.StdEncoding.DecodeString(wanted)
		return err == nil && have == string(decoded) || have == wanted
	case operator == "IpAddress":
		address, err := netip.ParseAddr(have)
		if !strings.Contains(wanted, "/") {
			single, err2 := netip.ParseAddr(wanted)
			return err == nil && err2 == nil && single == address
		}
		prefix, err2 := netip.ParsePrefix(wanted)
		return err == nil && err2 == nil && prefix.Masked().Contains(address)
	}
	panic(operator)
}

func naiveOrder(operator string, order int) bool {
	switch operator {
	case "Equals":
		return order == 0
	case "LessThan":
		return order < 0
	case "LessThanEquals":
		return order <= 0
	case "GreaterThan":
		return order > 0
	case "GreaterThanEquals":
		return order >= 0
	}
	panic(operator)
}

func (s *naiveStatement) compareText(q *naiveQuestion, operator, wanted, have string) bool {
	wild := operator == "StringLike" || strings.HasPrefix(operator, "Arn")
	pattern, resolved := naiveWild(wanted), true
	if !wild {
		pattern = naiveLiteral(wanted)
	}
	if s.current {
		pattern, resolved = naiveFill(wanted, q.keys, wild)
	}
	if !resolved {
		return false
	}
	switch operator {
	case "StringEqualsIgnoreCase":
		return strings.EqualFold(naiveText(pattern), have)
	case "StringEquals", "StringLike":
		return naiveGlob(pattern, []rune(have))
	}
	segments := naiveSegments(pattern)
	parts := strings.SplitN(have, ":", 6)
	if len(parts) == 6 && wanted == "*" { // AWS is silent: any ARN
		return true
	}
	if len(segments) != 6 || len(parts) != 6 {
		return false
	}
	for i := range 6 {
		if !naiveGlob(segments[i], []rune(parts[i])) {
			return false
		}
	}
	return true
}

// naiveSegments cuts a pattern at its first five colons.
func naiveSegments(pattern []naiveToken) [][]naiveToken {
	var segments [][]naiveToken
	for len(segments) < 5 {
		i := slices.Index(pattern, naiveToken{r: ':'})
		if i < 0 {
			break
		}
		segments = append(segments, pattern[:i])
		pattern = pattern[i+1:]
	}
	return append(segments, pattern)
}
