package objects

import (
	"bufio"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashDir tells a run of the test binary to be the process that is killed.
const crashDir = "OBJECTS_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if at := os.Getenv(crashAt); at != "" {
			runUntil(dir, at)
		} else {
			putForever(dir, os.Getenv("OBJECTS_CRASH_ROUND"))
		}
		os.Exit(1) // not reached unless the store fails
	}
	os.Exit(m.Run())
}

// crashContent is what key must hold: different for each key and round, and up
// to 300 KB.
func crashContent(key string) string {
	sum := sha256.Sum256([]byte(key))
	return strings.Repeat(string(sum[:]), 1+int(sum[0])*int(sum[1])%10000)
}

// putForever puts from four goroutines and reports each put once acknowledged.
func putForever(dir, round string) {
	s, err := Open(dir)
	if err != nil {
		fmt.Println("fatal", err)
		return
	}
	failed := make(chan error)
	for worker := range 4 {
		go func() {
			for i := 0; ; i++ {
				// Some keys are overwritten, and some removed again.
				name := Name{"b", fmt.Sprintf("%s/%d/%d", round, worker, i)}
				_, err := s.Put(context.Background(), name, strings.NewReader("first"), PutOptions{})
				if err == nil && i%3 == 0 {
					err = second(s.Delete(context.Background(), Ref{Name: name}, Condition{}))
				}
				if err == nil {
					_, err = s.Put(context.Background(), name, strings.NewReader(crashContent(name.Key)), PutOptions{})
				}
				if err != nil {
					failed <- err
					return
				}
				fmt.Println("ok", name.Key)
			}
		}()
	}
	fmt.Println("fatal", <-failed)
}

func TestKill(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	dir := filepath.Join(t.TempDir(), "s")
	s, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateBucket(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	for round := range rounds {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		acknowledged = append(acknowledged, crash(t, dir, round)...)
		if s, err = Open(dir); err != nil {
			t.Fatal(err)
		}
		for _, key := range acknowledged {
			if get(t, s, key) != crashContent(key) {
				t.Fatalf("round %d: %s has other content", round, key)
			}
		}
		wantWhole(t, s)
	}
	t.Logf("%d puts acknowledged in %d rounds", len(acknowledged), rounds)
	_ = s.Close()
}

// crash runs a child that puts, kills it, and returns what it acknowledged.
func crash(t *testing.T, dir string, round int) (keys []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprint("OBJECTS_CRASH_ROUND=", round))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, key, _ := strings.Cut(lines.Text(), " ")
		if word != "ok" {
			t.Errorf("child: %s", lines.Text())
		}
		if keys = append(keys, key); len(keys) == 1 {
			time.AfterFunc(time.Duration(50+rand.IntN(300))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait()
	return keys
}

// wantWhole checks every visible object, acknowledged or not, and that there
// are no other files.
func wantWhole(t *testing.T, s *Store) {
	t.Helper()
	r, err := s.List(t.Context(), "b", ListQuery{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range r.Objects {
		if got := get(t, s, o.Key); got != "first" && got != crashContent(o.Key) {
			t.Errorf("%s is neither old nor new: %d bytes", o.Key, len(got))
		}
	}
	wantBodies(t, s, len(r.Objects))
}

// TestSweep plants what a crash can leave behind.
func TestSweep(t *testing.T) {
	s := newStore(t)
	put(t, s, "k", "kept")
	_, want := upload(t, s, "m", MinPartSize, 1)
	u, err := s.CreateUpload(t.Context(), Name{"b", "u"}, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutPart(t.Context(), u, 1, strings.NewReader("part"), PartOptions{}); err != nil {
		t.Fatal(err)
	}
	orphan, err := s.store(t.Context(), strings.NewReader("orphan"), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"tmp/" + randomName(), "blobs/" + orphan.name[:2] + "/stray"} {
		if err := os.WriteFile(filepath.Join(s.dir, path), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	wantBodies(t, s, 4)
	if get(t, s, "k") != "kept" || get(t, s, "m") != string(want) {
		t.Error("content differs after the sweep")
	}
	if _, err := s.CompleteUpload(t.Context(), u.Name, u.ID, []Chosen{{Number: 1, ETag: fmt.Sprintf("%x", md5.Sum([]byte("part")))}}, CompleteOptions{}); err != nil {
		t.Error(err)
	}
}

// TestSweepInUse: what comes and goes while the remains of the last process are
// removed is none of them, and a reader keeps its files.
func TestSweepInUse(t *testing.T) {
	s := newStore(t)
	large := strings.Repeat("l", maxInline+1)
	const kept = 300
	for i := range kept {
		put(t, s, fmt.Sprint("kept", i), large)
		put(t, s, fmt.Sprint("gone", i), large)
	}
	for d := range 256 {
		dir := filepath.Join(s.dir, "blobs", fmt.Sprintf("%02x", d))
		_ = os.Mkdir(dir, 0o700)
		for range 40 {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02x", d)+randomName()[2:]), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := worker; i < kept; i += 4 {
				name := Name{"b", fmt.Sprint("gone", i)}
				_, r, err := s.Get(context.Background(), Ref{Name: name})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := s.Delete(context.Background(), Ref{Name: name}, Condition{}); err != nil {
					t.Error(err)
				}
				put(t, s, fmt.Sprint("new", i), large)
				if got, err := io.ReadAll(r); string(got) != large || err != nil {
					t.Errorf("%s: %d bytes, %v", name.Key, len(got), err)
				}
				_ = r.Close()
			}
		})
	}
	wg.Wait()
	wantBodies(t, s, 2*kept)
	for i := range kept {
		if get(t, s, fmt.Sprint("kept", i)) != large || get(t, s, fmt.Sprint("new", i)) != large {
			t.Errorf("object %d is lost", i)
		}
	}
	if s.news.names != nil {
		t.Error("files are noted for ever")
	}
}
