package session

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

var place = thingpass.Place{Account: account, Region: "us-east-1"}

// registry is a database with an ACTIVE certificate, its thing "bulb" of type
// "lamp", and a role, and the sessions of a server whose clock it shares.
type registry struct {
	*store.DB
	*Sessions
	t    *testing.T
	now  time.Time
	role thingpass.Role
	id   string // of the certificate
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	ctx := t.Context()
	db, err := store.Create(ctx, "sqlite:"+filepath.Join(t.TempDir(), "thingpass.db"), place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	ring, _ := newTestRing(t)
	r := &registry{
		DB: db, Sessions: New(place, nil, ring), t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		role: thingpass.Role{Name: "R", Path: "/", ID: "AROAEXAMPLE", MaxSessionDuration: 12 * time.Hour},
		id:   strings.Repeat("ab", 32),
	}
	clock := func() time.Time { return r.now }
	r.DB.Now, r.Sessions.Now = clock, clock
	for _, name := range []string{"lamp", "lock"} {
		_, err := db.CreateThingType(ctx, thingpass.ThingType{Name: name})
		r.must(err)
	}
	_, err = db.CreateThing(ctx, thingpass.Thing{Name: "bulb", Type: "lamp"})
	r.must(err)
	r.must(db.CreateRole(ctx, r.role))
	r.register()
	r.must(db.AttachThing(ctx, "bulb", r.id, false))
	r.fresh()
	return r
}

func (r *registry) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *registry) register() {
	r.t.Helper()
	r.must(r.CreateCertificate(r.t.Context(), thingpass.Certificate{ID: r.id, DER: []byte{1}, Status: thingpass.Active}))
}

func (r *registry) status(s thingpass.CertificateStatus) {
	r.t.Helper()
	r.must(r.UpdateCertificateStatus(r.t.Context(), r.id, s))
}

func (r *registry) detach() {
	r.t.Helper()
	r.must(r.DetachThing(r.t.Context(), "bulb", r.id))
}

func (r *registry) attach() {
	r.t.Helper()
	r.must(r.AttachThing(r.t.Context(), "bulb", r.id, false))
}

// retype gives the thing another type.
func (r *registry) retype(name string) {
	r.t.Helper()
	_, err := r.UpdateThing(r.t.Context(), "bulb", 0, func(g *thingpass.Thing) error { g.Type = name; return nil })
	r.must(err)
}

// fresh lets the sessions see the database as it is.
func (r *registry) fresh() { r.Recent = store.NewRecent(r.DB) }

func (r *registry) issue(thing, thingType string) Credentials {
	r.t.Helper()
	return r.issueWith(Grant{Thing: thing, ThingType: thingType})
}

// issueWith issues to the device, as the sessions see it.
func (r *registry) issueWith(g Grant) Credentials {
	r.t.Helper()
	device, err := r.Recent.Device(r.t.Context(), r.id)
	r.must(err)
	g.Role, g.Duration, g.Device = r.role, time.Hour, device
	c, err := r.Issue(g)
	r.must(err)
	return c
}

// withdrawn says why credentials are refused as withdrawn, or "" if they are
// good.
func (r *registry) withdrawn(ctx context.Context, c Credentials) string {
	r.t.Helper()
	_, _, err := r.Resolve(ctx, c.AccessKeyID, c.SessionToken.Reveal())
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Failure != Withdrawn {
		r.t.Fatalf("got %v, want a withdrawal", err)
	}
	return e.Reason
}

const (
	reactivated = "it was issued before its certificate was last activated"
	reattached  = "it was issued before thing bulb was attached to its certificate, or got its type"
)

