package objects

import (
	"hash/maphash"
	"sync"
)

// cacheBytes bounds what the cache holds of objects, by a rough count.
const cacheBytes = 32 << 20

const cacheShards = 16

// cache remembers current versions, so that reading them again asks no index.
//
// The writer takes out what a transaction changed before it acknowledges the
// change. A reader asks for a ticket before it reads the index, and what it
// read is put in only if nothing of its shard was taken out since: it may have
// read what was true before.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]shard
	limit  int // bytes of a generation of a shard
}

// shard keeps two generations. What is asked for moves to the young one; when
// that is full it becomes the old one, and the old one is forgotten.
type shard struct {
	mu    sync.Mutex
	young map[Name]*stored
	old   map[Name]*stored
	size  int    // of young, bytes
	taken uint64 // counts removals
}

// stored is an object with its bytes, if they are in the index. It is not
// changed once made.
type stored struct {
	Object
	inline []byte
}

func newCache(limit int) *cache {
	return &cache{seed: maphash.MakeSeed(), limit: limit / 2 / cacheShards}
}

func (c *cache) shard(name Name) *shard {
	var h maphash.Hash
	h.SetSeed(c.seed)
	_, _ = h.WriteString(name.Key)
	return &c.shards[h.Sum64()%cacheShards]
}

// ticket allows one put into the cache.
type ticket struct {
	shard *shard
	taken uint64
}

// get returns what is remembered, nil for nothing, and a ticket to put in what
// the index says.
func (c *cache) get(name Name) (*stored, ticket) {
	s := c.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.young[name]; o != nil {
		return o, ticket{}
	}
	o := s.old[name]
	if o != nil {
		delete(s.old, name)
		s.add(o, c.limit)
	}
	return o, ticket{s, s.taken}
}

// put remembers an object that was read under the ticket.
func (c *cache) put(o *stored, t ticket) {
	t.shard.mu.Lock()
	defer t.shard.mu.Unlock()
	if t.shard.taken == t.taken {
		t.shard.add(o, c.limit)
	}
}

func (s *shard) add(o *stored, limit int) {
	size := o.weight()
	if size > limit/4 {
		return // one of thousands of parts
	}
	if s.size += size; s.size > limit || s.young == nil {
		s.young, s.old, s.size = make(map[Name]*stored), s.young, size
	}
	s.young[o.Name] = o
}

// weight estimates the memory of an object in bytes.
func (o *stored) weight() int {
	n := 512 + len(o.Key) + len(o.inline) + 160*len(o.Parts)
	for _, m := range []map[string]string{o.Headers, o.User, o.Checksums, o.Tags} {
		for k, v := range m {
			n += 64 + len(k) + len(v)
		}
	}
	return n
}

// settle takes out what a transaction changed.
func (c *cache) settle(t *touched) {
	if t.every {
		for i := range c.shards {
			c.shards[i].clear()
		}
		return
	}
	for _, name := range t.keys {
		c.shard(name).remove(name)
	}
}

func (s *shard) remove(name Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	delete(s.young, name)
	delete(s.old, name)
}

func (s *shard) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	s.young, s.old, s.size = nil, nil, 0
}

// bucketCache does for buckets and their settings what cache does for objects.
type bucketCache struct {
	mu    sync.RWMutex
	known map[string]*bucketRow
	taken uint64
}

// bucketRow is a bucket with its settings. It is not changed once made.
type bucketRow struct {
	Bucket
	id       int64
	settings map[string]string
}

// maxKnownBuckets bounds the cache; beyond it is emptied.
const maxKnownBuckets = 4096

func (c *bucketCache) get(name string) (_ *bucketRow, taken uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.known[name], c.taken
}

func (c *bucketCache) put(b *bucketRow, taken uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken != taken {
		return
	}
	if c.known == nil || len(c.known) >= maxKnownBuckets {
		c.known = make(map[string]*bucketRow)
	}
	c.known[b.Name] = b
}

func (c *bucketCache) settle(t *touched) {
	if len(t.buckets) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken++
	for _, name := range t.buckets {
		delete(c.known, name)
	}
}
