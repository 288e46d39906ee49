package store

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/thingpass/thingpass"
)

// SQLite plans without knowing how much is in a table. No hot read may go
// through everything that an account has of something.
func TestHotReadsUseKeys(t *testing.T) {
	place := thingpass.Place{Account: "123456789012", Region: "us-east-1"}
	db, err := Create(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "thingpass.db"), place)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, query := range hot() {
		args := []any{"a", "b", "c", "d"}[:parameters(query)]
		rows, err := db.reader.QueryContext(t.Context(), "explain query plan "+query, args...)
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			steps++
			if strings.HasPrefix(detail, "SCAN") || strings.HasSuffix(detail, "(account=?)") || strings.Contains(detail, "(account=?) ") {
				t.Errorf("%s\nin %s", detail, query)
			}
		}
		if err := rows.Err(); err != nil || steps == 0 {
			t.Fatalf("%d steps, %v", steps, err)
		}
		_ = rows.Close()
	}
}

// parameters is how many parameters a query has.
func parameters(query string) int {
	n := 1
	for _, next := range []string{"$2", "$3", "$4"} {
		if strings.Contains(query, next) {
			n++
		}
	}
	return n
}
