package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

func group(t testing.TB, db *store.DB, name, parent string) {
	t.Helper()
	got(db.CreateThingGroup(t.Context(), thingpass.ThingGroup{Name: name, Parent: parent}))(t)
}

func groupName(g thingpass.ThingGroup) string { return g.Name }

func TestThingGroup(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		group(t, db, "root", "")
		want := thingpass.ThingGroup{
			Name: "g", ID: "uuid", Parent: "root", Description: "für Kameras",
			Attributes: map[string]string{"a": "1"}, Version: 1, Created: noon,
		}
		with := want
		with.Tags = []thingpass.Tag{{Key: "k", Value: "v"}}
		same(t, got(db.CreateThingGroup(ctx, with))(t), want)
		same(t, got(db.ThingGroup(ctx, "g"))(t), want)
		same(t, got(db.Tags(ctx, "thinggroup", "g"))(t), with.Tags)

		again := want
		again.ID, again.Created = "", noon.Add(time.Hour)
		same(t, got(db.CreateThingGroup(ctx, again))(t), want)
		for _, other := range []thingpass.ThingGroup{
			{Name: "g", Description: want.Description, Attributes: want.Attributes},
			{Name: "g", Parent: "root", Attributes: want.Attributes},
			{Name: "g", Parent: "root", Description: want.Description},
		} {
			_, err := db.CreateThingGroup(ctx, other)
			refused(t, err, thingpass.Exists, "already exists")
			resource(t, err, "uuid", "arn:aws:iot:us-east-1:123456789012:thinggroup/g")
		}
		_, err := db.CreateThingGroup(ctx, thingpass.ThingGroup{Name: "h", Parent: "none"})
		refused(t, err, thingpass.NotFound, "Thing group not found (name=none)")
		_, err = db.CreateThingGroup(ctx, thingpass.ThingGroup{Name: "h", Parent: "h"})
		refused(t, err, thingpass.NotFound, "Thing group not found (name=h)")

		version := got(db.UpdateThingGroup(ctx, "g", 1, func(g *thingpass.ThingGroup) error {
			g.Name, g.Parent, g.ID = "other", "", "other" // may not be changed
			g.Description, g.Attributes["b"] = "", "2"
			return nil
		}))(t)
		want.Version, want.Description, want.Attributes = 2, "", map[string]string{"a": "1", "b": "2"}
		same(t, version, want.Version)
		same(t, got(db.ThingGroup(ctx, "g"))(t), want)
		nothing := func(*thingpass.ThingGroup) error { return nil }
		_, err = db.UpdateThingGroup(ctx, "g", 1, nothing)
		refused(t, err, thingpass.VersionConflict, "The version for thing group g does not match")
		refused(t, db.DeleteThingGroup(ctx, "g", 1), thingpass.VersionConflict, "thing group g")

		refused(t, db.DeleteThingGroup(ctx, "root", 0), thingpass.Conflict, "child groups")
		must(t, db.DeleteThingGroup(ctx, "g", 2))
		must(t, db.DeleteThingGroup(ctx, "g", 2))
		must(t, db.DeleteThingGroup(ctx, "root", 0))
		_, err = db.UpdateThingGroup(ctx, "g", 0, nothing)
		refused(t, err, thingpass.NotFound, "(name=g)")
		_, err = db.ThingGroup(ctx, "g")
		refused(t, err, thingpass.NotFound, "(name=g)")
		// Tags do not outlive what they were on.
		group(t, db, "g", "")
		same(t, len(got(db.Tags(ctx, "thinggroup", "g"))(t)), 0)
	})
}

func TestThingGroups(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		group(t, db, "top", "")
		group(t, db, "mid", "top")
		for i, name := range names {
			group(t, db, name, []string{"", "top", "mid"}[i%3])
		}
		groups := func(f store.ThingGroupFilter) func(thingpass.Page) ([]string, error) {
			return func(p thingpass.Page) ([]string, error) {
				all, err := db.ThingGroups(ctx, f, p)
				return named(all, err, groupName)
			}
		}
		everything := []string{"-z", "1", "B", "C", "_", "a", "a-b", "aB", "a_b", "aa", "b", "mid", "top", "é"}
		paged(t, everything, groups(store.ThingGroupFilter{}))
		paged(t, everything, groups(store.ThingGroupFilter{Recursive: true}))
		paged(t, []string{"1", "_", "aB", "b", "mid"}, groups(store.ThingGroupFilter{Parent: "top"}))
		paged(t, []string{"1", "B", "_", "a", "aB", "a_b", "b", "mid", "é"}, groups(store.ThingGroupFilter{Parent: "top", Recursive: true}))
		paged(t, []string{"a", "a_b"}, groups(store.ThingGroupFilter{Parent: "mid", NamePrefix: "a"}))
		paged(t, []string{"a_b"}, groups(store.ThingGroupFilter{NamePrefix: "a_"}))
		paged(t, nil, groups(store.ThingGroupFilter{Parent: "a"}))
		_, err := db.ThingGroups(ctx, store.ThingGroupFilter{Parent: "none"}, thingpass.Page{})
		refused(t, err, thingpass.NotFound, "(name=none)")
	})
}

