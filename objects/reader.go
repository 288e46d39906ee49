package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Get finds an object and opens it. The reader sees this version to its end,
// whatever becomes of the key, and must be closed.
func (s *Store) Get(ctx context.Context, ref Ref) (Object, *Reader, error) {
	for last := ""; ; {
		o, err := s.find(ctx, ref)
		if err != nil {
			return Object{}, nil, err
		}
		r, err := s.openObject(o)
		if err == nil {
			return o.Object, r, nil
		}
		// Removed between the look-up and the opening: look again. The index
		// forgets before files go, so a file missing twice is a lost file.
		if !errors.Is(err, fs.ErrNotExist) || o.Parts[0].blob == last {
			return Object{}, nil, fmt.Errorf("open object: %w", err)
		}
		last = o.Parts[0].blob
	}
}

func (s *Store) openObject(o *stored) (*Reader, error) {
	r := &Reader{store: s, extents: o.Parts, size: o.Size, inline: o.inline}
	if pinName(o.Parts) == "" {
		return r, nil
	}
	if !s.pins.add(o.Parts) {
		return nil, fs.ErrNotExist
	}
	if err := r.open(0); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// Reader reads an object across the files of its parts. It is not safe for
// concurrent use.
type Reader struct {
	store   *Store
	extents []Extent
	size    int64
	offset  int64
	inline  []byte // the whole object, if it has no files

	file   *os.File // of extents[index], nil when none is open
	index  int
	closed bool
}

// Size is the number of bytes of the object.
func (r *Reader) Size() int64 { return r.size }

// Close ends reading.
func (r *Reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if pinName(r.extents) == "" {
		return nil
	}
	var err error
	if r.file != nil {
		err = r.file.Close()
		r.file = nil
	}
	r.store.unlinkAll(r.store.pins.release(r.extents))
	return err
}

func (s *Store) unlinkAll(extents []Extent) {
	if extents != nil {
		s.unlink(extents)
	}
}

// open makes extent i the open one.
func (r *Reader) open(i int) error {
	if r.file != nil && r.index == i {
		return nil
	}
	f, err := os.Open(r.store.blobPath(r.extents[i].blob))
	if err != nil {
		return err
	}
	if r.file != nil {
		_ = r.file.Close()
	}
	r.file, r.index = f, i
	return nil
}

// Check tells, without reading, whether the files have all the bytes of a range,
// so that nobody is promised what cannot be sent.
func (r *Reader) Check(offset, length int64) error {
	start := int64(0)
	for i, e := range r.extents {
		if e.blob != "" && start < offset+length && start+e.Size > offset {
			if err := r.checkFile(i); err != nil {
				return fmt.Errorf("check object: %w", err)
			}
		}
		start += e.Size
	}
	return nil
}

func (r *Reader) checkFile(i int) (err error) {
	var info fs.FileInfo
	e := &r.extents[i]
	if r.file != nil && r.index == i {
		info, err = r.file.Stat()
	} else {
		info, err = os.Stat(r.store.blobPath(e.blob))
	}
	if err == nil && info.Size() < e.Size {
		err = fmt.Errorf("file %s has %d bytes, not %d", e.blob, info.Size(), e.Size)
	}
	return err
}

// Seek implements io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek to %d: before the beginning", offset)
	}
	r.offset = offset
	return offset, nil
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if len(r.inline) > 0 && !r.closed {
		rest := r.inline[min(r.offset, r.size):]
		n := copy(p, rest)
		r.offset += int64(n)
		if n == 0 && len(p) > 0 {
			return 0, io.EOF
		}
		return n, nil
	}
	f, left, err := r.position()
	if err != nil {
		return 0, err
	}
	if int64(len(p)) > left {
		p = p[:left]
	}
	n, err := f.Read(p)
	r.offset += int64(n)
	if err == io.EOF { //nolint:errorlint // os.File returns it bare
		err = io.ErrUnexpectedEOF // the index says there is more
	}
	return n, err
}

// position opens and seeks the file that holds the current offset, and tells
// how many bytes are left in it. At the end it returns io.EOF.
func (r *Reader) position() (*os.File, int64, error) {
	if r.closed {
		return nil, 0, os.ErrClosed
	}
	start := int64(0)
	for i, e := range r.extents {
		if r.offset >= start+e.Size {
			start += e.Size
			continue
		}
		if err := r.open(i); err != nil {
			return nil, 0, err
		}
		if _, err := r.file.Seek(r.offset-start, io.SeekStart); err != nil {
			return nil, 0, err
		}
		return r.file, start + e.Size - r.offset, nil
	}
	return nil, 0, io.EOF
}

// CopyRange writes length bytes from offset to w. It hands w the files
// themselves, so that a network connection can take them without a copy.
func (r *Reader) CopyRange(w io.Writer, offset, length int64) (written int64, err error) {
	if _, err := r.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	if len(r.inline) > 0 && !r.closed {
		return r.writeInline(w, length)
	}
	for written < length {
		f, left, err := r.position()
		if err != nil {
			return written, unexpected(err)
		}
		n, err := io.CopyN(w, f, min(left, length-written))
		written += n
		r.offset += n
		if err != nil {
			return written, unexpected(err)
		}
	}
	return written, nil
}

func (r *Reader) writeInline(w io.Writer, length int64) (int64, error) {
	from := min(r.offset, r.size)
	length = max(length, 0)
	n, err := w.Write(r.inline[from:min(from+length, r.size)])
	r.offset += int64(n)
	if err == nil && int64(n) < length {
		err = io.ErrUnexpectedEOF
	}
	return int64(n), err
}

// WriteTo implements io.WriterTo.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	return r.CopyRange(w, r.offset, max(0, r.size-r.offset))
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
