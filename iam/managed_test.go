package iam_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// managed makes a managed policy and returns its ARN.
func (w *world) managed(name, document string) string {
	w.t.Helper()
	return w.must("CreatePolicy", "PolicyName="+name, "PolicyDocument="+document).text("CreatePolicyResult/Policy/Arn")
}

func TestManagedPolicy(t *testing.T) {
	w := newWorld(t)
	created := w.must("CreatePolicy", "PolicyName=Read", "Path=/team/a/", "PolicyDocument="+getObject, "Description=reads → all",
		"Tags.member.1.Key=Team", "Tags.member.1.Value=blue")
	arn := account + "policy/team/a/Read"
	now := w.now.Format(time.RFC3339)
	for _, action := range []string{"CreatePolicy", "GetPolicy", "ListPolicies"} {
		a, at := created, action+"Result/Policy/"
		switch action {
		case "GetPolicy":
			a = w.must(action, "PolicyArn="+arn)
		case "ListPolicies":
			a, at = w.must(action, "Scope=Local", "PathPrefix=/team/"), "ListPoliciesResult/Policies/member/"
		}
		for name, want := range map[string]string{
			"PolicyName": "Read", "Arn": arn, "Path": "/team/a/", "DefaultVersionId": "v1", "AttachmentCount": "0",
			"PermissionsBoundaryUsageCount": "0", "IsAttachable": "true", "Description": "reads → all", "CreateDate": now, "UpdateDate": now,
		} {
			if got := a.text(at + name); got != want {
				t.Errorf("%s: %s is %q, want %q", action, name, got, want)
			}
		}
		if id := a.text(at + "PolicyId"); len(id) != 21 || !strings.HasPrefix(id, "ANPA") {
			t.Errorf("%s: id %q", action, id)
		}
		if tags := len(a.find(at + "Tags/member")); tags != map[bool]int{true: 0, false: 1}[action == "ListPolicies"] {
			t.Errorf("%s: %d tags", action, tags)
		}
	}
	if a := w.must("ListPolicies", "Scope=AWS"); len(a.find("ListPoliciesResult/Policies/member")) > 0 {
		t.Error(a.raw)
	}
	w.must("DeletePolicy", "PolicyArn="+arn)
	w.call(w.admin, "GetPolicy", "PolicyArn="+arn).refused(404, "NoSuchEntity", "Policy "+arn+" was not found.")
}

func TestPolicyVersions(t *testing.T) {
	w := newWorld(t)
	arn := w.managed("p", everything)
	for i := 2; i <= 5; i++ {
		a := w.must("CreatePolicyVersion", "PolicyArn="+arn, "PolicyDocument="+getObject, "SetAsDefault="+fmt.Sprint(i == 3))
		at := "CreatePolicyVersionResult/PolicyVersion/"
		if a.text(at+"VersionId") != fmt.Sprint("v", i) || a.text(at+"IsDefaultVersion") != fmt.Sprint(i == 3) || len(a.find(at+"Document")) > 0 {
			t.Error(a.raw)
		}
	}
	w.call(w.admin, "CreatePolicyVersion", "PolicyArn="+arn, "PolicyDocument="+getObject).refused(409, "LimitExceeded",
		"A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	list := func() []string {
		return w.must("ListPolicyVersions", "PolicyArn="+arn).texts("ListPolicyVersionsResult/Versions/member/VersionId")
	}
	if diff := cmp.Diff([]string{"v5", "v4", "v3", "v2", "v1"}, list()); diff != "" {
		t.Error(diff)
	}
	var paged []string
	for params := []string{"PolicyArn=" + arn, "MaxItems=2"}; ; {
		a := w.must("ListPolicyVersions", params...)
		paged = append(paged, a.texts("ListPolicyVersionsResult/Versions/member/VersionId")...)
		marker := a.text("ListPolicyVersionsResult/Marker")
		if marker == "" {
			break
		}
		params = []string{"PolicyArn=" + arn, "MaxItems=2", "Marker=" + marker}
	}
	if diff := cmp.Diff(list(), paged); diff != "" {
		t.Error(diff)
	}
	for version, want := range map[string]string{"v1": everything, "v3": getObject} {
		a := w.must("GetPolicyVersion", "PolicyArn="+arn, "VersionId="+version)
		at := "GetPolicyVersionResult/PolicyVersion/"
		if unescaped(t, a.text(at+"Document")) != want || a.text(at+"IsDefaultVersion") != fmt.Sprint(version == "v3") || a.text(at+"CreateDate") == "" {
			t.Error(a.raw)
		}
	}
	w.call(w.admin, "DeletePolicyVersion", "PolicyArn="+arn, "VersionId=v3").refused(409, "DeleteConflict", "Cannot delete the default version of a policy.")
	w.call(w.admin, "DeletePolicy", "PolicyArn="+arn).refused(409, "DeleteConflict", "This policy has more than one version.")
	w.must("SetDefaultPolicyVersion", "PolicyArn="+arn, "VersionId=v1")
	if got := w.must("GetPolicy", "PolicyArn="+arn).text("GetPolicyResult/Policy/DefaultVersionId"); got != "v1" {
		t.Errorf("default version %q", got)
	}
	for i := 2; i <= 5; i++ {
		w.must("DeletePolicyVersion", "PolicyArn="+arn, fmt.Sprint("VersionId=v", i))
	}
	if got := w.must("CreatePolicyVersion", "PolicyArn="+arn, "PolicyDocument="+getObject).text("CreatePolicyVersionResult/PolicyVersion/VersionId"); got != "v6" {
		t.Errorf("the version after v5 is %q", got)
	}
}