func TestThingGroupDepth(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		var above []string
		parent := ""
		for n := range 7 {
			name := fmt.Sprint("level-", n)
			group(t, db, name, parent)
			groups, err := db.ThingGroupAncestors(ctx, name)
			same(t, got(named(groups, err, groupName))(t), above)
			parent, above = name, append(above, name)
		}
		_, err := db.CreateThingGroup(ctx, thingpass.ThingGroup{Name: "level-7", Parent: parent})
		refused(t, err, thingpass.Invalid, "deeper than 7")
		_, err = db.ThingGroupAncestors(ctx, "level-7")
		refused(t, err, thingpass.NotFound, "level-7")
	})
}

func TestThingGroupMembers(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for n := range 11 {
			group(t, db, fmt.Sprintf("root-%02d", n), "")
		}
		group(t, db, "left", "root-00")
		group(t, db, "right", "root-00")
		group(t, db, "lowest", "left")
		for _, name := range names {
			thing(t, db, name)
			must(t, db.AddThingToGroup(ctx, name, "lowest"))
			must(t, db.AddThingToGroup(ctx, name, "lowest"))
		}
		things := func(group string, recursive bool) func(thingpass.Page) ([]string, error) {
			return func(p thingpass.Page) ([]string, error) { return db.GroupThings(ctx, group, recursive, p) }
		}
		paged(t, names, things("lowest", false))
		paged(t, names, things("root-00", true))
		paged(t, nil, things("root-00", false))
		paged(t, nil, things("right", true))

		for _, relative := range []string{"root-00", "left", "right"} {
			refused(t, db.AddThingToGroup(ctx, "a", relative), thingpass.Invalid, "two groups of the same hierarchy: it is in lowest")
		}
		refused(t, db.UpdateThingGroups(ctx, "a", []string{"right", "left"}, []string{"lowest"}), thingpass.Invalid, "same hierarchy")
		must(t, db.UpdateThingGroups(ctx, "a", []string{"right"}, []string{"lowest"}))
		must(t, db.RemoveThingFromGroup(ctx, "a", "lowest"))
		want := []string{"right"}
		for n := 1; n < 10; n++ {
			root := fmt.Sprintf("root-%02d", n)
			must(t, db.AddThingToGroup(ctx, "a", root))
			want = append(want, root)
		}
		paged(t, want, func(p thingpass.Page) ([]string, error) { return db.ThingGroupsOf(ctx, "a", p) })
		refused(t, db.AddThingToGroup(ctx, "a", "root-10"), thingpass.LimitExceeded, "more than 10 groups")

		_, err := db.ThingGroupsOf(ctx, "none", thingpass.Page{})
		refused(t, err, thingpass.NotFound, "Thing not found (name=none)")
		_, err = db.GroupThings(ctx, "none", false, thingpass.Page{})
		refused(t, err, thingpass.NotFound, "Thing group not found (name=none)")
		for _, err := range []error{db.AddThingToGroup(ctx, "a", "none"), db.RemoveThingFromGroup(ctx, "a", "none")} {
			refused(t, err, thingpass.NotFound, "Thing group not found (name=none)")
		}
		for _, err := range []error{db.AddThingToGroup(ctx, "none", "left"), db.RemoveThingFromGroup(ctx, "none", "left")} {
			refused(t, err, thingpass.NotFound, "Thing not found (name=none)")
		}

		// Whatever is deleted leaves the other.
		must(t, db.DeleteThing(ctx, "b", 0))
		must(t, db.DeleteThingGroup(ctx, "right", 0))
		paged(t, want[1:], func(p thingpass.Page) ([]string, error) { return db.ThingGroupsOf(ctx, "a", p) })
		thing(t, db, "b")
		same(t, len(got(db.ThingGroupsOf(ctx, "b", thingpass.Page{}))(t)), 0)
	})
}

