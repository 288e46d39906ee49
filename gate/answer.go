package gate

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// answer notes the status of an answer and how much was written, and sees to
// it that neither the rest of the request nor a client that does not read keeps
// it waiting, and that it ends with the session of who asked for it.
type answer struct {
	http.ResponseWriter
	call   *Call
	stall  time.Duration
	armed  time.Time // when the deadline for writing was last moved
	status int
	bytes  int64
	broken error // why the client could not be written to
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.begin(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) begin(status int) {
	a.status = status
	a.call.watch.answering.Store(true)
	a.call.body.finish(a.call.Request, a.Header())
	a.arm()
	if length := a.Header()["Content-Length"]; len(length) == 1 && len(length[0]) > 5 { // 100,000 bytes or more
		a.watch()
	}
}

// watch starts to ask whether who gets this is still known. Who asked for headers
// only is not worth it.
func (a *answer) watch() {
	if a.call.Signature != nil && a.call.Request.Method != http.MethodHead {
		a.call.watch.begin(a.call.Request.Context())
	}
}

// arm moves the deadline of an answer. It fails when the answer has to end.
func (a *answer) arm() error {
	if now := time.Now(); now.Sub(a.armed) > a.stall/8 {
		a.armed = now
		_ = a.call.watch.conn.SetWriteDeadline(now.Add(a.stall))
	}
	return a.call.watch.reason()
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.begin(http.StatusOK)
	}
	written := 0
	for {
		if err := a.arm(); err != nil {
			return written, err
		}
		n, err := a.ResponseWriter.Write(b[written:min(written+piece, len(b))])
		written += n
		a.wrote(int64(n))
		a.sentTo(err)
		if err != nil || written >= len(b) {
			return written, err
		}
	}
}

// wrote counts bytes. From watched bytes on the answer is watched.
func (a *answer) wrote(n int64) {
	if a.bytes < watched && a.bytes+n >= watched {
		a.watch()
	}
	a.bytes += n
}

// ReadFrom implements io.ReaderFrom. A large file on a connection without TLS is
// sent by the kernel; anything else is copied.
func (a *answer) ReadFrom(src io.Reader) (int64, error) {
	if a.status == 0 {
		a.begin(http.StatusOK)
	}
	r := a.call.Request
	if to, ok := a.ResponseWriter.(io.ReaderFrom); ok && r.TLS == nil && r.ProtoMajor == 1 && r.Method != http.MethodHead {
		if l, ok := src.(*io.LimitedReader); ok && l.N > piece {
			if _, ok := l.R.(*os.File); ok {
				return a.send(to, l)
			}
		}
	}
	return a.copy(src)
}

// send has the kernel send a file, piece by piece. A piece that did not get
// through within a stall is gone on with if some of it did.
func (a *answer) send(to io.ReaderFrom, src *io.LimitedReader) (sent int64, err error) {
	for src.N > 0 {
		if err := a.arm(); err != nil {
			return sent, err
		}
		part := io.LimitedReader{R: src.R, N: min(src.N, filePiece)}
		n, err := to.ReadFrom(&part)
		src.N -= n
		sent += n
		a.wrote(n)
		switch {
		case n > 0 && errors.Is(err, os.ErrDeadlineExceeded):
			a.armed = time.Time{}
		case err != nil || n == 0: // the file is shorter than it was
			a.sentFile(err)
			return sent, err
		}
	}
	return sent, nil
}

// copy copies with a buffer that is used again.
func (a *answer) copy(src io.Reader) (written int64, err error) {
	buf := a.call.door.buffers.Get().(*[piece]byte)
	defer a.call.door.buffers.Put(buf)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			w, err := a.Write(buf[:n])
			written += int64(w)
			if err != nil {
				return written, err
			}
		}
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
	}
}

// end readies the connection for what net/http still writes.
func (a *answer) end() {
	if a.status == 0 {
		a.begin(http.StatusOK)
	}
	_ = a.arm()
}

// Unwrap serves http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
