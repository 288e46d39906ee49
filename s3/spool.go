package s3

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/thingpass/thingpass/space"
	"github.com/thingpass/thingpass/wire"
)

// spools are the bodies of unknown length that wait on disk, because no engine
// takes one: all of them, and those of each principal, have a bound.
type spools struct {
	space *space.Volume
	dir   string // made when it is needed; "" for the system's
	all   quota
	each  quota // of one principal
	mu    sync.Mutex
	used  quota
	users map[string]*quota // by their unique id; only those that have any
}

// quota is a number of files, and of the bytes in them.
type quota struct {
	files int
	bytes int64
}

func (q *quota) within(most quota) bool { return q.files <= most.files && q.bytes <= most.bytes }

// The bounds: one principal may have an object of the largest size that there
// is, and some more.
var (
	allSpools  = quota{files: 128, bytes: 16 << 30}
	eachSpools = quota{files: 16, bytes: 6 << 30}
)

// errSpoolFull is what every SDK waits and tries again on.
func errSpoolFull() error {
	return &wire.Error{Status: http.StatusServiceUnavailable, Code: "SlowDown",
		Message: "Too many uploads of unknown length wait at the moment. Please reduce your request rate, or send the length.",
		Err:     &reason{"spool-full", "too many bodies of unknown length wait for S3 engines"}}
}

// spooled is a body on disk, in a file without a name.
type spooled struct {
	*os.File
	length int64
	left   int64 // bytes that are not read yet
	of     *spools
	user   string
}

// keep writes a body to disk, and returns it at its beginning. It must be closed.
func (sp *spools) keep(user string, src io.Reader) (*spooled, error) {
	s := &spooled{of: sp, user: user}
	if !sp.take(user, quota{files: 1}) {
		return nil, errSpoolFull()
	}
	err := s.fill(src)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *spooled) fill(src io.Reader) (err error) {
	if err := s.of.space.Admit(0); err != nil {
		return err
	}
	if s.of.dir != "" {
		if err := os.MkdirAll(s.of.dir, 0o700); err != nil {
			return err
		}
	}
	if s.File, err = os.CreateTemp(s.of.dir, "thingpass-upload-*"); err != nil {
		return err
	}
	if err := os.Remove(s.Name()); err != nil {
		return err
	}
	if _, err := io.Copy(meteredFile{s}, src); err != nil {
		return err
	}
	s.left = s.length
	_, err = s.Seek(0, io.SeekStart)
	return err
}

// Read returns the last bytes together with io.EOF, as sigv4.Body does.
func (s *spooled) Read(p []byte) (int, error) {
	n, err := s.File.Read(p)
	if s.left -= int64(n); s.left <= 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Close gives the file and its share of the bounds up.
func (s *spooled) Close() error {
	s.of.give(s.user, quota{1, s.length})
	if s.File == nil {
		return nil
	}
	return s.File.Close()
}

// meteredFile takes bytes while there may be more. It has no other way to write,
// as a file has.
type meteredFile struct{ to *spooled }

func (m meteredFile) Write(p []byte) (int, error) {
	if !m.to.of.take(m.to.user, quota{bytes: int64(len(p))}) {
		return 0, errSpoolFull()
	}
	if err := m.to.of.space.Spend(len(p)); err != nil {
		m.to.of.give(m.to.user, quota{bytes: int64(len(p))})
		return 0, err
	}
	m.to.length += int64(len(p))
	return m.to.Write(p)
}

// take counts q in if that is within the bounds.
func (sp *spools) take(user string, q quota) bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	own := sp.users[user]
	if own == nil {
		own = &quota{}
	}
	all, mine := quota{sp.used.files + q.files, sp.used.bytes + q.bytes}, quota{own.files + q.files, own.bytes + q.bytes}
	if !all.within(sp.all) || !mine.within(sp.each) {
		return false
	}
	if sp.users == nil {
		sp.users = map[string]*quota{}
	}
	sp.used, *own, sp.users[user] = all, mine, own
	return true
}

// give counts q out.
func (sp *spools) give(user string, q quota) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	own := sp.users[user]
	sp.used.files, sp.used.bytes = sp.used.files-q.files, sp.used.bytes-q.bytes
	if own.files, own.bytes = own.files-q.files, own.bytes-q.bytes; own.files == 0 {
		delete(sp.users, user)
	}
}
