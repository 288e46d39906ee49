package server

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// condition is something that must be so for changes to be taken.
type condition struct {
	broken string // says that it is not so
	ask    func(context.Context) error
	every  time.Duration // while it is so; else every second

	asked time.Time
	err   error
}

// conditions watch whether changes are taken. /readyz reads what was found last:
// it never writes.
type conditions struct {
	log *slog.Logger
	mu  sync.Mutex
	all []*condition
}

// Where files are is asked every second. Whether a change is taken is tried less
// often, because it waits for the disk and wears it.
const (
	placeEvery = time.Second
	writeEvery = 30 * time.Second
	askLimit   = 15 * time.Second
)

// conditions lists what the stores need to take changes.
func (s *Server) conditions() *conditions {
	inPlace := func(moved func() error) func(context.Context) error {
		return func(context.Context) error { return moved() }
	}
	return &conditions{log: s.cfg.Log, all: []*condition{
		{broken: "the file of the database was moved, replaced or removed while the server runs: changes are refused", ask: inPlace(s.db.Moved), every: placeEvery},
		{broken: "the index or a folder of the object store was moved, replaced or removed while the server runs: changes are refused", ask: inPlace(s.objects.Moved), every: placeEvery},
		{broken: "the database takes no changes", ask: s.db.Writable, every: writeEvery},
		{broken: "the object store takes no changes", ask: s.objects.Writable, every: writeEvery},
	}}
}

// watch asks until ctx is done.
func (c *conditions) watch(ctx context.Context) {
	for tick := time.NewTicker(placeEvery); ; {
		c.ask(ctx)
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

// ask asks what is due, and logs what has changed.
func (c *conditions) ask(ctx context.Context) {
	for _, is := range c.all {
		if is.err == nil && time.Since(is.asked) < is.every-placeEvery/2 {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, askLimit)
		err := is.ask(limited)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if is.asked = time.Now(); err != nil && is.err == nil {
			c.log.Error(is.broken, "cause", err.Error())
		} else if err == nil && is.err != nil {
			c.log.Info("no longer so: " + is.broken)
		}
		c.mu.Lock()
		is.err = err
		c.mu.Unlock()
	}
}

// broken lists what is not so.
func (c *conditions) broken() (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, is := range c.all {
		if is.err != nil {
			out = append(out, is.broken)
		}
	}
	return out
}
