package s3

import (
	"context"
	"sync"
)

// lives are taken by name: one is held while a bucket begins or ends together
// with its policy, and while a policy is put. Nobody waits for a bucket of
// another name, whose engine may be slow.
type lives struct {
	mu   sync.Mutex
	held map[string]*life // those that somebody holds or waits for
}

type life struct {
	turn   chan struct{} // has the holder
	wanted int           // by how many, the holder among them
}

// take waits until nobody else has the life of the bucket, or until ctx ends.
func (l *lives) take(ctx context.Context, bucket string) (release func(), err error) {
	l.mu.Lock()
	one := l.held[bucket]
	if one == nil {
		if l.held == nil {
			l.held = map[string]*life{}
		}
		one = &life{turn: make(chan struct{}, 1)}
		l.held[bucket] = one
	}
	one.wanted++
	l.mu.Unlock()
	select {
	case one.turn <- struct{}{}:
		return func() { <-one.turn; l.leave(bucket, one) }, nil
	case <-ctx.Done():
		l.leave(bucket, one)
		return nil, context.Cause(ctx)
	}
}

func (l *lives) leave(bucket string, one *life) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.wanted--; one.wanted == 0 {
		delete(l.held, bucket)
	}
}
