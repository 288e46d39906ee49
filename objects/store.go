package objects

import (
	"context"
	"crypto/rand"
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

	"github.com/thingpass/thingpass/anchor"
	"github.com/thingpass/thingpass/space"
)

// Store is an open store. It is safe for concurrent use.
type Store struct {
	// Now gives the time of modification. Set it before first use.
	Now func() time.Time

	dir     string
	space   *space.Volume
	files   []*anchor.File // index, its log, and the folders of files
	lock    *os.File
	disk    disk
	read    *readers
	write   *writer
	cache   *cache
	buckets bucketCache
	buffers sync.Pool // of *buffer
	dirs    directories
	pins    pins
	news    news
	swept   chan struct{} // closed when nothing is left to sweep, or the store closes
	close   sync.Once
	stop    context.CancelFunc // of the work in the background
	work    sync.WaitGroup
}

// Create makes a store in dir, which is made if it is missing. It refuses a
// folder that holds a store.
func Create(dir string) (*Store, error) {
	if _, err := os.Stat(filepath.Join(dir, indexName)); err == nil {
		return nil, fmt.Errorf("create object store: %s holds one: %w", dir, fs.ErrExist)
	}
	for _, d := range []string{dir, filepath.Join(dir, "blobs"), filepath.Join(dir, "tmp")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("create object store: %w", err)
		}
	}
	s, err := open(dir, true, nil)
	if err != nil {
		return nil, err
	}
	s.news.end() // nothing was there before
	close(s.swept)
	for _, d := range []string{dir, filepath.Dir(s.dir)} {
		if err := s.disk.syncDir(d); err != nil {
			return nil, errors.Join(fmt.Errorf("create object store: %w", err), s.Close())
		}
	}
	return s, nil
}

// Options are settings of an open store.
type Options struct {
	// UploadAge is the age at which an unfinished upload is ended and its
	// parts are removed: 0 means 7 days, less than 0 never.
	UploadAge time.Duration
	// Space is the file system of the store: uploads leave its limit free, and
	// what removes something may use its reserve. nil for neither.
	Space *space.Volume
	// Log is told of work in the background; nil for nobody.
	Log *slog.Logger
}

// Open is OpenWith without settings.
func Open(dir string) (*Store, error) { return OpenWith(dir, Options{}) }

// OpenWith opens the store in dir, which must hold one, and brings its index up
// to date. What an unclean end left behind is removed while the store is in use.
// OpenWith fails with ErrInUse while another process has the store.
func OpenWith(dir string, opt Options) (*Store, error) {
	if _, err := os.Stat(filepath.Join(dir, indexName)); err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	s, err := open(dir, false, opt.Space)
	if err != nil {
		return nil, err
	}
	s.background(opt)
	return s, nil
}

func open(dir string, create bool, room *space.Volume) (_ *Store, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	s := &Store{Now: time.Now, dir: dir, space: room, disk: realDisk{}, cache: newCache(cacheBytes), stop: func() {}, swept: make(chan struct{})}
	s.news.names = make(map[string]bool)
	s.buffers.New = func() any { return new(buffer) }
	s.dirs.blobs = filepath.Join(dir, "blobs")
	if s.lock, err = lockFile(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("open object store %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	if err := s.openIndex(create); err != nil {
		return nil, fmt.Errorf("open object store %s: %w", dir, err)
	}
	if err = s.emptyTmp(); err != nil {
		return nil, fmt.Errorf("open object store %s: %w", dir, err)
	}
	if err = s.hold(); err != nil {
		return nil, fmt.Errorf("open object store %s: %w", dir, err)
	}
	return s, nil
}

func (s *Store) openIndex(create bool) (err error) {
	ctx := context.Background()
	if create {
		if err := createIndex(s.dir); err != nil {
			return err
		}
	}
	if err := closeModes(s.dir); err != nil {
		return err
	}
	if s.write, err = openWriter(ctx, s.dir, create, s.settled); err != nil {
		return err
	}
	s.write.tx.forgets, s.write.space = s.news.add, s.space
	s.read, err = openReaders(ctx, s.dir)
	return err
}

// settled takes out of memory what a transaction changed.
func (s *Store) settled(t *touched) {
	s.cache.settle(t)
	s.buckets.settle(t)
}

// Close ends the store. Calls in progress fail with ErrClosed or finish; open
// readers stay usable.
func (s *Store) Close() error {
	var errs []error
	s.close.Do(func() { errs = s.shut() })
	return errors.Join(errs...)
}

func (s *Store) shut() (errs []error) {
	s.stop()
	s.work.Wait()
	if s.write != nil {
		errs = append(errs, s.write.close())
	}
	if s.read != nil {
		errs = append(errs, s.read.close())
	}
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close()) // releases the lock
	}
	return errs
}

// Ping tells whether the index answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.read.get(ctx, "select 1", nil, []any{&one})
}

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
