package store

import (
	"context"

	"github.com/thingpass/thingpass"
)

const (
	// One row for each inline policy, or one without a policy.
	selectUser = `select u.name, u.path, u.id, u.created, coalesce(p.name, ''), coalesce(p.document, '')
		from users u left join user_policies p on p.account = u.account and p.user_id = u.id
		where u.account = $1 and u.name_key = $2 order by p.name`
	selectAccessKey = `select u.name, u.path, u.id, u.created, coalesce(p.name, ''), coalesce(p.document, ''),
			k.id, k.secret, k.active, k.created
		from access_keys k
		join users u on u.account = k.account and u.id = k.user_id
		left join user_policies p on p.account = u.account and p.user_id = u.id
		where k.account = $1 and k.id = $2 order by p.name`
)

// keyAndUser is a user with one of the user's keys, if the query asks for one.
type keyAndUser struct {
	key  thingpass.AccessKey
	user thingpass.User
}

// scanUser scans selectUser, and with further destinations selectAccessKey.
func scanUser(row row, further ...any) (u thingpass.User, err error) {
	var p thingpass.InlinePolicy
	err = row.Scan(append([]any{&u.Name, &u.Path, &u.ID, (*instant)(&u.Created), &p.Name, &p.Document}, further...)...)
	if p.Name != "" {
		u.Inline = []thingpass.InlinePolicy{p}
	}
	return u, err
}

func scanUserOnly(row row) (k keyAndUser, err error) {
	k.user, err = scanUser(row)
	return k, err
}

func scanKey(row row) (k keyAndUser, err error) {
	var secret string
	k.user, err = scanUser(row, &k.key.ID, &secret, &k.key.Active, (*instant)(&k.key.Created))
	k.key.Secret, k.key.User = thingpass.NewSecret(secret), k.user.Name
	return k, err
}

// joined puts the rows of one user together.
func joined(rows []keyAndUser, err error, missing *thingpass.Error) (keyAndUser, error) {
	if err != nil {
		return keyAndUser{}, err
	}
	if len(rows) == 0 {
		return keyAndUser{}, missing
	}
	k := rows[0]
	for _, r := range rows[1:] {
		k.user.Inline = append(k.user.Inline, r.user.Inline...)
	}
	return k, nil
}

// CreateUser stores a new user with its inline policies and its first access
// key. The user's empty ID and either's empty Created are filled in; the key
// belongs to the user whatever its User says. The error is Exists when another
// user has the name in any spelling, or when the key's identifier is taken.
func (db *DB) CreateUser(ctx context.Context, u thingpass.User, key thingpass.AccessKey) error {
	u.ID = or(u.ID, func() string { return thingpass.NewID("AIDA") })
	u.Created = or(u.Created, db.Now)
	key.Created = or(key.Created, db.Now)
	if key.ID == "" || key.Secret.Empty() {
		return thingpass.Errorf(thingpass.Invalid, "create user %q: the access key is empty", u.Name)
	}
	return db.write(ctx, op{"create user", u.Name}, func(t *tx) error {
		n, err := t.exec(`insert into users (account, id, name_key, name, path, created) values ($1, $2, $3, $4, $5, $6)
			on conflict do nothing`, u.ID, nameKey(u.Name), u.Name, u.Path, millis(u.Created))
		if err := taken(n, err, thingpass.Errorf(thingpass.Exists, "User with name %s already exists.", u.Name)); err != nil {
			return err
		}
		for _, p := range u.Inline {
			n, err := t.exec(`insert into user_policies (account, user_id, name, document) values ($1, $2, $3, $4)
				on conflict do nothing`, u.ID, p.Name, p.Document)
			if err := taken(n, err, thingpass.Errorf(thingpass.Invalid, "The user policy with name %s is given twice.", p.Name)); err != nil {
				return err
			}
		}
		n, err = t.exec(`insert into access_keys (account, id, user_id, secret, active, created) values ($1, $2, $3, $4, $5, $6)
			on conflict do nothing`, key.ID, u.ID, key.Secret.Reveal(), flag(key.Active), millis(key.Created))
		return taken(n, err, thingpass.Errorf(thingpass.Exists, "The Access Key with id %s already exists.", key.ID))
	})
}

// User returns the user of that name, in any spelling, with its inline
// policies, or NotFound.
func (db *DB) User(ctx context.Context, name string) (thingpass.User, error) {
	return read(ctx, db, op{"read user", name}, func(t *tx) (thingpass.User, error) {
		rows, err := many(t, scanUserOnly, selectUser, nameKey(name))
		k, err := joined(rows, err, thingpass.Errorf(thingpass.NotFound, "The user with name %s cannot be found.", name))
		return k.user, err
	})
}

// AccessKey returns a long-lived key, active or not, and its user with inline
// policies, or NotFound. It is a hot read.
func (db *DB) AccessKey(ctx context.Context, id string) (thingpass.AccessKey, thingpass.User, error) {
	k, err := read(ctx, db, op{"read access key", id}, func(t *tx) (keyAndUser, error) {
		rows, err := many(t, scanKey, selectAccessKey, id)
		return joined(rows, err, thingpass.Errorf(thingpass.NotFound, "The Access Key with id %s cannot be found.", id))
	})
	return k.key, k.user, err
}
