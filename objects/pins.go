package objects

import "sync"

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

// pinName is what an object goes by, "" if it has no file: of its parts only
// the last may be empty.
func pinName(extents []Extent) string {
	if len(extents) == 0 {
		return ""
	}
	return extents[0].blob
}

func (p *pins) find(extents []Extent) *pin {
	if p.set == nil {
		p.set = make(map[string]*pin)
	}
	e := p.set[pinName(extents)]
	if e == nil {
		e = &pin{}
		p.set[pinName(extents)] = e
	}
	return e
}

// add pins an object, unless its removal has begun: then it is to be looked up
// again.
func (p *pins) add(extents []Extent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.find(extents)
	if e.doomed != nil {
		return false
	}
	e.readers++
	return true
}

// release ends a pin and returns what its caller has to remove.
func (p *pins) release(extents []Extent) []Extent {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.set[pinName(extents)]
	e.readers--
	if e.readers > 0 {
		return nil
	}
	if e.doomed == nil {
		delete(p.set, pinName(extents))
	}
	return e.doomed
}

// doom marks an object for removal and tells whether to remove it now.
func (p *pins) doom(extents []Extent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.find(extents)
	e.doomed = extents
	return e.readers == 0
}

// gone forgets a removed object. From here on opening its file says that it is
// gone.
func (p *pins) gone(extents []Extent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.set, pinName(extents))
}
