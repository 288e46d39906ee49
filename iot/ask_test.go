package iot

import (
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/store"
)

// stored is a service with an empty store.
func stored(t *testing.T) *service {
	t.Helper()
	s := storeless()
	db, err := store.Create(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "db"), s.Place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s.Store, s.Log = db, slog.New(slog.DiscardHandler)
	return s
}

// TestAskWithTags: questions about what has tags are put with them.
func TestAskWithTags(t *testing.T) {
	s := stored(t)
	tags := []thingpass.Tag{{Key: "team", Value: "blue"}, {Key: "none"}}
	role := thingpass.Role{ID: "AROA1", Name: "R", Path: "/p/", TrustPolicy: "{}", MaxSessionDuration: time.Hour, Tags: tags}
	_, typeErr := s.Store.CreateThingType(t.Context(), thingpass.ThingType{Name: "t", Tags: tags})
	_, groupErr := s.Store.CreateThingGroup(t.Context(), thingpass.ThingGroup{Name: "g", Tags: tags})
	for _, err := range []error{
		s.Store.CreateRole(t.Context(), role), typeErr, groupErr,
		s.Store.CreateRoleAlias(t.Context(), thingpass.RoleAlias{Name: "a", RoleARN: "x", Duration: time.Hour, Tags: tags}),
		s.Store.CreatePolicy(t.Context(), thingpass.Policy{Name: "p", Document: "{}", VersionID: "1", Tags: tags}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	alias, roleARN := aliasChange{Alias: "a"}, "arn:aws:iam::123456789012:role/p/R"
	passing := func(arn string) []gate.Access {
		in := aliasChange{Alias: "none", RoleARN: &arn}
		return s.askUpdateAlias(&in)[1:]
	}
	own := map[string][]string{"aws:ResourceTag/team": {"blue"}, "aws:ResourceTag/none": {""}}
	passed := map[string][]string{"iam:PassedToService": {"credentials.iot.amazonaws.com"}}
	passedTagged := map[string][]string{
		"iam:PassedToService": {"credentials.iot.amazonaws.com"}, "aws:ResourceTag/team": {"blue"}, "aws:ResourceTag/none": {""},
		"iam:ResourceTag/team": {"blue"}, "iam:ResourceTag/none": {""},
	}
	for name, tt := range map[string]struct {
		got  []gate.Access
		want map[string][]string
	}{
		"alias":                     {s.askUpdateAlias(&alias), own},
		"alias of another spelling": {s.askTagged("DescribeRoleAlias", s.Place.RoleAlias("A")), nil},
		"policy":                    {about(s, "GetPolicy", s.policyARN)(&policyInput{"p"}), own},
		"thing type":                {about(s, "DescribeThingType", s.typeARN)(&typeInput{"t"}), own},
		"policy version":            {about(s, "GetPolicyVersion", s.versionARN)(&versionInput{"p", "1"}), own},
		"thing group":               {about(s, "DescribeThingGroup", s.groupARN)(&groupInput{"g"}), own},
		"target":                    {about(s, "AttachPolicy", targetARN)(&targetInput{"p", new(s.Place.ThingGroup("g"))}), own},
		"added to":                  {s.askMembership("AddThingToThingGroup", &membershipInput{Group: new("g"), Thing: new("x")})[:1], own},
		"updated":                   {s.askMemberships(&updateGroupsInput{Add: []string{"g"}})[1:], own},
		"by its ARN":                {s.askTagged("TagResource", s.Place.Policy("p")), own},
		"of another account":        {s.askTagged("TagResource", "arn:aws:iot:us-east-1:210987654321:policy/p"), nil},
		"nothing":                   {s.askTagged("TagResource", ""), nil},
		"no name":                   {s.askTagged("GetPolicy", s.Place.Policy("")), nil},
		"no text":                   {s.askTagged("GetPolicy", s.Place.Policy("\x00\xff")), nil},
		"passed role":               {passing(roleARN), passedTagged},
		"passed, other path":        {passing("arn:aws:iam::123456789012:role/R"), passed},
		"passed, other spelling":    {passing("arn:aws:iam::123456789012:role/p/r"), passed},
		"passed, no role yet":       {passing("arn:aws:iam::123456789012:role/later"), passed},
		"passed, no ARN":            {passing("x"), passed},
		"passed, no text":           {passing("arn:aws:iam::123456789012:role/\x00\xff"), passed},
	} {
		if len(tt.got) != 1 {
			t.Errorf("%s: %v", name, tt.got)
			continue
		}
		if diff := cmp.Diff(tt.want, tt.got[0].Context); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}

	// What the request tags with comes on top.
	got := s.askCreateAlias(&createAliasInput{alias, []tag{{Key: new("team"), Value: new("red")}}})
	if c := got[0].Context; c["aws:ResourceTag/team"][0] != "blue" || c["aws:RequestTag/team"][0] != "red" {
		t.Errorf("tagging what has tags: %v", c)
	}

	// Without the tags no question can be put, and the gate refuses the call.
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]gate.Access{
		"policy": s.askTagged("GetPolicy", s.Place.Policy("p")),
		"group":  s.askMembership("AddThingToThingGroup", &membershipInput{Group: new("g"), Thing: new("x")}),
		"groups": s.askMemberships(&updateGroupsInput{Thing: new("x"), Remove: []string{"g"}}),
		"alias":  s.askCreateAlias(&createAliasInput{aliasChange{Alias: "a", RoleARN: &roleARN}, []tag{{Key: new("k")}}}),
	} {
		if !slices.ContainsFunc(got, func(a gate.Access) bool { return a.Err != nil }) {
			t.Errorf("%s: questions without the tags: %v", name, got)
		}
	}
	if s.askPass(roleARN).Err == nil {
		t.Error("a role is passed without its tags")
	}
}

// TestTagKeysHaveNoCase: a question never has two keys that are the same to
// package policy.
func TestTagKeysHaveNoCase(t *testing.T) {
	given := []tag{{Key: new("team"), Value: new("a")}, {Key: new("Team"), Value: new("b")}, {Key: new("\u017fun")}, {Key: new("SUN")}, {}, {}}
	got := tagged(ask("TagResource", "*"), given)
	want := gate.Access{
		Action: "iot:TagResource", Resource: "*",
		Context: map[string][]string{"aws:RequestTag/team": {"a"}, "aws:RequestTag/\u017fun": {""}, "aws:RequestTag/": {""}},
		Lists:   map[string][]string{"aws:TagKeys": {"team", "\u017fun", ""}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	many := make([]tag, 1000)
	for i := range many {
		many[i].Key = new(strings.Repeat("x", i))
	}
	if got := tagged(ask("TagResource", "*"), many); len(got.Context) != maxTags {
		t.Errorf("%d keys in a question", len(got.Context))
	}

	s := stored(t)
	tags := []thingpass.Tag{{Key: "team"}, {Key: "Team"}}
	if _, err := s.resourceKeys("iot:GetPolicy", tags, nil); err == nil {
		t.Error("a question with two tags that are the same key")
	}
}