// TestAttaching: a managed policy counts for those it is attached to, and its
// new default version too.
func TestAttaching(t *testing.T) {
	w := newWorld(t)
	arn := w.managed("p", strings.Replace(everything, `"Action":"*"`, `"Action":"iam:GetRole"`, 1))
	role := w.caller("role", "")
	user := w.user("ann")
	get := []string{"RoleName=role"}
	for _, who := range []struct {
		noun string
		as   func() answer
		name string
	}{
		{"Role", func() answer { return w.call(role, "GetRole", get...) }, "RoleName=role"},
		{"User", func() answer { return w.call(user, "GetRole", get...) }, "UserName=ann"},
	} {
		who.as().refused(403, "AccessDenied", "no identity-based policy")
		w.must("Attach"+who.noun+"Policy", who.name, "PolicyArn="+arn)
		w.must("Attach"+who.noun+"Policy", who.name, "PolicyArn="+arn)
		w.pass()
		if a := who.as(); a.status != 200 {
			t.Error(a.raw)
		}
		a := w.must("ListAttached"+who.noun+"Policies", who.name, "PathPrefix=/")
		at := "ListAttached" + who.noun + "PoliciesResult/"
		if a.text(at+"AttachedPolicies/member/PolicyName") != "p" || a.text(at+"AttachedPolicies/member/PolicyArn") != arn || a.text(at+"IsTruncated") != "false" {
			t.Error(a.raw)
		}
		if a := w.must("ListAttached"+who.noun+"Policies", who.name, "PathPrefix=/other/"); len(a.find(at+"AttachedPolicies/member")) > 0 {
			t.Error(a.raw)
		}
		w.call(w.admin, "Delete"+who.noun, who.name).refused(409, "DeleteConflict", "Cannot delete entity, must de")
	}
	w.call(w.admin, "DeletePolicy", "PolicyArn="+arn).refused(409, "DeleteConflict", "Cannot delete a policy attached to entities.")
	w.must("CreatePolicyVersion", "PolicyArn="+arn, "PolicyDocument="+getObject, "SetAsDefault=true")
	w.pass()
	w.call(role, "GetRole", get...).refused(403, "AccessDenied", "no identity-based policy")
	w.must("SetDefaultPolicyVersion", "PolicyArn="+arn, "VersionId=v1")
	w.pass()
	if a := w.call(role, "GetRole", get...); a.status != 200 {
		t.Error(a.raw)
	}
	w.must("DetachUserPolicy", "UserName=ann", "PolicyArn="+arn)
	w.must("DetachRolePolicy", "RoleName=role", "PolicyArn="+arn)
	w.pass()
	w.call(role, "GetRole", get...).refused(403, "AccessDenied", "no identity-based policy")
	w.call(w.admin, "DetachRolePolicy", "RoleName=role", "PolicyArn="+arn).refused(404, "NoSuchEntity", "Policy "+arn+" was not found.")
}

