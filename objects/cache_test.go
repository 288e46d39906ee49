package objects

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// Whoever reads after a write was acknowledged sees that write, though others
// fill the cache at the same time.
func TestCacheIsTrue(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	name := Name{"b", "k"}
	put(t, s, "k", "0")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	for range 4 {
		go func() {
			for ctx.Err() == nil {
				_, _ = s.Head(context.Background(), Ref{Name: name})
			}
			done <- struct{}{}
		}()
	}
	for i := range 100 {
		want := fmt.Sprint(i)
		if i%7 == 0 {
			want = strings.Repeat(want, maxInline)
		}
		put(t, s, "k", want)
		if got := get(t, s, "k"); got != want {
			t.Fatalf("after put %d: %d bytes", i, len(got))
		}
	}
	cancel()
	for range 4 {
		<-done
	}
	if o, _ := s.cache.get(name); o == nil {
		t.Error("nothing is remembered")
	}
	if err := s.SetVersioning(t.Context(), "b", Enabled); err != nil {
		t.Fatal(err)
	}
	if o, err := s.Head(t.Context(), Ref{Name: name}); err != nil || o.Version != NullVersion {
		t.Errorf("%q, %v", o.Version, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache(1 << 20)
	for i := range 10000 {
		o := &stored{Object: Object{Name: Name{"b", fmt.Sprint(i)}}, inline: make([]byte, 4096)}
		_, ticket := c.get(o.Name)
		c.put(o, ticket)
		if i%3 == 0 {
			c.get(Name{"b", "0"})
		}
	}
	total := 0
	for i := range c.shards {
		for _, generation := range []map[Name]*stored{c.shards[i].young, c.shards[i].old} {
			for _, o := range generation {
				total += o.weight()
			}
		}
	}
	if total > 1<<20 || total < 1<<18 {
		t.Errorf("%d bytes held", total)
	}
	if o, _ := c.get(Name{"b", "0"}); o == nil {
		t.Error("forgot what is asked for all the time")
	}
}
