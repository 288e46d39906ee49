// Package anchor notices when a path no longer leads to the file that the
// process has open: one that was replaced, moved or removed under a running
// server takes writes that are gone with it. It owns the comparison. It trusts
// that the files it is told of are open elsewhere in the process, so that the
// file system does not give their numbers to others; folders it holds itself.
package anchor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// ErrMoved is that a path does not lead to the file that is open.
var ErrMoved = errors.New("it was moved, replaced or removed while it was in use")

// File is a file or a folder as it was found once. It is safe for concurrent
// use.
type File struct {
	path   string
	folder *os.File // nil for a file

	mu sync.Mutex
	is os.FileInfo // nil while there was none
}

// Hold remembers what a path leads to, which must be there.
func Hold(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, is: info}
	if info.IsDir() {
		if f.folder, err = os.Open(path); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Beside returns the file that SQLite keeps beside one of its databases for the
// time that it is open: it may come late and be made anew.
func Beside(path string) *File { return &File{path: path} }

// Close lets a folder go.
func (f *File) Close() error {
	if f == nil || f.folder == nil {
		return nil
	}
	return f.folder.Close()
}

// Check fails with ErrMoved when the path leads elsewhere, or nowhere.
func (f *File) Check() error {
	now, err := os.Stat(f.path)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.is == nil:
		if err == nil {
			f.is = now
		}
		return nil
	case err == nil && os.SameFile(now, f.is):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case f.folder == nil && strings.HasSuffix(f.path, "-wal") && !stillOpen(f.is):
		f.is = nil
		return nil
	}
	return fmt.Errorf("%s: %w", f.path, ErrMoved)
}

// stillOpen reports whether this process has a file open. Where that cannot be
// found out the answer is yes.
func stillOpen(is os.FileInfo) bool {
	const own = "/proc/self/fd"
	fds, err := os.ReadDir(own)
	if err != nil {
		return true
	}
	for _, fd := range fds {
		if info, err := os.Stat(filepath.Join(own, fd.Name())); err == nil && os.SameFile(info, is) {
			return true
		}
	}
	return false
}
