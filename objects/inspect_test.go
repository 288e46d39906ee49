package objects

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func verify(t *testing.T, dir string) Report {
	t.Helper()
	i, err := Inspect(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = i.Close() }()
	var last Progress
	r, err := i.Verify(t.Context(), func(p Progress) {
		if p.Objects < last.Objects || p.Bytes < last.Bytes {
			t.Errorf("progress went back: %+v, %+v", last, p)
		}
		last = p
	})
	if err != nil || last != r.Progress {
		t.Errorf("%+v, %+v, %v", last, r.Progress, err)
	}
	return r
}

func sha(text string) map[string]string {
	sum := sha256.Sum256([]byte(text))
	return map[string]string{"sha256": base64.StdEncoding.EncodeToString(sum[:]), "unknown": "x"}
}

// filled is a store with one of each kind: objects small, large and empty,
// of parts, versions, markers, an upload.
func filled(t *testing.T) *Store {
	t.Helper()
	s := newStore(t)
	large := strings.Repeat("l", maxInline+1)
	for key, content := range map[string]string{"small": "small", "large": large, "empty": ""} {
		_, err := s.Put(t.Context(), Name{"b", key}, strings.NewReader(content), PutOptions{Meta: Meta{Checksums: sha(content), ChecksumType: "FULL_OBJECT"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	upload(t, s, "parts", MinPartSize, 3)
	if err := s.SetVersioning(t.Context(), "b", Enabled); err != nil {
		t.Fatal(err)
	}
	put(t, s, "small", "newer")
	if _, err := s.Delete(t.Context(), Ref{Name: Name{"b", "small"}}, Condition{}); err != nil {
		t.Fatal(err)
	}
	u, err := s.CreateUpload(t.Context(), Name{"b", "u"}, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutPart(t.Context(), u, 1, strings.NewReader("part"), PartOptions{Checksums: func() map[string]string { return sha("part") }}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerify(t *testing.T) {
	s := filled(t) // and in use, all the time
	r := verify(t, s.dir)
	if r.Failed != 0 || r.OrphanFiles != 0 || r.Objects != 7 || r.Bytes != MinPartSize+3+maxInline+1+14 {
		t.Errorf("%+v", r)
	}
	blobOf := func(key string, part int) string {
		o, err := s.Head(t.Context(), Ref{Name: Name{"b", key}})
		if err != nil {
			t.Fatal(err)
		}
		return s.blobPath(o.Parts[part].blob)
	}
	var part string
	if err := s.read.get(t.Context(), `select blob from part`, nil, []any{&part}); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(s.dir, "blobs", "ab", "ab"+strings.Repeat("0", 30))
	_ = os.Mkdir(filepath.Dir(orphan), 0o700)
	young := filepath.Join(s.dir, "blobs", "ab", "ab"+strings.Repeat("1", 30))
	long := time.Now().Add(-time.Hour)
	first := blobOf("parts", 0)
	if err := errors.Join(
		os.WriteFile(blobOf("large", 0), []byte(strings.Repeat("L", maxInline+1)), 0o600),
		os.Remove(first), // which must not hide the next
		os.Truncate(blobOf("parts", 1), 2),
		os.Remove(s.blobPath(part)),
		os.WriteFile(orphan, []byte("12345"), 0o600), os.Chtimes(orphan, long, long),
		os.WriteFile(young, []byte("12345"), 0o600),
		s.write.do(t.Context(), func(t *tx) error {
			_, err := t.exec(`update content set bytes = ? where bytes = ?`, []byte("sMall"), []byte("small"))
			return err
		}),
	); err != nil {
		t.Fatal(err)
	}
	r = verify(t, s.dir)
	var got []string
	for _, p := range r.Problems {
		got = append(got, fmt.Sprint(p.Bucket, "/", p.Key, " ", p.Version, " ", p.Upload != "", " ", p.Part, " ", strings.Fields(p.Text)[:2], " ", p.File))
	}
	slices.Sort(got)
	want := []string{
		"b/large null false 0 [the ETag] " + blobOf("large", 0),
		"b/large null false 0 [the sha256] " + blobOf("large", 0),
		"b/parts null false 1 [its file] " + first,
		"b/parts null false 3 [its file] " + blobOf("parts", 1),
		"b/small null false 0 [the ETag] ",
		"b/small null false 0 [the sha256] ",
		"b/u  true 1 [its file] " + s.blobPath(part),
	}
	if !slices.Equal(got, want) || r.Failed != 7 || r.Damaged != 4 {
		t.Errorf("problems:\n%s", strings.Join(got, "\n"))
	}
	if r.OrphanFiles != 1 || r.OrphanBytes != 5 || len(r.Orphans) != 1 || filepath.Join(s.dir, r.Orphans[0]) != orphan {
		t.Errorf("orphans: %+v", r)
	}
}

// What a server writes and removes during a verification is no problem.
func TestVerifyInUse(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for worker := range 3 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				name := Name{"b", fmt.Sprint(worker, i%20)}
				if _, err := s.Put(context.Background(), name, strings.NewReader(strings.Repeat(fmt.Sprint(i), maxInline)), PutOptions{}); err != nil {
					t.Error(err)
				}
				if i%3 == 0 {
					if _, err := s.Delete(context.Background(), Ref{Name: name}, Condition{}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 5 {
		if r := verify(t, s.dir); r.Failed != 0 || r.OrphanFiles != 0 {
			t.Errorf("%+v", r)
		}
	}
	cancel()
	wg.Wait()
}

func TestInspectRefusals(t *testing.T) {
	if _, err := Inspect(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := Inspect(release1(t)); err == nil || !strings.Contains(err.Error(), "schema 1") {
		t.Errorf("an earlier release: %v", err)
	}
	// After a server is gone too, and a migrated store is whole but for what the
	// fixture makes up.
	s := filled(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, s.dir); r.Failed != 0 || r.Objects != 7 {
		t.Errorf("%+v", r)
	}
	i, err := Inspect(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := i.Verify(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := i.Close(); err != nil {
		t.Error(err)
	}
}
