package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

func TestRole(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		want := thingpass.Role{
			Name: "CameraRole", Path: "/fleet/", ID: "AROAEXAMPLE", TrustPolicy: `{"Version":"2012-10-17"}`,
			TrustIDs:    map[string]string{"arn:aws:iam::123456789012:role/a/B": "AROAB", "arn:aws:iam::123456789012:user/c": "AIDAC"},
			Description: "für Kameras", MaxSessionDuration: 2 * time.Hour, Created: noon,
			Tags: []thingpass.Tag{{Key: "b", Value: "2"}, {Key: "a", Value: ""}},
		}
		must(t, db.CreateRole(ctx, want))
		same(t, got(db.Role(ctx, "CameraRole"))(t), want)
		same(t, got(db.Role(ctx, "cameraROLE"))(t), want)
		same(t, got(db.RoleByID(ctx, "AROAEXAMPLE"))(t), thingpass.RoleGrants{Role: want})
		refused(t, db.CreateRole(ctx, thingpass.Role{Name: "CAMERAROLE"}), thingpass.Exists, "Role with name CAMERAROLE already exists.")

		must(t, db.UpdateRole(ctx, "camerarole", func(r *thingpass.Role) error {
			r.Name, r.ID, r.Path = "Other", "AROAOTHER", "/other/" // may not be changed
			r.TrustPolicy, r.Description, r.MaxSessionDuration, r.Tags = "{}", "", time.Hour, nil
			r.TrustIDs = map[string]string{"arn:aws:iam::123456789012:user/c": "AIDAD"}
			return nil
		}))
		want.TrustIDs = map[string]string{"arn:aws:iam::123456789012:user/c": "AIDAD"}
		want.TrustPolicy, want.Description, want.MaxSessionDuration, want.Tags = "{}", "", time.Hour, nil
		same(t, got(db.Role(ctx, "CameraRole"))(t), want)

		stop := errors.New("stop")
		err := db.UpdateRole(ctx, "CameraRole", func(r *thingpass.Role) error { r.TrustPolicy = "no"; return stop })
		if !errors.Is(err, stop) {
			t.Errorf("error is %v", err)
		}
		same(t, got(db.Role(ctx, "CameraRole"))(t), want)

		must(t, db.DeleteRole(ctx, "cameraRole"))
		must(t, db.CreateRole(ctx, thingpass.Role{Name: "CameraRole", Path: "/"}))
		again := got(db.Role(ctx, "CameraRole"))(t)
		if !strings.HasPrefix(again.ID, "AROA") || again.ID == want.ID || !again.Created.Equal(noon) {
			t.Errorf("the role made again is %+v", again)
		}
	})
}

func TestRoleNotFound(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		_, read := db.Role(ctx, "x")
		_, grants := db.RoleGrants(ctx, "x")
		_, policy := db.RolePolicy(ctx, "x", "p")
		_, policies := db.RolePolicies(ctx, "x", thingpass.Page{})
		for _, err := range []error{
			read, grants, policy, policies,
			db.UpdateRole(ctx, "x", func(*thingpass.Role) error { return nil }),
			db.DeleteRole(ctx, "x"),
			db.PutRolePolicy(ctx, "x", thingpass.InlinePolicy{}, nil),
			db.DeleteRolePolicy(ctx, "x", "p"),
		} {
			refused(t, err, thingpass.NotFound, "The role with name x cannot be found.")
		}
		_, err := db.RoleByID(ctx, "AROAX")
		refused(t, err, thingpass.NotFound, "AROAX")
	})
}

func TestRoles(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		// Names that differ in case only would be one name.
		want := []string{"-z", "1", "B", "C", "_", "a", "a-b", "aD", "a_b", "aa", "d", "é"}
		for i, name := range want {
			path := []string{"/", "/a_c/", "/abc/", "/A_C/x/"}[i%4]
			must(t, db.CreateRole(ctx, thingpass.Role{Name: name, Path: path}))
		}
		roles := func(prefix string) func(p thingpass.Page) ([]string, error) {
			return func(p thingpass.Page) ([]string, error) {
				items, err := db.Roles(ctx, prefix, p)
				return named(items, err, func(r thingpass.Role) string { return r.Name })
			}
		}
		paged(t, want, roles(""))
		paged(t, want, roles("/"))
		// Neither case nor the wildcards of "like" play a part in a prefix.
		paged(t, []string{want[1], want[5], want[9]}, roles("/a_"))
		paged(t, []string{want[3], want[7], want[11]}, roles("/A_C/x"))
		paged(t, nil, roles("%"))
	})
}

