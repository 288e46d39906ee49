package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

// except returns err unless it is of one of the kinds.
func except(err error, kinds ...thingpass.Kind) error {
	if err == nil {
		return nil
	}
	for _, kind := range kinds {
		if thingpass.KindOf(err) == kind {
			return nil
		}
	}
	return err
}

// Quotas of managed policies, keys, versions, groups and group policies hold
// when all come at once.
func TestQuotasHoldInACrowd(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.CreateRole(ctx, thingpass.Role{Name: "r", Path: "/"}))
		user(t, db, "u")
		thing(t, db, "t")
		thing(t, db, "mover")
		policy(t, db, "versions")
		group(t, db, "g", "")
		arn := managed(t, db, "versions")
		for n := range crowd {
			name := fmt.Sprint(n)
			managed(t, db, name)
			policy(t, db, name)
			group(t, db, name, "")
			group(t, db, "below-"+name, "g")
		}
		for _, try := range []func(ctx context.Context, n int) error{
			func(ctx context.Context, n int) error {
				return db.AttachRolePolicy(ctx, "r", here.ManagedPolicy("/", fmt.Sprint(n)))
			},
			func(ctx context.Context, n int) error {
				return db.CreateAccessKey(ctx, "u", accessKey(fmt.Sprint("AKIA", n)))
			},
			func(ctx context.Context, n int) error {
				_, err := db.CreateManagedPolicyVersion(ctx, arn, fmt.Sprint(n), n%2 == 0)
				return err
			},
			func(ctx context.Context, n int) error {
				_, err := db.CreatePolicyVersion(ctx, "versions", fmt.Sprint(n), n%2 == 0)
				return err
			},
			func(ctx context.Context, n int) error { return db.AddThingToGroup(ctx, "t", fmt.Sprint(n)) },
			func(ctx context.Context, n int) error {
				return db.AddThingToGroup(ctx, "mover", fmt.Sprint("below-", n))
			},
			func(ctx context.Context, n int) error { return db.AttachPolicyToGroup(ctx, fmt.Sprint(n), "g") },
		} {
			together(t, func(ctx context.Context, n int) error {
				return except(try(ctx, n), thingpass.LimitExceeded, thingpass.VersionsLimit, thingpass.Invalid)
			})
		}
		everything := thingpass.Page{}
		same(t, len(got(db.RoleGrants(ctx, "r"))(t).Managed), 10)
		same(t, len(got(db.AccessKeys(ctx, "u", everything))(t)), 2)
		same(t, len(got(db.ThingGroupsOf(ctx, "t", everything))(t)), 10)
		same(t, len(got(db.ThingGroupsOf(ctx, "mover", everything))(t)), 1)
		same(t, len(got(db.GroupPolicies(ctx, "g", false, everything))(t)), 2)
		for _, versions := range [][]thingpass.PolicyVersion{
			got(db.ManagedPolicyVersions(ctx, arn, everything))(t), got(db.PolicyVersions(ctx, "versions"))(t),
		} {
			same(t, len(versions), 5)
			var defaults int
			for _, v := range versions {
				if v.Default {
					defaults++
				}
			}
			same(t, defaults, 1)
		}
	})
}

// A managed policy is never deleted while it is attached or a boundary, and
// whoever has a boundary never loses it.
func TestManagedPolicyDeletedInACrowd(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		must(t, db.CreateRole(t.Context(), thingpass.Role{Name: "r", Path: "/", ID: "AROA1"}))
		arn := here.ManagedPolicy("/", "m")
		bound := func(ctx context.Context, boundary string) error {
			return db.UpdateRole(ctx, "r", func(r *thingpass.Role) error { r.PermissionsBoundary = boundary; return nil })
		}
		together(t, func(ctx context.Context, n int) error {
			var errs []error
			for range 3 {
				_, err := db.CreateManagedPolicy(ctx, thingpass.ManagedPolicy{Name: "m", Path: "/", Document: "document"})
				errs = append(errs, except(err, thingpass.Exists))
				if n%2 == 0 {
					errs = append(errs, except(bound(ctx, arn), thingpass.NotFound), bound(ctx, ""))
				} else {
					errs = append(errs,
						except(db.AttachRolePolicy(ctx, "r", arn), thingpass.NotFound),
						except(db.DetachRolePolicy(ctx, "r", arn), thingpass.NotFound))
				}
				errs = append(errs, whole(db.RoleByID(ctx, "AROA1")), except(db.DeleteManagedPolicy(ctx, arn), thingpass.NotFound, thingpass.Conflict))
			}
			return errors.Join(errs...)
		})
		must(t, whole(db.RoleByID(t.Context(), "AROA1")))
	})
}

// whole checks that what a role has of managed policies has its documents.
func whole(g thingpass.RoleGrants, err error) error {
	if err != nil {
		return err
	}
	all := g.Managed
	if g.Boundary != nil {
		all = append(all, *g.Boundary)
	}
	for _, m := range all {
		if m.Document != "document" {
			return fmt.Errorf("a policy without its document: %+v", m)
		}
	}
	return nil
}

// Groups, their members and their parents come and go at once without leaving
// anything to something that is gone.
func TestThingGroupsInACrowd(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c := certificate(t, db, 1, thingpass.Active)
		thing(t, db, "t")
		must(t, db.AttachThing(ctx, "t", c, false))
		together(t, func(ctx context.Context, n int) error {
			parent, child := fmt.Sprint("parent-", n%2), fmt.Sprint("child-", n%4)
			var errs []error
			for range 3 {
				_, err1 := db.CreateThingGroup(ctx, thingpass.ThingGroup{Name: parent})
				_, err2 := db.CreateThingGroup(ctx, thingpass.ThingGroup{Name: child, Parent: parent})
				_, err3 := db.Device(ctx, c)
				errs = append(errs, err1, except(err2, thingpass.NotFound), err3,
					except(db.AddThingToGroup(ctx, "t", child), thingpass.NotFound, thingpass.Invalid),
					except(db.DeleteThingGroup(ctx, child, 0), thingpass.Conflict),
					except(db.DeleteThingGroup(ctx, parent, 0), thingpass.Conflict))
			}
			return errors.Join(errs...)
		})
		var want []string
		for _, name := range got(db.ThingGroupsOf(ctx, "t", thingpass.Page{}))(t) {
			want = append(want, name, got(db.ThingGroup(ctx, name))(t).Parent)
		}
		same(t, len(got(db.Device(ctx, c))(t).Things[0].Groups), len(want))
	})
}

// Numbers of versions are given out once.
func TestVersionNumbersInACrowd(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		arn := managed(t, db, "m")
		policy(t, db, "p")
		ids := make(chan string, 2*crowd)
		together(t, func(ctx context.Context, _ int) error {
			v, err := db.CreateManagedPolicyVersion(ctx, arn, "", false)
			if err == nil {
				ids <- v.ID
				err = db.DeleteManagedPolicyVersion(ctx, arn, v.ID)
			}
			w, err2 := db.CreatePolicyVersion(ctx, "p", "", false)
			if err2 == nil {
				ids <- w.ID
				err2 = db.DeletePolicyVersion(ctx, "p", w.ID)
			}
			return errors.Join(except(err, thingpass.LimitExceeded), except(err2, thingpass.VersionsLimit))
		})
		close(ids)
		seen := map[string]bool{}
		for id := range ids {
			if seen[id] {
				t.Errorf("version %s was given out twice", id)
			}
			seen[id] = true
		}
	})
}
