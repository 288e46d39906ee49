package gate

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"

	"github.com/thingpass/thingpass/wire"
)

// statusClientClosedRequest is the status of a request whose client closed the
// connection, or reset the stream, before its answer. HTTP has none; nginx made
// this one common. A client that closed only its own direction sees it.
const statusClientClosedRequest = 499

// codeClientClosedRequest is the code of such a request in the audit line, the
// metrics and explanations.
const codeClientClosedRequest = "ClientClosedRequest"

// hungUp returns the error of a request that failed because its client hung up
// before the answer or amid it, or nil when err has another cause. A client that
// stays and moves no byte is no such client: it runs into a deadline.
func (a *answer) hungUp(ctx context.Context, err error) *wire.Error {
	left := a.broken != nil && !errors.Is(a.broken, os.ErrDeadlineExceeded)
	canceled := errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled)
	if !left && !canceled {
		return nil
	}
	return &wire.Error{Status: statusClientClosedRequest, Code: codeClientClosedRequest,
		Message: "The client closed the connection before the answer was complete.", Err: err}
}

// sentTo notes why the client could not be written to. A mistake of ours is no
// such reason: a body that is longer than announced, or where none may be.
func (a *answer) sentTo(err error) {
	if err != nil && !errors.Is(err, http.ErrContentLength) && !errors.Is(err, http.ErrBodyNotAllowed) {
		a.broken = err
	}
}

// sentFile is sentTo for a file that the kernel sends, whose own errors come back
// by the same way.
func (a *answer) sentFile(err error) {
	_, ofFile := errors.AsType[*fs.PathError](err)
	if _, ofConn := errors.AsType[*net.OpError](err); ofConn && !ofFile {
		a.sentTo(err)
	}
}
