package iam_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUser(t *testing.T) {
	w := newWorld(t)
	fence := w.managed("fence", everything)
	created := w.must("CreateUser", "UserName=Ann", "Path=/ops/", "PermissionsBoundary="+fence, "Tags.member.1.Key=Team", "Tags.member.1.Value=blue")
	for _, action := range []string{"CreateUser", "GetUser", "ListUsers"} {
		a, at := created, action+"Result/User/"
		switch action {
		case "GetUser":
			a = w.must(action, "UserName=ANN")
		case "ListUsers":
			a, at = w.must(action, "PathPrefix=/ops/"), "ListUsersResult/Users/member/"
		}
		if a.text(at+"UserName") != "Ann" || a.text(at+"Path") != "/ops/" || a.text(at+"Arn") != account+"user/ops/Ann" ||
			!strings.HasPrefix(a.text(at+"UserId"), "AIDA") || a.text(at+"CreateDate") != w.now.Format(time.RFC3339) {
			t.Errorf("%s: %s", action, a.raw)
		}
		want := [...]string{"Team", "Policy", fence}
		if action == "ListUsers" {
			want = [...]string{"", "", ""}
		}
		at2 := at + "PermissionsBoundary/PermissionsBoundary"
		if got := [...]string{a.text(at + "Tags/member/Key"), a.text(at2 + "Type"), a.text(at2 + "Arn")}; got != want {
			t.Errorf("%s: %q", action, got)
		}
	}
	if got := w.must("ListUsers", "MaxItems=1").texts("ListUsersResult/Users/member/UserName"); !cmp.Equal(got, []string{"Ann"}) {
		t.Errorf("users %q", got)
	}
	w.must("UpdateUser", "UserName=ann", "NewUserName=Bea", "NewPath=/staff/")
	if got := w.must("GetUser", "UserName=bea").text("GetUserResult/User/Arn"); got != account+"user/staff/Bea" {
		t.Errorf("renamed to %q", got)
	}
	if a := w.must("ListGroupsForUser", "UserName=Bea"); a.text("ListGroupsForUserResult/IsTruncated") != "false" {
		t.Error(a.raw)
	}
	w.must("DeleteUserPermissionsBoundary", "UserName=Bea")
	w.must("DeleteUserPermissionsBoundary", "UserName=Bea")
	if a := w.must("GetUser", "UserName=Bea"); strings.Contains(a.raw, "PermissionsBoundary") {
		t.Error(a.raw)
	}
	w.must("PutUserPermissionsBoundary", "UserName=Bea", "PermissionsBoundary="+fence)
	w.call(w.admin, "DeletePolicy", "PolicyArn="+fence).refused(409, "DeleteConflict", "Cannot delete a policy attached to entities.")
	w.must("DeleteUser", "UserName=Bea")
	w.must("DeletePolicy", "PolicyArn="+fence)
	w.call(w.admin, "GetUser", "UserName=Ann").refused(404, "NoSuchEntity", "The user with name Ann cannot be found.")
}

