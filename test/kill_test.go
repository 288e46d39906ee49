package test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to check the files of a killed server

	"github.com/thingpass/thingpass/test/rig"
	"github.com/thingpass/thingpass/thingtest"
)

// TestKill kills the server in the middle of writes, again and again. Whatever
// it had acknowledged must be there when it comes back, and whatever it had
// acknowledged as deleted must not.
func TestKill(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	i := install(t)
	book := &ledger{present: map[string]bool{}}
	role := ""
	for round := range rounds {
		s, err := i.Serve(t.Context())
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if role == "" {
			role = createRole(t, s)
		}
		writeAndKill(t, s, book, writer{role: role, round: round})
		checkFiles(t, i.Data)
	}
	s := serve(t, i)
	checkReady(t, s)
	book.check(t, s)
	t.Logf("%d acknowledged writes and deletions outlived %d kills", len(book.present), rounds)
}

func createRole(t *testing.T, s *rig.Server) string {
	t.Helper()
	admin := s.Client(s.Admin)
	defer admin.HTTP.CloseIdleConnections()
	arn, err := rig.CreateRole(t.Context(), admin, "Killed", `{"Version": "2012-10-17", "Statement":
		[{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

// ledger is what the server has acknowledged.
type ledger struct {
	sync.Mutex
	present map[string]bool // by kind and name; false when deleted
}

func (l *ledger) note(name string, present bool) {
	l.Lock()
	defer l.Unlock()
	l.present[name] = present
}

// forget takes back what may or may not have happened.
func (l *ledger) forget(name string) {
	l.Lock()
	defer l.Unlock()
	delete(l.present, name)
}

// writer makes names and the calls that create and delete them.
type writer struct {
	role   string
	round  int
	worker int
}

// writeAndKill lets four writers work, checks meanwhile that what earlier
// rounds have written is there, and kills the server at a random moment.
func writeAndKill(t *testing.T, s *rig.Server, book *ledger, w writer) {
	t.Helper()
	book.check(t, s)
	admin := s.Client(s.Admin)
	defer admin.HTTP.CloseIdleConnections()
	var killed atomic.Bool
	var acknowledged atomic.Int64
	var writers sync.WaitGroup
	for worker := range 4 {
		own := writer{role: w.role, round: w.round, worker: worker}
		writers.Go(func() {
			for n := 0; ; n++ {
				err := own.write(context.WithoutCancel(t.Context()), admin, book, n)
				answered := isAnswer(err)
				switch {
				case err == nil:
					acknowledged.Add(1)
				case answered || !killed.Load():
					t.Errorf("round %d: %v", w.round, err)
					return
				default:
					return
				}
			}
		})
	}
	time.Sleep(time.Duration(50+rand.IntN(300)) * time.Millisecond)
	killed.Store(true)
	s.Kill()
	writers.Wait()
	if acknowledged.Load() == 0 {
		t.Errorf("round %d: nothing was written before the kill", w.round)
	}
}

// write makes the n-th thing, alias or policy, and deletes every fourth again.
func (w writer) write(ctx context.Context, admin *thingtest.Client, book *ledger, n int) error {
	kind := []string{"things", "role-aliases", "policies"}[n%3]
	body := map[string]any{
		"things":       map[string]any{},
		"role-aliases": map[string]any{"roleArn": w.role},
		"policies": map[string]any{"policyDocument": `{"Version": "2012-10-17", "Statement":
			[{"Effect": "Allow", "Action": "iot:AssumeRoleWithCertificate", "Resource": "*"}]}`},
	}[kind]
	name := fmt.Sprintf("%s/kill-%d-%d-%d", kind, w.round, w.worker, n)
	if err := admin.Call(ctx, http.MethodPost, "/"+name, body, nil); err != nil {
		return err
	}
	book.note(name, true)
	if n%4 != 3 {
		return nil
	}
	book.forget(name)
	if err := admin.Call(ctx, http.MethodDelete, "/"+name, nil, nil); err != nil {
		return err
	}
	book.note(name, false)
	return nil
}

// check compares the ledger with the server's lists.
func (l *ledger) check(t *testing.T, s *rig.Server) {
	t.Helper()
	admin := s.Client(s.Admin)
	defer admin.HTTP.CloseIdleConnections()
	listed := map[string]bool{}
	for kind, list := range map[string]func(context.Context, *thingtest.Client, string) ([]string, string, error){
		"things": things, "role-aliases": roleAliases, "policies": policies,
	} {
		for next, more := "", true; more; more = next != "" {
			names, following, err := list(t.Context(), admin, next)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				listed[kind+"/"+name] = true
			}
			next = following
		}
	}
	l.Lock()
	defer l.Unlock()
	for name, present := range l.present {
		if listed[name] != present {
			t.Errorf("%s: the server lists it: %v; it had acknowledged: %v", name, listed[name], present)
		}
	}
}

func things(ctx context.Context, admin *thingtest.Client, next string) ([]string, string, error) {
	var page struct {
		Things    []struct{ ThingName string }
		NextToken string
	}
	err := admin.Call(ctx, http.MethodGet, "/things?maxResults=250"+continued("nextToken", next), nil, &page)
	var names []string
	for _, one := range page.Things {
		names = append(names, one.ThingName)
	}
	return names, page.NextToken, err
}

func roleAliases(ctx context.Context, admin *thingtest.Client, next string) ([]string, string, error) {
	var page struct {
		RoleAliases []string
		NextMarker  string
	}
	err := admin.Call(ctx, http.MethodGet, "/role-aliases?pageSize=250"+continued("marker", next), nil, &page)
	return page.RoleAliases, page.NextMarker, err
}

func policies(ctx context.Context, admin *thingtest.Client, next string) ([]string, string, error) {
	var page struct {
		Policies   []struct{ PolicyName string }
		NextMarker string
	}
	err := admin.Call(ctx, http.MethodGet, "/policies?pageSize=250"+continued("marker", next), nil, &page)
	var names []string
	for _, one := range page.Policies {
		names = append(names, one.PolicyName)
	}
	return names, page.NextMarker, err
}

// continued is the query parameter of a further page.
func continued(parameter, next string) string {
	if next == "" {
		return ""
	}
	return "&" + parameter + "=" + url.QueryEscape(next)
}

// checkFiles asks SQLite whether every database of a killed server is whole. It
// looks at copies: opening the files themselves would repair what the server
// has to repair.
func checkFiles(t *testing.T, data string) {
	t.Helper()
	dir := t.TempDir()
	checked := 0
	err := filepath.WalkDir(data, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".db") {
			return err
		}
		checked++
		copied := filepath.Join(dir, fmt.Sprintf("%d.db", checked))
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(name + suffix)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			if err := os.WriteFile(copied+suffix, content, 0o600); err != nil {
				return err
			}
		}
		return integrity(t.Context(), copied)
	})
	if err != nil {
		t.Error(err)
	}
	if checked == 0 {
		t.Errorf("no database file in %s", data)
	}
}

func integrity(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var found string
	if err := db.QueryRowContext(ctx, "pragma integrity_check").Scan(&found); err != nil {
		return fmt.Errorf("integrity check: %w", err)
	}
	if found != "ok" {
		return fmt.Errorf("integrity check: %s", found)
	}
	return nil
}

// checkReady asks the server whether it is ready.
func checkReady(t *testing.T, s *rig.Server) {
	t.Helper()
	answer, err := http.Get("http://" + s.Ops + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(answer.Body)
		t.Errorf("readyz: %s: %s", answer.Status, body)
	}
}

// isAnswer tells whether an error is what the server said, not that it died.
func isAnswer(err error) bool {
	_, ok := errors.AsType[*thingtest.Error](err)
	return ok
}
