package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

// thing makes a thing without a type.
func thing(t testing.TB, db *store.DB, name string) {
	t.Helper()
	got(db.CreateThing(t.Context(), thingpass.Thing{Name: name}))(t)
}

func TestThing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		got(db.CreateThingType(ctx, thingpass.ThingType{Name: "lamp"}))(t)
		want := thingpass.Thing{Name: "bulb", ID: "uuid", Type: "lamp", Attributes: map[string]string{"a": "1", "b": ""}, Version: 1, Created: noon}
		same(t, got(db.CreateThing(ctx, want))(t), want)
		same(t, got(db.Thing(ctx, "bulb"))(t), want)

		// The same again is the one that is there; anything else is not.
		again := thingpass.Thing{Name: "bulb", Type: "lamp", Attributes: want.Attributes}
		same(t, got(db.CreateThing(ctx, again))(t), want)
		for _, other := range []thingpass.Thing{
			{Name: "bulb", Type: "lamp"},
			{Name: "bulb", Attributes: want.Attributes},
			{Name: "bulb", Type: "lamp", Attributes: map[string]string{"a": "1", "b": "2"}},
			{Name: "bulb", Type: "unknown", Attributes: want.Attributes},
		} {
			_, err := db.CreateThing(ctx, other)
			refused(t, err, thingpass.Exists, "Thing bulb already exists")
			resource(t, err, "uuid", "arn:aws:iot:us-east-1:123456789012:thing/bulb")
		}
		_, err := db.CreateThing(ctx, thingpass.Thing{Name: "new", Type: "unknown"})
		refused(t, err, thingpass.NotFound, "Thing type not found (name=unknown)")

		bare := got(db.CreateThing(ctx, thingpass.Thing{Name: "bare"}))(t)
		if bare.ID == "" || bare.Type != "" || bare.Version != 1 || !bare.Created.Equal(noon) || len(bare.Attributes) != 0 {
			t.Errorf("got %+v", bare)
		}
		same(t, got(db.CreateThing(ctx, thingpass.Thing{Name: "bare", Attributes: map[string]string{}}))(t), bare)
	})
}

func TestUpdateThing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for _, name := range []string{"lamp", "old"} {
			got(db.CreateThingType(ctx, thingpass.ThingType{Name: name}))(t)
		}
		want := got(db.CreateThing(ctx, thingpass.Thing{Name: "bulb", Type: "old", Attributes: map[string]string{"a": "1"}}))(t)
		must(t, db.DeprecateThingType(ctx, "old", false))

		want.Version, want.Attributes = 2, map[string]string{"c": "3"}
		same(t, got(db.UpdateThing(ctx, "bulb", 1, func(g *thingpass.Thing) error {
			g.Name, g.ID, g.Version, g.Attributes = "x", "x", 77, want.Attributes
			return nil
		}))(t), want) // keeps its deprecated type
		want.Version, want.Type = 3, "lamp"
		same(t, got(db.UpdateThing(ctx, "bulb", 0, func(g *thingpass.Thing) error { g.Type = "lamp"; return nil }))(t), want)
		byOld := store.ThingFilter{AttributeName: "a"}
		same(t, len(got(db.Things(ctx, byOld, thingpass.Page{}))(t)), 0)

		for _, test := range []struct {
			name    string
			version int64
			change  func(g *thingpass.Thing) error
			kind    thingpass.Kind
			message string
		}{
			{"none", 0, nil, thingpass.NotFound, "Thing not found (name=none)"},
			{"bulb", 2, nil, thingpass.VersionConflict, "does not match the expected version"},
			{"bulb", 3, func(g *thingpass.Thing) error { g.Type = "none"; return nil }, thingpass.NotFound, "Thing type"},
			{"bulb", 3, func(g *thingpass.Thing) error { g.Type = "old"; return nil }, thingpass.Invalid, "deprecated thing type:old"},
			{"bulb", 3, func(*thingpass.Thing) error { return thingpass.Errorf(thingpass.Invalid, "no") }, thingpass.Invalid, "no"},
		} {
			_, err := db.UpdateThing(ctx, test.name, test.version, test.change)
			refused(t, err, test.kind, test.message)
		}
		same(t, got(db.Thing(ctx, "bulb"))(t), want)

		want.Version, want.Type = 4, ""
		same(t, got(db.UpdateThing(ctx, "bulb", 0, func(g *thingpass.Thing) error { g.Type = ""; return nil }))(t), want)
	})
}

