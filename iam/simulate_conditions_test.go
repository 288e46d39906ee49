package iam_test

import "strings"

// allowIf is a statement that allows everything under a condition.
func allowIf(condition string) string {
	return `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + condition + `}}`
}

// denyIf allows everything, and denies it under a condition.
func denyIf(condition string) string {
	return `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{` + condition + `}}`
}

// given asks about one object with these keys each: "answer: keys; keys".
func given(answers ...string) []string {
	var ask []string
	for _, line := range answers {
		want, keys, _ := strings.Cut(line, ":")
		for set := range strings.SplitSeq(keys, ";") {
			ask = append(ask, want+" s3:GetObject arn:aws:s3:::b/k "+strings.TrimSpace(set))
		}
	}
	return ask
}

const (
	yes  = "allowed:"
	no   = "implicitDeny:"
	deny = "explicitDeny:"
)

var awsConditions = map[string][]documented{
	"IAM JSON policy elements: Condition operators": {
		{name: "StringEquals", identity: allowIf(`"StringEquals":{"aws:PrincipalTag/job-category":"iamuser-admin"}`),
			ask: given(yes+"aws:PrincipalTag/job-category=iamuser-admin; aws:principaltag/JOB-Category=iamuser-admin", no+"aws:PrincipalTag/job-category=IAMUSER-admin; aws:PrincipalTag/job-category=iamuser-admin2; x:y=z")},
		{name: "StringNotEquals is true without the key", identity: allowIf(`"StringNotEquals":{"x:key":["a","b"]}`), ask: given(yes+"x:key=c; x:key=A; x:key=; other:k=a", no+"x:key=a; x:key=b")},
		{name: "StringEqualsIgnoreCase", identity: allowIf(`"StringEqualsIgnoreCase":{"x:key":"Finance"}`), ask: given(yes+"x:key=FINANCE; x:key=finance", no+"x:key=finances; other:k=a")},
		{name: "StringLike is about the whole text", identity: allowIf(`"StringLike":{"s3:prefix":["","home/","home/${aws:username}/"]}`),
			ask: given(yes+"s3:prefix=; s3:prefix=home/; s3:prefix=home/Ada/ aws:username=Ada", no+"s3:prefix=home; s3:prefix=home/Ada/ aws:username=Bob; s3:prefix=home/Ada/; aws:username=Ada; s3:prefix=home/Ada/x aws:username=Ada")},
		{name: "a value is not a pattern", identity: allowIf(`"StringLike":{"s3:prefix":"home/${aws:username}/*"}`), ask: given(yes+"s3:prefix=home/*/x aws:username=*", no+"s3:prefix=home/Ada/x aws:username=*; s3:prefix=home/Ada/x aws:username=A?a")},
		{name: "StringEquals has no wildcards", identity: allowIf(`"StringEquals":{"x:key":"a*"}`), ask: given(yes+"x:key=a*", no+"x:key=ab; x:key=a")},
		{name: "StringNotLike", identity: denyIf(`"StringNotLike":{"x:key":["team-*","ops"]}`), ask: given(yes+"x:key=team-a; x:key=ops", deny+"x:key=Team-a; x:key=opsx; other:k=a")},
		{name: "NumericLessThanEquals", identity: allowIf(`"NumericLessThanEquals":{"s3:max-keys":"10"}`), ask: given(yes+"s3:max-keys=10; s3:max-keys=1; s3:max-keys=-5; s3:max-keys=9.99", no+"s3:max-keys=11; s3:max-keys=10.01; s3:max-keys=5abc; s3:max-keys=; other:k=1")},
		{name: "numbers are exact", identity: allowIf(`"NumericEquals":{"x:n":"9007199254740993"}`), ask: given(yes+"x:n=9007199254740993; x:n=9007199254740993.0", no+"x:n=9007199254740992; x:n=9007199254740994")},
		{name: "NumericNotEquals", identity: allowIf(`"NumericNotEquals":{"x:n":["1.20","3"]}`), ask: given(yes+"x:n=2; x:n=three; other:k=1", no+"x:n=1.2; x:n=3.0; x:n=3")},
		{name: "DateGreaterThan", identity: allowIf(`"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:01Z"}`),
			ask: given(yes+"aws:TokenIssueTime=2020-01-01T00:00:02Z; aws:TokenIssueTime=1577836802; aws:TokenIssueTime=2021-01-01; aws:TokenIssueTime=2020-01-01T00:00:01.5Z; aws:TokenIssueTime=2020-01-01T00:00:00-01:00",
				no+"aws:TokenIssueTime=2020-01-01T00:00:01Z; aws:TokenIssueTime=1577836801; aws:TokenIssueTime=2020-01-01; other:k=1; aws:TokenIssueTime=2020-01-01T01:00:01+01:00; aws:TokenIssueTime=tomorrow")},
		{name: "epoch seconds in the policy", identity: allowIf(`"DateLessThan":{"aws:CurrentTime":"1577836801"}`), ask: given(yes+"aws:CurrentTime=2020-01-01T00:00:00Z; aws:CurrentTime=1577836800", no+"aws:CurrentTime=2020-01-01T00:00:01Z; aws:CurrentTime=2020-06-01")},
		{name: "between two dates", identity: allowIf(`"DateGreaterThan":{"aws:CurrentTime":"2020-04-01T00:00:00Z"},"DateLessThan":{"aws:CurrentTime":"2020-06-30T23:59:59Z"}`),
			ask: given(yes+"aws:CurrentTime=2020-05-01T12:00:00Z", no+"aws:CurrentTime=2020-03-31T23:59:59Z; aws:CurrentTime=2020-06-30T23:59:59Z; other:k=1")},
		{name: "DateNotEquals with what is no date", identity: allowIf(`"DateNotEquals":{"x:d":"2020-04-01T00:00:00Z"}`), ask: given(yes+"x:d=yesterday; x:d=2020-04-02; other:k=1", no+"x:d=2020-04-01; x:d=2020-04-01T02:00:00+02:00")},
		{name: "Bool", identity: denyIf(`"Bool":{"aws:SecureTransport":"false"}`), ask: given(yes+"aws:SecureTransport=true; other:k=1; aws:SecureTransport=0", deny+"aws:SecureTransport=false; aws:SecureTransport=FALSE; aws:SecureTransport=False")},
		{name: "Bool written as JSON", identity: allowIf(`"Bool":{"aws:SecureTransport":true}`), ask: given(yes+"aws:SecureTransport=true", no+"aws:SecureTransport=false; aws:SecureTransport=1; other:k=1")},
		{name: "BinaryEquals", identity: allowIf(`"BinaryEquals":{"x:key":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}`), ask: given(yes+"x:key=BinaryValueInBase64", no+"x:key=binaryValueInBase64; other:k=1")},
		{name: "IpAddress in both families", identity: allowIf(`"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:DB8:1234:5678::/64"]}`),
			ask: given(yes+"aws:SourceIp=203.0.113.0; aws:SourceIp=203.0.113.255; aws:SourceIp=2001:db8:1234:5678::1; aws:SourceIp=2001:DB8:1234:5678:ffff::",
				no+"aws:SourceIp=203.0.114.1; aws:SourceIp=2001:db8:1234:5679::1; other:k=1; aws:SourceIp=localhost; aws:SourceIp=203.0.113")},
		{name: "NotIpAddress", identity: denyIf(`"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","203.0.113.7"]}`),
			ask: given(yes+"aws:SourceIp=192.0.2.99; aws:SourceIp=203.0.113.7", deny+"aws:SourceIp=203.0.113.8; aws:SourceIp=2001:db8::1; other:k=1; aws:SourceIp=nowhere")},
		{name: "bits of an address beyond its prefix", identity: allowIf(`"IpAddress":{"aws:SourceIp":"203.0.113.9/24"}`), ask: given(yes+"aws:SourceIp=203.0.113.200", no+"aws:SourceIp=203.0.112.9")},
		{name: "every address", identity: allowIf(`"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}`), ask: given(yes+"aws:SourceIp=8.8.8.8", no+"aws:SourceIp=::1")},
		{name: "ArnLike is not StringLike", identity: allowIf(`"ArnLike":{"aws:SourceArn":"arn:aws:someservice:*:111122223333:finance/*"}`),
			ask: given(yes+"aws:SourceArn=arn:aws:someservice:us-east-2:111122223333:finance/document.txt; aws:SourceArn=arn:aws:someservice::111122223333:finance/a:b",
				no+"aws:SourceArn=arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt; aws:SourceArn=boop; other:k=1")},
		{name: "StringLike crosses colons", identity: allowIf(`"StringLike":{"aws:SourceArn":"arn:aws:someservice:*:111122223333:finance/*"}`),
			ask: given(yes + "aws:SourceArn=arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt")},
		{name: "ArnEquals has wildcards too", identity: allowIf(`"ArnEquals":{"aws:SourceArn":"arn:aws:sns:REGION:123456789012:TOPIC-*"}`), ask: given(yes+"aws:SourceArn=arn:aws:sns:REGION:123456789012:TOPIC-ID", no+"aws:SourceArn=arn:aws:sns:REGION:123456789012:topic-ID")},
		{name: "ArnNotLike", identity: denyIf(`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/role-name"}`),
			ask: given(yes+"aws:PrincipalArn=arn:aws:iam::123456789012:role/role-name", deny+"aws:PrincipalArn=arn:aws:iam::123456789012:role/other; aws:PrincipalArn=boop; aws:PrincipalArn=arn:aws:::; other:k=1")},
		{name: "IfExists", identity: allowIf(`"StringLikeIfExists":{"ec2:InstanceType":["t1.*","t2.*","m3.*"]}`), ask: given(yes+"ec2:InstanceType=t2.micro; other:k=1", no+"ec2:InstanceType=c5.large; ec2:InstanceType=")},
		{name: "IfExists with a negated operator still denies", identity: denyIf(`"StringNotEqualsIfExists":{"aws:RequestTag/team":"ops"}`), ask: given(deny+"other:k=1; aws:RequestTag/team=dev", yes+"aws:RequestTag/team=ops")},
		{name: "NumericIfExists with what is no number", identity: allowIf(`"NumericLessThanIfExists":{"x:n":"5"}`), ask: given(yes+"other:k=1; x:n=4", no+"x:n=four; x:n=5")},
		{name: "Null", identity: allowIf(`"Null":{"aws:TokenIssueTime":"true"}`), ask: given(yes+"other:k=1", no+"aws:TokenIssueTime=2020-01-01T00:00:00Z; aws:TokenIssueTime=")},
		{name: "Null of a list", identity: allowIf(`"Null":{"aws:TagKeys":false}`), ask: given(yes+"aws:TagKeys=[a]; aws:TagKeys=a", no+"aws:TagKeys=[]; other:k=1")},
	},
	"Conditions with multiple context keys or values": {
		{name: "all keys and all operators", identity: allowIf(`"StringEqualsIgnoreCase":{"aws:PrincipalTag/department":["finance","hr","legal"],"aws:PrincipalTag/role":["audit","security"]},"StringEquals":{"aws:PrincipalAccount":"123456789012"}`),
			ask: given(yes+"aws:PrincipalTag/department=Finance aws:PrincipalTag/role=Audit aws:PrincipalAccount=123456789012", no+"aws:PrincipalTag/department=Finance aws:PrincipalAccount=123456789012; "+
				"aws:PrincipalTag/department=Finance aws:PrincipalTag/role=sales aws:PrincipalAccount=123456789012; aws:PrincipalTag/department=hr aws:PrincipalTag/role=security aws:PrincipalAccount=210987654321")},
		{name: "negated operators mean none of the values", identity: denyIf(`"StringNotEquals":{"aws:PrincipalAccount":["111122223333","444455556666"]}`), ask: given(yes+"aws:PrincipalAccount=111122223333; aws:PrincipalAccount=444455556666", deny+"aws:PrincipalAccount=777788889999; other:k=1")},
	},
	"Single-valued vs. multivalued context keys": {
		{name: "ForAllValues", identity: allowIf(`"ForAllValues:StringEquals":{"dynamodb:Attributes":["ID","Message","Tags"]}`),
			ask: given(yes+"dynamodb:Attributes=[Message,Tags]; dynamodb:Attributes=[ID]; dynamodb:Attributes=[]; other:k=1; dynamodb:Attributes=ID", no+"dynamodb:Attributes=[Message,Tags,UserName]; dynamodb:Attributes=[id]; dynamodb:Attributes=[PostDateTime,UserName]")},
		{name: "ForAnyValue", identity: denyIf(`"ForAnyValue:StringEquals":{"dynamodb:Attributes":["ID","PostDateTime"]}`),
			ask: given(deny+"dynamodb:Attributes=[PostDateTime,Message]; dynamodb:Attributes=[UserName,Message,PostDateTime]; dynamodb:Attributes=ID", yes+"dynamodb:Attributes=[UserName]; dynamodb:Attributes=[]; other:k=1")},
		{name: "ForAllValues with Deny, and Null", identity: denyIf(`"ForAllValues:StringNotLike":{"aws:TagKeys":["key1*"]},"Null":{"aws:TagKeys":"false"}`),
			ask: given(deny+"aws:TagKeys=[key2]; aws:TagKeys=[key2,key3:x]", yes+"aws:TagKeys=[key1]; aws:TagKeys=[key1:legal,key2]; other:k=1; aws:TagKeys=[]")},
		{name: "ForAnyValue with a negated operator", identity: allowIf(`"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a"]}`), ask: given(yes+"aws:TagKeys=[a,b]; aws:TagKeys=[b]", no+"aws:TagKeys=[a]; aws:TagKeys=[]; other:k=1; aws:TagKeys=[a,a]")},
		{name: "ForAllValues with a negated operator", identity: allowIf(`"ForAllValues:StringNotEquals":{"aws:TagKeys":["a","x"]}`), ask: given(yes+"aws:TagKeys=[b,c]; aws:TagKeys=[]; other:k=1", no+"aws:TagKeys=[a,b]; aws:TagKeys=[x]")},
		{name: "sets of other operators", identity: allowIf(`"ForAllValues:NumericLessThan":{"x:n":"5"},"ForAnyValue:IpAddress":{"x:ip":"10.0.0.0/8"}`), ask: given(yes+"x:n=[1,2] x:ip=[::1,10.9.9.9]; x:ip=[10.0.0.1]", no+"x:n=[1,7] x:ip=[10.0.0.1]; x:n=[1] x:ip=[11.0.0.1]; x:n=[1,two] x:ip=[10.0.0.1]; x:n=[1]")},
		{name: "a multivalued key needs a set operator", identity: allowIf(`"StringEquals":{"aws:TagKeys":"a"}`), ask: given(yes+"aws:TagKeys=a", no+"aws:TagKeys=[a]; aws:TagKeys=[a,b]; aws:TagKeys=[]")},
		{name: "a multivalued key is no variable", identity: allowIf(`"StringEquals":{"x:key":"${aws:TagKeys}"}`), ask: given(no+"x:key=a aws:TagKeys=[a]", yes+"x:key=a aws:TagKeys=a")},
	},
	"IAM policy elements: Variables and tags": {
		{name: "own folder", identity: `{"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::mybucket"],"Condition":{"StringLike":{"s3:prefix":["${aws:username}/*"]}}},
				{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::mybucket/${aws:username}/*"]}`,
			ask: []string{
				"allowed s3:GetObject arn:aws:s3:::mybucket/David/x aws:username=David", "implicitDeny s3:GetObject arn:aws:s3:::mybucket/Adele/x aws:username=David",
				"implicitDeny s3:GetObject arn:aws:s3:::mybucket/David/x", "implicitDeny s3:GetObject arn:aws:s3:::mybucket/${aws:username}/x", "implicitDeny s3:GetObject arn:aws:s3:::mybucket/David/x aws:username=*",
				"allowed s3:ListBucket arn:aws:s3:::mybucket aws:username=David s3:prefix=David/a", "implicitDeny s3:ListBucket arn:aws:s3:::mybucket aws:username=David s3:prefix=Adele/a",
				"implicitDeny s3:ListBucket arn:aws:s3:::mybucket aws:username=David",
			}},
		{name: "within a name", identity: `{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:us-east-2:*:${aws:username}-queue"}`,
			ask: []string{"allowed sqs:SendMessage arn:aws:sqs:us-east-2:123456789012:David-queue aws:username=David", "implicitDeny sqs:SendMessage arn:aws:sqs:us-east-2:123456789012:-queue", "implicitDeny sqs:SendMessage arn:aws:sqs:us-east-2:123456789012:-queue aws:username="}},
		{name: "default values", identity: `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::DOC-EXAMPLE-BUCKET-${aws:PrincipalTag/team, 'company-wide'}"}`,
			ask: []string{
				"allowed s3:ListBucket arn:aws:s3:::DOC-EXAMPLE-BUCKET-yellow aws:PrincipalTag/team=yellow", "implicitDeny s3:ListBucket arn:aws:s3:::DOC-EXAMPLE-BUCKET-company-wide aws:PrincipalTag/team=yellow",
				"allowed s3:ListBucket arn:aws:s3:::DOC-EXAMPLE-BUCKET-company-wide", "allowed s3:ListBucket arn:aws:s3:::DOC-EXAMPLE-BUCKET-company-wide aws:PrincipalTag/team=", "implicitDeny s3:ListBucket arn:aws:s3:::DOC-EXAMPLE-BUCKET-",
			}},
		{name: "special characters", identity: `{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::b/${*}","arn:aws:s3:::b/q${?}","arn:aws:s3:::b/${$}{x}"]}`,
			ask: []string{"allowed s3:GetObject arn:aws:s3:::b/*", "implicitDeny s3:GetObject arn:aws:s3:::b/a", "allowed s3:GetObject arn:aws:s3:::b/q?", "implicitDeny s3:GetObject arn:aws:s3:::b/qq", "allowed s3:GetObject arn:aws:s3:::b/${x}"}},
		{name: "no value in conditions", identity: denyIf(`"StringNotEquals":{"s3:ExistingObjectTag/Team":"${aws:PrincipalTag/Team}"}`),
			ask: given(yes+"s3:ExistingObjectTag/Team=a aws:PrincipalTag/Team=a", deny+"s3:ExistingObjectTag/Team=a; s3:ExistingObjectTag/Team=a aws:PrincipalTag/Team=b; aws:PrincipalTag/Team=a; other:k=1")},
		{name: "no value and a positive operator", identity: allowIf(`"StringLike":{"x:key":"${aws:PrincipalTag/Team}*"}`), ask: given(yes+"x:key=ab aws:PrincipalTag/Team=a", no+"x:key=ab; x:key=; x:key=${aws:PrincipalTag/Team}*")},
		{name: "a Deny on a resource without a value does not apply", identity: `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/Team}/*"}`,
			ask: []string{"allowed s3:GetObject arn:aws:s3:::b/x/k", "explicitDeny s3:GetObject arn:aws:s3:::b/x/k aws:PrincipalTag/Team=x", "allowed s3:GetObject arn:aws:s3:::b/x/k aws:PrincipalTag/Team=*"}},
		{name: "tags in conditions", identity: `{"Effect":"Allow","Action":["iam:*user*"],"Resource":"*","Condition":{"StringLike":{"iam:ResourceTag/costCenter":["12345","67890"]}}}`,
			ask: []string{"allowed iam:GetUser arn:aws:iam::123456789012:user/a iam:ResourceTag/costCenter=12345", "implicitDeny iam:GetUser arn:aws:iam::123456789012:user/a", "implicitDeny iam:GetRole arn:aws:iam::123456789012:role/a iam:ResourceTag/costCenter=12345",
				"allowed iam:CreateUser arn:aws:iam::123456789012:user/a IAM:resourcetag/COSTCENTER=67890"}},
	},
}
