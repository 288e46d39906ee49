package store_test

import (
	"fmt"
	"testing"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store/storetest"
)

// BenchmarkDevice reads one of a thousand certificates, each with two policies
// and a thing with a type.
func BenchmarkDevice(b *testing.B) {
	const fleet = 1000
	for _, engine := range storetest.Engines(b) {
		b.Run(engine.Name, func(b *testing.B) {
			db := create(b, engine.New(b))
			ctx := b.Context()
			policy(b, db, "p")
			policy(b, db, "q")
			got(db.CreateThingType(ctx, thingpass.ThingType{Name: "lamp"}))(b)
			for n := range fleet {
				c, name := certificate(b, db, n, thingpass.Active), fmt.Sprint(n)
				got(db.CreateThing(ctx, thingpass.Thing{Name: name, Type: "lamp"}))(b)
				must(b, db.AttachThing(ctx, name, c, false))
				must(b, db.AttachPolicy(ctx, "p", c))
				must(b, db.AttachPolicy(ctx, "q", c))
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				if device, err := db.Device(ctx, id(n%fleet)); err != nil || len(device.Policies) != 2 {
					b.Fatal(device, err)
				}
			}
		})
	}
}
