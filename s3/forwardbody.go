package s3

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/upstream"
)

// body gives q the body of the client's request, decoded and verified while the
// engine takes it: its last bytes come only after everything has verified. The
// request is cut short of its length when something does not, and the engine
// drops it. done must be called when the request is over.
//
// Expect is not passed on. Ceph RGW 16 that refuses such a request keeps the
// connection and takes a body that comes all the same, as HTTP allows, for the
// next request: what a client uploads would be read as requests of others.
func (f *forwarding) body(q *upstream.Request) (done func(), err error) {
	done = func() {}
	if f.op.method != http.MethodPut && f.op.method != http.MethodPost {
		return done, nil
	}
	if f.kept != nil {
		q.Body, q.Length, q.Hash = bytes.NewReader(f.kept), int64(len(f.kept)), sigv4.PayloadHash(f.kept)
		return done, f.permit()
	}
	if err := f.expected(); err != nil {
		return done, err
	}
	verified, err := f.upload()
	if err != nil {
		return done, err
	}
	if err := f.plan.plan(verified); err != nil {
		return done, err
	}
	f.verified = verified
	src := f.permitted(verified)
	q.Length, q.Hash = verified.Length(), clientHash(f.r)
	if q.Length < 0 {
		kept, err := f.s.spools.keep(f.call.Principal.UniqueID, src)
		if err != nil {
			return done, err
		}
		done = func() { _ = kept.Close() }
		q.Length = kept.length
		src = f.permitted(kept)
	}
	if name := verified.Trailer(); name != "" && f.engine.Kind().Trailers() {
		reframe(q, src, trailer{name, verified.Checksums})
	} else if q.Length == 0 {
		if _, err := io.Copy(io.Discard, src); err != nil { // it must verify all the same
			return done, err
		}
		q.Hash = ""
	} else {
		q.Body = src
	}
	conn := http.NewResponseController(f.w)
	q.Abort = func() { _ = conn.SetReadDeadline(time.Now()) }
	return done, nil
}

// recent is how long a decision counts without being asked for again.
const recent = 250 * time.Millisecond

// permitted is a body that ends when it must no longer be stored: src, which
// returns its last bytes with io.EOF.
func (f *forwarding) permitted(src io.Reader) io.Reader {
	return &permitted{Reader: src, forwarding: f, since: time.Now()}
}

// permitted asks once more before it gives out the last bytes of a body that
// took its time, and sooner whether the transfer was ended: a body that waits on
// disk does not come to an end with its connection.
type permitted struct {
	io.Reader
	*forwarding
	since time.Time
}

func (p *permitted) Read(b []byte) (int, error) {
	if err := p.call.Ended(); err != nil {
		return 0, err
	}
	n, err := p.Reader.Read(b)
	if err == io.EOF && time.Since(p.since) > recent { //nolint:errorlint // io.Reader's contract
		if denied := p.permit(); denied != nil {
			clear(b[:n])
			return 0, denied
		}
	}
	return n, err
}

// trailer is the checksum that comes behind a body.
type trailer struct {
	header string // lower case
	sums   func() map[string]string
}

// frame is how many bytes a chunk of a body with a trailer has.
const frame = 1 << 20

// reframe makes the body of q one with the client's checksum in a trailer,
// unsigned: it comes only when it has verified. The length is known beforehand,
// because that of a checksum is.
func reframe(q *upstream.Request, src io.Reader, t trailer) {
	a, _ := findAlgorithm(strings.TrimPrefix(t.header, strings.ToLower(checksumPrefix))) // package sigv4 takes no other
	q.Header["X-Amz-Trailer"] = []string{t.header}
	q.Header["X-Amz-Decoded-Content-Length"] = []string{strconv.FormatInt(q.Length, 10)}
	encoding := "aws-chunked"
	if v := q.Header.Get("Content-Encoding"); v != "" {
		encoding += "," + v
	}
	q.Header["Content-Encoding"] = []string{encoding}
	r := &reframed{src: src, left: q.Length, trailer: t, name: a.Name}
	q.Body, q.Length, q.Hash = r, r.length(len(encodeSum(a.New()))), streamingTrailer
}

const streamingTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

// reframed is a body in aws-chunked framing with a trailer.
type reframed struct {
	src     io.Reader // nil when it has verified
	left    int64     // bytes of the body that are not given yet
	chunk   int64     // of these, in the chunk that is being given
	inChunk bool
	over    bool
	pending []byte // framing to give first
	trailer trailer
	name    string // of the algorithm
}

// length is that of the whole framed body, with a checksum of sum characters.
func (r *reframed) length(sum int) int64 {
	full, rest := r.left/frame, r.left%frame
	n := r.left + full*int64(len(chunkHead(frame))+2)
	if rest > 0 {
		n += int64(len(chunkHead(rest)) + 2)
	}
	return n + int64(len("0\r\n")+len(r.trailer.header)+len(":")+sum+len("\r\n\r\n"))
}

func chunkHead(n int64) string { return strconv.FormatInt(n, 16) + "\r\n" }

func (r *reframed) Read(p []byte) (int, error) {
	for len(r.pending) == 0 {
		switch {
		case r.over:
			return 0, io.EOF
		case r.chunk > 0:
			return r.data(p)
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}

// data gives bytes of the current chunk.
func (r *reframed) data(p []byte) (int, error) {
	n, err := r.src.Read(p[:min(int64(len(p)), r.chunk)])
	r.chunk -= int64(n)
	r.left -= int64(n)
	if err == io.EOF { //nolint:errorlint // io.Reader's contract
		if r.src = nil; r.left > 0 {
			return n, io.ErrUnexpectedEOF
		}
		err = nil
	}
	return n, err
}

// next makes the framing up to the next data, or up to the end.
func (r *reframed) next() error {
	r.pending = r.pending[:0]
	if r.inChunk {
		r.pending, r.inChunk = append(r.pending, "\r\n"...), false
	}
	if r.left > 0 {
		r.chunk, r.inChunk = min(r.left, frame), true
		r.pending = append(r.pending, chunkHead(r.chunk)...)
		return nil
	}
	if r.src != nil { // the end of the body, which is where it verifies
		if _, err := io.Copy(io.Discard, r.src); err != nil {
			return err
		}
	}
	r.pending = append(r.pending, "0\r\n"+r.trailer.header+":"+r.trailer.sums()[r.name]+"\r\n\r\n"...)
	r.over = true
	return nil
}
