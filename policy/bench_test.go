package policy

import (
	"fmt"
	"strings"
	"testing"
)

func ownFolder(b *testing.B, more ...string) ([]Named, *Request) {
	own := `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::vincent-iot/${iot:thingName}/*"}`
	p := mustParse(b, Identity, statements(append(more, own)...))
	ctx := contextOf("aws:CurrentTime", "2026-05-01T12:00:00Z", "aws:EpochTime", "1777636800", "aws:SourceIp", "10.0.0.1",
		"aws:SecureTransport", "true", "aws:UserAgent", "curl", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/r",
		"aws:PrincipalAccount", "123456789012", "aws:PrincipalType", "AssumedRole", "aws:userid", "AROAX:abc", "iot:thingName", "bulbthing")
	return []Named{{"own", p}}, &Request{Action: "s3:PutObject", Resource: "arn:aws:s3:::vincent-iot/bulbthing/log/1", Context: ctx}
}

func benchmarkAllow(b *testing.B, policies []Named, req *Request) {
	set := NewSet(policies...)
	b.ReportAllocs()
	for b.Loop() {
		if set.Evaluate(req).Decision != Allow {
			b.Fatal("not allowed")
		}
	}
}

func BenchmarkThingVariable(b *testing.B) {
	set, req := ownFolder(b)
	benchmarkAllow(b, set, req)
}

// BenchmarkAmong500 is BenchmarkThingVariable with 500 statements more, which
// are about other actions or other resources.
func BenchmarkAmong500(b *testing.B) {
	for _, bm := range []struct {
		name      string
		statement func(i int) string
	}{
		{"OtherServices", func(i int) string {
			return fmt.Sprintf(`{"Effect":"Allow","Action":"svc%d:Get%d","Resource":"arn:aws:svc:::r%d/*"}`, i%20, i, i)
		}},
		{"OtherActions", func(i int) string {
			return fmt.Sprintf(`{"Effect":"Allow","Action":["s3:Get%d*","s3:Put%d"],"Resource":"*"}`, i, i)
		}},
		{"OtherBuckets", func(i int) string {
			return fmt.Sprintf(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket%d/*"}`, i)
		}},
		{"PutOnOtherBuckets", func(i int) string {
			return fmt.Sprintf(`{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket%d/*"}`, i)
		}},
		{"OtherFolders", func(i int) string {
			return fmt.Sprintf(`{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::vincent-iot/%d/*"}`, i)
		}},
		{"Denies", func(i int) string {
			return fmt.Sprintf(`{"Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::locked%d","arn:aws:s3:::locked%d/*"]}`, i, i)
		}},
		{"Mixed", func(i int) string {
			action := []string{"s3:*", "s3:Put*", "s3:PutObject", fmt.Sprintf("svc:Get%d", i), fmt.Sprintf("s3:Get%d", i)}[i%5]
			resource := []string{"arn:aws:s3:::bucket%d/*", "arn:aws:s3:::b/%d"}[i%2]
			return fmt.Sprintf(`{"Effect":"Allow","Action":"`+action+`","Resource":"`+resource+`"}`, i)
		}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			var more []string
			for i := range 500 {
				more = append(more, bm.statement(i))
			}
			set, req := ownFolder(b, more...)
			benchmarkAllow(b, set, req)
		})
	}
}

// BenchmarkPolicies500 asks 500 policies of ten statements as one set.
func BenchmarkPolicies500(b *testing.B) {
	set, req := ownFolder(b)
	for i := range 500 {
		var parts []string
		for j := range 10 {
			parts = append(parts, fmt.Sprintf(`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b%d-%d/*"}`, i, j))
		}
		set = append(set, Named{fmt.Sprint(i), mustParse(b, Identity, statements(parts...))})
	}
	benchmarkAllow(b, set, req)
}

func BenchmarkImplicitDeny(b *testing.B) {
	policies, req := ownFolder(b)
	set := NewSet(policies...)
	req.Resource = "arn:aws:s3:::vincent-iot/another/log/1"
	b.ReportAllocs()
	for b.Loop() {
		if set.Evaluate(req).Decision != ImplicitDeny {
			b.Fatal("decided")
		}
	}
}

func BenchmarkConditions(b *testing.B) {
	set, req := ownFolder(b)
	set[0].Policy = mustParse(b, Identity, statements(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{
		"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},
		"Bool":{"aws:SecureTransport":"true"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}}`))
	benchmarkAllow(b, set, req)
}

// BenchmarkFiveWildcards asks patterns with five wildcards about the text that
// they take longest to refuse.
func BenchmarkFiveWildcards(b *testing.B) {
	text := strings.Repeat("a", 1024)
	for _, pattern := range []string{"*a*a*a*a*b", "*aa?a*aa?a*aab", "a*?a*?a*b", "*" + strings.Repeat(strings.Repeat("a", 100)+"?", 4) + "b"} {
		b.Run(pattern[:min(len(pattern), 12)], func(b *testing.B) {
			p := mustParse(b, Identity, statements(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::`+pattern+`"}`))
			set, req := NewSet(Named{"p", p}), &Request{Action: "s3:PutObject", Resource: "arn:aws:s3:::" + text}
			b.ReportAllocs()
			for b.Loop() {
				if set.Evaluate(req).Decision == Allow {
					b.Fatal("matched")
				}
			}
		})
	}
}

// BenchmarkAdversarialPattern asks patterns with many wildcards; the second is
// the worst for a text of 1,024 characters.
func BenchmarkAdversarialPattern(b *testing.B) {
	text := strings.Repeat("a", 1024)
	for _, n := range []int{50, 255} {
		p := newPattern(wildcards("*" + strings.Repeat("?a", n) + "b"))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if p.match(text, nil) {
					b.Fatal("matched")
				}
			}
		})
	}
}

func BenchmarkCompile10KB(b *testing.B) {
	var parts []string
	for i := 0; len(statements(parts...)) < MaxRoleInline; i++ {
		parts = append(parts, fmt.Sprintf(`{"Effect":"Allow","Action":["s3:Get*","s3:PutObject"],"Resource":"arn:aws:s3:::b%d/${iot:thingName}/*",`+
			`"Condition":{"StringLike":{"s3:prefix":"${iot:thingName}/*"}}}`, i))
	}
	text := statements(parts...)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := Parse(Identity, text)
		if err != nil {
			b.Fatal(err)
		}
		NewSet(Named{"p", p})
	}
}

// BenchmarkNewSet500 puts 500 policies of ten statements together.
func BenchmarkNewSet500(b *testing.B) {
	var set []Named
	for i := range 500 {
		var parts []string
		for j := range 10 {
			parts = append(parts, fmt.Sprintf(`{"Effect":"Allow","Action":["s3:Get%d*","s3:PutObject"],"Resource":"arn:aws:s3:::b%d-%d/*"}`, j, i, j))
		}
		set = append(set, Named{fmt.Sprint(i), mustParse(b, Identity, statements(parts...))})
	}
	b.ReportAllocs()
	for b.Loop() {
		NewSet(set...)
	}
}
