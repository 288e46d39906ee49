package sts

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/sigv4"
)

// allowing is a policy of one statement.
func allowing(action, condition string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":%q,"Resource":"*","Condition":%s}}`, action, condition)
}

// trusting are the statements of a trust policy for a principal.
func trusting(principal, condition string, actions ...string) string {
	return fmt.Sprintf(`[{"Effect":"Allow","Principal":%s,"Action":["%s"],"Condition":%s}]`, principal, strings.Join(actions, `","`), condition)
}

// may tells whether GetAccessKeyInfo is allowed: the permission that tests of
// what a session carries hang on.
func (w *world) may(c sigv4.Credentials) bool {
	w.t.Helper()
	a := w.call(c, "GetAccessKeyInfo", "AccessKeyId="+w.admin.AccessKeyID)
	if a.status != 200 {
		a.refused(403, "AccessDenied", "not authorized to perform: sts:GetAccessKeyInfo")
	}
	return a.status == 200
}

const (
	tagTeam = "Tags.member.1.Key=team"
	blue    = "Tags.member.1.Value=blue"
)

// TestTagSession: passing tags needs a permission of its own, which sees what is
// passed, and what is passed is what the session has.
func TestTagSession(t *testing.T) {
	w := newWorld(t)
	policy := allowing("sts:GetAccessKeyInfo", `{"StringEquals":{"aws:PrincipalTag/Team":"blue","aws:PrincipalTag/site":"berlin"}}`)
	site := []thingpass.Tag{{Key: "TEAM", Value: "red"}, {Key: "site", Value: "berlin"}}
	w.role(thingpass.Role{Name: "untagged", Tags: site}, byAdmin, policy)
	w.role(thingpass.Role{Name: "tagged", Tags: site}, trusting(byAdmin, `{}`, "sts:AssumeRole", "sts:TagSession"), policy)
	w.role(thingpass.Role{Name: "some", Tags: site}, `[{"Effect":"Allow","Principal":`+byAdmin+`,"Action":"sts:AssumeRole"},
		{"Effect":"Allow","Principal":`+byAdmin+`,"Action":"sts:TagSession","Condition":{
			"StringEquals":{"aws:RequestTag/team":["blue","green"]},"ForAllValues:StringEquals":{"aws:TagKeys":["team","cost"]},
			"Null":{"sts:TransitiveTagKeys":"true"}}}]`, policy)
	for _, tt := range []struct {
		name, role string
		params     []string
		refused    string
		may        bool
	}{
		{"none", "tagged", nil, "", false},
		{"over the role's", "tagged", []string{tagTeam, blue}, "", true},
		{"another", "tagged", []string{tagTeam, "Tags.member.1.Value=green"}, "", false},
		{"not trusted with tags", "untagged", []string{tagTeam, blue}, "because no role trust policy allows the sts:TagSession action", false},
		{"not trusted with tags, none passed", "untagged", nil, "", false},
		{"as the condition says", "some", []string{tagTeam, blue}, "", true},
		{"another value than it says", "some", []string{tagTeam, "Tags.member.1.Value=red"}, "sts:TagSession", false},
		{"another key than it says", "some", []string{tagTeam, blue, "Tags.member.2.Key=site", "Tags.member.2.Value=rome"}, "sts:TagSession", false},
		{"transitive against what it says", "some", []string{tagTeam, blue, "TransitiveTagKeys.member.1=team"}, "sts:TagSession", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			params := append([]string{"RoleArn=" + role + tt.role, "RoleSessionName=me"}, tt.params...)
			if tt.refused != "" {
				w.call(w.admin, "AssumeRole", params...).refused(403, "AccessDenied", tt.refused)
				return
			}
			c, a := w.assumed(w.admin, params...)
			if got := w.may(c); got != tt.may {
				t.Errorf("allowed: %v, want %v", got, tt.may)
			}
			if packed := a.text("AssumeRoleResult/PackedPolicySize"); (packed == "") != (tt.params == nil) {
				t.Errorf("packed size %q", packed)
			}
		})
	}
}

