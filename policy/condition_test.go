package policy

import (
	"fmt"
	"testing"
)

func TestConditions(t *testing.T) {
	ctx := contextOf(
		"k:s", "Ann", "k:star", "*", "k:empty", "", "k:bool", "True", "k:no", "false", "k:n", "10", "k:dec", "1.20",
		"k:bad", "5abc", "k:big", "9007199254740993", "k:neg", "-0.5", "k:ip", "10.1.2.3", "k:ip6", "2001:db8::1", "k:mapped", "::ffff:10.1.2.3",
		"k:arn", "arn:aws:iam::123456789012:role/a/b:c", "k:date", "2026-05-01T12:00:00Z", "k:epoch", "1777636800", "k:bin", "\x00\xff",
		"k:list[]", "a|b", "k:one[]", "a", "k:nums[]", "1|5", "k:none[]", "", "aws:username", "Ann", "k:acct", "123456789012", "k:k", "K",
		"k:path", "123456789012:role/a",
	)
	for _, tc := range []struct {
		op, key, values string
		want            bool
	}{
		{"StringEquals", "k:s", `"Ann"`, true},
		{"StringEquals", "K:S", `["x","Ann"]`, true},
		{"StringEquals", "k:s", `"ann"`, false},
		{"StringEquals", "k:s", `"A*"`, false},
		{"StringEquals", "k:star", `"*"`, true},
		{"StringEquals", "k:s", `[]`, false},
		{"StringEquals", "k:empty", `""`, true},
		{"StringEquals", "k:absent", `""`, false},
		{"StringEquals", "k:s", `"${aws:username}"`, true},
		{"StringEquals", "k:s", `"A${k:absent, 'nn'}"`, true},
		{"StringEquals", "k:star", `"${*}"`, true},
		{"StringEquals", "k:s", `"${k:absent}"`, false},
		{"StringEquals", "k:n", `10`, true},
		{"StringEquals", "k:no", `false`, true},
		{"StringNotEquals", "k:s", `"${k:absent}"`, true},
		{"StringNotEquals", "k:s", `["a","b"]`, true},
		{"StringNotEquals", "k:s", `["a","Ann"]`, false},
		{"StringNotEquals", "k:absent", `"a"`, true},
		{"StringNotEquals", "k:s", `[]`, true},
		{"StringEqualsIgnoreCase", "k:s", `"aNN"`, true},
		{"StringEqualsIgnoreCase", "k:s", `"a${k:absent, 'NN'}"`, true},
		{"StringEqualsIgnoreCase", "k:s", `"${k:absent}"`, false},
		{"StringEqualsIgnoreCase", "k:absent", `"x"`, false},
		{"StringNotEqualsIgnoreCase", "k:s", `"aNN"`, false},
		{"StringNotEqualsIgnoreCase", "k:absent", `"x"`, true},
		{"StringLike", "k:s", `"A*"`, true},
		{"StringLike", "k:s", `"A?n"`, true},
		{"StringLike", "k:s", `"a*"`, false},
		{"StringLike", "k:s", `"n"`, false},
		{"StringLike", "k:s", `"*${aws:username}*"`, true},
		{"StringLike", "k:s", `"${k:star}"`, false},
		{"StringLike", "k:absent", `"*"`, false},
		{"StringNotLike", "k:s", `"A*"`, false},
		{"StringNotLike", "k:s", `"${k:absent}"`, true},
		{"StringNotLike", "k:absent", `"*"`, true},

		{"ArnLike", "k:arn", `"arn:aws:iam::*:role/*"`, true},
		{"ArnEquals", "k:arn", `"arn:aws:iam::*:role/*"`, true},
		{"ArnEquals", "k:arn", `"arn:aws:iam::123456789012:role/a/b:c"`, true},
		{"ArnEquals", "k:arn", `"arn:aws:iam::123456789012:role/A/b:c"`, false},
		{"ArnLike", "k:arn", `"*"`, true},
		{"ArnLike", "k:s", `"*"`, false},
		{"ArnLike", "k:arn", `"arn:aws:iam:*"`, false},
		{"ArnLike", "k:arn", `"arn:*:role/*"`, false},
		{"ArnLike", "k:arn", `""`, false},
		{"ArnLike", "k:arn", `"${k:arn}"`, true},
		{"ArnLike", "k:arn", `"arn:aws:iam::${k:acct}:role/*"`, true},
		{"ArnLike", "k:arn", `"arn:aws:iam::${k:path}/b*"`, true},
		{"ArnLike", "k:arn", `"arn:aws:iam::${k:star}:role/*"`, false},
		{"ArnLike", "k:arn", `"arn:aws:iam::123456789012:role/${k:absent, 'a'}/*"`, true},
		{"ArnLike", "k:arn", `"arn:aws:iam::123456789012:${k:absent}"`, false},
		{"ArnLike", "k:arn", `"arn:aws:iam::${k:absent}:role/a/b:c"`, false},
		{"ArnLike", "k:absent", `"*"`, false},
		{"ArnNotLike", "k:arn", `"arn:aws:iam::*:role/*"`, false},
		{"ArnNotEquals", "k:arn", `"arn:aws:iam::*:user/*"`, true},
		{"ArnNotEquals", "k:arn", `"arn:aws:iam::${k:absent}:role/*"`, true},
		{"ArnNotLike", "k:absent", `"*"`, true},

		{"NumericEquals", "k:n", `"10.0"`, true},
		{"NumericEquals", "k:dec", `"1.2"`, true},
		{"NumericEquals", "k:big", `"9007199254740992"`, false},
		{"NumericEquals", "k:bad", `"5"`, false},
		{"NumericNotEquals", "k:bad", `"5"`, true},
		{"NumericEquals", "k:n", `"ten"`, false},
		{"NumericNotEquals", "k:n", `"10"`, false},
		{"NumericNotEquals", "k:absent", `"10"`, true},
		{"NumericLessThan", "k:n", `"10"`, false},
		{"NumericLessThan", "k:n", `"9.9"`, false},
		{"NumericLessThan", "k:n", `"100"`, true},
		{"NumericLessThan", "k:neg", `"-0.25"`, true},
		{"NumericLessThan", "k:neg", `0`, true},
		{"NumericLessThanEquals", "k:n", `"10"`, true},
		{"NumericGreaterThan", "k:n", `["11","9"]`, true},
		{"NumericGreaterThan", "k:neg", `"-0.75"`, true},
		{"NumericGreaterThanEquals", "k:n", `"+10"`, true},
		{"NumericGreaterThanEquals", "k:absent", `"1"`, false},
		{"NumericLessThanIfExists", "k:absent", `"1"`, true},
		{"NumericEquals", "k:n", `"${k:n}"`, false},

		{"DateEquals", "k:date", `"2026-05-01T14:00:00+02:00"`, true},
		{"DateEquals", "k:date", `"1777636800"`, true},
		{"DateEquals", "k:epoch", `"2026-05-01T12:00:00.000Z"`, true},
		{"DateNotEquals", "k:date", `"2026-05-01T12:00Z"`, false},
		{"DateNotEquals", "k:absent", `"2026"`, true},
		{"DateLessThan", "k:date", `"2026-05-02"`, true},
		{"DateLessThan", "k:date", `"2026-05-01T12:00:00Z"`, false},
		{"DateLessThanEquals", "k:date", `"2026-05-01T12:00:00Z"`, true},
		{"DateGreaterThan", "k:date", `"2026"`, true},
		{"DateGreaterThan", "k:date", `"2026-05-01T11:59:59.999999999Z"`, true},
		{"DateGreaterThanEquals", "k:date", `"2027-01"`, false},
		{"DateGreaterThan", "k:absent", `"2020-01-01"`, false},
		{"DateGreaterThanIfExists", "k:absent", `"2020-01-01"`, true},
		{"DateGreaterThan", "k:s", `"2020-01-01"`, false},
		{"DateNotEquals", "k:s", `"2020-01-01"`, true},
		{"DateLessThan", "k:date", `"9223372036854775807"`, true},

		{"Bool", "k:bool", `"true"`, true},
		{"Bool", "k:bool", `true`, true},
		{"Bool", "k:no", `"FALSE"`, true},
		{"Bool", "k:no", `true`, false},
		{"Bool", "k:s", `"Ann"`, false},
		{"Bool", "k:bool", `"${k:bool}"`, true},
		{"Bool", "k:absent", `"false"`, false},
		{"BoolIfExists", "k:absent", `"true"`, true},
		{"BoolIfExists", "k:no", `"true"`, false},

		{"IpAddress", "k:ip", `"10.0.0.0/8"`, true},
		{"IpAddress", "k:ip", `"10.1.2.3"`, true},
		{"IpAddress", "k:ip", `"10.1.2.3/24"`, true},
		{"IpAddress", "k:ip", `["11.0.0.0/8","::/0"]`, false},
		{"IpAddress", "k:mapped", `"10.0.0.0/8"`, true},
		{"IpAddress", "k:ip", `"::ffff:10.0.0.0/104"`, true},
		{"IpAddress", "k:ip6", `"2001:db8::/32"`, true},
		{"IpAddress", "k:ip6", `"2001:db8::1"`, true},
		{"IpAddress", "k:ip6", `"0.0.0.0/0"`, false},
		{"IpAddress", "k:s", `"0.0.0.0/0"`, false},
		{"IpAddress", "k:absent", `"0.0.0.0/0"`, false},
		{"NotIpAddress", "k:ip", `"10.0.0.0/8"`, false},
		{"NotIpAddress", "k:ip6", `"10.0.0.0/8"`, true},
		{"NotIpAddress", "k:absent", `"10.0.0.0/8"`, true},

		{"BinaryEquals", "k:bin", `"AP8="`, true},
		{"BinaryEquals", "k:bin", `"AP4="`, false},
		{"BinaryEquals", "k:absent", `"AP4="`, false},

		{"Null", "k:absent", `"true"`, true},
		{"Null", "k:absent", `false`, false},
		{"Null", "k:s", `"true"`, false},
		{"Null", "k:s", `"False"`, true},
		{"Null", "k:empty", `"false"`, true},
		{"Null", "k:none", `"true"`, true},
		{"Null", "k:list", `"false"`, true},
		{"Null", "k:s", `["true","false"]`, true},

		{"StringEqualsIfExists", "k:absent", `"x"`, true},
		{"StringEqualsIfExists", "k:s", `"x"`, false},
		{"StringNotEqualsIfExists", "k:absent", `"x"`, true},

		{"StringEquals", "k:one", `"a"`, false},
		{"StringNotEquals", "k:one", `"z"`, false},
		{"StringEqualsIfExists", "k:one", `"a"`, false},
		{"ForAllValues:StringEquals", "k:list", `["a","b","c"]`, true},
		{"ForAllValues:StringEquals", "k:list", `["a","c"]`, false},
		{"ForAllValues:StringEquals", "k:absent", `"a"`, true},
		{"ForAllValues:StringEquals", "k:none", `"a"`, true},
		{"ForAllValues:StringNotEquals", "k:list", `"a"`, false},
		{"ForAllValues:StringNotEquals", "k:list", `"c"`, true},
		{"ForAllValues:StringLike", "k:s", `"A*"`, true},
		{"ForAllValues:NumericLessThan", "k:nums", `"6"`, true},
		{"ForAllValues:NumericLessThan", "k:nums", `"5"`, false},
		{"ForAnyValue:StringEquals", "k:list", `["b","c"]`, true},
		{"ForAnyValue:StringEquals", "k:list", `["c"]`, false},
		{"ForAnyValue:StringEquals", "k:absent", `"a"`, false},
		{"ForAnyValue:StringNotEquals", "k:absent", `"a"`, false},
		{"ForAnyValue:StringEquals", "k:none", `"a"`, false},
		{"ForAnyValue:StringNotEquals", "k:list", `"a"`, true},
		{"ForAnyValue:StringNotEquals", "k:list", `["a","b"]`, false},
		{"ForAnyValue:StringLikeIfExists", "k:list", `"b*"`, true},
		{"ForAnyValue:StringLikeIfExists", "k:absent", `"b*"`, true},
		{"ForAnyValue:StringEquals", "k:s", `"Ann"`, true},
	} {
		text := statements(fmt.Sprintf(`{"Effect":"Allow","Action":"x:y","Resource":"*","Condition":{"%s":{"%s":%s}}}`, tc.op, tc.key, tc.values))
		p := mustParse(t, Identity, text)
		if got := decide(p, &Request{Action: "x:y", Resource: "*", Context: ctx}) == Allow; got != tc.want {
			t.Errorf("%s %s %s: %v", tc.op, tc.key, tc.values, got)
		}
	}
}

