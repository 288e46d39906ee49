package iam_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/sigv4"
)

// allowed checks that a call is carried out.
func (w *world) allowed(c sigv4.Credentials, action string, params ...string) {
	w.t.Helper()
	if a := w.call(c, action, params...); a.status != http.StatusOK {
		w.t.Errorf("%s %q: %d %s", action, params, a.status, a.raw)
	}
}

// forbidden checks that a call is denied, whatever it would come to otherwise.
func (w *world) forbidden(c sigv4.Credentials, action string, params ...string) {
	w.t.Helper()
	w.call(c, action, params...).refused(http.StatusForbidden, "AccessDenied", "is not authorized to perform: iam:")
}

// delegation is AWS's example of a user who may make others, but none without
// the boundary, nor take it away (IAM user guide, "Delegating responsibility to
// others using permissions boundaries").
const delegation = `{"Version":"2012-10-17","Statement":[
	{"Sid":"CreateOrChangeOnlyWithBoundary","Effect":"Allow","Action":["iam:AttachUserPolicy","iam:CreateUser","iam:DeleteUserPolicy","iam:DetachUserPolicy",
		"iam:PutUserPermissionsBoundary","iam:PutUserPolicy","iam:AttachRolePolicy","iam:CreateRole","iam:PutRolePermissionsBoundary","iam:PutRolePolicy",
		"iam:UpdateAssumeRolePolicy"],
		"Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::123456789012:policy/fence"}}},
	{"Sid":"CloudWatchAndOtherIAMTasks","Effect":"Allow","Action":["iam:GetUser","iam:ListUsers","iam:CreatePolicy","iam:CreatePolicyVersion","iam:DeletePolicyVersion",
		"iam:SetDefaultPolicyVersion","iam:UpdateUser","iam:CreateAccessKey","iam:DeleteUserPermissionsBoundary","iam:DeleteRolePermissionsBoundary"],
		"NotResource":"arn:aws:iam::123456789012:user/admin"},
	{"Sid":"NoBoundaryPolicyEdit","Effect":"Deny","Action":["iam:CreatePolicyVersion","iam:DeletePolicy","iam:DeletePolicyVersion","iam:SetDefaultPolicyVersion"],
		"Resource":["arn:aws:iam::123456789012:policy/fence","arn:aws:iam::123456789012:policy/delegation"]},
	{"Sid":"NoBoundaryUserDelete","Effect":"Deny","Action":["iam:DeleteUserPermissionsBoundary","iam:DeleteRolePermissionsBoundary"],"Resource":"*"}]}`

// TestDelegation: who may act under a boundary condition makes nobody who is
// not bounded, and unbounds nobody.
func TestDelegation(t *testing.T) {
	w := newWorld(t)
	fence := w.managed("fence", strings.Replace(everything, `"Action":"*"`, `"Action":["s3:*","iam:GetUser"]`, 1))
	wide := w.managed("wide", everything)
	own := w.managed("delegation", delegation)
	maria := w.user("maria")
	w.must("AttachUserPolicy", "UserName=maria", "PolicyArn="+own)
	w.must("CreateUser", "UserName=free")
	w.must("CreateRole", "RoleName=free", "AssumeRolePolicyDocument="+trustAll)
	w.pass()

	w.forbidden(maria, "CreateUser", "UserName=zoe")
	w.forbidden(maria, "CreateUser", "UserName=zoe", "PermissionsBoundary="+wide)
	w.forbidden(maria, "CreateUser", "UserName=zoe", "PermissionsBoundary="+account+"policy/Fence")
	w.forbidden(maria, "CreateUser", "UserName=zoe", "PermissionsBoundary=")
	w.allowed(maria, "CreateUser", "UserName=zoe", "PermissionsBoundary="+fence)
	w.forbidden(maria, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trustAll)
	w.forbidden(maria, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trustAll, "PermissionsBoundary="+wide)
	w.allowed(maria, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trustAll, "PermissionsBoundary="+fence)

	// To others, policies are given only where the boundary is.
	for _, noun := range []string{"User", "Role"} {
		free, bound := noun+"Name=free", map[string]string{"User": "UserName=zoe", "Role": "RoleName=r"}[noun]
		w.forbidden(maria, "Attach"+noun+"Policy", free, "PolicyArn="+wide)
		w.forbidden(maria, "Put"+noun+"Policy", free, "PolicyName=p", "PolicyDocument="+everything)
		w.allowed(maria, "Attach"+noun+"Policy", bound, "PolicyArn="+wide)
		w.allowed(maria, "Put"+noun+"Policy", bound, "PolicyName=p", "PolicyDocument="+everything)
		w.allowed(maria, "Put"+noun+"PermissionsBoundary", free, "PermissionsBoundary="+fence) // ties down, never loosens
		w.forbidden(maria, "Put"+noun+"PermissionsBoundary", bound, "PermissionsBoundary="+wide)
		w.forbidden(maria, "Delete"+noun+"PermissionsBoundary", bound)
	}
	w.allowed(maria, "UpdateAssumeRolePolicy", "RoleName=r", "PolicyDocument="+trustAll)

	// Nor is the boundary changed, nor oneself, who has none.
	w.forbidden(maria, "CreatePolicyVersion", "PolicyArn="+fence, "PolicyDocument="+everything, "SetAsDefault=true")
	w.forbidden(maria, "SetDefaultPolicyVersion", "PolicyArn="+fence, "VersionId=v1")
	w.forbidden(maria, "CreatePolicyVersion", "PolicyArn="+own, "PolicyDocument="+everything, "SetAsDefault=true")
	w.forbidden(maria, "PutUserPolicy", "UserName=maria", "PolicyName=p", "PolicyDocument="+everything)
	w.forbidden(maria, "AttachUserPolicy", "UserName=maria", "PolicyArn="+wide)
	w.forbidden(maria, "UpdateUser", "UserName=admin", "NewUserName=zoe2")
	w.forbidden(maria, "UpdateUser", "UserName=zoe", "NewUserName=admin")
	w.forbidden(maria, "CreateAccessKey", "UserName=ADMIN")

	// Who was made so is fenced, whatever policies it has.
	zoe := w.key(w.call(maria, "CreateAccessKey", "UserName=zoe"))
	w.pass()
	w.allowed(zoe, "GetUser")
	w.call(zoe, "ListUsers").refused(403, "AccessDenied", "because no permissions boundary allows the iam:ListUsers action")
}

