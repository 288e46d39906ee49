package objects

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/thingpass/thingpass/space"
)

// directories makes the 256 directories of blobs as they are first used.
type directories struct {
	blobs string
	mu    sync.Mutex
	ready [256]bool
}

// use returns the directory for blobs of this name. A process makes sure of
// each directory once, even of one it finds: the process that made it may have
// died before it was synced.
func (d *directories) use(disk disk, name string) (string, error) {
	id, ok := blobID(name)
	if !ok {
		return "", fmt.Errorf("blob name %q is not 32 hex digits", name)
	}
	path := filepath.Join(d.blobs, name[:2])
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ready[id[0]] {
		return path, nil
	}
	if err := disk.mkdir(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if err := disk.syncDir(d.blobs); err != nil {
		return "", err
	}
	d.ready[id[0]] = true
	return path, nil
}

// blob is bytes that are not in the index yet: a file that is durable under its
// name or, of a small object, the bytes.
type blob struct {
	name   string // "" when there is no file
	inline []byte // in buf
	size   int64
	sum    [md5.Size]byte
	buf    *buffer
}

func (b *blob) etag() string { return hex.EncodeToString(b.sum[:]) }

func (b *blob) extents() []Extent {
	if b.name == "" {
		return nil
	}
	return []Extent{{Size: b.size, blob: b.name}}
}

// maxInline is the largest object in bytes whose bytes are kept in the index:
// it costs one sync of the disk, a file costs three.
const maxInline = 16 << 10

// buffer keeps the memory of uploads flat: each has one while it runs.
type buffer [64 << 10]byte

// store takes the bytes of body, inline if they may be and are few, else into a
// new file, which it makes durable. An error, of the body or of the disk,
// leaves nothing. The blob is released with discard or keep.
func (s *Store) store(ctx context.Context, body io.Reader, inline int) (_ blob, err error) {
	b := blob{buf: s.buffers.Get().(*buffer)}
	defer func() {
		if err != nil {
			s.keep(&b)
		}
	}()
	n, err := readSome(body, b.buf[:])
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped io.EOF is a body cut short
		return blob{}, err
	}
	if err := ctx.Err(); err != nil {
		return blob{}, err
	}
	if whole := err != nil; whole && n <= inline {
		if err := s.space.Spend(n + space.Overhead); err != nil {
			return b, err
		}
		b.inline, b.size, b.sum = b.buf[:n], int64(n), md5.Sum(b.buf[:n])
		return b, nil
	}
	sum := md5.New()
	b.name, b.size, err = s.storeFile(ctx, &filling{space: s.space, body: body, buf: b.buf, first: n, ended: err != nil, sum: sum})
	sum.Sum(b.sum[:0])
	return b, err
}

// keep releases what a blob holds in memory.
func (s *Store) keep(b *blob) {
	s.buffers.Put(b.buf)
	b.buf, b.inline = nil, nil
}

// discard removes a blob that the index never named.
func (s *Store) discard(b *blob) {
	if b.name != "" {
		_ = s.disk.remove(s.blobPath(b.name)) // what stays is swept at the next start
	}
	s.keep(b)
}

// storeFile writes a file to tmp/, makes it durable, and then its name in
// blobs/.
func (s *Store) storeFile(ctx context.Context, from *filling) (name string, size int64, err error) {
	name = randomName()
	s.news.add(name)
	tmp := filepath.Join(s.dir, "tmp", name)
	f, err := s.disk.create(tmp)
	if err != nil {
		return "", 0, fmt.Errorf("store object: %w", err)
	}
	at := tmp
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = s.disk.remove(at)
		}
	}()
	if size, err = from.copy(ctx, f); err != nil {
		return "", 0, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return "", 0, fmt.Errorf("store object: %w", err)
	}
	dir, err := s.dirs.use(s.disk, name)
	if err != nil {
		return "", 0, fmt.Errorf("store object: %w", err)
	}
	if err := s.disk.rename(tmp, filepath.Join(dir, name)); err != nil {
		return "", 0, fmt.Errorf("store object: %w", err)
	}
	at = filepath.Join(dir, name)
	if err := s.disk.syncDir(dir); err != nil {
		return "", 0, fmt.Errorf("store object: %w", err)
	}
	return name, size, nil
}

// filling is a body whose first bytes are in the buffer already.
type filling struct {
	space *space.Volume
	body  io.Reader
	buf   *buffer
	first int  // bytes in buf
	ended bool // there are no more
	sum   hash.Hash
}

// copy writes the body to f and sum. Errors of the body come back as they are.
func (b *filling) copy(ctx context.Context, f io.Writer) (size int64, err error) {
	for n := b.first; ; {
		if err := b.space.Spend(n); err != nil {
			return size, err
		}
		_, _ = b.sum.Write(b.buf[:n])
		if _, err := f.Write(b.buf[:n]); err != nil {
			return size, fmt.Errorf("store object: %w", err)
		}
		size += int64(n)
		if b.ended {
			return size, nil
		}
		if err := ctx.Err(); err != nil {
			return size, err
		}
		n, err = readSome(b.body, b.buf[:])
		if b.ended = err == io.EOF; err != nil && !b.ended { //nolint:errorlint // as in store
			return size, err
		}
	}
}

// readSome fills buf as far as the body goes, so that small reads of the
// network do not become small writes to the disk.
func readSome(body io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = body.Read(buf[n:])
		n += m
	}
	return n, err
}

func (s *Store) blobPath(name string) string {
	return s.dirs.blobs + string(filepath.Separator) + name[:2] + string(filepath.Separator) + name
}

// drop removes the files of an object that the index has forgotten, at once or
// when its last reader is done.
func (s *Store) drop(extents []Extent) {
	if pinName(extents) == "" || !s.pins.doom(extents) {
		return
	}
	s.unlink(extents)
}

// dropEach removes blobs that are no parts of one object.
func (s *Store) dropEach(extents []Extent) {
	for i := range extents {
		s.drop(extents[i : i+1])
	}
}

func (s *Store) unlink(extents []Extent) {
	for _, e := range extents {
		if e.blob != "" {
			_ = s.disk.remove(s.blobPath(e.blob)) // what stays is swept at the next start
		}
	}
	s.pins.gone(extents)
}
