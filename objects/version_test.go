package objects

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// model is what a bucket must hold: the versions of each key, newest first.
type model struct {
	state Versioning
	keys  map[string][]modelVersion
}

type modelVersion struct {
	id      string // as callers see it
	marker  bool
	content string
}

func (m *model) null() string {
	if m.state == Unversioned {
		return ""
	}
	return NullVersion
}

// write puts a version before those of a key, in place of the null version
// where none are kept.
func (m *model) write(key string, v modelVersion) {
	if m.state != Enabled {
		m.remove(key, m.null())
	}
	m.keys[key] = slices.Insert(m.keys[key], 0, v)
}

func (m *model) remove(key, id string) {
	m.keys[key] = slices.DeleteFunc(m.keys[key], func(v modelVersion) bool { return v.id == id })
	if len(m.keys[key]) == 0 {
		delete(m.keys, key)
	}
}

func (m *model) enable(v Versioning) {
	for _, versions := range m.keys {
		for i := range versions {
			if versions[i].id == "" {
				versions[i].id = NullVersion
			}
		}
	}
	m.state = v
}

func (m *model) bodies() (n int) {
	for _, versions := range m.keys {
		for _, v := range versions {
			if v.content != "" {
				n++
			}
		}
	}
	return n
}

func read(t testing.TB, s *Store, ref Ref) (string, Object, error) {
	t.Helper()
	o, r, err := s.Get(t.Context(), ref)
	if err != nil {
		return "", o, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	return string(b), o, err
}

// compare asks the store for everything that the model has.
func (m *model) compare(t *testing.T, s *Store) {
	t.Helper()
	for key, versions := range m.keys {
		for i, v := range versions {
			refs := []Ref{{Name{"b", key}, v.id}}
			if i == 0 {
				refs = append(refs, Ref{Name: Name{"b", key}})
			}
			for _, ref := range refs {
				got, o, err := read(t, s, ref)
				if v.marker {
					me, ok := errors.AsType[*MarkerError](err)
					if !ok || me.Version != v.id || me.Current != (ref.Version == "") || errors.Is(err, ErrNoSuchKey) != me.Current {
						t.Fatalf("%+v: %v, want a marker", ref, err)
					}
					continue
				}
				if err != nil || got != v.content || o.Version != v.id || o.Latest != (i == 0) {
					t.Fatalf("%+v: %d bytes, %+v, %v", ref, len(got), o, err)
				}
			}
		}
	}
	m.compareLists(t, s)
	wantBodies(t, s, m.bodies())
}

func (m *model) compareLists(t *testing.T, s *Store) {
	t.Helper()
	var all, current []string
	for _, key := range slices.Sorted(func(yield func(string) bool) {
		for k := range m.keys {
			if !yield(k) {
				return
			}
		}
	}) {
		for i, v := range m.keys[key] {
			id := v.id
			if id == "" {
				id = NullVersion
			}
			all = append(all, fmt.Sprint(key, " ", id, " ", v.marker, " ", i == 0))
			if i == 0 && !v.marker {
				current = append(current, key)
			}
		}
	}
	for _, limit := range []int{1, 2, 1000} {
		var got []string
		for q := (VersionQuery{Limit: limit}); ; {
			r, err := s.ListVersions(t.Context(), "b", q)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range r.Versions {
				got = append(got, fmt.Sprint(o.Key, " ", o.Version, " ", o.Marker, " ", o.Latest))
			}
			if !r.Truncated {
				break
			}
			q.KeyMarker, q.VersionMarker = r.NextKey, r.NextVersion
		}
		if diff := cmp.Diff(all, got); diff != "" {
			t.Fatal("versions, limit ", limit, diff)
		}
	}
	if got, _ := list(t, s, ListQuery{Limit: 1000}); !slices.Equal(got, current) {
		t.Fatal(cmp.Diff(current, got))
	}
}

// step does one random thing to both.
func (m *model) step(t *testing.T, s *Store, r *rand.Rand) {
	t.Helper()
	key := []string{"a", "a/b", "b\x00", "é"}[r.IntN(4)]
	name := Name{"b", key}
	switch r.IntN(8) {
	case 0, 1, 2:
		content := strings.Repeat(fmt.Sprint(r.IntN(10)), r.IntN(2)*maxInline+1+r.IntN(10))
		o, err := s.Put(t.Context(), name, strings.NewReader(content), PutOptions{})
		if err != nil || m.state == Enabled && len(o.Version) != 32 || m.state != Enabled && o.Version != m.null() {
			t.Fatal(o.Version, err)
		}
		m.write(key, modelVersion{id: o.Version, content: content})
	case 3, 4:
		d, err := s.Delete(t.Context(), Ref{Name: name}, Condition{})
		if err != nil || d.Marker != (m.state != Unversioned) {
			t.Fatal(d, err)
		}
		if m.state == Unversioned {
			m.remove(key, "")
			return
		}
		m.write(key, modelVersion{id: d.Version, marker: true})
	case 5, 6:
		if versions := m.keys[key]; len(versions) > 0 && m.state != Unversioned {
			v := versions[r.IntN(len(versions))]
			d, err := s.Delete(t.Context(), Ref{name, v.id}, Condition{})
			if err != nil || d != (Deleted{v.id, v.marker}) {
				t.Fatal(d, err)
			}
			m.remove(key, v.id)
		}
	case 7:
		if r.IntN(3) == 0 {
			state := []Versioning{Enabled, Suspended}[r.IntN(2)]
			if err := s.SetVersioning(t.Context(), "b", state); err != nil {
				t.Fatal(err)
			}
			m.enable(state)
		}
	}
}

func TestVersionsModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		s := newStore(t)
		m := &model{keys: map[string][]modelVersion{}}
		r := rand.New(rand.NewPCG(seed, 1))
		for range 120 {
			m.step(t, s, r)
			m.compare(t, s)
		}
		b, err := s.Bucket(t.Context(), "b")
		if err != nil || b.Versioning != m.state {
			t.Error(b, err)
		}
		for key, versions := range m.keys {
			for _, v := range versions {
				if _, err := s.Delete(t.Context(), Ref{Name{"b", key}, v.id}, Condition{}); err != nil {
					t.Error(err)
				}
			}
		}
		wantBodies(t, s, 0)
		if err := s.DeleteBucket(t.Context(), "b"); err != nil {
			t.Error(err)
		}
	}
}