func TestEntities(t *testing.T) {
	w := newWorld(t)
	arn := w.managed("p", everything)
	w.must("CreateRole", "RoleName=r1", "AssumeRolePolicyDocument="+trust, "Path=/x/")
	w.must("CreateRole", "RoleName=r2", "AssumeRolePolicyDocument="+trust, "PermissionsBoundary="+arn)
	w.must("CreateUser", "UserName=u1", "Path=/x/", "PermissionsBoundary="+arn)
	w.must("CreateUser", "UserName=u2")
	w.must("AttachRolePolicy", "RoleName=r1", "PolicyArn="+arn)
	w.must("AttachUserPolicy", "UserName=u2", "PolicyArn="+arn)
	if a := w.must("GetPolicy", "PolicyArn="+arn); a.text("GetPolicyResult/Policy/AttachmentCount") != "2" || a.text("GetPolicyResult/Policy/PermissionsBoundaryUsageCount") != "2" {
		t.Error(a.raw)
	}
	for params, want := range map[string]string{
		"": "r1 r2 u1 u2", "EntityFilter=Role": "r1 r2", "EntityFilter=User": "u1 u2", "EntityFilter=Group": "", "PathPrefix=/x/": "r1 u1",
		"PolicyUsageFilter=PermissionsPolicy": "r1 u2", "PolicyUsageFilter=PermissionsBoundary": "r2 u1", "MaxItems=1": "r1 r2 u1 u2", "MaxItems=3": "r1 r2 u1 u2",
	} {
		var got []string
		ask := []string{"PolicyArn=" + arn}
		if params != "" {
			ask = append(ask, params)
		}
		for marker := "first"; marker != ""; {
			a := w.must("ListEntitiesForPolicy", ask...)
			at := "ListEntitiesForPolicyResult/"
			got = append(append(got, a.texts(at+"PolicyRoles/member/RoleName")...), a.texts(at+"PolicyUsers/member/UserName")...)
			if len(a.find(at+"PolicyGroups")) != 1 || len(a.texts(at+"PolicyRoles/member/RoleId")) != len(a.texts(at+"PolicyRoles/member/RoleName")) {
				t.Error(a.raw)
			}
			marker = a.text(at + "Marker")
			ask = append(ask[:min(len(ask), 2)], "Marker="+marker)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", params, got, want)
		}
	}
	names := func(params ...string) []string {
		return w.must("ListPolicies", params...).texts("ListPoliciesResult/Policies/member/PolicyName")
	}
	w.managed("idle", everything)
	w.must("CreateRole", "RoleName=r3", "AssumeRolePolicyDocument="+trust, "PermissionsBoundary="+w.managed("fence", everything))
	if diff := cmp.Diff([][]string{{"fence", "idle", "p"}, {"p"}, {"fence", "p"}, {"p"}}, [][]string{
		names(), names("OnlyAttached=true"), names("PolicyUsageFilter=PermissionsBoundary"), names("PolicyUsageFilter=PermissionsPolicy"),
	}); diff != "" {
		t.Error(diff)
	}
}

