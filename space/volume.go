package space

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// ErrShort refuses an upload because too little space is free.
var ErrShort = errors.New("too little space is free")

// A look at a file system counts for this long, or until so many bytes were
// written after it.
const (
	lookEvery = 250 * time.Millisecond
	lookBytes = 16 << 20
)

// Overhead is about what an upload takes besides its bytes: rows of an index
// and its log, a directory entry, and the rest of a block.
const Overhead = 16 << 10

// Config says what a Volume is.
type Config struct {
	Dir   string // a folder of the file system
	Limit Limit  // that uploads leave free
	Log   *slog.Logger
}

// Volume is a file system that a server writes to. It is safe for concurrent
// use. A nil Volume refuses nothing and holds no reserve.
type Volume struct {
	cfg     Config
	reserve reserve

	mu      sync.Mutex
	looked  time.Time
	last    usage
	err     error // of the last look
	written int64 // bytes that uploads wrote since
	short   bool
	said    bool      // what of short is in the log
	told    time.Time // when something was last logged
	refused uint64
}

// usage is the state of a file system.
type usage struct {
	total, free int64 // bytes; free for who is not root
	inodes      bool  // at least some inodes are free, or the file system does not count them
	readOnly    bool
}

// minInodes are left free: each new object that does not fit into the index is
// a file.
const minInodes = 64

// Open returns the volume of a folder, which must be there.
func Open(cfg Config) (*Volume, error) {
	v := &Volume{cfg: cfg}
	now, err := look(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("ask for the free space of %s: %w", cfg.Dir, err)
	}
	v.last, v.looked = now, time.Now()
	v.reserve = newReserve(cfg.Dir, now.total)
	return v, nil
}

// Same reports whether two folders are on one file system.
func Same(a, b string) bool {
	first, err1 := os.Stat(a)
	second, err2 := os.Stat(b)
	if err1 != nil || err2 != nil {
		return false
	}
	x, ok1 := first.Sys().(*syscall.Stat_t)
	y, ok2 := second.Sys().(*syscall.Stat_t)
	return ok1 && ok2 && x.Dev == y.Dev
}

// Existing returns the folder, or the nearest one above it that is there.
func Existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

func look(dir string) (usage, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return usage{}, err
	}
	size := int64(s.Bsize)
	return usage{
		total: int64(s.Blocks) * size, free: int64(s.Bavail) * size, //nolint:gosec // sizes of a file system
		inodes:   s.Files == 0 || s.Ffree >= minInodes,
		readOnly: s.Flags&readOnlyFlag != 0,
	}, nil
}

// readOnlyFlag is ST_RDONLY of statfs(2).
const readOnlyFlag = 1

// Admit asks before the body of an upload is taken whether there is room for
// it: size bytes, or 0 or less where that is not known. It fails with ErrShort.
//
// Nothing is set aside: an upload that is announced and does not come would keep
// others out. What arrives is counted as it is written.
func (v *Volume) Admit(size int64) error {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.within(max(size, 0) + Overhead)
}

// Spend asks before an upload writes n more bytes, and counts them. It fails
// with ErrShort.
func (v *Volume) Spend(n int) error {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.within(int64(n)); err != nil {
		return err
	}
	v.written += int64(n)
	return nil
}

// within reports whether n more bytes leave the limit free.
func (v *Volume) within(n int64) error {
	if time.Since(v.looked) > lookEvery || v.written > lookBytes {
		v.look()
	}
	limit := v.cfg.Limit.Of(v.last.total)
	if v.err == nil && (limit == 0 || v.last.inodes && v.last.free-v.written-n >= limit) {
		return nil
	}
	v.refused++
	if v.err != nil {
		return fmt.Errorf("%w: %w", ErrShort, v.err)
	}
	return fmt.Errorf("%w: %d bytes of %s, and %d are to stay free", ErrShort, v.last.free-v.written, v.cfg.Dir, limit)
}

