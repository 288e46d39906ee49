package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/thingpass/thingpass"
)

// The connections of one process, twenty in all: a server allows 100 unless told
// otherwise, and a fleet has several replicas. They are divided so that neither
// lists nor writes that wait for each other keep exchanges waiting.
const (
	postgresReaders = 8
	postgresWriters = 8
	postgresListers = 4
)

// openPostgres opens the database at url and checks that it keeps the promises
// of this package.
func (db *DB) openPostgres(ctx context.Context, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err // pgx leaves the password out
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "thingpass"
	}
	db.links = newLinks()
	db.links.configure(config)
	db.reader = db.links.pool(config, postgresReaders)
	db.writer = db.links.pool(config, postgresWriters)
	db.lister = db.links.pool(config, postgresListers)
	db.turns = make(chan struct{}, postgresListers)
	db.engine = engine{
		hasTable: `select 1 where to_regclass($1) is not null`,
		again:    postgresAgain,
	}
	if err := db.checkPostgres(ctx); err != nil {
		return errors.Join(err, db.Close())
	}
	return nil
}

// pool makes a pool of at most size connections that stay open while they are
// used.
func (l *links) pool(config *pgx.ConnConfig, size int) *sql.DB {
	connector := stdlib.GetConnector(*config,
		stdlib.OptionAfterConnect(l.made), stdlib.OptionResetSession(l.usable),
		stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false })) // usable does
	addresses := time.Duration(1 + len(config.Fallbacks))
	pool := sql.OpenDB(newPatient(connector, addresses*config.ConnectTimeout, size))
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool
}

// checkPostgres refuses a database that would order names otherwise than by
// their bytes, cannot hold all text, or confirms writes that are not on disk.
// It asks for behaviour, because databases that speak PostgreSQL's protocol
// report collations under names of their own.
func (db *DB) checkPostgres(ctx context.Context) error {
	const hint = "create one with: create database thingpass owner thingpass template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"
	var bytewise bool
	var encoding, synchronous string
	err := db.reader.QueryRowContext(ctx, `select 'B' < '_' and '_' < 'a' and 'a-b' < 'aa' and 'z' < 'é',
		current_setting('server_encoding'), current_setting('synchronous_commit')`).Scan(&bytewise, &encoding, &synchronous)
	switch {
	case err != nil:
		return fmt.Errorf("ask the database for its settings: %w", err)
	case encoding != "UTF8":
		return thingpass.Errorf(thingpass.Invalid, "the database has the encoding %s instead of UTF8; %s", encoding, hint)
	case !bytewise:
		return thingpass.Errorf(thingpass.Invalid, "the database does not compare text by its bytes (collation C); %s", hint)
	case synchronous == "off":
		return thingpass.Errorf(thingpass.Invalid, "the database confirms writes before they are on disk: set synchronous_commit to on")
	}
	return nil
}

// explained adds what to do to an error of PostgreSQL that says that the user
// may not create tables (42501, insufficient_privilege).
func explained(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "42501" {
		return fmt.Errorf("%w: the user has to own the database: alter database NAME owner to USER", err)
	}
	return err
}

// postgresAgain reports whether a transaction failed only because another one ran
// at the same time. A serializable transaction can meet a row of a neighbour as
// a violated key instead of as a serialization failure; tried again, it sees
// that row.
func postgresAgain(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch e.Code {
	case "40001", // serialization_failure
		"40P01", // deadlock_detected
		"23503", // foreign_key_violation
		"23505", // unique_violation
		"42710", // duplicate_object, from two migrations
		"42701", // duplicate_column, likewise
		"42P07": // duplicate_table, likewise
		return true
	}
	return false
}
