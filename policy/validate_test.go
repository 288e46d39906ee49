package policy

import (
	"errors"
	"strings"
	"testing"
)

// with makes an identity policy of one sound statement and more members, which
// replace the sound ones of the same name.
func with(members string) string {
	s := `"Effect":"Allow"`
	for name, member := range map[string]string{`Action"`: `"Action":"s3:ListBucket"`, `Resource"`: `"Resource":"arn:aws:s3:::b"`} {
		if !strings.Contains(members, name) {
			s += "," + member
		}
	}
	if strings.Contains(members, `"Effect"`) {
		s = strings.TrimPrefix(s, `"Effect":"Allow",`)
	}
	return statements("{" + strings.TrimSuffix(s+","+members, ",") + "}")
}

const (
	legacy     = "The policy failed legacy parsing"
	preface    = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	iamPathErr = `IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`
	sameSids   = "Statement IDs (SID) in a single policy must be unique."
	noActions  = "Policy statement must contain actions."
)

func TestRefusedIdentity(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		// Syntax.
		{"", syntaxErrors},
		{"This is not a json document", syntaxErrors},
		{"[]", syntaxErrors},
		{`"x"`, syntaxErrors},
		{with("") + "x", syntaxErrors},
		{with("") + with(""), syntaxErrors},
		{strings.Replace(with(""), "2012-10-17", "2013-10-17", 1), syntaxErrors},
		{strings.Replace(with(""), `"2012-10-17"`, "2012", 1), syntaxErrors},
		{`{"Version":"2012-10-17"}`, syntaxErrors},
		{`{"Version":"2012-10-17","Statement":[]}`, syntaxErrors},
		{`{"Version":"2012-10-17","Statement":"x"}`, syntaxErrors},
		{statements(`"afd"`), syntaxErrors},
		{strings.Replace(with(""), `{"Version"`, `{"Extra":1,"Version"`, 1), syntaxErrors},
		{strings.Replace(with(""), `{"Version"`, `{"version":"2012-10-17","Version"`, 1), syntaxErrors},
		{strings.Replace(with(""), `{"Version"`, `{"Version":"2012-10-17","Version"`, 1), syntaxErrors},
		{strings.Replace(with(""), `{"Version"`, `{"Id":["x"],"Version"`, 1), syntaxErrors},
		{with(`"Extra":"value"`), syntaxErrors},
		{with(`"Effect":"invalid"`), syntaxErrors},
		{with(`"Effect":1`), syntaxErrors},
		{statements(`{"Action":"s3:ListBucket","Resource":"*"}`), syntaxErrors},
		{with(`"Action":"s3:a","NotAction":"s3:b"`), syntaxErrors},
		{with(`"NotAction":"s3:a","Action":[]`), syntaxErrors},
		{with(`"Resource":"*","NotResource":[]`), syntaxErrors},
		{with(`"Action":"s3:a","Action":"s3:b"`), syntaxErrors},
		{with(`"Action":{}`), syntaxErrors},
		{with(`"Action":[[]]`), syntaxErrors},
		{with(`"Action":null`), syntaxErrors},
		{with(`"Action":[null]`), syntaxErrors},
		{with(`"Resource":{"a":"arn:aws:s3:::b"}`), syntaxErrors},
		{with(`"Resource":["adfdf",{}]`), syntaxErrors},
		{with(`"Resource":null`), syntaxErrors},
		{with(`"Sid":{}`), syntaxErrors},
		{with(`"Sid":[]`), syntaxErrors},
		{with(`"Condition":[]`), syntaxErrors},
		{with(`"Condition":"a"`), syntaxErrors},
		{with(`"Condition":{"a":"b"}`), syntaxErrors},
		{with(`"Condition":{"DateGreaterThan":[]}`), syntaxErrors},
		{with(`"Condition":{"DateGreaterThan":{"a":{}}}`), syntaxErrors},
		{with(`"Condition":{"StringEquals":{"a":null}}`), syntaxErrors},
		{with(`"Condition":{"x":{"a":"1"}}`), syntaxErrors},
		{with(`"Condition":{"stringequals":{"a":"1"}}`), syntaxErrors},
		{with(`"Condition":{"ForAnyValue::StringEqualsIfExists":{"a":"asf"}}`), syntaxErrors},
		{with(`"Condition":{"ForAnyValue:":{"a":"asf"}}`), syntaxErrors},
		{with(`"Condition":{"NullIfExists":{"a":"true"}}`), syntaxErrors},
		{with(`"Condition":{"Null":{"a":"maybe"}}`), syntaxErrors},
		{with(`"Condition":{"StringEquals":{"a":"1","a":"2"}}`), syntaxErrors},
		{with(`"Condition":{"StringEquals":{"a":"1"},"StringEquals":{"b":"2"}}`), syntaxErrors},
		{with(`"Sid":"` + "\u4e2d" + `"`), syntaxErrors},
		{with(`"Sid":"` + "\xff" + `"`), syntaxErrors},
		{strings.Repeat(`{"Statement":`, 5000), syntaxErrors},
		{strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000), syntaxErrors},
		{with(`"Condition":{"StringEquals":{"a":[[[["x"]]]]}}`), syntaxErrors},
		{with("") + strings.Repeat(" ", MaxText), syntaxErrors},
		// Legacy parsing.
		{with(`"Effect":"denY"`), legacy},
		{with(`"Effect":"allow","Resource":"arn:aws:s3:us-east-1::b"`), legacy},
		{with(`"Condition":{"DateGreaterThan":{"a":"sdfdsf"}}`), legacy},
		{with(`"Condition":{"DateLessThanEquals":{"a":"234-13"}}`), legacy},
		{with(`"Condition":{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.593194+1"}}`), legacy},
		{with(`"Condition":{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.1999999999+10:59"}}`), legacy},
		{with(`"Condition":{"DateLessThan":{"a":"9223372036854775808"}}`), legacy},
		{with(`"Condition":{"DateGreaterThan":{"a":"x"}},"Resource":"arn:error:s3:::b"`), legacy},
		{with(`"Resource":"arn:aws:s3::b"`), legacy},
		{with(`"NotResource":"arn:aws:s3::b"`), legacy},
		{with(`"NotAction":"s3:x","Resource":"arn:aws::::b"`), legacy},
		{with(`"Resource":"arn:aws::fdsasf"`), legacy},
		{statements(`{"Effect":"Allow","Resource":"arn:aws:s3::b"}`), legacy},
		{statements(`{"Sid":"sdf","Effect":"aLLow","Action":"s3:a","Resource":"*"}`, `{"Sid":"sdf","Effect":"Allow"}`), legacy},
		// Sids, actions, resources, in this order.
		{statements(`{"Sid":"sdf","Effect":"Allow","Action":"s3:a","Resource":"*"}`, `{"Sid":"sdf","Effect":"Allow"}`), sameSids},
		{with(`"Sid":"a b"`), "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
		{with(`"Principal":"*"`), "Policy document should not specify a principal."},
		{with(`"NotPrincipal":{"AWS":"123456789012"}`), "Policy document should not specify a principal."},
		{statements(`{"Effect":"Allow"}`), noActions},
		{statements(`{"Effect":"Deny"}`, `{"Effect":"Allow","Action":"s3:a","Resource":"*"}`), noActions},
		{with(`"Action":[]`), noActions},
		{with(`"Resource":"invalid resource"`), `Resource invalid resource must be in ARN format or "*".`},
		{with(`"Resource":""`), `Resource  must be in ARN format or "*".`},
		{with(`"Action":"s:3:a","Resource":"sdfsadf"`), `Resource sdfsadf must be in ARN format or "*".`},
		{with(`"Resource":"a:bsdfdsafsad"`), `Partition "bsdfdsafsad" is not valid for resource "arn:bsdfdsafsad:*:*:*:*".`},
		{with(`"Resource":"a:b:cadfsdf"`), `Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*".`},
		{with(`"Resource":"a:b:c:d:e:f:g:h"`), `Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".`},
		{with(`"Resource":"arn:${ARN_PARTITION}:s3:::b"`), `Partition "${ARN_PARTITION}" is not valid for resource "arn:${ARN_PARTITION}:s3:::b".`},
		{with(`"Resource":"arn:aws*:s3:::b"`), `Partition "aws*" is not valid for resource "arn:aws*:s3:::b".`},
		{with(`"Resource":"aws:s3:::b"`), `Partition "s3" is not valid for resource "arn:s3:::b:*".`},
		{with(`"Resource":["arn:error:s3:::b","arn:error:s3::b"]`), `Partition "error" is not valid for resource "arn:error:s3:::b".`},
		{with(`"Resource":"x:aws:s3:::b"`), `Resource x:aws:s3:::b must be in ARN format or "*".`},
		{with(`"Resource":"arn:aws"`), "Resource vendor must be fully qualified and cannot contain regexes."},
		{with(`"Resource":"arn:aws:s*:::b"`), "Resource vendor must be fully qualified and cannot contain regexes."},
		{with(`"Resource":"arn:aws:iam:::b"`), iamPathErr},
		{with(`"Resource":"arn:aws:iam::123456789012:u*"`), iamPathErr},
		{with(`"Resource":"arn:aws:iam:us-east-1::b"`), "IAM resource arn:aws:iam:us-east-1::b cannot contain region information."},
		{with(`"Resource":"arn:aws:s3:us-east-1::b"`), "Resource arn:aws:s3:us-east-1::b can not contain region information."},
		{with(`"Action":"invalid"`), preface},
		{with(`"NotAction":""`), preface},
		{statements(`{"Effect":"Allow","Action":"invalid"}`), preface},
		{with(`"Action":"s3:List:Bucket"`), "Actions/Condition can contain only one colon."},
		{with(`"Action":"a a:ListBucket"`), "Vendor a a is not valid"},
		{with(`"Action":"s*:ListBucket"`), "Vendor s* is not valid"},
		{with(`"Action":"**:*"`), "Vendor ** is not valid"},
		{with(`"Action":":x"`), "Vendor  is not valid"},
		{statements(`{"Effect":"Allow","Action":"s3:a"}`), "Policy statement must contain resources."},
		{with(`"Resource":[]`), "Policy statement must contain resources."},
		{with(`"NotResource":[null]`), "Policy statement must contain resources."},
		// What cannot be evaluated.
		{with(`"Resource":"arn:aws:s3:::b/${abc"`), `Policy variable in "b/${abc" has no key or does not end with "}".`},
		{with(`"Resource":"arn:aws:s3:::b/${ }"`), `Policy variable in "b/${ }" has no key or does not end with "}".`},
		{with(`"Resource":"arn:aws:s3:::b/${a${aws:b}}"`), `Policy variable in "b/${a${aws:b}}" has no key or does not end with "}".`},
		{with(`"Condition":{"StringLike":{"a":"${x, 'y"}}`), `Policy variable in "${x, 'y" has no key or does not end with "}".`},
	} {
		wantRefused(t, Identity, tc.text, tc.want)
	}
}

