package iam_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/sigv4"
)

const account = "arn:aws:iam::123456789012:"

// trusting is a trust policy for AWS principals.
func trusting(arns ...string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["` + strings.Join(arns, `","`) + `"]},"Action":"sts:AssumeRole"}}`
}

// assume asks for a session of the role "target".
func (w *world) assume(c sigv4.Credentials) answer {
	w.t.Helper()
	return w.send(c, "sts", url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {account + "role/target"}, "RoleSessionName": {"someone"},
	})
}

func TestPrincipalsMustExist(t *testing.T) {
	w := newWorld(t)
	w.must("CreateRole", "RoleName=Camera", "Path=/fleet/", "AssumeRolePolicyDocument="+trust)
	w.must("CreateRole", "RoleName=other", "AssumeRolePolicyDocument="+trust)
	const session = "arn:aws:sts::123456789012:assumed-role/"
	for _, arn := range []string{
		account + "role/none", account + "role/Camera", account + "role/fleet/camera", account + "role/Fleet/Camera", account + "role/fleet/x/Camera",
		account + "role/new", // a role does not exist while it is made
		account + "user/none", account + "user/Admin", account + "user/staff/admin", account + "user/Camera", account + "role/admin",
		session + "none/s", session + "camera/s",
		"arn:aws:iam::210987654321:role/fleet/Camera", "arn:aws:iam::210987654321:user/admin", "arn:aws:sts::210987654321:assumed-role/Camera/s",
		"arn:aws-cn:iam::123456789012:user/admin",
	} {
		message := `Invalid principal in policy: "AWS":"` + arn + `"`
		document := trusting(account+"user/admin", arn)
		w.call(w.admin, "CreateRole", "RoleName=new", "AssumeRolePolicyDocument="+document).refused(400, "MalformedPolicyDocument", message)
		w.call(w.admin, "UpdateAssumeRolePolicy", "RoleName=other", "PolicyDocument="+document).refused(400, "MalformedPolicyDocument", message)
	}
	w.call(w.admin, "GetRole", "RoleName=new").refused(404, "NoSuchEntity", "new")
	if got := w.must("GetRole", "RoleName=other").text("GetRoleResult/Role/AssumeRolePolicyDocument"); unescaped(t, got) != trust {
		t.Errorf("a refused policy was saved: %s", got)
	}
	// Accounts need not exist, nor federated users, who are kept nowhere.
	document := trusting(account+"user/admin", account+"role/fleet/Camera", session+"Camera/s", account+"root", "210987654321",
		"arn:aws:iam::210987654321:root", "arn:aws:sts::123456789012:federated-user/f")
	w.must("CreateRole", "RoleName=new", "AssumeRolePolicyDocument="+document)
	w.must("UpdateAssumeRolePolicy", "RoleName=other", "PolicyDocument="+trusting(account+"role/other"))
}

// TestSuccessor: a role that is made again under the name of a deleted one is
// not the one that trust policies name, until they are saved again.
func TestSuccessor(t *testing.T) {
	for name, arn := range map[string]string{
		"role": account + "role/callers/caller", "session": "arn:aws:sts::123456789012:assumed-role/caller/someone",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			first := w.caller("caller", "")
			document := trusting(arn)
			w.must("CreateRole", "RoleName=target", "AssumeRolePolicyDocument="+document)
			if a := w.assume(first); a.status != http.StatusOK {
				t.Fatal(a.raw)
			}
			w.must("DeleteRole", "RoleName=caller")
			second := w.caller("caller", "")
			const refusal = "because no role trust policy allows the sts:AssumeRole action"
			w.assume(second).refused(403, "AccessDenied", refusal)
			w.must("UpdateRole", "RoleName=target", "Description=still the same policy")
			w.assume(second).refused(403, "AccessDenied", refusal)
			if got := w.must("GetRole", "RoleName=target").text("GetRoleResult/Role/AssumeRolePolicyDocument"); unescaped(t, got) != document {
				t.Errorf("shown as %s", got)
			}
			w.must("UpdateAssumeRolePolicy", "RoleName=target", "PolicyDocument="+document)
			if a := w.assume(second); a.status != http.StatusOK {
				t.Error(a.raw)
			}
		})
	}
}
