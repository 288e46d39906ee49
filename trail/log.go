package trail

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/thingpass/thingpass/policy"
)

// log is a queue of encoded records in chunks of memory that hold no pointers,
// with the sources of their policies, each once. An entry is
//
//	size of the rest | time (8) | size of the id | id | count | number of each source | record
//
// A chunk is only added to, never written over, so that what was read from it
// stays true.
type log struct {
	maxCount, maxBytes int

	count  int // records
	bytes  int // capacity of the chunks, and the sources
	chunks [][]byte
	head   int // in the first chunk, where the oldest entry is

	held   map[*policy.Source]*holding
	byID   map[uint64]*holding
	lastID uint64
}

// holding is a source with how many records refer to it.
type holding struct {
	source  *policy.Source
	id      uint64
	records int
}

const (
	chunkSize    = 16 << 10
	holdingBytes = 160 // of a holding in both maps, besides the source
	entryBytes   = 48  // of an entry at most, besides id, sources and record
)

// entry is one that was read.
type entry struct {
	at      int64 // Unix time in nanoseconds
	id      []byte
	sources []byte // count and numbers
	record  []byte
}

// add writes a record at the end, and drops from the beginning what is older than
// oldest or has no room any more. A record that is larger than the log is dropped
// itself.
func (l *log) add(id string, at, oldest time.Time, e *encoder) {
	size := entryBytes + len(id) + len(e.sources)*binary.MaxVarintLen64 + len(e.out)
	most := size
	for _, s := range e.sources {
		most += s.Bytes() + holdingBytes
	}
	if most > l.maxBytes {
		return
	}
	for l.count > 0 && (l.count == l.maxCount || l.bytes+l.growth(size, e.sources) > l.maxBytes || l.oldest() < oldest.UnixNano()) {
		l.drop()
	}
	if !l.fits(size) {
		l.chunks = append(l.chunks, make([]byte, 0, l.chunk(size)))
		l.bytes += l.chunk(size)
	}
	last := &l.chunks[len(l.chunks)-1]
	*last = l.write(*last, id, at, e)
	l.count++
}

// write appends an entry to a chunk that has the room.
func (l *log) write(chunk []byte, id string, at time.Time, e *encoder) []byte {
	var front [entryBytes]byte
	rest := binary.LittleEndian.AppendUint64(front[:0], uint64(at.UnixNano()))
	rest = binary.AppendUvarint(rest, uint64(len(id)))
	sources := binary.AppendUvarint(make([]byte, 0, 64), uint64(len(e.sources)))
	for _, s := range e.sources {
		sources = binary.AppendUvarint(sources, l.hold(s))
	}
	chunk = binary.AppendUvarint(chunk, uint64(len(rest)+len(id)+len(sources)+len(e.out)))
	chunk = append(append(chunk, rest...), id...)
	return append(append(chunk, sources...), e.out...)
}

func (l *log) chunk(size int) int { return max(size, min(chunkSize, l.maxBytes/4)) }

func (l *log) fits(size int) bool {
	if len(l.chunks) == 0 {
		return false
	}
	last := l.chunks[len(l.chunks)-1]
	return cap(last)-len(last) >= size
}

// growth is by how much the log would grow with a record.
func (l *log) growth(size int, sources []*policy.Source) (n int) {
	if !l.fits(size) {
		n = l.chunk(size)
	}
	for _, s := range sources {
		if l.held[s] == nil {
			n += s.Bytes() + holdingBytes
		}
	}
	return n
}

// hold counts a record that refers to a source, and returns the source's number.
func (l *log) hold(s *policy.Source) uint64 {
	h := l.held[s]
	if h == nil {
		if l.held == nil {
			l.held, l.byID = map[*policy.Source]*holding{}, map[uint64]*holding{}
		}
		l.lastID++
		h = &holding{source: s, id: l.lastID}
		l.held[s], l.byID[h.id] = h, h
		l.bytes += s.Bytes() + holdingBytes
	}
	h.records++
	return h.id
}

// oldest is the time of the oldest record; there is one.
func (l *log) oldest() int64 {
	e, _ := readEntry(l.chunks[0][l.head:])
	return e.at
}

// drop drops the oldest record; there is one.
func (l *log) drop() {
	e, size := readEntry(l.chunks[0][l.head:])
	for id := range e.sourceNumbers {
		h := l.byID[id]
		if h.records--; h.records == 0 {
			delete(l.byID, id)
			delete(l.held, h.source)
			l.bytes -= h.source.Bytes() + holdingBytes
		}
	}
	l.count--
	if l.head += size; l.head == len(l.chunks[0]) {
		l.bytes -= cap(l.chunks[0])
		l.chunks = slices.Delete(l.chunks, 0, 1)
		l.head = 0
	}
}

// readEntry reads the entry at the beginning of b, and returns its size.
func readEntry(b []byte) (e entry, size int) {
	n, front := binary.Uvarint(b)
	size = front + int(n) //nolint:gosec // as it was written
	b = b[front:size]
	e.at = int64(binary.LittleEndian.Uint64(b)) //nolint:gosec // as it was written
	n, front = binary.Uvarint(b[8:])
	b = b[8+front:]
	e.id, b = b[:n], b[n:]
	at := 0
	for range e.numbers(b, &at) {
	}
	e.sources, e.record = b[:at], b[at:]
	return e, size
}

// numbers gives the numbers of the sources, and counts the bytes that they take.
func (e *entry) numbers(b []byte, at *int) func(func(uint64) bool) {
	return func(yield func(uint64) bool) {
		count, n := binary.Uvarint(b)
		*at = n
		for range count {
			id, n := binary.Uvarint(b[*at:])
			if *at += n; !yield(id) {
				return
			}
		}
	}
}

func (e *entry) sourceNumbers(yield func(uint64) bool) {
	at := 0
	e.numbers(e.sources, &at)(yield)
}

// snapshot is a log as it was.
type snapshot struct {
	chunks  [][]byte
	head    int
	sources map[uint64]*policy.Source
}

func (l *log) snapshot() snapshot {
	s := snapshot{chunks: slices.Clone(l.chunks), head: l.head, sources: make(map[uint64]*policy.Source, len(l.byID))}
	for id, h := range l.byID {
		s.sources[id] = h.source
	}
	return s
}

// all gives the entries, the oldest first.
func (s *snapshot) all(yield func(entry) bool) {
	at := s.head
	for _, chunk := range s.chunks {
		for at < len(chunk) {
			e, size := readEntry(chunk[at:])
			if at += size; !yield(e) {
				return
			}
		}
		at = 0
	}
}

// record decodes an entry.
func (s *snapshot) record(e entry) *Record {
	d := decoder{in: e.record}
	for id := range e.sourceNumbers {
		d.sources = append(d.sources, s.sources[id])
	}
	return d.decode(string(e.id))
}
