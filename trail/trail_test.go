package trail_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/trail"
)

var known = thingpass.Principal{Kind: thingpass.SessionPrincipal, ARN: "arn:aws:sts::123456789012:assumed-role/R/d"}

func record(id string, at time.Time, failure string, p thingpass.Principal) *trail.Record {
	r := &trail.Record{ID: id, At: at, Door: trail.SignedDoor, Principal: p}
	r.Add(trail.Step{Name: trail.StepPermission, OK: failure == ""})
	return r
}

func count(r *trail.Ring, prefix string) (n int) {
	r.Each(func(rec *trail.Record) bool {
		if strings.HasPrefix(rec.ID, prefix) {
			n++
		}
		return true
	})
	return n
}

func TestFloodsDoNotPushOutOthers(t *testing.T) {
	now := time.Now()
	r := trail.New(trail.Config{Size: 640})
	kinds := map[string]func(string) *trail.Record{
		"allow":    func(id string) *trail.Record { return record(id, now, "", known) },
		"deny":     func(id string) *trail.Record { return record(id, now, "x", known) },
		"stranger": func(id string) *trail.Record { return record(id, now, "x", thingpass.Principal{}) },
	}
	for name, make := range kinds {
		r.Keep(make(name + "-first"))
	}
	for name, make := range kinds {
		for i := range 5000 {
			r.Keep(make(fmt.Sprint("flood-", name, i)))
		}
		for other := range kinds {
			_, ok := r.Find(other + "-first")
			if other == name && ok {
				t.Errorf("%s: the oldest is still there after 5000 more", name)
			}
			if other != name && !ok && count(r, "flood-"+other) == 0 {
				t.Errorf("a flood of %s pushed out %s", name, other)
			}
		}
	}
	if n := count(r, ""); n > 640 {
		t.Errorf("%d records in a ring of 640", n)
	}
}

func TestAge(t *testing.T) {
	now := time.Now()
	r := trail.New(trail.Config{Age: time.Minute, Now: func() time.Time { return now }})
	r.Keep(record("old", now, "", known))
	now = now.Add(time.Minute)
	if _, ok := r.Find("old"); !ok {
		t.Error("a record of a minute ago is gone")
	}
	now = now.Add(time.Second)
	if _, ok := r.Find("old"); ok || count(r, "") != 0 {
		t.Error("a record older than the ring's age is still found")
	}
}

func TestBytes(t *testing.T) {
	now := time.Now()
	r := trail.New(trail.Config{Size: 6400, Bytes: 4 << 20})
	for i := range 6400 {
		rec := record(fmt.Sprint("big", i), now, "", known)
		rec.Cause = strings.Repeat("x", 20<<10)
		r.Keep(rec)
	}
	if n := count(r, "big"); n == 0 || n > 4<<20/2/(20<<10) {
		t.Errorf("%d records of 20 KiB in half of 4 MiB", n)
	}
	huge := record("huge", now, "", known)
	huge.Cause = strings.Repeat("x", 2<<20)
	r.Keep(huge)
	if _, ok := r.Find("huge"); ok {
		t.Error("a record larger than its share was kept")
	}
}

func TestNothingKept(t *testing.T) {
	r := trail.New(trail.Config{Size: -1})
	r.Keep(record("a", time.Now(), "", known))
	if _, ok := r.Find("a"); ok || count(r, "") != 0 || r.Age() != 0 {
		t.Error("a ring that keeps nothing kept something")
	}
}

func TestFirstFailureStays(t *testing.T) {
	var r trail.Record
	r.Add(trail.Step{Name: trail.StepSession, OK: true})
	r.Add(trail.Step{Name: trail.StepSignature})
	r.Add(trail.Step{Name: trail.StepPermission})
	if r.Failure != trail.StepSignature || !r.Denied() || len(r.Steps) != 3 {
		t.Errorf("%+v", r)
	}
}

func TestConcurrentUse(t *testing.T) {
	r := trail.New(trail.Config{Size: 256})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				id := fmt.Sprint(g, "-", i)
				r.Keep(record(id, time.Now(), "", known))
				if i%100 == 0 {
					r.Find(id)
					count(r, "")
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkKeep(b *testing.B) {
	r := trail.New(trail.Config{})
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		r.Keep(record("5f2c1a00-0000-4000-8000-000000000000", now, "", known))
	}
}