// Operators and keys are joined by AND; what is empty asks nothing.
func TestConditionsAreJoined(t *testing.T) {
	ctx := contextOf("k:a", "1", "k:b", "2")
	for condition, want := range map[string]Decision{
		`{"StringEquals":{"k:a":"1","k:b":"2"}}`:                   Allow,
		`{"StringEquals":{"k:a":"1","k:b":"3"}}`:                   ImplicitDeny,
		`{"StringEquals":{"k:a":"1"},"NumericEquals":{"k:b":"2"}}`: Allow,
		`{"StringEquals":{"k:a":"1"},"NumericEquals":{"k:b":"3"}}`: ImplicitDeny,
		`{"StringEquals":{"k:a":"1","K:A":"2"}}`:                   ImplicitDeny,
		`{}`:                                                       Allow,
		`{"StringEquals":{}}`:                                      Allow,
		`{"Unknown":{}}`:                                           Allow,
		`{"NumericGreaterThan":{"k:b":[]}}`:                        ImplicitDeny,
	} {
		p := mustParse(t, Identity, statements(`{"Effect":"Allow","Action":"x:y","Resource":"*","Condition":`+condition+`}`))
		if got := decide(p, &Request{Action: "x:y", Resource: "*", Context: ctx}); got != want {
			t.Errorf("%s: %v, want %v", condition, got, want)
		}
	}
}

