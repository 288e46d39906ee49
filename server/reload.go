package server

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// reloadEvery is how often the files behind a reloaded value are looked at.
const reloadEvery = time.Second

// reloaded is a value read from files, and read again when they change. A
// version that cannot be read is logged and the one before it stays.
type reloaded[T any] struct {
	name    string
	files   []string
	load    func() (T, error)
	log     *slog.Logger
	current atomic.Pointer[T]
	seen    string
}

func newReloaded[T any](name string, log *slog.Logger, load func() (T, error), files ...string) (*reloaded[T], error) {
	r := &reloaded[T]{name: name, files: files, load: load, log: log, seen: stamp(files)}
	v, err := load()
	if err != nil {
		return nil, err
	}
	r.current.Store(&v)
	return r, nil
}

func (r *reloaded[T]) get() T { return *r.current.Load() }

// watch looks at the files until ctx is done, and hands new values to use.
func (r *reloaded[T]) watch(ctx context.Context, use func(T)) {
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := stamp(r.files)
		if now == r.seen {
			continue
		}
		v, err := r.load()
		if err != nil {
			r.log.Warn("not reloaded, the old one stays", "what", r.name, "cause", err.Error())
			continue
		}
		r.seen = now
		r.current.Store(&v)
		if use != nil {
			use(v)
		}
		r.log.Info("reloaded", "what", r.name)
	}
}

// stamp tells versions of files apart.
func stamp(files []string) string {
	var s []byte
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			s = info.ModTime().AppendFormat(s, time.RFC3339Nano)
			s = append(s, byte(info.Size()), byte(info.Size()>>8), '|')
		}
	}
	return string(s)
}
