package store

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/thingpass/thingpass"
)

const (
	roleColumns = `r.id, r.name, r.path, r.trust, r.trust_ids, r.description, r.max_session, r.created, r.tags`
	selectRole  = `select ` + roleColumns + ` from roles r where r.account = $1`

	// One row for each inline policy, or one without a policy.
	selectGrants = `select ` + roleColumns + `, coalesce(p.name, ''), coalesce(p.document, '')
		from roles r left join role_policies p on p.account = r.account and p.role_id = r.id
		where r.account = $1`
	selectRoleByID   = selectGrants + ` and r.id = $2 order by p.name`
	selectRoleByName = selectGrants + ` and r.name_key = $2 order by p.name`
)

// nameKey is what must be unique of the name of a role or user. Invalid UTF-8,
// which ToLower would replace, is left for bind to refuse.
func nameKey(name string) string {
	if !utf8.ValidString(name) {
		return name
	}
	return strings.ToLower(name)
}

func noRole(name string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "The role with name %s cannot be found.", name)
}

// roleTexts are the columns of a role that hold JSON.
type roleTexts struct{ trustIDs, tags string }

func textsOf(r *thingpass.Role) (x roleTexts, err error) {
	if x.trustIDs, err = jsonText(r.TrustIDs); err != nil {
		return x, err
	}
	x.tags, err = jsonText(r.Tags)
	return x, err
}

func (x roleTexts) into(r *thingpass.Role) error {
	if err := json.Unmarshal([]byte(x.trustIDs), &r.TrustIDs); err != nil {
		return err
	}
	return json.Unmarshal([]byte(x.tags), &r.Tags)
}

// roleDest is where the columns of roleColumns go.
func roleDest(r *thingpass.Role, x *roleTexts) []any {
	return []any{&r.ID, &r.Name, &r.Path, &r.TrustPolicy, &x.trustIDs, &r.Description, (*span)(&r.MaxSessionDuration), (*instant)(&r.Created), &x.tags}
}

func scanRole(row row) (r thingpass.Role, err error) {
	var x roleTexts
	if err := row.Scan(roleDest(&r, &x)...); err != nil {
		return r, err
	}
	return r, x.into(&r)
}

func scanGrant(row row) (g thingpass.RoleGrants, err error) {
	var x roleTexts
	var p thingpass.InlinePolicy
	if err := row.Scan(append(roleDest(&g.Role, &x), &p.Name, &p.Document)...); err != nil {
		return g, err
	}
	if p.Name != "" {
		g.Inline = []thingpass.InlinePolicy{p}
	}
	return g, x.into(&g.Role)
}

// grants reads a role with its inline policies.
func (t *tx) grants(missing *thingpass.Error, query, key string) (thingpass.RoleGrants, error) {
	rows, err := many(t, scanGrant, query, key)
	if err != nil {
		return thingpass.RoleGrants{}, err
	}
	if len(rows) == 0 {
		return thingpass.RoleGrants{}, missing
	}
	grants := rows[0]
	for _, r := range rows[1:] {
		grants.Inline = append(grants.Inline, r.Inline...)
	}
	return grants, nil
}

func (t *tx) role(name string) (thingpass.Role, error) {
	r, err := one(t, scanRole, selectRole+` and r.name_key = $2`, nameKey(name))
	return r, orMissing(err, noRole(name))
}

// CreateRole stores a new role. An empty ID or Created is filled in. The error
// is Exists when another role has the name in any spelling.
func (db *DB) CreateRole(ctx context.Context, r thingpass.Role) error {
	r.ID = or(r.ID, func() string { return thingpass.NewID("AROA") })
	r.Created = or(r.Created, db.Now)
	return db.write(ctx, op{"create role", r.Name}, func(t *tx) error {
		x, err := textsOf(&r)
		if err != nil {
			return err
		}
		n, err := t.exec(`insert into roles (account, id, name_key, name, path, trust, trust_ids, description, max_session, created, tags)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing`,
			r.ID, nameKey(r.Name), r.Name, r.Path, r.TrustPolicy, x.trustIDs, r.Description,
			seconds(r.MaxSessionDuration), millis(r.Created), x.tags)
		return taken(n, err, thingpass.Errorf(thingpass.Exists, "Role with name %s already exists.", r.Name))
	})
}

// Role returns the role of that name, in any spelling, or NotFound.
func (db *DB) Role(ctx context.Context, name string) (thingpass.Role, error) {
	return read(ctx, db, op{"read role", name}, func(t *tx) (thingpass.Role, error) { return t.role(name) })
}

// RoleGrants returns a role and its inline policies by name, or NotFound.
func (db *DB) RoleGrants(ctx context.Context, name string) (thingpass.RoleGrants, error) {
	return read(ctx, db, op{"read role", name}, func(t *tx) (thingpass.RoleGrants, error) {
		return t.grants(noRole(name), selectRoleByName, nameKey(name))
	})
}

// RoleByID returns a role and its inline policies by its AROA… identifier, or
// NotFound. It is a hot read.
func (db *DB) RoleByID(ctx context.Context, id string) (thingpass.RoleGrants, error) {
	return read(ctx, db, op{"read role", id}, func(t *tx) (thingpass.RoleGrants, error) {
		return t.grants(thingpass.Errorf(thingpass.NotFound, "The role with id %s cannot be found.", id), selectRoleByID, id)
	})
}

// Roles lists the roles whose path begins with pathPrefix, by name.
func (db *DB) Roles(ctx context.Context, pathPrefix string, page thingpass.Page) ([]thingpass.Role, error) {
	return read(ctx, db, op{verb: "list roles"}, func(t *tx) ([]thingpass.Role, error) {
		l := listing{selectRole + prefixed("r.path", 2), "r.name", page}
		return list(t, scanRole, l, pathPrefix)
	})
}

// UpdateRole reads a role, lets modify change it and writes it back. The error
// of modify is returned and nothing is written. Name, Path, ID and Created stay
// what they are.
func (db *DB) UpdateRole(ctx context.Context, name string, modify func(*thingpass.Role) error) error {
	return db.write(ctx, op{"update role", name}, func(t *tx) error {
		r, err := t.role(name)
		if err != nil {
			return err
		}
		id := r.ID
		if err := modify(&r); err != nil {
			return err
		}
		x, err := textsOf(&r)
		if err != nil {
			return err
		}
		_, err = t.exec(`update roles set trust = $3, trust_ids = $4, description = $5, max_session = $6, tags = $7
			where account = $1 and id = $2`, id, r.TrustPolicy, x.trustIDs, r.Description, seconds(r.MaxSessionDuration), x.tags)
		return err
	})
}

// DeleteRole deletes a role: NotFound, or Conflict while it has inline policies.
func (db *DB) DeleteRole(ctx context.Context, name string) error {
	return db.write(ctx, op{"delete role", name}, func(t *tx) error {
		grants, err := t.grants(noRole(name), selectRoleByName, nameKey(name))
		if err != nil {
			return err
		}
		if len(grants.Inline) > 0 {
			return thingpass.Errorf(thingpass.Conflict, "Cannot delete entity, must delete policies first.")
		}
		_, err = t.exec(`delete from roles where account = $1 and id = $2`, grants.ID)
		return err
	})
}
