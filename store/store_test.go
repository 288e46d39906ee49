package store_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/store/storetest"
)

var here = thingpass.Place{Account: "123456789012", Region: "us-east-1"}

// noon is what the clock of the tests shows first.
var noon = time.Date(2026, 11, 21, 12, 0, 0, int(123*time.Millisecond), time.UTC)

// each runs test with a fresh database of every engine. Its clock stands at
// noon.
func each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Parallel()
	for _, engine := range storetest.Engines(t) {
		t.Run(engine.Name, func(t *testing.T) {
			db := create(t, engine.New(t))
			db.Now = func() time.Time { return noon }
			test(t, db)
		})
	}
}

func create(t testing.TB, dsn string) *store.DB {
	t.Helper()
	db, err := store.Create(t.Context(), dsn, here)
	if err != nil {
		t.Fatal(err)
	}
	db.Observe(statements.note)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// raw runs a statement past the store.
func raw(t testing.TB, dsn, statement string) {
	t.Helper()
	driver, source := "pgx", dsn
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, source = "sqlite", path
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got fails on err and returns value.
func got[T any](value T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return value
	}
}

// refused checks the kind of an error and a part of its text.
func refused(t *testing.T, err error, kind thingpass.Kind, message string) {
	t.Helper()
	e, ok := errors.AsType[*thingpass.Error](err)
	if !ok || e.Kind != kind || !strings.Contains(e.Message, message) {
		t.Errorf("got error %v, want kind %d with %q", err, kind, message)
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(thingpass.Secret.Equal)); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

// names are names whose order depends on the collation, ordered by their bytes.
var names = []string{"-z", "1", "B", "C", "_", "a", "a-b", "aB", "a_b", "aa", "b", "é"}

// paged checks that pages of every size, in both directions, put together are
// want, which is ordered bytewise.
func paged(t *testing.T, want []string, list func(thingpass.Page) ([]string, error)) {
	t.Helper()
	backwards := slices.Clone(want)
	slices.Reverse(backwards)
	for _, descending := range []bool{false, true} {
		want := want
		if descending {
			want = backwards
		}
		same(t, got(list(thingpass.Page{Descending: descending}))(t), want)
		for limit := 1; limit <= len(want)+1; limit++ {
			var all []string
			for page := (thingpass.Page{Limit: limit, Descending: descending}); ; {
				part := got(list(page))(t)
				if len(part) > limit {
					t.Fatalf("%d items on a page of %d", len(part), limit)
				}
				if len(part) == 0 {
					break
				}
				all = append(all, part...)
				page.After = part[len(part)-1]
			}
			same(t, all, want)
		}
	}
}

// named turns a listing of nouns into one of their names.
func named[T any](items []T, err error, name func(T) string) ([]string, error) {
	var names []string
	for _, item := range items {
		names = append(names, name(item))
	}
	return names, err
}

func TestCreateAndOpen(t *testing.T) {
	for _, engine := range storetest.Engines(t) {
		t.Run(engine.Name, func(t *testing.T) {
			dsn := engine.New(t)
			_, err := store.Open(t.Context(), dsn, here)
			refused(t, err, thingpass.NotFound, "")

			db := create(t, dsn)
			must(t, db.Ping(t.Context()))
			endpoint := got(db.Endpoint(t.Context()))(t)
			if !regexp.MustCompile(`^[a-z][a-z0-9]{13}$`).MatchString(endpoint) {
				t.Errorf("endpoint is %q", endpoint)
			}
			must(t, db.CreateRoleAlias(t.Context(), thingpass.RoleAlias{Name: "cameras"}))

			_, err = store.Create(t.Context(), dsn, here)
			refused(t, err, thingpass.Exists, "")
			_, err = store.Open(t.Context(), dsn, thingpass.Place{Account: "999999999999", Region: here.Region})
			refused(t, err, thingpass.NotFound, "999999999999")
			_, err = store.Open(t.Context(), dsn, thingpass.Place{Account: here.Account, Region: "eu-west-1"})
			refused(t, err, thingpass.Invalid, "is in region us-east-1, not in eu-west-1")

			// A refused Create and Open have harmed nothing.
			again := got(store.Open(t.Context(), dsn, here))(t)
			defer func() { must(t, again.Close()) }()
			same(t, got(again.Endpoint(t.Context()))(t), endpoint)
			same(t, got(again.RoleAlias(t.Context(), "cameras"))(t).Name, "cameras")

			raw(t, dsn, `insert into schema_migrations (version, name, applied) values (9999, 'later', 0)`)
			_, err = store.Open(t.Context(), dsn, here)
			refused(t, err, thingpass.Invalid, "use a newer program")
		})
	}
}

func TestCreateRefusesBadInput(t *testing.T) {
	folder := t.TempDir()
	for _, test := range []struct{ name, dsn string }{
		{"no scheme", filepath.Join(folder, "a.db")},
		{"nothing", ""},
		{"other engine", "mysql://root:hunter2@localhost/db"},
		{"no path", "sqlite:"},
		{"folder", "sqlite:" + folder},
		{"no folder", "sqlite:" + filepath.Join(folder, "none", "a.db")},
		{"bad url", "postgres://user:hunter2@local host/db"},
		{"nobody there", "postgres://user:hunter2@127.0.0.1:1/db"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, open := range []func() (*store.DB, error){
				func() (*store.DB, error) { return store.Create(t.Context(), test.dsn, here) },
				func() (*store.DB, error) { return store.Open(t.Context(), test.dsn, here) },
			} {
				_, err := open()
				if err == nil {
					t.Fatal("no error")
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error shows the password: %v", err)
				}
			}
		})
	}
	_, err := store.Create(t.Context(), "sqlite:"+filepath.Join(folder, "b.db"), thingpass.Place{Account: "1", Region: "us-east-1"})
	refused(t, err, thingpass.Invalid, "is not an account and a region")
	if entries := got(os.ReadDir(folder))(t); len(entries) != 0 {
		t.Errorf("files were left: %v", entries)
	}
}

func TestSQLiteFile(t *testing.T) {
	// Characters that mean something in a URI must not in a path.
	path := filepath.Join(t.TempDir(), "a b?mode=memory&c#d%41.db")
	create(t, "sqlite:"+path)
	if mode := got(os.Stat(path))(t).Mode(); mode != 0o600 {
		t.Errorf("mode is %v", mode)
	}

	// A file that is something else stays as it is.
	other := filepath.Join(t.TempDir(), "other.db")
	must(t, os.WriteFile(other, []byte("not a database, but long enough to be taken for the head of one"), 0o600))
	_, err := store.Create(t.Context(), "sqlite:"+other, here)
	refused(t, err, thingpass.Exists, "exists already")
	if _, err = store.Open(t.Context(), "sqlite:"+other, here); err == nil {
		t.Error("opened")
	}
	if content := got(os.ReadFile(other))(t); !strings.HasPrefix(string(content), "not a database") {
		t.Errorf("content is now %q", content)
	}

	// An empty file is not filled.
	empty := filepath.Join(t.TempDir(), "empty.db")
	must(t, os.WriteFile(empty, nil, 0o600))
	_, err = store.Open(t.Context(), "sqlite:"+empty, here)
	refused(t, err, thingpass.NotFound, "holds no installation")
}

func TestPostgresDatabaseIsChecked(t *testing.T) {
	for _, test := range []struct{ name, options, message string }{
		{"collation", `encoding 'UTF8' locale_provider icu icu_locale 'en-US' locale 'C'`, "lc_collate 'C'"},
		{"encoding", `encoding 'SQL_ASCII' locale 'C'`, "SQL_ASCII instead of UTF8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dsn := storetest.NewPostgres(t, test.options)
			_, err := store.Create(t.Context(), dsn, here)
			refused(t, err, thingpass.Invalid, test.message)
		})
	}
	t.Run("durability", func(t *testing.T) {
		dsn := storetest.NewPostgres(t, `encoding 'UTF8' locale 'C'`) + "&options=-c%20synchronous_commit%3Doff"
		_, err := store.Create(t.Context(), dsn, here)
		refused(t, err, thingpass.Invalid, "synchronous_commit")
	})
}

