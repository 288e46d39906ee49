package policy

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNilSet(t *testing.T) {
	var s *Set
	req := &Request{Action: "s3:GetObject", Resource: "*"}
	if r := s.Evaluate(req); r != (Result{}) {
		t.Errorf("%+v", r)
	}
	if s.Matching(req) != nil || s.Explain(req) != nil || s.Policies() != nil || s.ContextKeys() != nil {
		t.Error("a nil set says something")
	}
	if _, ok := s.NotPrincipalDeny(req); ok {
		t.Error("a nil set denies")
	}
	if NewSet().Evaluate(req) != (Result{}) {
		t.Error("an empty set decides")
	}
	all := mustParse(t, Identity, statements(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
	broken := NewSet(Named{"all", all}, Named{"lost", nil})
	if r := broken.Evaluate(req); r.Decision != ExplicitDeny || r.Reason.Policy != "lost" {
		t.Errorf("%+v", r)
	}
	agree(t, broken, req)
	if got := broken.Policies(); len(got) != 2 || got[0].Policy != all {
		t.Errorf("%v", got)
	}
	if broken.ContextKeys() != nil {
		t.Error("keys of a nil policy")
	}
}

// An allow by a stronger grant is found, wherever it is.
func TestStrongestGrant(t *testing.T) {
	const account = `{"AWS":"123456789012"}`
	statement := func(principal, sid string) string {
		return `{"Sid":"` + sid + `","Effect":"Allow","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	}
	kinds := map[Grant]string{
		AccountGrant: account, Everyone: `"*"`, RoleGrant: `{"AWS":"arn:aws:iam::123456789012:role/R"}`,
		DirectGrant: `{"AWS":"arn:aws:sts::123456789012:assumed-role/R/s"}`,
	}
	req := &Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Principal: Principal{
		Account: "123456789012", ARN: "arn:aws:sts::123456789012:assumed-role/R/s", RoleARN: "arn:aws:iam::123456789012:role/R"}}
	for first, a := range kinds {
		for second, b := range kinds {
			want := first
			if second.strength() > first.strength() {
				want = second
			}
			s := NewSet(Named{"p", mustParse(t, Resource, statements(statement(a, "a"), statement(b, "b")))})
			if r := s.Evaluate(req); r.Decision != Allow || r.Grant != want || r.Reason.Grant != want {
				t.Errorf("%d and %d: %+v", first, second, r)
			}
		}
	}
}

func TestNotPrincipalDeny(t *testing.T) {
	s := NewSet(Named{"p", mustParse(t, Resource, statements(
		`{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}`,
		`{"Sid":"but","Effect":"Deny","NotPrincipal":{"AWS":["123456789012","arn:aws:iam::123456789012:user/Ann"]},"Action":"s3:Get*",
			"Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`))})
	ann := Principal{Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/Ann"}
	for _, tc := range []struct {
		action, resource, tls string
		want                  bool
	}{
		{"s3:GetObject", "arn:aws:s3:::b/k", "true", true},
		{"s3:GetObject", "arn:aws:s3:::b/k", "false", false},
		{"s3:GetObject", "arn:aws:s3:::c/k", "true", false},
		{"s3:PutObject", "arn:aws:s3:::b/k", "true", false},
	} {
		req := &Request{Principal: ann, Action: tc.action, Resource: tc.resource, Context: contextOf("aws:SecureTransport", tc.tls)}
		reason, got := s.NotPrincipalDeny(req)
		if got != tc.want || got && (reason.Sid != "but" || reason.Statement != 1 || reason.Effect != EffectDeny) {
			t.Errorf("%+v: %+v, %v", tc, reason, got)
		}
		if r := s.Evaluate(req); got && r.Decision == ExplicitDeny {
			t.Errorf("%+v: who is listed is denied", tc)
		}
	}
}

func TestContextKeys(t *testing.T) {
	a := mustParse(t, Identity, statements(
		`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${ aws:username }/${aws:PrincipalTag/team, 'x'}/${*}","Condition":{
			"StringLike":{"S3:Prefix":["${aws:username}/*"]},"NumericEquals":{"s3:max-keys":"${aws:userid}"},"Null":{"aws:TokenIssueTime":"true"}}}`))
	old := mustParse(t, Identity, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:userid}","Condition":{"StringEquals":{"s3:prefix":"x"}}}}`)
	want := []string{"S3:Prefix", "aws:PrincipalTag/team", "aws:TokenIssueTime", "aws:username", "s3:max-keys"}
	if diff := cmp.Diff(want, a.ContextKeys()); diff != "" {
		t.Error(diff)
	}
	want = []string{"S3:Prefix", "aws:PrincipalTag/team", "aws:TokenIssueTime", "aws:username", "s3:max-keys", "s3:prefix"}
	if diff := cmp.Diff(want, NewSet(Named{"a", a}, Named{"old", old}).ContextKeys()); diff != "" {
		t.Error(diff)
	}
}

func TestSpan(t *testing.T) {
	text := "{\r\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\n    \"Effect\": \"Allow\", \"Action\": \"x:y\", \"Resource\": \"*\"\n" +
		"  }, {\"Effect\":\"Deny\",\"Action\":\"x:é}\",\"Resource\":\"*\"}]}"
	p := mustParse(t, Identity, text)
	for i, want := range [][2]Position{
		{{3, 17}, {5, 4}}, {{5, 6}, {5, 54}},
	} {
		start, end := p.Span(i)
		if start != want[0] || end != want[1] {
			t.Errorf("statement %d: %v to %v, want %v", i, start, end, want)
		}
	}
	for _, i := range []int{-1, 2} {
		if start, end := p.Span(i); start != (Position{}) || end != (Position{}) {
			t.Errorf("statement %d: %v to %v", i, start, end)
		}
	}
	p = mustParse(t, Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"x:y","Resource":"*"}}`)
	if start, end := p.Span(0); start != (Position{1, 37}) || end != (Position{1, 85}) {
		t.Errorf("%v to %v", start, end)
	}
}

func TestExplain(t *testing.T) {
	p := mustParse(t, Identity, statements(
		`{"Sid":"logs","Effect":"Allow","Action":"logs:*","Resource":"*"}`,
		`{"Sid":"other","Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::other/*"}`,
		`{"Sid":"own","Effect":"Allow","Action":["s3:PutObject","s3:Get*"],"Resource":["arn:aws:s3:::fleet/${credentials-iot:ThingName}/*","arn:aws:s3:::fleet/${aws:PrincipalTag/a, 'b'}"]}`,
		`{"Sid":"when","Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":["5","x"]},"Null":{"s3:prefix":"true"},"ForAnyValue:StringLike":{"aws:TagKeys":["${aws:username}*","q*"]}}}`))
	s := NewSet(Named{"role", p})
	ctx := contextOf("s3:max-keys", "3", "aws:TagKeys[]", "ann|bob")
	req := &Request{Action: "s3:PutObject", Resource: "arn:aws:s3:::fleet/bulb/x", Context: ctx}
	reason := func(n int, sid string, e Effect) Reason {
		return Reason{Policy: "role", Statement: n, Sid: sid, Effect: e}
	}
	want := []Finding{
		{Reason: reason(3, "when", EffectDeny), Action: true, Resource: true, Principal: true, Actions: []string{"s3:*"},
			Resources: []Text{{Pattern: "*", Resolved: "*", Matches: true}},
			Conditions: []Check{
				{Operator: "NumericLessThan", Key: "s3:max-keys", Wanted: []Text{{Pattern: "5", Resolved: "5", Matches: true}, {Pattern: "x", Resolved: "x"}}, Have: []string{"3"}, Present: true, Holds: true},
				{Operator: "Null", Key: "s3:prefix", Wanted: []Text{{Pattern: "true", Resolved: "true", Matches: true}}, Holds: true},
				{Operator: "ForAnyValue:StringLike", Key: "aws:TagKeys", Have: []string{"ann", "bob"}, Present: true, Wanted: []Text{
					{Pattern: "${aws:username}*", Variables: []Variable{{Name: "aws:username"}}}, {Pattern: "q*", Resolved: "q*"}}},
			}},
		{Reason: reason(2, "own", EffectAllow), Action: true, Principal: true, Actions: []string{"s3:PutObject", "s3:Get*"}, Resources: []Text{
			{Pattern: "arn:aws:s3:::fleet/${credentials-iot:ThingName}/*", Variables: []Variable{{Name: "credentials-iot:ThingName"}}},
			{Pattern: "arn:aws:s3:::fleet/${aws:PrincipalTag/a, 'b'}", Resolved: "arn:aws:s3:::fleet/b", Variables: []Variable{{Name: "aws:PrincipalTag/a", Default: true}}}}},
		{Reason: reason(1, "other", EffectAllow), Action: true, Principal: true, Actions: []string{"s3:PutObject"},
			Resources: []Text{{Pattern: "arn:aws:s3:::other/*", Resolved: "arn:aws:s3:::other/*"}}},
		{Reason: reason(0, "logs", EffectAllow), Resource: true, Principal: true, Actions: []string{"logs:*"}, Resources: []Text{{Pattern: "*", Resolved: "*", Matches: true}}},
	}
	if diff := cmp.Diff(want, s.Explain(req)); diff != "" {
		t.Error(diff)
	}

	ctx.Set("credentials-iot:thingname", "bulb")
	ctx.Set("aws:username", "bo")
	findings := s.Explain(req)
	if f := findings[0]; !f.Applies || f.Sid != "when" || !f.Conditions[2].Holds || f.Conditions[2].Wanted[0].Resolved != "bo*" {
		t.Errorf("%+v", f)
	}
	if f := findings[1]; !f.Applies || f.Sid != "own" || f.Resources[0].Resolved != "arn:aws:s3:::fleet/bulb/*" ||
		!slices.Equal(f.Resources[0].Variables[0].Values, []string{"bulb"}) || !f.Resources[0].Variables[0].Present {
		t.Errorf("%+v", f)
	}
	agree(t, s, req)
}

// Sets are asked by many at once.
func TestSetConcurrently(t *testing.T) {
	var parts []string
	for i := range 100 {
		parts = append(parts, fmt.Sprintf(`{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/%d/${aws:username}"}`, i))
	}
	s := NewSet(Named{"p", mustParse(t, Identity, statements(parts...))})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := strings.Repeat("x", i+1)
			for n := range 200 {
				req := &Request{Action: "s3:GetObject", Resource: fmt.Sprintf("arn:aws:s3:::b/%d/%s", n, name), Context: contextOf("aws:username", name)}
				if got := s.Evaluate(req).Decision == Allow; got != (n < 100) {
					t.Errorf("%s: %v", req.Resource, got)
				}
			}
		})
	}
	group.Wait()
}
