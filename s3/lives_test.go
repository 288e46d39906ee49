package s3

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// TestLives: one bucket is waited for, as long as the request lasts, and no other.
func TestLives(t *testing.T) {
	var l lives
	release, err := l.take(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.take(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	other()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := l.take(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	count, group := 0, sync.WaitGroup{}
	for range 50 {
		group.Go(func() {
			release, err := l.take(t.Context(), "a")
			if err != nil {
				t.Error(err)
				return
			}
			count++ // the race detector looks
			release()
		})
	}
	release()
	group.Wait()
	if count != 50 || len(l.held) != 0 {
		t.Errorf("%d, %d are left", count, len(l.held))
	}
}
