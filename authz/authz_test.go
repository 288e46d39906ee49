package authz_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/store"
)

var place = thingpass.Place{Account: "123456789012", Region: "us-east-1"}

// statement makes a policy of one statement.
func statement(effect, action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"` + action + `","Resource":"` + resource + `"}]}`
}

// world is an authorisation over a real database with one user and one role.
func world(t *testing.T, user, role string) (*authz.Authz, thingpass.Principal, thingpass.Principal) {
	t.Helper()
	a, _, asUser, asSession := stored(t, user, role)
	return a, asUser, asSession
}

// stored is world with its database.
func stored(t testing.TB, user, role string) (*authz.Authz, *store.DB, thingpass.Principal, thingpass.Principal) {
	t.Helper()
	ctx := t.Context()
	db, err := store.Create(ctx, "sqlite:"+filepath.Join(t.TempDir(), "db"), place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	u := thingpass.User{Name: "ann", Path: "/", ID: thingpass.NewID("AIDA"), Created: time.Now()}
	if user != "" {
		u.Inline = []thingpass.InlinePolicy{{Name: "p", Document: user}}
	}
	key := thingpass.AccessKey{ID: thingpass.NewID("AKIA"), Secret: thingpass.NewSecret("x"), User: "ann", Active: true}
	if err := db.CreateUser(ctx, u, key); err != nil {
		t.Fatal(err)
	}
	r := thingpass.Role{Name: "R", Path: "/", ID: thingpass.NewID("AROA"), TrustPolicy: trust(`{"AWS":"*"}`), MaxSessionDuration: time.Hour, Created: time.Now()}
	if err := db.CreateRole(ctx, r); err != nil {
		t.Fatal(err)
	}
	if role != "" {
		err := db.PutRolePolicy(ctx, "R", thingpass.InlinePolicy{Name: "p", Document: role}, func([]thingpass.InlinePolicy) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	asUser := thingpass.Principal{Kind: thingpass.UserPrincipal, Account: place.Account, ARN: place.User("/", "ann"), UniqueID: u.ID, User: "ann"}
	asSession := thingpass.Principal{
		Kind: thingpass.SessionPrincipal, Account: place.Account, ARN: place.AssumedRole("R", "s1"), UniqueID: r.ID + ":s1",
		RoleName: "R", RoleARN: place.Role("/", "R"), RoleID: r.ID, SessionName: "s1", Issued: time.Now(),
	}
	return authz.New(place, store.NewRecent(db)), db, asUser, asSession
}

func trust(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}]}`
}

const bucket = "arn:aws:s3:::b"

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name, identity, session string
		want                    policy.Decision
		denial                  string
	}{
		{"nothing", "", "", policy.ImplicitDeny, "because no identity-based policy allows the s3:ListBucket action"},
		{"identity allows", statement("Allow", "s3:*", "*"), "", policy.Allow, ""},
		{"identity denies", statement("Deny", "s3:*", "*"), "", policy.ExplicitDeny, "with an explicit deny in an identity-based policy"},
		{"session allows too", statement("Allow", "s3:*", "*"), statement("Allow", "s3:ListBucket", bucket), policy.Allow, ""},
		{"session is silent", statement("Allow", "s3:*", "*"), statement("Allow", "s3:GetObject", "*"), policy.ImplicitDeny, "because no session policy allows the s3:ListBucket action"},
		{"session denies", statement("Allow", "s3:*", "*"), statement("Deny", "s3:*", "*"), policy.ExplicitDeny, "with an explicit deny in a session policy"},
		{"a session policy never grants", "", statement("Allow", "*", "*"), policy.ImplicitDeny, "because no identity-based policy"},
		{"broken session policy", statement("Allow", "*", "*"), "{", policy.ImplicitDeny, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, _, session := world(t, "", c.identity)
			session.SessionPolicy = c.session
			q := authz.Request{Principal: session, Action: "s3:ListBucket", Resource: bucket}
			v, err := a.Decide(t.Context(), q)
			if (err != nil) != (c.session == "{") {
				t.Fatal(err)
			}
			if v.Decision != c.want || v.Allowed() != (c.want == policy.Allow) {
				t.Errorf("%v, want %v", v.Decision, c.want)
			}
			if text := authz.Denial(q, v); !strings.Contains(text, c.denial) {
				t.Errorf("%q does not say %q", text, c.denial)
			}
		})
	}
}

func TestNobodyMayDoAnything(t *testing.T) {
	a, _, _ := world(t, statement("Allow", "*", "*"), statement("Allow", "*", "*"))
	v, err := a.Decide(t.Context(), authz.Request{Action: "s3:ListBucket", Resource: bucket})
	if err != nil || v.Allowed() {
		t.Errorf("%v %v", v, err)
	}
	if (authz.Verdict{}).Allowed() {
		t.Error("the zero verdict allows")
	}
}

