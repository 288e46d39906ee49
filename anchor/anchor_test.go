package anchor

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "f"), filepath.Join(dir, "g")
	for _, p := range []string{path, other, path + "-wal"} {
		if err := os.WriteFile(p, []byte(p), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(dir, "d")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	file, err1 := Hold(path)
	held, err2 := Hold(folder)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	log := Beside(path + "-wal")
	open, err := os.Open(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	check := func(f *File, moved bool) {
		t.Helper()
		if err := f.Check(); errors.Is(err, ErrMoved) != moved || !moved && err != nil {
			t.Errorf("%s: %v, want moved: %t", f.path, err, moved)
		}
	}
	step := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(file, false)
	check(held, false)
	check(log, false)
	step(os.Rename(path, path+".old"))
	check(file, true)
	step(os.Rename(other, path)) // replaced
	check(file, true)
	step(os.Rename(path+".old", path)) // back again
	check(file, false)
	step(os.Remove(folder))
	check(held, true)
	step(os.Mkdir(folder, 0o700)) // the number of the first is not free yet
	check(held, true)
	step(os.Remove(path + "-wal"))
	check(log, true) // it is open
	step(open.Close())
	check(log, false)
	step(os.WriteFile(path+"-wal", nil, 0o600))
	check(log, false)
}
