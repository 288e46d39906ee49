package server

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thingpass/thingpass/space"
	"github.com/thingpass/thingpass/store"
)

// room is the file system that one part of an installation writes to. Parts on
// the same file system share its volume.
type room struct {
	part string // database, objects or uploads
	*space.Volume
	state *atomic.Pointer[space.State] // as of the last second
}

// rooms are the file systems of an installation.
type rooms []room

// openRooms finds the file systems that an installation is on.
func (i *Installation) openRooms(cfg space.Config) (out rooms, err error) {
	database := i.dir // keys and certificates, even if the database is elsewhere
	if path, local := strings.CutPrefix(i.dsn(), "sqlite:"); local {
		database = filepath.Dir(path)
	}
	folders := []struct{ part, dir string }{{"database", database}, {"objects", i.Objects()}, {"uploads", i.Uploads()}}
	dirs := make([]string, len(folders))
	for n, f := range folders {
		dirs[n] = space.Existing(f.dir)
		next := room{part: f.part, state: new(atomic.Pointer[space.State])}
		for m, other := range out {
			if space.Same(dirs[m], dirs[n]) {
				next.Volume, next.state = other.Volume, other.state
			}
		}
		if next.Volume == nil {
			cfg.Dir = dirs[n]
			if next.Volume, err = space.Open(cfg); err != nil {
				return nil, err
			}
		}
		out = append(out, next)
	}
	return out, nil
}

// of returns the volume of a part.
func (r rooms) of(part string) *space.Volume {
	for _, room := range r {
		if room.part == part {
			return room.Volume
		}
	}
	return nil
}

// volumes calls use with each volume once, and the first of its parts.
func (r rooms) volumes(use func(room)) {
	seen := map[*space.Volume]bool{}
	for _, room := range r {
		if !seen[room.Volume] {
			seen[room.Volume] = true
			use(room)
		}
	}
}

// ready makes the room that opening the databases takes.
func (r rooms) ready() (err error) {
	r.volumes(func(room room) {
		if err == nil {
			err = room.Ready()
		}
	})
	return err
}

// tend looks at each volume, and after its reserve.
func (r rooms) tend() {
	r.volumes(func(room room) {
		state := room.Tend()
		room.state.Store(&state)
	})
}

// tendEvery is how often the state of the file systems is looked at, besides
// before uploads.
const tendEvery = time.Second

func (r rooms) watch(ctx context.Context) {
	for tick := time.NewTicker(tendEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			r.tend()
		}
	}
}

// openStore opens the database for a command that changes it beside a server,
// or while none runs. It works on a full disk: with the reserve.
func (i *Installation) openStore(ctx context.Context) (*store.DB, error) {
	all, err := i.openRooms(space.Config{})
	if err != nil {
		return nil, err
	}
	if err := all.ready(); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, i.dsn(), i.Place())
	if err == nil {
		db.Space = all.of("database")
	}
	return db, err
}

// replaceFile is the function of this name. On a full disk it uses the reserve.
func (i *Installation) replaceFile(path string, data []byte, mode os.FileMode) error {
	err := replaceFile(path, data, mode)
	if !space.Full(err) {
		return err
	}
	all, opened := i.openRooms(space.Config{})
	if opened != nil || !all.of("database").Relieve(space.Removing) {
		return err
	}
	return replaceFile(path, data, mode)
}

// shortage says in words which parts are short of space, and whether it is so
// bad that the server is not ready: that uploads are refused is no reason to take
// everything else away from who asks for it.
func (r rooms) shortage() (full, short []string) {
	for _, room := range r {
		switch state := room.state.Load(); {
		case state == nil:
		case state.Err != nil:
			full = append(full, "the file system of the "+room.part+" does not answer")
		case state.ReadOnly:
			full = append(full, "the file system of the "+room.part+" is read-only")
		case state.Full:
			full = append(full, "the file system of the "+room.part+" is full: changes live on the reserve")
		case state.Short:
			short = append(short, "space is short on the file system of the "+room.part+": uploads are refused")
		}
	}
	return full, short
}

// measure registers the metrics of the file systems.
func (r rooms) measure(registry *prometheus.Registry) {
	gauge := func(name, help, part string, value func() float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: prometheus.Labels{"part": part}}, value))
	}
	for _, room := range r {
		of := func(value func(*space.State) int64) func() float64 {
			return func() float64 {
				if state := room.state.Load(); state != nil {
					return float64(value(state))
				}
				return 0
			}
		}
		gauge("thingpass_disk_free_bytes", "Free bytes of the file system of a part, without the reserve.", room.part, of(func(s *space.State) int64 { return s.Free }))
		gauge("thingpass_disk_limit_bytes", "Free bytes below which uploads are refused.", room.part, of(func(s *space.State) int64 { return s.Limit }))
		gauge("thingpass_disk_reserve_bytes", "Bytes that are held for changes that must not fail on a full disk.", room.part, of(func(s *space.State) int64 { return s.Reserve }))
	}
	registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "thingpass_uploads_refused_total", Help: "Uploads that were refused because too little space is free.", ConstLabels: prometheus.Labels{"reason": "space"},
	}, func() (n float64) {
		r.volumes(func(room room) {
			if state := room.state.Load(); state != nil {
				n += float64(state.Refused)
			}
		})
		return n
	}))
}
