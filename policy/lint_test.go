package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWarnings(t *testing.T) {
	const object, condition = `"Resource":"arn:aws:s3:::b/*"`, `"Resource":"*","Condition":`
	const lockedOut = "locks-out: this Deny locks everybody out of the bucket, the administrator too: nobody could change or delete the policy again; " +
		"write a Condition, name whom it is about in Principal, or deny fewer actions"
	for _, tc := range []struct {
		kind      Kind
		statement string
		want      []string // code: line
	}{
		{Identity, `{"Effect":"Allow","Action":"s3:GetObject",` + object + `}`, nil},
		{Identity, `{"Effect":"Allow","Action":["s3:HeadBucket"],"Resource":"*"}`, []string{"not-an-action: s3:HeadBucket is an API call and no action; write s3:ListBucket"}},
		{Identity, `{"Effect":"Allow","Action":"s3:GetObjects",` + object + `}`, []string{"unknown-action: s3 has no action GetObjects; write s3:GetObject"}},
		{Identity, `{"Effect":"Allow","Action":"S3:Fetch",` + object + `}`, []string{"unknown-action: s3 has no action Fetch"}},
		{Identity, `{"Effect":"Allow","Action":"s3:Fetch*",` + object + `}`, []string{"unknown-action: no action of s3 matches s3:Fetch*"}},
		{Identity, `{"Effect":"Allow","Action":["kms:Decryptt","S3:getobject","s3:G?t*","iam:*","logs:PutLogEvents"],"Resource":"*"}`, nil},
		{Identity, `{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*"}`, []string{
			"wrong-kind: iot:AssumeRoleWithCertificate is decided by the IoT policies of the certificate only; put it into an IoT policy that is attached to the certificate"}},
		{IoT, `{"Effect":"Allow","Action":["iot:AssumeRoleWithCertificate","iot:Connect"],"Resource":"*"}`, nil},
		{Identity, `{"Effect":"Allow","Action":"s3:${aws","Resource":"*"}`, []string{"literal-variable: a variable in an action is plain text: s3:${aws"}},

		// Buckets and objects.
		{Identity, `{"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":"arn:aws:s3:::vincent-iot/*"}`, []string{
			"bucket-or-object: s3:ListBucket is decided on the bucket, and only objects are named here; add arn:aws:s3:::vincent-iot"}},
		{Identity, `{"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":"arn:aws:s3:::b"}`, []string{
			"bucket-or-object: s3:GetObject is decided on objects, and only buckets are named here; add arn:aws:s3:::b/*"}},
		{Identity, `{"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}`, nil},
		{Identity, `{"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":"arn:aws:s3:::b*"}`, nil},
		{Identity, `{"Effect":"Allow","Action":["s3:ListBucket"],"Resource":"arn:aws:s3:::${aws:PrincipalTag/x}"}`, nil},

		// Keys and variables.
		{Identity, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${credentails-iot:ThingName}/*"}`, []string{
			"unknown-variable: nothing here gives ${credentails-iot:ThingName} a value; write ${credentials-iot:ThingName}"}},
		{Identity, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${iot: thingName}/*"}`, []string{
			"old-spelling: ${iot:thingName} is an older spelling; write ${credentials-iot:ThingName}"}},
		{Identity, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${iot:Connection.Thing.ThingName}/*"}`, []string{
			"unknown-variable: ${iot:Connection.Thing.ThingName} never has a value in policies of kind identity; write ${credentials-iot:ThingName}"}},
		{IoT, `{"Effect":"Allow","Action":"iot:*","Resource":"arn:aws:iot:*:*:rolealias/${credentials-iot:ThingName}"}`, []string{
			"unknown-variable: ${credentials-iot:ThingName} works in policies of a role only; write ${iot:Connection.Thing.ThingName}"}},
		{IoT, `{"Effect":"Allow","Action":"iot:Connect","Resource":"arn:aws:iot:*:*:client/${iot:ClientId}"}`, nil},

		// What is of a role in an IoT policy.
		{IoT, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${credentials-iot:ThingName}"}`, []string{
			"wrong-kind: s3:* means nothing in an IoT policy; put it into a policy of the role that the role alias stands for",
			"unknown-variable: ${credentials-iot:ThingName} works in policies of a role only; write ${iot:Connection.Thing.ThingName}"}},
		{IoT, `{"Effect":"Deny","Action":["iot:Connect","IOT:*","*","greengrass:*","s3:HeadBucket"],"Resource":"*"}`, []string{
			"wrong-kind: s3:HeadBucket means nothing in an IoT policy; put it into a policy of the role that the role alias stands for"}},
		{IoT, `{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`, []string{
			"wrong-kind: s3:* means nothing in an IoT policy; put it into a policy of the role that the role alias stands for"}},
		{IoT, `{"Effect":"Allow","Action":"iot:Connect","Resource":"arn:aws:iot:*:*:client/${credentials-iot:AwsCertificateId}"}`, []string{
			"unknown-variable: ${credentials-iot:AwsCertificateId} works in policies of a role only"}},
		{IoT, `{"Effect":"Allow","Action":"iot:Connect","Resource":"*","Condition":{"StringEquals":{"credentials-iot:ThingTypeName":"x"}}}`, []string{
			"unsupplied-key: credentials-iot:ThingTypeName works in policies of a role only; write iot:Connection.Thing.ThingTypeName"}},
		{IoT, `{"Effect":"Allow","NotAction":"iot:Connect","Resource":"arn:aws:iot:*:*:rolealias/${iot:ClientId}"}`, []string{
			"unknown-variable: nothing here gives ${iot:ClientId} a value"}},
		{IoT, `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iot:*:*:rolealias/${iot:Connection.Thing.Attributes[site]}-${iot:Certificate.Subject.CommonName.2}"}`, nil},
		{Identity, `{"Effect":"Deny","Action":"s3:GetObject",` + condition + `{"StringEquals":{"s3:ExistingObjectTag/x":"y"}}}`, nil},
		{Identity, `{"Effect":"Deny","Action":"s3:GetObject",` + condition + `{"StringEquals":{"s3:ExistingObjectTags/x":"y"}}}`, []string{
			"unsupplied-key: nothing here gives s3:ExistingObjectTags/x a value; write s3:ExistingObjectTag/x"}},
		{Identity, `{"Effect":"Deny","Action":["logs:*","IAM:get*"],` + condition + `{"StringEquals":{"aws:SourceVpc":"y"}}}`, []string{
			"unsupplied-key: nothing here gives aws:SourceVpc a value"}},
		{Identity, `{"Effect":"Deny","Action":"s3:*",` + condition + `{"StringEquals":{"aws:PrincipleTag/team/x":"y"}}}`, []string{
			"unsupplied-key: nothing here gives aws:PrincipleTag/team/x a value; write aws:PrincipalTag/team/x"}},
		{Identity, `{"Effect":"Deny","Action":["logs:*","kms:Decrypt","s3express:*"],` + condition + `{"StringEquals":{"made:Up":"y"}}}`, nil},
		{Identity, `{"Effect":"Deny","NotAction":["s3:*","IAM:*","iot:*","sts:*"],` + condition + `{"StringEquals":{"made:Up":"y"}}}`, nil},
		{Identity, `{"Effect":"Deny","Action":"s3:*",` + condition + `{"StringEquals":{"aws:SourceArn":"y"}}}`, []string{
			"unsupplied-key: aws:SourceArn never has a value in policies of kind identity"}},
		{Identity, `{"Effect":"Deny","Action":"s3:*",` + condition + `{"StringEquals":{"aws:RequestTag/":"y"," aws:username":"x"}}}`, []string{
			"unsupplied-key: nothing here gives aws:RequestTag/ a value", "unsupplied-key: nothing here gives  aws:username a value; write aws:username"}},
		{Session, `{"Effect":"Deny","Action":"s3:*",` + condition + `{"StringEquals":{"AWS:PrincipalTag/Team":"y","credentials-iot:thingattribute/a":"x"}}}`, nil},
		{Trust, `{"Effect":"Deny","Action":"sts:*","Principal":"*","Condition":{"StringEquals":{"aws:ResourceTag/a":"x","aws:SourceArn":"y","aws:RequestTag/a":"${aws:PrincipalTag/a, ''}"}}}`, nil},
		{Trust, `{"Effect":"Deny","Action":"sts:*","Principal":"*","Condition":{"StringEquals":{"credentials-iot:ThingName":"x"}}}`, []string{
			"unsupplied-key: credentials-iot:ThingName never has a value in policies of kind trust; write iot:Connection.Thing.ThingName"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username,'x'}"}`, []string{
			"no-default: ${aws:username,'x'} is no variable; write ${aws:username, 'text'} for a default: a comma, one space, quotes"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:TagKeys}"}`, []string{
			"list-variable: ${aws:TagKeys} has no value: a key with several values is no variable"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*",` + condition + `{"StringLike":{"credentials-iot:ThingGroups":"x"}}}`, []string{
			"list-without-set: credentials-iot:ThingGroups has several values, so StringLike never holds; write ForAnyValue:StringLike or ForAllValues:StringLike"}},

		// Places without variables.
		{Identity, `{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:${aws:x}:q"}`, []string{
			"literal-variable: a variable before the fifth colon of an ARN is plain text: arn:aws:sqs:*:${aws:x}:q; write * or the value there"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*",` + condition + `{"NumericEquals":{"s3:max-keys":"${aws:username}"}}}`, []string{
			"literal-variable: with NumericEquals a variable is plain text: ${aws:username}"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*",` + condition + `{"StringEquals":{"aws:PrincipalTag/${aws:username}":"x"}}}`, []string{
			"literal-variable: a variable in the name of a condition key is plain text: aws:PrincipalTag/${aws:username}"}},

		// Denies that lose their variable.
		{Identity, `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}"}`, []string{
			"deny-loses-variable: this Deny does not apply when a variable in its Resource has no value: arn:aws:s3:::b/${aws:username}; give the variable a default, or deny with NotResource or a negated condition"}},
		{Identity, `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username, 'x'}/${aws:userid}"}`, nil},
		{Identity, `{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b/${aws:username}"}`, nil},
		{Identity, `{"Effect":"Deny","Action":"s3:*",` + condition + `{"StringEquals":{"s3:prefix":"${aws:username}"}}}`, []string{
			"deny-loses-variable: this Deny does not apply when a variable in its condition has no value: ${aws:username}; give the variable a default, or use a negated operator"}},
		{Identity, `{"Effect":"Deny","Action":"s3:*",` + condition + `{"StringNotEquals":{"s3:prefix":"${aws:username}"}}}`, nil},

		// Values.
		{Identity, `{"Effect":"Allow","Action":"s3:*",` + condition + `{"NumericEquals":{"s3:max-keys":["1e3","5"]}}}`, []string{"no-number: 1e3 is no number, so it compares with nothing"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*",` + condition + `{"IpAddress":{"aws:SourceIp":["10.0.0.0/33","::1"]}}}`, []string{
			"no-address: 10.0.0.0/33 is neither an IP address nor a CIDR block, so it compares with nothing"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*",` + condition + `{"BinaryEquals":{"aws:referer":["AA==","*"]}}}`, []string{"no-base64: * is not base64, so it compares with nothing"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*",` + condition + `{"Bool":{"aws:SecureTransport":["TRUE","yes"]}}}`, []string{
			"no-boolean: yes is neither true nor false, so it compares with nothing"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*",` + condition + `{"ArnLike":{"aws:PrincipalArn":["*","arn:aws:iam:*","arn:aws:iam::1:role/x"]}}}`, []string{
			"no-arn: arn:aws:iam:* is no ARN of six segments, so ArnLike compares it with nothing; write the first five colons"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*",` + condition + `{"StringEquals":{"s3:prefix":["home/*","${*}","x"]}}}`, []string{
			"literal-wildcard: with StringEquals a wildcard is plain text: home/*; write StringLike"}},
		{Identity, `{"Effect":"Allow","Action":"s3:*",` + condition + `{"StringEquals":{"s3:prefix":[]}}}`, []string{"no-values: StringEquals on s3:prefix has no values to compare with"}},
		{Identity, `{"Effect":"Allow","Action":"iam:*",` + condition + `{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}}`, []string{
			`all-of-nothing: ForAllValues:StringEquals holds when aws:TagKeys is absent; add "Null": {"aws:TagKeys": "false"} if it must be present`}},
		{Identity, `{"Effect":"Allow","Action":"iam:*",` + condition + `{"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:tagkeys":"false"}}}`, nil},
		{Identity, `{"Effect":"Allow","Action":"s3:ListBucket",` + condition + `{"StringLikeIfExists":{"s3:prefix":"a/*"}}}`, []string{
			"whole-list: StringLikeIfExists holds when s3:prefix is absent, so the whole bucket may be listed; write StringLike"}},
		{Identity, `{"Effect":"Allow","Action":"s3:ListBucket",` + condition + `{"StringLikeIfExists":{"s3:prefix":"a/*"},"Null":{"s3:prefix":"false"}}}`, nil},
		{Identity, `{"Effect":"Deny","Action":"s3:ListBucket",` + condition + `{"StringLikeIfExists":{"s3:prefix":"a/*"}}}`, nil},
		{Resource, `{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"s3:GetObject",` + object + `}`, []string{
			"allow-not-principal: Allow with NotPrincipal allows everybody else, anonymous callers too; name those who may in Principal"}},

		// Denies that leave nobody who could take them back.
		{Resource, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}`, []string{lockedOut}},
		{Resource, `{"Effect":"Deny","Principal":{"AWS":["123456789012","*"]},"Action":["s3:Put*","s3:Delete*"],"Resource":"arn:aws:s3:::b*"}`, []string{lockedOut}},
		{Resource, `{"Effect":"Deny","Principal":"*","NotAction":"s3:GetObject","NotResource":"arn:aws:s3:::b/open/*"}`, []string{lockedOut}},
		{Resource, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`, nil},
		{Resource, `{"Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"arn:aws:s3:::b"}`, nil},
		{Resource, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}}`, []string{
			"unsupplied-key: nothing here gives aws:SourceVpce a value"}},
		{Resource, `{"Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::b"}`, nil},
		{Resource, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, nil},
	} {
		var got []string
		for _, w := range mustParse(t, tc.kind, statements(tc.statement)).Warnings() {
			got = append(got, w.Code+": "+w.String())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s\n%s", tc.kind, tc.statement, diff)
		}
	}
}

// A warning names its statement; without the Version no variable is one.
func TestWarningPlaces(t *testing.T) {
	p := mustParse(t, Identity, `{"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"},
		{"Sid":"own","Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/${aws:username}"],"Condition":{"StringLike":{"s3:prefix":"${aws:username}"}}}]}`)
	want := []Warning{
		{"literal-variable", 1, "own", "without Version 2012-10-17 a variable is plain text: arn:aws:s3:::b/${aws:username}", `write "Version": "2012-10-17"`},
		{"literal-variable", 1, "own", "without Version 2012-10-17 a variable is plain text: ${aws:username}", `write "Version": "2012-10-17"`},
	}
	if diff := cmp.Diff(want, p.Warnings()); diff != "" {
		t.Error(diff)
	}
	if w := (*Policy)(nil).Warnings(); w != nil {
		t.Errorf("%v", w)
	}
	if w := new(Policy).Warnings(); w != nil {
		t.Errorf("%v", w)
	}
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"credentails", "credentials", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"a", "abcd", 5}} {
		if got := distance(tc.a, tc.b); got != tc.want {
			t.Errorf("%s, %s: %d", tc.a, tc.b, got)
		}
	}
}
