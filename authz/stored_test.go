package authz_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/store"
)

// managed stores a managed policy and returns its ARN.
func managed(t testing.TB, db *store.DB, name, document string) string {
	t.Helper()
	p := thingpass.ManagedPolicy{Name: name, Path: "/", ID: thingpass.NewID("ANPA"), Document: document, Created: time.Now()}
	if _, err := db.CreateManagedPolicy(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return place.ManagedPolicy("/", name)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func limit(t testing.TB, db *store.DB, boundary string) {
	t.Helper()
	must(t, db.UpdateRole(t.Context(), "R", func(r *thingpass.Role) error { r.PermissionsBoundary = boundary; return nil }))
	must(t, db.UpdateUser(t.Context(), "ann", func(u *thingpass.User) error { u.PermissionsBoundary = boundary; return nil }))
}

// decided is the answer about listing a bucket.
func decided(t testing.TB, a *authz.Authz, p thingpass.Principal) authz.Verdict {
	t.Helper()
	v, err := a.Decide(t.Context(), authz.Request{Principal: p, Action: "s3:ListBucket", Resource: bucket})
	must(t, err)
	return v
}

func wantVerdict(t testing.TB, v authz.Verdict, want policy.Decision, by string) {
	t.Helper()
	if v.Decision != want || v.By != by {
		t.Errorf("%v by %q, want %v by %q", v.Decision, v.By, want, by)
	}
	if v.Asked == nil || v.Asked.Verdict != (authz.Verdict{Decision: v.Decision, By: v.By, Reason: v.Reason}) {
		t.Errorf("asked %+v", v.Asked)
	} else if again := v.Asked.Layers.Decide(v.Asked.Request); again != v.Asked.Verdict {
		t.Errorf("asked again: %+v, was %+v", again, v.Asked.Verdict)
	}
}

// TestStoredGrants: managed policies grant, boundaries limit, for users and
// roles alike, and what is changed counts.
func TestStoredGrants(t *testing.T) {
	a, db, asUser, asSession := stored(t, "", "")
	ctx := t.Context()
	grant := managed(t, db, "Grant", says("allow"))
	silent := managed(t, db, "Silent", says("silent"))
	enough := managed(t, db, "Enough", statement("Allow", "s3:*", "*"))
	must(t, db.AttachRolePolicy(ctx, "R", grant))
	must(t, db.AttachUserPolicy(ctx, "ann", grant))
	both := func(want policy.Decision, by string) {
		t.Helper()
		a.Recent = store.NewRecent(db)
		for _, p := range []thingpass.Principal{asUser, asSession} {
			v := decided(t, a, p)
			wantVerdict(t, v, want, by)
			if v.Allowed() && v.Why() != "identity-based policy "+grant {
				t.Errorf("why: %s", v.Why())
			}
		}
	}
	both(policy.Allow, authz.ByIdentity)
	limit(t, db, silent)
	both(policy.ImplicitDeny, authz.ByBoundary)
	_, err := db.CreateManagedPolicyVersion(ctx, silent, says("deny"), true)
	must(t, err)
	both(policy.ExplicitDeny, authz.ByBoundary)
	limit(t, db, enough)
	both(policy.Allow, authz.ByIdentity)
	must(t, db.DetachRolePolicy(ctx, "R", grant))
	must(t, db.DetachUserPolicy(ctx, "ann", grant))
	both(policy.ImplicitDeny, authz.ByIdentity) // the boundary allows, and grants nothing
}

// TestSessionPoliciesByARN: all session policies count as one, and one that is
// gone denies everything.
func TestSessionPoliciesByARN(t *testing.T) {
	a, db, _, session := stored(t, "", statement("Allow", "s3:*", "*"))
	allow, silent, deny := managed(t, db, "Allow", says("allow")), managed(t, db, "Silent", says("silent")), managed(t, db, "Deny", says("deny"))
	gone := place.ManagedPolicy("/", "Gone")
	for _, c := range []struct {
		inline string
		arns   []string
		want   policy.Decision
		by     string
	}{
		{"", []string{allow}, policy.Allow, authz.ByIdentity},
		{"", []string{silent}, policy.ImplicitDeny, authz.BySession},
		{"", []string{silent, allow}, policy.Allow, authz.ByIdentity},
		{says("silent"), []string{allow}, policy.Allow, authz.ByIdentity},
		{says("allow"), []string{silent}, policy.Allow, authz.ByIdentity},
		{says("allow"), []string{deny}, policy.ExplicitDeny, authz.BySession},
		{says("deny"), []string{allow}, policy.ExplicitDeny, authz.BySession},
		{"", []string{gone}, policy.ExplicitDeny, authz.BySession},
		{"", []string{gone, allow}, policy.ExplicitDeny, authz.BySession},
	} {
		p := session
		p.SessionPolicy, p.PolicyARNs = c.inline, c.arns
		wantVerdict(t, decided(t, a, p), c.want, c.by)
	}
}

// TestBucketPolicy: for actions of S3 the bucket's policy is asked, for others
// and for what is in no bucket it is not.
func TestBucketPolicy(t *testing.T) {
	a, db, asUser, asSession := stored(t, "", "")
	must(t, db.PutBucketPolicy(t.Context(), "b", bucketSays("allow", `{"AWS":"`+asUser.ARN+`"}`)))
	wantVerdict(t, decided(t, a, asUser), policy.Allow, authz.ByResource)
	wantVerdict(t, decided(t, a, asSession), policy.ImplicitDeny, authz.ByIdentity)
	for _, q := range []struct{ action, resource string }{
		{"s3:ListBucket", "arn:aws:s3:::other"}, {"s3:ListBucket", "arn:aws:s3:::"}, {"s3:ListBucket", "arn:aws:s3:::*"}, {"s3:ListBucket", "*"},
		{"iam:ListBucket", bucket}, {"s3", bucket},
	} {
		v, err := a.Decide(t.Context(), authz.Request{Principal: asUser, Action: q.action, Resource: q.resource})
		must(t, err)
		wantVerdict(t, v, policy.ImplicitDeny, authz.ByIdentity)
		if v.Asked.Layers.Resource != nil {
			t.Errorf("%s on %s: a bucket policy was asked", q.action, q.resource)
		}
	}

	must(t, db.PutBucketPolicy(t.Context(), "b", bucketSays("allow", `"*"`)))
	a.Recent = store.NewRecent(db)
	wantVerdict(t, decided(t, a, asSession), policy.Allow, authz.ByResource)
	wantVerdict(t, decided(t, a, thingpass.Principal{}), policy.ImplicitDeny, authz.ByResource) // nobody

	must(t, db.PutBucketPolicy(t.Context(), "b", "{"))
	a.Recent = store.NewRecent(db)
	if v, err := a.Decide(t.Context(), authz.Request{Principal: asUser, Action: "s3:ListBucket", Resource: bucket}); err == nil || v.Allowed() {
		t.Errorf("a bucket policy that does not compile: %v, %v", v.Decision, err)
	}
}

// TestUnreadPoliciesDeny: no principal, a successor of its name, a policy that
// does not compile: an error and no verdict.
func TestUnreadPoliciesDeny(t *testing.T) {
	a, db, asUser, asSession := stored(t, statement("Allow", "*", "*"), statement("Allow", "*", "*"))
	successor, gone, noRole := asUser, asUser, asSession
	successor.UniqueID = thingpass.NewID("AIDA")
	gone.User, noRole.RoleID = "bob", thingpass.NewID("AROA")
	wantVerdict(t, decided(t, a, asUser), policy.Allow, authz.ByIdentity)
	for _, p := range []thingpass.Principal{successor, gone, noRole} {
		v, err := a.Decide(t.Context(), authz.Request{Principal: p, Action: "s3:ListBucket", Resource: bucket})
		if err == nil || v.Allowed() || thingpass.KindOf(err) != thingpass.Internal {
			t.Errorf("%s: %v, %v", p.ARN, v.Decision, err)
		}
	}
	must(t, db.PutRolePolicy(t.Context(), "R", thingpass.InlinePolicy{Name: "q", Document: "{"}, func([]thingpass.InlinePolicy) error { return nil }))
	a.Recent = store.NewRecent(db)
	for range 2 { // the failure is kept, too
		v, err := a.Decide(t.Context(), authz.Request{Principal: asSession, Action: "s3:ListBucket", Resource: bucket})
		if err == nil || v.Allowed() {
			t.Errorf("a policy that does not compile: %v, %v", v.Decision, err)
		}
	}
	v, err := a.AssumeRole(t.Context(), thingpass.Role{Name: "T", ID: "AROAT", TrustPolicy: "{"}, authz.Request{Principal: asUser, Action: "sts:AssumeRole", Resource: place.Role("/", "T")})
	if err == nil || v.Allowed() {
		t.Errorf("a trust policy that does not compile: %v, %v", v.Decision, err)
	}
}

// TestPrincipalKeys: what policies see of the caller, and that a request cannot
// say otherwise.
func TestPrincipalKeys(t *testing.T) {
	a, _, asUser, asSession := stored(t, "", "")
	asUser.Tags = []thingpass.Tag{{Key: "Team", Value: "red"}, {Key: "empty", Value: ""}}
	temporary := asUser
	temporary.Temporary, temporary.Issued = true, time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	asSession.Issued, asSession.SourceIdentity = temporary.Issued, "ann"
	asSession.Tags = []thingpass.Tag{{Key: "Team", Value: "blue"}}
	device := asSession
	device.CertificateID, device.Thing, device.SourceIdentity = strings.Repeat("a", 64), "lamp", ""
	device.DeviceKeys = []thingpass.DeviceKey{
		{Name: "credentials-iot:ThingGroups", Values: []string{"berlin", "lamps"}, List: true},
		{Name: "credentials-iot:ThingAttribute/Site", Values: []string{"x*"}},
		{Name: "credentials-iot:ThingAttribute/None"},
		{Name: "credentials-iot:ThingName", Values: []string{"forged"}},
	}
	absent := []string(nil)
	for _, c := range []struct {
		name string
		who  thingpass.Principal
		want map[string][]string
	}{
		{"user", asUser, map[string][]string{
			"aws:PrincipalTag/team": {"red"}, "aws:PrincipalTag/empty": {""}, "aws:PrincipalArn": {asUser.ARN}, "aws:username": {"ann"},
			"aws:userid": {asUser.UniqueID}, "aws:PrincipalType": {"User"}, "aws:PrincipalAccount": {place.Account}, "aws:ResourceAccount": {place.Account},
			"aws:PrincipalIsAWSService": {"false"}, "aws:ViaAWSService": {"false"}, "aws:RequestedRegion": {place.Region},
			"aws:TokenIssueTime": absent, "aws:MultiFactorAuthPresent": absent, "aws:SourceIdentity": absent, "credentials-iot:ThingName": absent,
		}},
		{"user's session", temporary, map[string][]string{
			"aws:username": {"ann"}, "aws:TokenIssueTime": {"2026-05-01T12:00:00Z"}, "aws:MultiFactorAuthPresent": {"false"}, "aws:PrincipalType": {"User"},
		}},
		{"role session", asSession, map[string][]string{
			"aws:PrincipalTag/Team": {"blue"}, "aws:PrincipalArn": {asSession.RoleARN}, "aws:username": absent, "aws:userid": {asSession.UniqueID},
			"aws:PrincipalType": {"AssumedRole"}, "aws:TokenIssueTime": {"2026-05-01T12:00:00Z"}, "aws:MultiFactorAuthPresent": {"false"},
			"aws:SourceIdentity": {"ann"}, "credentials-iot:AwsCertificateId": absent,
		}},
		{"device", device, map[string][]string{
			"credentials-iot:ThingGroups": {"berlin", "lamps"}, "credentials-iot:thingattribute/site": {"x*"}, "credentials-iot:ThingAttribute/None": absent,
			"credentials-iot:ThingName": {"lamp"}, "iot:thingName": {"lamp"}, "credentials-iot:ThingTypeName": absent, "iot:certificateId": {device.CertificateID},
		}},
		{"service", thingpass.Principal{Kind: thingpass.ServicePrincipal, Service: "credentials.iot.amazonaws.com"}, map[string][]string{
			"aws:PrincipalIsAWSService": {"true"}, "aws:PrincipalServiceName": {"credentials.iot.amazonaws.com"}, "aws:PrincipalArn": absent, "aws:PrincipalAccount": absent,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			forged := authz.NewContext()
			for _, key := range []string{"AWS:principalarn", "aws:userid", "aws:PrincipalAccount"} {
				forged.Set(key, "forged")
			}
			if c.who.Kind == thingpass.ServicePrincipal {
				forged = nil
			}
			v, err := a.Decide(t.Context(), authz.Request{Principal: c.who, Action: "s3:ListBucket", Resource: bucket, Context: forged})
			must(t, err)
			for key, want := range c.want {
				if got, _, _ := v.Asked.Request.Context.Lookup(key); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %q, want %q", key, got, want)
				}
			}
			if forged != nil {
				if got, _, _ := forged.Lookup("aws:userid"); got[0] != "forged" {
					t.Error("the caller's own context was written to")
				}
			}
		})
	}
}

// TestDevice: the groups of the thing that is named allow and deny, those of the
// others only deny.
func TestDevice(t *testing.T) {
	a, _, _, _ := stored(t, "", "")
	const alias = "arn:aws:iot:us-east-1:123456789012:rolealias/A"
	text := func(effect string) string {
		return strings.ReplaceAll(says(effect), "s3:ListBucket", "iot:AssumeRoleWithCertificate")
	}
	group := func(effect string) []thingpass.GroupPolicy {
		if effect == "" {
			return nil
		}
		return []thingpass.GroupPolicy{{Group: "G", Name: "P", Document: text(effect)}}
	}
	for _, c := range []struct {
		certificate, lamp, door, named string
		want                           policy.Decision
		reason                         string
	}{
		{"", "", "", "lamp", policy.ImplicitDeny, ""},
		{"allow", "", "", "", policy.Allow, "C"},
		{"deny", "allow", "", "lamp", policy.ExplicitDeny, "C"},
		{"", "allow", "", "lamp", policy.Allow, "P (thing group G)"},
		{"", "allow", "", "door", policy.ImplicitDeny, ""}, // another thing's groups do not allow
		{"", "allow", "", "", policy.ImplicitDeny, ""},     // nor does one that was not named
		{"allow", "deny", "", "lamp", policy.ExplicitDeny, "P (thing group G)"},
		{"allow", "deny", "", "", policy.ExplicitDeny, "P (thing group G)"}, // it does not help to be silent
		{"allow", "deny", "", "door", policy.ExplicitDeny, "P (thing group G)"},
		{"allow", "allow", "deny", "lamp", policy.ExplicitDeny, "P (thing group G)"},
		{"allow", "", "allow", "lamp", policy.Allow, "C"},
	} {
		device := &thingpass.Device{CertificateID: strings.Repeat("a", 64), Things: []thingpass.Attachment{
			{Thing: "door", GroupPolicies: group(c.door)}, {Thing: "lamp", GroupPolicies: group(c.lamp)},
		}}
		if c.certificate != "" {
			device.Policies, device.PolicyNames = []string{text(c.certificate)}, []string{"C"}
		}
		v, err := a.AssumeRoleWithCertificate(device, c.named, alias, authz.NewContext())
		must(t, err)
		wantVerdict(t, v, c.want, authz.ByIoT)
		if v.Reason.Policy != c.reason || v.Asked.Kind != authz.KindIoT {
			t.Errorf("%+v: reason %+v of a question about %s", c, v.Reason, v.Asked.Kind)
		}
	}
	broken := &thingpass.Device{Policies: []string{text("allow")}, PolicyNames: []string{"C"}, Things: []thingpass.Attachment{
		{Thing: "lamp", GroupPolicies: []thingpass.GroupPolicy{{Group: "G", Name: "P", Document: "{"}}},
	}}
	for _, named := range []string{"", "lamp"} {
		if v, err := a.AssumeRoleWithCertificate(broken, named, alias, authz.NewContext()); err == nil || v.Allowed() {
			t.Errorf("a group's policy that does not compile, thing %q: %v, %v", named, v.Decision, err)
		}
	}
}

func TestDeviceKeyNames(t *testing.T) {
	a, _, _, _ := stored(t, "", "")
	text := func(resource, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/` + resource + `/*","Condition":{` + condition + `}}]}`
	}
	role := &thingpass.RoleGrants{Role: thingpass.Role{ID: "AROA1"}}
	names := func() []string {
		t.Helper()
		got, err := a.DeviceKeyNames(t.Context(), role)
		must(t, err)
		return got
	}
	if got := names(); len(got) != 0 {
		t.Errorf("no policies: %q", got)
	}
	role.Inline = []thingpass.InlinePolicy{{Name: "p", Document: text("${credentials-iot:ThingName}/${ iot:thingType}/${aws:userid}/${credentials-iot:thingattribute/site}", "")}}
	role.Managed = []thingpass.ManagedDocument{{ARN: "arn:m", Document: text("x", `"ForAnyValue:StringEquals":{"credentials-iot:ThingGroups":"lamps"},"StringEquals":{"credentials-iot:ThingAttribute/Site":"x"}`)}}
	role.Boundary = &thingpass.ManagedDocument{ARN: "arn:b", Document: text("${credentials-iot:Certificate.Subject.Organization}", `"Null":{"Credentials-IoT:awsCertificateID":"false"}`)}
	want := []string{"credentials-iot:Certificate.Subject.Organization", "credentials-iot:ThingAttribute/Site", "credentials-iot:ThingGroups"}
	got := names()
	if len(got) != len(want) {
		t.Fatalf("%q, want %q", got, want)
	}
	for i := range want {
		if !strings.EqualFold(got[i], want[i]) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	role.Inline, role.Managed, role.Boundary = nil, nil, nil
	if got := names(); len(got) != 0 {
		t.Errorf("after the policies went: %q", got)
	}
	role.Inline = []thingpass.InlinePolicy{{Name: "p", Document: "{"}}
	if _, err := a.DeviceKeyNames(t.Context(), role); err == nil {
		t.Error("a policy that does not compile mentions nothing")
	}
}

// TestLayersWith tries policies without saving them.
func TestLayersWith(t *testing.T) {
	a, db, _, session := stored(t, "", says("allow"))
	arn := managed(t, db, "Limit", statement("Allow", "*", "*"))
	limit(t, db, arn)
	try := func(change func(thingpass.Grants) thingpass.Grants) authz.Verdict {
		t.Helper()
		l, err := a.LayersWith(t.Context(), session, change)
		must(t, err)
		return l.Decide(list(policy.Principal{Account: place.Account, ARN: session.ARN, RoleARN: session.RoleARN}))
	}
	for _, c := range []struct {
		name   string
		change func(thingpass.Grants) thingpass.Grants
		want   policy.Decision
	}{
		{"as stored", nil, policy.Allow},
		{"another text", func(g thingpass.Grants) thingpass.Grants { return authz.WithInline(g, "p", says("silent")) }, policy.ImplicitDeny},
		{"one before", func(g thingpass.Grants) thingpass.Grants { return authz.WithInline(g, "a", says("deny")) }, policy.ExplicitDeny},
		{"one after", func(g thingpass.Grants) thingpass.Grants { return authz.WithInline(g, "z", says("silent")) }, policy.Allow},
		{"boundary", func(g thingpass.Grants) thingpass.Grants { return authz.WithManaged(g, arn, says("silent")) }, policy.ImplicitDeny},
		{"another boundary", func(g thingpass.Grants) thingpass.Grants { return authz.WithManaged(g, arn+"x", says("deny")) }, policy.Allow},
		{"attached", func(g thingpass.Grants) thingpass.Grants {
			g.Managed = []thingpass.ManagedDocument{{ARN: arn, Document: says("allow")}}
			return authz.WithManaged(g, arn, says("deny"))
		}, policy.ExplicitDeny},
	} {
		if v := try(c.change); v.Decision != c.want {
			t.Errorf("%s: %v by %s, want %v", c.name, v.Decision, v.By, c.want)
		}
		wantVerdict(t, decided(t, a, session), policy.Allow, authz.ByIdentity) // what is stored is as it was
	}
}

// TestSetsAreShared: sets are compiled once for the same contents, anew for
// others, and any number may ask at once.
func TestSetsAreShared(t *testing.T) {
	a, db, _, session := stored(t, "", says("allow"))
	before := decided(t, a, session).Asked.Layers
	a.Recent = store.NewRecent(db) // the same texts in other memory
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if v, err := a.Decide(t.Context(), authz.Request{Principal: session, Action: "s3:ListBucket", Resource: bucket}); err != nil || v.Asked.Layers != before {
				t.Errorf("compiled again: %v", err)
			}
		})
	}
	group.Wait()
	must(t, db.PutRolePolicy(t.Context(), "R", thingpass.InlinePolicy{Name: "p", Document: says("silent")}, func([]thingpass.InlinePolicy) error { return nil }))
	deadline := time.Now().Add(time.Second)
	for decided(t, a, session).Allowed() {
		if time.Now().After(deadline) {
			t.Fatal("a change does not count within a second")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if before.Decide(list(policy.Principal{ARN: session.ARN})).Decision != policy.Allow {
		t.Error("what was asked before has changed")
	}
}

// TestLayersAllocateNothing on a hit: Layers only looks up. What Recent allocates
// for reading the grants is not counted.
func TestLayersAllocateNothing(t *testing.T) {
	a, db, asUser, session := stored(t, says("allow"), says("allow"))
	limit(t, db, managed(t, db, "Limit", statement("Allow", "*", "*")))
	session.SessionPolicy = says("allow")
	device := &thingpass.Device{Policies: []string{says("allow")}, PolicyNames: []string{"C"}}
	ctx := t.Context()
	for p, read := range map[*thingpass.Principal]func(){
		&asUser:  func() { _, _ = a.Recent.User(ctx, asUser.User) },
		&session: func() { _, _ = a.Recent.RoleByID(ctx, session.RoleID) },
	} {
		reading := testing.AllocsPerRun(1000, read)
		if n := testing.AllocsPerRun(1000, func() {
			if l, err := a.Layers(ctx, *p); err != nil || l.Identity == nil {
				t.Error(err)
			}
		}); n > reading {
			t.Errorf("%s: %v allocations, %v of them for reading", p.ARN, n, reading)
		}
	}
	if n := testing.AllocsPerRun(1000, func() { _, _ = a.DeviceLayers(device, "") }); n > 0 {
		t.Errorf("device: %v allocations", n)
	}
}

func TestDenialWords(t *testing.T) {
	p := thingpass.Principal{ARN: "arn:u"}
	q := authz.Request{Principal: p, Action: "s3:GetObject", Resource: "arn:r"}
	const begin = "User: arn:u is not authorized to perform: s3:GetObject on resource: arn:r"
	for _, c := range []struct {
		by, implicit, explicit string
	}{
		{authz.ByIdentity, " because no identity-based policy allows the s3:GetObject action", " with an explicit deny in an identity-based policy"},
		{authz.ByBoundary, " because no permissions boundary allows the s3:GetObject action", " with an explicit deny in a permissions boundary"},
		{authz.BySession, " because no session policy allows the s3:GetObject action", " with an explicit deny in a session policy"},
		{authz.ByResource, " because no resource-based policy allows the s3:GetObject action", " with an explicit deny in a resource-based policy"},
		{authz.ByTrust, " because no role trust policy allows the s3:GetObject action", " with an explicit deny in the role trust policy"},
		{authz.ByIoT, " because no IoT policy allows the s3:GetObject action", " with an explicit deny in an IoT policy"},
		{authz.ByUserSession, " because no session of GetSessionToken allows the s3:GetObject action", ""},
		{"", "", ""},
	} {
		if got := authz.Denial(q, authz.Verdict{By: c.by}); got != begin+c.implicit {
			t.Errorf("%q", got)
		}
		if got := authz.Denial(q, authz.Verdict{By: c.by, Decision: policy.ExplicitDeny}); c.explicit != "" && got != begin+c.explicit {
			t.Errorf("%q", got)
		}
	}
	for _, who := range []struct {
		p    thingpass.Principal
		want string
	}{
		{thingpass.Principal{Service: "credentials.iot.amazonaws.com"}, "credentials.iot.amazonaws.com"}, {thingpass.Principal{}, "anonymous"},
	} {
		if got, want := authz.Denial(authz.Request{Principal: who.p, Action: "a:b", Resource: "*"}, authz.Verdict{}), fmt.Sprintf("User: %s is not authorized to perform: a:b on resource: *", who.want); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