// TestTags: tags of all that has them are added, replaced in any spelling, and
// removed.
func TestTags(t *testing.T) {
	w := newWorld(t)
	w.must("CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trust)
	w.must("CreateUser", "UserName=u")
	for noun, name := range map[string]string{"Role": "RoleName=r", "User": "UserName=u", "Policy": "PolicyArn=" + w.managed("p", everything)} {
		expect := func(want ...string) {
			t.Helper()
			a := w.must("List"+noun+"Tags", name)
			at := "List" + noun + "TagsResult/Tags/member/"
			keys, values := a.texts(at+"Key"), a.texts(at+"Value")
			got := []string{}
			for i := range keys {
				got = append(got, keys[i]+"="+values[i])
			}
			if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
				t.Errorf("%s: %s", noun, diff)
			}
		}
		w.must("Tag"+noun, name, "Tags.member.1.Key=Team", "Tags.member.1.Value=blue", "Tags.member.2.Key=b", "Tags.member.2.Value=")
		expect("Team=blue", "b=")
		w.must("Tag"+noun, name, "Tags.member.1.Key=team", "Tags.member.1.Value=red")
		expect("b=", "team=red")
		w.must("Untag"+noun, name, "TagKeys.member.1=TEAM", "TagKeys.member.2=absent")
		expect("b=")
		many := []string{name}
		for i := range 50 {
			many = append(many, fmt.Sprintf("Tags.member.%d.Key=k%d", i+1, i), fmt.Sprintf("Tags.member.%d.Value=v", i+1))
		}
		w.call(w.admin, "Tag"+noun, many...).refused(409, "LimitExceeded", "50")
		w.call(w.admin, "Tag"+noun, name).refused(400, "ValidationError", "Value null at 'tags'")
		w.call(w.admin, "Tag"+noun, name, "Tags.member.1.Key=aws:x", "Tags.member.1.Value=").refused(400, "InvalidInput", "reserved")
		w.call(w.admin, "Untag"+noun, name).refused(400, "ValidationError", "Value null at 'tagKeys'")
		w.call(w.admin, "Untag"+noun, name, "TagKeys.member.1=*").refused(400, "ValidationError", "'tagKeys.1.member'")
		expect("b=")
	}
}