// TestTransitiveTags: tags that are transitive go down a chain of roles, need
// permission at each step, and cannot be changed on the way.
func TestTransitiveTags(t *testing.T) {
	w := newWorld(t)
	both := []string{"sts:AssumeRole", "sts:TagSession"}
	if1 := allowing("sts:GetAccessKeyInfo", `{"StringEquals":{"aws:PrincipalTag/team":"blue"}}`)
	w.role(thingpass.Role{Name: "first"}, trusting(byAdmin, `{}`, both...), "")
	w.role(thingpass.Role{Name: "second"}, trusting(`{"AWS":"`+role+`first"}`, `{}`, both...), if1)
	w.role(thingpass.Role{Name: "third"}, trusting(`{"AWS":"`+role+`second"}`, `{"StringEquals":{"aws:PrincipalTag/team":"blue"}}`, both...), if1)
	w.role(thingpass.Role{Name: "closed"}, `{"AWS":"`+role+`first"}`, "")
	first, _ := w.assumed(w.admin, "RoleArn="+role+"first", "RoleSessionName=me", tagTeam, blue, "Tags.member.2.Key=cost", "Tags.member.2.Value=7", "TransitiveTagKeys.member.1=TEAM")
	second, _ := w.assumed(first, "RoleArn="+role+"second", "RoleSessionName=me")
	third, _ := w.assumed(second, "RoleArn="+role+"third", "RoleSessionName=me", "Tags.member.1.Key=cost", "Tags.member.1.Value=8")
	for name, c := range map[string]sigv4.Credentials{"second": second, "third": third} {
		if !w.may(c) {
			t.Errorf("the %s session has lost the tag", name)
		}
	}
	plain, _ := w.assumed(w.admin, "RoleArn="+role+"first", "RoleSessionName=me", tagTeam, blue)
	plain, _ = w.assumed(plain, "RoleArn="+role+"second", "RoleSessionName=me")
	if w.may(plain) {
		t.Error("a tag that is not transitive went on")
	}
	w.call(first, "AssumeRole", "RoleArn="+role+"closed", "RoleSessionName=me").refused(403, "AccessDenied", "because no role trust policy allows the sts:TagSession action")
	w.call(first, "AssumeRole", "RoleArn="+role+"second", "RoleSessionName=me", "Tags.member.1.Key=Team", blue).refused(400, "InvalidParameterValue",
		"conflicts with a transitive tag key from the calling session")
}

// TestSourceIdentity: it needs a permission of its own, stays for good, and goes
// down a chain of roles.
func TestSourceIdentity(t *testing.T) {
	w := newWorld(t)
	both := []string{"sts:AssumeRole", "sts:SetSourceIdentity"}
	if1 := allowing("sts:GetAccessKeyInfo", `{"StringEquals":{"aws:SourceIdentity":"ann"}}`)
	w.role(thingpass.Role{Name: "closed"}, byAdmin, if1)
	w.role(thingpass.Role{Name: "first"}, trusting(byAdmin, `{"StringLikeIfExists":{"sts:SourceIdentity":"a*"}}`, both...), if1)
	w.role(thingpass.Role{Name: "second"}, trusting(`{"AWS":"`+role+`first"}`, `{}`, both...), if1)
	w.role(thingpass.Role{Name: "third"}, `{"AWS":"`+role+`first"}`, if1)
	arn, name, ann := "RoleArn="+role+"first", "RoleSessionName=me", "SourceIdentity=ann"
	w.call(w.admin, "AssumeRole", "RoleArn="+role+"closed", name, ann).refused(403, "AccessDenied", "because no role trust policy allows the sts:SetSourceIdentity action")
	w.call(w.admin, "AssumeRole", arn, name, "SourceIdentity=bob").refused(403, "AccessDenied", "sts:")
	first, a := w.assumed(w.admin, arn, name, ann)
	if a.text("AssumeRoleResult/SourceIdentity") != "ann" || !w.may(first) {
		t.Error(a.raw)
	}
	without, a := w.assumed(w.admin, arn, name)
	if len(a.find("AssumeRoleResult/SourceIdentity")) != 0 || w.may(without) {
		t.Error(a.raw)
	}
	for _, again := range [][]string{nil, {ann}} {
		second, a := w.assumed(first, append([]string{"RoleArn=" + role + "second", name}, again...)...)
		if a.text("AssumeRoleResult/SourceIdentity") != "ann" || !w.may(second) {
			t.Error(a.raw)
		}
	}
	w.call(first, "AssumeRole", "RoleArn="+role+"second", name, "SourceIdentity=bob").refused(403, "AccessDenied", "cannot be changed")
	w.call(first, "AssumeRole", "RoleArn="+role+"third", name).refused(403, "AccessDenied", "because no role trust policy allows the sts:SetSourceIdentity action")
	w.assumed(without, "RoleArn="+role+"third", name)
}

