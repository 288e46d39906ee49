package iam_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// This file makes questions at random, out of words that are likely to meet
// each other. What AWS leaves open is not among them: ForAnyValue with IfExists
// and no key, and several entries in a NotResource of which one cannot be
// resolved.

const (
	caseAccount = "123456789012"
	caseUser    = "arn:aws:iam::123456789012:user/ops/Ada"
	caseRole    = "arn:aws:iam::123456789012:role/fleet/Reader"
	caseSession = "arn:aws:sts::123456789012:assumed-role/Reader/tuesday"
)

var (
	caseActions        = []string{"s3:GetObject", "s3:PutObject", "s3:ListBucket", "sts:AssumeRole", "logs:PutLogEvents"}
	caseActionPatterns = []any{
		"*", "s3:*", "S3:GETOBJECT", "s3:Get*", "s3:?utObject", "s3:*Object", "sts:assumerole", "logs:*", "s3:GetObject", "s3:**t*",
		[]string{"s3:ListBucket", "s3:put*"}, []string{"iam:*", "s3:???Object"}, "s3:GetObjectVersion",
	}
	caseTargets = []string{
		"arn:aws:s3:::b/k", "arn:aws:s3:::b/team/a/x", "arn:aws:s3:::b", "arn:aws:s3:::b//test/o", "arn:aws:s3:::b/test/o", "arn:aws:s3:::b/a/test/o",
		"arn:aws:logs:us-east-1:123456789012:log-group:/g:log-stream:s", "arn:aws:iam::123456789012:role/x", "*", "arn:aws:s3:::b/*",
		"arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/\u00e9", "arn:aws:s3:::b/a\nb", "arn:aws:s3:::b/a/x", "arn:aws:s3:::b/A/x", "arn:aws:s3:::b/a*/x",
		"arn:aws:s3:::b/..", "arn:aws:s3:::b/team/", "arn:aws:s3:::B/k",
	}
	caseResources = []string{
		"*", "arn:aws:s3:::*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/${credentials-iot:ThingName}/*",
		"arn:aws:s3:::b/${ aws:username }*", "arn:aws:s3:::b/${AWS:UserName}/?", "arn:aws:s3:::b/${x:absent}*", "arn:aws:s3:::b/${x:absent, 'team'}/*",
		"arn:aws:s3:::b/${aws:username, 'team'}/*", "arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/${*}", "arn:aws:s3:::b/${$}{aws:username}",
		"arn:aws:s3:*", "arn:aws:s3", "arn:aws:logs:*:*:log-group:/g:*", "arn:aws:logs:us-*-1:*:log-group:/?:log-stream:s",
		"arn:aws:iam::123456789012:role/*", "arn:aws:s3:::b/?", "arn:aws:s3:::?/k", "arn:aws:s3:::b", "arn:aws:s3:::*/k*",
		"arn:aws:s3:::b/team/${aws:PrincipalTag/Team}/*", "arn:aws:s3:::b/*x", "arn:aws:s3:::b*${aws:username}*",
		"arn:aws:logs:${aws:username}:*:log-group:*", "arn:aws:s3:::${aws:username}/k",
	}
	caseNamed = []any{
		"*", map[string]any{"AWS": "*"}, map[string]any{"AWS": caseAccount}, map[string]any{"AWS": "arn:aws:iam::123456789012:root"},
		map[string]any{"AWS": caseUser}, map[string]any{"AWS": caseRole}, map[string]any{"AWS": caseSession},
		map[string]any{"AWS": []string{caseUser, caseRole}}, map[string]any{"AWS": []string{caseSession, caseRole, caseAccount}},
		map[string]any{"AWS": []string{caseUser, "arn:aws:iam::123456789012:root"}}, map[string]any{"AWS": "arn:aws:iam::123456789012:user/Eve"},
		map[string]any{"AWS": "210987654321"}, map[string]any{"Service": "iot.amazonaws.com"},
		map[string]any{"AWS": []string{caseSession, "210987654321"}, "Service": "iot.amazonaws.com"},
	}
)

// caseKind is a family of operators with values for both sides.
type caseKind struct {
	operators []string
	wanted    []any
}