func wantRefused(t *testing.T, kind Kind, text, want string) {
	t.Helper()
	_, err := Parse(kind, text)
	if e, ok := errors.AsType[*Error](err); !ok || e.Message != want {
		t.Errorf("%.200s\n got  %v\n want %s", text, err, want)
	}
}

func TestAcceptedIdentity(t *testing.T) {
	for _, text := range []string{
		with(""),
		strings.Replace(with(""), `"Version":"2012-10-17",`, "", 1),
		strings.Replace(with(""), "2012", "2008", 1),
		strings.Replace(with(""), `{"Version"`, `{"Id":"x","Version"`, 1),
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
		with(`"Action":"iam: asdf safdsf af "`),
		with(`"Action":"aaaaaadsfdsafsadfsadfaaaaa:ListBucket"`),
		with(`"Action":["s3-s:x","s3.s:x"]`),
		with(`"Action":"*:*"`),
		with(`"Resource":["arn:aws:s3:::b","*",null]`),
		with(`"Resource":"arn:aws:fdsasf"`),
		with(`"Resource":"arn:aws:s3:*"`),
		with(`"Resource":"arn:aws:iam:::user/b"`),
		with(`"Resource":"arn:aws:iam::123456789012:*"`),
		with(`"Resource":"arn:aws:s33:::b"`),
		with(`"Resource":"arn:aws:ec2:us-east-1::b"`),
		with(`"Resource":"arn:aws:s3:us-east-1:123456789012:accesspoint/p"`),
		with(`"Resource":"arn:aws:iam::*:user/${aws:username}"`),
		with(`"NotAction":"s3:x","NotResource":"*"`),
		with(`"Condition":{}`),
		with(`"Condition":{"x":{},"y":{}}`),
		with(`"Condition":{"DateGreaterThan":{"aws:CurrentTime":[]}}`),
		with(`"Condition":{"DateGreaterThan":{"aws:CurrentTime":"01T"}}`),
		with(`"Condition":{"DateLessThan":{"aws:CurrentTime":"-292275054"}}`),
		with(`"Condition":{"DateLessThanEquals":{"aws:CurrentTime":"2016-12-13t2:00:00.593194+23"}}`),
		with(`"Condition":{"ForAnyValue:StringEqualsIfExists":{"aws:CurrentTime":"asf"}}`),
		with(`"Resource":["arn:*:s3:::b/*","arn:aws-cn:s3:::b"]`),
		with(`"Resource":"arn:aws:s3::${aws:PrincipalAccount}:b"`),
		with(`"Condition":{"IpAddress":{"a":"10.0.0.0/33"}}`),
		with(`"Condition":{"BinaryEquals":{"a":"***"}}`),
		with(`"Condition":{"Bool":{"aws:CurrentTime":true},"NumericEquals":{"s3:max-keys":[1,2.5]}}`),
		statements(`{"Sid":"","Effect":"Allow","Action":"s3:a","Resource":"*"}`, `{"Sid":"","Effect":"Deny","Action":"s3:b","Resource":"*"}`),
	} {
		mustParse(t, Identity, text)
		mustParse(t, Session, text)
	}
}

