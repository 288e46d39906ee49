package objects

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func upload(t testing.TB, s *Store, key string, sizes ...int) (Object, []byte) {
	t.Helper()
	u, err := s.CreateUpload(t.Context(), Name{"b", key}, Meta{User: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	var chosen []Chosen
	random := rand.NewChaCha8([32]byte{1})
	for i, n := range sizes {
		content := make([]byte, n)
		_, _ = random.Read(content)
		all = append(all, content...)
		p, err := s.PutPart(t.Context(), u, 2*i+1, bytes.NewReader(content), PartOptions{})
		if err != nil {
			t.Fatal(err)
		}
		chosen = append(chosen, Chosen{Number: p.Number, ETag: p.ETag})
	}
	o, err := s.CompleteUpload(t.Context(), u.Name, u.ID, chosen, CompleteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// A client that lost the answer asks again.
	again, err := s.CompleteUpload(t.Context(), u.Name, u.ID, chosen, CompleteOptions{})
	if err != nil || again.ETag != o.ETag {
		t.Errorf("complete again: %+v, %v", again, err)
	}
	return o, all
}

func TestMultipart(t *testing.T) {
	s := newStore(t)
	put(t, s, "k", "old")
	o, want := upload(t, s, "k", MinPartSize, MinPartSize+3, 7)
	if !strings.HasSuffix(o.ETag, "-3") || o.Size != int64(len(want)) || o.User["a"] != "b" || len(o.Parts) != 3 {
		t.Errorf("completed: %+v", o)
	}
	if got := get(t, s, "k"); got != string(want) {
		t.Error("content differs")
	}
	wantBodies(t, s, 3)

	_, r, err := s.Get(t.Context(), Ref{Name: Name{"b", "k"}})
	if err != nil {
		t.Fatal(err)
	}
	// The reader keeps its version, though most of its files are not open yet.
	put(t, s, "k", "new")
	for _, at := range [][2]int{{0, 1}, {MinPartSize - 1, 2}, {MinPartSize, MinPartSize + 3}, {2 * MinPartSize, 10}, {len(want) - 1, 1}, {3, len(want) - 3}, {5, 0}} {
		var got bytes.Buffer
		n, err := r.CopyRange(&got, int64(at[0]), int64(at[1]))
		if err != nil || n != int64(at[1]) || !bytes.Equal(got.Bytes(), want[at[0]:at[0]+at[1]]) {
			t.Errorf("range %v: %d bytes, %v", at, n, err)
		}
	}
	if _, err := r.CopyRange(io.Discard, int64(len(want))-1, 2); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("range past the end: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	wantBodies(t, s, 1)
	if len(s.pins.set) != 0 {
		t.Errorf("pins left: %v", s.pins.set)
	}
}

func TestMultipartRefusals(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	name := Name{"b", "k"}
	u, err := s.CreateUpload(ctx, name, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	part := func(number int, content string) Chosen {
		t.Helper()
		p, err := s.PutPart(ctx, u, number, strings.NewReader(content), PartOptions{Checksums: func() map[string]string {
			return map[string]string{"crc32": content}
		}})
		if err != nil {
			t.Fatal(err)
		}
		return Chosen{Number: p.Number, ETag: p.ETag}
	}
	part(1, "replaced")
	one, two := part(1, "one"), part(2, "")
	wrong := one
	wrong.Checksums = map[string]string{"crc32": "other"}
	tests := []struct {
		name   string
		chosen []Chosen
		want   error
	}{
		{"none", nil, ErrInvalidPart},
		{"order", []Chosen{two, one}, ErrInvalidPartOrder},
		{"twice", []Chosen{one, one}, ErrInvalidPartOrder},
		{"unknown", []Chosen{one, {Number: 7, ETag: one.ETag}}, ErrInvalidPart},
		{"only unknown", []Chosen{{Number: 7, ETag: one.ETag}}, ErrInvalidPart},
		{"etag", []Chosen{{Number: 1, ETag: two.ETag}}, ErrInvalidPart},
		{"checksum", []Chosen{wrong}, ErrInvalidPart},
		{"small", []Chosen{one, two}, ErrEntityTooSmall},
	}
	for _, test := range tests {
		if _, err := s.CompleteUpload(ctx, name, u.ID, test.chosen, CompleteOptions{}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	if _, err := s.Head(ctx, Ref{Name: name}); !errors.Is(err, ErrNoSuchKey) {
		t.Errorf("visible before completion: %v", err)
	}
	for _, n := range []int{0, -1, MaxPart + 1} {
		if _, err := s.PutPart(ctx, u, n, strings.NewReader(""), PartOptions{}); !errors.Is(err, ErrPartNumber) {
			t.Errorf("part %d: %v", n, err)
		}
	}
	parts, err := s.Parts(ctx, u, 1, 10)
	if err != nil || len(parts) != 1 || parts[0].Number != 2 {
		t.Errorf("parts: %v, %v", parts, err)
	}
	o, err := s.CompleteUpload(ctx, name, u.ID, []Chosen{two}, CompleteOptions{Checksums: func(parts []Part) (map[string]string, string, error) {
		return map[string]string{"n": fmt.Sprint(len(parts))}, "COMPOSITE", nil
	}})
	if err != nil || o.Size != 0 || o.Checksums["n"] != "1" || get(t, s, "k") != "" {
		t.Errorf("complete with an empty part: %+v, %v", o, err)
	}
	wantBodies(t, s, 0)
	for name, err := range map[string]error{
		"abort": s.AbortUpload(ctx, name, u.ID),
		"part":  second(s.PutPart(ctx, u, 1, strings.NewReader(""), PartOptions{})),
		"other": second(s.CompleteUpload(ctx, Name{"b", "other"}, u.ID, []Chosen{two}, CompleteOptions{})),
	} {
		if !errors.Is(err, ErrNoSuchUpload) {
			t.Errorf("%s of a finished upload: %v", name, err)
		}
	}
}

func TestUploads(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	var want []string
	for _, k := range []string{"a", "p/1", "p/1", "p/2", "q"} {
		u, err := s.CreateUpload(ctx, Name{"b", k}, Meta{})
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(k, "p/") {
			want = append(want, u.Key)
		}
	}
	var got []string
	for after := (Marker{}); ; {
		page, err := s.Uploads(ctx, "b", "p/", after, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page[0].Key)
		after = Marker{page[0].Key, page[0].ID}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	page, err := s.Uploads(ctx, "b", "p/", Marker{Key: "p/1"}, 10)
	if err != nil || len(page) != 1 || page[0].Key != "p/2" {
		t.Errorf("after key alone: %v, %v", page, err)
	}
	if err := s.AbortUpload(ctx, page[0].Name, page[0].ID); err != nil {
		t.Error(err)
	}
}

// What is not permitted once its body has ended leaves nothing.
func TestPermit(t *testing.T) {
	s := newStore(t)
	refused := errors.New("refused")
	permit := func() error { return refused }
	if _, err := s.Put(t.Context(), Name{"b", "k"}, strings.NewReader("x"), PutOptions{Permit: permit}); !errors.Is(err, refused) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Head(t.Context(), Ref{Name: Name{"b", "k"}}); !errors.Is(err, ErrNoSuchKey) {
		t.Errorf("head: %v", err)
	}
	u, err := s.CreateUpload(t.Context(), Name{"b", "k"}, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutPart(t.Context(), u, 1, strings.NewReader("x"), PartOptions{Permit: permit}); !errors.Is(err, refused) {
		t.Errorf("part: %v", err)
	}
	if parts, err := s.Parts(t.Context(), u, 0, 10); err != nil || len(parts) != 0 {
		t.Errorf("parts: %v %v", parts, err)
	}
}