func TestManagedRefusals(t *testing.T) {
	w := newWorld(t)
	arn := w.managed("taken", everything)
	w.must("CreateUser", "UserName=u")
	none := account + "policy/none"
	document := "PolicyDocument=" + everything
	sized := strings.Replace(everything, `"Effect"`, strings.Repeat(" ", 9000)+`"Sid":"`+strings.Repeat("x", 6144)+`","Effect"`, 1)
	for _, tt := range []struct {
		action  string
		params  []string
		status  int
		code    string
		message string
	}{
		{"CreatePolicy", []string{"PolicyName=TAKEN", document}, 409, "EntityAlreadyExists", "A policy called TAKEN already exists. Duplicate names are not allowed."},
		{"CreatePolicy", []string{"PolicyName=a b", document, "Path=x"}, 400, "ValidationError", "2 validation errors detected"},
		{"CreatePolicy", []string{"PolicyName=p", document, "Path=/!/"}, 400, "ValidationError", "'path'"},
		{"CreatePolicy", []string{"PolicyName=p", document, "Description=" + strings.Repeat("x", 1001)}, 400, "ValidationError", "1000"},
		{"CreatePolicy", []string{"PolicyName=p", document, "Description=\x00"}, 400, "ValidationError", "'description'"},
		{"CreatePolicy", []string{"PolicyName=p", "PolicyDocument={"}, 400, "MalformedPolicyDocument", "Syntax errors in policy."},
		{"CreatePolicy", []string{"PolicyName=p", "PolicyDocument=" + trust}, 400, "MalformedPolicyDocument", "principal"},
		{"CreatePolicy", []string{"PolicyName=p", "PolicyDocument=" + strings.Replace(everything, "2012-10-17", "2008-10-17", 1)}, 400, "MalformedPolicyDocument", "Policy document must be version 2012-10-17 or greater."},
		{"CreatePolicy", []string{"PolicyName=p", "PolicyDocument=" + strings.Replace(everything, `"Version":"2012-10-17",`, "", 1)}, 400, "MalformedPolicyDocument", "Policy document must be version 2012-10-17 or greater."},
		{"CreatePolicy", []string{"PolicyName=p", "PolicyDocument=" + sized}, 409, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144"},
		{"CreatePolicy", []string{"PolicyName=p", document, "Tags.member.1.Key=aws:x", "Tags.member.1.Value="}, 400, "InvalidInput", "reserved"},
		{"CreatePolicyVersion", []string{"PolicyArn=" + arn, "PolicyDocument=" + sized}, 409, "LimitExceeded", "PolicySize"},
		{"CreatePolicyVersion", []string{"PolicyArn=" + none, document}, 404, "NoSuchEntity", "Policy " + none + " was not found."},
		{"GetPolicy", nil, 400, "ValidationError", "Value null at 'policyArn'"},
		{"GetPolicy", []string{"PolicyArn=short"}, 400, "ValidationError", "greater than or equal to 20"},
		{"GetPolicy", []string{"PolicyArn=" + arn + "\x00"}, 400, "ValidationError", "'policyArn'"},
		{"GetPolicy", []string{"PolicyArn=this is not an ARN at all"}, 400, "InvalidInput", "ARN this is not an ARN at all is not valid."},
		{"GetPolicy", []string{"PolicyArn=" + account + "policy/Taken"}, 404, "NoSuchEntity", "Taken was not found."},
		{"GetPolicy", []string{"PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess"}, 404, "NoSuchEntity", "was not found."},
		{"DeletePolicy", []string{"PolicyArn=" + none}, 404, "NoSuchEntity", "was not found."},
		{"GetPolicyVersion", []string{"PolicyArn=" + arn, "VersionId=1"}, 400, "ValidationError", "'versionId'"},
		{"GetPolicyVersion", []string{"PolicyArn=" + arn, "VersionId=v2"}, 404, "NoSuchEntity", "v2"},
		{"SetDefaultPolicyVersion", []string{"PolicyArn=" + arn, "VersionId=v2"}, 404, "NoSuchEntity", "v2"},
		{"DeletePolicyVersion", []string{"PolicyArn=" + arn}, 400, "ValidationError", "Value null at 'versionId'"},
		{"ListPolicies", []string{"Scope=Mine"}, 400, "ValidationError", "Value 'Mine' at 'scope' failed to satisfy constraint: Member must satisfy enum value set: [All, AWS, Local]"},
		{"ListPolicies", []string{"PolicyUsageFilter=x"}, 400, "ValidationError", "enum value set: [PermissionsPolicy, PermissionsBoundary]"},
		{"ListPolicies", []string{"OnlyAttached=perhaps"}, 400, "ValidationError", "OnlyAttached"},
		{"ListEntitiesForPolicy", []string{"PolicyArn=" + none}, 404, "NoSuchEntity", "was not found."},
		{"ListEntitiesForPolicy", []string{"PolicyArn=" + arn, "EntityFilter=Robot"}, 400, "ValidationError", "'entityFilter'"},
		{"AttachUserPolicy", []string{"UserName=u", "PolicyArn=" + none}, 404, "NoSuchEntity", "Policy " + none + " does not exist or is not attachable."},
		{"AttachUserPolicy", []string{"UserName=none", "PolicyArn=" + arn}, 404, "NoSuchEntity", "The user with name none cannot be found."},
		{"AttachRolePolicy", []string{"RoleName=none", "PolicyArn=" + arn}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"AttachRolePolicy", []string{"RoleName=none"}, 400, "ValidationError", "Value null at 'policyArn'"},
		{"DetachUserPolicy", []string{"UserName=u", "PolicyArn=" + arn}, 404, "NoSuchEntity", "Policy " + arn + " was not found."},
		{"PutUserPermissionsBoundary", []string{"UserName=u", "PermissionsBoundary=" + none}, 404, "NoSuchEntity", "Scope ARN: " + none + " does not exist or is not attachable."},
		{"PutUserPermissionsBoundary", []string{"UserName=u"}, 400, "ValidationError", "'permissionsBoundary'"},
		{"PutRolePermissionsBoundary", []string{"RoleName=none", "PermissionsBoundary=" + arn}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"DeleteRolePermissionsBoundary", []string{"RoleName=none"}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"TagPolicy", []string{"PolicyArn=" + none, "Tags.member.1.Key=a", "Tags.member.1.Value="}, 404, "NoSuchEntity", "was not found."},
		{"ListPolicyTags", []string{"PolicyArn=" + none}, 404, "NoSuchEntity", "was not found."},
	} {
		t.Run(tt.action, func(t *testing.T) {
			a := w.call(w.admin, tt.action, tt.params...)
			a.t = t
			a.refused(tt.status, tt.code, tt.message)
		})
	}
	for i := range 10 {
		w.must("AttachUserPolicy", "UserName=u", "PolicyArn="+w.managed(fmt.Sprint("p", i), getObject))
	}
	w.call(w.admin, "AttachUserPolicy", "UserName=u", "PolicyArn="+arn).refused(409, "LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10")
}