func TestDeleteThing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.DeleteThing(ctx, "none", 5))
		got(db.CreateThing(ctx, thingpass.Thing{Name: "bulb", Attributes: map[string]string{"a": "1"}}))(t)
		c := certificate(t, db, 1, thingpass.Active)
		must(t, db.AttachThing(ctx, "bulb", c, false))
		refused(t, db.DeleteThing(ctx, "bulb", 2), thingpass.VersionConflict, "bulb")
		refused(t, db.DeleteThing(ctx, "bulb", 1), thingpass.Invalid, "Cannot delete. Thing bulb is still attached to one or more principals")
		must(t, db.DetachThing(ctx, "bulb", c))
		must(t, db.DeleteThing(ctx, "bulb", 1))
		_, err := db.Thing(ctx, "bulb")
		refused(t, err, thingpass.NotFound, "bulb")
		thing(t, db, "bulb")
		same(t, len(got(db.Things(ctx, store.ThingFilter{AttributeName: "a"}, thingpass.Page{}))(t)), 0)
	})
}

func TestThings(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		got(db.CreateThingType(ctx, thingpass.ThingType{Name: "lamp"}))(t)
		for i, name := range names {
			g := thingpass.Thing{Name: name, Attributes: map[string]string{"n": fmt.Sprintf("v_%d", i%3), "m": "Vx"}}
			if i < 4 {
				g.Type = "lamp"
			}
			if i == 11 {
				g.Attributes = nil
			}
			got(db.CreateThing(ctx, g))(t)
		}
		for _, test := range []struct {
			filter store.ThingFilter
			want   []string
		}{
			{store.ThingFilter{}, names},
			{store.ThingFilter{Type: "lamp"}, names[:4]},
			{store.ThingFilter{Type: "LAMP"}, nil},
			{store.ThingFilter{AttributeName: "n"}, names[:11]},
			{store.ThingFilter{AttributeName: "n", AttributeValue: "v_1"}, []string{names[1], names[4], names[7], names[10]}},
			{store.ThingFilter{AttributeName: "n", AttributeValue: "v_"}, nil},
			{store.ThingFilter{AttributeName: "n", AttributeValue: "v_", UsePrefix: true}, names[:11]},
			{store.ThingFilter{AttributeName: "n", UsePrefix: true}, names[:11]},
			{store.ThingFilter{AttributeName: "n", AttributeValue: "V", UsePrefix: true}, nil},
			{store.ThingFilter{AttributeName: "m", AttributeValue: "V", UsePrefix: true, Type: "lamp"}, names[:4]},
			{store.ThingFilter{AttributeName: "n", AttributeValue: "%", UsePrefix: true}, nil},
		} {
			t.Run(fmt.Sprintf("%+v", test.filter), func(t *testing.T) {
				paged(t, test.want, func(p thingpass.Page) ([]string, error) {
					items, err := db.Things(ctx, test.filter, p)
					return named(items, err, func(g thingpass.Thing) string { return g.Name })
				})
			})
		}
	})
}