func TestRefusedTrust(t *testing.T) {
	trust := func(members string) string { return statements(`{"Effect":"Allow",` + members + `}`) }
	for _, tc := range []struct{ members, want string }{
		{`"Action":"sts:AssumeRole"`, "Missing required field Principal"},
		{`"Action":"sts:AssumeRole","Principal":{}`, "Missing required field Principal"},
		{`"Action":"sts:AssumeRole","Principal":{"AWS":[]}`, "Missing required field Principal"},
		{`"Action":"sts:AssumeRole","Principal":"*","Resource":"*"`, "Has prohibited field Resource"},
		{`"Action":"sts:AssumeRole","Principal":"*","NotResource":"*"`, "Has prohibited field NotResource"},
		{`"Action":"sts:AssumeRole","NotPrincipal":{"AWS":"*"}`, "Has prohibited field NotPrincipal"},
		{`"Action":"sts:AssumeRole","Principal":{"AWS":"*"},"NotPrincipal":{"AWS":"*"}`, syntaxErrors},
		{`"Action":"sts:AssumeRole","Principal":"123456789012"`, syntaxErrors},
		{`"Action":"sts:AssumeRole","Principal":["*"]`, syntaxErrors},
		{`"Action":"sts:AssumeRole","Principal":{"Cloud":"*"}`, syntaxErrors},
		{`"Action":"sts:AssumeRole","Principal":{"AWS":1}`, syntaxErrors},
		{`"Action":"sts:AssumeRole","Principal":{"Federated":"*"}`, `Invalid principal in policy: "FEDERATED":"*"`},
		{`"Action":"sts:AssumeRole","Principal":{"CanonicalUser":"79a5"}`, `Invalid principal in policy: "CANONICALUSER":"79a5"`},
		{`"Action":"sts:AssumeRole","Principal":{"Service":"*"}`, `Invalid principal in policy: "SERVICE":"*"`},
		{`"Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::123456789012:role/dev-*"}`, `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/dev-*"`},
		{`"Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::123456789012:role/a?/b"}`, `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/a?/b"`},
		{`"Action":"sts:AssumeRole","Principal":{"AWS":"1234"}`, `Invalid principal in policy: "AWS":"1234"`},
		{`"Action":"sts:AssumeRole","Principal":{"AWS":""}`, `Invalid principal in policy: "AWS":""`},
		{`"Action":"s3:GetObject","Principal":"*"`, "AssumeRole policy may only specify STS AssumeRole actions."},
		{`"Action":"*","Principal":"*"`, "AssumeRole policy may only specify STS AssumeRole actions."},
		{`"NotAction":"sts:X","Principal":"*"`, "AssumeRole policy may only specify STS AssumeRole actions."},
		{`"Principal":"*"`, noActions},
	} {
		wantRefused(t, Trust, trust(tc.members), tc.want)
	}
	wantRefused(t, IoT, with(`"Principal":"*"`), "Policy document should not specify a principal.")
	wantRefused(t, 0, with(""), "policy kind 0 does not exist")
}