// TestWithdrawal: credentials are refused from when what they were issued for
// changes, also when it changes back; those issued afterwards are good.
func TestWithdrawal(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *registry)
		named  string // why credentials that name the thing are refused; "" if they are not
		bare   string // the same, for credentials without a thing
	}{
		"nothing":      {func(*registry) {}, "", ""},
		"deactivated":  {func(r *registry) { r.status(thingpass.Inactive) }, "its certificate is INACTIVE", "its certificate is INACTIVE"},
		"detached":     {func(r *registry) { r.detach() }, "thing bulb is no longer attached to its certificate", ""},
		"type changed": {func(r *registry) { r.retype("lock") }, "thing bulb is now of type lock", ""},
		"reactivated":  {func(r *registry) { r.status(thingpass.Inactive); r.status(thingpass.Active) }, reactivated, reactivated},
		"registered again": {func(r *registry) {
			r.detach()
			r.status(thingpass.Inactive)
			r.must(r.DeleteCertificate(t.Context(), r.id, true))
			r.register()
			r.attach()
		}, reactivated, reactivated},
		"re-attached":      {func(r *registry) { r.detach(); r.attach() }, reattached, ""},
		"attached already": {func(r *registry) { r.attach() }, "", ""},
		"type and back":    {func(r *registry) { r.retype("lock"); r.retype("lamp") }, reattached, ""},
		"type removed":     {func(r *registry) { r.retype("") }, "thing bulb is now of no type", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			r.now = r.now.Add(time.Minute)
			named, bare := r.issue("bulb", "lamp"), r.issue("", "")
			for _, early := range []Credentials{named, bare} {
				if got := r.withdrawn(t.Context(), early); got != "" {
					t.Fatalf("before the change: %s", got)
				}
			}
			r.now = r.now.Add(time.Millisecond)
			c.change(r)
			r.fresh()
			if got := r.withdrawn(t.Context(), named); got != c.named {
				t.Errorf("with the thing: %q, want %q", got, c.named)
			}
			if got := r.withdrawn(t.Context(), bare); got != c.bare {
				t.Errorf("without a thing: %q, want %q", got, c.bare)
			}
			if c.bare == "" || c.bare == reactivated {
				if got := r.withdrawn(t.Context(), r.issue("", "")); got != "" {
					t.Errorf("issued in the same millisecond after it: %s", got)
				}
			}
			if c.named == "" || c.named == reactivated || c.named == reattached {
				if got := r.withdrawn(t.Context(), r.issue("bulb", "lamp")); got != "" {
					t.Errorf("issued with the thing in the same millisecond after it: %s", got)
				}
			}
		})
	}
}

// TestReactivationInOneMillisecond: the clock's resolution revives nothing.
func TestReactivationInOneMillisecond(t *testing.T) {
	r := newRegistry(t)
	early := r.issue("bulb", "lamp")
	r.status(thingpass.Inactive)
	r.status(thingpass.Active)
	r.fresh()
	if got := r.withdrawn(t.Context(), early); got != reactivated {
		t.Errorf("issued before: %q, want %q", got, reactivated)
	}
	if got := r.withdrawn(t.Context(), r.issue("bulb", "lamp")); got != "" {
		t.Errorf("issued after: %s", got)
	}
}

// TestIssuedFromAStaleAnswer: what an exchange issues while it has not seen yet
// that the certificate is not ACTIVE does not come to life later.
func TestIssuedFromAStaleAnswer(t *testing.T) {
	r := newRegistry(t)
	before := r.issue("bulb", "lamp") // and the device is cached
	r.now = r.now.Add(time.Millisecond)
	r.status(thingpass.Inactive)
	r.now = r.now.Add(time.Millisecond)
	during := r.issue("bulb", "lamp")
	r.now = r.now.Add(time.Millisecond)
	r.status(thingpass.Active)
	r.fresh()
	for name, c := range map[string]Credentials{"before": before, "during": during} {
		if got := r.withdrawn(t.Context(), c); got != reactivated {
			t.Errorf("%s: %q, want %q", name, got, reactivated)
		}
	}
}

// TestClockBehind: a server whose clock is behind that of the server that took
// the last change issues credentials that work, and that last as long as its
// own clock says.
func TestClockBehind(t *testing.T) {
	r := newRegistry(t)
	r.now = r.now.Add(-10 * time.Second)
	for name, c := range map[string]Credentials{"with the thing": r.issue("bulb", "lamp"), "without a thing": r.issue("", "")} {
		if got := r.withdrawn(t.Context(), c); got != "" {
			t.Errorf("%s: %s", name, got)
		}
		if want := r.now.Add(time.Hour); !c.Expiration.Equal(want) {
			t.Errorf("%s: expires at %v, want %v", name, c.Expiration, want)
		}
	}
}
