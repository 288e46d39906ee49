package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// scene is a step of the script that faults are put into: it changes one key.
type scene struct {
	key, content string // afterwards; "" for no object
	run          func(s *Store, key, content string) error

	// then makes of what the key had what it has afterwards, if that is not the
	// content alone: of versions, all of them.
	then func(before string) string
}

func (c *scene) after(before string) string {
	if c.then != nil {
		return c.then(before)
	}
	return c.content
}

func putting(s *Store, key, content string) error {
	_, err := s.Put(context.Background(), Name{"b", key}, strings.NewReader(content), PutOptions{})
	return err
}

func deleting(s *Store, key, _ string) error {
	_, err := s.Delete(context.Background(), Ref{Name: Name{"b", key}}, Condition{})
	return err
}

func uploading(s *Store, key, content string) error {
	u, err := s.CreateUpload(context.Background(), Name{"b", key}, Meta{})
	if err != nil {
		return err
	}
	for _, body := range []string{"replaced", content} {
		if _, err := s.PutPart(context.Background(), u, 1, strings.NewReader(body), PartOptions{}); err != nil {
			return errors.Join(err, s.AbortUpload(context.Background(), u.Name, u.ID))
		}
	}
	parts, err := s.Parts(context.Background(), u, 0, 1)
	if err != nil {
		return err
	}
	_, err = s.CompleteUpload(context.Background(), u.Name, u.ID, []Chosen{{Number: 1, ETag: parts[0].ETag}}, CompleteOptions{})
	return err
}

// tagging gives an object a tag, which content shows.
func tagging(s *Store, key, _ string) error {
	_, err := s.SetTags(context.Background(), Ref{Name: Name{"b", key}}, map[string]string{"tag": "x"})
	if errors.Is(err, ErrNoSuchKey) { // it could not be put
		err = nil
	}
	return err
}

func tagged(before string) string {
	if before == "" || strings.HasSuffix(before, "#x") {
		return before
	}
	return before + "#x"
}

// The versions of one key, in a bucket of its own, newest first.
const versioned = "versioned"

var versionedName = Name{versioned, "k"}

func versions(s *Store) ([]Object, error) {
	r, err := s.ListVersions(context.Background(), versioned, VersionQuery{Limit: 100})
	if errors.Is(err, ErrNoSuchBucket) {
		err = nil
	}
	return r.Versions, err
}

// older are the scenes of a key with versions: puts, a marker, a tag on the
// current version, and the removal of one in the middle and of the newest.
func older(large func(string) string) (scenes []scene) {
	add := func(run func(s *Store, content string) error, content string, then func([]string) []string) {
		scenes = append(scenes, scene{versioned, content, func(s *Store, _, content string) error {
			if err := s.CreateBucket(context.Background(), versioned); err == nil {
				if err := s.SetVersioning(context.Background(), versioned, Enabled); err != nil {
					return err
				}
			}
			return run(s, content)
		}, func(before string) string {
			var all []string
			if before != "" {
				all = strings.Split(before, ";")
			}
			return strings.Join(then(all), ";")
		}})
	}
	put := func(s *Store, content string) error {
		_, err := s.Put(context.Background(), versionedName, strings.NewReader(content), PutOptions{})
		return err
	}
	mark := func(s *Store, _ string) error {
		_, err := s.Delete(context.Background(), Ref{Name: versionedName}, Condition{})
		return err
	}
	remove := func(i int) func(*Store, string) error {
		return func(s *Store, _ string) error {
			all, err := versions(s)
			if err != nil || i >= len(all) {
				return err
			}
			_, err = s.Delete(context.Background(), Ref{Name: versionedName, Version: all[i].Version}, Condition{})
			return err
		}
	}
	without := func(i int) func([]string) []string {
		return func(all []string) []string {
			if i < len(all) {
				all = slices.Delete(all, i, i+1)
			}
			return all
		}
	}
	newest := func(content string) func([]string) []string {
		return func(all []string) []string { return append([]string{content}, all...) }
	}
	add(put, large("6"), newest(large("6")))
	add(put, "small", newest("small"))
	add(mark, "", newest("marker"))
	add(put, large("7"), newest(large("7")))
	add(remove(2), "", without(2)) // small
	add(remove(2), "", without(2)) // with a file
	add(remove(0), "", without(0)) // the marker is the newest again
	add(put, "small again", newest("small again"))
	return scenes
}