func TestVersionRefusals(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	name := Name{"b", "k"}
	if err := s.SetVersioning(ctx, "b", Unversioned); err == nil {
		t.Error("made unversioned")
	}
	if err := s.SetVersioning(ctx, "b", Enabled); err != nil {
		t.Fatal(err)
	}
	size := int64(3)
	first := put(t, s, "k", "one")
	for _, test := range []struct {
		version string
		c       Condition
		want    error
	}{
		{"", Condition{IfModified: first.Modified.Add(-5e9)}, ErrPrecondition},
		{"", Condition{IfSize: new(int64)}, ErrPrecondition},
		{first.Version, Condition{IfMatch: "other"}, ErrPrecondition},
		{"none", Condition{IfMatch: "*"}, ErrNoSuchKey},
		{"none", Condition{}, nil},
		{"", Condition{IfSize: &size, IfModified: first.Modified, IfMatch: first.ETag}, nil},
		{"", Condition{IfSize: &size}, ErrNoSuchKey}, // a marker now
		{"", Condition{}, nil},
	} {
		if _, err := s.Delete(ctx, Ref{name, test.version}, test.c); !errors.Is(err, test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
	if err := s.DeleteBucket(ctx, "b"); !errors.Is(err, ErrBucketNotEmpty) {
		t.Errorf("delete with markers: %v", err)
	}
	if _, err := s.Head(ctx, Ref{name, "none"}); !errors.Is(err, ErrNoSuchVersion) {
		t.Errorf("head: %v", err)
	}
	if _, err := s.Head(ctx, Ref{Name{"x", "k"}, "none"}); !errors.Is(err, ErrNoSuchBucket) {
		t.Errorf("head: %v", err)
	}
	// A marker is no object to a condition, and the newest version comes back
	// when the markers go.
	if _, err := s.Put(ctx, name, strings.NewReader("two"), PutOptions{Condition: Condition{IfNoneMatch: "*"}}); err != nil {
		t.Error(err)
	}
	r, err := s.ListVersions(ctx, "b", VersionQuery{Limit: 10})
	if err != nil || len(r.Versions) != 4 {
		t.Fatal(len(r.Versions), err)
	}
	for _, v := range r.Versions[:3] {
		if _, err := s.Delete(ctx, Ref{name, v.Version}, Condition{}); err != nil {
			t.Error(err)
		}
	}
	if o, err := s.Head(ctx, Ref{Name: name}); err != nil || o.Version != first.Version || get(t, s, "k") != "one" {
		t.Errorf("after the markers: %+v, %v", o, err)
	}
}

func TestListVersionsGroups(t *testing.T) {
	s := newStore(t)
	if err := s.SetVersioning(t.Context(), "b", Enabled); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for i := range 40 {
			put(t, s, fmt.Sprintf("g/%02d", i), "x")
		}
		put(t, s, "a", "x")
		put(t, s, "z", "x")
	}
	for limit := 1; limit < 9; limit++ {
		var got []string
		for q := (VersionQuery{Delimiter: "/", Limit: limit}); ; {
			r, err := s.ListVersions(t.Context(), "b", q)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range r.Versions {
				got = append(got, v.Key)
			}
			got = append(got, r.CommonPrefixes...)
			if !r.Truncated {
				break
			}
			q.KeyMarker, q.VersionMarker = r.NextKey, r.NextVersion
		}
		slices.Sort(got)
		if diff := cmp.Diff(strings.Fields("a a a g/ z z z"), got); diff != "" {
			t.Error(limit, diff)
		}
	}
	r, err := s.ListVersions(t.Context(), "b", VersionQuery{Prefix: "g/3", KeyMarker: "g/38", VersionMarker: "gone", Limit: 100})
	if err != nil || len(r.Versions) != 6 || r.Versions[0].Key != "g/38" {
		t.Error(len(r.Versions), err)
	}
}

func TestTags(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	name := Name{"b", "k"}
	put(t, s, "k", "null")
	if err := s.SetVersioning(ctx, "b", Enabled); err != nil {
		t.Fatal(err)
	}
	second := put(t, s, "k", strings.Repeat("x", maxInline+1))
	for _, ref := range []Ref{{name, NullVersion}, {name, second.Version}, {name, ""}} {
		before, err := s.Head(ctx, ref)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"for": ref.Version}
		o, err := s.SetTags(ctx, ref, want)
		if err != nil || o.Version != before.Version || o.Latest != before.Latest {
			t.Errorf("%+v: %+v, %v", ref, o, err)
		}
		after, err := s.Head(ctx, ref)
		if err != nil || !cmp.Equal(after.Tags, want) || !after.Modified.Equal(before.Modified) || after.ETag != before.ETag {
			t.Errorf("%+v: %+v, %v", ref, after, err)
		}
	}
	if _, err := s.SetTags(ctx, Ref{Name: name}, nil); err != nil {
		t.Error(err)
	}
	if o, err := s.Head(ctx, Ref{Name: name}); err != nil || o.Tags != nil {
		t.Errorf("%+v, %v", o.Tags, err)
	}
	d, err := s.Delete(ctx, Ref{Name: name}, Condition{})
	if err != nil {
		t.Fatal(err)
	}
	marker := &MarkerError{}
	for _, test := range []struct {
		ref Ref
		ok  func(error) bool
	}{
		{Ref{Name: name}, func(err error) bool { return errors.Is(err, ErrNoSuchKey) && errors.As(err, &marker) }},
		{Ref{name, d.Version}, func(err error) bool { return !errors.Is(err, ErrNoSuchKey) && errors.As(err, &marker) }},
		{Ref{name, "none"}, func(err error) bool { return errors.Is(err, ErrNoSuchVersion) }},
		{Ref{Name: Name{"b", "none"}}, func(err error) bool { return errors.Is(err, ErrNoSuchKey) }},
		{Ref{Name: Name{"x", "k"}}, func(err error) bool { return errors.Is(err, ErrNoSuchBucket) }},
	} {
		if _, err := s.SetTags(ctx, test.ref, nil); !test.ok(err) {
			t.Errorf("%+v: %v", test.ref, err)
		}
	}
}

