package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

func user(t testing.TB, db *store.DB, name string, keys ...thingpass.AccessKey) {
	t.Helper()
	must(t, db.CreateUser(t.Context(), thingpass.User{Name: name, Path: "/"}, keys...))
}

func accessKey(id string) thingpass.AccessKey {
	return thingpass.AccessKey{ID: id, Secret: thingpass.NewSecret("secret of " + id), Active: true}
}

func TestUpdateUser(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		user(t, db, "taken")
		want := thingpass.User{Name: "Ann", Path: "/", ID: "AIDA1", Created: noon, Tags: []thingpass.Tag{{Key: "b", Value: "2"}, {Key: "a", Value: ""}}}
		must(t, db.CreateUser(ctx, want, accessKey("AKIA1")))
		same(t, got(db.User(ctx, "ann"))(t), want)

		must(t, db.UpdateUser(ctx, "ann", func(u *thingpass.User) error {
			same(t, *u, want)
			u.ID, u.Created = "AIDA2", noon.Add(time.Hour) // may not be changed
			u.Name, u.Path, u.Tags = "Bea", "/x/", []thingpass.Tag{{Key: "c", Value: "3"}}
			return nil
		}))
		want.Name, want.Path, want.Tags = "Bea", "/x/", []thingpass.Tag{{Key: "c", Value: "3"}}
		same(t, got(db.User(ctx, "BEA"))(t), want)
		key, owner, err := db.AccessKey(ctx, "AKIA1")
		must(t, err)
		same(t, key.User, "Bea")
		same(t, owner, want)
		nothing := func(*thingpass.User) error { return nil }
		refused(t, db.UpdateUser(ctx, "Ann", nothing), thingpass.NotFound, "The user with name Ann cannot be found.")

		rename := func(name string) error {
			return db.UpdateUser(ctx, "Bea", func(u *thingpass.User) error { u.Name = name; return nil })
		}
		refused(t, rename("TAKEN"), thingpass.Exists, "User with name TAKEN already exists.")
		must(t, rename("BEA"))
		must(t, rename("Bea"))
		stop := errors.New("stop")
		if err := db.UpdateUser(ctx, "Bea", func(u *thingpass.User) error { u.Name = "x"; return stop }); !errors.Is(err, stop) {
			t.Errorf("error is %v", err)
		}
		same(t, got(db.User(ctx, "Bea"))(t), want)
	})
}

func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		all := []string{"-z", "1", "B", "C", "_", "a"}
		arn := managed(t, db, "m")
		for i, name := range all {
			u := thingpass.User{Name: name, Path: []string{"/", "/a_c/", "/abc/"}[i%3], PermissionsBoundary: arn}
			must(t, db.CreateUser(ctx, u))
		}
		users := func(prefix string) func(thingpass.Page) ([]string, error) {
			return func(p thingpass.Page) ([]string, error) {
				some, err := db.Users(ctx, prefix, p)
				for _, u := range some {
					same(t, u.PermissionsBoundary, arn)
				}
				return named(some, err, func(u thingpass.User) string { return u.Name })
			}
		}
		paged(t, all, users(""))
		paged(t, []string{all[1], all[4]}, users("/a_"))
		paged(t, nil, users("%"))
	})
}

