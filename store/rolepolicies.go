package store

import (
	"context"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
)

func scanInline(row row) (p thingpass.InlinePolicy, err error) {
	err = row.Scan(&p.Name, &p.Document)
	return p, err
}

func noRolePolicy(name string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "The role policy with name %s cannot be found.", name)
}

// PutRolePolicy adds an inline policy to a role or replaces the one of its
// name. check sees all policies the role would have, by name, and its error is
// returned and nothing is written. The error is NotFound for the role.
func (db *DB) PutRolePolicy(ctx context.Context, role string, p thingpass.InlinePolicy, check func(all []thingpass.InlinePolicy) error) error {
	return db.write(ctx, op{"put policy of role", role}, func(t *tx) error {
		grants, err := t.grants(noRole(role), selectRoleByName, nameKey(role))
		if err != nil {
			return err
		}
		i, found := slices.BinarySearchFunc(grants.Inline, p.Name, func(p thingpass.InlinePolicy, name string) int {
			return strings.Compare(p.Name, name)
		})
		if found {
			grants.Inline[i] = p
		} else {
			grants.Inline = slices.Insert(grants.Inline, i, p)
		}
		if err := check(grants.Inline); err != nil {
			return err
		}
		_, err = t.exec(`insert into role_policies (account, role_id, name, document) values ($1, $2, $3, $4)
			on conflict (account, role_id, name) do update set document = excluded.document`, grants.ID, p.Name, p.Document)
		return err
	})
}

// RolePolicy returns an inline policy of a role. The error is NotFound for
// either.
func (db *DB) RolePolicy(ctx context.Context, role, name string) (thingpass.InlinePolicy, error) {
	return snapshot(ctx, db, op{"read policy of role", role}, func(t *tx) (thingpass.InlinePolicy, error) {
		r, err := t.role(role)
		if err != nil {
			return thingpass.InlinePolicy{}, err
		}
		p, err := one(t, scanInline, `select name, document from role_policies where account = $1 and role_id = $2 and name = $3`, r.ID, name)
		return p, orMissing(err, noRolePolicy(name))
	})
}

// RolePolicies lists the names of a role's inline policies. The error is
// NotFound for the role.
func (db *DB) RolePolicies(ctx context.Context, role string, page thingpass.Page) ([]string, error) {
	return snapshot(ctx, db, op{"list policies of role", role}, func(t *tx) ([]string, error) {
		r, err := t.role(role)
		if err != nil {
			return nil, err
		}
		l := listing{`select name from role_policies where account = $1 and role_id = $2`, "name", page}
		return list(t, text, l, r.ID)
	})
}

// DeleteRolePolicy deletes an inline policy of a role. The error is NotFound
// for either.
func (db *DB) DeleteRolePolicy(ctx context.Context, role, name string) error {
	return db.write(ctx, op{"delete policy of role", role}, func(t *tx) error {
		r, err := t.role(role)
		if err != nil {
			return err
		}
		n, err := t.exec(`delete from role_policies where account = $1 and role_id = $2 and name = $3`, r.ID, name)
		if err == nil && n == 0 {
			return noRolePolicy(name)
		}
		return err
	})
}
