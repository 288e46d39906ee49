package gate

import (
	"io"
	"time"

	"github.com/thingpass/thingpass/sigv4"
)

// unsigned treats an S3 request without a signature where the others have theirs:
// it may be a form, which has it in a field. The fields are read before anything
// is known of who sends them, so they are bounded, in bytes and in time.
func (d *Door) unsigned(c *Call) (*sigv4.Signature, error) {
	if !sigv4.IsForm(c.Request) {
		return sigv4.Unsigned(), nil
	}
	room := c.enterRoom()
	if err := room.grow(c.Request.Context(), formRoom, time.Now().Add(c.door.cfg.Timeouts.Room)); err != nil {
		return nil, err
	}
	form, err := sigv4.ReadForm(c.Request)
	if err != nil {
		return nil, room.lost(err)
	}
	form.File = &formFile{Reader: form.File, call: c}
	c.Form = form
	sig, err := form.Signature()
	if missing(err) {
		return sigv4.Unsigned(), nil
	}
	return sig, err
}

// formFile is the file of a form. Who reads it may do so: from then on it may
// take as long as it needs while bytes come, like Call.Body.
type formFile struct {
	io.Reader
	call  *Call
	begun bool
}

func (f *formFile) Read(p []byte) (int, error) {
	if !f.begun {
		f.begun = true
		f.call.body.progress(f.call.Request)
	}
	return f.Reader.Read(p)
}
