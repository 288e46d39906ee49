package server

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

// TestBackupWhileServing: a backup that is taken while a server writes is of one
// moment: what was written before it is there, and it is whole.
func TestBackupWhileServing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := Init(t.Context(), InitConfig{Dir: dir, NoRSA: true}); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), Config{Dir: dir, DeviceListen: "127.0.0.1:0", APIListen: "127.0.0.1:0", OpsListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	written := func(n int) thingpass.Thing { return thingpass.Thing{Name: fmt.Sprintf("thing-%04d", n)} }
	for n := range 50 {
		if _, err := s.db.CreateThing(t.Context(), written(n)); err != nil {
			t.Fatal(err)
		}
	}
	writers.Go(func() {
		for n := 50; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := s.db.CreateThing(t.Context(), written(n)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	file := filepath.Join(t.TempDir(), "copy")
	_, err = s.inst.Backup(t.Context(), file, time.Now())
	close(stop)
	writers.Wait()
	if err := errors.Join(err, s.Shutdown()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".thingpass-backup-*")); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	if _, err := Restore(t.Context(), restored, file); err != nil {
		t.Fatal(err)
	}
	inst, err := OpenInstallation(restored)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), inst.dsn(), inst.Place())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for n := range 50 {
		if _, err := db.Thing(t.Context(), written(n).Name); err != nil {
			t.Errorf("what was written before is not there: %v", err)
		}
	}
}

// TestRestoreRefuses: a backup that is cut off, changed, or has a member too
// many or too few leaves an empty folder.
func TestRestoreRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := Init(t.Context(), InitConfig{Dir: dir, NoRSA: true}); err != nil {
		t.Fatal(err)
	}
	inst, err := OpenInstallation(dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "copy")
	if _, err := inst.Backup(t.Context(), file, time.Now()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"empty":             {},
		"cut off":           whole[:len(whole)/2],
		"without its sum":   whole[:len(whole)-8],
		"a bit is flipped":  flipped(whole),
		"key ring changed":  rewritten(t, whole, func(h *tar.Header, raw []byte) []byte { return changed(h.Name == fileKeyRing, raw) }),
		"database changed":  rewritten(t, whole, func(h *tar.Header, raw []byte) []byte { return changed(h.Name == fileDatabase, raw) }),
		"a member too few":  rewritten(t, whole, func(h *tar.Header, raw []byte) []byte { return dropped(h.Name == fileDeviceCA, raw) }),
		"no installation":   rewritten(t, whole, func(h *tar.Header, raw []byte) []byte { return dropped(h.Name == fileInstallation, raw) }),
		"another name":      rewritten(t, whole, func(h *tar.Header, raw []byte) []byte { h.Name = renamed(h.Name, "../keyring.json"); return raw }),
		"an absolute name":  rewritten(t, whole, func(h *tar.Header, raw []byte) []byte { h.Name = renamed(h.Name, "/tmp/keyring.json"); return raw }),
		"a symbolic link":   rewritten(t, whole, func(h *tar.Header, raw []byte) []byte { return linked(h, raw) }),
		"manifest not JSON": rewritten(t, whole, func(h *tar.Header, raw []byte) []byte { return changed(h.Name == backupManifest, raw) }),
	} {
		t.Run(name, func(t *testing.T) {
			bad, into := filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "data")
			if err := os.WriteFile(bad, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Restore(t.Context(), into, bad); err == nil {
				t.Fatal("it is restored")
			}
			if left, err := os.ReadDir(into); err != nil || len(left) > 0 {
				t.Errorf("it left %v %v", left, err)
			}
		})
	}
}

func flipped(raw []byte) []byte {
	raw = bytes.Clone(raw)
	raw[len(raw)/2] ^= 1
	return raw
}

func changed(this bool, raw []byte) []byte {
	if this {
		raw[0]++
	}
	return raw
}

func dropped(this bool, raw []byte) []byte {
	if this {
		return nil
	}
	return raw
}

func renamed(name, to string) string {
	if name == fileKeyRing {
		return to
	}
	return name
}

func linked(h *tar.Header, raw []byte) []byte {
	if h.Name == fileKeyRing {
		h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, "/etc/passwd", 0
		return []byte{}
	}
	return raw
}

// rewritten passes the members of a backup through a function; nil drops one.
func rewritten(t *testing.T, raw []byte, f func(h *tar.Header, raw []byte) []byte) []byte {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	in := tar.NewReader(zipped)
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if content = f(h, content); content == nil {
			continue
		}
		h.Size = int64(len(content))
		if err := archive.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