func TestSize(t *testing.T) {
	compact := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:a b\"\\","Resource":"*"}}`
	spaced := strings.NewReplacer(`,"`, " ,\n\t\"", `":`, "\" : ").Replace(compact)
	for _, text := range []string{compact, "\r\n" + spaced + "  "} {
		if got := mustParse(t, Identity, text).Size(); got != len(compact) {
			t.Errorf("Size = %d, want %d of %s", got, len(compact), text)
		}
	}
	accents := strings.Replace(compact, "a b", "é", 1)
	if got := mustParse(t, Identity, accents).Size(); got != len(compact)-2 {
		t.Errorf("Size counts bytes: %d", got)
	}
}

// TestSyntaxErrorPlace: a slip in a long document is found by line and column.
func TestSyntaxErrorPlace(t *testing.T) {
	_, err := Parse(Identity, "{\n \"Version\": \"2012-10-17\",\n}")
	if err == nil || !strings.Contains(err.Error(), "not JSON: line 3, column 1: invalid character '}'") {
		t.Errorf("%v", err)
	}
}

// TestByteOrderMark: what editors put before a text, and quotation marks that
// they put in, are named, for every kind of policy.
func TestByteOrderMark(t *testing.T) {
	for _, kind := range []Kind{Identity, Managed, Trust, Session, Resource, IoT} {
		for text, want := range map[string]string{
			"\ufeff{}":           "begins with a byte order mark (U+FEFF)",
			"\xff\xfe{\x00}\x00": "UTF-16",
			"{\n \u00abVersion\u00bb: \"2012-10-17\"}": "line 2, column 2: invalid character '\u00ab' (U+00AB)",
		} {
			if _, err := Parse(kind, text); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v, want %s", kind, err, want)
			}
		}
	}
}

