package objects

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestExpire(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx := t.Context()
	now := time.Now()
	var uploads []Upload
	for i := range 250 {
		s.Now = func() time.Time { return now.Add(-time.Duration(i) * time.Hour) }
		u, err := s.CreateUpload(ctx, Name{"b", "k"}, Meta{})
		if err != nil {
			t.Fatal(err)
		}
		uploads = append(uploads, u)
	}
	for _, u := range []Upload{uploads[0], uploads[249]} {
		if _, err := s.PutPart(ctx, u, 1, strings.NewReader("part"), PartOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.expire(ctx, now.Add(-100*time.Hour))
	if n != 149 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	if _, err := s.Upload(ctx, uploads[100].Name, uploads[100].ID); err != nil {
		t.Errorf("just young enough: %v", err)
	}
	if _, err := s.Upload(ctx, uploads[101].Name, uploads[101].ID); !errors.Is(err, ErrNoSuchUpload) {
		t.Errorf("too old: %v", err)
	}
	wantBodies(t, s, 1)
}

func TestExpireInBackground(t *testing.T) {
	s := newStore(t)
	s.Now = func() time.Time { return time.Now().Add(-8 * 24 * time.Hour) }
	if _, err := s.CreateUpload(t.Context(), Name{"b", "k"}, Meta{}); err != nil {
		t.Fatal(err)
	}
	left := func(opt Options) int {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if s, err = OpenWith(s.dir, opt); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
			page, err := s.Uploads(t.Context(), "b", "", Marker{}, 10)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 || time.Now().After(deadline) {
				return len(page)
			}
		}
	}
	var log bytes.Buffer
	opt := Options{UploadAge: -1, Log: slog.New(slog.NewTextHandler(&log, nil))}
	if left(opt) != 1 {
		t.Error("ended though it never is to be")
	}
	if opt.UploadAge = 9 * 24 * time.Hour; left(opt) != 1 {
		t.Error("ended early")
	}
	if opt.UploadAge = 0; left(opt) != 0 {
		t.Error("not ended")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "ended unfinished uploads") || !strings.Contains(log.String(), "uploads=1") {
		t.Errorf("log: %q", log.String())
	}
}