func TestThingType(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		want := thingpass.ThingType{Name: "lamp", ID: "uuid", Description: "shines", SearchableAttributes: []string{"b", "a"}, Created: noon}
		with := want
		with.Tags = []thingpass.Tag{{Key: "k", Value: "v"}}
		same(t, got(db.CreateThingType(ctx, with))(t), want)
		same(t, got(db.ThingType(ctx, "lamp"))(t), want)
		same(t, got(db.Tags(ctx, "thingtype", "lamp"))(t), with.Tags)
		again := thingpass.ThingType{Name: "lamp", Description: "shines", SearchableAttributes: []string{"b", "a"}}
		same(t, got(db.CreateThingType(ctx, again))(t), want)
		_, err := db.CreateThingType(ctx, thingpass.ThingType{Name: "lamp"})
		refused(t, err, thingpass.Exists, "Thing type lamp already exists")
		resource(t, err, "uuid", "arn:aws:iot:us-east-1:123456789012:thingtype/lamp")

		refused(t, db.DeleteThingType(ctx, "lamp"), thingpass.Invalid, "deprecate it first")
		must(t, db.DeprecateThingType(ctx, "lamp", true)) // nothing to undo
		must(t, db.DeprecateThingType(ctx, "lamp", false))
		want.Deprecated = noon
		db.Now = func() time.Time { return noon.Add(time.Hour) }
		must(t, db.DeprecateThingType(ctx, "lamp", false))
		same(t, got(db.ThingType(ctx, "lamp"))(t), want)
		_, err = db.CreateThing(ctx, thingpass.Thing{Name: "bulb", Type: "lamp"})
		refused(t, err, thingpass.Invalid, "Can not create new thing with deprecated thing type:lamp")

		must(t, db.DeprecateThingType(ctx, "lamp", true))
		want.Deprecated = time.Time{}
		same(t, got(db.ThingType(ctx, "lamp"))(t), want)
		got(db.CreateThing(ctx, thingpass.Thing{Name: "bulb", Type: "lamp"}))(t)
		must(t, db.DeprecateThingType(ctx, "lamp", false))
		refused(t, db.DeleteThingType(ctx, "lamp"), thingpass.Invalid, "there are things of this type")
		must(t, db.DeleteThing(ctx, "bulb", 0))
		must(t, db.DeleteThingType(ctx, "lamp"))

		_, read := db.ThingType(ctx, "lamp")
		for _, err := range []error{read, db.DeleteThingType(ctx, "lamp"), db.DeprecateThingType(ctx, "lamp", false)} {
			refused(t, err, thingpass.NotFound, "Thing type not found (name=lamp)")
		}
	})
}

func TestThingTypes(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		for _, name := range names {
			got(db.CreateThingType(t.Context(), thingpass.ThingType{Name: name}))(t)
		}
		types := func(filter string) func(p thingpass.Page) ([]string, error) {
			return func(p thingpass.Page) ([]string, error) {
				items, err := db.ThingTypes(t.Context(), filter, p)
				return named(items, err, func(y thingpass.ThingType) string { return y.Name })
			}
		}
		paged(t, names, types(""))
		paged(t, []string{"a"}, types("a"))
		paged(t, nil, types("A"))
	})
}

func TestThingAttachments(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		var ids []string
		for n := range 4 {
			ids = append(ids, certificate(t, db, n, thingpass.Inactive))
		}
		for _, name := range names {
			thing(t, db, name)
			must(t, db.AttachThing(ctx, name, ids[0], false))
			must(t, db.AttachThing(ctx, name, ids[0], false))
		}
		paged(t, names, func(p thingpass.Page) ([]string, error) { return db.CertificateThings(ctx, ids[0], p) })
		for _, id := range ids {
			must(t, db.AttachThing(ctx, "_", id, false))
		}
		paged(t, ids, func(p thingpass.Page) ([]string, error) { return db.ThingCertificates(ctx, "_", p) })
		must(t, db.DetachThing(ctx, "_", ids[1]))
		must(t, db.DetachThing(ctx, "_", ids[1]))
		same(t, got(db.ThingCertificates(ctx, "_", thingpass.Page{}))(t), []string{ids[0], ids[2], ids[3]})

		_, err := db.ThingCertificates(ctx, "none", thingpass.Page{})
		for _, err := range []error{err, db.AttachThing(ctx, "none", ids[0], false), db.DetachThing(ctx, "none", ids[0])} {
			refused(t, err, thingpass.NotFound, "Thing not found (name=none)")
		}
		for _, err := range []error{db.AttachThing(ctx, "_", "none", false), db.DetachThing(ctx, "_", "none")} {
			refused(t, err, thingpass.NotFound, "Certificate not found (id=none)")
		}
	})
}

