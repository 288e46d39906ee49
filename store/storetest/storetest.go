// Package storetest gives tests fresh databases on every engine of package
// store: files for SQLite, and databases of a real PostgreSQL server.
//
// It owns the server that it starts: a private one in a temporary folder,
// reached through a Unix socket in it, started once for a test process and
// stopped when the process ends, however it ends. With the environment variable
// THINGPASS_TEST_POSTGRES, the URL of a server on which databases may be
// created, it uses that one instead. It does not own installations: a database
// is empty, for store.Create to fill.
//
// Without any PostgreSQL a test is skipped, unless CI is "true": there it fails.
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Engine is one kind of database.
type Engine struct {
	Name string                    // sqlite or postgres, for the name of a subtest
	New  func(t testing.TB) string // the dsn of a database for store.Create that is gone after the test
}

// Engines returns the engines that every test of the store must pass on. Run
// each in a subtest of its own: New may skip it.
func Engines(t testing.TB) []Engine {
	t.Helper()
	return []Engine{{"sqlite", newSQLite}, {"postgres", newPostgres}}
}

func newSQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "thingpass.db")
}

func newPostgres(t testing.TB) string {
	t.Helper()
	return NewPostgres(t, "encoding 'UTF8' lc_collate 'C' lc_ctype 'C'")
}

const variable = "THINGPASS_TEST_POSTGRES"

// server is the URL of the server that this process uses. It is started by the
// first test that needs it.
var server = sync.OnceValues(func() (*url.URL, error) {
	if dsn := os.Getenv(variable); dsn != "" {
		return url.Parse(dsn)
	}
	return start()
})

// NewPostgres makes an empty PostgreSQL database with the options of "create
// database", for tests of what the store refuses, and returns its URL.
func NewPostgres(t testing.TB, options string) string {
	t.Helper()
	base, err := server()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no PostgreSQL: %v", err)
		}
		t.Skipf("no PostgreSQL: %v", err)
	}
	name := "thingpass_test_" + strings.ToLower(rand.Text())
	if err := admin(base, fmt.Sprintf(`create database %s template template0 %s`, name, options)); err != nil {
		t.Fatalf("create a database: %v", err)
	}
	t.Cleanup(func() {
		if os.Getenv(variable) == "" {
			return // it goes with the private server; dropping it would cost a checkpoint
		}
		if err := admin(base, fmt.Sprintf(`drop database %s with (force)`, name)); err != nil {
			t.Errorf("drop the database: %v", err)
		}
	})
	own := *base
	own.Path = "/" + name
	return own.String()
}

// admin runs one statement in the database that base names.
func admin(base *url.URL, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, base.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}