// TestManagedVersion: a managed policy must have the newer Version, which is
// asked after the syntax and before all else.
func TestManagedVersion(t *testing.T) {
	const want = "Policy document must be version 2012-10-17 or greater."
	mustParse(t, Managed, with(""))
	wantRefused(t, Managed, strings.Replace(with(""), "2012", "2008", 1), want)
	wantRefused(t, Managed, strings.Replace(with(""), `"Version":"2012-10-17",`, "", 1), want)
	wantRefused(t, Managed, strings.Replace(with(`"Effect":"denY"`), "2012", "2008", 1), want)
	wantRefused(t, Managed, strings.Replace(with(`"Effect":"no"`), "2012", "2008", 1), syntaxErrors)
	wantRefused(t, Managed, with(`"Principal":"*"`), "Policy document should not specify a principal.")
	wantRefused(t, Managed+1, with(""), "policy kind 7 does not exist")
}

// TestResourcePolicies: what S3 says of bucket policies is from versity/versitygw
// issues 645 to 650, which quote AWS's answers.
func TestResourcePolicies(t *testing.T) {
	const badPrincipal = "Invalid principal in policy"
	policy := func(members string) string { return statements(`{"Effect":"Allow",` + members + `}`) }
	const rest = `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`
	for _, tc := range []struct{ members, want string }{
		{`"Principal":"*"` + rest, ""},
		{`"Sid":"with spaces","Principal":{"AWS":["123456789012","arn:aws:iam::123456789012:role/p/R"]}` + rest, ""},
		{`"NotPrincipal":{"AWS":"123456789012"}` + rest, ""},
		{`"Principal":{"Federated":["cognito-identity.amazonaws.com","arn:aws:iam::123456789012:oidc-provider/token.actions.example.com"]}` + rest, ""},
		{`"Principal":{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}` + rest, ""},
		{`"Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/€"`, ""},
		{`"Principal":"*","NotAction":"s3:GetObject","NotResource":"arn:aws:s3:::b/*"`, ""},
		{`"Principal":{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1HDMB1FH2TC"}` + rest, ""},
		{`"Principal":{"CanonicalUser":"b970b42360b81c8ddbd79d2f5df0069ba9033c8a79655752abe380cd6d63ba8bcf23384d568fcf89fc49700b5e11a0fd"}` + rest, ""},

		{strings.TrimPrefix(rest, ","), "Missing required field Principal"},
		{`"Principal":{}` + rest, "Missing required field Principal"},
		{`"NotPrincipal":{"AWS":[]}` + rest, "Missing required field Principal"},
		{`"Principal":"*","NotPrincipal":"*"` + rest, syntaxErrors},
		{`"Principal":"123456789012"` + rest, syntaxErrors},
		{`"Principal":{"CanonicalUser":"79a5"}` + rest, badPrincipal},
		{`"Principal":{"AWS":"arn:aws:iam::123456789012:role/*"}` + rest, badPrincipal},
		{`"NotPrincipal":{"AWS":"arn:aws:sts::123456789012:assumed-role/R/*"}` + rest, badPrincipal},
		{`"Principal":{"AWS":"${aws:userid}"}` + rest, badPrincipal},
		{`"Principal":{"AWS":"arn:aws:iam::cloudfront:user/someone"}` + rest, badPrincipal},
		{`"Principal":"*","Action":"s3:GetObject"`, "Missing required field Resource"},
		{`"Principal":"*","Resource":"arn:aws:s3:::b"`, "Missing required field Action"},
		{`"Principal":"*","Action":"GetObject","Resource":"arn:aws:s3:::b/*"`, "Policy has invalid action"},
		{`"Principal":"*","Action":"s3:GetObject","Resource":"b/*"`, "Policy has invalid resource"},
		{`"Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:eu-west-1:123456789012:b/*"`, "Policy has invalid resource"},
	} {
		if tc.want == "" {
			mustParse(t, Resource, policy(tc.members))
			continue
		}
		wantRefused(t, Resource, policy(tc.members), tc.want)
	}
	wantRefused(t, Resource, `{"Version":"2012-10-17","Statement":[]}`, "Could not parse the policy: Statement is empty!")
	wantRefused(t, Resource, statements(`{"Effect":"hello","Principal":"*"`+rest+`}`), "Invalid effect: hello")
	wantRefused(t, Resource, statements(`{"Effect":"allow","Principal":"*"`+rest+`}`), "Invalid effect: allow")
	wantRefused(t, Resource, statements(`{"Principal":"*"`+rest+`}`), "Missing required field Effect")
}