// TestAttachingIsAboutThePolicy: iam:PolicyARN says which policies may be given
// and taken.
func TestAttachingIsAboutThePolicy(t *testing.T) {
	w := newWorld(t)
	read, wide := w.managed("read", getObject), w.managed("wide", everything)
	giver := w.caller("giver", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:AttachRolePolicy","iam:DetachRolePolicy","iam:AttachUserPolicy"],
		"Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"`+read+`"}}}}`)
	w.must("CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trust)
	w.must("AttachRolePolicy", "RoleName=r", "PolicyArn="+wide)
	w.must("CreateUser", "UserName=u")
	for _, arn := range []string{wide, account + "policy/READ", account + "policy//read", ""} {
		w.forbidden(giver, "AttachRolePolicy", "RoleName=r", "PolicyArn="+arn)
		w.forbidden(giver, "AttachUserPolicy", "UserName=u", "PolicyArn="+arn)
	}
	w.forbidden(giver, "AttachRolePolicy", "RoleName=r")
	w.forbidden(giver, "DetachRolePolicy", "RoleName=r", "PolicyArn="+wide)
	w.allowed(giver, "AttachRolePolicy", "RoleName=r", "PolicyArn="+read)
	w.allowed(giver, "DetachRolePolicy", "RoleName=r", "PolicyArn="+read)
	w.allowed(giver, "AttachUserPolicy", "UserName=u", "PolicyArn="+read)
}

// TestTagChanges: a change of tags is decided with those that are there and
// those that are given, so nobody tags their way to what is not theirs.
func TestTagChanges(t *testing.T) {
	w := newWorld(t)
	w.must("CreateRole", "RoleName=red", "AssumeRolePolicyDocument="+trust, "Tags.member.1.Key=team", "Tags.member.1.Value=red")
	w.must("CreateRole", "RoleName=blue", "AssumeRolePolicyDocument="+trust, "Tags.member.1.Key=team", "Tags.member.1.Value=blue")
	w.must("CreateUser", "UserName=red", "Tags.member.1.Key=team", "Tags.member.1.Value=red")
	w.must("CreateUser", "UserName=blue", "Tags.member.1.Key=team", "Tags.member.1.Value=blue")
	policies := map[string]string{}
	for _, team := range []string{"red", "blue"} {
		policies[team] = w.must("CreatePolicy", "PolicyName="+team, "PolicyDocument="+getObject, "Tags.member.1.Key=team", "Tags.member.1.Value="+team).text("CreatePolicyResult/Policy/Arn")
	}
	blue := w.caller("caller", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["iam:Tag*","iam:Untag*"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}},
		{"Effect":"Deny","Action":"iam:Tag*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestTag/team":"blue"},"Null":{"aws:RequestTag/team":"false"}}},
		{"Effect":"Deny","Action":"iam:Untag*","Resource":"*","Condition":{"ForAnyValue:StringEqualsIgnoreCase":{"aws:TagKeys":"team"}}}]}`)
	older := w.caller("older", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:Tag*","Resource":"*","Condition":{"StringEquals":{"iam:ResourceTag/team":"blue"}}}}`)
	for _, noun := range []struct{ name, red, blue string }{
		{"Role", "RoleName=red", "RoleName=blue"}, {"User", "UserName=red", "UserName=blue"}, {"Policy", "PolicyArn=" + policies["red"], "PolicyArn=" + policies["blue"]},
	} {
		w.forbidden(blue, "Tag"+noun.name, noun.red, "Tags.member.1.Key=team", "Tags.member.1.Value=blue")
		w.forbidden(blue, "Tag"+noun.name, noun.red, "Tags.member.1.Key=x", "Tags.member.1.Value=y")
		w.forbidden(blue, "Tag"+noun.name, noun.blue, "Tags.member.1.Key=Team", "Tags.member.1.Value=red")
		w.allowed(blue, "Tag"+noun.name, noun.blue, "Tags.member.1.Key=x", "Tags.member.1.Value=y")
		w.forbidden(blue, "Untag"+noun.name, noun.blue, "TagKeys.member.1=x", "TagKeys.member.2=TEAM")
		w.forbidden(blue, "Untag"+noun.name, noun.red, "TagKeys.member.1=x")
		w.allowed(blue, "Untag"+noun.name, noun.blue, "TagKeys.member.1=x")
		if noun.name == "Policy" { // AWS has the older key for roles and users only
			w.forbidden(older, "Tag"+noun.name, noun.blue, "Tags.member.1.Key=x", "Tags.member.1.Value=y")
		} else {
			w.allowed(older, "Tag"+noun.name, noun.blue, "Tags.member.1.Key=x", "Tags.member.1.Value=y")
		}
	}
}

