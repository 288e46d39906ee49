package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// codes are the codes of the warnings about a statement, in order.
func codes(t *testing.T, kind Kind, statement string) string {
	t.Helper()
	var list []string
	for _, w := range mustParse(t, kind, statements(statement)).Warnings() {
		list = append(list, w.Code)
	}
	return strings.Join(list, " ")
}

// allowing is a statement that lets objects be read.
func allowing(resource string) string {
	return `{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + resource + `"}`
}

// TestOpenFence: a device named cam must not reach what is cam2's or webcam's.
func TestOpenFence(t *testing.T) {
	const b = "arn:aws:s3:::b/"
	listing := func(effect, operator, value string) string {
		return `{"Effect":"` + effect + `","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":{"` + operator + `":{"s3:prefix":` + value + `}}}`
	}
	topic := func(r string) string {
		return `{"Effect":"Allow","Action":"iot:Publish","Resource":"arn:aws:iot:us-east-1:123456789012:` + r + `"}`
	}
	for _, tc := range []struct {
		kind      Kind
		statement string
		open      bool
	}{
		{Identity, allowing(b + "${credentials-iot:ThingName}*"), true},
		{Session, allowing(b + "${credentials-iot:ThingName}*"), true},
		{Managed, allowing(b + "data/${aws:username}*"), true},
		{Identity, allowing(b + "${aws:userid}*"), true},
		{Identity, allowing(b + "${aws:PrincipalTag/team}-*"), true},
		{Identity, allowing(b + "${credentials-iot:ThingName}?"), true},
		{Identity, allowing(b + "${credentials-iot:ThingName}??/*"), true},
		{Identity, allowing(b + "${credentials-iot:ThingName}-*/x"), true},
		{Identity, allowing(b + "${credentials-iot:ThingName}.*"), true},
		{Identity, allowing(b + "${credentials-iot:ThingName, 'none'}*"), true},
		{Identity, allowing(b + "*${credentials-iot:ThingName}/*"), true},
		{Identity, allowing(b + "x-?${credentials-iot:ThingName}"), true},
		{Identity, allowing("arn:aws:s3:::${credentials-iot:ThingName}*"), true},
		{Identity, allowing("arn:aws:s3:::fleet-${credentials-iot:ThingName}-*/x"), true},
		{Identity, strings.Replace(allowing(b+"${iot:thingName}*"), `"s3:GetObject"`, `"*"`, 1), true},
		{Identity, `{"Effect":"Deny","Action":"s3:*","NotResource":"` + b + `${aws:username, 'x'}*"}`, true},
		{Resource, `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"` + b + `${aws:userid}*"}`, true},
		{Identity, listing("Allow", "StringLike", `"${credentials-iot:ThingName}*"`), true},
		{Identity, listing("Allow", "StringLike", `["","${credentials-iot:ThingName}-*"]`), true},
		{Identity, listing("Allow", "ForAnyValue:StringLike", `"${credentials-iot:ThingName}?"`), true},
		{Identity, listing("Deny", "StringNotLike", `"${credentials-iot:ThingName}*"`), true},
		{Trust, `{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:RoleSessionName":"${aws:username}*"}}}`, true},
		{Trust, `{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/${aws:PrincipalTag/a}*"}}}`, true},
		{IoT, topic("topic/${iot:Connection.Thing.ThingName}*"), true},
		{IoT, topic("client/${iot:ClientId}*"), true},
		{IoT, topic("topicfilter/*${iot:ClientId}/x"), true},
		{IoT, `{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"arn:aws:iot:*:*:rolealias/${iot:Connection.Thing.ThingName}*"}`, true},

		{Identity, allowing(b + "${aws:username}/*"), false},
		{Identity, allowing(b + "${credentials-iot:ThingName}/*"), false},
		{Identity, allowing(b + "logs-${credentials-iot:ThingName}/2026-??/*.log"), false},
		{Identity, allowing(b + "*/${credentials-iot:ThingName}/*"), false},
		{Identity, allowing(b + "${credentials-iot:ThingName}"), false},
		{Identity, allowing(b + "${credentials-iot:ThingName}${*}"), false},
		{Identity, allowing(b + "${credentials-iot:ThingName}-${?}.json"), false},
		{Identity, allowing("arn:aws:s3:::logs-${aws:PrincipalAccount}-*/x"), false},
		{Identity, `{"Effect":"Deny","Action":"s3:*","Resource":"` + b + `${aws:userid}*"}`, false},
		{Identity, `{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:*:*:table/${aws:username}*"}`, false},
		{Identity, listing("Allow", "StringLike", `["","${credentials-iot:ThingName}/*","${credentials-iot:ThingName}"]`), false},
		{Identity, listing("Deny", "StringLike", `"${aws:userid}*"`), false},
		{Identity, listing("Allow", "StringEquals", `"${credentials-iot:ThingName}/"`), false},
		{IoT, topic("topic/${iot:Connection.Thing.ThingName}/*"), false},
		{IoT, topic("client/${iot:ClientId}"), false},
	} {
		want := ""
		if tc.open {
			want = "open-fence"
		}
		if got := codes(t, tc.kind, tc.statement); got != want && !(tc.open && strings.Contains(got, want)) {
			t.Errorf("%s: %s\n got %q, want %q", tc.kind, tc.statement, got, want)
		}
	}
	const opened = "a wildcard follows ${credentials-iot:ThingName} without a slash between them, so names that only begin with its value match, too: " +
		"b/${credentials-iot:ThingName}*; write ${credentials-iot:ThingName}/ before the wildcard"
	if got := warned(mustParse(t, Identity, statements(allowing("arn:aws:s3:::b/${credentials-iot:ThingName}*")))); got != opened {
		t.Error(got)
	}
}