func script() []scene {
	large := func(c string) string { return strings.Repeat(c, len(buffer{})+100) }
	return append([]scene{
		{"a", large("1"), putting, nil},
		{"a", large("2"), putting, nil},
		{"b", "small", putting, nil},
		{"m", large("3"), uploading, nil},
		{"m", "", tagging, tagged},
		{"a", "", deleting, nil},
		{"b", large("4"), putting, nil},
		{"m", "small", putting, nil},
		{"a", large("5"), putting, nil},
		{"b", "", tagging, tagged},
		{"m", "short", uploading, nil},
	}, older(large)...)
}

// faulty counts what is asked of a disk, and does something about it.
type faulty struct {
	disk
	mu sync.Mutex
	n  int
	// before is asked before each operation: an error is its outcome.
	before func(n int, operation, path string) error
	// after is told of each that went well.
	after func(operation, path, to string)
}

func (f *faulty) do(operation, path, to string, run func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.n
	f.n++
	if err := f.before(n, operation, path); err != nil {
		return err
	}
	err := run()
	if err == nil && f.after != nil {
		f.after(operation, path, to)
	}
	return err
}

func (f *faulty) create(path string) (file diskFile, err error) {
	err = f.do("create", path, "", func() (err error) { file, err = f.disk.create(path); return err })
	return &faultyFile{file, path, f}, err
}

func (f *faulty) mkdir(path string) error {
	return f.do("mkdir", path, "", func() error { return f.disk.mkdir(path) })
}

func (f *faulty) rename(from, to string) error {
	return f.do("rename", from, to, func() error { return f.disk.rename(from, to) })
}

func (f *faulty) remove(path string) error {
	return f.do("remove", path, "", func() error { return f.disk.remove(path) })
}

func (f *faulty) syncDir(path string) error {
	return f.do("syncdir", path, "", func() error { return f.disk.syncDir(path) })
}

type faultyFile struct {
	diskFile
	path string
	disk *faulty
}

// Write writes half where it is to fail, as a full disk does.
func (f *faultyFile) Write(p []byte) (n int, err error) {
	err = f.disk.do("write", f.path, "", func() (err error) { n, err = f.diskFile.Write(p); return err })
	if err != nil && n == 0 {
		n, _ = f.diskFile.Write(p[:len(p)/2])
	}
	return n, err
}

func (f *faultyFile) Sync() error {
	return f.disk.do("sync", f.path, "", f.diskFile.Sync)
}

// content is what a key has, "" for nothing.
func content(t *testing.T, s *Store, key string) string {
	t.Helper()
	if key == versioned {
		all, err := versions(s)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, v := range all {
			texts = append(texts, "marker")
			if !v.Marker {
				texts[len(texts)-1] = body(t, s, Ref{Name: v.Name, Version: v.Version})
			}
		}
		return strings.Join(texts, ";")
	}
	o, err := s.Head(t.Context(), Ref{Name: Name{"b", key}})
	if errors.Is(err, ErrNoSuchKey) {
		return ""
	}
	if len(o.Tags) > 0 {
		return get(t, s, key) + "#" + o.Tags["tag"]
	}
	return get(t, s, key)
}

// settledIs checks a store after it was opened again: every key is as it was
// acknowledged, but the one that was being changed may be old or new, and
// nothing else is on the disk.
func settledIs(t *testing.T, s *Store, want map[string]string, doing *scene) {
	t.Helper()
	bodies := 0
	for _, key := range []string{"a", "b", "m", versioned} {
		got := content(t, s, key)
		if got != want[key] && (doing == nil || doing.key != key || got != doing.after(want[key])) {
			t.Errorf("%s has %d bytes %.10q, want %.10q", key, len(got), got, want[key])
		}
		for _, text := range strings.Split(got, ";") {
			if text != "" && text != "marker" {
				bodies++
			}
		}
	}
	var parts int
	if err := s.read.get(t.Context(), `select count(*) from part where blob <> ''`, nil, []any{&parts}); err != nil {
		t.Error(err)
	}
	wantBodies(t, s, bodies+parts)
	if r := verify(t, s.dir); r.Failed > 0 {
		t.Errorf("%+v", r.Problems)
	}
}