// TestTruePaths: policies are about the path and the spelling that users and
// policies have, whatever the request calls them.
func TestTruePaths(t *testing.T) {
	w := newWorld(t)
	w.must("CreateUser", "UserName=Root", "Path=/prod/")
	w.must("CreateUser", "UserName=dev", "Path=/dev/")
	fenced := w.caller("fenced", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"},
		{"Effect":"Deny","Action":"*","Resource":"arn:aws:iam::123456789012:user/prod/*"}]}`)
	for _, name := range []string{"Root", "root", "ROOT"} {
		user := "UserName=" + name
		w.forbidden(fenced, "CreateAccessKey", user)
		w.forbidden(fenced, "ListAccessKeys", user)
		w.forbidden(fenced, "UpdateAccessKey", user, "AccessKeyId=AKIAIOSFODNN7EXAMPLE", "Status=Active")
		w.forbidden(fenced, "DeleteAccessKey", user, "AccessKeyId=AKIAIOSFODNN7EXAMPLE")
		w.forbidden(fenced, "PutUserPolicy", user, "PolicyName=p", "PolicyDocument="+everything)
		w.forbidden(fenced, "UpdateUser", user, "NewPath=/dev/")
		w.forbidden(fenced, "DeleteUser", user)
	}
	w.forbidden(fenced, "UpdateUser", "UserName=dev", "NewPath=/prod/")
	w.forbidden(fenced, "CreateUser", "UserName=x", "Path=/prod/")
	w.allowed(fenced, "UpdateUser", "UserName=dev", "NewPath=/test/", "NewUserName=tester")
	w.forbidden(w.caller("narrow", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:UpdateUser","Resource":"arn:aws:iam::123456789012:user/test/*"}}`),
		"UpdateUser", "UserName=tester", "NewPath=/")

	// Creation with tags needs the right to tag, too.
	create := w.caller("create", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:Create*","Resource":"*"}}`)
	tags := []string{"Tags.member.1.Key=team", "Tags.member.1.Value=blue"}
	w.call(create, "CreateUser", append(tags, "UserName=y")...).refused(403, "AccessDenied", "iam:TagUser on resource: "+account+"user/y")
	w.call(create, "CreatePolicy", append(tags, "PolicyName=y", "Path=/a/", "PolicyDocument="+everything)...).refused(403, "AccessDenied", "iam:TagPolicy on resource: "+account+"policy/a/y")
	w.allowed(create, "CreatePolicy", "PolicyName=y", "PolicyDocument="+everything)
}

// TestRenamed: a user's keys and policies stay its own under another name, and
// the name's next owner has none of it.
func TestRenamed(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	w.must("PutUserPolicy", "UserName=ann", "PolicyName=p", "PolicyDocument="+everything)
	w.must("CreateRole", "RoleName=target", "AssumeRolePolicyDocument="+trusting(account+"user/ann"))
	w.must("UpdateUser", "UserName=ann", "NewUserName=bea")
	second := w.user("ann")
	w.pass()
	if got := w.call(ann, "GetUser").text("GetUserResult/User/UserName"); got != "bea" {
		t.Errorf("the key is of %q", got)
	}
	w.forbidden(second, "GetUser")
	if a := w.assume(second); a.status != http.StatusForbidden {
		t.Error(a.raw)
	}
}
