package store

import (
	"context"
	"encoding/json"

	"github.com/thingpass/thingpass"
)

// selectUsers reads users without their policies. It never changes.
var selectUsers = userHolder.sql(`select h.id, h.name, h.path, h.created, h.tags, ` + boundaryColumns +
	` from users h` + joinBoundary + ` where h.account = $1`)

func (db *DB) scanUser(row row) (u thingpass.User, err error) {
	var tags, path, name string
	if err := row.Scan(&u.ID, &u.Name, &u.Path, (*instant)(&u.Created), &tags, &path, &name); err != nil {
		return u, err
	}
	u.PermissionsBoundary = db.named(path, name)
	return u, json.Unmarshal([]byte(tags), &u.Tags)
}

func (t *tx) user(name string) (thingpass.User, error) {
	u, err := one(t, t.scanUser, selectUsers+` and h.name_key = $2`, nameKey(name))
	return u, orMissing(err, userHolder.missing(name))
}

func userExists(name string) *thingpass.Error {
	return thingpass.Errorf(thingpass.Exists, "User with name %s already exists.", name)
}

// CreateUser stores a new user with its inline policies, its permissions
// boundary and its first access keys. Managed policies are attached afterwards.
// The user's empty ID and either's empty Created are filled in; the keys belong
// to the user whatever their User says. The error is Exists when another user
// has the name in any spelling, or when a key's identifier is taken, NotFound
// for the boundary, or LimitExceeded for more than two keys.
func (db *DB) CreateUser(ctx context.Context, u thingpass.User, keys ...thingpass.AccessKey) error {
	u.ID = or(u.ID, func() string { return thingpass.NewID("AIDA") })
	u.Created = or(u.Created, db.Now)
	return db.write(ctx, op{"create user", u.Name}, func(t *tx) error {
		tags, err := jsonText(u.Tags)
		if err != nil {
			return err
		}
		n, err := t.exec(`insert into users (account, id, name_key, name, path, created, tags) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict do nothing`, u.ID, nameKey(u.Name), u.Name, u.Path, millis(u.Created), tags)
		if err := taken(n, err, userExists(u.Name)); err != nil {
			return err
		}
		for _, p := range u.Inline {
			n, err := t.exec(`insert into user_policies (account, user_id, name, document) values ($1, $2, $3, $4)
				on conflict do nothing`, u.ID, p.Name, p.Document)
			if err := taken(n, err, thingpass.Errorf(thingpass.Invalid, "The user policy with name %s is given twice.", p.Name)); err != nil {
				return err
			}
		}
		for _, key := range keys {
			if err := t.createKey(u.ID, key); err != nil {
				return err
			}
		}
		return t.bound(userHolder, u.ID, u.PermissionsBoundary)
	})
}

// User returns the user of that name, in any spelling, with its policies, or
// NotFound. It is a hot read.
func (db *DB) User(ctx context.Context, name string) (thingpass.User, error) {
	return read(ctx, db, op{"read user", name}, func(t *tx) (thingpass.User, error) { return t.userGrants(name) })
}

func (t *tx) userGrants(name string) (thingpass.User, error) {
	rows, err := t.granted(userHolder.missing(name), selectUser, nameKey(name))
	if err != nil {
		return thingpass.User{}, err
	}
	return t.userOf(rows)
}

// Users lists the users whose path begins with pathPrefix by name, without
// their policies.
func (db *DB) Users(ctx context.Context, pathPrefix string, page thingpass.Page) ([]thingpass.User, error) {
	return browse(ctx, db, op{verb: "list users"}, func(t *tx) ([]thingpass.User, error) {
		l := listing{selectUsers + prefixed("h.path", 2), "h.name", page}
		return list(t, t.scanUser, l, pathPrefix)
	})
}

// UpdateUser reads a user without policies, lets modify change Name, Path, Tags
// and PermissionsBoundary, and writes it back. The error is NotFound for the
// user or another boundary, Exists when another user has the new name in any
// spelling, or that of modify; then nothing is written.
func (db *DB) UpdateUser(ctx context.Context, name string, modify func(*thingpass.User) error) error {
	return db.write(ctx, op{"update user", name}, func(t *tx) error {
		u, err := t.user(name)
		if err != nil {
			return err
		}
		id, boundary := u.ID, u.PermissionsBoundary
		if err := modify(&u); err != nil {
			return err
		}
		holders, err := many(t, text, `select id from users where account = $1 and name_key = $2 and id <> $3`, nameKey(u.Name), id)
		if err != nil {
			return err
		}
		if len(holders) > 0 {
			return userExists(u.Name)
		}
		tags, err := jsonText(u.Tags)
		if err != nil {
			return err
		}
		_, err = t.exec(`update users set name = $3, name_key = $4, path = $5, tags = $6 where account = $1 and id = $2`,
			id, u.Name, nameKey(u.Name), u.Path, tags)
		if err != nil || u.PermissionsBoundary == boundary {
			return err
		}
		return t.bound(userHolder, id, u.PermissionsBoundary)
	})
}

// DeleteUser deletes a user: NotFound, or Conflict while it has access keys,
// inline or attached policies.
func (db *DB) DeleteUser(ctx context.Context, name string) error {
	return db.write(ctx, op{"delete user", name}, func(t *tx) error {
		u, err := t.userGrants(name)
		if err != nil {
			return err
		}
		keys, err := one(t, number, `select count(*) from access_keys where account = $1 and user_id = $2`, u.ID)
		if err != nil {
			return err
		}
		if keys > 0 {
			return thingpass.Errorf(thingpass.Conflict, "Cannot delete entity, must delete access keys first.")
		}
		if err := unused(u.Grants); err != nil {
			return err
		}
		return t.remove(userHolder, u.ID)
	})
}
