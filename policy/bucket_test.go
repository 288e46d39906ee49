package policy

import (
	"errors"
	"testing"
)

// TestCheckBucket: what S3 refuses of a bucket's policy. The messages are AWS's as
// public reports quote them: versity/versitygw 645, 648, 650, ministryofjustice/
// modernisation-platform 10762, wandb/terraform-aws-wandb 156, humanmade/S3-Uploads
// 239; which action has which resources and keys is the Service Authorization
// Reference's.
func TestCheckBucket(t *testing.T) {
	const (
		noResource  = "Action does not apply to any resource(s) in statement"
		noCondition = "Conditions do not apply to combination of actions and resources in statement"
		both        = `["arn:aws:s3:::b","arn:aws:s3:::b/*"]`
		objects     = `"arn:aws:s3:::b/*"`
		bucket      = `"arn:aws:s3:::b"`
	)
	for _, tc := range []struct{ action, resource, condition, want string }{
		{`"s3:GetObject"`, bucket, ``, noResource},
		{`["s3:PutObject","s3:GetBucketAcl"]`, objects, ``, noResource},
		{`["s3:GetObject","s3:ListBucket"]`, bucket, ``, noResource},
		{`"s3:ListBucket"`, objects, ``, noResource},
		{`"s3:GetObject*"`, bucket, ``, noResource},
		{`"s3:ListBucket*"`, `"arn:aws:s3:::b/"`, ``, noResource},
		{`["s3:GetObject","s3:ListBucket"]`, both, ``, ""},
		{`["s3:GetObject","s3:ListBucket","s3:getobjectversion"]`, both, ``, ""},
		{`"s3:*"`, bucket, ``, ""},
		{`"s3:*"`, objects, ``, ""},
		{`"*"`, objects, ``, ""},
		{`["s3:Get*","s3:List*"]`, both, ``, ""},
		{`"S3:GetObject"`, `["arn:aws:s3:::b/${aws:userid}/*","arn:aws:s3:::b"]`, ``, ""},

		{`"s3:GetObject"`, objects, `"StringLike":{"s3:prefix":"a/*"}`, noCondition},
		{`["s3:ListBucket","s3:GetBucketLocation"]`, bucket, `"StringLike":{"s3:prefix":"a/*"}`, noCondition},
		{`["s3:ListBucket","s3:GetObject"]`, both, `"StringLike":{"S3:Prefix":"a/*"}`, noCondition},
		{`"s3:*"`, objects, `"StringLike":{"s3:prefix":"a/*"}`, noCondition},
		{`"s3:GetObject"`, objects, `"StringEquals":{"s3:x-amz-acl":"private"}`, noCondition},
		{`"s3:ListBucket"`, bucket, `"StringEquals":{"s3:prefixes":"a"}`, "Policy has an invalid condition key"},
		{`"s3:ListBucket"`, bucket, `"StringLike":{"s3:prefix":"a/*"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, ""},
		{`"s3:*"`, both, `"StringLike":{"s3:prefix":"a/*"}`, ""},
		{`"s3:PutObject*"`, objects, `"StringEquals":{"s3:x-amz-server-side-encryption":"AES256"}`, ""},
		{`"s3:GetObject"`, objects, `"StringEquals":{"s3:ExistingObjectTag/a":"b","s3:DataAccessPointAccount":"123456789012","aws:PrincipalOrgID":"o","credentials-iot:ThingName":"x"}`, ""},
		{`"s3:BypassGovernanceRetention"`, objects, `"StringEquals":{"s3:ExistingObjectTag/hold":"yes"}`, ""},
		{`"s3:GetObject"`, objects, `"StringEquals":{"s3:VersionId":"x"}`, noCondition},
		{`["s3:PutObject","s3:PutObjectAcl"]`, objects, `"StringEquals":{"s3:x-amz-acl":"public-read"}`, ""},
		{`"s3:PutObject"`, objects, `"NumericLessThan":{"s3:TlsVersion":"1.2"},"NumericGreaterThan":{"s3:signatureAge":"600000"}`, ""},

		{`"s3:HeadBucket"`, bucket, ``, invalidAction},
		{`"s3:FooBar"`, objects, ``, invalidAction},
		{`"s3:Foo*"`, objects, ``, invalidAction},
		{`["s3:GetObject","s3:ListObjects"]`, both, ``, invalidAction},
		{`"s3:ListAllMyBuckets"`, bucket, ``, invalidAction},
		{`"sqs:SendMessage"`, bucket, ``, invalidAction},
		{`"iam:*"`, bucket, ``, invalidAction},
		{`"s3:GetObject"`, `"arn:aws:s3:::other/*"`, ``, invalidResource},
		{`"s3:GetObject"`, `"arn:aws:s3:::b*"`, ``, invalidResource},
		{`"s3:GetObject"`, `"*"`, ``, invalidResource},
		{`"s3:ListBucket"`, `"arn:aws:s3:us-east-1:123456789012:accesspoint/x"`, ``, invalidResource},
	} {
		s := `{"Effect":"Allow","Principal":"*","Action":` + tc.action + `,"Resource":` + tc.resource + `,"Condition":{` + tc.condition + `}}`
		wantBucket(t, statements(s), tc.want)
		if tc.want == "" {
			continue
		}
		// A Deny is held to the same.
		wantBucket(t, statements(`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":`+both+`}`, `{"Effect":"Deny"`+s[len(`{"Effect":"Allow"`):]), tc.want)
	}
	// What says which actions or resources it is not about, is about all others.
	wantBucket(t, statements(`{"Effect":"Deny","Principal":"*","NotAction":"s3:GetObject","Resource":`+bucket+`,"Condition":{"StringEquals":{"s3:prefix":"x"}}}`), "")
	wantBucket(t, statements(`{"Effect":"Deny","Principal":"*","Action":["s3:GetObject","s3:ListBucket"],"NotResource":`+objects+`}`), "")
	wantBucket(t, statements(`{"Effect":"Deny","Principal":"*","NotAction":"s3:Foo","Resource":`+bucket+`}`), invalidAction)
	wantBucket(t, statements(`{"Effect":"Deny","Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::other"}`), invalidResource)
}

func wantBucket(t *testing.T, text, want string) {
	t.Helper()
	p := mustParse(t, Resource, text)
	err := p.CheckBucket("b")
	e, refused := errors.AsType[*Error](err)
	if refused != (want != "") || refused && e.Message != want {
		t.Errorf("%s\n got  %v\n want %s", text, err, want)
	}
	if want != invalidResource {
		if open := p.CheckBucket(""); (open == nil) != (err == nil) {
			t.Errorf("%s: %v, for whatever bucket %v", text, err, open)
		}
	}
}

// TestSuppliedKeysAreS3s: a bucket's policy may use every key of S3 that there is
// here.
func TestSuppliedKeysAreS3s(t *testing.T) {
	for _, k := range suppliedKeys {
		if hasPrefixFold(k.name, "s3:") && !isS3Key(k.name+"x") && !isS3Key(k.name) {
			t.Errorf("%s is no key of S3", k.name)
		}
	}
}
