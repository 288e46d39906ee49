package store_test

import (
	"fmt"
	"testing"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/store/storetest"
)

// fleet makes a thousand certificates, each with two policies and a thing with a
// type.
func fleet(b *testing.B, db *store.DB) {
	ctx := b.Context()
	policy(b, db, "p")
	policy(b, db, "q")
	got(db.CreateThingType(ctx, thingpass.ThingType{Name: "lamp"}))(b)
	for n := range fleetSize {
		c, name := certificate(b, db, n, thingpass.Active), fmt.Sprint(n)
		got(db.CreateThing(ctx, thingpass.Thing{Name: name, Type: "lamp"}))(b)
		must(b, db.AttachThing(ctx, name, c, false))
		must(b, db.AttachPolicy(ctx, "p", c))
		must(b, db.AttachPolicy(ctx, "q", c))
	}
}

const fleetSize = 1000

func readFleet(b *testing.B, db *store.DB) {
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		if device, err := db.Device(b.Context(), id(n%fleetSize)); err != nil || len(device.Policies) != 2 {
			b.Fatal(device, err)
		}
	}
}

// BenchmarkDevice reads one of a fleet, alone, and when its thing has attributes
// and is three groups deep, with a policy on two of them.
func BenchmarkDevice(b *testing.B) {
	for _, engine := range storetest.Engines(b) {
		b.Run(engine.Name, func(b *testing.B) {
			db := create(b, engine.New(b))
			fleet(b, db)
			b.Run("plain", func(b *testing.B) { readFleet(b, db) })
			for parent, name := range []string{"city", "street", "house"} {
				group(b, db, name, []string{"", "city", "street"}[parent])
			}
			must(b, db.AttachPolicyToGroup(b.Context(), "p", "city"))
			must(b, db.AttachPolicyToGroup(b.Context(), "q", "house"))
			for n := range fleetSize {
				must(b, db.AddThingToGroup(b.Context(), fmt.Sprint(n), "house"))
				_, err := db.UpdateThing(b.Context(), fmt.Sprint(n), 0, func(g *thingpass.Thing) error {
					g.Attributes["site"] = "north"
					return nil
				})
				must(b, err)
			}
			b.Run("groups", func(b *testing.B) { readFleet(b, db) })
		})
	}
}

// BenchmarkRoleByID reads a role with two inline policies, two managed ones and
// a boundary.
func BenchmarkRoleByID(b *testing.B) {
	for _, engine := range storetest.Engines(b) {
		b.Run(engine.Name, func(b *testing.B) {
			db := create(b, engine.New(b))
			ctx := b.Context()
			var arns []string
			for _, name := range []string{"a", "b", "c"} {
				arns = append(arns, managed(b, db, name))
			}
			must(b, db.CreateRole(ctx, thingpass.Role{Name: "r", Path: "/", ID: "AROA1", PermissionsBoundary: arns[0]}))
			for i, name := range []string{"p", "q"} {
				must(b, db.PutRolePolicy(ctx, "r", thingpass.InlinePolicy{Name: name}, accept))
				must(b, db.AttachRolePolicy(ctx, "r", arns[1+i]))
			}
			b.ReportAllocs()
			for b.Loop() {
				if g, err := db.RoleByID(ctx, "AROA1"); err != nil || len(g.Managed) != 2 {
					b.Fatal(g, err)
				}
			}
		})
	}
}