func TestInstants(t *testing.T) {
	for text, want := range map[string]int64{
		"1970-01-01":                0,
		"1970":                      0,
		"0":                         0,
		"12345":                     12345,
		"1970-01-01T00":             0,
		"1970-01-01T01:00":          3600,
		"1970-01-01t01:00:01.5z":    3601,
		"1970-01-01T01:00:01+01:00": 1,
		"1970-01-01T01:00:01-01":    7201,
		"2000-02-29":                951782400,
		"9223372036854775807":       9223372036854775807,
		"01T":                       -62135596800,
	} {
		if got, ok := parseInstant(text); !ok || got.seconds != want {
			t.Errorf("%s: %d, %v, want %d", text, got.seconds, ok, want)
		}
	}
	for _, text := range []string{"", "T", "x", "-", "1970-", "1970-00-01", "1970-13-01", "1970-01-32", "2001-02-29", "1970-01-01-01",
		"1970-01-01T24:00", "1970-01-01T1:60", "1970-01-01T1:1:60", "1970-01-01T1:", "1970-01-01T+", "1970-01-01T00:00Z1", "1970-01-01T00:00:00.Z",
		"+1", "1.5", "292278994-01-01", "1970-01-01 00:00:00"} {
		if got, ok := parseInstant(text); ok {
			t.Errorf("%s: read as %d", text, got.seconds)
		}
	}
}
