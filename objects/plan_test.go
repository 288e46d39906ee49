package objects

import (
	"database/sql"
	"strings"
	"testing"
)

// query reads rows past the store's own sessions.
func query(t *testing.T, s *Store, text string, args ...any) *sql.Rows {
	t.Helper()
	rows, err := s.read.db.QueryContext(t.Context(), text, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rows.Close() })
	return rows
}

// The queries that page through a bucket read on from where they are: none
// sorts, and none looks at all rows.
func TestPlans(t *testing.T) {
	s := newStore(t)
	for _, text := range []string{listVersions, verifyCurrent, verifyNoncurrent, verifyAgain, verifyParts,
		"delete from upload where id = ?",
		"select key from object where bucket = 1 and key >= x'00' and not marker order by key"} {
		rows := query(t, s, "explain query plan "+text, 1, []byte("k"), "v", 2)
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			t.Log(detail)
			if strings.HasPrefix(detail, "SCAN") || strings.Contains(detail, "TEMP B-TREE") {
				t.Errorf("%s: %s", text, detail)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}
