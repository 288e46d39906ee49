package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/thingpass/thingpass"
)

// maxGroupDepth is how many groups may be above each other, the root and the
// lowest included (quota of AWS IoT).
const maxGroupDepth = 7

const selectGroups = `select g.name, g.id, coalesce(g.parent, ''), g.description, g.attributes, g.version, g.created
	from thing_groups g where g.account = $1`

// ThingGroupFilter narrows a list of thing groups. Empty members do not.
type ThingGroupFilter struct {
	Parent     string // groups directly below this one
	Recursive  bool   // with Parent: and all that are further below
	NamePrefix string
}

func scanGroup(row row) (g thingpass.ThingGroup, err error) {
	var attributes string
	err = row.Scan(&g.Name, &g.ID, &g.Parent, &g.Description, &attributes, &g.Version, (*instant)(&g.Created))
	if err != nil {
		return g, err
	}
	return g, json.Unmarshal([]byte(attributes), &g.Attributes)
}

func noGroup(name string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "Thing group not found (name=%s)", name)
}

func (t *tx) group(name string) (thingpass.ThingGroup, error) {
	g, err := one(t, scanGroup, selectGroups+` and g.name = $2`, name)
	return g, orMissing(err, noGroup(name))
}

// CreateThingGroup stores a new thing group with its tags below its Parent, and
// returns it with what was empty of ID and Created filled in and Version 1. A
// group of the same parent, description and attributes is returned as it is; any
// other of that name is Exists. The error is NotFound for an unknown parent, or
// Invalid when seven groups are above each other there.
func (db *DB) CreateThingGroup(ctx context.Context, g thingpass.ThingGroup) (thingpass.ThingGroup, error) {
	g.ID = or(g.ID, newUUID)
	g.Created = or(g.Created, db.Now)
	return change(ctx, db, op{"create thing group", g.Name}, func(t *tx) (thingpass.ThingGroup, error) {
		stored, err := t.group(g.Name)
		switch {
		case err == nil && stored.Parent == g.Parent && stored.Description == g.Description && maps.Equal(stored.Attributes, g.Attributes):
			return stored, nil
		case err == nil:
			return stored, already(db.place.ThingGroup(g.Name), stored.ID, "Thing group "+g.Name+" already exists in account with different properties")
		case thingpass.KindOf(err) != thingpass.NotFound:
			return stored, err
		}
		if g.Parent != "" {
			if _, err := t.group(g.Parent); err != nil {
				return g, err
			}
		}
		attributes, err := jsonText(g.Attributes)
		if err != nil {
			return g, err
		}
		_, err = t.exec(`insert into thing_groups (account, name, id, parent, description, attributes, version, created)
			values ($1, $2, $3, nullif($4, ''), $5, $6, 1, $7)`, g.Name, g.ID, g.Parent, g.Description, attributes, millis(g.Created))
		if err != nil {
			return g, err
		}
		if err := t.below(g.Name, g.Parent); err != nil {
			return g, err
		}
		if err := t.tag(thingGroupTags, g.Name, g.Tags); err != nil {
			return g, err
		}
		return t.group(g.Name)
	})
}

// below records what is above a new group.
func (t *tx) below(group, parent string) error {
	_, err := t.exec(`insert into thing_group_ancestors (account, group_name, ancestor, distance)
		select $1, cast($2 as text), ancestor, distance + 1 from thing_group_ancestors where account = $1 and group_name = $3
		union all select $1, cast($2 as text), cast($2 as text), 0`, group, parent)
	if err != nil {
		return err
	}
	depth, err := one(t, number, `select count(*) from thing_group_ancestors where account = $1 and group_name = $2`, group)
	if err == nil && depth > maxGroupDepth {
		return thingpass.Errorf(thingpass.Invalid, "A hierarchy of thing groups cannot be deeper than %d: %s", maxGroupDepth, parent)
	}
	return err
}

// ThingGroup returns a thing group, or NotFound.
func (db *DB) ThingGroup(ctx context.Context, name string) (thingpass.ThingGroup, error) {
	return read(ctx, db, op{"read thing group", name}, func(t *tx) (thingpass.ThingGroup, error) { return t.group(name) })
}