func TestAccessKeys(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		user(t, db, "Ann")
		user(t, db, "Bea", accessKey("AKIA3"))
		must(t, db.CreateAccessKey(ctx, "ann", accessKey("AKIA1")))
		must(t, db.CreateAccessKey(ctx, "ANN", accessKey("AKIA2")))
		refused(t, db.CreateAccessKey(ctx, "Ann", accessKey("AKIA4")), thingpass.LimitExceeded, "Cannot exceed quota for AccessKeysPerUser: 2")
		refused(t, db.CreateAccessKey(ctx, "Bea", accessKey("AKIA1")), thingpass.Exists, "AKIA1")
		refused(t, db.CreateAccessKey(ctx, "Bea", thingpass.AccessKey{ID: "AKIA5"}), thingpass.Invalid, "empty")
		three := []thingpass.AccessKey{accessKey("AKIA5"), accessKey("AKIA6"), accessKey("AKIA7")}
		refused(t, db.CreateUser(ctx, thingpass.User{Name: "Cid", Path: "/"}, three...), thingpass.LimitExceeded, "AccessKeysPerUser")

		list := func(p thingpass.Page) ([]string, error) {
			keys, err := db.AccessKeys(ctx, "ann", p)
			for _, key := range keys {
				same(t, key, thingpass.AccessKey{ID: key.ID, User: "Ann", Active: true, Created: noon})
			}
			return named(keys, err, func(k thingpass.AccessKey) string { return k.ID })
		}
		paged(t, []string{"AKIA1", "AKIA2"}, list)

		must(t, db.UpdateAccessKey(ctx, "Ann", "AKIA1", false))
		key, _, err := db.AccessKey(ctx, "AKIA1")
		must(t, err)
		same(t, key.Active, false)
		must(t, db.UpdateAccessKey(ctx, "Ann", "AKIA1", true))

		// A key is found only under its own user.
		for _, id := range []string{"AKIA3", "AKIA9"} {
			for _, err := range []error{db.UpdateAccessKey(ctx, "Ann", id, true), db.DeleteAccessKey(ctx, "Ann", id)} {
				refused(t, err, thingpass.NotFound, "The Access Key with id "+id+" cannot be found.")
			}
		}
		_, err = db.AccessKeys(ctx, "none", thingpass.Page{})
		for _, err := range []error{
			err, db.CreateAccessKey(ctx, "none", accessKey("AKIA9")), db.UpdateAccessKey(ctx, "none", "AKIA1", true),
			db.DeleteAccessKey(ctx, "none", "AKIA1"), db.DeleteUser(ctx, "none"),
		} {
			refused(t, err, thingpass.NotFound, "The user with name none cannot be found.")
		}

		refused(t, db.DeleteUser(ctx, "Ann"), thingpass.Conflict, "Cannot delete entity, must delete access keys first.")
		for _, id := range []string{"AKIA1", "AKIA2"} {
			must(t, db.DeleteAccessKey(ctx, "Ann", id))
		}
		_, _, err = db.AccessKey(ctx, "AKIA1")
		refused(t, err, thingpass.NotFound, "AKIA1")
		must(t, db.DeleteUser(ctx, "Ann"))
		_, _, err = db.AccessKey(ctx, "AKIA3")
		must(t, err)
	})
}

func TestUserPolicies(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		user(t, db, "User")
		user(t, db, "other")
		var all []thingpass.InlinePolicy
		for i, name := range names {
			p := thingpass.InlinePolicy{Name: name, Document: fmt.Sprint("document ", i)}
			all = append(all, p)
			must(t, db.PutUserPolicy(ctx, "user", p, func(seen []thingpass.InlinePolicy) error {
				same(t, seen, all)
				return nil
			}))
		}
		same(t, got(db.User(ctx, "USER"))(t).Inline, all)
		same(t, len(got(db.User(ctx, "other"))(t).Inline), 0)
		paged(t, names, func(p thingpass.Page) ([]string, error) { return db.UserPolicies(ctx, "User", p) })
		same(t, got(db.UserPolicy(ctx, "User", "B"))(t), all[2])
		_, err := db.UserPolicy(ctx, "User", "none")
		refused(t, err, thingpass.NotFound, "The user policy with name none cannot be found.")
		refused(t, db.DeleteUserPolicy(ctx, "User", "none"), thingpass.NotFound, "The user policy with name none cannot be found.")
		limit := thingpass.Errorf(thingpass.LimitExceeded, "too much")
		err = db.PutUserPolicy(ctx, "User", thingpass.InlinePolicy{Name: "B"}, func([]thingpass.InlinePolicy) error { return limit })
		refused(t, err, thingpass.LimitExceeded, "too much")
		same(t, got(db.UserPolicy(ctx, "User", "B"))(t), all[2])
		must(t, db.DeleteUserPolicy(ctx, "User", "B"))
		_, err = db.UserPolicies(ctx, "none", thingpass.Page{})
		refused(t, err, thingpass.NotFound, "The user with name none cannot be found.")
	})
}

// An access key brings everything that decides what its user may do.
func TestAccessKeyGrants(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		a, b := managed(t, db, "a"), managed(t, db, "b")
		want := thingpass.User{
			Name: "Ann", Path: "/", ID: "AIDA1", Created: noon, PermissionsBoundary: b, Tags: []thingpass.Tag{{Key: "k", Value: "v"}},
			Grants: thingpass.Grants{
				Inline:   []thingpass.InlinePolicy{{Name: "i", Document: "inline"}},
				Managed:  []thingpass.ManagedDocument{{ARN: a, Document: "document of a"}},
				Boundary: &thingpass.ManagedDocument{ARN: b, Document: "document of b"},
			},
		}
		must(t, db.CreateUser(ctx, want, accessKey("AKIA1"), accessKey("AKIA2")))
		must(t, db.AttachUserPolicy(ctx, "Ann", a))
		for _, id := range []string{"AKIA1", "AKIA2"} {
			key, owner, err := db.AccessKey(ctx, id)
			must(t, err)
			same(t, key.ID, id)
			same(t, owner, want)
		}
		same(t, got(db.User(ctx, "Ann"))(t), want)
	})
}