func TestGroupPolicies(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		group(t, db, "top", "")
		group(t, db, "low", "top")
		for _, name := range []string{"P", "a", "b"} {
			policy(t, db, name)
		}
		must(t, db.AttachPolicyToGroup(ctx, "b", "top"))
		must(t, db.AttachPolicyToGroup(ctx, "a", "top"))
		must(t, db.AttachPolicyToGroup(ctx, "a", "top"))
		refused(t, db.AttachPolicyToGroup(ctx, "P", "top"), thingpass.LimitExceeded, "(2)")
		must(t, db.AttachPolicyToGroup(ctx, "P", "low"))
		must(t, db.AttachPolicyToGroup(ctx, "a", "low"))

		policies := func(group string, recursive bool) func(thingpass.Page) ([]string, error) {
			return func(p thingpass.Page) ([]string, error) {
				all, err := db.GroupPolicies(ctx, group, recursive, p)
				return named(all, err, func(p thingpass.Policy) string { return p.Name })
			}
		}
		paged(t, []string{"P", "a"}, policies("low", false))
		paged(t, []string{"P", "a", "b"}, policies("low", true))
		paged(t, []string{"a", "b"}, policies("top", true))

		c := certificate(t, db, 1, thingpass.Active)
		must(t, db.AttachPolicy(ctx, "a", c))
		paged(t, []string{here.Certificate(c), here.ThingGroup("low"), here.ThingGroup("top")}, func(p thingpass.Page) ([]string, error) {
			return db.PolicyTargets(ctx, "a", p)
		})

		refused(t, db.DeleteThingGroup(ctx, "low", 0), thingpass.Conflict, "policies attached")
		refused(t, db.DeletePolicy(ctx, "P"), thingpass.Conflict, "attached to one or more principals (name=P)")
		must(t, db.DetachPolicyFromGroup(ctx, "P", "low"))
		must(t, db.DetachPolicyFromGroup(ctx, "P", "low"))
		must(t, db.DeletePolicy(ctx, "P"))
		refused(t, db.AttachPolicyToGroup(ctx, "P", "low"), thingpass.NotFound, "Policy not found (name=P)")
		refused(t, db.AttachPolicyToGroup(ctx, "a", "none"), thingpass.NotFound, "Thing group not found (name=none)")
		_, err := db.GroupPolicies(ctx, "none", false, thingpass.Page{})
		refused(t, err, thingpass.NotFound, "Thing group not found (name=none)")
	})
}

// A device has its things' attributes, groups and their policies, and changing
// those does not end its sessions.
func TestDeviceInGroups(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c := certificate(t, db, 1, thingpass.Active)
		thing(t, db, "lamp")
		thing(t, db, "door")
		must(t, db.AttachThing(ctx, "lamp", c, false))
		must(t, db.AttachThing(ctx, "door", c, false))
		for _, g := range [][2]string{{"z", ""}, {"m", "z"}, {"a", "m"}, {"other", ""}, {"elsewhere", ""}} {
			group(t, db, g[0], g[1])
		}
		policy(t, db, "P")
		policy(t, db, "Q")
		for _, at := range [][2]string{{"Q", "z"}, {"P", "m"}, {"Q", "a"}, {"P", "elsewhere"}} {
			must(t, db.AttachPolicyToGroup(ctx, at[0], at[1]))
		}
		before := got(db.Device(ctx, c))(t)

		db.Now = func() time.Time { return noon.Add(time.Hour) }
		must(t, db.AddThingToGroup(ctx, "lamp", "a"))
		must(t, db.AddThingToGroup(ctx, "lamp", "other"))
		must(t, db.AddThingToGroup(ctx, "door", "z"))
		_, err := db.UpdateThing(ctx, "lamp", 0, func(g *thingpass.Thing) error {
			g.Attributes["site"] = "north"
			return nil
		})
		must(t, err)
		got(db.CreatePolicyVersion(ctx, "Q", "newer", true))(t)

		want := before
		want.Things = []thingpass.Attachment{
			{
				Thing: "door", Since: before.Things[0].Since, Attributes: before.Things[0].Attributes, Groups: []string{"z"},
				GroupPolicies: []thingpass.GroupPolicy{{Group: "z", Name: "Q", Document: "newer"}},
			},
			{
				Thing: "lamp", Since: before.Things[1].Since, Attributes: map[string]string{"site": "north"},
				Groups: []string{"a", "m", "other", "z"},
				GroupPolicies: []thingpass.GroupPolicy{
					{Group: "m", Name: "P", Document: "document of P"},
					{Group: "a", Name: "Q", Document: "newer"},
					{Group: "z", Name: "Q", Document: "newer"},
				},
			},
		}
		same(t, got(db.Device(ctx, c))(t), want)

		must(t, db.RemoveThingFromGroup(ctx, "lamp", "a"))
		must(t, db.RemoveThingFromGroup(ctx, "lamp", "other"))
		must(t, db.RemoveThingFromGroup(ctx, "door", "z"))
		_, err = db.UpdateThing(ctx, "lamp", 0, func(g *thingpass.Thing) error {
			g.Attributes = before.Things[1].Attributes
			return nil
		})
		must(t, err)
		same(t, got(db.Device(ctx, c))(t), before)
	})
}
