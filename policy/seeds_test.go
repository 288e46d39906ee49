package policy

import (
	"strings"
	"testing"
)

const bucketList = "arn:aws:s3:::*" // what ListAllMyBuckets is asked about

func TestSeedPolicies(t *testing.T) {
	cert := strings.Repeat("ab", 32)
	device := contextOf("iot:certificateId", cert, "iot:thingName", "bulbthing", "iot:thingType", "bulb")
	noThing := contextOf("iot:certificateId", cert)
	spelled := func(v string) string {
		return strings.ReplaceAll(seed(t, "own-folder"), "${ iot:certificateId}", v)
	}
	type ask struct {
		action, resource string
		context          *Context
		want             Decision
	}
	object := "arn:aws:s3:::vincent-iot/"
	for name, tc := range map[string]struct {
		text string
		asks []ask
	}{
		"logs": {seed(t, "greengrass-logs"), []ask{
			{"logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/g:log-stream:s", nil, Allow},
			{"s3:GetBucketLocation", "arn:aws:s3:::b", nil, Allow},
			{"s3:GetObject", "arn:aws:s3:::b/k", nil, ImplicitDeny},
		}},
		"artifacts": {seed(t, "greengrass-artifacts"), []ask{
			{"s3:GetObject", "arn:aws:s3:::b/any/key", nil, Allow},
			{"s3:PutObject", "arn:aws:s3:::b/any/key", nil, ImplicitDeny},
		}},
		"bucket": {seed(t, "bucket-access"), []ask{
			{"s3:ListAllMyBuckets", bucketList, nil, Allow},
			{"s3:PutObject", object + "x", nil, Allow},
			{"s3:ListBucket", "arn:aws:s3:::vincent-iot", nil, ImplicitDeny},
			{"s3:PutObject", "arn:aws:s3:::other/x", nil, ImplicitDeny},
		}},
		"blank in braces": {seed(t, "own-folder"), []ask{
			{"s3:ListAllMyBuckets", bucketList, device, Allow},
			{"s3:PutObject", object + cert + "/a", device, Allow},
			{"s3:PutObject", object + cert + "/", noThing, Allow},
			{"s3:PutObject", object + "other/a", device, ImplicitDeny},
			{"s3:PutObject", object + "${ iot:certificateId}/a", NewContext(), ImplicitDeny},
		}},
		"thing name": {spelled("${iot:thingName}"), []ask{
			{"s3:PutObject", object + "bulbthing/a", device, Allow},
			{"s3:PutObject", object + "bulbthing/a", noThing, ImplicitDeny},
			{"s3:ListAllMyBuckets", bucketList, noThing, Allow},
		}},
		"thing type": {spelled("${iot:thingType}"), []ask{
			{"s3:PutObject", object + "bulb/a", device, Allow},
			{"s3:PutObject", object + "bulb/a", noThing, ImplicitDeny},
		}},
	} {
		p := mustParse(t, Identity, tc.text)
		for _, a := range tc.asks {
			if got := decide(p, &Request{Action: a.action, Resource: a.resource, Context: a.context}); got != a.want {
				t.Errorf("%s: %s on %s: %v, want %v", name, a.action, a.resource, got, a.want)
			}
		}
	}
}

func TestSeedTrustAndIoT(t *testing.T) {
	trust := mustParse(t, Trust, seed(t, "greengrass-trust"))
	role := "arn:aws:iam::123456789012:role/r"
	got := evaluate([]Named{{"trust", trust}}, &Request{
		Principal: Principal{Service: "credentials.iot.amazonaws.com"}, Action: "sts:AssumeRole", Resource: role,
	})
	if got.Decision != Allow || got.Grant != ServiceGrant {
		t.Errorf("service: %+v", got)
	}
	if got := decide(trust, &Request{Principal: Principal{Service: "iot.amazonaws.com"}, Action: "sts:AssumeRole", Resource: role}); got != ImplicitDeny {
		t.Errorf("other service: %v", got)
	}
	_, err := Parse(Trust, seed(t, "proxied-trust"))
	want := `Invalid principal in policy: "SERVICE":"credentials.iot.amazonaws.com.rproxy.goskope.com"`
	if err == nil || err.Error() != want {
		t.Errorf("the name of a proxy as a service: %v", err)
	}

	alias := mustParse(t, IoT, seed(t, "role-alias-iot"))
	for resource, want := range map[string]Decision{
		"arn:aws:iot:ap-southeast-1:123456789012:rolealias/my_iot_role_alias":  Allow,
		"arn:aws:iot:ap-southeast-1:123456789012:rolealias/my_iot_role_alias2": ImplicitDeny,
		"arn:aws:iot:us-east-1:123456789012:rolealias/my_iot_role_alias":       ImplicitDeny,
	} {
		if got := decide(alias, &Request{Action: "iot:AssumeRoleWithCertificate", Resource: resource}); got != want {
			t.Errorf("%s: %v, want %v", resource, got, want)
		}
	}
}

func TestSeedWarnings(t *testing.T) {
	got := warned(mustParse(t, Identity, seed(t, "own-folder")))
	want := "s3:HeadBucket is an API call and no action; write s3:ListBucket\n" +
		"s3:ListObjects is an API call and no action; write s3:ListBucket\n" +
		"${iot:certificateId} is an older spelling; write ${credentials-iot:AwsCertificateId}"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if w := mustParse(t, Identity, seed(t, "greengrass-logs")).Warnings(); len(w) != 0 {
		t.Errorf("warnings about a sound policy: %q", w)
	}
}
