package objects

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// naive is List over a sorted slice, by looking at every key.
func naive(keys []string, q ListQuery) (entries []string, truncated bool) {
	keys = slices.Sorted(slices.Values(keys))
	for _, k := range slices.Compact(keys) {
		if !strings.HasPrefix(k, q.Prefix) {
			continue
		}
		entry := k
		if before, _, ok := strings.Cut(k[len(q.Prefix):], q.Delimiter); ok && q.Delimiter != "" {
			entry = q.Prefix + before + q.Delimiter
		}
		// What comes after an entry does not include the group it is in.
		if entry <= q.After || q.Delimiter != "" && strings.HasSuffix(entry, q.Delimiter) && strings.HasPrefix(q.After, entry) && entry != k {
			continue
		}
		if len(entries) > 0 && entries[len(entries)-1] == entry {
			continue
		}
		if len(entries) >= q.Limit {
			return entries, q.Limit > 0
		}
		entries = append(entries, entry)
	}
	return entries, false
}

func list(t testing.TB, s *Store, q ListQuery) (entries []string, r ListResult) {
	t.Helper()
	r, err := s.List(t.Context(), "b", q)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range r.Objects {
		entries = append(entries, o.Key)
	}
	entries = append(entries, r.CommonPrefixes...)
	slices.Sort(entries)
	return entries, r
}

func checkList(t testing.TB, s *Store, keys []string, q ListQuery) {
	t.Helper()
	got, r := list(t, s, q)
	want, truncated := naive(keys, q)
	if diff := cmp.Diff(want, got); diff != "" || truncated != r.Truncated {
		t.Errorf("%+v: truncated %v, want %v\n%s", q, r.Truncated, truncated, diff)
	}
	if len(want) > 0 && r.Next != want[len(want)-1] {
		t.Errorf("%+v: next %q", q, r.Next)
	}
}

func TestList(t *testing.T) {
	s := newStore(t)
	keys := []string{"a", "a/", "a//b", "a/b", "a/c", "b", "b//", "c/\xff", "c/\xff\xff", "c/\xff\xff/x", "\xff", "\xff/1", "\xff\xff", "é/1", "é/2"}
	for i := range 40 {
		keys = append(keys, fmt.Sprintf("big/%02d", i), fmt.Sprintf("big/in/%02d", i))
	}
	for _, k := range keys {
		put(t, s, k, k)
	}
	for _, prefix := range []string{"", "a", "a/", "b", "big", "big/", "c/\xff", "\xff", "none", "~"} {
		for _, delimiter := range []string{"", "/", "//", "i", "\xff", "zz"} {
			for _, after := range []string{"", "a", "a/", "a/b", "big/", "big/07", "big/in/", "big/in/39", "c", "\xff", "\xff\xff\xff"} {
				for _, limit := range []int{0, 1, 2, 5, 1000} {
					checkList(t, s, keys, ListQuery{prefix, delimiter, after, limit})
				}
			}
		}
	}
}

// Following Next visits every entry once.
func TestListPages(t *testing.T) {
	s := newStore(t)
	var keys []string
	for i := range 30 {
		keys = append(keys, fmt.Sprintf("%d/%d", i%7, i), fmt.Sprint(i))
	}
	for _, k := range keys {
		put(t, s, k, k)
	}
	want, _ := naive(keys, ListQuery{Delimiter: "/", Limit: 1000})
	for limit := 1; limit < 9; limit++ {
		var got []string
		q := ListQuery{Delimiter: "/", Limit: limit}
		for {
			entries, r := list(t, s, q)
			got = append(got, entries...)
			if !r.Truncated {
				break
			}
			q.After = r.Next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d: %s", limit, diff)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add("a\na/\na/b\na/c\nb", "a", "/", "", uint8(2))
	f.Add("x\xff\nx\xff\xff1\nx\xff\xff2\ny", "x", "\xff", "x\xff", uint8(9))
	f.Add("//\n///\n/", "", "/", "/", uint8(3))
	s := newStore(f)
	insert := func(t *testing.T, keys []string) {
		err := s.write.do(t.Context(), func(t *tx) error {
			_, err := t.exec(`delete from object`)
			for _, k := range keys {
				_, failed := t.exec(`insert or replace into object (bucket, key, size, etag, modified, extents, meta, upload)
					values ((select id from bucket), ?, 0, 'e', 0, '[]', '{}', '')`, []byte(k))
				err = errors.Join(err, failed)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, text, prefix, delimiter, after string, limit uint8) {
		keys := strings.Split(text, "\n")
		if len(keys) > 64 || len(text) > 4096 {
			t.Skip()
		}
		keys = slices.DeleteFunc(keys, func(k string) bool { return k == "" })
		insert(t, keys)
		checkList(t, s, keys, ListQuery{prefix, delimiter, after, int(limit)})
	})
}