// Accounts share a PostgreSQL database without seeing each other.
func TestAccountsAreApart(t *testing.T) {
	dsn := storetest.NewPostgres(t, `encoding 'UTF8' locale 'C'`)
	ours := create(t, dsn)
	theirs := got(store.Create(t.Context(), dsn, thingpass.Place{Account: "999999999999", Region: "us-east-1"}))(t)
	defer func() { must(t, theirs.Close()) }()
	for _, db := range []*store.DB{ours, theirs} {
		must(t, db.CreateRole(t.Context(), thingpass.Role{Name: "r", Path: "/"}))
	}
	must(t, ours.DeleteRole(t.Context(), "r"))
	same(t, len(got(theirs.Roles(t.Context(), "", thingpass.Page{}))(t)), 1)
	same(t, len(got(ours.Roles(t.Context(), "", thingpass.Page{}))(t)), 0)
}

// Text that one engine could not store is refused by both.
func TestTextIsUTF8WithoutNUL(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		for _, bad := range []string{"a\x00b", "a\xff"} {
			refused(t, db.CreateRoleAlias(t.Context(), thingpass.RoleAlias{Name: bad}), thingpass.Invalid, "UTF-8")
			_, err := db.Role(t.Context(), bad)
			refused(t, err, thingpass.Invalid, "UTF-8")
			_, err = db.Policies(t.Context(), thingpass.Page{After: bad})
			refused(t, err, thingpass.Invalid, "UTF-8")
		}
	})
}
