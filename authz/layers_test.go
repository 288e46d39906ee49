package authz_test

import (
	"strings"
	"testing"

	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
)

const (
	userARN      = "arn:aws:iam::123456789012:user/ann"
	roleARN      = "arn:aws:iam::123456789012:role/R"
	sessionARN   = "arn:aws:sts::123456789012:assumed-role/R/s1"
	federatedARN = "arn:aws:sts::123456789012:federated-user/ann"
	rootARN      = "arn:aws:iam::123456789012:root"
	otherAccount = "210987654321"
)

// The callers of the tests.
var (
	user      = policy.Principal{Account: place.Account, ARN: userARN}
	session   = policy.Principal{Account: place.Account, ARN: sessionARN, RoleARN: roleARN}
	federated = policy.Principal{Account: place.Account, ARN: federatedARN, RoleARN: userARN} // a session of the user
	root      = policy.Principal{Account: place.Account, ARN: rootARN}
	service   = policy.Principal{Service: "logging.s3.amazonaws.com"}
	anonymous = policy.Principal{Anonymous: true}
)

// set compiles policies of a kind. "" among them is left out; nothing at all is
// no set.
func set(t testing.TB, kind policy.Kind, texts ...string) *policy.Set {
	t.Helper()
	var named []policy.Named
	for _, text := range texts {
		if text == "" {
			continue
		}
		p, err := policy.Parse(kind, text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		named = append(named, policy.Named{Name: kind.String(), Policy: p})
	}
	if named == nil {
		return nil
	}
	return policy.NewSet(named...)
}

// says is a policy with one statement about listing a bucket, by what it says;
// "silent" allows something else.
func says(what string) string {
	switch what {
	case "none":
		return ""
	case "silent":
		return statement("Allow", "s3:GetObject", "*")
	case "deny":
		return statement("Deny", "s3:ListBucket", "*")
	}
	return statement("Allow", "s3:ListBucket", "*")
}

// bucketSays is the same as a bucket policy for a principal.
func bucketSays(what, principal string) string {
	text := says(what)
	return strings.ReplaceAll(text, `"Action"`, `"Principal":`+principal+`,"Action"`)
}

func list(p policy.Principal) *policy.Request {
	return &policy.Request{Principal: p, Action: "s3:ListBucket", Resource: bucket}
}

// TestResourcePolicyReach is the table of what an Allow in a resource's policy
// overrides, with every combination of the other layers (IAM user guide, "Policy
// evaluation logic", evaluating identity-based policies with resource-based
// policies).
func TestResourcePolicyReach(t *testing.T) {
	type reach struct{ identity, boundary, session bool } // whose implicit deny is overridden
	for _, c := range []struct {
		name, principal string
		caller          policy.Principal
		reach           reach
	}{
		{"user", `{"AWS":"` + userARN + `"}`, user, reach{true, true, true}},
		{"session", `{"AWS":"` + sessionARN + `"}`, session, reach{true, true, true}},
		{"role", `{"AWS":"` + roleARN + `"}`, session, reach{true, false, false}},
		{"federated session", `{"AWS":"` + federatedARN + `"}`, federated, reach{true, true, true}},
		{"user of a federated session", `{"AWS":"` + userARN + `"}`, federated, reach{true, false, false}},
		{"account", `{"AWS":"123456789012"}`, session, reach{}},
		{"account by root", `{"AWS":"` + rootARN + `"}`, user, reach{}},
		{"everyone", `"*"`, session, reach{true, true, true}},
		{"everyone in AWS", `{"AWS":"*"}`, user, reach{true, true, true}},
		{"role and account", `{"AWS":["` + roleARN + `","123456789012"]}`, session, reach{true, false, false}},
		{"role and session", `{"AWS":["` + roleARN + `","` + sessionARN + `"]}`, session, reach{true, true, true}},
		{"somebody else", `{"AWS":"arn:aws:iam::123456789012:user/bob"}`, user, reach{}},
		{"another account", `{"AWS":"` + otherAccount + `"}`, user, reach{}},
		{"a service", `{"Service":"logging.s3.amazonaws.com"}`, user, reach{}},
	} {
		for _, identity := range []string{"none", "silent", "allow", "deny"} {
			for _, boundary := range []string{"none", "silent", "allow", "deny"} {
				for _, narrow := range []string{"none", "silent", "allow", "deny"} {
					layers := authz.Layers{
						Identity: set(t, policy.Identity, says(identity)),
						Boundary: set(t, policy.Identity, says(boundary)),
						Session:  set(t, policy.Session, says(narrow)),
						Resource: set(t, policy.Resource, bucketSays("allow", c.principal)),
					}
					want, by := policy.Allow, ""
					switch {
					case identity == "deny":
						want, by = policy.ExplicitDeny, authz.ByIdentity
					case boundary == "deny":
						want, by = policy.ExplicitDeny, authz.ByBoundary
					case narrow == "deny":
						want, by = policy.ExplicitDeny, authz.BySession
					case identity != "allow" && !c.reach.identity:
						want, by = policy.ImplicitDeny, authz.ByIdentity
					case boundary == "silent" && !c.reach.boundary:
						want, by = policy.ImplicitDeny, authz.ByBoundary
					case narrow == "silent" && !c.reach.session:
						want, by = policy.ImplicitDeny, authz.BySession
					}
					v := layers.Decide(list(c.caller))
					if v.Decision != want || by != "" && v.By != by {
						t.Errorf("%s, identity %s, boundary %s, session %s: %v by %s, want %v by %s",
							c.name, identity, boundary, narrow, v.Decision, v.By, want, by)
					}
				}
			}
		}
	}
}

// TestDecisionOrder is the order of evaluation, row by row.
func TestDecisionOrder(t *testing.T) {
	const everyone = `"*"`
	for _, c := range []struct {
		name                                  string
		caller                                policy.Principal
		identity, boundary, session, resource string
		owner                                 string
		want                                  policy.Decision
		by                                    string
	}{
		{"nothing", user, "none", "none", "none", "", "", policy.ImplicitDeny, authz.ByIdentity},
		{"identity", user, "allow", "none", "none", "", "", policy.Allow, authz.ByIdentity},
		{"a deny anywhere: identity", user, "deny", "allow", "allow", bucketSays("allow", everyone), "", policy.ExplicitDeny, authz.ByIdentity},
		{"a deny anywhere: boundary", user, "allow", "deny", "allow", bucketSays("allow", everyone), "", policy.ExplicitDeny, authz.ByBoundary},
		{"a deny anywhere: session", session, "allow", "allow", "deny", bucketSays("allow", everyone), "", policy.ExplicitDeny, authz.BySession},
		{"a deny anywhere: resource", user, "allow", "allow", "allow", bucketSays("deny", everyone), "", policy.ExplicitDeny, authz.ByResource},
		{"a deny that names the account", user, "allow", "none", "none", bucketSays("deny", `{"AWS":"123456789012"}`), "", policy.ExplicitDeny, authz.ByResource},
		{"a deny that names somebody else", user, "allow", "none", "none", bucketSays("deny", `{"AWS":"`+roleARN+`"}`), "", policy.Allow, authz.ByIdentity},
		{"boundary alone grants nothing", user, "none", "allow", "none", "", "", policy.ImplicitDeny, authz.ByIdentity},
		{"session policy alone grants nothing", session, "none", "none", "allow", "", "", policy.ImplicitDeny, authz.ByIdentity},
		{"boundary silent", user, "allow", "silent", "none", "", "", policy.ImplicitDeny, authz.ByBoundary},
		{"boundary and session silent", session, "allow", "silent", "silent", "", "", policy.ImplicitDeny, authz.ByBoundary},
		{"all allow", session, "allow", "allow", "allow", "", "", policy.Allow, authz.ByIdentity},
		{"resource silent", user, "allow", "none", "none", bucketSays("silent", everyone), "", policy.Allow, authz.ByIdentity},

		{"service named", service, "none", "none", "none", bucketSays("allow", `{"Service":"logging.s3.amazonaws.com"}`), "", policy.Allow, authz.ByResource},
		{"service not named", service, "allow", "none", "none", bucketSays("allow", `{"AWS":"123456789012"}`), "", policy.ImplicitDeny, authz.ByResource},
		{"service without a policy", service, "allow", "none", "none", "", "", policy.ImplicitDeny, authz.ByResource},
		{"anonymous, everyone", anonymous, "none", "none", "none", bucketSays("allow", everyone), "", policy.Allow, authz.ByResource},
		{"anonymous has no identity policies", anonymous, "allow", "none", "none", "", "", policy.ImplicitDeny, authz.ByResource},

		{"root", root, "none", "none", "none", "", "", policy.Allow, authz.ByRoot},
		{"root denied by the bucket", root, "none", "none", "none", bucketSays("deny", everyone), "", policy.ExplicitDeny, authz.ByResource},
		{"root of another account", policy.Principal{Account: otherAccount, ARN: rootARN}, "none", "none", "none", "", "", policy.ImplicitDeny, authz.ByIdentity},

		{"cross-account: both", user, "allow", "none", "none", bucketSays("allow", `{"AWS":"123456789012"}`), otherAccount, policy.Allow, authz.ByIdentity},
		{"cross-account: identity alone", user, "allow", "none", "none", "", otherAccount, policy.ImplicitDeny, authz.ByResource},
		{"cross-account: resource alone", user, "none", "none", "none", bucketSays("allow", `{"AWS":"`+userARN+`"}`), otherAccount, policy.ImplicitDeny, authz.ByIdentity},
		{"cross-account: everyone alone", user, "none", "none", "none", bucketSays("allow", everyone), otherAccount, policy.ImplicitDeny, authz.ByIdentity},
		{"cross-account: boundary silent", user, "allow", "silent", "none", bucketSays("allow", `{"AWS":"`+userARN+`"}`), otherAccount, policy.ImplicitDeny, authz.ByBoundary},
		{"cross-account: session silent", session, "allow", "none", "silent", bucketSays("allow", `{"AWS":"`+sessionARN+`"}`), otherAccount, policy.ImplicitDeny, authz.BySession},
		{"cross-account: root", root, "none", "none", "none", bucketSays("allow", `{"AWS":"123456789012"}`), otherAccount, policy.Allow, authz.ByRoot},
		{"the owner is the caller's account", user, "allow", "none", "none", "", place.Account, policy.Allow, authz.ByIdentity},
	} {
		t.Run(c.name, func(t *testing.T) {
			layers := authz.Layers{
				Identity: set(t, policy.Identity, says(c.identity)), Boundary: set(t, policy.Identity, says(c.boundary)),
				Session: set(t, policy.Session, says(c.session)), Resource: set(t, policy.Resource, c.resource), Owner: c.owner,
			}
			v := layers.Decide(list(c.caller))
			if v.Decision != c.want || v.By != c.by {
				t.Errorf("%v by %q, want %v by %q", v.Decision, v.By, c.want, c.by)
			}
			if v.Decision == policy.ExplicitDeny && v.Reason.Effect != policy.EffectDeny || v.Decision != policy.ImplicitDeny && v.By != authz.ByRoot && v.Reason.Policy == "" {
				t.Errorf("reason %+v", v.Reason)
			}
		})
	}
}

// TestNothingAllowsByDefault: whatever is left out denies.
func TestNothingAllowsByDefault(t *testing.T) {
	var none *authz.Layers
	broken := policy.NewSet(policy.Named{Name: "broken"})
	allow := set(t, policy.Identity, says("allow"))
	for name, v := range map[string]authz.Verdict{
		"no layers":                     none.Decide(list(user)),
		"zero layers":                   (&authz.Layers{}).Decide(list(user)),
		"no question":                   (&authz.Layers{Identity: allow}).Decide(nil),
		"zero verdict":                  {},
		"zero principal":                (&authz.Layers{}).Decide(list(policy.Principal{})),
		"identity does not compile":     (&authz.Layers{Identity: broken}).Decide(list(user)),
		"boundary does not compile":     (&authz.Layers{Identity: allow, Boundary: broken}).Decide(list(user)),
		"session does not compile":      (&authz.Layers{Identity: allow, Session: broken}).Decide(list(user)),
		"resource does not compile":     (&authz.Layers{Identity: allow, Resource: broken}).Decide(list(user)),
		"trust does not compile":        (&authz.Layers{Identity: allow, Trust: broken}).Decide(list(user)),
		"other things do not compile":   (&authz.Layers{Device: allow, OtherThings: broken}).Decide(list(user)),
		"only other things":             (&authz.Layers{OtherThings: allow}).Decide(list(user)),
		"empty boundary":                (&authz.Layers{Identity: allow, Boundary: policy.NewSet()}).Decide(list(user)),
		"empty session policies":        (&authz.Layers{Identity: allow, Session: policy.NewSet()}).Decide(list(user)),
		"empty trust":                   (&authz.Layers{Identity: allow, Trust: policy.NewSet()}).Decide(list(user)),
		"another owner without policy":  (&authz.Layers{Identity: allow, Owner: otherAccount}).Decide(list(user)),
		"resource policy next to trust": (&authz.Layers{Trust: policy.NewSet(), Resource: set(t, policy.Resource, bucketSays("allow", `"*"`))}).Decide(list(user)),
	} {
		if v.Allowed() {
			t.Errorf("%s: %v by %s", name, v.Decision, v.By)
		}
	}
	if v := (&authz.Layers{Identity: allow}).Decide(list(user)); !v.Allowed() {
		t.Errorf("the control: %v by %s", v.Decision, v.By)
	}
	if v := (&authz.Layers{Identity: allow, Trust: set(t, policy.Trust, trust(`"*"`)), Resource: set(t, policy.Resource, bucketSays("deny", `"*"`))}).Decide(list(user)); v.Decision != policy.ExplicitDeny {
		t.Errorf("a Deny next to a trust policy: %v by %s", v.Decision, v.By)
	}
}

// TestNotPrincipalDeniesBounded: Deny with NotPrincipal denies whoever has a
// permissions boundary, also those it lists.
func TestNotPrincipalDeniesBounded(t *testing.T) {
	text := func(rest string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":["` + userARN + `","123456789012"]},"Action":"s3:*","Resource":"*"` + rest + `}]}`
	}
	const unless = `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`
	for _, c := range []struct {
		boundary, resource string
		want               policy.Decision
	}{
		{"", text(""), policy.Allow},
		{says("allow"), text(""), policy.ExplicitDeny},
		{says("allow"), text(unless), policy.Allow}, // it must apply in all else
		{says("allow"), bucketSays("silent", `"*"`), policy.Allow},
	} {
		layers := authz.Layers{
			Identity: set(t, policy.Identity, says("allow")), Boundary: set(t, policy.Identity, c.boundary),
			Resource: set(t, policy.Resource, c.resource),
		}
		if v := layers.Decide(list(user)); v.Decision != c.want || !v.Allowed() && v.By != authz.ByResource {
			t.Errorf("boundary %q, bucket %s: %v by %s, want %v", c.boundary, c.resource, v.Decision, v.By, c.want)
		}
	}
}

// TestCallerIdentity: whoever is known may ask who they are.
func TestCallerIdentity(t *testing.T) {
	deny := authz.Layers{Identity: set(t, policy.Identity, statement("Deny", "*", "*")), UserSession: true}
	for p, want := range map[policy.Principal]bool{user: true, session: true, anonymous: false, {}: false} {
		for _, action := range []string{"sts:GetCallerIdentity", "STS:getcalleridentity"} {
			v := deny.Decide(&policy.Request{Principal: p, Action: action, Resource: "*"})
			if v.Allowed() != want {
				t.Errorf("%s by %+v: %v by %s", action, p, v.Decision, v.By)
			}
		}
	}
	// In a simulation the caller is known, and need not be named.
	deny.Known = true
	for p, want := range map[policy.Principal]bool{{}: true, {Account: "123456789012", RoleARN: session.RoleARN}: true, anonymous: false} {
		if v := deny.Decide(&policy.Request{Principal: p, Action: "sts:GetCallerIdentity", Resource: "*"}); v.Allowed() != want {
			t.Errorf("simulated by %+v: %v by %s", p, v.Decision, v.By)
		}
		if v := deny.Decide(&policy.Request{Principal: p, Action: "sts:GetSessionToken", Resource: "*"}); v.Allowed() {
			t.Errorf("GetSessionToken simulated by %+v: %v by %s", p, v.Decision, v.By)
		}
	}
}

// TestUserSession: what the credentials of GetSessionToken are good for.
func TestUserSession(t *testing.T) {
	all := set(t, policy.Identity, statement("Allow", "*", "*"))
	for action, want := range map[string]bool{
		"s3:PutObject": true, "iot:CreateRoleAlias": true, "iamx:Something": true, "iam": true,
		"iam:ListUsers": false, "IAM:CreateUser": false, "iam:": false, "iam:PassRole": true,
		"sts:AssumeRole": true, "sts:TagSession": true, "sts:SetSourceIdentity": true, "sts:GetCallerIdentity": true,
		"sts:GetSessionToken": false, "sts:GetAccessKeyInfo": false, "sts:DecodeAuthorizationMessage": false,
	} {
		for _, temporary := range []bool{false, true} {
			layers := authz.Layers{Identity: all, UserSession: temporary}
			v := layers.Decide(&policy.Request{Principal: user, Action: action, Resource: "*"})
			if v.Allowed() != (want || !temporary) {
				t.Errorf("%s, temporary %v: %v by %s", action, temporary, v.Decision, v.By)
			}
		}
	}
}

// TestTrust is the table of role assumption: the trust policy must allow, and
// whom it names decides who else must.
func TestTrust(t *testing.T) {
	assume := func(what string) string { return strings.ReplaceAll(says(what), "s3:ListBucket", "sts:AssumeRole") }
	type reach struct{ identity, boundary, session bool }
	for _, c := range []struct {
		name, principal string
		caller          policy.Principal
		trusted         bool
		reach           reach
	}{
		{"user", `{"AWS":"` + userARN + `"}`, user, true, reach{true, true, true}},
		{"session", `{"AWS":"` + sessionARN + `"}`, session, true, reach{true, true, true}},
		{"role", `{"AWS":"` + roleARN + `"}`, session, true, reach{true, false, false}},
		{"account", `{"AWS":"123456789012"}`, session, true, reach{}},
		{"account by root", `{"AWS":"` + rootARN + `"}`, user, true, reach{}},
		{"everyone", `"*"`, user, true, reach{true, true, true}},
		{"somebody else", `{"AWS":"arn:aws:iam::123456789012:user/bob"}`, user, false, reach{}},
		{"a service", `{"Service":"credentials.iot.amazonaws.com"}`, user, false, reach{}},
	} {
		for _, identity := range []string{"none", "allow", "deny"} {
			for _, boundary := range []string{"none", "silent", "allow", "deny"} {
				for _, narrow := range []string{"none", "silent", "allow", "deny"} {
					layers := authz.Layers{
						Identity: set(t, policy.Identity, assume(identity)), Boundary: set(t, policy.Identity, assume(boundary)),
						Session: set(t, policy.Session, assume(narrow)),
						Trust:   set(t, policy.Trust, trust(c.principal)), TrustsARN: true, TrustsRole: true,
					}
					want, by := policy.Allow, authz.ByTrust
					switch {
					case identity == "deny":
						want, by = policy.ExplicitDeny, authz.ByIdentity
					case boundary == "deny":
						want, by = policy.ExplicitDeny, authz.ByBoundary
					case narrow == "deny":
						want, by = policy.ExplicitDeny, authz.BySession
					case !c.trusted:
						want, by = policy.ImplicitDeny, authz.ByTrust
					case identity != "allow" && !c.reach.identity:
						want, by = policy.ImplicitDeny, authz.ByIdentity
					case boundary == "silent" && !c.reach.boundary:
						want, by = policy.ImplicitDeny, authz.ByBoundary
					case narrow == "silent" && !c.reach.session:
						want, by = policy.ImplicitDeny, authz.BySession
					}
					v := layers.Decide(&policy.Request{Principal: c.caller, Action: "sts:AssumeRole", Resource: roleARN})
					if v.Decision != want || v.By != by {
						t.Errorf("%s, identity %s, boundary %s, session %s: %v by %s, want %v by %s",
							c.name, identity, boundary, narrow, v.Decision, v.By, want, by)
					}
				}
			}
		}
	}
}

// TestDecideDoesNotAllocate, whatever the layers say.
func TestDecideDoesNotAllocate(t *testing.T) {
	for _, principal := range []string{`"*"`, `{"AWS":"` + roleARN + `"}`, `{"AWS":"123456789012"}`} {
		for _, what := range []string{"allow", "silent", "deny"} {
			layers := authz.Layers{
				Identity: set(t, policy.Identity, says(what)), Boundary: set(t, policy.Identity, says(what)),
				Session: set(t, policy.Session, says(what)), Resource: set(t, policy.Resource, bucketSays("allow", principal)),
				Trust: set(t, policy.Trust, trust(principal)), TrustsARN: true, TrustsRole: true,
			}
			q := list(session)
			if n := testing.AllocsPerRun(100, func() { layers.Decide(q) }); n != 0 {
				t.Errorf("%s, %s: %v allocations", principal, what, n)
			}
		}
	}
}
