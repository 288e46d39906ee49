package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migration is one step of the schema. Steps are never changed once released,
// only added.
type migration struct {
	version int64
	name    string
	text    string
}

// steps returns the migrations in order. Their files are named 0001_word.sql,
// 0002_word.sql and so on, without a gap.
func steps() ([]migration, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, file := range files {
		content, err := migrations.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, "migrations/"), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil || version != int64(len(all))+1 {
			return nil, fmt.Errorf("migration %q is out of order", name)
		}
		all = append(all, migration{version, name, string(content)})
	}
	return all, nil
}

// migrate brings the schema up to date, each step in a transaction of its own
// that also records it. Several processes may do so at the same time.
func (db *DB) migrate(ctx context.Context) error {
	all, err := steps()
	if err != nil {
		return err
	}
	err = db.write(ctx, op{"create table", "schema_migrations"}, func(t *tx) error {
		_, err := t.q.ExecContext(t.ctx, `create table if not exists schema_migrations (
			version bigint not null primary key, name text not null, applied bigint not null)`)
		return err
	})
	if err != nil {
		return err
	}
	before, err := schemaVersion(ctx, db.writer, int64(len(all)))
	if err != nil {
		return err
	}
	for _, m := range all {
		err := db.writeWithin(ctx, migrating, op{"apply migration", m.name}, func(t *tx) error { return m.apply(t, int64(len(all))) })
		if err != nil {
			return err
		}
		if m.version > before {
			db.Applied = append(db.Applied, m.name)
		}
	}
	return nil
}

// apply runs m unless it has been applied.
func (m migration) apply(t *tx, newest int64) error {
	version, err := schemaVersion(t.ctx, t.q, newest)
	if err != nil || version >= m.version {
		return err
	}
	if _, err := t.q.ExecContext(t.ctx, m.text); err != nil {
		return err
	}
	_, err = t.q.ExecContext(t.ctx, `insert into schema_migrations (version, name, applied) values ($1, $2, $3)`,
		m.version, m.name, millis(t.Now()))
	return err
}

// schemaVersion returns the version of the last step that was applied, and
// refuses one beyond newest.
func schemaVersion(ctx context.Context, q querier, newest int64) (version int64, err error) {
	rows, err := q.QueryContext(ctx, `select coalesce(max(version), 0) from schema_migrations`)
	if err != nil {
		return 0, err
	}
	for rows.Next() {
		err = errors.Join(err, rows.Scan(&version))
	}
	if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	if version > newest {
		return 0, thingpass.Errorf(thingpass.Invalid, "the database has schema version %d, but this program knows only %d: use a newer program", version, newest)
	}
	return version, nil
}

// hasTable reports whether a table exists.
func (db *DB) hasTable(ctx context.Context, name string) (bool, error) {
	var found int64
	ctx, cancel := context.WithTimeout(ctx, db.Limits.read())
	defer cancel()
	err := db.reader.QueryRowContext(ctx, db.engine.hasTable, name).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
