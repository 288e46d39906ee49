package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

// managed makes a managed policy and returns its ARN.
func managed(t testing.TB, db *store.DB, name string) string {
	t.Helper()
	got(db.CreateManagedPolicy(t.Context(), thingpass.ManagedPolicy{Name: name, Path: "/", Document: "document of " + name}))(t)
	return here.ManagedPolicy("/", name)
}

func accept([]thingpass.InlinePolicy) error { return nil }

func policyNameOf(p thingpass.ManagedPolicy) string { return p.Name }

func TestManagedPolicy(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		want := thingpass.ManagedPolicy{
			Name: "Fleet", Path: "/a/b/", ID: "ANPA1", Description: "für Kameras", VersionID: "v1", Document: `{"é":1}`,
			Created: noon, Modified: noon, Tags: []thingpass.Tag{{Key: "b", Value: "2"}, {Key: "a", Value: ""}},
		}
		same(t, got(db.CreateManagedPolicy(ctx, want))(t), want)
		arn := "arn:aws:iam::123456789012:policy/a/b/Fleet"
		same(t, got(db.ManagedPolicy(ctx, arn))(t), want)
		same(t, got(db.ManagedDocument(ctx, arn))(t), thingpass.ManagedDocument{ARN: arn, Document: want.Document})
		_, err := db.CreateManagedPolicy(ctx, thingpass.ManagedPolicy{Name: "FLEET", Path: "/"})
		refused(t, err, thingpass.Exists, "A policy called FLEET already exists. Duplicate names are not allowed.")

		must(t, db.UpdateManagedPolicy(ctx, arn, func(p *thingpass.ManagedPolicy) error {
			p.Name, p.Path, p.ID, p.Document = "Other", "/", "ANPA2", "other" // may not be changed
			p.Tags = nil
			return nil
		}))
		want.Tags = nil
		same(t, got(db.ManagedPolicy(ctx, arn))(t), want)

		for _, other := range []string{
			"arn:aws:iam::123456789012:policy/a/b/fleet", "arn:aws:iam::123456789012:policy/Fleet", "arn:aws:iam::aws:policy/Fleet",
			"arn:aws:iam::999999999999:policy/a/b/Fleet", "arn:aws:iot:us-east-1:123456789012:policy/a/b/Fleet", "Fleet", "",
		} {
			_, read := db.ManagedPolicy(ctx, other)
			_, document := db.ManagedDocument(ctx, other)
			_, version := db.ManagedPolicyVersion(ctx, other, "v1")
			_, versions := db.ManagedPolicyVersions(ctx, other, thingpass.Page{})
			_, create := db.CreateManagedPolicyVersion(ctx, other, "", false)
			_, _, entities := db.ManagedPolicyEntities(ctx, other, "")
			for _, err := range []error{
				read, document, version, versions, create, entities,
				db.DeleteManagedPolicy(ctx, other),
				db.UpdateManagedPolicy(ctx, other, func(*thingpass.ManagedPolicy) error { return nil }),
				db.SetDefaultManagedPolicyVersion(ctx, other, "v1"),
				db.DeleteManagedPolicyVersion(ctx, other, "v1"),
			} {
				refused(t, err, thingpass.NotFound, "Policy "+other+" was not found.")
			}
		}
		must(t, db.DeleteManagedPolicy(ctx, arn))
		_, err = db.ManagedPolicy(ctx, arn)
		refused(t, err, thingpass.NotFound, arn)
		same(t, got(db.CreateManagedPolicy(ctx, want))(t), want)
	})
}

