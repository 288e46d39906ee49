package objects

import (
	"strings"
	"testing"
)

// The queries that page through a bucket read on from where they are: none
// sorts, and none looks at all rows.
func TestPlans(t *testing.T) {
	s := newStore(t)
	for _, query := range []string{listVersions, "select key from object where bucket = 1 and key >= x'00' and not marker order by key"} {
		rows, err := s.read.query(t.Context(), "explain query plan "+query, 1, []byte("k"), 2)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			t.Log(detail)
			if strings.HasPrefix(detail, "SCAN") || strings.Contains(detail, "TEMP B-TREE") {
				t.Errorf("%s: %s", query, detail)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}