func TestUserPolicies(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	w.call(ann, "GetUser").refused(403, "AccessDenied", "user/ann")
	own := strings.NewReplacer(`"Action":"*"`, `"Action":"iam:GetUser"`, `"Resource":"*"`, `"Resource":"`+account+`user/${aws:username}"`).Replace(everything)
	w.must("PutUserPolicy", "UserName=ann", "PolicyName=b", "PolicyDocument="+own)
	w.must("PutUserPolicy", "UserName=ann", "PolicyName=a", "PolicyDocument="+getObject)
	w.pass()
	if a := w.call(ann, "GetUser"); a.status != 200 {
		t.Error(a.raw)
	}
	w.call(ann, "GetUser", "UserName=admin").refused(403, "AccessDenied", "user/admin")
	a := w.must("GetUserPolicy", "UserName=ann", "PolicyName=b")
	if a.text("GetUserPolicyResult/UserName") != "ann" || a.text("GetUserPolicyResult/PolicyName") != "b" || len(a.find("GetUserPolicyResult/RoleName")) > 0 ||
		unescaped(t, a.text("GetUserPolicyResult/PolicyDocument")) != own {
		t.Error(a.raw)
	}
	if got := w.must("ListUserPolicies", "UserName=ann").texts("ListUserPoliciesResult/PolicyNames/member"); !cmp.Equal(got, []string{"a", "b"}) {
		t.Errorf("policies %q", got)
	}
	long := strings.Replace(everything, `"Effect"`, `"Sid":"`+strings.Repeat("x", 2048)+`","Effect"`, 1)
	w.call(w.admin, "PutUserPolicy", "UserName=ann", "PolicyName=c", "PolicyDocument="+long).refused(409, "LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user ann")
	w.call(w.admin, "DeleteUser", "UserName=ann").refused(409, "DeleteConflict", "Cannot delete entity, must delete")
	w.must("DeleteUserPolicy", "UserName=ann", "PolicyName=a")
	w.must("DeleteUserPolicy", "UserName=ann", "PolicyName=b")
	w.call(w.admin, "DeleteUserPolicy", "UserName=ann", "PolicyName=b").refused(404, "NoSuchEntity", "The user policy with name b cannot be found.")
}

