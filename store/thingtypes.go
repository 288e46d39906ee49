package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/thingpass/thingpass"
)

const selectThingType = `select name, id, description, searchable, deprecated, created from thing_types where account = $1`

func scanThingType(row row) (y thingpass.ThingType, err error) {
	var searchable string
	err = row.Scan(&y.Name, &y.ID, &y.Description, &searchable, (*instant)(&y.Deprecated), (*instant)(&y.Created))
	if err != nil {
		return y, err
	}
	return y, json.Unmarshal([]byte(searchable), &y.SearchableAttributes)
}

func noThingType(name string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "Thing type not found (name=%s)", name)
}

func (t *tx) thingType(name string) (thingpass.ThingType, error) {
	y, err := one(t, scanThingType, selectThingType+` and name = $2`, name)
	return y, orMissing(err, noThingType(name))
}

// CreateThingType stores a new thing type with its tags and returns it with
// what was empty of ID and Created filled in. A type of the same description
// and searchable attributes is returned as it is; any other of that name is
// Exists.
func (db *DB) CreateThingType(ctx context.Context, y thingpass.ThingType) (thingpass.ThingType, error) {
	y.ID = or(y.ID, newUUID)
	y.Created = or(y.Created, db.Now)
	return change(ctx, db, op{"create thing type", y.Name}, func(t *tx) (thingpass.ThingType, error) {
		searchable, err := jsonText(y.SearchableAttributes)
		if err != nil {
			return y, err
		}
		n, err := t.exec(`insert into thing_types (account, name, id, description, searchable, deprecated, created)
			values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
			y.Name, y.ID, y.Description, searchable, millis(y.Deprecated), millis(y.Created))
		if err != nil {
			return y, err
		}
		stored, err := t.thingType(y.Name)
		if err != nil {
			return y, err
		}
		if n == 1 {
			return stored, t.tag(thingTypeTags, y.Name, y.Tags)
		}
		if stored.Description != y.Description || !slices.Equal(stored.SearchableAttributes, y.SearchableAttributes) {
			return y, already(db.place.ThingType(y.Name), stored.ID, "Thing type "+y.Name+" already exists in account with different properties")
		}
		return stored, nil
	})
}

// ThingType returns a thing type, or NotFound.
func (db *DB) ThingType(ctx context.Context, name string) (thingpass.ThingType, error) {
	return read(ctx, db, op{"read thing type", name}, func(t *tx) (thingpass.ThingType, error) { return t.thingType(name) })
}

// ThingTypes lists the thing types by name; with a name, only that one.
func (db *DB) ThingTypes(ctx context.Context, name string, page thingpass.Page) ([]thingpass.ThingType, error) {
	return browse(ctx, db, op{verb: "list thing types"}, func(t *tx) ([]thingpass.ThingType, error) {
		if name == "" {
			return list(t, scanThingType, listing{selectThingType, "name", page})
		}
		return list(t, scanThingType, listing{selectThingType + ` and name = $2`, "name", page}, name)
	})
}

// DeprecateThingType forbids new things of the type, or with undo allows them
// again, or NotFound. Deprecating again keeps the first time.
func (db *DB) DeprecateThingType(ctx context.Context, name string, undo bool) error {
	return db.write(ctx, op{"deprecate thing type", name}, func(t *tx) error {
		y, err := t.thingType(name)
		if err != nil || y.Deprecated.IsZero() == undo {
			return err
		}
		deprecated := time.Time{}
		if !undo {
			deprecated = db.Now()
		}
		_, err = t.exec(`update thing_types set deprecated = $3 where account = $1 and name = $2`, name, millis(deprecated))
		return err
	})
}

// DeleteThingType deletes a thing type and its tags: NotFound, or Invalid
// unless it is deprecated and no thing has it.
func (db *DB) DeleteThingType(ctx context.Context, name string) error {
	return db.write(ctx, op{"delete thing type", name}, func(t *tx) error {
		y, err := t.thingType(name)
		if err != nil {
			return err
		}
		if y.Deprecated.IsZero() {
			return thingpass.Errorf(thingpass.Invalid, "Cannot delete thing type %s: deprecate it first", name)
		}
		things, err := one(t, number, `select count(*) from (select 1 from things where account = $1 and type = $2 order by name limit 1) bounded`, name) // not all of a fleet
		if err != nil {
			return err
		}
		if things > 0 {
			return thingpass.Errorf(thingpass.Invalid, "Cannot delete thing type %s: there are things of this type", name)
		}
		if _, err := t.exec(`delete from thing_types where account = $1 and name = $2`, name); err != nil {
			return err
		}
		return t.untagAll(thingTypeTags, name)
	})
}