func TestExclusiveThing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		thing(t, db, "bulb")
		thing(t, db, "lamp")
		c, other := certificate(t, db, 1, thingpass.Active), certificate(t, db, 2, thingpass.Active)
		exclusive := func() bool { return got(db.Device(ctx, c))(t).Things[0].Exclusive }

		must(t, db.AttachThing(ctx, "bulb", c, true))
		must(t, db.AttachThing(ctx, "bulb", other, false)) // the thing is not what is bound
		refused(t, db.AttachThing(ctx, "lamp", c, false), thingpass.Invalid, "attached to thing bulb")
		refused(t, db.AttachThing(ctx, "lamp", c, true), thingpass.Invalid, "attached to thing bulb")
		same(t, exclusive(), true)
		must(t, db.AttachThing(ctx, "bulb", c, false))
		same(t, exclusive(), false)
		must(t, db.AttachThing(ctx, "lamp", c, false))
		refused(t, db.AttachThing(ctx, "bulb", c, true), thingpass.Invalid, "attached to thing lamp")
		must(t, db.DetachThing(ctx, "lamp", c))
		must(t, db.AttachThing(ctx, "bulb", c, true))
		same(t, exclusive(), true)
	})
}

func TestTags(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.CreateRoleAlias(ctx, thingpass.RoleAlias{Name: "x"}))
		policy(t, db, "x")
		got(db.CreateThingType(ctx, thingpass.ThingType{Name: "x"}))(t)
		for _, kind := range []string{"rolealias", "policy", "thingtype"} {
			same(t, len(got(db.Tags(ctx, kind, "x"))(t)), 0)
			must(t, db.TagResource(ctx, kind, "x", []thingpass.Tag{{Key: "b", Value: kind}, {Key: "A", Value: ""}, {Key: "é", Value: "ü"}}))
			must(t, db.TagResource(ctx, kind, "x", []thingpass.Tag{{Key: "A", Value: "new"}}))
			for _, key := range []string{"a", "B", "É"} {
				refused(t, db.TagResource(ctx, kind, "x", []thingpass.Tag{{Key: key}}), thingpass.Invalid, "differ only in case")
			}
			same(t, got(db.Tags(ctx, kind, "x"))(t), []thingpass.Tag{{Key: "A", Value: "new"}, {Key: "b", Value: kind}, {Key: "é", Value: "ü"}})
			must(t, db.UntagResource(ctx, kind, "x", []string{"A", "none", "é"}))
			same(t, got(db.Tags(ctx, kind, "x"))(t), []thingpass.Tag{{Key: "b", Value: kind}})

			_, err := db.Tags(ctx, kind, "none")
			for _, err := range []error{err, db.TagResource(ctx, kind, "none", nil), db.UntagResource(ctx, kind, "none", nil)} {
				refused(t, err, thingpass.NotFound, "none)")
			}
		}
		refused(t, db.TagResource(ctx, "cert", "x", nil), thingpass.Invalid, "cannot have tags")

		many := make([]thingpass.Tag, 50)
		for i := range many {
			many[i].Key = fmt.Sprint(i)
		}
		refused(t, db.TagResource(ctx, "policy", "x", many), thingpass.LimitExceeded, "50")
		same(t, len(got(db.Tags(ctx, "policy", "x"))(t)), 1)
		must(t, db.UntagResource(ctx, "policy", "x", []string{"b"}))
		must(t, db.TagResource(ctx, "policy", "x", many))
		refused(t, db.CreateRoleAlias(ctx, thingpass.RoleAlias{Name: "y", Tags: append(many, thingpass.Tag{Key: "more"})}), thingpass.LimitExceeded, "50")
		_, err := db.RoleAlias(ctx, "y")
		refused(t, err, thingpass.NotFound, "y")
		must(t, db.DeletePolicy(ctx, "x"))
		policy(t, db, "x")
		same(t, len(got(db.Tags(ctx, "policy", "x"))(t)), 0)
	})
}
