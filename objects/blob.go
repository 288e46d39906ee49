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
	"os"
	"path/filepath"
	"sync"
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
func (d *directories) use(name string) (string, error) {
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
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if err := syncDir(d.blobs); err != nil {
		return "", err
	}
	d.ready[id[0]] = true
	return path, nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// blob is a file that is durable under its name, and not yet in the index.
type blob struct {
	name string // "" when there were no bytes
	size int64
	sum  []byte // MD5
}

func (b blob) etag() string { return hex.EncodeToString(b.sum) }

func (b blob) extents() []Extent {
	if b.name == "" {
		return nil
	}
	return []Extent{{Size: b.size, blob: b.name}}
}

// copyBuffers keeps the memory of uploads flat: one buffer each while it runs.
var copyBuffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// store writes body to a new blob and makes it durable. An error, of the body
// or of the disk, leaves nothing.
func (s *Store) store(ctx context.Context, body io.Reader) (_ blob, err error) {
	name := randomName()
	tmp := filepath.Join(s.dir, "tmp", name)
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return blob{}, fmt.Errorf("store object: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(tmp)
		}
	}()
	sum := md5.New()
	size, err := fill(ctx, f, sum, body)
	if err != nil {
		return blob{}, err
	}
	b := blob{size: size, sum: sum.Sum(nil)}
	if size == 0 {
		_ = f.Close()
		return b, os.Remove(tmp)
	}
	if err := f.Sync(); err != nil {
		return blob{}, fmt.Errorf("store object: %w", err)
	}
	if err := f.Close(); err != nil {
		return blob{}, fmt.Errorf("store object: %w", err)
	}
	dir, err := s.dirs.use(name)
	if err != nil {
		return blob{}, fmt.Errorf("store object: %w", err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		return blob{}, fmt.Errorf("store object: %w", err)
	}
	b.name = name
	if err := syncDir(dir); err != nil {
		s.discard(b)
		return blob{}, fmt.Errorf("store object: %w", err)
	}
	return b, nil
}

// fill copies body to f and sum. Errors of the body come back as they are.
func fill(ctx context.Context, f *os.File, sum hash.Hash, body io.Reader) (size int64, err error) {
	buf := copyBuffers.Get().(*[256 << 10]byte)
	defer copyBuffers.Put(buf)
	for {
		if err := ctx.Err(); err != nil {
			return size, err
		}
		n, readErr := readSome(body, buf[:])
		_, _ = sum.Write(buf[:n])
		if _, err := f.Write(buf[:n]); err != nil {
			return size, fmt.Errorf("store object: %w", err)
		}
		size += int64(n)
		if readErr == io.EOF { //nolint:errorlint // a wrapped io.EOF is a body cut short
			return size, nil
		}
		if readErr != nil {
			return size, readErr
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

// discard removes a blob that the index never named.
func (s *Store) discard(b blob) {
	if b.name != "" {
		_ = os.Remove(s.blobPath(b.name)) // what stays is swept at the next start
	}
}

func (s *Store) blobPath(name string) string {
	return filepath.Join(s.dirs.blobs, name[:2], name)
}

// drop removes the files of an object that the index has forgotten, at once or
// when its last reader is done.
func (s *Store) drop(extents []Extent) {
	if len(extents) == 0 || !s.pins.doom(extents) {
		return
	}
	s.unlink(extents)
}

func (s *Store) unlink(extents []Extent) {
	for _, e := range extents {
		if e.blob != "" {
			_ = os.Remove(s.blobPath(e.blob)) // what stays is swept at the next start
		}
	}
	s.pins.gone(extents)
}

// pins counts the readers of objects, so that removal waits for them: a large
// object's files are opened one after another, not all at once. An object goes
// by its first blob. One process has the folder, so memory is enough.
type pins struct {
	mu  sync.Mutex
	set map[string]*pin
}

type pin struct {
	readers int
	doomed  []Extent // to remove after the last reader; nil while in the index
}

// add pins an object, unless its removal has begun: then it is to be looked up
// again.
func (p *pins) add(extents []Extent) bool {
	if len(extents) == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set == nil {
		p.set = make(map[string]*pin)
	}
	e := p.set[extents[0].blob]
	if e == nil {
		e = &pin{}
		p.set[extents[0].blob] = e
	}
	if e.doomed != nil {
		return false
	}
	e.readers++
	return true
}

// release ends a pin and returns what its caller has to remove.
func (p *pins) release(extents []Extent) []Extent {
	if len(extents) == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.set[extents[0].blob]
	e.readers--
	if e.readers > 0 {
		return nil
	}
	if e.doomed == nil {
		delete(p.set, extents[0].blob)
	}
	return e.doomed
}

// doom marks an object for removal and tells whether to remove it now.
func (p *pins) doom(extents []Extent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set == nil {
		p.set = make(map[string]*pin)
	}
	e := p.set[extents[0].blob]
	if e == nil {
		e = &pin{}
		p.set[extents[0].blob] = e
	}
	e.doomed = extents
	return e.readers == 0
}

// gone forgets a removed object. From here on opening its file says that it is
// gone.
func (p *pins) gone(extents []Extent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.set, extents[0].blob)
}