func TestAssumeRole(t *testing.T) {
	const may = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`
	const mayNot = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}]}`
	service := thingpass.Principal{Kind: thingpass.ServicePrincipal, Service: "credentials.iot.amazonaws.com"}
	for _, c := range []struct {
		name, trust, identity, who string
		want                       bool
	}{
		{"service named", `{"Service":"credentials.iot.amazonaws.com"}`, "", "service", true},
		{"other service named", `{"Service":"ec2.amazonaws.com"}`, "", "service", false},
		{"account named is not the service", `{"AWS":"123456789012"}`, "", "service", false},
		{"account named, identity allows", `{"AWS":"123456789012"}`, may, "user", true},
		{"account named, identity silent", `{"AWS":"arn:aws:iam::123456789012:root"}`, "", "user", false},
		{"user named, identity silent", `{"AWS":"arn:aws:iam::123456789012:user/ann"}`, "", "user", true},
		{"user named, identity denies", `{"AWS":"arn:aws:iam::123456789012:user/ann"}`, mayNot, "user", false},
		{"other user named, identity allows", `{"AWS":"arn:aws:iam::123456789012:user/bob"}`, may, "user", false},
		{"everyone, identity silent", `"*"`, "", "user", true},
		{"role named", `{"AWS":"arn:aws:iam::123456789012:role/R"}`, "", "session", true},
		{"session named", `{"AWS":"arn:aws:sts::123456789012:assumed-role/R/s1"}`, "", "session", true},
		{"other account", `{"AWS":"210987654321"}`, may, "user", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, user, session := world(t, c.identity, c.identity)
			p := map[string]thingpass.Principal{"service": service, "user": user, "session": session}[c.who]
			target := thingpass.Role{Name: "Target", Path: "/", TrustPolicy: trust(c.trust), TrustIDs: saved(user, session)}
			v, err := a.AssumeRole(t.Context(), target, authz.Request{Principal: p, Action: "sts:AssumeRole", Resource: place.Role("/", "Target")})
			if err != nil || v.Allowed() != c.want {
				t.Errorf("%v by %s, want allowed %v: %v", v.Decision, v.By, c.want, err)
			}
		})
	}
}

// saved is what is kept of a trust policy that names the user, the role of the
// session and the session.
func saved(user, session thingpass.Principal) map[string]string {
	return map[string]string{user.ARN: user.UniqueID, session.RoleARN: session.RoleID, session.ARN: session.RoleID}
}

// TestAssumeRoleBySuccessor: a trust policy means those that had its ARNs when
// it was saved, and nobody who was made since, in what it allows as in what it
// denies.
func TestAssumeRoleBySuccessor(t *testing.T) {
	const (
		may     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`
		user    = `{"AWS":"arn:aws:iam::123456789012:user/ann"}`
		role    = `{"AWS":"arn:aws:iam::123456789012:role/R"}`
		session = `{"AWS":"arn:aws:sts::123456789012:assumed-role/R/s1"}`
		deny    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Action":"sts:AssumeRole",`
	)
	byName := func(arn string) string {
		return deny + `"Principal":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"` + arn + `"}}}]}`
	}
	for _, c := range []struct {
		name, trust, who    string
		original, successor policy.Decision
	}{
		{"user", trust(user), "user", policy.Allow, policy.ImplicitDeny},
		{"role", trust(role), "session", policy.Allow, policy.ImplicitDeny},
		{"session", trust(session), "session", policy.Allow, policy.ImplicitDeny},
		{"account", trust(`{"AWS":"123456789012"}`), "session", policy.Allow, policy.Allow},
		{"everyone", trust(`"*"`), "session", policy.Allow, policy.Allow},
		{"user denied", deny + `"Principal":` + user + `}]}`, "user", policy.ExplicitDeny, policy.Allow},
		{"role denied", deny + `"Principal":` + role + `}]}`, "session", policy.ExplicitDeny, policy.Allow},
		{"session denied", deny + `"Principal":` + session + `}]}`, "session", policy.ExplicitDeny, policy.Allow},
		{"user denied by condition", byName("arn:aws:iam::123456789012:user/ann"), "user", policy.ExplicitDeny, policy.ExplicitDeny},
		{"role denied by condition", byName("arn:aws:iam::123456789012:role/R"), "session", policy.ExplicitDeny, policy.ExplicitDeny},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, user, session := world(t, may, may)
			p := map[string]thingpass.Principal{"user": user, "session": session}[c.who]
			predecessors := saved(user, session)
			for arn := range predecessors {
				predecessors[arn] = "AIDAPREDECESSOR"
			}
			for _, q := range []struct {
				what string
				ids  map[string]string
				want policy.Decision
			}{
				{"the same", saved(user, session), c.original},
				{"another", predecessors, c.successor},
				{"not kept", nil, c.successor},
			} {
				target := thingpass.Role{Name: "Target", Path: "/", TrustPolicy: c.trust, TrustIDs: q.ids}
				v, err := a.AssumeRole(t.Context(), target, authz.Request{Principal: p, Action: "sts:AssumeRole", Resource: place.Role("/", "Target")})
				if err != nil || v.Decision != q.want {
					t.Errorf("%s: %v by %s, want %v: %v", q.what, v.Decision, v.By, q.want, err)
				}
			}
		})
	}
}