func TestManagedPolicyVersions(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		arn := managed(t, db, "p")
		later := noon.Add(time.Minute)
		db.Now = func() time.Time { return later }
		same(t, got(db.CreateManagedPolicyVersion(ctx, arn, "two", false))(t), thingpass.PolicyVersion{ID: "v2", Document: "two", Created: later})
		same(t, got(db.ManagedDocument(ctx, arn))(t).Document, "document of p")
		same(t, got(db.CreateManagedPolicyVersion(ctx, arn, "three", true))(t), thingpass.PolicyVersion{ID: "v3", Document: "three", Default: true, Created: later})
		p := got(db.ManagedPolicy(ctx, arn))(t)
		same(t, []string{p.VersionID, p.Document}, []string{"v3", "three"})
		same(t, p.Modified, later)
		same(t, got(db.ManagedDocument(ctx, arn))(t).Document, "three")

		refused(t, db.DeleteManagedPolicyVersion(ctx, arn, "v3"), thingpass.Conflict, "Cannot delete the default version of a policy.")
		must(t, db.SetDefaultManagedPolicyVersion(ctx, arn, "v1"))
		same(t, got(db.ManagedPolicyVersion(ctx, arn, "v1"))(t), thingpass.PolicyVersion{ID: "v1", Document: "document of p", Default: true, Created: noon})
		must(t, db.DeleteManagedPolicyVersion(ctx, arn, "v3"))
		for want := 4; want <= 6; want++ { // numbers are never used again
			same(t, got(db.CreateManagedPolicyVersion(ctx, arn, "more", false))(t).ID, fmt.Sprint("v", want))
		}
		_, err := db.CreateManagedPolicyVersion(ctx, arn, "more", false)
		refused(t, err, thingpass.LimitExceeded, "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")

		ids := func(page thingpass.Page) []string {
			all, err := db.ManagedPolicyVersions(ctx, arn, page)
			return got(named(all, err, func(v thingpass.PolicyVersion) string { return v.ID }))(t)
		}
		same(t, ids(thingpass.Page{}), []string{"v6", "v5", "v4", "v2", "v1"})
		same(t, ids(thingpass.Page{Limit: 2}), []string{"v6", "v5"})
		same(t, ids(thingpass.Page{Limit: 2, After: "v5"}), []string{"v4", "v2"})
		same(t, ids(thingpass.Page{Limit: 2, After: "v3"}), []string{"v2", "v1"})
		same(t, ids(thingpass.Page{Limit: 2, After: "v1"}), []string(nil))

		for _, id := range []string{"v3", "v7", "v0", "v01", "v+1", "1", "V1", "v", "", "v99999999999999999999"} {
			_, err := db.ManagedPolicyVersion(ctx, arn, id)
			for _, err := range []error{err, db.SetDefaultManagedPolicyVersion(ctx, arn, id), db.DeleteManagedPolicyVersion(ctx, arn, id)} {
				refused(t, err, thingpass.NotFound, "version "+id+" does not exist")
			}
		}
		refused(t, db.DeleteManagedPolicy(ctx, arn), thingpass.Conflict, "This policy has more than one version.")
		for _, id := range []string{"v2", "v4", "v5", "v6"} {
			must(t, db.DeleteManagedPolicyVersion(ctx, arn, id))
		}
		must(t, db.DeleteManagedPolicy(ctx, arn))
	})
}

// attachments are the methods for roles or for users.
type attachments struct {
	noun     string
	create   func(name, boundary string) error
	bound    func(name, boundary string) error
	remove   func(name string) error
	attach   func(name, arn string) error
	detach   func(name, arn string) error
	attached func(name string, page thingpass.Page) ([]thingpass.ManagedPolicy, error)
	grants   func(name string) (thingpass.Grants, string, error)
	inline   func(name, policy string) error
	uninline func(name, policy string) error
}

func bothHolders(t *testing.T, db *store.DB) []attachments {
	ctx := t.Context()
	return []attachments{
		{
			noun: "role",
			create: func(name, boundary string) error {
				return db.CreateRole(ctx, thingpass.Role{Name: name, Path: "/", PermissionsBoundary: boundary})
			},
			bound: func(name, boundary string) error {
				return db.UpdateRole(ctx, name, func(r *thingpass.Role) error { r.PermissionsBoundary = boundary; return nil })
			},
			remove: func(name string) error { return db.DeleteRole(ctx, name) },
			attach: func(name, arn string) error { return db.AttachRolePolicy(ctx, name, arn) },
			detach: func(name, arn string) error { return db.DetachRolePolicy(ctx, name, arn) },
			attached: func(name string, page thingpass.Page) ([]thingpass.ManagedPolicy, error) {
				return db.AttachedRolePolicies(ctx, name, page)
			},
			grants: func(name string) (thingpass.Grants, string, error) {
				g, err := db.RoleGrants(ctx, name)
				if r, err := db.Role(ctx, name); err == nil && r.PermissionsBoundary != g.PermissionsBoundary {
					t.Errorf("boundaries are %q and %q", r.PermissionsBoundary, g.PermissionsBoundary)
				}
				return g.Grants, g.PermissionsBoundary, err
			},
			inline: func(name, p string) error {
				return db.PutRolePolicy(ctx, name, thingpass.InlinePolicy{Name: p, Document: "d"}, accept)
			},
			uninline: func(name, p string) error { return db.DeleteRolePolicy(ctx, name, p) },
		},
		{
			noun: "user",
			create: func(name, boundary string) error {
				return db.CreateUser(ctx, thingpass.User{Name: name, Path: "/", PermissionsBoundary: boundary})
			},
			bound: func(name, boundary string) error {
				return db.UpdateUser(ctx, name, func(u *thingpass.User) error { u.PermissionsBoundary = boundary; return nil })
			},
			remove: func(name string) error { return db.DeleteUser(ctx, name) },
			attach: func(name, arn string) error { return db.AttachUserPolicy(ctx, name, arn) },
			detach: func(name, arn string) error { return db.DetachUserPolicy(ctx, name, arn) },
			attached: func(name string, page thingpass.Page) ([]thingpass.ManagedPolicy, error) {
				return db.AttachedUserPolicies(ctx, name, page)
			},
			grants: func(name string) (thingpass.Grants, string, error) {
				u, err := db.User(ctx, name)
				return u.Grants, u.PermissionsBoundary, err
			},
			inline: func(name, p string) error {
				return db.PutUserPolicy(ctx, name, thingpass.InlinePolicy{Name: p, Document: "d"}, accept)
			},
			uninline: func(name, p string) error { return db.DeleteUserPolicy(ctx, name, p) },
		},
	}
}

