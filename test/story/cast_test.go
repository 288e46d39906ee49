package story

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

const administrator = "admin"

// cast are those who act in one script, by name, with their keys.
type cast struct{ actors map[string]sigv4.Credentials }

type castKey struct{}

func newCast(s *thingtest.Server) *cast {
	return &cast{map[string]sigv4.Credentials{administrator: s.Admin.Credentials}}
}

// act lets the clients of a script sign as somebody from now on.
func act(ts *testscript.TestScript, name string) {
	who, ok := ts.Value(castKey{}).(*cast).actors[name]
	if !ok {
		ts.Fatalf("%s has no credentials yet: use creds", name)
	}
	ts.Setenv("AWS_ACCESS_KEY_ID", who.AccessKeyID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", who.SecretAccessKey)
	ts.Setenv("AWS_SESSION_TOKEN", who.SessionToken)
}

// serverLog keeps what a server logs.
type serverLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// check holds the log of every story to what any log must be: it tells no
// secret, and of no failure inside. After a failed story its end is shown.
func (l *serverLog) check(t testing.TB, people *cast) {
	t.Helper()
	text := l.text.String()
	for name, who := range people.actors {
		for _, secret := range []string{who.SecretAccessKey, who.SessionToken} {
			if secret != "" && strings.Contains(text, secret) {
				t.Errorf("the server's log holds a secret or token of %s", name)
			}
		}
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("the server logged an error: %s", line)
		}
	}
	if t.Failed() {
		lines := strings.SplitAfter(text, "\n")
		t.Logf("the end of the server's log:\n%s", strings.Join(lines[max(0, len(lines)-12):], ""))
	}
}
