package iam_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// unescaped is a policy document as it was before IAM escaped it.
func unescaped(t *testing.T, document string) string {
	t.Helper()
	text, err := url.PathUnescape(document)
	if err != nil || strings.ContainsAny(document, `+ "{:/`) {
		t.Errorf("not escaped as in RFC 3986: %s", document)
	}
	return text
}

func TestRole(t *testing.T) {
	w := newWorld(t)
	spaced := strings.ReplaceAll(trust, ",", ", \n\t")
	created := w.must("CreateRole", "RoleName=Camera", "Path=/fleet/a/", "AssumeRolePolicyDocument="+spaced, "Description=für alle",
		"MaxSessionDuration=7200", "Tags.member.1.Key=Team", "Tags.member.1.Value=blue sky", "Tags.member.2.Key=empty", "Tags.member.2.Value=")
	for _, action := range []string{"CreateRole", "GetRole"} {
		a := created
		if action == "GetRole" {
			a = w.must("GetRole", "RoleName=camera") // names are found in any spelling
		}
		at := action + "Result/Role/"
		for name, want := range map[string]string{
			"Path": "/fleet/a/", "RoleName": "Camera", "Arn": "arn:aws:iam::123456789012:role/fleet/a/Camera", "CreateDate": w.now.Format(time.RFC3339),
			"Description": "für alle", "MaxSessionDuration": "7200",
		} {
			if got := a.text(at + name); got != want {
				t.Errorf("%s: %s is %q, want %q", action, name, got, want)
			}
		}
		if id := a.text(at + "RoleId"); len(id) != 21 || !strings.HasPrefix(id, "AROA") || id != created.text("CreateRoleResult/Role/RoleId") {
			t.Errorf("role id %q", id)
		}
		if got := a.texts(at + "Tags/member/Key"); !cmp.Equal(got, []string{"Team", "empty"}) {
			t.Errorf("tags %q", got)
		}
		if got := unescaped(t, a.text(at+"AssumeRolePolicyDocument")); got != spaced {
			t.Errorf("document %q", got)
		}
		if len(a.find(at+"RoleLastUsed")) > 0 || a.text("ResponseMetadata/RequestId") == "" {
			t.Error(a.raw)
		}
	}
}