// TestSessionPolicyLimitsRoleGrant: a session policy limits what the trust
// policy grants to its role, and not what it grants to the session by name.
func TestSessionPolicyLimitsRoleGrant(t *testing.T) {
	for principal, want := range map[string]bool{
		`{"AWS":"arn:aws:iam::123456789012:role/R"}`:            false,
		`{"AWS":"arn:aws:sts::123456789012:assumed-role/R/s1"}`: true,
	} {
		a, _, session := world(t, "", statement("Allow", "*", "*"))
		session.SessionPolicy = statement("Allow", "s3:*", "*")
		v, err := a.AssumeRole(t.Context(), thingpass.Role{Name: "Target", Path: "/", TrustPolicy: trust(principal), TrustIDs: saved(session, session)},
			authz.Request{Principal: session, Action: "sts:AssumeRole", Resource: place.Role("/", "Target")})
		if err != nil || v.Allowed() != want {
			t.Errorf("%s: %v by %s: %v", principal, v.Decision, v.By, err)
		}
	}
}

func TestDeviceVariables(t *testing.T) {
	const own = "arn:aws:s3:::b/lamp/x"
	for _, c := range []struct {
		variable string
		strict   bool
		thing    string
		want     bool
	}{
		{"${credentials-iot:ThingName}", false, "lamp", true},
		{"${credentials-iot:ThingName}", true, "lamp", true},
		{"${iot:thingName}", false, "lamp", true},
		{"${ iot:thingName }", false, "lamp", true},
		{"${iot: thingName}", false, "lamp", true},
		{"${iot:thingName}", true, "lamp", false},
		{"${iot:thingName}", false, "", false},
		{"${iot:thingName}", false, "*", false}, // a value is literal
		{"${iot:thingName}", false, "${iot:certificateId}", false},
	} {
		a, _, session := world(t, "", statement("Allow", "s3:PutObject", "arn:aws:s3:::b/"+c.variable+"/*"))
		a.StrictVariables = c.strict
		session.CertificateID, session.Thing = strings.Repeat("a", 64), c.thing
		v, err := a.Decide(t.Context(), authz.Request{Principal: session, Action: "s3:PutObject", Resource: own})
		if err != nil || v.Allowed() != c.want {
			t.Errorf("%s strict=%v thing=%q: %v, want %v: %v", c.variable, c.strict, c.thing, v.Decision, c.want, err)
		}
	}
}

// TestPassingTags: a trust policy that lets a role be assumed does not yet let
// tags or a source identity be passed to the session.
func TestPassingTags(t *testing.T) {
	a, user, _ := world(t, "", "")
	for actions, want := range map[string]map[string]bool{
		`"sts:AssumeRole"`:                    {"sts:AssumeRole": true, "sts:TagSession": false, "sts:SetSourceIdentity": false},
		`["sts:AssumeRole","sts:TagSession"]`: {"sts:AssumeRole": true, "sts:TagSession": true, "sts:SetSourceIdentity": false},
		`"sts:*"`:                             {"sts:AssumeRole": true, "sts:TagSession": true, "sts:SetSourceIdentity": true},
	} {
		text := strings.ReplaceAll(trust(`{"AWS":"`+user.ARN+`"}`), `"sts:AssumeRole"`, actions)
		target := thingpass.Role{Name: "Target", Path: "/", TrustPolicy: text, TrustIDs: map[string]string{user.ARN: user.UniqueID}}
		for action, allowed := range want {
			v, err := a.AssumeRole(t.Context(), target, authz.Request{Principal: user, Action: action, Resource: place.Role("/", "Target")})
			if err != nil || v.Allowed() != allowed || v.By != authz.ByTrust || v.Asked.Kind != authz.KindTrust {
				t.Errorf("%s by %s: %v by %s, %v", action, actions, v.Decision, v.By, err)
			}
		}
	}
}
