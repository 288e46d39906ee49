package trail

import (
	"hash/maphash"
	"sync"
	"time"
)

// Defaults of a Config.
const (
	DefaultSize  = 20000
	DefaultAge   = time.Hour
	bytesPerSlot = 1536 // a record takes one KiB or so; one of a large request, or of policies of its own, more
)

// Config says how much a ring keeps. A zero field takes its default.
type Config struct {
	Size  int           // records; below zero for none
	Age   time.Duration // how long
	Bytes int           // of memory, the texts of policies included; 1.5 KiB times Size
	Now   func() time.Time
}

// Ring keeps the last records. It has three parts, so that a flood of one kind
// does not push out the others: requests that were allowed (a half), requests of
// known callers that were not (three eighths), and requests that anybody could
// send: unsigned, badly signed, or with a certificate that is not registered (an
// eighth).
//
// A nil Ring keeps nothing. A Ring may be used by any number of goroutines.
type Ring struct {
	age   time.Duration
	now   func() time.Time
	seed  maphash.Seed
	parts [3]part
}

// The parts.
const (
	allowed = iota
	denied
	unknown
)

// shards is how many locks a part has.
const shards = 8

type part [shards]shard

// shard is a queue of bounded length and size.
type shard struct {
	mu  sync.Mutex
	log log
	_   [64]byte // keeps locks off each other's cache lines
}

// New makes a ring, or nil when it would keep nothing.
func New(cfg Config) *Ring {
	if cfg.Size < 0 {
		return nil
	}
	if cfg.Size == 0 {
		cfg.Size = DefaultSize
	}
	if cfg.Age == 0 {
		cfg.Age = DefaultAge
	}
	if cfg.Bytes == 0 {
		cfg.Bytes = cfg.Size * bytesPerSlot
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Ring{age: cfg.Age, now: cfg.Now, seed: maphash.MakeSeed()}
	for i, eighths := range [...]int{allowed: 4, denied: 3, unknown: 1} {
		for j := range r.parts[i] {
			s := &r.parts[i][j]
			s.log.maxCount = max(1, cfg.Size*eighths/8/shards)
			s.log.maxBytes = cfg.Bytes * eighths / 8 / shards
		}
	}
	return r
}

// encoders are those that are not in use.
var encoders = sync.Pool{New: func() any { return &encoder{out: make([]byte, 0, 4<<10)} }}

// Keep remembers what a record says now; the record is the caller's again when it
// returns. It never waits for anything but a short lock. Of a part that is full the
// oldest record goes.
func (r *Ring) Keep(rec *Record) {
	if r == nil || rec == nil {
		return
	}
	p := allowed
	switch {
	case rec.stranger():
		p = unknown
	case rec.Denied():
		p = denied
	}
	e := encoders.Get().(*encoder)
	e.encode(rec)
	s := &r.parts[p][r.shard(rec.ID)]
	s.mu.Lock()
	s.log.add(rec.ID, rec.At, rec.At.Add(-r.age), e)
	s.mu.Unlock()
	e.release()
}

func (r *Ring) shard(id string) int {
	return int(maphash.String(r.seed, id) % shards) //nolint:gosec // below shards
}

// Find returns the record of a request id, unless it is too old.
func (r *Ring) Find(id string) (*Record, bool) {
	if r == nil || id == "" {
		return nil, false
	}
	j := r.shard(id)
	for i := range r.parts {
		for rec := range r.parts[i][j].records(id) {
			if !r.stale(rec) {
				return rec, true
			}
		}
	}
	return nil, false
}

// Each gives all records that are not too old to yield, until it answers false.
// The order is that of time within a shard, and nothing else: sort.
func (r *Ring) Each(yield func(*Record) bool) {
	if r == nil {
		return
	}
	for i := range r.parts {
		for j := range r.parts[i] {
			for rec := range r.parts[i][j].records("") {
				if !r.stale(rec) && !yield(rec) {
					return
				}
			}
		}
	}
}

// Bytes is how much memory the records take.
func (r *Ring) Bytes() (n int) {
	if r == nil {
		return 0
	}
	for i := range r.parts {
		for j := range r.parts[i] {
			s := &r.parts[i][j]
			s.mu.Lock()
			n += s.log.bytes
			s.mu.Unlock()
		}
	}
	return n
}

// Age is how old a record may be.
func (r *Ring) Age() time.Duration {
	if r == nil {
		return 0
	}
	return r.age
}

func (r *Ring) stale(rec *Record) bool { return r.now().Sub(rec.At) > r.age }

// records gives the records with an id, or all for "". The lock is not held
// meanwhile.
func (s *shard) records(id string) func(func(*Record) bool) {
	return func(yield func(*Record) bool) {
		s.mu.Lock()
		seen := s.log.snapshot()
		s.mu.Unlock()
		for at := range seen.all {
			if (id == "" || string(at.id) == id) && !yield(seen.record(at)) {
				return
			}
		}
	}
}