func TestRolePolicies(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.CreateRole(ctx, thingpass.Role{Name: "Role", Path: "/", ID: "AROA1"}))
		var all []thingpass.InlinePolicy
		for i, name := range names {
			p := thingpass.InlinePolicy{Name: name, Document: fmt.Sprint("document ", i)}
			all = append(all, p)
			must(t, db.PutRolePolicy(ctx, "role", p, func(seen []thingpass.InlinePolicy) error {
				same(t, seen, all)
				return nil
			}))
		}
		same(t, got(db.RoleByID(ctx, "AROA1"))(t).Inline, all)
		same(t, got(db.RoleGrants(ctx, "ROLE"))(t).Inline, all)
		paged(t, names, func(p thingpass.Page) ([]string, error) { return db.RolePolicies(ctx, "Role", p) })

		all[2].Document = "replaced"
		must(t, db.PutRolePolicy(ctx, "Role", all[2], func(seen []thingpass.InlinePolicy) error {
			same(t, seen, all)
			return nil
		}))
		same(t, got(db.RolePolicy(ctx, "role", "B"))(t), all[2])
		_, err := db.RolePolicy(ctx, "Role", "none")
		refused(t, err, thingpass.NotFound, "The role policy with name none cannot be found.")

		limit := thingpass.Errorf(thingpass.LimitExceeded, "too much")
		err = db.PutRolePolicy(ctx, "Role", thingpass.InlinePolicy{Name: "more"}, func([]thingpass.InlinePolicy) error { return limit })
		refused(t, err, thingpass.LimitExceeded, "too much")
		same(t, got(db.RoleGrants(ctx, "Role"))(t).Inline, all)

		refused(t, db.DeleteRole(ctx, "Role"), thingpass.Conflict, "Cannot delete entity, must delete policies first.")
		refused(t, db.DeleteRolePolicy(ctx, "Role", "none"), thingpass.NotFound, "none")
		for _, p := range all {
			must(t, db.DeleteRolePolicy(ctx, "Role", p.Name))
		}
		must(t, db.DeleteRole(ctx, "Role"))
	})
}

func TestUser(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		user := thingpass.User{
			Name: "Admin", Path: "/", ID: "AIDA1", Created: noon,
			Grants: thingpass.Grants{Inline: []thingpass.InlinePolicy{{Name: "A", Document: "{1}"}, {Name: "b", Document: "{2}"}}},
		}
		key := thingpass.AccessKey{ID: "AKIA1", Secret: thingpass.NewSecret("s3cret"), User: "Admin", Active: true, Created: noon}
		must(t, db.CreateUser(ctx, user, key))
		same(t, got(db.User(ctx, "aDMIN"))(t), user)
		gotKey, gotUser, err := db.AccessKey(ctx, "AKIA1")
		must(t, err)
		same(t, gotUser, user)
		same(t, gotKey, key)

		bare := thingpass.User{Name: "bare", Path: "/x/"}
		must(t, db.CreateUser(ctx, bare, thingpass.AccessKey{ID: "AKIA2", Secret: thingpass.NewSecret("t")}))
		gotKey, gotUser, err = db.AccessKey(ctx, "AKIA2")
		must(t, err)
		if gotKey.Active || gotKey.User != "bare" || !gotKey.Created.Equal(noon) || gotUser.Inline != nil || !strings.HasPrefix(gotUser.ID, "AIDA") {
			t.Errorf("got %+v and %+v", gotKey, gotUser)
		}

		fresh := thingpass.AccessKey{ID: "AKIA3", Secret: thingpass.NewSecret("u")}
		refused(t, db.CreateUser(ctx, thingpass.User{Name: "ADMIN"}, fresh), thingpass.Exists, "User with name ADMIN already exists.")
		refused(t, db.CreateUser(ctx, thingpass.User{Name: "new"}, key), thingpass.Exists, "AKIA1")
		refused(t, db.CreateUser(ctx, thingpass.User{Name: "new"}, thingpass.AccessKey{ID: "AKIA3"}), thingpass.Invalid, "empty")
		twice := thingpass.User{Name: "new", Grants: thingpass.Grants{Inline: []thingpass.InlinePolicy{{Name: "A"}, {Name: "A"}}}}
		refused(t, db.CreateUser(ctx, twice, fresh), thingpass.Invalid, "given twice")
		// Nothing is left of what was refused.
		_, err = db.User(ctx, "new")
		refused(t, err, thingpass.NotFound, "The user with name new cannot be found.")
		_, _, err = db.AccessKey(ctx, "AKIA3")
		refused(t, err, thingpass.NotFound, "The Access Key with id AKIA3 cannot be found.")
	})
}