func TestSettings(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	if _, err := s.Setting(ctx, "b", "cors"); !errors.Is(err, ErrNoSetting) {
		t.Errorf("unset: %v", err)
	}
	for _, document := range []string{"one", "two"} {
		if err := s.PutSetting(ctx, "b", "cors", document); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Setting(ctx, "b", "cors"); got != document || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := s.Setting(ctx, "b", "tagging"); !errors.Is(err, ErrNoSetting) {
		t.Errorf("other: %v", err)
	}
	if err := s.PutSetting(ctx, "b", "cors", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Setting(ctx, "b", "cors"); !errors.Is(err, ErrNoSetting) {
		t.Errorf("removed: %v", err)
	}
	if err := s.PutSetting(ctx, "b", "cors", "three"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.DeleteBucket(ctx, "b"), s.CreateBucket(ctx, "b")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Setting(ctx, "b", "cors"); !errors.Is(err, ErrNoSetting) {
		t.Errorf("inherited: %v", err)
	}
	for name, err := range map[string]error{
		"setting": second(s.Setting(ctx, "x", "cors")), "put": s.PutSetting(ctx, "x", "cors", "d"),
		"versioning": s.SetVersioning(ctx, "x", Enabled), "list": second(s.ListVersions(ctx, "x", VersionQuery{})),
	} {
		if !errors.Is(err, ErrNoSuchBucket) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// More first readers at once than there are sessions: none waits for a second.
func TestManyFirstReaders(t *testing.T) {
	s := newStore(t)
	put(t, s, "k", "x")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var wg sync.WaitGroup
	for i := range 8 * maxReaders {
		wg.Go(func() {
			_, err := s.Setting(t.Context(), "b", "cors")
			if i%2 == 0 {
				_, err = s.ListVersions(t.Context(), "b", VersionQuery{Limit: 1})
			}
			if err != nil && !errors.Is(err, ErrNoSetting) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
