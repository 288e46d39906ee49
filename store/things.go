package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/thingpass/thingpass"
)

const thingColumns = `t.name, t.id, coalesce(t.type, ''), t.attributes, t.version, t.created`

const selectThing = `select ` + thingColumns + ` from things t where t.account = $1`

// selectThingBy begins with the attribute, which few things may have. Both of
// its indexes are in the order of the things' names.
const selectThingBy = `select ` + thingColumns + ` from thing_attributes a
	cross join things t where a.account = $1 and t.account = a.account and t.name = a.thing and a.name = $2`

// ThingFilter narrows a list of things. Empty members do not.
type ThingFilter struct {
	Type           string
	AttributeName  string // things that have this attribute
	AttributeValue string // with AttributeName: and this value for it
	UsePrefix      bool   // AttributeValue is only the beginning of the value
}

func newUUID() string { return uuid.NewString() }

func scanThing(row row) (g thingpass.Thing, err error) {
	var attributes string
	err = row.Scan(&g.Name, &g.ID, &g.Type, &attributes, &g.Version, (*instant)(&g.Created))
	if err != nil {
		return g, err
	}
	return g, json.Unmarshal([]byte(attributes), &g.Attributes)
}

func noThing(name string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "Thing not found (name=%s)", name)
}

func (t *tx) thing(name string) (thingpass.Thing, error) {
	g, err := one(t, scanThing, selectThing+` and t.name = $2`, name)
	return g, orMissing(err, noThing(name))
}

// typeFor returns NotFound unless the type exists, and Invalid when it takes no
// new things.
func (t *tx) typeFor(name string) error {
	if name == "" {
		return nil
	}
	y, err := t.thingType(name)
	if err == nil && !y.Deprecated.IsZero() {
		return thingpass.Errorf(thingpass.Invalid, "Can not create new thing with deprecated thing type:%s", name)
	}
	return err
}

// retyped checks the new type of a thing as typeFor does, and ends the sessions
// issued for the thing under its old one.
func (t *tx) retyped(thing, newType string) error {
	if err := t.typeFor(newType); err != nil {
		return err
	}
	_, err := t.exec(`update thing_attachments set since = `+later("since", 3)+` where account = $1 and thing = $2`, thing, millis(t.Now()))
	return err
}

// prefixed is a condition that column begins with parameter n, checked row by
// row: it leaves the choice of an index to the order of the list. "like" would
// ignore case on one engine and need escapes on both.
func prefixed(column string, n int) string {
	return fmt.Sprintf(` and substr(%s, 1, length(cast($%d as text))) = $%d`, column, n, n)
}

// between adds to a query that column begins with prefix, as a range: for a
// column that orders the list. Text is compared bytewise, which for UTF-8 is the
// order of the code points.
func between(query, column, prefix string, args []any) (string, []any) {
	if prefix == "" {
		return query, args
	}
	args = append(args, prefix)
	query += fmt.Sprintf(` and %s >= $%d`, column, len(args)+1)
	if end := behind(prefix); end != "" {
		args = append(args, end)
		query += fmt.Sprintf(` and %s < $%d`, column, len(args)+1)
	}
	return query, args
}

// behind is the first text after all that begin with prefix, "" when there is
// none.
func behind(prefix string) string {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch last {
		case utf8.MaxRune:
			continue
		case 0xd7ff: // before the surrogates, which are no text
			last = 0xdfff
		}
		return prefix + string(last+1)
	}
	return ""
}

// index stores the attributes of a thing for searching.
func (t *tx) index(thing string, attributes map[string]string) error {
	if _, err := t.exec(`delete from thing_attributes where account = $1 and thing = $2`, thing); err != nil {
		return err
	}
	for name, value := range attributes {
		if _, err := t.exec(`insert into thing_attributes (account, thing, name, value) values ($1, $2, $3, $4)`, thing, name, value); err != nil {
			return err
		}
	}
	return nil
}

// CreateThing stores a new thing and returns it with what was empty of ID and
// Created filled in and Version 1. A thing of the same type and attributes is
// returned as it is; any other of that name is Exists. The error is NotFound
// for an unknown type and Invalid for a deprecated one.
func (db *DB) CreateThing(ctx context.Context, g thingpass.Thing) (thingpass.Thing, error) {
	g.ID = or(g.ID, newUUID)
	g.Created = or(g.Created, db.Now)
	return change(ctx, db, op{"create thing", g.Name}, func(t *tx) (thingpass.Thing, error) {
		stored, err := t.thing(g.Name)
		switch {
		case err == nil && stored.Type == g.Type && maps.Equal(stored.Attributes, g.Attributes):
			return stored, nil
		case err == nil:
			return stored, already(db.place.Thing(g.Name), stored.ID, "Thing "+g.Name+" already exists in account with different attributes")
		case thingpass.KindOf(err) != thingpass.NotFound:
			return stored, err
		}
		if err := t.typeFor(g.Type); err != nil {
			return g, err
		}
		attributes, err := jsonText(g.Attributes)
		if err != nil {
			return g, err
		}
		_, err = t.exec(`insert into things (account, name, id, type, attributes, version, created)
			values ($1, $2, $3, nullif($4, ''), $5, 1, $6)`, g.Name, g.ID, g.Type, attributes, millis(g.Created))
		if err != nil {
			return g, err
		}
		if err := t.index(g.Name, g.Attributes); err != nil {
			return g, err
		}
		return t.thing(g.Name)
	})
}

