package outage

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"
)

// inFlight runs f while a request of every kind, and several writes, wait for
// their answers, and returns when all have been answered as they must.
func (w *world) inFlight(f func()) {
	w.Helper()
	var group sync.WaitGroup
	calls := w.calls()
	for range 12 { // more than there are connections for writes
		calls = append(calls, calls[len(calls)-1])
	}
	f()
	for _, c := range calls {
		group.Go(func() { w.away(c) })
	}
	group.Wait()
}

// TestFailover: the connections that there are fall silent and new ones work, as
// when a database's host dies and a standby takes its address. Every request is
// answered in time, and every key works again within five seconds, those whose
// reads were under way among them.
func TestFailover(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	w := start(t, []string{"--database", p.through})
	time.Sleep(time.Second) // until nothing is answered from memory
	began := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.inFlight(p.failover)
	}()
	time.Sleep(100 * time.Millisecond)
	w.recovers(began)
	<-done
	if status, text := w.ready(); status != 200 {
		t.Errorf("/readyz: %d %s", status, text)
	}
}

// TestSilence: nothing is answered, on new connections neither, and then
// everything is.
func TestSilence(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	w := start(t, []string{"--database", p.through})
	time.Sleep(time.Second)
	w.inFlight(p.pause)
	if n := w.outage(3 * time.Second); n > 0 {
		t.Errorf("%d requests succeeded without a database", n)
	}
	w.notReady()
	p.resume()
	w.recovers(time.Now())
}

// TestStopped: the processes of the database stand still, and go on.
func TestStopped(t *testing.T) {
	if os.Getenv("THINGPASS_TEST_POSTGRES") != "" {
		t.Skip("the server is not ours to stop")
	}
	p := newProxy(t) // for its database; the server is reached directly
	w := start(t, []string{"--database", p.direct})
	time.Sleep(time.Second)
	cont := stop(t, p.direct)
	w.outage(3 * time.Second)
	w.notReady()
	cont()
	w.recovers(time.Now())
}

// stop sends SIGSTOP to all processes of the private server, and returns what
// has them go on.
func stop(t *testing.T, dsn string) func() {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	parent := parentOf(int(conn.PgConn().PID()))
	if name, _ := os.ReadFile(fmt.Sprint("/proc/", parent, "/comm")); !bytes.HasPrefix(name, []byte("postgres")) {
		t.Skipf("process %d is %q", parent, name)
	}
	signal := func(s syscall.Signal) {
		all, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, name := range all {
			if pid, _ := strconv.Atoi(strings.Split(name, "/")[2]); pid == parent || parentOf(pid) == parent {
				_ = syscall.Kill(pid, s)
			}
		}
	}
	var once sync.Once
	cont := func() { once.Do(func() { signal(syscall.SIGCONT) }) }
	t.Cleanup(cont)
	signal(syscall.SIGSTOP)
	return cont
}

// parentOf is the parent of a process, 0 when there is none (proc(5), "stat").
func parentOf(pid int) int {
	text, err := os.ReadFile(fmt.Sprint("/proc/", pid, "/stat"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// TestRefused: the database refuses connections, or those who could use it, in
// the states of PostgreSQL documentation, appendix A.
func TestRefused(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	w := start(t, []string{"--database", p.through})
	for _, state := range []string{
		"57P03", // cannot_connect_now: starting up, shutting down, in recovery
		"53300", // too_many_connections
		"28P01", // invalid_password, as after a change of it
	} {
		time.Sleep(600 * time.Millisecond)
		p.refuseWith(state)
		time.Sleep(600 * time.Millisecond)
		if n := w.outage(200 * time.Millisecond); n > 0 {
			t.Errorf("%s: %d requests succeeded", state, n)
		}
		w.notReady()
		p.resume()
		w.recovers(time.Now())
	}
}

// TestEndedConnections: a restart of the database costs no request more than
// those that were under way.
func TestEndedConnections(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	w := start(t, []string{"--database", p.through})
	w.outage(time.Second) // opens connections
	p.cut()
	w.recovers(time.Now())
}

// TestStandby: after a failover the address may lead to a server that takes no
// writes (SQLSTATE 25006). They are 503, and work when it is promoted.
func TestStandby(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	w := start(t, []string{"--database", p.through})
	base, err := url.Parse(p.direct)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(base.Path, "/")
	base.Path = "/postgres"
	admin, err := pgx.Connect(t.Context(), base.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.Background()) }()
	exec := func(statement string) {
		t.Helper()
		if _, err := admin.Exec(context.Background(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec("alter database " + name + " set default_transaction_read_only = on")
	p.cut()
	w.recoversReading()
	calls := w.calls()
	if w.away(calls[len(calls)-1]) {
		t.Error("a write succeeded on a standby")
	}
	exec("alter database " + name + " reset default_transaction_read_only")
	w.recovers(time.Now())
}

// recoversReading waits until an exchange works.
func (w *world) recoversReading() {
	w.Helper()
	first := w.calls()[0]
	for range 100 {
		if resp, err := first.do(context.Background()); err == nil && resp.Err() == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.Error("no exchange on a standby")
}

// TestLocked: another process holds the lock of a SQLite database. Writes wait
// for it as long as they may, and reads go on.
func TestLocked(t *testing.T) {
	t.Parallel()
	w := start(t, nil, "--database-write-timeout", "3s")
	db, err := sql.Open("sqlite", filepath.Join(w.server.Data, "thingpass.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	lock, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.ExecContext(t.Context(), "begin immediate"); err != nil {
		t.Fatal(err)
	}
	calls := w.calls()
	var group sync.WaitGroup
	for _, c := range calls {
		c.limit = min(c.limit, 3*time.Second)
		group.Go(func() {
			if writes := strings.Contains(c.name, "Create"); w.away(c) == writes {
				t.Errorf("%s, while another process has the lock: succeeded is %v", c.name, writes)
			}
		})
	}
	group.Wait()
	if _, err := lock.ExecContext(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	w.recovers(time.Now())
}
