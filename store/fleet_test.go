package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/store/storetest"
)

// numbers is a recursive query for the numbers 1 to %d, on both engines.
const numbers = `with recursive n(i) as (select 1 union all select i + 1 from n where i < %d) `

// populate fills a database with a fleet: each device has a certificate, a thing
// with attributes in a group, and a policy. One thing has the attribute "rare".
func populate(t testing.TB, dsn string, size int) {
	t.Helper()
	id := `substr('0000000000000000000000000000000000000000000000000000000000000000', 1, 64 - length(cast(i as text))) || cast(i as text)`
	each := []string{
		`insert into devices select '123456789012', ` + id + `, 'ACTIVE', 0, 4102444800000, 0 from n`,
		`insert into certificates select '123456789012', ` + id + `, 'DEFAULT', 0, 0, 1, 'g', '' from n`,
		`insert into things select '123456789012', 'thing-' || cast(i as text), 'id', 'lamp', 'null', 1, 0 from n`,
		`insert into thing_attributes select '123456789012', 'site', 'site' || cast(i % 300 as text), 'thing-' || cast(i as text) from n`,
		`insert into thing_attachments select '123456789012', ` + id + `, 'thing-' || cast(i as text), 0, 0 from n`,
		`insert into policy_attachments select '123456789012', ` + id + `, 'fleet' from n`,
		`insert into thing_group_members select '123456789012', 'thing-' || cast(i as text), 'all' from n`,
		`insert into policies select '123456789012', 'policy-' || cast(i as text), '{}', '1', 0, 0, 'g', 1 from n`,
		`insert into policy_versions select '123456789012', 'policy-' || cast(i as text), 1, '{}', 0 from n`,
		`insert into tags select '123456789012', 'policy', 'policy-' || cast(i as text), 'team', 'blue' from n`,
	}
	script := []string{
		`insert into policies values ('123456789012', 'fleet', '{}', '1', 0, 0, 'g', 1)`,
		`insert into thing_types values ('123456789012', 'lamp', 'uuid', '', 'null', -62135596800000, 0)`,
		`insert into thing_groups values ('123456789012', 'all', 'id', null, '', 'null', 1, 0)`,
		`insert into thing_group_ancestors values ('123456789012', 'all', 'all', 0)`,
	}
	for _, statement := range each {
		// On both engines "with" may stand before the select of an insert.
		into, from, _ := strings.Cut(statement, " select ")
		script = append(script, into+" "+fmt.Sprintf(numbers, size)+"select "+from)
	}
	script = append(script, `insert into thing_attributes values ('123456789012', 'rare', 'yes', 'thing-77')`)
	if !strings.HasPrefix(dsn, "sqlite:") {
		script = append(script, `analyze`) // as autovacuum does
	}
	raw(t, dsn, strings.Join(script, ";\n"))
}

// fleetDB is a database with a fleet.
func fleetDB(t testing.TB, engine storetest.Engine, size int) (*store.DB, string) {
	t.Helper()
	dsn := engine.New(t)
	db := create(t, dsn)
	populate(t, dsn, size)
	return db, dsn
}

// BenchmarkThingsByAttribute lists things by an attribute that one of 300,000
// has, and by one that one of 300 has.
func BenchmarkThingsByAttribute(b *testing.B) {
	for _, engine := range storetest.Engines(b) {
		b.Run(engine.Name, func(b *testing.B) {
			db, _ := fleetDB(b, engine, 300_000)
			for name, f := range map[string]store.ThingFilter{
				"one":         {AttributeName: "rare", AttributeValue: "yes"},
				"none":        {AttributeName: "rare", AttributeValue: "no"},
				"one of type": {AttributeName: "rare", AttributeValue: "yes", Type: "lamp"},
				"page of 250": {AttributeName: "site", AttributeValue: "site7"},
				"by name":     {AttributeName: "site"},
				"by prefix":   {AttributeName: "site", AttributeValue: "site29", UsePrefix: true},
				"rare prefix": {AttributeName: "site", AttributeValue: "nosite", UsePrefix: true},
			} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if _, err := db.Things(b.Context(), f, thingpass.Page{Limit: 250}); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// BenchmarkDeviceWhileListing reads devices at a steady rate while eight clients
// search the things of a fleet, the costliest way that there is.
func BenchmarkDeviceWhileListing(b *testing.B) {
	for _, engine := range storetest.Engines(b) {
		b.Run(engine.Name, func(b *testing.B) {
			db, _ := fleetDB(b, engine, 300_000)
			ctx, stop := context.WithCancel(b.Context())
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					for ctx.Err() == nil {
						_, _ = db.Things(ctx, store.ThingFilter{AttributeName: "site", AttributeValue: "nosite", UsePrefix: true}, thingpass.Page{Limit: 250})
					}
				})
			}
			var took []time.Duration
			n := 0
			for b.Loop() {
				n++
				began := time.Now()
				if _, err := db.Device(ctx, fmt.Sprintf("%064d", 1+n*7919%300_000)); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
				time.Sleep(5*time.Millisecond - time.Since(began))
			}
			stop()
			group.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
		})
	}
}

// TestListsHaveTurns: lists that take all turns do not keep devices waiting, and
// who has no turn in time is told to slow down.
func TestListsHaveTurns(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		db.Limits = store.Limits{Read: 300 * time.Millisecond, Write: time.Second}
		c := certificate(t, db, 1, thingpass.Active)
		release := db.HoldTurns()
		got(db.Device(t.Context(), c))(t)
		must(t, db.CreateRoleAlias(t.Context(), thingpass.RoleAlias{Name: "written", RoleARN: "arn", Duration: time.Hour}))
		_, err := db.Things(t.Context(), store.ThingFilter{}, thingpass.Page{})
		refused(t, err, thingpass.Throttled, "too many lists")
		release()
		got(db.Things(t.Context(), store.ThingFilter{}, thingpass.Page{}))(t)
	})
}

func TestBehind(t *testing.T) {
	for prefix, want := range map[string]string{
		"": "", "a": "b", "az": "a{", "é": "ê", "\x7f": "\u0080", "\ud7ff": "\ue000", "a\U0010ffff": "b", "\U0010ffff": "",
	} {
		if got := store.Behind(prefix); got != want || !utf8.ValidString(got) {
			t.Errorf("behind %q: %q, want %q", prefix, got, want)
		}
	}
}