func TestManagedAttachments(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		for _, h := range bothHolders(t, db) {
			must(t, h.create("Holder", ""))
			var arns []string
			for n := range 11 {
				arns = append(arns, managed(t, db, fmt.Sprintf("%s-%02d", h.noun, n)))
			}
			var want thingpass.Grants
			for n, arn := range arns[:10] {
				must(t, h.attach("holder", arn))
				must(t, h.attach("HOLDER", arn))
				want.Managed = append(want.Managed, thingpass.ManagedDocument{ARN: arn, Document: fmt.Sprintf("document of %s-%02d", h.noun, n)})
			}
			quota := map[string]string{"role": "PoliciesPerRole: 10", "user": "PoliciesPerUser: 10"}[h.noun]
			refused(t, h.attach("Holder", arns[10]), thingpass.LimitExceeded, "Cannot exceed quota for "+quota)
			must(t, h.inline("Holder", "inline"))
			want.Inline = []thingpass.InlinePolicy{{Name: "inline", Document: "d"}}
			grants, boundary, err := h.grants("Holder")
			must(t, err)
			same(t, grants, want)
			same(t, boundary, "")

			var wantNames []string
			for n := range 10 {
				wantNames = append(wantNames, fmt.Sprintf("%s-%02d", h.noun, n))
			}
			paged(t, wantNames, func(p thingpass.Page) ([]string, error) {
				all, err := h.attached("Holder", p)
				return named(all, err, policyNameOf)
			})
			refused(t, h.remove("Holder"), thingpass.Conflict, "Cannot delete entity, must delete policies first.")
			must(t, h.uninline("Holder", "inline"))
			refused(t, h.remove("Holder"), thingpass.Conflict, "Cannot delete entity, must detach all policies first.")
			refused(t, db.DeleteManagedPolicy(t.Context(), arns[0]), thingpass.Conflict, "Cannot delete a policy attached to entities.")
			for _, arn := range arns[:10] {
				must(t, h.detach("Holder", arn))
			}
			refused(t, h.detach("Holder", arns[0]), thingpass.NotFound, "Policy "+arns[0]+" was not found.")
			refused(t, h.detach("Holder", "nonsense"), thingpass.NotFound, "Policy nonsense was not found.")
			refused(t, h.attach("Holder", "nonsense"), thingpass.NotFound, "Policy nonsense does not exist or is not attachable.")
			missing := "The " + h.noun + " with name none cannot be found."
			refused(t, h.attach("none", arns[0]), thingpass.NotFound, missing)
			refused(t, h.detach("none", arns[0]), thingpass.NotFound, missing)
			_, err = h.attached("none", thingpass.Page{})
			refused(t, err, thingpass.NotFound, missing)
			must(t, h.remove("Holder"))
			must(t, db.DeleteManagedPolicy(t.Context(), arns[0]))
		}
	})
}

func TestBoundary(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		for _, h := range bothHolders(t, db) {
			arn, other := managed(t, db, h.noun), managed(t, db, h.noun+"-other")
			refused(t, h.create("Holder", "arn:x"), thingpass.NotFound, "Scope ARN: arn:x does not exist or is not attachable.")
			must(t, h.create("Holder", arn)) // nothing is left of what was refused
			check := func(wantARN, document string) {
				t.Helper()
				grants, boundary, err := h.grants("Holder")
				must(t, err)
				same(t, boundary, wantARN)
				if wantARN == "" {
					same(t, grants, thingpass.Grants{})
					return
				}
				same(t, grants, thingpass.Grants{Boundary: &thingpass.ManagedDocument{ARN: wantARN, Document: document}})
			}
			check(arn, "document of "+h.noun)
			refused(t, db.DeleteManagedPolicy(t.Context(), arn), thingpass.Conflict, "Cannot delete a policy attached to entities.")
			got(db.CreateManagedPolicyVersion(t.Context(), arn, "newer", true))(t)
			check(arn, "newer")
			refused(t, h.bound("Holder", "arn:x"), thingpass.NotFound, "Scope ARN: arn:x does not exist")
			check(arn, "newer")
			must(t, h.bound("Holder", other))
			check(other, "document of "+h.noun+"-other")
			must(t, h.bound("Holder", ""))
			check("", "")
			must(t, h.bound("Holder", other))
			must(t, h.remove("Holder")) // a boundary does not hold its role or user
			must(t, db.DeleteManagedPolicy(t.Context(), other))
		}
	})
}