// Each operation of the disk fails once, and once from there on to the end of
// the step. What is refused leaves the key as it was.
func TestDiskFaults(t *testing.T) {
	t.Parallel()
	stride := 1
	if testing.Short() {
		stride = 7
	}
	for n, last := 0, false; !last; n += stride {
		for _, lasting := range []bool{false, true} {
			if lasting && n%4 != 0 {
				continue
			}
			s := newStore(t)
			failed, broken := false, false
			f := &faulty{disk: realDisk{}, before: func(at int, operation, _ string) error {
				if at == n || lasting && broken {
					failed, broken = true, true
					return fmt.Errorf("%s: %w", operation, syscall.ENOSPC)
				}
				return nil
			}}
			s.disk = f
			want := map[string]string{}
			for _, step := range script() {
				switch err := step.run(s, step.key, step.content); {
				case err == nil:
					want[step.key] = step.after(want[step.key])
				case !errors.Is(err, syscall.ENOSPC):
					t.Errorf("fault %d: %v", n, err)
				}
				broken = false
				if got := content(t, s, step.key); got != want[step.key] {
					t.Errorf("fault %d: %s has %.10q", n, step.key, got)
				}
			}
			last = !failed
			s = reopened(t, s)
			settledIs(t, s, want, nil)
			_ = s.Close()
		}
	}
}

