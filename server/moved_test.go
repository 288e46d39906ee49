package server_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/thingtest"
)

// TestMoved: files of the stores are moved, replaced or removed under the
// server. It acknowledges no change from then on, not even within the second that
// /readyz may take, and goes on when they are back.
func TestMoved(t *testing.T) {
	move := func(name string) (func(dir string) error, func(dir string) error) {
		return func(dir string) error { return os.Rename(filepath.Join(dir, name), filepath.Join(dir, name+".away")) },
			func(dir string) error { return os.Rename(filepath.Join(dir, name+".away"), filepath.Join(dir, name)) }
	}
	for _, tt := range []struct {
		name, file string
		replaced   bool   // by a copy
		iot, s3    bool   // which changes are refused
		ready      string // in the text
	}{
		{"database moved", "thingpass.db", false, true, false, "the file of the database was moved"},
		{"database replaced by a copy", "thingpass.db", true, true, false, "the file of the database was moved"},
		{"its log moved", "thingpass.db-wal", false, true, false, "the file of the database was moved"},
		{"index moved", "objects/index.db", false, false, true, "the index or a folder"},
		{"index replaced by a copy", "objects/index.db", true, false, true, "the index or a folder"},
		{"index's log moved", "objects/index.db-wal", false, false, true, "the index or a folder"},
		{"blobs moved", "objects/blobs", false, false, true, "the index or a folder"},
		{"tmp moved", "objects/tmp", false, false, true, "the index or a folder"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s, err := thingtest.Start(t.Context(), thingtest.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			iot := func() int {
				resp, err := s.Admin.Do(t.Context(), "iot", "POST", "/things/t", nil, []byte(`{}`))
				if err != nil {
					t.Fatal(err)
				}
				return resp.Status
			}
			s3 := func(path string, size int) int {
				resp, err := s.Admin.Do(t.Context(), "s3", "PUT", path, nil, make([]byte, size))
				if err != nil {
					t.Fatal(err)
				}
				return resp.Status
			}
			check := func(when string, iotWant, s3Want int) {
				t.Helper()
				if a, b, c := iot(), s3("/box/small", 10), s3("/box/large", 100_000); a != iotWant || b != s3Want || c != s3Want {
					t.Errorf("%s: iot %d, want %d; s3 %d and %d, want %d", when, a, iotWant, b, c, s3Want)
				}
			}
			s3("/box", 0)
			check("before", 200, 200)
			away, back := move(tt.file)
			if err := away(s.Dir); err != nil {
				t.Fatal(err)
			}
			if tt.replaced {
				content, err := os.ReadFile(filepath.Join(s.Dir, tt.file+".away"))
				if err == nil {
					err = os.WriteFile(filepath.Join(s.Dir, tt.file), content, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			want := func(refused bool) int {
				if refused {
					return 503
				}
				return 200
			}
			check("at once", want(tt.iot), want(tt.s3))
			time.Sleep(2 * time.Second)
			check("later", want(tt.iot), want(tt.s3))
			ready := func() (int, string) {
				resp, err := http.Get("http://" + s.Addresses().Ops + "/readyz")
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = resp.Body.Close() }()
				body, _ := io.ReadAll(resp.Body)
				return resp.StatusCode, string(body)
			}
			if code, body := ready(); code != 503 || !strings.Contains(body, tt.ready) {
				t.Errorf("readyz: %d %s", code, body)
			}
			if err := back(s.Dir); err != nil {
				t.Fatal(err)
			}
			check("back", 200, 200)
			time.Sleep(2 * time.Second)
			if code, body := ready(); code != 200 {
				t.Errorf("readyz when back: %d %s", code, body)
			}
			_ = s.Close()
			if n := strings.Count(log.String(), `level=ERROR msg="`+tt.ready); n != 1 {
				t.Errorf("%d lines in the log:\n%s", n, log.String())
			}
		})
	}
}
