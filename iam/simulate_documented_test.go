package iam_test

import (
	"strings"
	"testing"
)

// documented is an example that AWS's documentation works out, or a question to
// which the answer follows from one sentence of it.
type documented struct {
	name     string // what it shows
	identity string // statements; Version 2012-10-17 is put around them
	boundary string
	resource string
	session  string
	ask      []string // "answer action resource [key=value|key=[a,b]]..."
}

// awsPages are the pages of the IAM user guide that the examples are taken
// from. Names are theirs.
var awsPages = map[string][]documented{
	"Policy evaluation logic": {
		{name: "Carlos saves a file",
			identity: `{"Sid":"AllowS3ListRead","Effect":"Allow","Action":["s3:GetBucketLocation","s3:GetAccountPublicAccessBlock","s3:ListAccessPoints","s3:ListAllMyBuckets"],"Resource":"arn:aws:s3:::*"},
				{"Sid":"AllowS3Self","Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::carlossalazar/*","arn:aws:s3:::carlossalazar"]},
				{"Sid":"DenyS3Logs","Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::*log*"}`,
			resource: `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/ops/Ada"},"Action":"s3:*","Resource":["arn:aws:s3:::carlossalazar/*","arn:aws:s3:::carlossalazar"]}`,
			ask: []string{
				"explicitDeny s3:PutObject arn:aws:s3:::carlossalazar-logs/file", "allowed s3:PutObject arn:aws:s3:::carlossalazar/file",
				"allowed s3:ListAllMyBuckets arn:aws:s3:::*", "implicitDeny s3:PutObject arn:aws:s3:::elsewhere/file",
				"explicitDeny s3:PutObject arn:aws:s3:::carlossalazar/catalog", // *log* is anywhere in the ARN's last part
			}},
		{name: "either policy suffices within an account",
			identity: `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}`,
			resource: `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/ops/Ada"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::a/*"}`,
			ask:      []string{"allowed s3:GetObject arn:aws:s3:::a/k", "allowed s3:PutObject arn:aws:s3:::a/k", "implicitDeny s3:DeleteObject arn:aws:s3:::a/k"}},
		{name: "explicit and implicit denies",
			identity: `{"Sid":"AllowGetList","Effect":"Allow","Action":["iam:Get*","iam:List*"],"Resource":"*"},{"Sid":"DenyReports","Effect":"Deny","Action":"iam:*Report","Resource":"*"},
				{"Effect":"Allow","Action":"iam:GenerateCredentialReport","Resource":"*"}`,
			ask: []string{
				"allowed iam:GetRole *", "allowed iam:ListUsers *", "implicitDeny iam:CreatePolicy *", "explicitDeny iam:GetOrganizationsAccessReport *",
				"explicitDeny iam:GenerateCredentialReport *",
			}},
	},
	"Permissions boundaries for IAM entities": {
		{name: "Shirley cannot create users",
			identity: `{"Effect":"Allow","Action":"iam:CreateUser","Resource":"*"}`, boundary: `{"Effect":"Allow","Action":["s3:*","cloudwatch:*","ec2:*"],"Resource":"*"}`,
			ask: []string{"implicitDeny iam:CreateUser *", "implicitDeny s3:GetObject arn:aws:s3:::a/k"}},
		{name: "XCompanyBoundaries",
			identity: `{"Effect":"Allow","Action":["s3:*","ec2:*","iam:*","dynamodb:*","sqs:*"],"Resource":"*"}`,
			boundary: `{"Sid":"ServiceBoundaries","Effect":"Allow","Action":["s3:*","cloudwatch:*","ec2:*","dynamodb:*"],"Resource":"*"},
				{"Sid":"AllowIAMConsoleForCredentials","Effect":"Allow","Action":["iam:ListUsers","iam:GetAccountPasswordPolicy"],"Resource":"*"},
				{"Sid":"AllowManageOwnPasswordAndAccessKeys","Effect":"Allow","Action":["iam:*AccessKey*","iam:ChangePassword","iam:GetUser"],"Resource":["arn:aws:iam::*:user/${aws:username}"]},
				{"Sid":"DenyS3Logs","Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::logs","arn:aws:s3:::logs/*"]},
				{"Sid":"DenyEC2Production","Effect":"Deny","Action":"ec2:*","Resource":"arn:aws:ec2:*:*:instance/i-1234567890abcdef0"}`,
			ask: []string{
				"allowed s3:GetObject arn:aws:s3:::a/k", "explicitDeny s3:GetObject arn:aws:s3:::logs/k", "explicitDeny s3:ListBucket arn:aws:s3:::logs",
				"allowed s3:ListBucket arn:aws:s3:::logs2", "allowed iam:ListUsers *", "implicitDeny iam:CreateUser *", "implicitDeny sqs:SendMessage arn:aws:sqs:us-east-1:123456789012:q",
				"allowed iam:CreateAccessKey arn:aws:iam::123456789012:user/Nikhil aws:username=Nikhil", "implicitDeny iam:CreateAccessKey arn:aws:iam::123456789012:user/Nikhil aws:username=Zhang",
				"implicitDeny iam:CreateAccessKey arn:aws:iam::123456789012:user/Nikhil",
				"explicitDeny ec2:StopInstances arn:aws:ec2:us-east-1:123456789012:instance/i-1234567890abcdef0", "allowed ec2:StopInstances arn:aws:ec2:us-east-1:123456789012:instance/i-2",
				"implicitDeny cloudwatch:PutMetricData *",
			}},
		{name: "only with the boundary",
			identity: `{"Effect":"Allow","Action":["iam:CreateUser","iam:PutUserPermissionsBoundary"],"Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::123456789012:policy/XCompanyBoundaries"}}}`,
			ask: []string{
				"allowed iam:CreateUser arn:aws:iam::123456789012:user/N iam:PermissionsBoundary=arn:aws:iam::123456789012:policy/XCompanyBoundaries",
				"implicitDeny iam:CreateUser arn:aws:iam::123456789012:user/N iam:PermissionsBoundary=arn:aws:iam::123456789012:policy/Other", "implicitDeny iam:CreateUser arn:aws:iam::123456789012:user/N",
			}},
		{name: "a user that a resource names is not limited",
			identity: `{"Effect":"Allow","Action":"iam:*","Resource":"*"}`, boundary: `{"Effect":"Allow","Action":"iam:*","Resource":"*"}`,
			resource: `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/ops/Ada"},"Action":["s3:List*","s3:Put*"],"Resource":"arn:aws:s3:::production/*"}`,
			ask:      []string{"allowed s3:PutObject arn:aws:s3:::production/Test", "implicitDeny s3:GetObject arn:aws:s3:::production/Test"}},
	},
	"IAM JSON policy elements: Resource": {
		{name: "wildcards within segments", identity: `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*/test/*"}`,
			ask: []string{
				"allowed s3:GetObject arn:aws:s3:::b/1/test/object.jpg", "allowed s3:GetObject arn:aws:s3:::b/1/2/test/object.jpg", "allowed s3:GetObject arn:aws:s3:::b/1/2/test/3/object.jpg",
				"allowed s3:GetObject arn:aws:s3:::b/1/2/3/test/4/object.jpg", "allowed s3:GetObject arn:aws:s3:::b/1///test///object.jpg", "allowed s3:GetObject arn:aws:s3:::b/1/test/.jpg",
				"allowed s3:GetObject arn:aws:s3:::b//test/object.jpg", "allowed s3:GetObject arn:aws:s3:::b/1/test/", "implicitDeny s3:GetObject arn:aws:s3:::b/1-test/object.jpg",
				"implicitDeny s3:GetObject arn:aws:s3:::b/test/object.jpg", "implicitDeny s3:GetObject arn:aws:s3:::b/1/2/test.jpg",
			}},
		{name: "stars do not cross the colons between segments", identity: `{"Effect":"Allow","Action":"*","Resource":["arn:aws:sqs:*:123456789012:q","arn:aws:iam::123456789012:user/accounting/*"]}`,
			ask: []string{
				"allowed sqs:SendMessage arn:aws:sqs:us-east-2:123456789012:q", "implicitDeny sqs:SendMessage arn:aws:sqs:us-east-2:999999999999:x:123456789012:q",
				"allowed iam:GetUser arn:aws:iam::123456789012:user/accounting/Bob", "implicitDeny iam:GetUser arn:aws:iam::123456789012:user/Bob", "implicitDeny iam:GetUser *",
			}},
	},
	"IAM JSON policy elements: NotResource": {
		{name: "HRPayroll", identity: `{"Effect":"Deny","Action":"s3:*","NotResource":["arn:aws:s3:::HRBucket/Payroll","arn:aws:s3:::HRBucket/Payroll/*"]},{"Effect":"Allow","Action":"*","Resource":"*"}`,
			ask: []string{
				"allowed s3:GetObject arn:aws:s3:::HRBucket/Payroll/may.csv", "allowed s3:GetObject arn:aws:s3:::HRBucket/Payroll", "explicitDeny s3:GetObject arn:aws:s3:::HRBucket/Payrolls",
				"explicitDeny s3:ListBucket arn:aws:s3:::HRBucket", "explicitDeny s3:ListAllMyBuckets arn:aws:s3:::*", "allowed ec2:DescribeInstances *",
			}},
		{name: "Allow with NotResource", identity: `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::HRBucket"}`,
			ask: []string{"implicitDeny s3:ListBucket arn:aws:s3:::HRBucket", "allowed s3:GetObject arn:aws:s3:::HRBucket/k", "allowed iam:PutUserPolicy arn:aws:iam::123456789012:user/Ada", "allowed ec2:DescribeInstances *"}},
		{name: "a variable without a value", identity: `{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/${aws:PrincipalTag/team}/*"}`,
			ask: []string{"implicitDeny s3:GetObject arn:aws:s3:::b/x/k", "allowed s3:GetObject arn:aws:s3:::b/x/k aws:PrincipalTag/team=y", "implicitDeny s3:GetObject arn:aws:s3:::b/x/k aws:PrincipalTag/team=x"}},
	},
	"IAM JSON policy elements: NotAction": {
		{name: "all of S3 but deletion", identity: `{"Effect":"Allow","NotAction":"s3:DeleteBucket","Resource":"arn:aws:s3:::*"}`,
			ask: []string{"allowed s3:GetObject arn:aws:s3:::b/k", "implicitDeny s3:DeleteBucket arn:aws:s3:::b", "implicitDeny ec2:RunInstances arn:aws:ec2:us-east-1:123456789012:instance/i"}},
		{name: "everything but IAM", identity: `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, ask: []string{"allowed s3:GetObject arn:aws:s3:::b/k", "implicitDeny iam:GetUser *", "implicitDeny IAM:getuser *"}},
		{name: "nothing without MFA",
			identity: `{"Sid":"DenyAllUsersNotUsingMFA","Effect":"Deny","NotAction":"iam:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}},{"Effect":"Allow","Action":"*","Resource":"*"}`,
			ask: []string{"explicitDeny s3:GetObject arn:aws:s3:::b/k", "explicitDeny s3:GetObject arn:aws:s3:::b/k aws:MultiFactorAuthPresent=false",
				"allowed s3:GetObject arn:aws:s3:::b/k aws:MultiFactorAuthPresent=true", "allowed iam:GetUser *"}},
	},
	"IAM JSON policy elements: NotPrincipal": {
		{name: "it always denies who has a boundary", identity: `{"Effect":"Allow","Action":"*","Resource":"*"}`, boundary: `{"Effect":"Allow","Action":"*","Resource":"*"}`,
			resource: `{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::123456789012:user/ops/Ada","arn:aws:iam::123456789012:root"]},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`,
			ask:      []string{"explicitDeny s3:GetObject arn:aws:s3:::b/k", "allowed s3:GetObject arn:aws:s3:::c/k"}},
		{name: "it spares whom it lists", identity: `{"Effect":"Allow","Action":"*","Resource":"*"}`,
			resource: `{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::123456789012:user/ops/Ada","arn:aws:iam::123456789012:root"]},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`,
			ask:      []string{"allowed s3:GetObject arn:aws:s3:::b/k"}},
		{name: "it denies the others of an account", identity: `{"Effect":"Allow","Action":"*","Resource":"*"}`,
			resource: `{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::123456789012:user/Bob","arn:aws:iam::123456789012:root"]},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`,
			ask:      []string{"explicitDeny s3:GetObject arn:aws:s3:::b/k"}},
	},
}

// TestDocumented asks what AWS's documentation answers, of both evaluators.
func TestDocumented(t *testing.T) {
	asked := 0
	for _, pages := range []map[string][]documented{awsPages, awsConditions} {
		for page, examples := range pages {
			for _, e := range examples {
				t.Run(page+"/"+e.name, func(t *testing.T) {
					for _, line := range e.ask {
						want, q := e.question(line)
						got, err := q.ours()
						if second := q.decide(); got != want || second != want || err != nil {
							t.Errorf("%s: %s, the second evaluator says %s, %v", line, got, second, err)
						}
						asked++
					}
				})
			}
		}
	}
	if asked < 200 {
		t.Errorf("only %d questions", asked)
	}
}

// question reads a line of ask.
func (d documented) question(line string) (want string, q naiveQuestion) {
	words := strings.Fields(line)
	q = naiveQuestion{caller: naiveCaller{account: caseAccount, arn: caseUser}, action: words[1], target: words[2], keys: map[string]naiveValue{}}
	for _, w := range words[3:] {
		key, text, _ := strings.Cut(w, "=")
		text = strings.ReplaceAll(text, "␣", " ")
		v := naiveValue{values: []string{text}}
		if list, ok := strings.CutPrefix(text, "["); ok {
			v = naiveValue{values: []string{}, list: true}
			if list = strings.TrimSuffix(list, "]"); list != "" {
				v.values = strings.Split(list, ",")
			}
		}
		q.keys[strings.ToLower(key)] = v
	}
	for statements, texts := range map[*string]*[]string{&d.identity: &q.identity, &d.boundary: &q.boundary, &d.resource: &q.resource, &d.session: &q.session} {
		if *statements != "" {
			*texts = []string{`{"Version":"2012-10-17","Statement":[` + *statements + `]}`}
		}
	}
	return words[0], q
}
