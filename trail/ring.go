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
	bytesPerSlot = 8 << 10 // a record is two or three KiB; one of a large request is more
)

// Config says how much a ring keeps. A zero field takes its default.
type Config struct {
	Size  int           // records; below zero for none
	Age   time.Duration // how long
	Bytes int           // estimated, policies not counted: those are shared; 8 KiB times Size
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

// shard is a queue of bounded length: the oldest record is at head.
type shard struct {
	mu       sync.Mutex
	slots    []*Record
	head     int
	count    int
	bytes    int
	maxBytes int
	_        [64]byte // keeps locks off each other's cache lines
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
			s.slots = make([]*Record, max(1, cfg.Size*eighths/8/shards))
			s.maxBytes = cfg.Bytes * eighths / 8 / shards
		}
	}
	return r
}

// Keep remembers a record, which must not change any more. It never waits for
// anything but a short lock. Of a part that is full the oldest record goes.
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
	rec.bytes = rec.size()
	size, oldest := rec.bytes, rec.At.Add(-r.age)
	s := &r.parts[p][r.shard(rec.ID)]
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.count > 0 && (s.count == len(s.slots) || s.bytes+size > s.maxBytes || s.slots[s.head].At.Before(oldest)) {
		s.bytes -= s.slots[s.head].bytes
		s.slots[s.head] = nil
		s.head = (s.head + 1) % len(s.slots)
		s.count--
	}
	if size > s.maxBytes {
		return
	}
	s.slots[(s.head+s.count)%len(s.slots)] = rec
	s.count++
	s.bytes += size
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
		for _, rec := range r.parts[i][j].list() {
			if rec.ID == id && !r.stale(rec) {
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
			for _, rec := range r.parts[i][j].list() {
				if !r.stale(rec) && !yield(rec) {
					return
				}
			}
		}
	}
}

// Age is how old a record may be.
func (r *Ring) Age() time.Duration {
	if r == nil {
		return 0
	}
	return r.age
}

func (r *Ring) stale(rec *Record) bool { return r.now().Sub(rec.At) > r.age }

// list copies the queue, so that nobody is called with the lock held.
func (s *shard) list() []*Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Record, 0, s.count)
	for i := range s.count {
		out = append(out, s.slots[(s.head+i)%len(s.slots)])
	}
	return out
}