func reopened(t *testing.T, s *Store) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An index that cannot grow refuses what does not fit, and takes what does
// later.
func TestFullIndex(t *testing.T) {
	s := newStore(t)
	limit := func(pages int) {
		t.Helper()
		if err := s.write.do(t.Context(), func(t *tx) error {
			_, err := t.exec(fmt.Sprintf("pragma max_page_count = %d", pages))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	limit(60)
	var wg sync.WaitGroup
	var stored sync.Map
	for worker := range 8 {
		wg.Go(func() {
			for i := range 12 {
				name := Name{"b", fmt.Sprint(worker, "/", i)}
				size := 5000 + 1000*i*(i%3) // some of it in files
				_, err := s.Put(t.Context(), name, strings.NewReader(strings.Repeat("x", size)), PutOptions{})
				if err == nil {
					stored.Store(name.Key, size)
				} else if !strings.Contains(err.Error(), "full") {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	n := 0
	for key, size := range stored.Range {
		n++
		if got := content(t, s, key.(string)); len(got) != size.(int) { //nolint:forcetypeassert // ours
			t.Errorf("%v has %d bytes, want %v", key, len(got), size)
		}
	}
	if n < 10 || n == 8*12 {
		t.Fatalf("%d stored", n)
	}
	wantBodies(t, s, n)
	limit(100000)
	put(t, s, "new", "x")
	wantBodies(t, reopened(t, s), n+1)
}

// crashAt tells the process that is killed at which operation that is.
const crashAt = "OBJECTS_CRASH_AT"

// runUntil plays the script in a process that kills itself at one operation,
// and tells of each step that was acknowledged.
func runUntil(dir, at string) {
	die, err := strconv.Atoi(at)
	if err != nil {
		panic(err)
	}
	s, err := Open(dir)
	if err != nil {
		panic(err)
	}
	f := &faulty{disk: realDisk{}, before: func(n int, _, _ string) error {
		if n == die {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}}
	s.disk = f
	settled := s.write.settled
	s.write.settled = func(t *touched) { // between the commit and its acknowledgement
		_ = f.do("settled", "", "", func() error { return nil })
		settled(t)
	}
	for i, step := range script() {
		if err := step.run(s, step.key, step.content); err != nil {
			panic(err)
		}
		fmt.Println("ok", i)
	}
	fmt.Println("end")
	os.Exit(0)
}

// A process is killed before each operation of the disk, and between each
// commit and what follows. It is not parallel to others: until a child has begun
// its program it holds the locks that are open here.
func TestKillAtEach(t *testing.T) {
	stride := 1
	if testing.Short() {
		stride = 7
	}
	for n, end := 0, false; !end; n += stride {
		s := newStore(t)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+s.dir, crashAt+"="+strconv.Itoa(n))
		cmd.Stderr = os.Stderr
		out, _ := cmd.Output() // its end is the point
		acknowledged := bytes.Count(out, []byte("ok "))
		end = bytes.Contains(out, []byte("end"))
		s, err := Open(s.dir)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		for _, step := range script()[:acknowledged] {
			want[step.key] = step.after(want[step.key])
		}
		var doing *scene
		if acknowledged < len(script()) {
			doing = &script()[acknowledged]
		}
		settledIs(t, s, want, doing)
		_ = s.Close()
		if end {
			t.Logf("killed at %d operations", n)
		}
	}
}

// power models a disk that forgets, when the power goes, whatever was not
// synced: bytes of files and names in directories.
type power struct {
	root   string
	data   map[string][]byte   // by name now, what is synced of each file
	names  map[string][]byte   // by durable name
	dirs   map[string]bool     // durable directories
	queued map[string][]func() // by directory, what syncing it makes durable
}

func (p *power) note(operation, path, to string) {
	queue := func(dir string, f func()) { p.queued[dir] = append(p.queued[dir], f) }
	switch operation {
	case "create":
		p.data[path] = []byte{}
	case "sync":
		b, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		p.data[path] = b
	case "rename":
		p.data[to] = p.data[path]
		delete(p.data, path)
		queue(filepath.Dir(to), func() { p.names[to] = p.data[to] })
	case "remove":
		delete(p.data, path)
		queue(filepath.Dir(path), func() { delete(p.names, path) })
	case "mkdir":
		queue(filepath.Dir(path), func() { p.dirs[path] = true })
	case "syncdir":
		for _, f := range p.queued[path] {
			f()
		}
		delete(p.queued, path)
	}
}

// cut makes the store that is found when the power comes back: the index, whose
// every commit was synced, with a torn end of its log, and what the model
// remembers. A removal that was not synced may have happened or not.
func (p *power) cut(t *testing.T, r *rand.Rand) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "s")
	write := func(path string, b []byte) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(filepath.Join(p.root, indexName+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if suffix != "" {
			torn := make([]byte, r.IntN(9000))
			for i := range torn {
				torn[i] = byte(r.Uint32())
			}
			b = append(b, torn...)
		}
		write(filepath.Join(dir, indexName+suffix), b)
	}
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "blobs"), 0o700), os.MkdirAll(filepath.Join(dir, "tmp"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for path, b := range p.names {
		if !p.dirs[filepath.Dir(path)] {
			continue // its directory is gone
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && r.IntN(2) == 0 {
			continue
		}
		write(dir+strings.TrimPrefix(path, p.root), b)
	}
	return dir
}

// The power goes before each operation of the disk, and between each commit and
// what follows.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := &power{root: s.dir, data: map[string][]byte{}, names: map[string][]byte{}, dirs: map[string]bool{}, queued: map[string][]func(){}}
	r := rand.New(rand.NewPCG(1, 2))
	want := map[string]string{}
	var doing scene
	f := &faulty{disk: realDisk{}, after: p.note}
	f.before = func(n int, operation, path string) error {
		after, err := Open(p.cut(t, r))
		if err != nil {
			t.Errorf("cut before operation %d, %s %s: %v", n, operation, path, err)
			return nil
		}
		defer func() { _ = after.Close() }()
		settledIs(t, after, want, &doing)
		return nil
	}
	s.disk = f
	settled := s.write.settled
	s.write.settled = func(t *touched) {
		_ = f.do("settled", "", "", func() error { return nil })
		settled(t)
	}
	for _, doing = range script() {
		if err := doing.run(s, doing.key, doing.content); err != nil {
			t.Fatal(err)
		}
		want = maps.Clone(want)
		want[doing.key] = doing.after(want[doing.key])
	}
	t.Logf("cut at %d operations", f.n)
	if f.n < 40 {
		t.Errorf("only %d operations", f.n)
	}
}
