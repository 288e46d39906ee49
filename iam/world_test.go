package iam

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"log/slog"
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
	trust      = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	getObject  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`
)

// world is a signed door in front of the IAM operations, with an administrator.
type world struct {
	t        *testing.T
	now      time.Time
	db       *store.DB
	service  gate.Service
	sessions *session.Sessions
	server   *httptest.Server
	admin    sigv4.Credentials
	log      *bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, now: time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC), log: &bytes.Buffer{}}
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
	w.service = New(Config{Place: place, Store: db, Now: clock, Log: slog.New(slog.NewTextHandler(w.log, nil))})
	door := gate.NewDoor(gate.Config{
		Sessions: w.sessions, Authz: authz.New(place, recent), Services: []gate.Service{w.service},
		Log: slog.New(slog.DiscardHandler), Now: clock,
	})
	w.server = httptest.NewServer(door)
	t.Cleanup(w.server.Close)
	w.admin = w.user("Admin", everything)
	return w
}

// user makes a user with a policy, "" for none, and returns its access key.
func (w *world) user(name, policy string) sigv4.Credentials {
	w.t.Helper()
	c := sigv4.Credentials{AccessKeyID: thingpass.NewID("AKIA"), SecretAccessKey: "secret of " + name}
	u := thingpass.User{Name: name, Path: "/staff/"}
	if policy != "" {
		u.Inline = []thingpass.InlinePolicy{{Name: "p", Document: policy}}
	}
	key := thingpass.AccessKey{ID: c.AccessKeyID, Secret: thingpass.NewSecret(c.SecretAccessKey), Active: true}
	if err := w.db.CreateUser(w.t.Context(), u, key); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// session makes credentials of an existing role.
func (w *world) session(role string) sigv4.Credentials {
	w.t.Helper()
	r, err := w.db.Role(w.t.Context(), role)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := w.sessions.Issue(w.t.Context(), session.Grant{Role: r, Name: "someone", Duration: time.Hour})
	if err != nil {
		w.t.Fatal(err)
	}
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal()}
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
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
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
	sigv4.Sign(r, c, "us-east-1", "iam", w.now, sigv4.PayloadHash([]byte(body)))
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

// must is a call by the administrator that succeeds.
func (w *world) must(action string, params ...string) answer {
	w.t.Helper()
	a := w.call(w.admin, action, params...)
	if a.status != http.StatusOK {
		w.t.Fatalf("%s %q: %d %s", action, params, a.status, a.raw)
	}
	if a.root.XMLName.Space != w.service.Namespace || a.root.XMLName.Local != action+"Response" {
		w.t.Errorf("%s answers with %v", action, a.root.XMLName)
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

// texts are the contents of the nodes at a path.
func (a answer) texts(path string) []string {
	texts := []string{}
	for _, n := range a.find(path) {
		texts = append(texts, n.Text)
	}
	return texts
}

// text is the content of the one node at a path, or "".
func (a answer) text(path string) string {
	a.t.Helper()
	switch found := a.texts(path); len(found) {
	case 0:
		return ""
	case 1:
		return found[0]
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