// Thing returns a thing, or NotFound.
func (db *DB) Thing(ctx context.Context, name string) (thingpass.Thing, error) {
	return read(ctx, db, op{"read thing", name}, func(t *tx) (thingpass.Thing, error) { return t.thing(name) })
}

// selectValues are the values of an attribute. Of manyValues and more with a prefix
// a page is soon found by going through all things that have the attribute, in
// the order of their names; fewer are read all, and sorted.
const (
	selectValues = `select 1 from thing_attributes a where a.account = $1 and a.name = $2`
	manyValues   = 1000
)

// listing is the query for a page of the things that pass the filter, and its
// arguments. few says that few things have a value with the prefix.
func (f *ThingFilter) listing(page thingpass.Page, few bool) (listing, []any) {
	l, args := listing{selectThing, "t.name", page}, []any(nil)
	if f.AttributeName != "" {
		l.query, l.by, args = selectThingBy, "a.thing", append(args, f.AttributeName)
		switch {
		case few:
			l.by = "a.thing || ''" // no index has this order
			l.query, args = between(l.query, "a.value", f.AttributeValue, args)
		case f.UsePrefix:
			args = append(args, f.AttributeValue)
			l.query += prefixed("a.value", len(args)+1)
		case f.AttributeValue != "":
			args = append(args, f.AttributeValue)
			l.query += fmt.Sprintf(` and a.value = $%d`, len(args)+1)
		}
	}
	if f.Type != "" {
		args = append(args, f.Type)
		l.query += fmt.Sprintf(` and t.type = $%d`, len(args)+1)
	}
	return l, args
}

// Things lists the things that pass the filter by name.
func (db *DB) Things(ctx context.Context, f ThingFilter, page thingpass.Page) ([]thingpass.Thing, error) {
	return browse(ctx, db, op{verb: "list things"}, func(t *tx) ([]thingpass.Thing, error) {
		few := false
		if f.AttributeName != "" && f.UsePrefix {
			query, args := between(selectValues, "a.value", f.AttributeValue, []any{f.AttributeName})
			n, err := one(t, number, fmt.Sprintf(`select count(*) from (%s limit %d) bounded`, query, manyValues), args...)
			if err != nil {
				return nil, err
			}
			few = n < manyValues
		}
		l, args := f.listing(page, few)
		return list(t, scanThing, l, args...)
	})
}

// UpdateThing reads a thing, lets modify change its Type and Attributes, and
// writes it back with the next Version. Another Type ends the sessions issued
// for the thing before. The error is NotFound for the thing or its new type,
// Invalid for a deprecated new type, VersionConflict when expectedVersion is
// neither 0 nor the current version, or that of modify; then nothing is written.
func (db *DB) UpdateThing(ctx context.Context, name string, expectedVersion int64, modify func(*thingpass.Thing) error) (thingpass.Thing, error) {
	return change(ctx, db, op{"update thing", name}, func(t *tx) (thingpass.Thing, error) {
		g, err := t.thing(name)
		if err != nil {
			return g, err
		}
		if err := expect("thing "+name, g.Version, expectedVersion); err != nil {
			return g, err
		}
		before := g.Type
		if g.Attributes == nil {
			g.Attributes = make(map[string]string) // for modify to write to
		}
		if err := modify(&g); err != nil {
			return g, err
		}
		if g.Type != before {
			if err := t.retyped(name, g.Type); err != nil {
				return g, err
			}
		}
		attributes, err := jsonText(g.Attributes)
		if err != nil {
			return g, err
		}
		_, err = t.exec(`update things set type = nullif($3, ''), attributes = $4, version = version + 1 where account = $1 and name = $2`,
			name, g.Type, attributes)
		if err != nil {
			return g, err
		}
		if err := t.index(name, g.Attributes); err != nil {
			return g, err
		}
		return t.thing(name)
	})
}

// expect returns VersionConflict unless expected is 0 or the version.
func expect(what string, version, expected int64) error {
	if expected != 0 && expected != version {
		return thingpass.Errorf(thingpass.VersionConflict, "The version for %s does not match the expected version.", what)
	}
	return nil
}

// DeleteThing deletes a thing, which leaves its groups; one that does not exist
// needs no deleting. The error is VersionConflict as for UpdateThing, or Invalid while the thing is
// attached to a certificate.
func (db *DB) DeleteThing(ctx context.Context, name string, expectedVersion int64) error {
	return db.write(ctx, op{"delete thing", name}, func(t *tx) error {
		g, err := t.thing(name)
		if thingpass.KindOf(err) == thingpass.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if err := expect("thing "+name, g.Version, expectedVersion); err != nil {
			return err
		}
		attached, err := one(t, number, `select count(*) from thing_attachments where account = $1 and thing = $2`, name)
		if err != nil {
			return err
		}
		if attached > 0 {
			return thingpass.Errorf(thingpass.Invalid, "Cannot delete. Thing %s is still attached to one or more principals", name)
		}
		if _, err := t.exec(`delete from thing_group_members where account = $1 and thing = $2`, name); err != nil {
			return err
		}
		if err := t.index(name, nil); err != nil {
			return err
		}
		_, err = t.exec(`delete from things where account = $1 and name = $2`, name)
		return err
	})
}