// TestSids: each kind has the rule of the service that keeps it. The ids with
// punctuation are of AWS's own bucket policies (S3 user guide:
// privatelink-interface-endpoints, example-bucket-policies-vpc-endpoint,
// replication-walkthrough-3, amazon-s3-policy-keys, example-bucket-policies; IAM
// user guide: reference_policies_condition-keys), the rule of IAM is of its
// guide, "IAM JSON policy elements: Sid".
func TestSids(t *testing.T) {
	document := func(kind Kind, sid string) string {
		rest := `"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`
		switch kind {
		case Trust:
			rest = `"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"`
		case Resource:
			rest += `,"Principal":"*"`
		}
		return statements(`{"Sid":"`+sid+`",`+rest+`}`, `{"Sid":"2",`+rest+`}`, `{"Sid":"","Effect":"Allow"`+strings.TrimPrefix(rest, `"Effect":"Allow"`)+`}`)
	}
	for _, sid := range []string{
		"Access-to-specific-VPCE-only", "Access-to-specific-bucket-only", "destination_bucket_policy_sid", "Expected-network+service-principal",
		"Deny your user permission to upload object if copy source is not /bucket/folder", "Allow only GET requests originating from www.example.com and example.com.",
		"AWSConsoleStmt-1600000000000", "S3PolicyStmt-DO-NOT-MODIFY-1600000000000", "<SetRetentionPeriod", "a_b", "x+y", "a:b", "é", "€",
	} {
		for _, kind := range []Kind{Resource, IoT} {
			mustParse(t, kind, document(kind, sid))
		}
		for _, kind := range []Kind{Identity, Managed, Session, Trust} {
			want := "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
			if sid == "€" {
				want = syntaxErrors // no character of IAM's documents
			}
			wantRefused(t, kind, document(kind, sid), want)
		}
	}
	for _, kind := range []Kind{Identity, Managed, Session, Trust, Resource} {
		mustParse(t, kind, document(kind, "Az09"))
		wantRefused(t, kind, document(kind, "2"), sameSids)
	}
	mustParse(t, IoT, document(IoT, "2"))
}