// TestManagedSessionPolicies: they count together with the inline one, as one
// set, and never grant.
func TestManagedSessionPolicies(t *testing.T) {
	w := newWorld(t)
	arns := map[string]string{}
	for name, document := range map[string]string{
		"info": allowing("sts:GetAccessKeyInfo", `{}`), "s3": allowing("s3:*", `{}`),
		"deny": strings.Replace(allowing("sts:GetAccessKeyInfo", `{}`), "Allow", "Deny", 1),
	} {
		p, err := w.db.CreateManagedPolicy(t.Context(), thingpass.ManagedPolicy{Name: name, Path: "/", ID: thingpass.NewID("ANPA"), Document: document})
		if err != nil {
			t.Fatal(err)
		}
		arns[name] = place.ManagedPolicy(p.Path, p.Name)
	}
	w.role(thingpass.Role{Name: "wide"}, byAdmin, everything)
	w.role(thingpass.Role{Name: "narrow"}, byAdmin, "")
	inline := "Policy=" + allowing("sts:GetAccessKeyInfo", `{}`)
	for _, tt := range []struct {
		name, role string
		policies   []string
		inline     string
		may        bool
	}{
		{"one that allows", "wide", []string{"info"}, "", true},
		{"one that does not", "wide", []string{"s3"}, "", false},
		{"two, one allows", "wide", []string{"s3", "info"}, "", true},
		{"two, one denies", "wide", []string{"info", "deny"}, "", false},
		{"inline allows", "wide", []string{"s3"}, inline, true},
		{"it grants nothing", "narrow", []string{"info"}, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			params := []string{"RoleArn=" + role + tt.role, "RoleSessionName=me"}
			for i, p := range tt.policies {
				params = append(params, fmt.Sprintf("PolicyArns.member.%d.arn=%s", i+1, arns[p]))
			}
			if tt.inline != "" {
				params = append(params, tt.inline)
			}
			c, a := w.assumed(w.admin, params...)
			if w.may(c) != tt.may || a.text("AssumeRoleResult/PackedPolicySize") == "" {
				t.Errorf("allowed: %v, want %v: %s", !tt.may, tt.may, a.raw)
			}
		})
	}
	w.t = t
	w.call(w.admin, "AssumeRole", "RoleArn="+role+"wide", "RoleSessionName=me", "PolicyArns.member.1.arn=arn:aws:iam::aws:policy/ReadOnlyAccess").
		refused(400, "ValidationError", "Policy arn:aws:iam::aws:policy/ReadOnlyAccess does not exist or is not attachable.")
	c, _ := w.assumed(w.admin, "RoleArn="+role+"wide", "RoleSessionName=me", "PolicyArns.member.1.arn="+arns["info"])
	if err := w.db.DeleteManagedPolicy(t.Context(), arns["info"]); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if w.may(c) {
		t.Error("the session is wider since its session policy is gone")
	}
}

// TestTagRefusals: what AWS refuses about tags and policies.
func TestTagRefusals(t *testing.T) {
	w := newWorld(t)
	w.role(thingpass.Role{Name: "r"}, trusting(byAdmin, `{}`, "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"), "")
	many := func(n int, format string) (params []string) {
		for i := range n {
			params = append(params, fmt.Sprintf(format, i+1, i+1))
		}
		return params
	}
	tags := func(n int, value string) []string {
		return append(many(n, "Tags.member.%d.Key=k%d"), many(n, "Tags.member.%d.Value="+value+"%d")...)
	}
	for _, tt := range []struct {
		name          string
		params        []string
		code, message string
	}{
		{"twice", []string{tagTeam, blue, "Tags.member.2.Key=TEAM", "Tags.member.2.Value=x"}, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"transitive key without a tag", []string{tagTeam, blue, "TransitiveTagKeys.member.1=cost"}, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."},
		{"no key", []string{blue}, "ValidationError", "Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null"},
		{"no value", []string{tagTeam}, "ValidationError", "Value null at 'tags.1.member.value'"},
		{"long key", []string{"Tags.member.1.Key=" + strings.Repeat("k", 129), blue}, "ValidationError", "less than or equal to 128"},
		{"long value", []string{tagTeam, "Tags.member.1.Value=" + strings.Repeat("v", 257)}, "ValidationError", "less than or equal to 256"},
		{"value with a star", []string{tagTeam, "Tags.member.1.Value=*"}, "ValidationError", `'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`},
		{"51 tags", tags(51, "v"), "ValidationError", "'tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
		{"50 large tags", tags(50, strings.Repeat("v", 250)), "PackedPolicyTooLarge", "Packed policy consumes "},
		{"11 policies", many(11, "PolicyArns.member.%d.arn=arn:aws:iam::123456789012:policy/p%d"), "ValidationError", "'policyArns' failed to satisfy constraint"},
		{"short ARN", []string{"PolicyArns.member.1.arn=arn:aws:iam"}, "ValidationError", "'policyArns.1.member.arn' failed to satisfy constraint: Member must have length greater than or equal to 20"},
		{"no ARN", []string{"PolicyArns.member.1.arm=x"}, "ValidationError", "Value null at 'policyArns.1.member.arn'"},
		{"source identity", []string{"SourceIdentity=x"}, "ValidationError", "'sourceIdentity' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		{"source identity with a blank", []string{"SourceIdentity=a b"}, "ValidationError", "'sourceIdentity'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			w.call(w.admin, "AssumeRole", append([]string{"RoleArn=" + role + "r", "RoleSessionName=me"}, tt.params...)...).refused(400, tt.code, tt.message)
		})
	}
	w.t = t
	_, a := w.assumed(w.admin, append([]string{"RoleArn=" + role + "r", "RoleSessionName=me"}, tags(50, strings.Repeat("v", 90))...)...)
	t.Logf("50 tags of 93 characters: %s %% of what is allowed, a token of %d characters",
		a.text("AssumeRoleResult/PackedPolicySize"), len(a.text("AssumeRoleResult/Credentials/SessionToken")))
}
