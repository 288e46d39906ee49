package objects

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// cpu is the processor time that this process has used, in both modes.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure reports the processor time of an operation, which says more than its
// duration on a machine with others on it.
func measure(b *testing.B, run func()) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	run()
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
}

// together runs f from a few goroutines at once.
func together(b *testing.B, f func(i int64)) {
	b.Helper()
	var n atomic.Int64
	measure(b, func() {
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				f(n.Add(1))
			}
		})
	})
}

// only hides what else a reader can do.
type only struct{ io.Reader }

// bare is what a server without an index does: a file, synced, renamed, and its
// directory synced.
func bare(b *testing.B, dir, name string, body io.Reader) {
	b.Helper()
	f, err := os.CreateTemp(dir, "tmp")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.CopyBuffer(only2{io.MultiWriter(f, md5.New())}, only{body}, make([]byte, 64<<10)); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	_ = f.Close()
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		b.Fatal(err)
	}
	if err := (realDisk{}).syncDir(dir); err != nil {
		b.Fatal(err)
	}
}

type only2 struct{ io.Writer }

func BenchmarkBarePut4K(b *testing.B) {
	dir, body := b.TempDir(), bytes.Repeat([]byte("x"), 4096)
	together(b, func(i int64) { bare(b, dir, fmt.Sprint(i), bytes.NewReader(body)) })
}

func BenchmarkPut4K(b *testing.B) { benchmarkPut(b, 4096) }

func BenchmarkPut16K(b *testing.B) { benchmarkPut(b, maxInline) }

func BenchmarkPut17K(b *testing.B) { benchmarkPut(b, maxInline+1024) }

func benchmarkPut(b *testing.B, size int) {
	s, body := newStore(b), bytes.Repeat([]byte("x"), size)
	meta := Meta{Headers: map[string]string{"Content-Type": "text/plain"}}
	together(b, func(i int64) {
		_, err := s.Put(b.Context(), Name{"b", fmt.Sprintf("%x/%d", i*2654435761%4096, i)}, only{bytes.NewReader(body)}, PutOptions{Meta: meta})
		if err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkPutAlone4K has no other writer to share a sync with.
func BenchmarkPutAlone4K(b *testing.B) {
	s, body := newStore(b), bytes.Repeat([]byte("x"), 4096)
	measure(b, func() {
		for i := range b.N {
			if _, err := s.Put(b.Context(), Name{"b", fmt.Sprint(i)}, only{bytes.NewReader(body)}, PutOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBarePutAlone4K(b *testing.B) {
	dir, body := b.TempDir(), bytes.Repeat([]byte("x"), 4096)
	measure(b, func() {
		for i := range b.N {
			bare(b, dir, fmt.Sprint(i), bytes.NewReader(body))
		}
	})
}

func BenchmarkHead(b *testing.B) {
	s := newStore(b)
	put(b, s, "k", "x")
	measure(b, func() {
		for range b.N {
			if _, err := s.Head(b.Context(), Ref{Name: Name{"b", "k"}}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkHeadCold asks for more objects than are remembered.
func BenchmarkHeadCold(b *testing.B) {
	s := newStore(b)
	s.cache.limit = 0
	for i := range 1000 {
		put(b, s, fmt.Sprint(i), "x")
	}
	measure(b, func() {
		for range b.N {
			if _, err := s.Head(b.Context(), Ref{Name: Name{"b", fmt.Sprint(rand.IntN(1000))}}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGet4K(b *testing.B)  { benchmarkGet(b, 4096) }
func BenchmarkGet64K(b *testing.B) { benchmarkGet(b, 64<<10) }

func benchmarkGet(b *testing.B, size int) {
	s := newStore(b)
	put(b, s, "k", string(make([]byte, size)))
	measure(b, func() {
		for range b.N {
			_, r, err := s.Get(b.Context(), Ref{Name: Name{"b", "k"}})
			if err != nil {
				b.Fatal(err)
			}
			if n, err := r.CopyRange(io.Discard, 0, int64(size)); n != int64(size) || err != nil {
				b.Fatal(n, err)
			}
			_ = r.Close()
		}
	})
}

func BenchmarkPut64M(b *testing.B) {
	s, body := newStore(b), make([]byte, 64<<20)
	b.SetBytes(int64(len(body)))
	measure(b, func() {
		for range b.N {
			if _, err := s.Put(b.Context(), Name{"b", "k"}, only{bytes.NewReader(body)}, PutOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBarePut64M(b *testing.B) {
	dir, body := b.TempDir(), make([]byte, 64<<20)
	b.SetBytes(int64(len(body)))
	measure(b, func() {
		for range b.N {
			bare(b, dir, "k", bytes.NewReader(body))
		}
	})
}
