package space

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ReserveFile is the name of the file whose blocks are the reserve.
const ReserveFile = "reserve"

// The reserve is 32 MiB, or a sixteenth of a file system that is small. A change
// takes some 20 KiB of the logs of the databases, which are used again: what is
// held is good for as many changes as come.
const (
	maxReserve = 32 << 20
	minReserve = 256 << 10
	steps      = 8
	block      = 4 << 10
)

// reserve is a file of allocated blocks. Several processes may shrink it: the
// server, and the commands beside it. Only the server makes it grow.
type reserve struct {
	path string
	size int64 // bytes, when whole
	step int64 // bytes given back at once
}

func newReserve(dir string, total int64) reserve {
	size := max(min(maxReserve, total/16), minReserve) / (steps * block) * (steps * block)
	return reserve{path: filepath.Join(dir, ReserveFile), size: size, step: size / steps}
}

// held returns the bytes that are allocated.
func (r *reserve) held() int64 {
	info, err := os.Lstat(r.path)
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return min(info.Size(), s.Blocks*512) //nolint:unconvert // differs between systems
	}
	return info.Size()
}

// grow makes the reserve whole.
func (r *reserve) grow() (err error) {
	f, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = allocate(f, r.size)
	if errors.Is(err, errors.ErrUnsupported) {
		err = fill(f, r.size)
	}
	if err != nil {
		// Half of a reserve is kept: the length is made to be what is allocated.
		return errors.Join(err, f.Truncate(r.held()/block*block))
	}
	return f.Sync()
}

// fill writes what no file system can make smaller.
func fill(f *os.File, size int64) error {
	at, err := f.Seek(0, 2)
	buf := make([]byte, 64<<10)
	for at < size && err == nil {
		_, _ = rand.Read(buf) // never fails
		var n int
		n, err = f.Write(buf[:min(int64(len(buf)), size-at)])
		at += int64(n)
	}
	return err
}

// shrink gives back a step, unless no more than keep is held then.
func (r *reserve) shrink(keep int64) (given bool, err error) {
	f, err := os.OpenFile(r.path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 || info.Size()-r.step < keep {
		return false, err
	}
	if err := f.Truncate(max(info.Size()-r.step, 0)); err != nil {
		return false, err
	}
	// Some file systems reuse blocks only when it is durable that they are free.
	return true, f.Sync()
}
