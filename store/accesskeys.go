package store

import (
	"context"
	"strconv"

	"github.com/thingpass/thingpass"
)

// maxAccessKeys is how many access keys a user may have (quota of IAM).
const maxAccessKeys = 2

func noAccessKey(id string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "The Access Key with id %s cannot be found.", id)
}

// keyAndUser is an access key and its user.
type keyAndUser struct {
	key  thingpass.AccessKey
	user thingpass.User
}

// AccessKey returns a long-lived key, active or not, and its user with all
// policies, or NotFound. It is a hot read.
func (db *DB) AccessKey(ctx context.Context, id string) (thingpass.AccessKey, thingpass.User, error) {
	k, err := read(ctx, db, op{"read access key", id}, func(t *tx) (k keyAndUser, err error) {
		rows, err := t.granted(noAccessKey(id), selectAccessKey, id)
		if err != nil {
			return k, err
		}
		last := rows[len(rows)-1]
		if last.kind != keyRow {
			return k, noAccessKey(id)
		}
		if k.user, err = t.userOf(rows); err != nil {
			return k, err
		}
		validAfter, err := strconv.ParseInt(last.text[2], 10, 64)
		k.key = thingpass.AccessKey{
			ID: last.text[0], Secret: thingpass.NewSecret(last.text[1]), User: k.user.Name,
			Active: last.n != 0, Created: timeOf(last.m), ValidAfter: timeOf(validAfter),
		}
		return k, err
	})
	return k.key, k.user, err
}

// createKey stores a key of the user with that identifier.
func (t *tx) createKey(userID string, key thingpass.AccessKey) error {
	if key.ID == "" || key.Secret.Empty() {
		return thingpass.Errorf(thingpass.Invalid, "create access key %q: the access key is empty", key.ID)
	}
	n, err := t.exec(`insert into access_keys (account, id, user_id, secret, active, created) values ($1, $2, $3, $4, $5, $6)
		on conflict do nothing`, key.ID, userID, key.Secret.Reveal(), flag(key.Active), millis(or(key.Created, t.Now)))
	if err := taken(n, err, thingpass.Errorf(thingpass.Exists, "The Access Key with id %s already exists.", key.ID)); err != nil {
		return err
	}
	keys, err := one(t, number, `select count(*) from access_keys where account = $1 and user_id = $2`, userID)
	if err == nil && keys > maxAccessKeys {
		return thingpass.Errorf(thingpass.LimitExceeded, "Cannot exceed quota for AccessKeysPerUser: %d", maxAccessKeys)
	}
	return err
}

// CreateAccessKey stores a new key of a user, whatever its User says. An empty
// Created is filled in. The error is NotFound for the user, Exists when the
// identifier is taken, or LimitExceeded when the user has two keys, active or
// not.
func (db *DB) CreateAccessKey(ctx context.Context, user string, key thingpass.AccessKey) error {
	return db.write(ctx, op{"create access key of user", user}, func(t *tx) error {
		id, err := t.holderID(userHolder, user)
		if err != nil {
			return err
		}
		return t.createKey(id, key)
	})
}

// AccessKeys lists the keys of a user by identifier, without their secrets, or
// NotFound.
func (db *DB) AccessKeys(ctx context.Context, user string, page thingpass.Page) ([]thingpass.AccessKey, error) {
	return browse(ctx, db, op{"list access keys of user", user}, func(t *tx) ([]thingpass.AccessKey, error) {
		u, err := t.user(user)
		if err != nil {
			return nil, err
		}
		scan := func(row row) (key thingpass.AccessKey, err error) {
			key.User = u.Name
			err = row.Scan(&key.ID, &key.Active, (*instant)(&key.Created))
			return key, err
		}
		l := listing{`select id, active, created from access_keys where account = $1 and user_id = $2`, "id", page}
		return list(t, scan, l, u.ID)
	})
}

// UpdateAccessKey switches a key of a user on or off, and ends the temporary
// credentials that were asked for with it: a key that is active again does not
// bring them back. Setting the status it has does nothing. The error is NotFound
// for either.
func (db *DB) UpdateAccessKey(ctx context.Context, user, id string, active bool) error {
	return db.write(ctx, op{"update access key of user", user}, func(t *tx) error {
		owner, err := t.holderID(userHolder, user)
		if err != nil {
			return err
		}
		n, err := t.exec(`update access_keys set active = $4,
			valid_after = case when active = $4 then valid_after else `+later("valid_after", 5)+` end
			where account = $1 and user_id = $2 and id = $3`, owner, id, flag(active), millis(t.Now()))
		return touched(n, err, noAccessKey(id))
	})
}

// DeleteAccessKey deletes a key of a user. The error is NotFound for either.
func (db *DB) DeleteAccessKey(ctx context.Context, user, id string) error {
	return db.write(ctx, op{"delete access key of user", user}, func(t *tx) error {
		owner, err := t.holderID(userHolder, user)
		if err != nil {
			return err
		}
		n, err := t.exec(`delete from access_keys where account = $1 and user_id = $2 and id = $3`, owner, id)
		return touched(n, err, noAccessKey(id))
	})
}