// TestAbsentKey: an Allow that holds when a key of the device is absent lets in
// a device that leaves the header out (IAM user guide, "Condition operators":
// which operators hold when a key is absent).
func TestAbsentKey(t *testing.T) {
	for _, tc := range []struct{ effect, condition, want string }{
		{"Allow", `"StringEqualsIfExists":{"credentials-iot:ThingName":"cam"}`, "absent-key"},
		{"Allow", `"StringLikeIfExists":{"iot:thingName":"cam*"}`, "old-spelling absent-key"},
		{"Allow", `"StringNotEquals":{"credentials-iot:ThingName":"cam"}`, "absent-key"},
		{"Allow", `"StringNotEqualsIgnoreCase":{"credentials-iot:ThingTypeName":"cam"}`, "absent-key"},
		{"Allow", `"StringNotLike":{"credentials-iot:ThingAttribute/site":"x*"}`, "absent-key"},
		{"Allow", `"ArnNotLike":{"credentials-iot:ThingAttribute/arn":"arn:aws:iam::1:x"}`, "absent-key"},
		{"Allow", `"NumericNotEquals":{"credentials-iot:ThingAttribute/n":"1"}`, "absent-key"},
		{"Allow", `"NotIpAddress":{"credentials-iot:ThingAttribute/ip":"10.0.0.0/8"}`, "absent-key"},
		{"Allow", `"StringNotEqualsIfExists":{"credentials-iot:AwsCertificateId":"cam"}`, "absent-key"},
		{"Allow", `"BoolIfExists":{"credentials-iot:ThingAttribute/on":"true"}`, "absent-key"},
		{"Allow", `"ForAnyValue:StringEqualsIfExists":{"credentials-iot:ThingGroups":"cam"}`, "absent-key"},
		{"Allow", `"ForAllValues:StringEquals":{"credentials-iot:ThingGroups":"cam"}`, "all-of-nothing"},
		{"Allow", `"ForAllValues:StringLikeIfExists":{"credentials-iot:ThingName":"cam"}`, "all-of-nothing"},
		{"Allow", `"Null":{"credentials-iot:ThingName":"true"}`, "absent-key"},
		{"Allow", `"Null":{"credentials-iot:ThingName":["false","true"]}`, "absent-key"},
		{"Allow", `"StringEqualsIfExists":{"credentials-iot:ThingName":"cam"},"Null":{"credentials-iot:ThingName":"true"}`, "absent-key absent-key"},

		{"Allow", `"StringEquals":{"credentials-iot:ThingName":"cam"}`, ""},
		{"Allow", `"StringNotEquals":{"credentials-iot:ThingName":"cam"},"Null":{"credentials-iot:ThingName":"false"}`, ""},
		{"Allow", `"StringNotEquals":{"credentials-iot:ThingName":"cam"},"StringLike":{"Credentials-IoT:ThingName":"c*"}`, ""},
		{"Allow", `"ForAnyValue:StringNotEquals":{"credentials-iot:ThingGroups":"cam"}`, ""},
		{"Allow", `"Null":{"credentials-iot:ThingName":"false"}`, ""},
		{"Allow", `"StringNotEquals":{"aws:username":"cam"}`, ""},
		{"Deny", `"StringNotEquals":{"credentials-iot:ThingName":"cam"}`, ""},
		{"Deny", `"StringNotEqualsIfExists":{"credentials-iot:ThingName":"cam"}`, ""},
		{"Deny", `"Null":{"credentials-iot:ThingName":"true"}`, ""},
	} {
		s := `{"Effect":"` + tc.effect + `","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{` + tc.condition + `}}`
		if got := codes(t, Identity, s); got != tc.want {
			t.Errorf("%s\n got %q, want %q", s, got, tc.want)
		}
	}
	for condition, want := range map[string]string{
		`"BoolIfExists":{"iot:Connection.Thing.IsAttached":"true"}`:                 "absent-key",
		`"StringNotEquals":{"iot:Connection.Thing.ThingTypeName":"cam"}`:            "absent-key",
		`"StringNotLike":{"iot:Connection.Thing.Attributes[site]":"x"}`:             "absent-key",
		`"StringNotEquals":{"iot:Certificate.Subject.CommonName":"x"}`:              "absent-key",
		`"Bool":{"iot:Connection.Thing.IsAttached":"true"}`:                         "",
		`"StringNotEquals":{"iot:Connection.Thing.ThingName":"","aws:SourceIp":""}`: "absent-key",
	} {
		s := `{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*","Condition":{` + condition + `}}`
		if got := codes(t, IoT, s); got != want {
			t.Errorf("%s\n got %q, want %q", s, got, want)
		}
	}
	// Lists whose prefix may be left out.
	for condition, want := range map[string]string{
		`"StringNotLike":{"s3:prefix":"private/*"}`:                              "whole-list",
		`"StringNotEquals":{"s3:prefix":"private/"}`:                             "whole-list",
		`"StringNotEqualsIfExists":{"s3:prefix":"x"}`:                            "whole-list",
		`"ForAllValues:StringLike":{"s3:prefix":"a/*"}`:                          "all-of-nothing",
		`"StringLikeIfExists":{"s3:prefix":"a/*"},"Null":{"s3:prefix":"true"}`:   "whole-list",
		`"StringLike":{"s3:prefix":"a/*"},"StringNotLike":{"s3:prefix":"a/b/*"}`: "",
	} {
		s := `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":{` + condition + `}}`
		if got := codes(t, Identity, s); got != want {
			t.Errorf("%s\n got %q, want %q", s, got, want)
		}
	}
}

