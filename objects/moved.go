package objects

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/thingpass/thingpass/anchor"
	"github.com/thingpass/thingpass/space"
)

// ErrMoved is that the index or the folders of files are not where they were
// when the store was opened: what is written then is gone with the next start.
var ErrMoved = anchor.ErrMoved

// hold remembers which files and folders are in use.
func (s *Store) hold() error {
	index := filepath.Join(s.dir, indexName)
	for _, path := range []string{index, s.dirs.blobs, filepath.Join(s.dir, "tmp")} {
		f, err := anchor.Hold(path)
		if err != nil {
			return err
		}
		s.files = append(s.files, f)
	}
	s.files = append(s.files, anchor.Beside(index+"-wal"))
	s.write.moved.Store(&s.files)
	return nil
}

// Moved fails with ErrMoved when the paths of the store lead elsewhere.
func (s *Store) Moved() error { return moved(s.files) }

func moved(files []*anchor.File) error {
	for _, f := range files {
		if err := f.Check(); err != nil {
			return err
		}
	}
	return nil
}

// admit asks, before the body of an upload is taken, whether it could be stored.
func (s *Store) admit(length int64) error {
	if err := s.Moved(); err != nil {
		return err
	}
	return s.space.Admit(length)
}

// Writable reports whether the store takes changes, by making a small one to the
// index, which waits for the disk, and an empty file.
func (s *Store) Writable(ctx context.Context) error {
	err := s.write.doing(ctx, space.None, func(t *tx) error {
		_, err := t.exec(`update bucket set created = created where id = (select min(id) from bucket)`)
		return err
	})
	path := filepath.Join(s.dir, "tmp", randomName())
	f, made := s.disk.create(path)
	if made == nil {
		made = errors.Join(f.Close(), s.disk.remove(path))
	}
	return wrap("see whether changes are taken", errors.Join(err, made))
}