// ThingGroups lists the thing groups that pass the filter by name. The error is
// NotFound for the Parent.
func (db *DB) ThingGroups(ctx context.Context, f ThingGroupFilter, page thingpass.Page) ([]thingpass.ThingGroup, error) {
	query, args := selectGroups, []any(nil)
	switch {
	case f.Parent != "" && f.Recursive:
		args = append(args, f.Parent)
		query += ` and g.name in (select group_name from thing_group_ancestors
			where account = $1 and ancestor = $2 and distance > 0)`
	case f.Parent != "":
		args = append(args, f.Parent)
		query += ` and g.parent = $2`
	}
	query, args = between(query, "g.name", f.NamePrefix, args)
	return browse(ctx, db, op{verb: "list thing groups"}, func(t *tx) ([]thingpass.ThingGroup, error) {
		if f.Parent != "" {
			if _, err := t.group(f.Parent); err != nil {
				return nil, err
			}
		}
		return list(t, scanGroup, listing{query, "g.name", page}, args...)
	})
}

// ThingGroupAncestors lists the groups above a group, the root first, or
// NotFound.
func (db *DB) ThingGroupAncestors(ctx context.Context, name string) ([]thingpass.ThingGroup, error) {
	return browse(ctx, db, op{"list ancestors of thing group", name}, func(t *tx) ([]thingpass.ThingGroup, error) {
		if _, err := t.group(name); err != nil {
			return nil, err
		}
		return many(t, scanGroup, `select g.name, g.id, coalesce(g.parent, ''), g.description, g.attributes, g.version, g.created
			from thing_group_ancestors a join thing_groups g on g.account = a.account and g.name = a.ancestor
			where a.account = $1 and a.group_name = $2 and a.distance > 0 order by a.distance desc`, name)
	})
}

// UpdateThingGroup reads a thing group, lets modify change its Description and
// Attributes, and writes it back with the next Version, which is returned. The
// error is NotFound, VersionConflict when expectedVersion is neither 0 nor the
// current version, or that of modify; then nothing is written.
func (db *DB) UpdateThingGroup(ctx context.Context, name string, expectedVersion int64, modify func(*thingpass.ThingGroup) error) (int64, error) {
	return change(ctx, db, op{"update thing group", name}, func(t *tx) (int64, error) {
		g, err := t.group(name)
		if err != nil {
			return 0, err
		}
		if err := expect("thing group "+name, g.Version, expectedVersion); err != nil {
			return 0, err
		}
		if g.Attributes == nil {
			g.Attributes = make(map[string]string) // for modify to write to
		}
		if err := modify(&g); err != nil {
			return 0, err
		}
		attributes, err := jsonText(g.Attributes)
		if err != nil {
			return 0, err
		}
		return one(t, number, `update thing_groups set description = $3, attributes = $4, version = version + 1
			where account = $1 and name = $2 returning version`, name, g.Description, attributes)
	})
}

// DeleteThingGroup deletes a thing group with its tags; its things leave it. One
// that does not exist needs no deleting. The error is VersionConflict as for
// UpdateThingGroup, or Conflict while there are groups below it or policies
// attached to it.
func (db *DB) DeleteThingGroup(ctx context.Context, name string, expectedVersion int64) error {
	return db.write(ctx, op{"delete thing group", name}, func(t *tx) error {
		g, err := t.group(name)
		if thingpass.KindOf(err) == thingpass.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if err := expect("thing group "+name, g.Version, expectedVersion); err != nil {
			return err
		}
		for _, use := range []struct{ query, message string }{
			{`select count(*) from thing_groups where account = $1 and parent = $2`, "Cannot delete thing group %s: there are child groups"},
			{`select count(*) from group_policy_attachments where account = $1 and group_name = $2`, "Cannot delete thing group %s: there are policies attached to it"},
		} {
			n, err := one(t, number, use.query, name)
			if err != nil {
				return err
			}
			if n > 0 {
				return &thingpass.Error{Kind: thingpass.Conflict, Message: fmt.Sprintf(use.message, name)}
			}
		}
		for _, statement := range []string{
			`delete from thing_group_members where account = $1 and group_name = $2`,
			`delete from thing_group_ancestors where account = $1 and group_name = $2`,
			`delete from thing_groups where account = $1 and name = $2`,
		} {
			if _, err := t.exec(statement, name); err != nil {
				return err
			}
		}
		return t.untagAll(thingGroupTags, name)
	})
}