// TestAccessKeys: who names no user means their own; a key's secret is shown
// when it is made and at no other time.
func TestAccessKeys(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	w.must("PutUserPolicy", "UserName=ann", "PolicyName=p", "PolicyDocument="+everything)
	w.pass()
	a := w.call(ann, "CreateAccessKey")
	at := "CreateAccessKeyResult/AccessKey/"
	if a.text(at+"UserName") != "ann" || a.text(at+"Status") != "Active" || len(a.text(at+"AccessKeyId")) != 20 || !strings.HasPrefix(a.text(at+"AccessKeyId"), "AKIA") ||
		len(a.text(at+"SecretAccessKey")) != 40 || a.text(at+"CreateDate") != w.now.Format(time.RFC3339) {
		t.Error(a.raw)
	}
	second := w.key(a)
	if got := w.call(second, "GetUser").text("GetUserResult/User/UserName"); got != "ann" {
		t.Errorf("the new key is of %q", got)
	}
	w.call(ann, "CreateAccessKey").refused(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")

	list := w.call(second, "ListAccessKeys")
	at = "ListAccessKeysResult/AccessKeyMetadata/member/"
	if got := list.texts(at + "AccessKeyId"); len(got) != 2 || !cmp.Equal(list.texts(at+"Status"), []string{"Active", "Active"}) || !cmp.Equal(list.texts(at+"UserName"), []string{"ann", "ann"}) {
		t.Error(list.raw)
	}
	if a := w.must("ListAccessKeys", "UserName=ANN", "MaxItems=1"); len(a.texts(at+"AccessKeyId")) != 1 || a.text("ListAccessKeysResult/IsTruncated") != "true" {
		t.Error(a.raw)
	}
	for _, secret := range []string{ann.SecretAccessKey, second.SecretAccessKey} {
		if strings.Contains(list.raw, secret) || strings.Contains(w.log.String(), secret) {
			t.Error("a secret is shown")
		}
	}

	if a := w.call(second, "UpdateAccessKey", "AccessKeyId="+ann.AccessKeyID, "Status=Inactive"); a.status != 200 {
		t.Error(a.raw)
	}
	w.pass()
	w.call(ann, "GetUser").refused(403, "InvalidClientTokenId", "")
	w.must("UpdateAccessKey", "UserName=ann", "AccessKeyId="+ann.AccessKeyID, "Status=Active")
	w.pass()
	if a := w.call(ann, "DeleteAccessKey", "AccessKeyId="+second.AccessKeyID); a.status != 200 {
		t.Error(a.raw)
	}
	w.pass()
	w.call(second, "GetUser").refused(403, "InvalidClientTokenId", "")

	// A key is only found with its user.
	w.call(ann, "DeleteAccessKey", "AccessKeyId="+w.admin.AccessKeyID).refused(404, "NoSuchEntity", "The Access Key with id "+w.admin.AccessKeyID+" cannot be found.")
	w.call(ann, "UpdateAccessKey", "UserName=ann", "AccessKeyId="+w.admin.AccessKeyID, "Status=Inactive").refused(404, "NoSuchEntity", w.admin.AccessKeyID)
	w.call(ann, "UpdateAccessKey", "AccessKeyId="+ann.AccessKeyID, "Status=Expired").refused(400, "ValidationError", "enum value set: [Active, Inactive]")
	w.call(ann, "UpdateAccessKey", "AccessKeyId=short").refused(400, "ValidationError", "2 validation errors detected")
	w.call(w.admin, "CreateAccessKey", "UserName=none").refused(404, "NoSuchEntity", "The user with name none cannot be found.")
	w.call(w.caller("wide", everything), "CreateAccessKey").refused(400, "ValidationError", "Must specify userName when calling with non-User credentials")
	w.call(w.admin, "DeleteUser", "UserName=ann").refused(409, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
}

func TestUserRefusals(t *testing.T) {
	w := newWorld(t)
	w.must("CreateUser", "UserName=taken")
	none := account + "policy/none"
	for _, tt := range []struct {
		action  string
		params  []string
		status  int
		code    string
		message string
	}{
		{"CreateUser", []string{"UserName=TAKEN"}, 409, "EntityAlreadyExists", "User with name TAKEN already exists."},
		{"CreateUser", []string{"UserName=" + strings.Repeat("x", 65)}, 400, "ValidationError", "64"},
		{"CreateUser", []string{"UserName=a b", "Path=x"}, 400, "ValidationError", "2 validation errors detected"},
		{"CreateUser", []string{"UserName=u", "PermissionsBoundary=" + none}, 404, "NoSuchEntity", "Scope ARN: " + none + " does not exist or is not attachable."},
		{"CreateUser", []string{"UserName=u", "Tags.member.1.Key=aws:x", "Tags.member.1.Value="}, 400, "InvalidInput", "reserved"},
		{"UpdateUser", []string{"UserName=none"}, 404, "NoSuchEntity", "The user with name none cannot be found."},
		{"UpdateUser", []string{"UserName=taken", "NewUserName=admin"}, 409, "EntityAlreadyExists", "User with name admin already exists."},
		{"UpdateUser", []string{"UserName=taken", "NewPath=x"}, 400, "ValidationError", "'newPath'"},
		{"UpdateUser", []string{"UserName=taken", "NewUserName="}, 400, "ValidationError", "'newUserName'"},
		{"DeleteUser", []string{"UserName=none"}, 404, "NoSuchEntity", "The user with name none cannot be found."},
		{"DeleteUser", nil, 400, "ValidationError", "Value null at 'userName'"},
		{"ListUsers", []string{"PathPrefix=x"}, 400, "ValidationError", "'pathPrefix'"},
		{"ListGroupsForUser", []string{"UserName=none"}, 404, "NoSuchEntity", "The user with name none cannot be found."},
		{"PutUserPolicy", []string{"UserName=none", "PolicyName=p", "PolicyDocument=" + everything}, 404, "NoSuchEntity", "The user with name none cannot be found."},
		{"GetUserPolicy", []string{"UserName=taken", "PolicyName=p"}, 404, "NoSuchEntity", "The user policy with name p cannot be found."},
		{"TagUser", []string{"UserName=none", "Tags.member.1.Key=a", "Tags.member.1.Value="}, 404, "NoSuchEntity", "The user with name none cannot be found."},
	} {
		t.Run(tt.action, func(t *testing.T) {
			a := w.call(w.admin, tt.action, tt.params...)
			a.t = t
			a.refused(tt.status, tt.code, tt.message)
		})
	}
}
