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

// holderID reads the identifier of a role or user by its name in any spelling,
// or NotFound.
func (t *tx) holderID(h holder, name string) (string, error) {
	id, err := one(t, text, h.sql(`select id from HOLDERs where account = $1 and name_key = $2`), nameKey(name))
	return id, orMissing(err, h.missing(name))
}

func (h holder) missing(name string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "The %s with name %s cannot be found.", h, name)
}

func (h holder) noInline(name string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "The %s policy with name %s cannot be found.", h, name)
}

// inlinePut names what putInline does.
type inlinePut struct {
	holder holder
	name   string // of the role or user
	policy thingpass.InlinePolicy
	check  func(all []thingpass.InlinePolicy) error
}

func (db *DB) putInline(ctx context.Context, in inlinePut) error {
	h, p := in.holder, in.policy
	return db.write(ctx, op{"put policy of " + string(h), in.name}, func(t *tx) error {
		id, err := t.holderID(h, in.name)
		if err != nil {
			return err
		}
		all, err := many(t, scanInline, h.sql(`select name, document from HOLDER_policies where account = $1 and HOLDER_id = $2 order by name`), id)
		if err != nil {
			return err
		}
		i, found := slices.BinarySearchFunc(all, p.Name, func(p thingpass.InlinePolicy, name string) int {
			return strings.Compare(p.Name, name)
		})
		if found {
			all[i] = p
		} else {
			all = slices.Insert(all, i, p)
		}
		if err := in.check(all); err != nil {
			return err
		}
		_, err = t.exec(h.sql(`insert into HOLDER_policies (account, HOLDER_id, name, document) values ($1, $2, $3, $4)
			on conflict (account, HOLDER_id, name) do update set document = excluded.document`), id, p.Name, p.Document)
		return err
	})
}

func (db *DB) inline(ctx context.Context, h holder, holderName, name string) (thingpass.InlinePolicy, error) {
	return snapshot(ctx, db, op{"read policy of " + string(h), holderName}, func(t *tx) (thingpass.InlinePolicy, error) {
		id, err := t.holderID(h, holderName)
		if err != nil {
			return thingpass.InlinePolicy{}, err
		}
		p, err := one(t, scanInline, h.sql(`select name, document from HOLDER_policies where account = $1 and HOLDER_id = $2 and name = $3`), id, name)
		return p, orMissing(err, h.noInline(name))
	})
}

func (db *DB) inlineNames(ctx context.Context, h holder, holderName string, page thingpass.Page) ([]string, error) {
	return browse(ctx, db, op{"list policies of " + string(h), holderName}, func(t *tx) ([]string, error) {
		id, err := t.holderID(h, holderName)
		if err != nil {
			return nil, err
		}
		l := listing{h.sql(`select name from HOLDER_policies where account = $1 and HOLDER_id = $2`), "name", page}
		return list(t, text, l, id)
	})
}

func (db *DB) deleteInline(ctx context.Context, h holder, holderName, name string) error {
	return db.write(ctx, op{"delete policy of " + string(h), holderName}, func(t *tx) error {
		id, err := t.holderID(h, holderName)
		if err != nil {
			return err
		}
		n, err := t.exec(h.sql(`delete from HOLDER_policies where account = $1 and HOLDER_id = $2 and name = $3`), id, name)
		return touched(n, err, h.noInline(name))
	})
}

// PutRolePolicy adds an inline policy to a role or replaces the one of its
// name. check sees all policies the role would have, by name, and its error is
// returned and nothing is written. The error is NotFound for the role.
func (db *DB) PutRolePolicy(ctx context.Context, role string, p thingpass.InlinePolicy, check func(all []thingpass.InlinePolicy) error) error {
	return db.putInline(ctx, inlinePut{roleHolder, role, p, check})
}

// RolePolicy returns an inline policy of a role. The error is NotFound for
// either.
func (db *DB) RolePolicy(ctx context.Context, role, name string) (thingpass.InlinePolicy, error) {
	return db.inline(ctx, roleHolder, role, name)
}

// RolePolicies lists the names of a role's inline policies. The error is
// NotFound for the role.
func (db *DB) RolePolicies(ctx context.Context, role string, page thingpass.Page) ([]string, error) {
	return db.inlineNames(ctx, roleHolder, role, page)
}

// DeleteRolePolicy deletes an inline policy of a role. The error is NotFound
// for either.
func (db *DB) DeleteRolePolicy(ctx context.Context, role, name string) error {
	return db.deleteInline(ctx, roleHolder, role, name)
}

// PutUserPolicy is PutRolePolicy for a user.
func (db *DB) PutUserPolicy(ctx context.Context, user string, p thingpass.InlinePolicy, check func(all []thingpass.InlinePolicy) error) error {
	return db.putInline(ctx, inlinePut{userHolder, user, p, check})
}

// UserPolicy returns an inline policy of a user. The error is NotFound for
// either.
func (db *DB) UserPolicy(ctx context.Context, user, name string) (thingpass.InlinePolicy, error) {
	return db.inline(ctx, userHolder, user, name)
}

// UserPolicies lists the names of a user's inline policies. The error is
// NotFound for the user.
func (db *DB) UserPolicies(ctx context.Context, user string, page thingpass.Page) ([]string, error) {
	return db.inlineNames(ctx, userHolder, user, page)
}

// DeleteUserPolicy deletes an inline policy of a user. The error is NotFound
// for either.
func (db *DB) DeleteUserPolicy(ctx context.Context, user, name string) error {
	return db.deleteInline(ctx, userHolder, user, name)
}
