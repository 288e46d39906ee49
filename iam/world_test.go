package iam_test

import (
	"bytes"
	"encoding/xml"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/thingtest"
)

const (
	everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	trust      = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	trustAll   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}}`
	getObject  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`

	namespace = "https://iam.amazonaws.com/doc/2010-05-08/"
)

// world is a running server whose clock stands still.
type world struct {
	*thingtest.Server
	t     *testing.T
	now   time.Time
	admin sigv4.Credentials
	log   *logBuffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, now: time.Now().UTC().Truncate(time.Second), log: &logBuffer{}}
	s, err := thingtest.Start(t.Context(), thingtest.Options{
		Now: func() time.Time { return w.now }, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Admin.HTTP.CloseIdleConnections() // HTTP/2 takes a second to say goodbye
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w.Server, w.admin = s, s.Admin.Credentials
	return w
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// caller makes credentials for which one policy counts, or none: those of the
// role /callers/name, in a session called someone.
func (w *world) caller(name, policy string) sigv4.Credentials {
	w.t.Helper()
	w.must("CreateRole", "RoleName="+name, "Path=/callers/", "AssumeRolePolicyDocument="+trustAll)
	if policy != "" {
		w.must("PutRolePolicy", "RoleName="+name, "PolicyName=p", "PolicyDocument="+policy)
	}
	a := w.send(w.admin, "sts", url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"},
		"RoleArn": {"arn:aws:iam::123456789012:role/callers/" + name}, "RoleSessionName": {"someone"},
	})
	at := "AssumeRoleResult/Credentials/"
	if a.status != http.StatusOK {
		w.t.Fatal(a.raw)
	}
	return sigv4.Credentials{
		AccessKeyID: a.text(at + "AccessKeyId"), SecretAccessKey: a.text(at + "SecretAccessKey"), SessionToken: a.text(at + "SessionToken"),
	}
}

// user makes a user with a key and returns it. params are further ones of
// CreateUser.
func (w *world) user(name string, params ...string) sigv4.Credentials {
	w.t.Helper()
	w.must("CreateUser", append(params, "UserName="+name)...)
	return w.key(w.must("CreateAccessKey", "UserName="+name))
}

// key is the access key in an answer of CreateAccessKey.
func (w *world) key(a answer) sigv4.Credentials {
	w.t.Helper()
	at := "CreateAccessKeyResult/AccessKey/"
	return sigv4.Credentials{AccessKeyID: a.text(at + "AccessKeyId"), SecretAccessKey: a.text(at + "SecretAccessKey")}
}

// pass lets a change be seen by requests.
func (w *world) pass() { time.Sleep(store.Staleness + 20*time.Millisecond) }

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

// call sends a signed request to IAM; params are "Name=value", not yet escaped.
func (w *world) call(c sigv4.Credentials, action string, params ...string) answer {
	w.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		form.Set(name, value)
	}
	return w.send(c, "iam", form)
}

func (w *world) send(c sigv4.Credentials, service string, form url.Values) answer {
	w.t.Helper()
	client := *w.Admin
	client.Credentials = c
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	resp, err := client.Do(w.t.Context(), service, http.MethodPost, "/", header, []byte(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{t: w.t, status: resp.Status, raw: string(resp.Body)}
	if err := xml.Unmarshal(resp.Body, &a.root); err != nil {
		w.t.Fatalf("%s: %v: %s", form.Get("Action"), err, resp.Body)
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
	if a.root.XMLName.Space != namespace || a.root.XMLName.Local != action+"Response" {
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
