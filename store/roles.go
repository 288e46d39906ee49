package store

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/thingpass/thingpass"
)

const roleColumns = `h.id, h.name, h.path, h.trust, h.trust_ids, h.description, h.max_session, h.created, h.tags, ` + boundaryColumns

// selectRole reads roles without their policies. It never changes.
var selectRole = roleHolder.sql(`select ` + roleColumns + ` from roles h` + joinBoundary + ` where h.account = $1`)

// nameKey is what must be unique of the name of a role or user. Invalid UTF-8,
// which ToLower would replace, is left for bind to refuse.
func nameKey(name string) string {
	if !utf8.ValidString(name) {
		return name
	}
	return strings.ToLower(name)
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

func (db *DB) scanRole(row row) (r thingpass.Role, err error) {
	var x roleTexts
	var path, name string
	err = row.Scan(&r.ID, &r.Name, &r.Path, &r.TrustPolicy, &x.trustIDs, &r.Description,
		(*span)(&r.MaxSessionDuration), (*instant)(&r.Created), &x.tags, &path, &name)
	if err != nil {
		return r, err
	}
	r.PermissionsBoundary = db.named(path, name)
	return r, x.into(&r)
}

// grants reads a role with everything that decides what its sessions may do.
func (t *tx) grants(missing *thingpass.Error, query, key string) (thingpass.RoleGrants, error) {
	rows, err := t.granted(missing, query, key)
	if err != nil {
		return thingpass.RoleGrants{}, err
	}
	return t.roleOf(rows)
}

func (t *tx) role(name string) (thingpass.Role, error) {
	r, err := one(t, t.scanRole, selectRole+` and h.name_key = $2`, nameKey(name))
	return r, orMissing(err, roleHolder.missing(name))
}

// CreateRole stores a new role. An empty ID or Created is filled in. The error
// is Exists when another role has the name in any spelling, or NotFound for the
// permissions boundary.
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
		if err := taken(n, err, thingpass.Errorf(thingpass.Exists, "Role with name %s already exists.", r.Name)); err != nil {
			return err
		}
		return t.bound(roleHolder, r.ID, r.PermissionsBoundary)
	})
}

// Role returns the role of that name, in any spelling, or NotFound.
func (db *DB) Role(ctx context.Context, name string) (thingpass.Role, error) {
	return read(ctx, db, op{"read role", name}, func(t *tx) (thingpass.Role, error) { return t.role(name) })
}

// RoleGrants returns a role and its policies by name, or NotFound.
func (db *DB) RoleGrants(ctx context.Context, name string) (thingpass.RoleGrants, error) {
	return read(ctx, db, op{"read role", name}, func(t *tx) (thingpass.RoleGrants, error) {
		return t.grants(roleHolder.missing(name), selectRoleByName, nameKey(name))
	})
}

// RoleByID returns a role and its policies by its AROA… identifier, or NotFound.
// It is a hot read.
func (db *DB) RoleByID(ctx context.Context, id string) (thingpass.RoleGrants, error) {
	return read(ctx, db, op{"read role", id}, func(t *tx) (thingpass.RoleGrants, error) {
		return t.grants(thingpass.Errorf(thingpass.NotFound, "The role with id %s cannot be found.", id), selectRoleByID, id)
	})
}

// Roles lists the roles whose path begins with pathPrefix, by name.
func (db *DB) Roles(ctx context.Context, pathPrefix string, page thingpass.Page) ([]thingpass.Role, error) {
	return browse(ctx, db, op{verb: "list roles"}, func(t *tx) ([]thingpass.Role, error) {
		l := listing{selectRole + prefixed("h.path", 2), "h.name", page}
		return list(t, t.scanRole, l, pathPrefix)
	})
}

// UpdateRole reads a role, lets modify change it and writes it back. The error
// of modify, or NotFound for another permissions boundary, is returned and
// nothing is written. Name, Path, ID and Created stay what they are.
func (db *DB) UpdateRole(ctx context.Context, name string, modify func(*thingpass.Role) error) error {
	return db.write(ctx, op{"update role", name}, func(t *tx) error {
		r, err := t.role(name)
		if err != nil {
			return err
		}
		id, boundary := r.ID, r.PermissionsBoundary
		if err := modify(&r); err != nil {
			return err
		}
		x, err := textsOf(&r)
		if err != nil {
			return err
		}
		_, err = t.exec(`update roles set trust = $3, trust_ids = $4, description = $5, max_session = $6, tags = $7
			where account = $1 and id = $2`, id, r.TrustPolicy, x.trustIDs, r.Description, seconds(r.MaxSessionDuration), x.tags)
		if err != nil || r.PermissionsBoundary == boundary {
			return err
		}
		return t.bound(roleHolder, id, r.PermissionsBoundary)
	})
}

// DeleteRole deletes a role: NotFound, or Conflict while it has inline or
// attached policies.
func (db *DB) DeleteRole(ctx context.Context, name string) error {
	return db.write(ctx, op{"delete role", name}, func(t *tx) error {
		grants, err := t.grants(roleHolder.missing(name), selectRoleByName, nameKey(name))
		if err != nil {
			return err
		}
		if err := unused(grants.Grants); err != nil {
			return err
		}
		return t.remove(roleHolder, grants.ID)
	})
}
