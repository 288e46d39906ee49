package credentials

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/identity"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/trail"
)

// newDoor is a door in front of a database with a device that may use the alias
// "fleet", and the ring that it keeps decisions in.
func newDoor(t testing.TB, cert *x509.Certificate) (*Door, *store.DB) {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	place := thingpass.Place{Account: "123456789012", Region: "us-east-1"}
	db, err := store.Create(ctx, "sqlite:"+filepath.Join(dir, "db"), place)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	must(t, session.CreateRing(filepath.Join(dir, "ring"), time.Now()))
	ring, err := session.LoadRing(filepath.Join(dir, "ring"))
	must(t, err)
	recent := store.NewRecent(db)
	id := identity.CertificateID(cert.Raw)
	must(t, db.CreateCertificate(ctx, thingpass.Certificate{ID: id, DER: cert.Raw, Status: thingpass.Active, Mode: "DEFAULT", NotBefore: cert.NotBefore, NotAfter: cert.NotAfter}))
	must(t, db.CreatePolicy(ctx, thingpass.Policy{Name: "may", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"arn:aws:iot:*:*:rolealias/fleet*"}}`}))
	must(t, db.AttachPolicy(ctx, "may", id))
	for _, thing := range []string{"bulb", "lamp"} {
		_, err = db.CreateThing(ctx, thingpass.Thing{Name: thing, Attributes: map[string]string{"site": "berlin"}})
		must(t, err)
	}
	must(t, db.AttachThing(ctx, "bulb", id, false))
	must(t, db.CreateRole(ctx, thingpass.Role{Name: "R", Path: "/", ID: "AROAR", MaxSessionDuration: time.Hour,
		TrustPolicy: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}}`}))
	must(t, db.PutRolePolicy(ctx, "R", thingpass.InlinePolicy{Name: "p", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${credentials-iot:ThingAttribute/site}"}}`},
		func([]thingpass.InlinePolicy) error { return nil }))
	for name, seconds := range map[string]time.Duration{"fleet": time.Hour, "fleet-long": 2 * time.Hour} {
		must(t, db.CreateRoleAlias(ctx, thingpass.RoleAlias{Name: name, RoleARN: place.Role("/", "R"), Duration: seconds}))
	}
	decide := authz.New(place, recent)
	return New(Config{
		Place: place, Identifier: &identity.Identifier{Recent: recent, Now: time.Now}, Authz: decide, Sessions: session.New(place, recent, ring),
		Recent: recent, Store: db, Trail: trail.New(trail.Config{}), Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}), db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// steps are those of a record, the failed one with a "!" before it.
func steps(r *trail.Record) string {
	var names []string
	for _, s := range r.Steps {
		name := s.Name
		if !s.OK {
			name = "!" + name
		}
		if s.Asked != nil {
			name += "?"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// TestAsk: a question without a request is decided as the request is, step by
// step, and for the same principal.
func TestAsk(t *testing.T) {
	cert := certificate(t)
	d, db := newDoor(t, cert)
	id := identity.CertificateID(cert.Raw)
	name := func(s string) *string { return &s }
	for _, c := range []struct {
		name, alias string
		thing       *string
		status      int
		steps       string
	}{
		{"allowed", "fleet", name("bulb"), 200, "certificate thing iot-policy? role-alias trust? duration"},
		{"no thing", "fleet", nil, 200, "certificate thing iot-policy? role-alias trust? duration"},
		{"a thing of another", "fleet", name("lamp"), 403, "certificate !thing"},
		{"an empty name", "fleet", name(""), 403, "certificate !thing"},
		{"not permitted", "other", name("bulb"), 403, "certificate thing !iot-policy?"},
		{"no such alias", "fleet-none", name("bulb"), 404, "certificate thing iot-policy? !role-alias"},
		{"too long", "fleet-long", name("bulb"), 400, "certificate thing iot-policy? role-alias trust? !duration"},
	} {
		asked, who, err := d.Ask(t.Context(), Presented{CertificateID: id, Thing: c.thing}, c.alias)
		must(t, err)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/role-aliases/"+c.alias+"/credentials", nil)
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
		if c.thing != nil {
			r.Header[ThingNameHeader] = []string{*c.thing}
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		kept, ok := d.cfg.Trail.Find(w.Header().Get("X-Amzn-Requestid"))
		if !ok || w.Code != c.status {
			t.Errorf("%s: status %d, want %d, kept %v", c.name, w.Code, c.status, ok)
			continue
		}
		for _, rec := range []*trail.Record{asked, kept} {
			if got := steps(rec); got != c.steps || rec.Status != c.status || rec.Denied() != (c.status != 200) {
				t.Errorf("%s: %s, status %d", c.name, got, rec.Status)
			}
		}
		if diff := cmp.Diff(kept.Device, asked.Device); diff != "" {
			t.Errorf("%s: another device: %s", c.name, diff)
		}
		if (who.Kind == thingpass.SessionPrincipal) != (c.status == 200) || c.status == 200 && (who.ARN != kept.Principal.ARN || !cmp.Equal(who.DeviceKeys, kept.Principal.DeviceKeys)) {
			t.Errorf("%s: %+v, want %+v", c.name, who, kept.Principal)
		}
		if asked.Cause != kept.Cause || (c.status == 200) != (asked.Cause == "") {
			t.Errorf("%s: %q, want %q", c.name, asked.Cause, kept.Cause)
		}
	}
	unknown, who, err := d.Ask(t.Context(), Presented{CertificateID: strings.Repeat("0", 64)}, "fleet")
	if err != nil || steps(unknown) != "!certificate" || who.Kind != thingpass.Nobody {
		t.Errorf("unregistered: %s, %+v, %v", steps(unknown), who, err)
	}
	must(t, db.UpdateCertificateStatus(t.Context(), id, thingpass.Inactive))
	time.Sleep(store.Staleness)
	inactive, _, err := d.Ask(t.Context(), Presented{CertificateID: id}, "fleet")
	if err != nil || steps(inactive) != "!certificate" || inactive.Device == nil || inactive.Device.Status != thingpass.Inactive {
		t.Errorf("inactive: %+v, %v", inactive, err)
	}
}

// BenchmarkServe measures what the door does in an exchange, without TLS and
// HTTP.
func BenchmarkServe(b *testing.B) {
	issuer, pemKey, err := identity.NewIssuer("123456789012", time.Now())
	must(b, err)
	ca, err := identity.LoadIssuer(issuer, pemKey, time.Now)
	must(b, err)
	_, issued, _, _, err := ca.NewKeyPair()
	must(b, err)
	cert, err := x509.ParseCertificate(issued.DER)
	must(b, err)
	d, _ := newDoor(b, cert)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/role-aliases/fleet/credentials", nil)
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
	r.Header[ThingNameHeader] = []string{"bulb"}
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		if d.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