func TestManagedPolicyLists(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		all := []string{"-z", "1", "B", "C", "_", "a"}
		var arns []string
		for i, name := range all {
			path := []string{"/", "/a_c/", "/abc/"}[i%3]
			got(db.CreateManagedPolicy(ctx, thingpass.ManagedPolicy{Name: name, Path: path}))(t)
			arns = append(arns, here.ManagedPolicy(path, name))
		}
		for _, name := range []string{"s", "r"} {
			must(t, db.CreateRole(ctx, thingpass.Role{Name: name, Path: "/p/", ID: "AROA" + name}))
			must(t, db.CreateUser(ctx, thingpass.User{Name: name, Path: "/q/", ID: "AIDA" + name, PermissionsBoundary: arns[1]}))
			must(t, db.AttachRolePolicy(ctx, name, arns[0]))
		}
		must(t, db.AttachUserPolicy(ctx, "s", arns[0]))
		must(t, db.AttachUserPolicy(ctx, "r", arns[1]))
		must(t, db.UpdateRole(ctx, "r", func(r *thingpass.Role) error { r.PermissionsBoundary = arns[2]; return nil }))

		filtered := func(f store.ManagedPolicyFilter) func(thingpass.Page) ([]string, error) {
			return func(p thingpass.Page) ([]string, error) {
				some, err := db.ManagedPolicies(ctx, f, p)
				return named(some, err, policyNameOf)
			}
		}
		paged(t, all, filtered(store.ManagedPolicyFilter{}))
		paged(t, all, filtered(store.ManagedPolicyFilter{PathPrefix: "/"}))
		paged(t, []string{all[1], all[4]}, filtered(store.ManagedPolicyFilter{PathPrefix: "/a_"}))
		paged(t, all[:2], filtered(store.ManagedPolicyFilter{OnlyAttached: true}))
		paged(t, all[:2], filtered(store.ManagedPolicyFilter{Usage: store.PermissionsPolicy}))
		paged(t, all[1:3], filtered(store.ManagedPolicyFilter{Usage: store.PermissionsBoundary, OnlyAttached: true}))
		_, err := db.ManagedPolicies(ctx, store.ManagedPolicyFilter{Usage: "x"}, thingpass.Page{})
		refused(t, err, thingpass.Invalid, `"x" is neither`)

		counts := func(arn string) []int64 {
			p := got(db.ManagedPolicy(ctx, arn))(t)
			return []int64{p.Attachments, p.Boundaries}
		}
		same(t, [][]int64{counts(arns[0]), counts(arns[1]), counts(arns[2]), counts(arns[3])}, [][]int64{{3, 0}, {1, 2}, {0, 1}, {0, 0}})

		roleR, roleS := store.NamedID{Name: "r", ID: "AROAr", Path: "/p/"}, store.NamedID{Name: "s", ID: "AROAs", Path: "/p/"}
		userR, userS := store.NamedID{Name: "r", ID: "AIDAr", Path: "/q/"}, store.NamedID{Name: "s", ID: "AIDAs", Path: "/q/"}
		for _, test := range []struct {
			arn, usage   string
			roles, users []store.NamedID
		}{
			{arns[0], "", []store.NamedID{roleR, roleS}, []store.NamedID{userS}},
			{arns[0], store.PermissionsBoundary, nil, nil},
			{arns[1], "", nil, []store.NamedID{userR, userS}},
			{arns[1], store.PermissionsPolicy, nil, []store.NamedID{userR}},
			{arns[2], store.PermissionsBoundary, []store.NamedID{roleR}, nil},
			{arns[3], "", nil, nil},
		} {
			roles, users, err := db.ManagedPolicyEntities(ctx, test.arn, test.usage)
			must(t, err)
			same(t, roles, test.roles)
			same(t, users, test.users)
		}
		_, _, err = db.ManagedPolicyEntities(ctx, arns[0], "x")
		refused(t, err, thingpass.Invalid, `"x" is neither`)
	})
}
