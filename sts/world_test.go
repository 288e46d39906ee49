package sts

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/store"
)

var place = thingpass.Place{Account: "123456789012", Region: "eu-central-1"}

const (
	everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	role       = "arn:aws:iam::123456789012:role/"
)

// world is a signed door in front of the STS operations, with an administrator.
type world struct {
	t        *testing.T
	now      time.Time
	db       *store.DB
	service  gate.Service
	sessions *session.Sessions
	server   *httptest.Server
	admin    sigv4.Credentials
	ids      map[string]string // of the users and roles made so far, by ARN
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, now: time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC), ids: map[string]string{}}
	clock := func() time.Time { return w.now }
	db, err := store.Create(t.Context(), "sqlite:"+filepath.Join(dir, "db"), place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.Now, w.db = clock, db
	if err := session.CreateRing(filepath.Join(dir, "ring"), w.now); err != nil {
		t.Fatal(err)
	}
	ring, err := session.LoadRing(filepath.Join(dir, "ring"))
	if err != nil {
		t.Fatal(err)
	}
	recent := store.NewRecent(db)
	w.sessions = session.New(place, recent, ring)
	w.sessions.Now = clock
	decide := authz.New(place, recent)
	w.service = New(Config{Place: place, Store: db, Sessions: w.sessions, Authz: decide, ParseSessionPolicy: parse, Decode: remembered})
	door := gate.NewDoor(gate.Config{
		Sessions: w.sessions, Authz: decide, Services: []gate.Service{w.service},
		Log: slog.New(slog.DiscardHandler), Now: clock,
	})
	w.server = httptest.NewServer(door)
	t.Cleanup(w.server.Close)
	w.admin = w.user("admin", everything)
	return w
}

// parse stands for the session policies of package policy, which the wiring
// hands over.
func parse(text string) error {
	if !json.Valid([]byte(text)) {
		return errors.New("Syntax errors in policy.")
	}
	return nil
}

// remembered stands for the decisions that the wiring hands over.
func remembered(id string) (string, bool) { return `{"allowed":false}`, id == "known" }

// settle waits until an earlier answer can no longer be in a cache.
func (w *world) settle() { time.Sleep(store.Staleness + 100*time.Millisecond) }

// user makes a user with a policy, "" for none, and returns its access key.
func (w *world) user(name, policy string) sigv4.Credentials {
	w.t.Helper()
	c := sigv4.Credentials{AccessKeyID: thingpass.NewID("AKIA"), SecretAccessKey: "secret of " + name}
	u := thingpass.User{Name: name, Path: "/staff/", ID: thingpass.NewID("AIDA")}
	w.ids[place.User(u.Path, name)] = u.ID
	if policy != "" {
		u.Inline = []thingpass.InlinePolicy{{Name: "p", Document: policy}}
	}
	key := thingpass.AccessKey{ID: c.AccessKeyID, Secret: thingpass.NewSecret(c.SecretAccessKey), Active: true}
	if err := w.db.CreateUser(w.t.Context(), u, key); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// role makes a role with a trust policy for a principal and a policy, "" for
// none.
func (w *world) role(r thingpass.Role, principal, policy string) {
	w.t.Helper()
	r.TrustPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}}`
	if strings.HasPrefix(principal, "[") {
		r.TrustPolicy = `{"Version":"2012-10-17","Statement":` + principal + `}`
	}
	if r.Path == "" {
		r.Path = "/"
	}
	if r.ID == "" {
		r.ID = thingpass.NewID("AROA")
	}
	r.TrustIDs = maps.Clone(w.ids) // more than the policy names, and no harm
	w.ids[place.Role(r.Path, r.Name)] = r.ID
	if r.MaxSessionDuration == 0 {
		r.MaxSessionDuration = time.Hour
	}
	if err := w.db.CreateRole(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
	if policy == "" {
		return
	}
	p := thingpass.InlinePolicy{Name: "p", Document: policy}
	if err := w.db.PutRolePolicy(w.t.Context(), r.Name, p, func([]thingpass.InlinePolicy) error { return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// assumed makes a call of AssumeRole that succeeds and returns the credentials
// it gave.
func (w *world) assumed(c sigv4.Credentials, params ...string) (sigv4.Credentials, answer) {
	w.t.Helper()
	a := w.call(c, "AssumeRole", params...)
	if a.status != http.StatusOK {
		w.t.Fatalf("AssumeRole %q: %s", params, a.raw)
	}
	at := "AssumeRoleResult/Credentials/"
	return sigv4.Credentials{
		AccessKeyID: a.text(at + "AccessKeyId"), SecretAccessKey: a.text(at + "SecretAccessKey"), SessionToken: a.text(at + "SessionToken"),
	}, a
}

// answer is what a call came to, the XML as a tree.
type answer struct {
	t      *testing.T
	status int
	root   node
	raw    string
}

type node struct {
	XMLName  xml.Name
	Text     string `xml:",chardata"`
	Children []node `xml:",any"`
}

// call signs and sends a request; params are "Name=value", not yet escaped.
func (w *world) call(c sigv4.Credentials, action string, params ...string) answer {
	w.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2011-06-15"}}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		form.Set(name, value)
	}
	body := form.Encode()
	r, err := http.NewRequestWithContext(context.WithoutCancel(w.t.Context()), http.MethodPost, w.server.URL+"/", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sigv4.Sign(r, c, "us-east-1", "sts", w.now, sigv4.PayloadHash([]byte(body)))
	resp, err := w.server.Client().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{t: w.t, status: resp.StatusCode, raw: string(raw)}
	if err := xml.Unmarshal(raw, &a.root); err != nil {
		w.t.Fatalf("%s: %v: %s", action, err, raw)
	}
	return a
}

// find returns the nodes at a path of element names below the root.
func (a answer) find(path string) []node {
	found := []node{a.root}
	for name := range strings.SplitSeq(path, "/") {
		var next []node
		for _, n := range found {
			for _, child := range n.Children {
				if child.XMLName.Local == name {
					next = append(next, child)
				}
			}
		}
		found = next
	}
	return found
}

// text is the content of the one node at a path, or "".
func (a answer) text(path string) string {
	a.t.Helper()
	switch found := a.find(path); len(found) {
	case 0:
		return ""
	case 1:
		return found[0].Text
	default:
		a.t.Errorf("%s is there %d times: %s", path, len(found), a.raw)
		return ""
	}
}

// refused checks that a call was answered with an error.
func (a answer) refused(status int, code, message string) {
	a.t.Helper()
	if got := a.text("Error/Code"); a.status != status || got != code || !strings.Contains(a.text("Error/Message"), message) {
		a.t.Errorf("got %d %s, want %d %s %q", a.status, a.raw, status, code, message)
	}
}
