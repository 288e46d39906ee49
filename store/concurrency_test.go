package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/store/storetest"
)

const crowd = 16

// together runs f for 0 to crowd-1 at the same time.
func together(t *testing.T, f func(ctx context.Context, n int) error) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	for n := range crowd {
		group.Go(func() error { return f(ctx, n) })
	}
	must(t, group.Wait())
}

// A name can be taken once, however many ask for it.
func TestOneCreationWins(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		for name, create := range map[string]func(ctx context.Context, n int) error{
			"role":   func(ctx context.Context, _ int) error { return db.CreateRole(ctx, thingpass.Role{Name: "x"}) },
			"alias":  func(ctx context.Context, _ int) error { return db.CreateRoleAlias(ctx, thingpass.RoleAlias{Name: "x"}) },
			"policy": func(ctx context.Context, _ int) error { return db.CreatePolicy(ctx, thingpass.Policy{Name: "x"}) },
			"certificate": func(ctx context.Context, _ int) error {
				return db.CreateCertificate(ctx, thingpass.Certificate{ID: id(1), DER: []byte{1}})
			},
			"thing": func(ctx context.Context, n int) error {
				_, err := db.CreateThing(ctx, thingpass.Thing{Name: "x", Attributes: map[string]string{"n": fmt.Sprint(n)}})
				return err
			},
			"type": func(ctx context.Context, n int) error {
				_, err := db.CreateThingType(ctx, thingpass.ThingType{Name: "x", Description: fmt.Sprint(n)})
				return err
			},
			"user": func(ctx context.Context, n int) error {
				key := thingpass.AccessKey{ID: fmt.Sprint("AKIA", n), Secret: thingpass.NewSecret("s")}
				return db.CreateUser(ctx, thingpass.User{Name: "x"}, key)
			},
		} {
			t.Run(name, func(t *testing.T) {
				var won atomic.Int64
				together(t, func(ctx context.Context, n int) error {
					err := create(ctx, n)
					if thingpass.KindOf(err) == thingpass.Exists {
						return nil
					}
					won.Add(1)
					return err
				})
				same(t, won.Load(), int64(1))
			})
		}
	})
}

// No change is lost between reading and writing.
func TestUpdatesDoNotOverlap(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		thing(t, db, "counter")
		together(t, func(ctx context.Context, n int) error {
			_, err := db.UpdateThing(ctx, "counter", 0, func(g *thingpass.Thing) error {
				g.Attributes[fmt.Sprint(n)] = "here"
				return nil
			})
			return err
		})
		counter := got(db.Thing(t.Context(), "counter"))(t)
		same(t, len(counter.Attributes), crowd)
		same(t, counter.Version, int64(1+crowd))

		var won atomic.Int64
		together(t, func(ctx context.Context, _ int) error {
			_, err := db.UpdateThing(ctx, "counter", 1+crowd, func(*thingpass.Thing) error { return nil })
			if thingpass.KindOf(err) == thingpass.VersionConflict {
				return nil
			}
			won.Add(1)
			return err
		})
		same(t, won.Load(), int64(1))
	})
}

// A quota holds, and things are exclusive, when all come at once.
func TestRulesHoldInACrowd(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := certificate(t, db, 1, thingpass.Active)
		for n := range crowd {
			policy(t, db, fmt.Sprint(n))
			thing(t, db, fmt.Sprint(n))
		}
		together(t, func(ctx context.Context, n int) error {
			if err := db.AttachPolicy(ctx, fmt.Sprint(n), c); thingpass.KindOf(err) != thingpass.LimitExceeded {
				return err
			}
			return nil
		})
		together(t, func(ctx context.Context, n int) error {
			if err := db.AttachThing(ctx, fmt.Sprint(n), c, true); thingpass.KindOf(err) != thingpass.Invalid {
				return err
			}
			return nil
		})
		device := got(db.Device(t.Context(), c))(t)
		same(t, len(device.Policies), 10)
		same(t, len(device.Things), 1)
	})
}

// Attaching, detaching and deleting at once never leaves an attachment to
// something that is gone, and never shows one.
func TestAttachAndDeleteInACrowd(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := certificate(t, db, 1, thingpass.Active)
		allowed := func(err error) error {
			switch thingpass.KindOf(err) {
			case thingpass.NotFound, thingpass.Conflict, thingpass.Exists, thingpass.LimitExceeded:
				return nil
			}
			return err
		}
		together(t, func(ctx context.Context, n int) error {
			name := fmt.Sprint(n % 4)
			var errs []error
			for range 3 {
				errs = append(errs,
					allowed(db.CreatePolicy(ctx, thingpass.Policy{Name: name, Document: "document"})),
					allowed(db.AttachPolicy(ctx, name, c)),
					func() error {
						device, err := db.Device(ctx, c)
						for _, document := range device.Policies {
							if document != "document" {
								err = errors.Join(err, errors.New("a policy without its document"))
							}
						}
						return err
					}(),
					allowed(db.DetachPolicy(ctx, name, c)),
					allowed(db.DeletePolicy(ctx, name)))
			}
			return errors.Join(errs...)
		})
		attached := got(db.AttachedPolicies(t.Context(), c, thingpass.Page{}))(t)
		same(t, len(got(db.Device(t.Context(), c))(t).Policies), len(attached))
	})
}

// Replicas may start at the same time.
func TestOpenTogether(t *testing.T) {
	for _, engine := range storetest.Engines(t) {
		t.Run(engine.Name, func(t *testing.T) {
			dsn := engine.New(t)
			create(t, dsn)
			together(t, func(ctx context.Context, n int) error {
				db, err := store.Open(ctx, dsn, here)
				if err != nil {
					return err
				}
				err = db.CreateRoleAlias(ctx, thingpass.RoleAlias{Name: fmt.Sprint(n)})
				return errors.Join(err, db.Close())
			})
		})
	}
}

// Only one of many can create an installation.
func TestCreateTogether(t *testing.T) {
	for _, engine := range storetest.Engines(t) {
		t.Run(engine.Name, func(t *testing.T) {
			dsn := engine.New(t)
			var won atomic.Int64
			together(t, func(ctx context.Context, _ int) error {
				db, err := store.Create(ctx, dsn, here)
				if thingpass.KindOf(err) == thingpass.Exists {
					return nil
				}
				if err != nil {
					return err
				}
				won.Add(1)
				return db.Close()
			})
			same(t, won.Load(), int64(1))
		})
	}
}

// A caller that gives up gets its error and changes nothing.
func TestCancelled(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := db.CreateRoleAlias(ctx, thingpass.RoleAlias{Name: "x"}); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		if _, err := db.Device(ctx, id(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		_, err := db.RoleAlias(t.Context(), "x")
		refused(t, err, thingpass.NotFound, "x")
	})
}
