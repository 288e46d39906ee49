package objects

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// emptyTmp removes unfinished files: there are as many at most as there were
// uploads when the last process ended.
func (s *Store) emptyTmp() error {
	tmp := filepath.Join(s.dir, "tmp")
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	return os.Mkdir(tmp, 0o700)
}

// news are the files that came or went since the store was opened, while what
// the last process left is being removed. One that comes is not in the index
// yet, and one that goes may still have readers.
type news struct {
	mu    sync.Mutex
	names map[string]bool // nil when all is removed
}

func (n *news) add(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names != nil {
		n.names[name] = true
	}
}

func (n *news) has(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names[name]
}

func (n *news) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names = nil
}

// sweep removes blobs that the index does not name: the remains of writes that
// never were acknowledged and of removals cut short. It looks at one of the 256
// directories at a time, while the store is in use: a file is in the news before
// it comes, and before the index forgets it, so that what is found in a directory,
// then not in the index, and then not in the news was there before.
func (s *Store) sweep(ctx context.Context) (removed int, err error) {
	err = orphans(ctx, s.read, s.dirs.blobs, func(path string, d fs.DirEntry) error {
		if s.news.has(d.Name()) {
			return nil
		}
		err := os.Remove(path)
		if err == nil {
			removed++
		} else if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	})
	if err == nil {
		s.news.end()
	}
	return removed, err
}

// orphans calls found for each file under blobs that the index does not name.
func orphans(ctx context.Context, index *readers, blobs string, found func(path string, d fs.DirEntry) error) error {
	dirs, err := os.ReadDir(blobs)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		path := filepath.Join(blobs, d.Name())
		if !d.IsDir() {
			err = found(path, d)
		} else {
			err = orphansIn(ctx, index, path, found)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// orphansIn lists the directory before it asks the index, so that what is
// removed meanwhile is gone from both, or is an orphan to look at again.
func orphansIn(ctx context.Context, index *readers, dir string, found func(path string, d fs.DirEntry) error) error {
	files, err := os.ReadDir(dir) // by name, as the index has them
	if err != nil {
		return err
	}
	live, err := liveBlobs(ctx, index, filepath.Base(dir))
	if err != nil {
		return err
	}
	for _, f := range files {
		for len(live) > 0 && live[0] < f.Name() {
			live = live[1:]
		}
		if len(live) > 0 && live[0] == f.Name() {
			continue
		}
		if err := found(filepath.Join(dir, f.Name()), f); err != nil {
			return err
		}
	}
	return nil
}

// liveBlobs lists the blobs of one directory that the index names, in order.
func liveBlobs(ctx context.Context, index *readers, dir string) (names []string, err error) {
	first, ok := blobID(dir + "000000000000000000000000000000")
	if !ok {
		return nil, nil // not one of ours: nothing in it is live
	}
	last, _ := blobID(dir + "ffffffffffffffffffffffffffffff")
	err = index.with(ctx, func(v *session) error {
		rows, err := v.query(`select lower(hex(name)) from blob where name between ? and ? order by name`, first[:], last[:])
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
		}
		return rows.Err()
	})
	return names, err
}

// Unfinished uploads are looked for this often.
const expireEvery = time.Hour

const defaultUploadAge = 7 * 24 * time.Hour

// background begins the work that goes on while the store is open.
func (s *Store) background(opt Options) {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.work.Go(func() {
		defer close(s.swept)
		began := time.Now()
		n, err := s.sweep(ctx)
		if opt.Log != nil && n > 0 {
			opt.Log.LogAttrs(ctx, slog.LevelInfo, "removed files that belong to no object", slog.Int("files", n), slog.Duration("took", time.Since(began)))
		}
		if opt.Log != nil && err != nil && ctx.Err() == nil {
			opt.Log.LogAttrs(ctx, slog.LevelError, "could not remove files that belong to no object", slog.Any("error", err))
		}
	})
	age := opt.UploadAge
	if age == 0 {
		age = defaultUploadAge
	}
	if age < 0 {
		return
	}
	s.work.Go(func() {
		for tick := time.NewTicker(min(expireEvery, max(age, time.Second))); ; {
			n, err := s.expire(ctx, time.Now().Add(-age))
			if opt.Log != nil && n > 0 {
				opt.Log.LogAttrs(ctx, slog.LevelInfo, "ended unfinished uploads", slog.Int("uploads", n), slog.Duration("older_than", age))
			}
			if opt.Log != nil && err != nil && ctx.Err() == nil {
				opt.Log.LogAttrs(ctx, slog.LevelError, "could not end unfinished uploads", slog.Any("error", err))
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	})
}

// expire ends the uploads that were begun before a time, and tells how many.
func (s *Store) expire(ctx context.Context, before time.Time) (ended int, err error) {
	for {
		uploads, err := s.uploadsBefore(ctx, before)
		if err != nil || len(uploads) == 0 {
			return ended, err
		}
		for _, u := range uploads {
			err := s.AbortUpload(ctx, u.Name, u.ID)
			if err != nil && !errors.Is(err, ErrNoSuchUpload) && !errors.Is(err, ErrNoSuchBucket) {
				return ended, err
			}
			if err == nil {
				ended++
			}
		}
	}
}

// uploadsBefore finds some of the uploads that were begun before a time.
func (s *Store) uploadsBefore(ctx context.Context, before time.Time) (uploads []Upload, err error) {
	err = s.read.with(ctx, func(v *session) error {
		rows, err := v.query(`select b.name, u.key, u.id from upload u join bucket b on b.id = u.bucket
			where u.created < ? limit 100`, before.UnixNano())
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var u Upload
			var key []byte
			if err := rows.Scan(&u.Bucket, &key, &u.ID); err != nil {
				return err
			}
			u.Key = string(key)
			uploads = append(uploads, u)
		}
		return rows.Err()
	})
	return uploads, err
}
