package store_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/thingpass/thingpass/store/storetest"
)

// statements are all that the tests of this package had the store run, with
// arguments.
var statements = observed{seen: map[string][]any{}}

type observed struct {
	mu   sync.Mutex
	seen map[string][]any
}

// note keeps a statement. Of a list a page of it is worth more than all of it.
func (o *observed) note(query string, args []any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if have, ok := o.seen[query]; ok && !slices.Contains(have, any(int64(math.MaxInt64))) {
		return
	}
	o.seen[query] = slices.Clone(args)
}

// TestMain checks the plans of what has been run, when all tests have.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.bench").Value.String() == "" &&
		flag.Lookup("test.fuzz").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" {
		code = checkPlans()
	}
	os.Exit(code)
}

// fewest is how many statements there are at least: fewer were not collected.
const fewest = 200

// growing are the tables that have a row for each device, or several.
var growing = []string{
	"devices", "certificates", "things", "thing_attributes", "thing_attachments", "policy_attachments", "thing_group_members",
	"policies", "policy_versions", "tags",
}

// walks are the statements that may go through a table, or sort, and why. Each is
// named by a part of its text.
var walks = []struct{ part, why string }{
	{"from things t where t.account = $1 order by t.name", "all things, a page at a time, in the order of the key"},
	{"from things t where t.account = $1 and t.name", "likewise, a further page"},
	{"from devices d join certificates c on c.account = d.account and c.id = d.id where d.account = $1 order by d.id", "all certificates, likewise"},
	{"from devices d join certificates c on c.account = d.account and c.id = d.id where d.account = $1 and d.id", "all certificates, likewise"},
	{"from policies p where p.account = $1 order by p.name", "all IoT policies, likewise"},
	{"from policies p where p.account = $1 and p.name", "all IoT policies, likewise"},
	{"order by a.thing || ''", "fewer than a thousand, which were counted before"},
	{"from thing_group_ancestors a cross join thing_group_members m", "the things of a tree of groups come group by group; " +
		"of a page's length only the first are kept, which took 1.4 ms of 300,000"},
}

// checkPlans explains every statement on each engine, and returns the code that
// the tests end with.
func checkPlans() (code int) {
	tests := []testing.InternalTest{{Name: "TestPlansOfAllStatements", F: func(t *testing.T) {
		if len(statements.seen) < fewest {
			t.Fatalf("%d statements were collected, fewer than %d", len(statements.seen), fewest)
		}
		for _, engine := range storetest.Engines(t) {
			t.Run(engine.Name, func(t *testing.T) { explainAll(t, engine) })
		}
	}}}
	if !testing.RunTests(func(string, string) (bool, error) { return true, nil }, tests) {
		return 1
	}
	return 0
}

// fleetOf is how many devices the plans are made for. PostgreSQL plans by what is
// in its tables; SQLite does not know.
const fleetOf = 10_000

func explainAll(t *testing.T, engine storetest.Engine) {
	_, dsn := fleetDB(t, engine, fleetOf)
	driver, source, faults := "pgx", dsn, postgresFaults
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, source, faults = "sqlite", path, sqliteFaults
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	checked := 0
	for _, query := range slices.Sorted(maps.Keys(statements.seen)) {
		args := append([]any{here.Account}, statements.seen[query]...)
		text := strings.Join(strings.Fields(query), " ")
		found, err := faults(t.Context(), db, query, args)
		if err != nil {
			t.Errorf("%v\nin %s", err, text)
			continue
		}
		checked++
		for _, fault := range found {
			if !walksRightly(text) {
				t.Errorf("%s\nin %s", fault, text)
			}
		}
	}
	t.Logf("the plans of %d statements", checked)
}

func walksRightly(text string) bool {
	for _, w := range walks {
		if strings.Contains(text, w.part) && strings.Contains(text, "limit $") {
			return true
		}
	}
	return false
}

// sqliteIndex finds the table and the terms in a step of a plan (SQLite
// documentation, "Explain query plan").
var sqliteIndex = regexp.MustCompile(`USING (?:COVERING )?INDEX (?:sqlite_autoindex_)?(\w+?)(?:_by_\w+|_\d+)? \(([^)]*)\)`)

func sqliteFaults(ctx context.Context, db *sql.DB, query string, args []any) (faults []string, err error) {
	rows, err := db.QueryContext(ctx, "explain query plan "+query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return nil, err
		}
		switch m := sqliteIndex.FindStringSubmatch(detail); {
		case strings.HasPrefix(detail, "SCAN CONSTANT"), detail == "SCAN bounded": // a subquery with a limit is named so
		case strings.HasPrefix(detail, "SCAN"), strings.Contains(detail, "AUTOMATIC"):
			faults = append(faults, detail)
		case strings.Contains(detail, "TEMP B-TREE") && touches(query):
			faults = append(faults, detail)
		case m != nil && m[2] == "account=?" && slices.Contains(growing, m[1]):
			faults = append(faults, detail)
		}
	}
	return faults, rows.Err()
}

// touches reports whether a statement is about a growing table.
func touches(query string) bool {
	return slices.ContainsFunc(growing, func(table string) bool {
		return regexp.MustCompile(`\b(from|join|update|into)\s+` + table + `\b`).MatchString(query)
	})
}

var sequential = regexp.MustCompile(`Seq Scan on (\w+)`)

func postgresFaults(ctx context.Context, db *sql.DB, query string, args []any) (faults []string, err error) {
	rows, err := db.QueryContext(ctx, "explain "+query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		if m := sequential.FindStringSubmatch(line); m != nil && slices.Contains(growing, m[1]) {
			faults = append(faults, fmt.Sprint(strings.TrimSpace(line)))
		}
	}
	return faults, rows.Err()
}
