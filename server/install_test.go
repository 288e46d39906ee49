package server

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestInitTwiceAtOnce: of several that make an installation in one folder, one
// wins, and the others leave it alone.
func TestInitTwiceAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = Init(t.Context(), InitConfig{Dir: dir}) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		}
	}
	if won != 1 {
		t.Fatalf("%d of them won: %v", won, errs)
	}
	s, err := Start(t.Context(), Config{Dir: dir, DeviceListen: "127.0.0.1:0", APIListen: "127.0.0.1:0", OpsListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, fileLock)); err == nil {
		t.Error("the lock is still there")
	}
}

// TestInitLock: a lock that is there, left by another that is at work or died,
// keeps init away.
func TestInitLock(t *testing.T) {
	dir := t.TempDir()
	lock := filepath.Join(dir, fileLock)
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(t.Context(), InitConfig{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another init is at work") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(lock); err != nil {
		t.Error("the lock of the other is gone")
	}
}