func TestRoleDefaultsAndUpdates(t *testing.T) {
	w := newWorld(t)
	a := w.must("CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trust)
	if got := a.text("CreateRoleResult/Role/Arn"); got != "arn:aws:iam::123456789012:role/r" {
		t.Errorf("ARN %q", got)
	}
	if len(a.find("CreateRoleResult/Role/Description"))+len(a.find("CreateRoleResult/Role/Tags")) > 0 {
		t.Error("what was not given is answered: " + a.raw)
	}
	expect := func(description, seconds string) {
		t.Helper()
		a := w.must("GetRole", "RoleName=r")
		if d, s := a.text("GetRoleResult/Role/Description"), a.text("GetRoleResult/Role/MaxSessionDuration"); d != description || s != seconds {
			t.Errorf("description %q, duration %q", d, s)
		}
	}
	expect("", "3600")
	a = w.must("UpdateRoleDescription", "RoleName=r", "Description=one")
	if a.text("UpdateRoleDescriptionResult/Role/Description") != "one" {
		t.Error(a.raw)
	}
	if a = w.must("UpdateRole", "RoleName=r", "MaxSessionDuration=43200"); len(a.find("UpdateRoleResult")) != 1 {
		t.Error("botocore needs the result element: " + a.raw)
	}
	expect("one", "43200")
	w.must("UpdateRole", "RoleName=r", "Description=two")
	expect("two", "43200")
	w.must("UpdateRole", "RoleName=r", "Description=")
	expect("", "43200")

	other := strings.Replace(trust, "credentials.iot", "lambda", 1)
	if a = w.must("UpdateAssumeRolePolicy", "RoleName=r", "PolicyDocument="+other); len(a.root.Children) != 1 {
		t.Error("a result element: " + a.raw)
	}
	if got := w.must("GetRole", "RoleName=r").text("GetRoleResult/Role/AssumeRolePolicyDocument"); unescaped(t, got) != other {
		t.Errorf("trust policy %q", got)
	}
	w.must("DeleteRole", "RoleName=r")
	w.call(w.admin, "GetRole", "RoleName=r").refused(404, "NoSuchEntity", "The role with name r cannot be found.")
}

func TestRolePolicies(t *testing.T) {
	w := newWorld(t)
	w.must("CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trust)
	w.must("PutRolePolicy", "RoleName=r", "PolicyName=b", "PolicyDocument="+everything)
	w.must("PutRolePolicy", "RoleName=r", "PolicyName=a", "PolicyDocument="+everything)
	w.must("PutRolePolicy", "RoleName=r", "PolicyName=a", "PolicyDocument="+getObject)
	a := w.must("GetRolePolicy", "RoleName=r", "PolicyName=a")
	if a.text("GetRolePolicyResult/RoleName") != "r" || a.text("GetRolePolicyResult/PolicyName") != "a" ||
		unescaped(t, a.text("GetRolePolicyResult/PolicyDocument")) != getObject {
		t.Error(a.raw)
	}
	w.call(w.admin, "DeleteRole", "RoleName=r").refused(409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	for _, name := range []string{"a", "b"} {
		w.must("DeleteRolePolicy", "RoleName=r", "PolicyName="+name)
	}
	a = w.must("ListRolePolicies", "RoleName=r")
	if len(a.find("ListRolePoliciesResult/PolicyNames")) != 1 || len(a.find("ListRolePoliciesResult/PolicyNames/member")) != 0 {
		t.Error(a.raw)
	}
	for _, action := range []string{"ListAttachedRolePolicies", "ListInstanceProfilesForRole"} {
		if a := w.must(action, "RoleName=r"); a.text(action+"Result/IsTruncated") != "false" {
			t.Error(a.raw)
		}
	}
	w.must("DeleteRole", "RoleName=r")
}

func TestPaging(t *testing.T) {
	w := newWorld(t)
	var names []string
	for i := range 5 {
		name := fmt.Sprintf("role-%d", i)
		names = append(names, name)
		w.must("CreateRole", "RoleName="+name, "AssumeRolePolicyDocument="+trust, "Path=/p/", "Tags.member.1.Key=k", "Tags.member.1.Value=v")
		w.must("PutRolePolicy", "RoleName=role-0", "PolicyName="+name, "PolicyDocument="+getObject)
	}
	w.must("CreateRole", "RoleName=elsewhere", "AssumeRolePolicyDocument="+trust)
	tags := []string{"RoleName=tagged", "AssumeRolePolicyDocument=" + trust}
	for i, name := range names {
		tags = append(tags, fmt.Sprintf("Tags.member.%d.Key=%s", 5-i, name), fmt.Sprintf("Tags.member.%d.Value=v", 5-i))
	}
	w.must("CreateRole", tags...)
	for _, tt := range []struct{ action, item, param string }{
		{"ListRoles", "Roles/member/RoleName", "PathPrefix=/p/"},
		{"ListRolePolicies", "PolicyNames/member", "RoleName=role-0"},
		{"ListRoleTags", "Tags/member/Key", "RoleName=tagged"},
	} {
		for _, size := range []int{1, 2, 4, 5, 6, 1000} {
			params := []string{tt.param, fmt.Sprint("MaxItems=", size)}
			var got []string
			for range 6 {
				a := w.must(tt.action, params...)
				page := a.texts(tt.action + "Result/" + tt.item)
				got = append(got, page...)
				marker := a.text(tt.action + "Result/Marker")
				if more := a.text(tt.action + "Result/IsTruncated"); len(page) > size || more != fmt.Sprint(marker != "") {
					t.Fatalf("%s by %d: %s", tt.action, size, a.raw)
				}
				if marker == "" {
					break
				}
				params = []string{tt.param, fmt.Sprint("MaxItems=", size), "Marker=" + marker}
			}
			if diff := cmp.Diff(names, got); diff != "" {
				t.Errorf("%s by %d: %s", tt.action, size, diff)
			}
		}
	}
	a := w.must("ListRoles")
	if got := a.texts("ListRolesResult/Roles/member/RoleName"); len(got) != 7 || len(a.find("ListRolesResult/Roles/member/Tags")) > 0 {
		t.Error(a.raw)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	w.must("CreateRole", "RoleName=taken", "AssumeRolePolicyDocument="+trust)
	document := "AssumeRolePolicyDocument=" + trust
	long := strings.Repeat("x", 129)
	tags := []string{"RoleName=r", document}
	for i := range 51 {
		tags = append(tags, fmt.Sprintf("Tags.member.%d.Key=%d", i+1, i), fmt.Sprintf("Tags.member.%d.Value=", i+1))
	}
	for _, tt := range []struct {
		action  string
		params  []string
		status  int
		code    string
		message string
	}{
		{"CreateRole", []string{"RoleName=TAKEN", document}, 409, "EntityAlreadyExists", "Role with name TAKEN already exists."},
		{"CreateRole", []string{"RoleName=a b", document}, 400, "ValidationError", `1 validation error detected: Value 'a b' at 'roleName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+`},
		{"CreateRole", []string{"RoleName=", document}, 400, "ValidationError", "'roleName' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"CreateRole", []string{"RoleName=" + long[:65], document}, 400, "ValidationError", "Member must have length less than or equal to 64"},
		{"CreateRole", nil, 400, "ValidationError", "2 validation errors detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null; Value null at 'assumeRolePolicyDocument'"},
		{"CreateRole", []string{"RoleName=r", document, "Path=x"}, 400, "ValidationError", "'path'"},
		{"CreateRole", []string{"RoleName=r", document, "Path=//"}, 400, "ValidationError", "'path'"},
		{"CreateRole", []string{"RoleName=r", document, "Path="}, 400, "ValidationError", "'path'"},
		{"CreateRole", []string{"RoleName=r", document, "Path=/" + strings.Repeat("x", 511) + "/"}, 400, "ValidationError", "512"},
		{"CreateRole", []string{"RoleName=r", document, "Description=\x01"}, 400, "ValidationError", "'description'"},
		{"CreateRole", []string{"RoleName=r", document, "Description=" + strings.Repeat("x", 1001)}, 400, "ValidationError", "1000"},
		{"CreateRole", []string{"RoleName=r", document, "MaxSessionDuration=3599"}, 400, "ValidationError", "Value '3599' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600"},
		{"CreateRole", []string{"RoleName=r", document, "MaxSessionDuration=43201"}, 400, "ValidationError", "less than or equal to 43200"},
		{"CreateRole", []string{"RoleName=r", document, "MaxSessionDuration=one"}, 400, "ValidationError", "MaxSessionDuration"},
		{"CreateRole", []string{"RoleName=r", document, "PermissionsBoundary=arn:aws:iam::aws:policy/PowerUserAccess"}, 404, "NoSuchEntity", "Scope ARN: arn:aws:iam::aws:policy/PowerUserAccess does not exist or is not attachable."},
		{"CreateRole", []string{"RoleName=r", "AssumeRolePolicyDocument={"}, 400, "MalformedPolicyDocument", "Syntax errors in policy."},
		{"CreateRole", []string{"RoleName=r", "AssumeRolePolicyDocument=" + everything}, 400, "MalformedPolicyDocument", "Has prohibited field Resource"},
		{"CreateRole", []string{"RoleName=r", "AssumeRolePolicyDocument="}, 400, "ValidationError", "'assumeRolePolicyDocument'"},
		{"CreateRole", []string{"RoleName=r", "AssumeRolePolicyDocument=" + strings.Repeat(" ", 131072) + trust}, 400, "ValidationError", "131072"},
		{"CreateRole", []string{"RoleName=r", "AssumeRolePolicyDocument=\u2028" + trust}, 400, "ValidationError", "'assumeRolePolicyDocument'"},
		{"CreateRole", tags, 400, "ValidationError", "'tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
		{"CreateRole", []string{"RoleName=r", document, "Tags.member.1.Key=a*", "Tags.member.1.Value=" + strings.Repeat("x", 257)}, 400, "ValidationError", "2 validation errors detected: Value 'a*' at 'tags.1.member.key'"},
		{"CreateRole", []string{"RoleName=r", document, "Tags.member.1.Key=a"}, 400, "ValidationError", "Value null at 'tags.1.member.value'"},
		{"CreateRole", []string{"RoleName=r", document, "Tags.member.1.Key=a", "Tags.member.1.Value=", "Tags.member.2.Key=A", "Tags.member.2.Value="}, 400, "InvalidInput", "Duplicate tag keys found."},
		{"CreateRole", []string{"RoleName=r", document, "Tags.member.1.Key=sun", "Tags.member.1.Value=", "Tags.member.2.Key=\u017fun", "Tags.member.2.Value="}, 400, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"CreateRole", []string{"RoleName=r", document, "Tags.member.1.Key=AWS:a", "Tags.member.1.Value="}, 400, "InvalidInput", "reserved"},
		{"GetRole", []string{"RoleName=none"}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"GetRole", []string{"RoleName=a\x00b"}, 400, "ValidationError", "'roleName'"},
		{"GetRole", nil, 400, "ValidationError", "Value null at 'roleName'"},
		{"DeleteRole", []string{"RoleName=none"}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"UpdateRole", []string{"RoleName=none"}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"UpdateRole", []string{"RoleName=taken", "MaxSessionDuration=1"}, 400, "ValidationError", "3600"},
		{"UpdateRoleDescription", []string{"RoleName=taken"}, 400, "ValidationError", "Value null at 'description'"},
		{"UpdateRoleDescription", []string{"RoleName=none", "Description="}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"UpdateAssumeRolePolicy", []string{"RoleName=none", "PolicyDocument=" + trust}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"UpdateAssumeRolePolicy", []string{"RoleName=taken", "PolicyDocument=[]"}, 400, "MalformedPolicyDocument", "Syntax errors in policy."},
		{"PutRolePolicy", []string{"RoleName=none", "PolicyName=p", "PolicyDocument=" + everything}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"PutRolePolicy", []string{"RoleName=taken", "PolicyName=" + long, "PolicyDocument=" + everything}, 400, "ValidationError", "'policyName'"},
		{"PutRolePolicy", []string{"RoleName=taken", "PolicyName=p", "PolicyDocument=" + trust}, 400, "MalformedPolicyDocument", "principal"},
		{"PutRolePolicy", []string{"RoleName=taken"}, 400, "ValidationError", "2 validation errors detected"},
		{"GetRolePolicy", []string{"RoleName=taken", "PolicyName=p"}, 404, "NoSuchEntity", "The role policy with name p cannot be found."},
		{"GetRolePolicy", []string{"RoleName=none", "PolicyName=p"}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"DeleteRolePolicy", []string{"RoleName=taken", "PolicyName=p"}, 404, "NoSuchEntity", "The role policy with name p cannot be found."},
		{"ListRoles", []string{"MaxItems=0"}, 400, "ValidationError", "Value '0' at 'maxItems'"},
		{"ListRoles", []string{"MaxItems=1001"}, 400, "ValidationError", "less than or equal to 1000"},
		{"ListRoles", []string{"PathPrefix=x"}, 400, "ValidationError", "'pathPrefix'"},
		{"ListRoles", []string{"Marker=!"}, 400, "ValidationError", "'marker'"},
		{"ListRoles", []string{"Marker="}, 400, "ValidationError", "'marker'"},
		{"ListRolePolicies", []string{"RoleName=none"}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"ListRoleTags", []string{"RoleName=none"}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"ListAttachedRolePolicies", []string{"RoleName=none"}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"ListAttachedRolePolicies", []string{"RoleName=taken", "PathPrefix=x"}, 400, "ValidationError", "'pathPrefix'"},
		{"ListInstanceProfilesForRole", []string{"RoleName=none"}, 404, "NoSuchEntity", "The role with name none cannot be found."},
		{"GetUser", []string{"UserName=none"}, 404, "NoSuchEntity", "The user with name none cannot be found."},
		{"GetUser", []string{"UserName=a b"}, 400, "ValidationError", "'userName'"},
		{"GetUser", []string{"UserName="}, 400, "ValidationError", "'userName'"},
	} {
		t.Run(tt.action, func(t *testing.T) {
			a := w.call(w.admin, tt.action, tt.params...)
			a.t = t
			a.refused(tt.status, tt.code, tt.message)
		})
	}
}

func TestQuotas(t *testing.T) {
	w := newWorld(t)
	// sized is a policy of exactly n characters, and many blanks.
	sized := func(document string, n int) string {
		sid := strings.Repeat("x", n-len(document)-len(`"Sid":"",`))
		return strings.Replace(document, `"Effect"`, strings.Repeat(" \n", 5000)+`"Sid":"`+sid+`","Effect"`, 1)
	}
	tooMuchTrust := "Cannot exceed quota for ACLSizePerRole: 2048"
	w.call(w.admin, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+sized(trust, 2049)).refused(409, "LimitExceeded", tooMuchTrust)
	w.must("CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+sized(trust, 2048))
	w.call(w.admin, "UpdateAssumeRolePolicy", "RoleName=r", "PolicyDocument="+sized(trust, 2049)).refused(409, "LimitExceeded", tooMuchTrust)

	tooMuch := "Maximum policy size of 10240 bytes exceeded for role r"
	w.must("PutRolePolicy", "RoleName=r", "PolicyName=a", "PolicyDocument="+sized(everything, 10000))
	w.call(w.admin, "PutRolePolicy", "RoleName=r", "PolicyName=b", "PolicyDocument="+sized(everything, 241)).refused(409, "LimitExceeded", tooMuch)
	w.must("PutRolePolicy", "RoleName=r", "PolicyName=b", "PolicyDocument="+sized(everything, 240))
	w.must("PutRolePolicy", "RoleName=r", "PolicyName=a", "PolicyDocument="+sized(everything, 10000)) // replaces, does not add
	w.call(w.admin, "PutRolePolicy", "RoleName=r", "PolicyName=a", "PolicyDocument="+sized(everything, 10001)).refused(409, "LimitExceeded", tooMuch)
}

func TestWarnings(t *testing.T) {
	w := newWorld(t)
	w.must("CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trust)
	w.must("PutRolePolicy", "RoleName=r", "PolicyName=odd", "PolicyDocument="+strings.Replace(getObject, "GetObject", "HeadBucket", 1))
	w.managed("strange", strings.Replace(getObject, "GetObject", "ListObjects", 1))
	got := w.log.String()
	for _, want := range []string{"s3:HeadBucket", "role=r policy=odd", "s3:ListObjects", "policy=arn:aws:iam::123456789012:policy/strange"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in the log: %s", want, got)
		}
	}
	if n := strings.Count(got, "saved with a warning: "); n != 2 {
		t.Errorf("%d audit lines have the warning: %s", n, got)
	}
}

// operations are the names of all IAM operations of the server's table.
func (w *world) operations() []string {
	var names []string
	for _, service := range w.Services() {
		for _, op := range service.Operations {
			if service.Name == "iam" {
				names = append(names, op.Name)
			}
		}
	}
	if len(names) < 15 {
		w.t.Errorf("only %q", names)
	}
	return names
}

// TestNoPolicy: whoever has no policy may do nothing, and learns nothing about
// the request either.
func TestNoPolicy(t *testing.T) {
	w := newWorld(t)
	w.must("CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trust)
	w.must("PutRolePolicy", "RoleName=r", "PolicyName=p", "PolicyDocument="+getObject)
	nobody := w.caller("nobody", "")
	for _, op := range w.operations() {
		for _, params := range [][]string{nil, {"RoleName=r"}, {"RoleName=none"}, {"UserName=admin"}, {"UserName=none"}, {"RoleName=\x00"}, {"PolicyArn=" + account + "policy/p"}} {
			w.call(nobody, op, params...).refused(403, "AccessDenied",
				"User: arn:aws:sts::123456789012:assumed-role/nobody/someone is not authorized to perform: iam:"+op+" on resource: ")
		}
	}
}

// TestResources: policies are about the role's true ARN, whatever the request
// calls it.
func TestResources(t *testing.T) {
	w := newWorld(t)
	w.must("CreateRole", "RoleName=Prod", "Path=/prod/", "AssumeRolePolicyDocument="+trust, "Tags.member.1.Key=Env", "Tags.member.1.Value=live")
	w.must("CreateRole", "RoleName=Test", "AssumeRolePolicyDocument="+trust, "Tags.member.1.Key=Env", "Tags.member.1.Value=test")
	byPath := w.caller("by-path", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"},
		{"Effect":"Deny","Action":"*","Resource":"arn:aws:iam::123456789012:role/prod/*"}]}`)
	byName := w.caller("by-name", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"},
		{"Effect":"Deny","Action":"*","Resource":"arn:aws:iam::123456789012:role/*Prod"}]}`)
	byTag := w.caller("by-tag", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"*",
		"Condition":{"StringEquals":{"iam:ResourceTag/Env":"test","aws:ResourceTag/Env":"test"}}}}`)
	for _, c := range []string{"Prod", "PROD", "prod"} {
		for _, who := range []struct {
			action string
			params []string
		}{
			{"DeleteRole", nil}, {"PutRolePolicy", []string{"PolicyName=p", "PolicyDocument=" + everything}},
			{"UpdateAssumeRolePolicy", []string{"PolicyDocument=" + trust}},
		} {
			params := append(who.params, "RoleName="+c)
			w.call(byPath, who.action, params...).refused(403, "AccessDenied", "role/prod/Prod with an explicit deny in an identity-based policy")
			w.call(byName, who.action, params...).refused(403, "AccessDenied", "role/prod/Prod with an explicit deny")
			w.call(byTag, who.action, params...).refused(403, "AccessDenied", "because no identity-based policy allows")
		}
	}
	w.call(byPath, "CreateRole", "RoleName=x", "Path=/prod/", "AssumeRolePolicyDocument="+trust).refused(403, "AccessDenied", "role/prod/x")
	if a := w.call(byTag, "DeleteRole", "RoleName=test"); a.status != 200 {
		t.Error(a.raw)
	}
}

func TestTaggingOnCreation(t *testing.T) {
	w := newWorld(t)
	create := w.caller("create", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:CreateRole","Resource":"*"}}`)
	blue := w.caller("blue", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:CreateRole","iam:TagRole"],"Resource":"*",
		"Condition":{"StringEquals":{"aws:RequestTag/Team":"blue"},"ForAllValues:StringEquals":{"aws:TagKeys":"Team"}}}}`)
	plain := []string{"RoleName=r", "AssumeRolePolicyDocument=" + trust}
	tagged := append(plain, "Tags.member.1.Key=Team", "Tags.member.1.Value=blue")
	red := append(plain, "Tags.member.1.Key=Team", "Tags.member.1.Value=red")
	more := append(tagged, "Tags.member.2.Key=Other", "Tags.member.2.Value=x")

	w.call(create, "CreateRole", tagged...).refused(403, "AccessDenied", "iam:TagRole")
	w.call(blue, "CreateRole", plain...).refused(403, "AccessDenied", "iam:CreateRole")
	w.call(blue, "CreateRole", red...).refused(403, "AccessDenied", "iam:CreateRole")
	w.call(blue, "CreateRole", more...).refused(403, "AccessDenied", "iam:CreateRole")
	if a := w.call(blue, "CreateRole", tagged...); a.status != 200 {
		t.Error(a.raw)
	}
	w.must("DeleteRole", "RoleName=r")
	if a := w.call(create, "CreateRole", plain...); a.status != 200 {
		t.Error(a.raw)
	}
}

func TestGetUser(t *testing.T) {
	w := newWorld(t)
	narrow := w.caller("narrow", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::123456789012:user/admin"}}`)
	for name, a := range map[string]answer{
		"own": w.must("GetUser"), "own by name": w.must("GetUser", "UserName=admin"), "by a session": w.call(narrow, "GetUser", "UserName=admin"),
		"in another spelling": w.call(narrow, "GetUser", "UserName=ADMIN"),
	} {
		at := "GetUserResult/User/"
		if a.text(at+"UserName") != "admin" || a.text(at+"Arn") != "arn:aws:iam::123456789012:user/admin" || a.text(at+"Path") != "/" ||
			!strings.HasPrefix(a.text(at+"UserId"), "AIDA") || a.text(at+"CreateDate") != w.now.Format(time.RFC3339) {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	w.call(narrow, "GetUser", "UserName=other").refused(403, "AccessDenied", "arn:aws:iam::123456789012:user/other")
	w.call(narrow, "GetUser").refused(403, "AccessDenied", "iam:GetUser on resource: *")
	w.call(w.caller("wide", everything), "GetUser").refused(400, "ValidationError", "Must specify userName when calling with non-User credentials")
}