// look asks the file system again, and says so in the log when space becomes
// short or is there again.
func (v *Volume) look() {
	v.last, v.err = look(v.cfg.Dir)
	v.looked, v.written = time.Now(), 0
	limit := v.cfg.Limit.Of(v.last.total)
	short := v.err != nil || v.last.free < limit || limit > 0 && !v.last.inodes
	// Uploads stop before the limit is passed, so it counts as reached a little
	// above it. It is over again a little higher, so that the two do not alternate.
	if margin := min(limit/8, 1<<20); !v.short {
		short = short || limit > 0 && v.last.free < limit+margin
	} else {
		short = short || limit > 0 && v.last.free < limit+2*margin
	}
	v.short = short
	if short == v.said || v.cfg.Log == nil || time.Since(v.told) < time.Second {
		return
	}
	v.said, v.told = short, time.Now()
	if short {
		v.cfg.Log.Warn("space is short: uploads are refused until objects are deleted or the disk is made larger (limit: --min-free)",
			"folder", v.cfg.Dir, "free", v.last.free, "limit", limit, "cause", text(v.err))
	} else {
		v.cfg.Log.Info("space is no longer short", "folder", v.cfg.Dir, "free", v.last.free, "limit", limit)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// State is what is known of a volume.
type State struct {
	Dir      string
	Total    int64 // bytes
	Free     int64
	Limit    int64 // that uploads leave free
	Reserve  int64 // bytes that are held for changes that must not fail
	Short    bool  // uploads are refused, or soon will be
	Full     bool  // what must not fail lives on the reserve, or would
	ReadOnly bool
	Refused  uint64 // uploads, and pieces of them, since the start
	Err      error  // the file system does not answer
}

// Tend asks the file system, makes the reserve whole when there is room for
// it, and returns what is known. It is called once a second.
func (v *Volume) Tend() State {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.look()
	held := v.reserve.held()
	if missing := v.reserve.size - held; missing > 0 && v.err == nil && !v.last.readOnly && v.last.free >= 4*missing {
		if err := v.reserve.grow(); err != nil && v.cfg.Log != nil && time.Since(v.told) > time.Minute {
			v.told = time.Now()
			v.cfg.Log.Warn("no space could be reserved for changes that must not fail", "file", v.reserve.path, "cause", err.Error())
		}
		v.look()
		held = v.reserve.held()
	}
	return State{
		Dir: v.cfg.Dir, Total: v.last.total, Free: v.last.free, Limit: v.cfg.Limit.Of(v.last.total), Reserve: held,
		Short: v.short, Full: v.last.free < v.reserve.step && held < v.reserve.size || v.last.free < 16<<10,
		ReadOnly: v.last.readOnly, Refused: v.refused, Err: v.err,
	}
}

// Use is what space of the reserve is for.
type Use uint8

// The uses of the reserve. None is no use: what uploads bring waits. What adds
// something else leaves half of the reserve to what takes something away:
// rights, keys, objects.
const (
	None Use = iota
	Adding
	Removing
)

// Relieve gives back a step of the reserve after a change has met a full disk,
// and reports whether it did.
func (v *Volume) Relieve(u Use) bool {
	if v == nil || u == None {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	keep := int64(0)
	if u == Adding {
		keep = v.reserve.size / 2
	}
	before := v.reserve.held()
	given, err := v.reserve.shrink(keep)
	v.looked = time.Time{}
	if v.cfg.Log != nil && (given || err != nil) {
		v.cfg.Log.Warn("the disk is full: space of the reserve is used for a change that must not fail",
			"file", v.reserve.path, "held", before, "step", v.reserve.step, "cause", text(err))
	}
	return given
}

// Ready gives back steps of the reserve until a program that is about to open
// its databases has the room to do so.
func (v *Volume) Ready() error {
	if v == nil {
		return nil
	}
	for {
		now, err := look(v.cfg.Dir)
		if err != nil || now.readOnly || now.free >= v.reserve.step {
			return err
		}
		if !v.Relieve(Removing) {
			return nil
		}
	}
}

// Full reports whether an error of a database or of a file is that of a full
// disk, or of one where this user may have no more.
func Full(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	if e, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		switch e.Code() {
		case sqliteFull, sqliteShmSize, sqliteWrite:
			return true
		}
	}
	return false
}

// Result codes of SQLite (sqlite.org, "Result and Error Codes"). A quota of the
// file system that is used up is an error of write(2) that SQLite has no name
// for.
const (
	sqliteFull    = 13
	sqliteShmSize = 10 | 19<<8 // the file of the WAL's index could not grow
	sqliteWrite   = 10 | 3<<8
)
