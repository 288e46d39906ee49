package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

// id is the identifier of the certificate number n.
func id(n int) string { return fmt.Sprintf("%064x", n) }

// certificate registers the certificate number n.
func certificate(t testing.TB, db *store.DB, n int, status thingpass.CertificateStatus) string {
	t.Helper()
	must(t, db.CreateCertificate(t.Context(), thingpass.Certificate{
		ID: id(n), DER: []byte{0, 1, 255, byte(n)}, Status: status, Mode: "DEFAULT",
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour),
	}))
	return id(n)
}

func policy(t testing.TB, db *store.DB, name string) {
	t.Helper()
	must(t, db.CreatePolicy(t.Context(), thingpass.Policy{Name: name, Document: "document of " + name}))
}

// resource checks the further members of an Exists error.
func resource(t *testing.T, err error, id, arn string) {
	t.Helper()
	if e, ok := errors.AsType[*thingpass.Error](err); ok {
		same(t, e.Fields, map[string]string{"resourceId": id, "resourceArn": arn})
	}
}

func TestRoleAlias(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		want := thingpass.RoleAlias{Name: "cameras", RoleARN: "arn:aws:iam::123456789012:role/R", Duration: time.Hour, Created: noon, Modified: noon}
		with := want
		with.Tags = []thingpass.Tag{{Key: "k", Value: "v"}}
		must(t, db.CreateRoleAlias(ctx, with))
		same(t, got(db.RoleAlias(ctx, "cameras"))(t), want)
		same(t, got(db.Tags(ctx, "rolealias", "cameras"))(t), with.Tags)

		err := db.CreateRoleAlias(ctx, want)
		refused(t, err, thingpass.Exists, "RoleAlias cannot be created - already exists (name=cameras)")
		resource(t, err, "cameras", "arn:aws:iot:us-east-1:123456789012:rolealias/cameras")

		later := noon.Add(time.Minute)
		db.Now = func() time.Time { return later }
		want.RoleARN, want.Duration, want.Modified = "arn:aws:iam::123456789012:role/S", 15*time.Minute, later
		updated, err := db.UpdateRoleAlias(ctx, "cameras", func(a *thingpass.RoleAlias) error {
			a.Name, a.RoleARN, a.Duration = "other", want.RoleARN, want.Duration
			return nil
		})
		must(t, err)
		same(t, updated, want)
		same(t, got(db.RoleAlias(ctx, "cameras"))(t), want)
		_, err = db.UpdateRoleAlias(ctx, "cameras", func(a *thingpass.RoleAlias) error {
			a.Duration = 0
			return thingpass.Errorf(thingpass.Invalid, "too short")
		})
		refused(t, err, thingpass.Invalid, "too short")
		same(t, got(db.RoleAlias(ctx, "cameras"))(t), want)

		must(t, db.DeleteRoleAlias(ctx, "cameras"))
		_, read := db.RoleAlias(ctx, "cameras")
		_, update := db.UpdateRoleAlias(ctx, "cameras", func(*thingpass.RoleAlias) error { return nil })
		for _, err := range []error{read, update, db.DeleteRoleAlias(ctx, "cameras")} {
			refused(t, err, thingpass.NotFound, "RoleAlias not found (name= cameras)")
		}
		// Tags do not outlive what they were on.
		must(t, db.CreateRoleAlias(ctx, want))
		same(t, len(got(db.Tags(ctx, "rolealias", "cameras"))(t)), 0)
	})
}

func TestRoleAliases(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		for _, name := range names {
			must(t, db.CreateRoleAlias(t.Context(), thingpass.RoleAlias{Name: name}))
		}
		paged(t, names, func(p thingpass.Page) ([]string, error) {
			items, err := db.RoleAliases(t.Context(), p)
			return named(items, err, func(a thingpass.RoleAlias) string { return a.Name })
		})
	})
}

