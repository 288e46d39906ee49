package space

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestLimit(t *testing.T) {
	for _, tt := range []struct {
		text  string
		total int64
		want  int64 // -1 for an error
	}{
		{"0", 1 << 40, 0}, {"0%", 1 << 40, 0}, {"1048576", 0, 1 << 20}, {"256MiB", 0, 256 << 20}, {"256 MiB", 0, 256 << 20}, {"1G", 0, 1 << 30},
		{"10GB", 0, 10e9}, {"2kB", 0, 2000}, {"2%", 1000, 20}, {"0.5%", 1000, 5}, {"99.9 %", 1000, 999},
		{"", 0, -1}, {"%", 0, -1}, {"100%", 0, -1}, {"-1%", 0, -1}, {"NaN%", 0, -1}, {"Inf%", 0, -1}, {"-1", 0, -1}, {"1.5GiB", 0, -1}, {"MiB", 0, -1},
		{"9223372036854775807", 0, 1<<63 - 1}, {"9223372036854775808", 0, -1}, {"8388608TiB", 0, -1}, {"1 mib", 0, -1}, {"1MiBB", 0, -1},
	} {
		var l Limit
		err := l.UnmarshalText([]byte(tt.text))
		if got := l.Of(tt.total); (err != nil) != (tt.want < 0) || err == nil && got != tt.want {
			t.Errorf("%q of %d: %d, %v, want %d", tt.text, tt.total, got, err, tt.want)
		}
	}
	if got := DefaultLimit.Of(1 << 40); got != (1<<40)/50 {
		t.Errorf("of 1 TiB: %d", got)
	}
	if got := DefaultLimit.Of(1 << 30); got != 256<<20 {
		t.Errorf("of 1 GiB: %d", got)
	}
}

func FuzzLimit(f *testing.F) {
	for _, text := range []string{"0", "256MiB", "2%", "10 GB", "1e3", "0.5%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var l Limit
		if err := l.UnmarshalText([]byte(text)); err != nil {
			return
		}
		if got := l.Of(1 << 40); got < 0 || l.Percent > 0 && got >= 1<<40 {
			t.Errorf("%q of 1 TiB is %d", text, got)
		}
	})
}

func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		if os.Getenv("CI") != "" && os.Getuid() == 0 {
			t.Fatalf("mount a tmpfs: %v", err)
		}
		t.Skipf("needs to mount a tmpfs, which takes root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func open(t *testing.T, dir string, limit int64) *Volume {
	t.Helper()
	v, err := Open(Config{Dir: dir, Limit: Limit{Bytes: limit}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAdmit: what uploads wrote since the last look counts, so that a fast one
// does not pass the limit between two.
func TestAdmit(t *testing.T) {
	v := open(t, mount(t, "size=16m"), 4<<20)
	if err := v.Admit(11 << 20); err != nil {
		t.Errorf("11 of 16 MiB, of which 4 stay free: %v", err)
	}
	if err := v.Admit(12 << 20); !errors.Is(err, ErrShort) {
		t.Errorf("12 of 16 MiB, of which 4 stay free: %v", err)
	}
	spent := 0
	for range 1000 {
		v.looked = time.Now() // no other look
		if v.Spend(64<<10) != nil {
			break
		}
		spent += 64 << 10
	}
	if spent != 12<<20 {
		t.Errorf("%d bytes were let through", spent)
	}
	var none *Volume
	if err := errors.Join(none.Admit(1<<60), none.Spend(1<<30), none.Ready()); err != nil || none.Relieve(Removing) {
		t.Errorf("no volume: %v", err)
	}
}

// TestReserve: the reserve is of allocated blocks, given back in steps, the
// second half only for what takes something away, and made whole again when there
// is room.
func TestReserve(t *testing.T) {
	dir := mount(t, "size=16m")
	v := open(t, dir, 0)
	if state := v.Tend(); state.Reserve != 1<<20 || state.Free != 15<<20 {
		t.Fatalf("%+v", state)
	}
	hog := filepath.Join(dir, "hog")
	if err := os.WriteFile(hog, make([]byte, 15<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if v.Relieve(None) {
		t.Error("uploads were given of the reserve")
	}
	adding, removing := 0, 0
	for v.Relieve(Adding) {
		adding++
	}
	for v.Relieve(Removing) {
		removing++
	}
	if state := v.Tend(); adding != steps/2 || removing != steps/2 || state.Free != 1<<20 || state.Reserve != 0 || !state.Full && state.Free < v.reserve.step {
		t.Errorf("%d and %d steps, %+v", adding, removing, state)
	}
	if err := os.Remove(hog); err != nil {
		t.Fatal(err)
	}
	if state := v.Tend(); state.Reserve != 1<<20 || state.Full {
		t.Errorf("with room again: %+v", state)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if state := v.Tend(); !state.ReadOnly {
		t.Errorf("read-only: %+v", state)
	}
}

// TestInodes: a file system that has no inode left is short, too.
func TestInodes(t *testing.T) {
	dir := mount(t, "size=16m,nr_inodes=100")
	v := open(t, dir, 1<<20)
	if err := v.Admit(1); err != nil {
		t.Fatal(err)
	}
	for n := range 60 {
		if err := os.WriteFile(filepath.Join(dir, string(rune('A'+n))), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v.looked = time.Time{}
	if err := v.Admit(1); !errors.Is(err, ErrShort) {
		t.Errorf("with fewer than %d inodes: %v", minInodes, err)
	}
}
