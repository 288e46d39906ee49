package objects

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Store is an open store. It is safe for concurrent use.
type Store struct {
	// Now gives the time of modification. Set it before first use.
	Now func() time.Time

	dir   string
	lock  *os.File
	read  *sql.DB
	write *writer
	dirs  directories
	pins  pins
	close sync.Once
}

// Create makes a store in dir, which is made if it is missing. It refuses a
// folder that holds a store.
func Create(dir string) (*Store, error) {
	if _, err := os.Stat(filepath.Join(dir, "index.db")); err == nil {
		return nil, fmt.Errorf("create object store: %s holds one: %w", dir, fs.ErrExist)
	}
	for _, d := range []string{dir, filepath.Join(dir, "blobs"), filepath.Join(dir, "tmp")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("create object store: %w", err)
		}
	}
	s, err := open(dir, true)
	if err != nil {
		return nil, err
	}
	for _, d := range []string{dir, filepath.Dir(s.dir)} {
		if err := syncDir(d); err != nil {
			return nil, errors.Join(fmt.Errorf("create object store: %w", err), s.Close())
		}
	}
	return s, nil
}

// Options are settings of an open store.
type Options struct {
	// UploadAge is the age at which an unfinished upload is ended: 0 means 7
	// days, less than 0 never.
	UploadAge time.Duration
	// Log is told of work in the background; nil for nobody.
	Log *slog.Logger
}

// OpenWith is Open with settings.
func OpenWith(dir string, _ Options) (*Store, error) { return Open(dir) }

// Open opens the store in dir, which must hold one, and clears away what an
// unclean end left behind. It fails with ErrInUse while another process has it.
func Open(dir string) (*Store, error) {
	if _, err := os.Stat(filepath.Join(dir, "index.db")); err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	return open(dir, false)
}

func open(dir string, create bool) (_ *Store, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	s := &Store{Now: time.Now, dir: dir}
	s.dirs.blobs = filepath.Join(dir, "blobs")
	if s.lock, err = lockFile(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("open object store %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	if s.write, err = openWriter(dir, create); err != nil {
		return nil, fmt.Errorf("open object store %s: %w", dir, err)
	}
	if s.read, err = openReaders(dir); err != nil {
		return nil, fmt.Errorf("open object store %s: %w", dir, err)
	}
	if err = s.sweep(context.Background()); err != nil {
		return nil, fmt.Errorf("sweep object store %s: %w", dir, err)
	}
	return s, nil
}

// Close ends the store. Calls in progress fail with ErrClosed or finish; open
// readers stay usable.
func (s *Store) Close() error {
	var errs []error
	s.close.Do(func() { errs = s.shut() })
	return errors.Join(errs...)
}

func (s *Store) shut() (errs []error) {
	if s.write != nil {
		errs = append(errs, s.write.close())
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close()) // releases the lock
	}
	return errs
}

// Ping tells whether the index answers.
func (s *Store) Ping(ctx context.Context) error { return s.read.PingContext(ctx) }

// lockFile takes the lock that keeps a second process out: two would sweep
// each other's files.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	return f, nil
}

// sweep removes unfinished files and blobs that the index does not name: the
// remains of writes that never were acknowledged and of removals cut short.
func (s *Store) sweep(ctx context.Context) error {
	tmp := filepath.Join(s.dir, "tmp")
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	live, err := s.liveBlobs(ctx)
	if err != nil {
		return err
	}
	return filepath.WalkDir(s.dirs.blobs, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if id, ok := blobID(d.Name()); ok && live[id] {
			return nil
		}
		return os.Remove(path)
	})
}

// liveBlobs is the set of all blobs that the index names, 16 bytes each.
func (s *Store) liveBlobs(ctx context.Context) (map[[16]byte]bool, error) {
	live := make(map[[16]byte]bool)
	add := func(name string) {
		if id, ok := blobID(name); ok {
			live[id] = true
		}
	}
	rows, err := s.read.QueryContext(ctx, `select extents from object union all
		select blob from part`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if _, ok := blobID(text); ok || text == "" {
			add(text)
			continue
		}
		extents, err := decodeExtents(text)
		if err != nil {
			return nil, err
		}
		for _, e := range extents {
			add(e.blob)
		}
	}
	return live, rows.Err()
}

func blobID(name string) (id [16]byte, ok bool) {
	if len(name) != 2*len(id) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(name))
	return id, err == nil
}

func randomName() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