func TestPolicy(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		want := thingpass.Policy{Name: "p", Document: `{"a":"é\\"}`, VersionID: "1", Created: noon, Modified: noon, Generation: "g"}
		must(t, db.CreatePolicy(ctx, want))
		same(t, got(db.Policy(ctx, "p"))(t), want)
		err := db.CreatePolicy(ctx, thingpass.Policy{Name: "p"})
		refused(t, err, thingpass.Exists, "Policy cannot be created - name already exists (name=p)")
		resource(t, err, "p", "arn:aws:iot:us-east-1:123456789012:policy/p")

		c := certificate(t, db, 1, thingpass.Active)
		must(t, db.AttachPolicy(ctx, "p", c))
		refused(t, db.DeletePolicy(ctx, "p"), thingpass.Conflict, "attached to one or more principals (name=p)")
		must(t, db.DetachPolicy(ctx, "p", c))
		must(t, db.DeletePolicy(ctx, "p"))

		_, read := db.Policy(ctx, "p")
		_, targets := db.PolicyTargets(ctx, "p", thingpass.Page{})
		for _, err := range []error{read, targets, db.DeletePolicy(ctx, "p"), db.AttachPolicy(ctx, "p", c)} {
			refused(t, err, thingpass.NotFound, "Policy not found (name=p)")
		}
	})
}

func TestPolicies(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		for _, name := range names {
			policy(t, db, name)
		}
		paged(t, names, func(p thingpass.Page) ([]string, error) {
			items, err := db.Policies(t.Context(), p)
			return named(items, err, func(p thingpass.Policy) string { return p.Name })
		})
	})
}

func TestPolicyAttachments(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		var ids []string
		for n := range 4 {
			ids = append(ids, certificate(t, db, n, thingpass.Active))
		}
		for _, name := range names {
			policy(t, db, name)
		}
		for _, name := range names[:10] {
			must(t, db.AttachPolicy(ctx, name, ids[0]))
			must(t, db.AttachPolicy(ctx, name, ids[0]))
		}
		refused(t, db.AttachPolicy(ctx, names[10], ids[0]), thingpass.LimitExceeded, "(10)")
		must(t, db.AttachPolicy(ctx, names[9], ids[0]))
		paged(t, names[:10], func(p thingpass.Page) ([]string, error) {
			items, err := db.AttachedPolicies(ctx, ids[0], p)
			return named(items, err, func(p thingpass.Policy) string { return p.Name })
		})
		same(t, got(db.AttachedPolicies(ctx, ids[0], thingpass.Page{Limit: 1}))(t)[0], got(db.Policy(ctx, names[0]))(t))

		for _, id := range ids {
			must(t, db.AttachPolicy(ctx, "_", id))
		}
		var arns []string
		for _, id := range ids {
			arns = append(arns, here.Certificate(id))
		}
		paged(t, arns, func(p thingpass.Page) ([]string, error) { return db.PolicyTargets(ctx, "_", p) })
		must(t, db.DetachPolicy(ctx, "_", ids[1]))
		must(t, db.DetachPolicy(ctx, "_", ids[1]))
		must(t, db.DetachPolicy(ctx, "none", "none"))
		same(t, got(db.PolicyTargets(ctx, "_", thingpass.Page{}))(t), []string{arns[0], arns[2], arns[3]})

		refused(t, db.AttachPolicy(ctx, "_", "none"), thingpass.NotFound, "Certificate not found")
		_, err := db.AttachedPolicies(ctx, "none", thingpass.Page{})
		refused(t, err, thingpass.NotFound, "Certificate not found")
	})
}

