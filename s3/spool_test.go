package s3

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/wire"
)

// TestSpoolBounds: what waits on disk is bounded, in all and for each principal,
// and what is over makes room.
func TestSpoolBounds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "uploads")
	sp := &spools{dir: dir, all: quota{3, 25}, each: quota{2, 15}}
	full := func(user, body string) {
		t.Helper()
		_, err := sp.keep(user, strings.NewReader(body))
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Status != 503 || e.Code != "SlowDown" {
			t.Errorf("%s %d: %v", user, len(body), err)
		}
	}
	keep := func(user, body string) *spooled {
		t.Helper()
		s, err := sp.keep(user, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if read, err := io.ReadAll(s); err != nil || string(read) != body || s.length != int64(len(body)) {
			t.Errorf("%q %d %v", read, s.length, err)
		}
		return s
	}
	one := keep("a", "0123456789")
	full("a", "0123456789")
	two := keep("a", "01234")
	full("a", "")
	three := keep("b", "0123456789")
	full("c", "")
	for _, s := range []*spooled{one, two} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	full("b", "012345")
	full("c", "0123456789012345")
	four := keep("c", "012345678901234")
	full("b", "1")
	failing := io.MultiReader(strings.NewReader(""), failingReader{})
	if err := four.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sp.keep("c", failing); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
	if err := three.Close(); err != nil {
		t.Fatal(err)
	}
	if sp.used != (quota{}) || len(sp.users) != 0 {
		t.Errorf("left: %+v %+v", sp.used, sp.users)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
