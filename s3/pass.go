package s3

import (
	"io"
	"sync"

	"github.com/thingpass/thingpass/upstream"
)

const (
	// piece is how much of an answer is copied at a time, in bytes. Doing it in
	// pieces of a quarter costs a third more.
	piece = 256 << 10
	// smallPiece is what an answer is copied with that has no more.
	smallPiece = 16 << 10
)

// pieces are the buffers that answers of engines are copied with, to be used
// again.
type pieces struct{ large, small sync.Pool }

// pass copies an answer. When it breaks off, so does ours.
func (p *pieces) pass(w io.Writer, a *upstream.Answer) error {
	pool, size := &p.large, piece
	if a.Length >= 0 && a.Length <= smallPiece {
		pool, size = &p.small, smallPiece
	}
	b, _ := pool.Get().(*[]byte)
	if b == nil {
		b = new([]byte)
		*b = make([]byte, size)
	}
	defer pool.Put(b)
	for {
		n, err := a.Read(*b)
		if n > 0 {
			if _, err := w.Write((*b)[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF { //nolint:errorlint // io.Reader's contract
			return nil
		}
		if err != nil {
			return err
		}
	}
}
