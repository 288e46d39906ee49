package objects

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := Create(filepath.Join(t.TempDir(), "odd ?name%41"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.CreateBucket(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *Store, key, content string) Object {
	t.Helper()
	o, err := s.Put(t.Context(), Name{"b", key}, strings.NewReader(content), PutOptions{})
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	return o
}

func get(t testing.TB, s *Store, key string) string {
	t.Helper()
	return body(t, s, Ref{Name: Name{"b", key}})
}

func body(t testing.TB, s *Store, ref Ref) string {
	t.Helper()
	o, r, err := s.Get(t.Context(), ref)
	if err != nil {
		t.Fatalf("get %+v: %v", ref, err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != o.Size {
		t.Fatalf("read %+v: %d of %d bytes: %v", ref, len(b), o.Size, err)
	}
	return string(b)
}

// files lists the files under a directory of the store.
func files(t testing.TB, s *Store, under string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.dir, under), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// wantBodies checks how many bodies of objects and parts there are, in files and
// in the index, that the index names just the files there are, and that nothing
// is unfinished.
func wantBodies(t testing.TB, s *Store, want int) {
	t.Helper()
	<-s.swept
	blobs := files(t, s, "blobs")
	var inline, named int
	for _, err := range []error{
		s.read.get(t.Context(), `select count(*) from content`, nil, []any{&inline}),
		s.read.get(t.Context(), `select count(*) from blob`, nil, []any{&named}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(blobs)+inline != want || len(blobs) != named {
		t.Errorf("%d files, %d named, and %d in the index, want %d: %q", len(blobs), named, inline, want, blobs)
	}
	if got := files(t, s, "tmp"); len(got) != 0 {
		t.Errorf("unfinished files: %q", got)
	}
}

func TestBuckets(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	if err := s.CreateBucket(ctx, "b"); !errors.Is(err, ErrBucketExists) {
		t.Errorf("second create: %v", err)
	}
	if err := s.CreateBucket(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	all, err := s.Buckets(ctx)
	if err != nil || len(all) != 2 || all[0].Name != "a" || all[1].Name != "b" || all[0].Created.IsZero() {
		t.Errorf("buckets: %v, %v", all, err)
	}
	put(t, s, "k", "x")
	if err := s.DeleteBucket(ctx, "b"); !errors.Is(err, ErrBucketNotEmpty) {
		t.Errorf("delete full: %v", err)
	}
	if err := second(s.Delete(ctx, Ref{Name: Name{"b", "k"}}, Condition{})); err != nil {
		t.Fatal(err)
	}
	u, err := s.CreateUpload(ctx, Name{"b", "u"}, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutPart(ctx, u, 1, strings.NewReader("part"), PartOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteBucket(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	wantBodies(t, s, 0)
	for name, err := range map[string]error{
		"delete":        s.DeleteBucket(ctx, "b"),
		"delete object": second(s.Delete(ctx, Ref{Name: Name{"b", "k"}}, Condition{})),
		"bucket":        second(s.Bucket(ctx, "b")),
		"head":          second(s.Head(ctx, Ref{Name: Name{"b", "k"}})),
		"list":          second(s.List(ctx, "b", ListQuery{Limit: 1})),
		"uploads":       second(s.Uploads(ctx, "b", "", Marker{}, 1)),
		"upload":        second(s.CreateUpload(ctx, Name{"b", "k"}, Meta{})),
		"put":           second(s.Put(ctx, Name{"b", "k"}, strings.NewReader(""), PutOptions{})),
	} {
		if !errors.Is(err, ErrNoSuchBucket) {
			t.Errorf("%s in no bucket: %v", name, err)
		}
	}
	// A bucket of the same name starts empty.
	if err := s.CreateBucket(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Head(ctx, Ref{Name: Name{"b", "k"}}); !errors.Is(err, ErrNoSuchKey) {
		t.Errorf("head in new bucket: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestKeysAreBytes(t *testing.T) {
	s := newStore(t)
	keys := []string{
		"a", "a/", "a/b", "a//b", "/", "//", "/a", ".", "..", "./a", "../a", "a/../b", "a/./b", "a/..",
		"%41", "A", "a%2Fb", "a b", "a+b", "é", "e\u0301", "日本語", "q?x=1#y", "'()*!", `\`, "a\nb", "\x01",
		"\x00", "a\x00b", "\xff\xfe", strings.Repeat("k", MaxKey), strings.Repeat("/", MaxKey), "con", "nul.txt",
		strings.Repeat("x", 300) + "/y", "%", "_", "a%", "*",
	}
	for i, k := range keys {
		put(t, s, k, fmt.Sprint("content ", i))
	}
	for i, k := range keys {
		if got, want := get(t, s, k), fmt.Sprint("content ", i); got != want {
			t.Errorf("key %q has %q, want %q", k, got, want)
		}
	}
	for _, k := range []string{"", strings.Repeat("k", MaxKey+1)} {
		if _, err := s.Put(t.Context(), Name{"b", k}, strings.NewReader(""), PutOptions{}); !errors.Is(err, ErrKeyLength) {
			t.Errorf("key of %d bytes: %v", len(k), err)
		}
	}
	wantBodies(t, s, len(keys))
	for _, k := range keys {
		if err := second(s.Delete(t.Context(), Ref{Name: Name{"b", k}}, Condition{})); err != nil {
			t.Error(err)
		}
	}
	wantBodies(t, s, 0)
}

func TestPutKeepsMeta(t *testing.T) {
	s := newStore(t)
	want := Meta{
		Headers:      map[string]string{"Content-Type": "text/plain"},
		User:         map[string]string{"who": "bulbthing é"},
		Checksums:    map[string]string{"crc32": "AAAAAA=="},
		ChecksumType: "FULL_OBJECT",
	}
	opt := PutOptions{Meta: want}
	opt.Meta.Checksums = nil
	opt.Checksums = func() map[string]string { return want.Checksums }
	o, err := s.Put(t.Context(), Name{"b", "k"}, strings.NewReader("hello"), opt)
	if err != nil {
		t.Fatal(err)
	}
	if o.ETag != fmt.Sprintf("%x", md5.Sum([]byte("hello"))) || o.Size != 5 {
		t.Errorf("put answered %+v", o)
	}
	h, err := s.Head(t.Context(), Ref{Name: Name{"b", "k"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, h.Meta); diff != "" {
		t.Error(diff)
	}
	if !h.Modified.Equal(o.Modified) || h.ETag != o.ETag || h.Size != 5 {
		t.Errorf("head %+v, put %+v", h, o)
	}
}

type failing struct{ n int }

func (f *failing) Read(p []byte) (int, error) {
	if f.n <= 0 {
		return 0, errors.New("bad chunk")
	}
	n := min(len(p), f.n)
	f.n -= n
	return n, nil
}

func TestBadBodyLeavesNothing(t *testing.T) {
	s := newStore(t)
	put(t, s, "k", "old")
	for _, body := range []io.Reader{&failing{10}, &failing{1 << 20}, io.MultiReader(strings.NewReader("x"), errReader{io.ErrUnexpectedEOF})} {
		if _, err := s.Put(t.Context(), Name{"b", "k"}, body, PutOptions{}); err == nil {
			t.Error("bad body stored")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, Name{"b", "k"}, strings.NewReader("x"), PutOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if got := get(t, s, "k"); got != "old" {
		t.Errorf("object is %q", got)
	}
	wantBodies(t, s, 1)
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

func TestConditions(t *testing.T) {
	s := newStore(t)
	etag := put(t, s, "k", "x").ETag
	tests := []struct {
		key  string
		c    Condition
		want error
	}{
		{"k", Condition{IfNoneMatch: "*"}, ErrPrecondition},
		{"k", Condition{IfNoneMatch: etag}, ErrPrecondition},
		{"k", Condition{IfNoneMatch: "other"}, nil},
		{"k", Condition{IfMatch: "other"}, ErrPrecondition},
		{"k", Condition{IfMatch: etag}, nil},
		{"k", Condition{IfMatch: "*"}, nil},
		{"new", Condition{IfMatch: etag}, ErrNoSuchKey},
		{"new", Condition{IfMatch: "*"}, ErrNoSuchKey},
		{"new", Condition{IfNoneMatch: "*"}, nil},
	}
	for _, test := range tests {
		_, err := s.Put(t.Context(), Name{"b", test.key}, strings.NewReader("x"), PutOptions{Condition: test.c})
		if !errors.Is(err, test.want) {
			t.Errorf("put %q if %+v: %v, want %v", test.key, test.c, err, test.want)
		}
	}
	if err := second(s.Delete(t.Context(), Ref{Name: Name{"b", "k"}}, Condition{IfMatch: "other"})); !errors.Is(err, ErrPrecondition) {
		t.Errorf("delete: %v", err)
	}
	wantBodies(t, s, 2)
}

// Of many writers that each want to be the first, one wins.
func TestConditionIsAtomic(t *testing.T) {
	s := newStore(t)
	var wg sync.WaitGroup
	won := make([]bool, 16)
	for i := range won {
		wg.Go(func() {
			_, err := s.Put(t.Context(), Name{"b", "k"}, strings.NewReader(fmt.Sprint(i)), PutOptions{Condition: Condition{IfNoneMatch: "*"}})
			won[i] = err == nil
			if err != nil && !errors.Is(err, ErrPrecondition) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	winner := -1
	for i, w := range won {
		if w && winner >= 0 {
			t.Errorf("%d and %d won", winner, i)
		}
		if w {
			winner = i
		}
	}
	if got := get(t, s, "k"); got != fmt.Sprint(winner) {
		t.Errorf("object is %q, winner %d", got, winner)
	}
	wantBodies(t, s, 1)
}

func TestCreateAndOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	if _, err := Open(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open nothing: %v", err)
	}
	s, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	var mode string
	if err := s.write.tx.get("pragma journal_mode", nil, []any{&mode}); err != nil || mode != "wal" {
		t.Errorf("journal %q, %v", mode, err)
	}
	if err := s.write.tx.get("pragma synchronous", nil, []any{&mode}); err != nil || mode != "2" {
		t.Errorf("synchronous %q, %v", mode, err)
	}
	if _, err := Create(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create again: %v", err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("open twice: %v", err)
	}
	if _, err := s.write.tx.exec("pragma user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.CreateBucket(t.Context(), "b"); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: %v", err)
	}
	if s, err := Open(dir); err == nil {
		_ = s.Close()
		t.Error("opened a newer schema")
	}
}

// Readers, writers and deletions of one key at once: a reader sees a whole
// version or none.
func TestConcurrent(t *testing.T) {
	s := newStore(t)
	content := func(i int) string { return strings.Repeat(string(rune('a'+i)), 9000*(i+1)) }
	var wg, readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				_, r, err := s.Get(t.Context(), Ref{Name: Name{"b", "k"}})
				if errors.Is(err, ErrNoSuchKey) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(r)
				_ = r.Close()
				if err != nil || string(b) != content(int(b[0]-'a')) {
					t.Errorf("read %d bytes: %v", len(b), err)
					return
				}
			}
		})
	}
	for i := range 4 {
		wg.Go(func() {
			for range 25 {
				if _, err := s.Put(t.Context(), Name{"b", "k"}, strings.NewReader(content(i)), PutOptions{}); err != nil {
					t.Error(err)
				}
				if i == 0 {
					if err := second(s.Delete(t.Context(), Ref{Name: Name{"b", "k"}}, Condition{})); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	close(done)
	readers.Wait()
	put(t, s, "k", "last")
	wantBodies(t, s, 1)
	if len(s.pins.set) != 0 {
		t.Errorf("pins left: %v", s.pins.set)
	}
}
