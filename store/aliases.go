package store

import (
	"context"

	"github.com/thingpass/thingpass"
)

const (
	selectAliases  = `select name, role_arn, duration, created, modified from role_aliases where account = $1`
	selectOneAlias = selectAliases + ` and name = $2`
)

func scanAlias(row row) (a thingpass.RoleAlias, err error) {
	err = row.Scan(&a.Name, &a.RoleARN, (*span)(&a.Duration), (*instant)(&a.Created), (*instant)(&a.Modified))
	return a, err
}

// The blank after the equals sign is in the text that is copied here.
func noAlias(name string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "RoleAlias not found (name= %s)", name)
}

func (t *tx) alias(name string) (thingpass.RoleAlias, error) {
	a, err := one(t, scanAlias, selectOneAlias, name)
	return a, orMissing(err, noAlias(name))
}

// CreateRoleAlias stores a new role alias with its tags, or Exists. An empty
// Created or Modified is filled in.
func (db *DB) CreateRoleAlias(ctx context.Context, a thingpass.RoleAlias) error {
	a.Created = or(a.Created, db.Now)
	a.Modified = or(a.Modified, a.Created.UTC)
	return db.write(ctx, op{"create role alias", a.Name}, func(t *tx) error {
		n, err := t.exec(`insert into role_aliases (account, name, role_arn, duration, created, modified)
			values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
			a.Name, a.RoleARN, seconds(a.Duration), millis(a.Created), millis(a.Modified))
		exists := already(db.place.RoleAlias(a.Name), a.Name, "RoleAlias cannot be created - already exists (name="+a.Name+")")
		if err := taken(n, err, exists); err != nil {
			return err
		}
		return t.tag(roleAliasTags, a.Name, a.Tags)
	})
}

// RoleAlias returns a role alias, or NotFound. It is a hot read.
func (db *DB) RoleAlias(ctx context.Context, name string) (thingpass.RoleAlias, error) {
	return read(ctx, db, op{"read role alias", name}, func(t *tx) (thingpass.RoleAlias, error) { return t.alias(name) })
}

// RoleAliases lists the role aliases by name.
func (db *DB) RoleAliases(ctx context.Context, page thingpass.Page) ([]thingpass.RoleAlias, error) {
	return browse(ctx, db, op{verb: "list role aliases"}, func(t *tx) ([]thingpass.RoleAlias, error) {
		return list(t, scanAlias, listing{selectAliases, "name", page})
	})
}

// UpdateRoleAlias reads a role alias, lets modify change RoleARN and Duration,
// and writes it back with a new Modified. The error of modify is returned and
// nothing is written.
func (db *DB) UpdateRoleAlias(ctx context.Context, name string, modify func(*thingpass.RoleAlias) error) (thingpass.RoleAlias, error) {
	return change(ctx, db, op{"update role alias", name}, func(t *tx) (thingpass.RoleAlias, error) {
		a, err := t.alias(name)
		if err != nil {
			return a, err
		}
		if err := modify(&a); err != nil {
			return a, err
		}
		_, err = t.exec(`update role_aliases set role_arn = $3, duration = $4, modified = $5 where account = $1 and name = $2`,
			name, a.RoleARN, seconds(a.Duration), millis(db.Now()))
		if err != nil {
			return a, err
		}
		return t.alias(name)
	})
}

// DeleteRoleAlias deletes a role alias and its tags, or NotFound.
func (db *DB) DeleteRoleAlias(ctx context.Context, name string) error {
	return db.write(ctx, op{"delete role alias", name}, func(t *tx) error {
		n, err := t.exec(`delete from role_aliases where account = $1 and name = $2`, name)
		if err == nil && n == 0 {
			return noAlias(name)
		}
		if err != nil {
			return err
		}
		return t.untagAll(roleAliasTags, name)
	})
}