func TestCertificate(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		want := thingpass.Certificate{
			ID: id(1), DER: []byte{0, 0xff, '\'', 0x80}, Status: thingpass.Inactive, Mode: "SNI_ONLY",
			NotBefore: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
			Created: noon, Modified: noon, Version: 1, Generation: "g",
		}
		must(t, db.CreateCertificate(ctx, want))
		same(t, got(db.Certificate(ctx, want.ID))(t), want)
		err := db.CreateCertificate(ctx, want)
		refused(t, err, thingpass.Exists, "The certificate is already provisioned or registered")
		resource(t, err, want.ID, "arn:aws:iot:us-east-1:123456789012:cert/"+want.ID)
		refused(t, db.CreateCertificate(ctx, thingpass.Certificate{ID: id(2)}), thingpass.Invalid, "empty")

		later := noon.Add(time.Minute)
		db.Now = func() time.Time { return later }
		must(t, db.UpdateCertificateStatus(ctx, want.ID, thingpass.Inactive))
		same(t, got(db.Certificate(ctx, want.ID))(t), want)
		must(t, db.UpdateCertificateStatus(ctx, want.ID, thingpass.Active))
		want.Status, want.Modified, want.Version = thingpass.Active, later, 2
		same(t, got(db.Certificate(ctx, want.ID))(t), want)
		must(t, db.UpdateCertificateStatus(ctx, want.ID, thingpass.Revoked))
		must(t, db.UpdateCertificateStatus(ctx, want.ID, thingpass.Revoked))
		refused(t, db.UpdateCertificateStatus(ctx, want.ID, thingpass.Active), thingpass.CertificateState, want.ID)
		same(t, got(db.Certificate(ctx, want.ID))(t).Version, int64(3))

		_, read := db.Certificate(ctx, "none")
		_, device := db.Device(ctx, "none")
		_, things := db.CertificateThings(ctx, "none", thingpass.Page{})
		for _, err := range []error{
			read, device, things,
			db.UpdateCertificateStatus(ctx, "none", thingpass.Active),
			db.DeleteCertificate(ctx, "none", true),
		} {
			refused(t, err, thingpass.NotFound, "Certificate not found (id=none)")
		}
	})
}

func TestCertificates(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var ids []string
		for n := range 5 {
			ids = append(ids, certificate(t, db, n, thingpass.Active))
		}
		paged(t, ids, func(p thingpass.Page) ([]string, error) {
			items, err := db.Certificates(t.Context(), p)
			return named(items, err, func(c thingpass.Certificate) string { return c.ID })
		})
		want := got(db.Certificate(t.Context(), ids[0]))(t)
		want.DER = nil
		same(t, got(db.Certificates(t.Context(), thingpass.Page{Limit: 1}))(t)[0], want)
	})
}

func TestDeleteCertificate(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c := certificate(t, db, 1, thingpass.Active)
		policy(t, db, "p")
		got(db.CreateThing(ctx, thingpass.Thing{Name: "bulb"}))(t)
		must(t, db.AttachPolicy(ctx, "p", c))
		must(t, db.AttachThing(ctx, "bulb", c, false))

		refused(t, db.DeleteCertificate(ctx, c, true), thingpass.CertificateState, "Certificate must be deactivated (not ACTIVE) before deletion. Id: "+c)
		must(t, db.UpdateCertificateStatus(ctx, c, thingpass.Revoked))
		arn := "(arn: arn:aws:iot:us-east-1:123456789012:cert/" + c + ")"
		refused(t, db.DeleteCertificate(ctx, c, true), thingpass.Conflict, "Things must be detached before deletion "+arn)
		must(t, db.DetachThing(ctx, "bulb", c))
		refused(t, db.DeleteCertificate(ctx, c, false), thingpass.Conflict, "Certificate policies must be detached before deletion "+arn)
		same(t, got(db.Device(ctx, c))(t).PolicyNames, []string{"p"}) // still there
		must(t, db.DeleteCertificate(ctx, c, true))
		same(t, len(got(db.PolicyTargets(ctx, "p", thingpass.Page{}))(t)), 0)
		_, err := db.Certificate(ctx, c)
		refused(t, err, thingpass.NotFound, "")

		other := certificate(t, db, 2, thingpass.Inactive)
		must(t, db.DeleteCertificate(ctx, other, false))
		certificate(t, db, 2, thingpass.Active) // may come back
	})
}

