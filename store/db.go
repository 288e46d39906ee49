package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/anchor"
	"github.com/thingpass/thingpass/space"
)

// DB is an open database of one installation. It is safe for concurrent use.
type DB struct {
	// Now tells the time that is recorded for creations and changes. Set it
	// before the first use; Create and Open set it to time.Now.
	Now func() time.Time

	// Limits bound each call. Set them before the first use.
	Limits Limits

	// Space is the file system of the file, whose reserve a change may use when
	// the disk is full; nil for none. Set it before the first use.
	Space *space.Volume

	// Measure is told of every call that asks the database, "read", "list" or
	// "write", with how long it took; err is nil when the database answered, whatever it
	// found. Nil for nobody. Set it before the first use.
	Measure func(kind string, took time.Duration, err error)

	// Applied are the names of the schema's steps that Open brought an older
	// database forward by.
	Applied []string

	place    thingpass.Place
	engine   engine
	writer   *sql.DB        // one connection on SQLite
	files    []*anchor.File // of SQLite
	reader   *sql.DB
	lister   *sql.DB              // for lists, so that they never keep reader waiting
	turns    chan struct{}        // taken by each list that uses lister
	links    *links               // of PostgreSQL; nil on SQLite
	prepared map[string]*sql.Stmt // on reader, by text; never changes after opening
	observed func(string, []any)  // told of each statement by tests; nil for nobody
}

// engine is what differs between SQLite and PostgreSQL once connected.
type engine struct {
	hasTable string           // a query that answers one row if the table $1 exists
	again    func(error) bool // reports whether a transaction that failed so may be tried again
}

// Create makes the database that dsn names and records the installation in it.
//
// A dsn is "sqlite:" and the path of a file that must not exist yet, in a
// folder that does, or a postgres:// URL of a database with bytewise collation
// that holds no installation of this account yet.
func Create(ctx context.Context, dsn string, place thingpass.Place) (*DB, error) {
	if !thingpass.ValidAccount(place.Account) || !thingpass.ValidRegion(place.Region) {
		return nil, thingpass.Errorf(thingpass.Invalid, "create store: %q in %q is not an account and a region", place.Account, place.Region)
	}
	path, local := strings.CutPrefix(dsn, sqliteScheme)
	if local {
		if err := createFile(path); err != nil {
			return nil, fmt.Errorf("create store: %w", err)
		}
	}
	db, err := connect(ctx, dsn, place)
	if err == nil {
		if err = db.install(ctx); err == nil {
			err = db.prepare(ctx)
		}
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}
	if err != nil {
		if local {
			removeFile(path)
		}
		return nil, fmt.Errorf("create store: %w", explained(err))
	}
	return db, nil
}

// Open opens a database that Create has made, and brings its schema up to date.
// It never creates a database or an installation. It refuses a schema that is
// newer than this program, and an installation of another account or region.
func Open(ctx context.Context, dsn string, place thingpass.Place) (*DB, error) {
	db, err := connect(ctx, dsn, place)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err = db.reopen(ctx); err == nil {
		err = db.prepare(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", errors.Join(explained(err), db.Close()))
	}
	return db, nil
}

// opening bounds how long the database may take to answer for the first time.
const opening = 15 * time.Second

// connect opens the pools of dsn and sees that the database answers.
func connect(ctx context.Context, dsn string, place thingpass.Place) (*DB, error) {
	ctx, cancel := context.WithTimeout(ctx, opening)
	defer cancel()
	db := &DB{Now: time.Now, place: place}
	var err error
	switch {
	case strings.HasPrefix(dsn, sqliteScheme):
		err = db.openSQLite(ctx, strings.TrimPrefix(dsn, sqliteScheme))
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		err = db.openPostgres(ctx, dsn)
	default:
		// The text is not repeated: it may hold a password.
		err = thingpass.Errorf(thingpass.Invalid, "a database is named sqlite:/path/to/file.db or postgres://user@host/database")
	}
	if err != nil {
		return nil, err
	}
	return db, nil
}

// install brings an empty or older schema up to date and records the place.
func (db *DB) install(ctx context.Context) error {
	if err := db.migrate(ctx); err != nil {
		return err
	}
	return db.write(ctx, op{"record installation", db.place.Account}, func(t *tx) error {
		n, err := t.exec(`insert into installations (account, region, endpoint, created) values ($1, $2, $3, $4)
			on conflict do nothing`, db.place.Region, newEndpoint(), millis(db.Now()))
		if err == nil && n == 0 {
			return thingpass.Errorf(thingpass.Exists, "the database already holds an installation of account %s", db.place.Account)
		}
		return err
	})
}

// reopen checks that the place is the recorded one, before and apart from
// bringing the schema up to date.
func (db *DB) reopen(ctx context.Context) error {
	nothing := thingpass.Errorf(thingpass.NotFound, "the database holds no installation of account %s", db.place.Account)
	for _, table := range []string{"schema_migrations", "installations"} {
		if found, err := db.hasTable(ctx, table); err != nil || !found {
			return orElse(err, nothing)
		}
	}
	all, err := steps()
	if err != nil {
		return err
	}
	_, err = read(ctx, db, op{verb: "read schema version"}, func(t *tx) (int64, error) {
		return schemaVersion(t.ctx, t.q, int64(len(all)))
	})
	if err != nil {
		return err
	}
	region, err := read(ctx, db, op{"read installation", db.place.Account}, func(t *tx) (string, error) {
		region, err := one(t, text, `select region from installations where account = $1`)
		return region, orMissing(err, nothing)
	})
	if err != nil {
		return err
	}
	if region != db.place.Region {
		return thingpass.Errorf(thingpass.Invalid, "the installation of account %s is in region %s, not in %s", db.place.Account, region, db.place.Region)
	}
	return db.migrate(ctx)
}

// hot are the statements that exchanges and signed requests wait for.
func hot() []string {
	return []string{
		selectDevice, selectOneAlias, selectRoleByID, selectRoleByName, selectUser, selectAccessKey,
		selectManagedDocument, selectBucketPolicy, selectUpload,
	}
}

// prepare compiles the hot statements once.
func (db *DB) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, opening)
	defer cancel()
	prepared := make(map[string]*sql.Stmt)
	for _, query := range hot() {
		stmt, err := db.reader.PrepareContext(ctx, query)
		if err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		prepared[query] = stmt
	}
	db.prepared = prepared
	return nil
}

// Close closes the database. Methods must not be called any more.
func (db *DB) Close() error {
	var errs []error
	if db.links != nil {
		db.links.close() // a database that is silent is not told goodbye for long
	}
	for _, stmt := range db.prepared {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, db.closePools())...)
}

// closePools closes what has been opened.
func (db *DB) closePools() error {
	var errs []error
	for _, pool := range []*sql.DB{db.lister, db.reader, db.writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

// Ping reports whether the database answers a query.
func (db *DB) Ping(ctx context.Context) error {
	_, err := db.Endpoint(ctx)
	return err
}

// doubt notes that a connection has failed.
func (db *DB) doubt(err error) {
	if db.links != nil {
		db.links.doubt(err)
	}
}

// Endpoint is the stable prefix of the installation's endpoints: 14 lower-case
// letters and digits, a letter first, chosen by chance when it was created.
func (db *DB) Endpoint(ctx context.Context) (string, error) {
	return read(ctx, db, op{"read endpoint of", db.place.Account}, func(t *tx) (string, error) {
		return one(t, text, `select endpoint from installations where account = $1`)
	})
}

func newEndpoint() string {
	return "a" + strings.ToLower(rand.Text())[:13]
}