func TestEverythingElse(t *testing.T) {
	for _, tc := range []struct {
		kind            Kind
		statement, want string
	}{
		{Identity, `{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"}`, "allow-not-resource"},
		{Session, `{"Effect":"Allow","Action":"*","NotResource":["arn:aws:s3:::b","arn:aws:s3:::b/${aws:username}/*"]}`, "allow-not-resource"},
		{Resource, `{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"s3:GetObject","NotResource":"arn:aws:s3:::b/x"}`, "allow-not-resource"},
		{IoT, `{"Effect":"Allow","Action":"iot:Publish","NotResource":"arn:aws:iot:*:*:topic/x"}`, "allow-not-resource"},
		{Identity, `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, "allow-not-action"},
		{Identity, `{"Effect":"Allow","NotAction":"s3:DeleteObject","Resource":"arn:aws:s3:::b/*"}`, ""},
		{Identity, `{"Effect":"Allow","Action":"logs:*","NotResource":"arn:aws:logs:*:*:x"}`, ""},
		{Identity, `{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"}`, ""},
		{Identity, `{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}`, ""},
	} {
		if got := codes(t, tc.kind, tc.statement); got != tc.want {
			t.Errorf("%s: %s\n got %q, want %q", tc.kind, tc.statement, got, tc.want)
		}
	}
}

// TestMisspeltVariables: what other languages and templates write for a variable
// is plain text.
func TestMisspeltVariables(t *testing.T) {
	for text, want := range map[string]string{
		"$(credentials-iot:ThingName)":       "$(credentials-iot:ThingName) is plain text and no variable: b/$(credentials-iot:ThingName)/*; write ${credentials-iot:ThingName}",
		"{credentials-iot:ThingName}":        "{credentials-iot:ThingName} is plain text and no variable: b/{credentials-iot:ThingName}/*; write ${credentials-iot:ThingName}",
		"&{aws:username}":                    "&{aws:username} is plain text and no variable: b/&{aws:username}/*; write ${aws:username}",
		"$${credentials-iot:ThingName}":      "the first dollar of $${credentials-iot:ThingName} is plain text, and stands before the value: b/$${credentials-iot:ThingName}/*; write ${credentials-iot:ThingName}",
		"%24{aws:userid}":                    "%24{aws:userid} is plain text and no variable: b/%24{aws:userid}/*; write ${aws:userid}",
		"${ credentials-iot:ThingName }":     "the blanks in ${ credentials-iot:ThingName } are dropped here, and on AWS they are part of the name, which has no value: b/${ credentials-iot:ThingName }/*; write ${credentials-iot:ThingName}",
		"$[aws:PrincipalTag/team]":           "$[aws:PrincipalTag/team] is plain text and no variable: b/$[aws:PrincipalTag/team]/*; write ${aws:PrincipalTag/team}",
		"$credentials-iot:ThingName":         "$credentials-iot:ThingName is plain text and no variable: b/$credentials-iot:ThingName/*; write ${credentials-iot:ThingName}",
		"<iot:thingName>":                    "<iot:thingName> is plain text and no variable: b/<iot:thingName>/*; write ${iot:thingName}",
		"#{ iot:Certificate.Subject.Title }": "#{ iot:Certificate.Subject.Title } is plain text and no variable: b/#{ iot:Certificate.Subject.Title }/*; write ${iot:Certificate.Subject.Title}",
		"%7BCREDENTIALS-IOT:thingname%7D":    "%7BCREDENTIALS-IOT:thingname%7D is plain text and no variable: b/%7BCREDENTIALS-IOT:thingname%7D/*; write ${CREDENTIALS-IOT:thingname}",
		"${*}{x}(aws)":                       "",
		"${credentials-iot:ThingName}":       "",
		"{yyyy}/{aws:}":                      "",
	} {
		if got := warned(mustParse(t, Identity, statements(allowing("arn:aws:s3:::b/"+text+"/*")))); got != want {
			t.Errorf("%s:\n%s", text, cmp.Diff(want, got))
		}
		for _, condition := range []string{`"StringLike":{"s3:prefix":"b/` + text + `/*"}`} {
			s := `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":{` + condition + `}}`
			if got := warned(mustParse(t, Identity, statements(s))); got != want {
				t.Errorf("%s:\n%s", s, cmp.Diff(want, got))
			}
		}
	}
	for _, tc := range []struct {
		kind      Kind
		statement string
	}{
		{Identity, `{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b/{aws:username}/*"}`},
		{Identity, `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"$(aws:username)"}}}`},
		{Identity, `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::1:user/&{aws:username}"}}}`},
		{IoT, `{"Effect":"Allow","Action":"iot:Connect","Resource":"arn:aws:iot:*:*:client/$(iot:ClientId)"}`},
		{IoT, `{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"arn:aws:iot:*:*:rolealias/{iot:Connection.Thing.Attributes[site]}"}`},
		{Trust, `{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:RoleSessionName":"$(aws:username)"}}}`},
	} {
		if got := codes(t, tc.kind, tc.statement); got != "misspelt-variable" {
			t.Errorf("%s: %s: %q", tc.kind, tc.statement, got)
		}
	}
}

// TestStrangeKeys: a condition on a key that an action does not have never
// holds for it, or always (Service Authorization Reference).
func TestStrangeKeys(t *testing.T) {
	const both = `["arn:aws:s3:::b","arn:aws:s3:::b/*"]`
	for _, tc := range []struct{ action, resource, condition, want string }{
		{`"s3:GetObject"`, `"arn:aws:s3:::b/*"`, `"StringLike":{"s3:prefix":"a/*"}`, "strange-key"},
		{`["s3:GetObject","s3:PutObject"]`, `"arn:aws:s3:::b/*"`, `"StringEquals":{"s3:delimiter":"/"}`, "strange-key strange-key"},
		{`["s3:GetObject","s3:ListBucket"]`, both, `"NumericLessThan":{"s3:max-keys":"10"}`, "strange-key"},
		{`"s3:Get*"`, both, `"StringLike":{"s3:prefix":"a/*"}`, "strange-key"},
		{`"s3:*"`, `"arn:aws:s3:::b/*"`, `"StringLike":{"s3:prefix":"a/*"}`, "strange-key"},
		{`"s3:GetObject"`, `"arn:aws:s3:::b/*"`, `"StringEquals":{"s3:x-amz-acl":"private"}`, "strange-key"},
		{`"s3:GetObject"`, `"arn:aws:s3:::b/*"`, `"StringNotEquals":{"s3:x-amz-acl":"private"}`, "strange-key"},

		{`"s3:ListBucket"`, `"arn:aws:s3:::b"`, `"StringLike":{"s3:prefix":"a/*","s3:delimiter":"/"},"NumericLessThan":{"s3:max-keys":"10"}`, ""},
		{`"s3:*"`, both, `"StringLike":{"s3:prefix":"a/*"}`, ""},
		{`"s3:*"`, `"*"`, `"StringLike":{"s3:prefix":"a/*"}`, ""},
		{`"*"`, `"*"`, `"StringLike":{"s3:prefix":"a/*"}`, ""},
		{`"s3:List*"`, `"arn:aws:s3:::b"`, `"StringLike":{"s3:prefix":"a/*"}`, ""},
		{`"s3:PutObject*"`, `"arn:aws:s3:::b/*"`, `"StringEquals":{"s3:x-amz-server-side-encryption":"AES256"}`, ""},
		{`"s3:GetObject"`, `"arn:aws:s3:::b/*"`, `"StringEquals":{"s3:ExistingObjectTag/a":"b","s3:authType":"REST-HEADER","aws:SourceIp":"x"}`, ""},
	} {
		s := `{"Effect":"Allow","Action":` + tc.action + `,"Resource":` + tc.resource + `,"Condition":{` + tc.condition + `}}`
		if got := codes(t, Identity, s); got != tc.want {
			t.Errorf("%s\n got %q, want %q", s, got, tc.want)
		}
	}
	const want = "s3:GetObject has no s3:prefix, so StringLike never holds for it; put it into a statement of its own: that key is of lists only, and objects are narrowed by Resource"
	s := `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"StringLike":{"s3:prefix":"a/*"}}}`
	if got := warned(mustParse(t, Identity, statements(s))); got != want {
		t.Error(got)
	}
}

// TestLockouts: which Denies leave nobody who could take them back, with the
// account known or not.
func TestLockouts(t *testing.T) {
	const admin, account, bucket = `arn:aws:iam::123456789012:user/admin`, `arn:aws:iam::123456789012:root`, `"Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]`
	deny := func(members string) string { return `{"Effect":"Deny",` + members + `}` }
	for _, tc := range []struct {
		statements   []string
		anywhere, in bool // warned of
	}{
		// AWS's own examples (IAM user guide, "NotPrincipal").
		{[]string{deny(`"NotPrincipal":{"AWS":["arn:aws:iam::444455556666:user/Bob","arn:aws:iam::444455556666:root"]},` + bucket)}, false, true},
		{[]string{deny(`"NotPrincipal":{"AWS":["arn:aws:sts::444455556666:assumed-role/cross-account-read-only-role/cross-account-audit-app",
			"arn:aws:iam::444455556666:role/cross-account-read-only-role","arn:aws:iam::444455556666:root"]},` + bucket)}, false, true},
		{[]string{deny(`"NotPrincipal":{"AWS":"` + admin + `"},` + bucket)}, true, true},
		{[]string{deny(`"NotPrincipal":{"AWS":"` + account + `"},` + bucket)}, true, true},
		{[]string{deny(`"NotPrincipal":{"AWS":["` + account + `","` + admin + `"]},` + bucket)}, false, false},
		{[]string{deny(`"NotPrincipal":{"AWS":["123456789012","arn:aws:iam::123456789012:role/p/R","arn:aws:sts::123456789012:assumed-role/R/s"]},` + bucket)}, false, false},
		{[]string{deny(`"NotPrincipal":{"AWS":["123456789012","arn:aws:iam::123456789012:role/p/R"]},` + bucket)}, true, true},
		{[]string{deny(`"NotPrincipal":{"Service":"s3.amazonaws.com"},` + bucket)}, true, true},
		{[]string{deny(`"NotPrincipal":{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"},` + bucket)}, true, true},
		{[]string{deny(`"NotPrincipal":{"AWS":"` + admin + `"},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"`)}, false, false},
		// AWS's own example (S3 user guide, "Controlling access from VPC endpoints"): nothing here has that key.
		{[]string{deny(`"Principal":"*",` + bucket + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}`)}, true, true},
		{[]string{deny(`"Principal":"*",` + bucket + `,"Condition":{"Null":{"aws:SourceVpc":"true"}}`)}, true, true},
		{[]string{deny(`"Principal":"*",` + bucket + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"v"},"Bool":{"aws:SecureTransport":"false"}}`)}, false, false},
		{[]string{deny(`"Principal":"*",` + bucket + `,"Condition":{"StringNotEquals":{"aws:PrincipalArn":"` + admin + `"}}`)}, false, false},
		{[]string{deny(`"Principal":{"AWS":"` + account + `"},` + bucket)}, false, true},
		{[]string{deny(`"Principal":{"AWS":"210987654321"},` + bucket)}, false, false},
		// Two statements together.
		{[]string{deny(`"Principal":"*","Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::b"`), deny(`"Principal":"*","Action":"s3:DeleteBucketPolicy","Resource":"arn:aws:s3:::b"`)}, true, true},
		{[]string{deny(`"Principal":"*","Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::b"`)}, false, false},
	} {
		p := mustParse(t, Resource, statements(tc.statements...))
		for account, want := range map[string]bool{"": tc.anywhere, "123456789012": tc.in} {
			got := false
			for _, w := range p.WarningsIn(account) {
				got = got || w.Code == "locks-out"
			}
			if got != want {
				t.Errorf("account %q: locks-out %v, want %v: %s", account, got, want, tc.statements)
			}
		}
	}
}