func TestDevice(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c := certificate(t, db, 1, thingpass.PendingActivation)
		want := thingpass.Device{
			CertificateID: c, Status: thingpass.PendingActivation,
			NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour), ValidAfter: noon,
		}
		same(t, got(db.Device(ctx, c))(t), want)

		got(db.CreateThingType(ctx, thingpass.ThingType{Name: "lamp"}))(t)
		for i, name := range names {
			thing := thingpass.Thing{Name: name}
			if i%2 == 1 {
				thing.Type = "lamp"
			}
			got(db.CreateThing(ctx, thing))(t)
			must(t, db.AttachThing(ctx, name, c, false))
			want.Things = append(want.Things, thingpass.Attachment{Thing: name, ThingType: thing.Type, Since: noon})
		}
		for _, name := range names[:10] {
			policy(t, db, name)
			must(t, db.AttachPolicy(ctx, name, c))
			want.PolicyNames = append(want.PolicyNames, name)
			want.Policies = append(want.Policies, "document of "+name)
		}
		same(t, got(db.Device(ctx, c))(t), want)

		alone := certificate(t, db, 2, thingpass.Active)
		must(t, db.AttachThing(ctx, "a", alone, true))
		same(t, got(db.Device(ctx, alone))(t).Things, []thingpass.Attachment{{Thing: "a", ThingType: "lamp", Exclusive: true, Since: noon}})
	})
}

// TestCutoffs: each change that ends earlier sessions moves the time from which
// they count, of what was changed and of nothing else.
func TestCutoffs(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		now := noon
		db.Now = func() time.Time { return now }
		c, other := certificate(t, db, 1, thingpass.Active), certificate(t, db, 2, thingpass.Active)
		got(db.CreateThingType(ctx, thingpass.ThingType{Name: "lamp"}))(t)
		for _, name := range []string{"bulb", "door"} {
			thing(t, db, name)
			must(t, db.AttachThing(ctx, name, c, false))
		}
		must(t, db.AttachThing(ctx, "door", other, false))
		status := func(s thingpass.CertificateStatus) func() {
			return func() { must(t, db.UpdateCertificateStatus(ctx, c, s)) }
		}
		attach := func() { must(t, db.AttachThing(ctx, "bulb", c, false)) }
		detach := func() { must(t, db.DetachThing(ctx, "bulb", c)) }
		update := func(thingType string) func() {
			return func() {
				got(db.UpdateThing(ctx, "bulb", 0, func(g *thingpass.Thing) error { g.Type = thingType; return nil }))(t)
			}
		}
		minute := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
		soon := time.Millisecond
		for i, step := range []struct {
			name        string
			minute      int
			do          func()
			certificate time.Time
			bulb        time.Time
		}{
			{"same status", 1, status(thingpass.Active), noon, noon},
			{"INACTIVE", 2, status(thingpass.Inactive), minute(2), noon},
			{"ACTIVE at the same instant", 2, status(thingpass.Active), minute(2).Add(soon), noon},
			{"INACTIVE, the clock set back", 1, status(thingpass.Inactive), minute(2).Add(2 * soon), noon},
			{"ACTIVE", 3, status(thingpass.Active), minute(3), noon},
			{"attached already", 4, attach, minute(3), noon},
			{"updated, no type", 5, update(""), minute(3), noon},
			{"type", 6, update("lamp"), minute(3), minute(6)},
			{"no type at the same instant", 6, update(""), minute(3), minute(6).Add(soon)},
			{"re-attached", 7, func() { detach(); attach() }, minute(3), minute(7)},
		} {
			now = minute(step.minute)
			step.do()
			d := got(db.Device(ctx, c))(t)
			if !d.ValidAfter.Equal(step.certificate) || !d.Things[0].Since.Equal(step.bulb) || !d.Things[1].Since.Equal(noon) {
				t.Errorf("%d, %s: certificate %v, bulb %v, door %v", i, step.name, d.ValidAfter, d.Things[0].Since, d.Things[1].Since)
			}
		}
		d := got(db.Device(ctx, other))(t)
		if !d.ValidAfter.Equal(noon) || !d.Things[0].Since.Equal(noon) {
			t.Errorf("the other certificate: %+v", d)
		}

		// A certificate that is registered again is no older than that.
		now = minute(8)
		status(thingpass.Inactive)()
		detach()
		must(t, db.DetachThing(ctx, "door", c))
		must(t, db.DeleteCertificate(ctx, c, false))
		now = minute(9)
		certificate(t, db, 1, thingpass.Active)
		same(t, got(db.Device(ctx, c))(t).ValidAfter, minute(9))
	})
}