var caseKinds = []caseKind{
	{[]string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
		[]any{"a", "A", "*", "a*", "?", "a?b", "${aws:username}", "${x:absent}", "${x:absent, 'a'}", "${*}", "x${?}", "\u00e9", "\u00c9", "b", "", "${aws:username}*", "true", "10", "a/b", true}},
	{[]string{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"},
		[]any{"arn:aws:iot:us-east-1:123456789012:rolealias/a", "arn:aws:iot:*:*:rolealias/*", "arn:aws:iot:us-east-1:123456789012:rolealias/${aws:username}",
			"arn:aws:iot:us-east-?:123456789012:*", "arn:aws:iot:us-east-1:123456789012:rolealias/${x:absent}", "arn:aws:*:*:*:*", "arn:aws:iot:*:rolealias/*", "${aws:SourceArn}", "arn:aws:iot:*:${aws:PrincipalAccount}:*", "*"}},
	{[]string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"},
		[]any{"10", "1.2", "1.20", "-3", "0", 10, "007", 1.5, "99999999999999999999", "0.1"}},
	{[]string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
		[]any{"2026-01-01T00:00:00Z", "2026-01-01", "1767225600", "2026-01-01T01:00:00+01:00", "2026-06-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00.5Z"}},
	{[]string{"Bool"}, []any{true, false, "true", "false", "TRUE", "False", "${x:absent, 'true'}", "${aws:SecureTransport}", "${x:absent}"}},
	{[]string{"BinaryEquals"}, []any{"YWJj", "eA==", "YWI="}},
	{[]string{"IpAddress", "NotIpAddress"}, []any{"10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "2001:db8::1", "0.0.0.0/0", "::/0", "10.1.2.0/31", "203.0.113.0/24"}},
	{[]string{"Null"}, []any{true, false, "true", "false"}},
}

// caseKeys are condition keys with what requests say of them.
var caseKeys = map[string][]string{
	"aws:username":               {"a", "*", "", "a*b", "a/b", "Ada", "?", "${x:absent}", "us-east-1", "b"},
	"aws:PrincipalTag/Team":      {"a", "A", "", "\u00e9"},
	"credentials-iot:ThingName":  {"a", "team", "*", "k"},
	"aws:TagKeys":                {"a", "b", "A", "a*", ""},
	"aws:PrincipalAccount":       {"123456789012", "*"},
	"s3:max-keys":                {"10", "5abc", "1.20", "1.2", "-3", "0", "", "99999999999999999999", "99999999999999999998", "10.0", "7"},
	"aws:CurrentTime":            {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00.500Z", "2025-12-31T18:00:00-06:00", "yesterday", "2026-05-05T00:00:00Z"},
	"aws:EpochTime":              {"1767225600", "1767225599", "2000000000", "soon"},
	"aws:SecureTransport":        {"true", "false", "TRUE", "yes", ""},
	"aws:SourceIp":               {"10.1.2.3", "2001:db8::1", "203.0.113.9", "not an address", "10.1.2.1", "11.0.0.1"},
	"aws:SourceArn":              {"arn:aws:iot:us-east-1:123456789012:rolealias/a", "arn:aws:iot:us-east-1:123456789012:rolealias/a/b", "arn:aws:s3:::b", "boop", ""},
	"s3:x-amz-thing":             {"abc", "YWJj", "eA==", "x", "a", "not base64"},
	"aws:RequestTag/Environment": {"a", "b"},
}

// maker makes questions.
type maker struct{ *rand.Rand }

func pick[T any](m maker, from []T) T { return from[m.IntN(len(from))] }

func (m maker) chance(percent int) bool { return m.IntN(100) < percent }

// some is one value, or a list of up to three.
func (m maker) some(from []any) any {
	if m.chance(50) {
		return pick(m, from)
	}
	list := make([]any, 1+m.IntN(3))
	for i := range list {
		list[i] = pick(m, from)
	}
	return list
}

func (m maker) question() naiveQuestion {
	q := naiveQuestion{
		caller: naiveCaller{account: caseAccount, arn: caseUser},
		action: pick(m, caseActions), target: pick(m, caseTargets), keys: m.keys(),
		identity: m.policies("identity", 1+m.IntN(2)),
	}
	if m.chance(40) {
		q.caller = naiveCaller{account: caseAccount, arn: caseSession, roleARN: caseRole}
	}
	if m.chance(30) {
		q.boundary = m.policies("boundary", 1)
	}
	if q.caller.roleARN != "" && m.chance(30) {
		q.session = m.policies("session", 1+m.IntN(2))
	}
	if m.chance(40) {
		q.resource = m.policies("resource", 1)
		q.foreign = m.chance(20)
	}
	return q
}

func (m maker) keys() map[string]naiveValue {
	keys := map[string]naiveValue{}
	for _, name := range slices.Sorted(maps.Keys(caseKeys)) { // in one order: a seed makes the same question again
		values := caseKeys[name]
		switch n := m.IntN(10); {
		case n < 3: // absent
		case n < 8:
			keys[strings.ToLower(name)] = naiveValue{values: []string{pick(m, values)}}
		default:
			list := make([]string, m.IntN(4))
			for i := range list {
				list[i] = pick(m, values)
			}
			keys[strings.ToLower(name)] = naiveValue{values: list, list: true}
		}
	}
	return keys
}

func (m maker) policies(kind string, n int) []string {
	texts := make([]string, n)
	for i := range texts {
		doc := map[string]any{}
		if n := m.IntN(10); n < 8 {
			doc["Version"] = "2012-10-17"
		} else if n < 9 {
			doc["Version"] = "2008-10-17"
		}
		list := make([]any, 1+m.IntN(3))
		for j := range list {
			list[j] = m.statement(kind)
		}
		doc["Statement"] = any(list)
		if len(list) == 1 && m.chance(50) {
			doc["Statement"] = list[0]
		}
		text, err := json.Marshal(doc)
		if err != nil {
			panic(err)
		}
		texts[i] = string(text)
	}
	return texts
}

func (m maker) statement(kind string) map[string]any {
	s := map[string]any{"Effect": "Allow"}
	if m.chance(25) {
		s["Effect"] = "Deny"
	}
	if m.chance(40) {
		s["Action"] = "*"
	} else if m.chance(20) {
		s["NotAction"] = pick(m, caseActionPatterns)
	} else {
		s["Action"] = pick(m, caseActionPatterns)
	}
	switch n := m.IntN(20); {
	case n < 3:
		s["NotResource"] = pick(m, caseResources)
		if m.chance(40) {
			s["NotResource"] = []string{"arn:aws:s3:::b/team/*", "arn:aws:iam::*:role/?"}
		}
	case n < 9:
		s["Resource"] = pick(m, caseResources)
	case n < 14:
		s["Resource"] = "*"
	default:
		s["Resource"] = []string{pick(m, caseResources), pick(m, caseResources)}
	}
	if kind == "resource" {
		if s["Effect"] == "Deny" && m.chance(30) {
			s["NotPrincipal"] = pick(m, caseNamed[2:])
		} else {
			s["Principal"] = pick(m, caseNamed)
		}
	}
	if m.chance(50) {
		s["Condition"] = m.conditions()
	}
	return s
}

func (m maker) conditions() map[string]any {
	conditions := map[string]any{}
	for range 1 + m.IntN(2) {
		kind := pick(m, caseKinds)
		operator := pick(m, kind.operators)
		if operator != "Null" {
			n := m.IntN(10)
			if n < 2 {
				operator = "ForAllValues:" + operator
			} else if n < 4 {
				operator = "ForAnyValue:" + operator
			}
			if m.chance(20) && !strings.HasPrefix(operator, "ForAny") {
				operator += "IfExists"
			}
		}
		keys := map[string]any{}
		for range 1 + m.IntN(2) {
			keys[m.key(kind)] = m.some(kind.wanted)
		}
		conditions[operator] = keys
	}
	return conditions
}

// key is often one that suits the operator, and sometimes any.
func (m maker) key(kind caseKind) string {
	suiting := map[string][]string{
		"StringEquals": {"aws:username", "aws:TagKeys", "aws:PrincipalTag/Team", "AWS:principaltag/team", "aws:RequestTag/Environment"},
		"ArnEquals":    {"aws:SourceArn"}, "NumericEquals": {"s3:max-keys"}, "DateEquals": {"aws:CurrentTime", "aws:EpochTime"},
		"Bool": {"aws:SecureTransport"}, "BinaryEquals": {"s3:x-amz-thing"}, "IpAddress": {"aws:SourceIp"},
	}[kind.operators[0]]
	if suiting == nil || m.chance(20) {
		return pick(m, slices.Sorted(maps.Keys(caseKeys)))
	}
	return pick(m, suiting)
}
