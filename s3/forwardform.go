package s3

import (
	"net/http"
	"strings"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/upstream"
)

// form forwards a form upload as the put that it stands for. Where its file ends
// is known only there, so it is written to disk first.
func (f *forwarding) form() error {
	q := &upstream.Request{Method: http.MethodPut, Bucket: f.bucket, Key: f.key, Header: http.Header{}}
	for name, values := range f.post.header {
		if f.passes(name) {
			q.Header[name] = values
		}
	}
	if v := f.r.Header["Origin"]; v != nil { // for the engine's rules this is a POST
		q.Header["Origin"], q.Header[accessControl+"Request-Method"] = v, []string{http.MethodPost}
	}
	file, err := f.file()
	if err != nil {
		return err
	}
	kept, err := f.s.spools.keep(f.call.Principal.UniqueID, file)
	if err != nil {
		return err
	}
	defer func() { _ = kept.Close() }()
	if err := f.permit(); err != nil {
		return err
	}
	q.Length = kept.length
	if q.Length > 0 {
		q.Body, q.Hash = f.permitted(kept), sigv4.UnsignedPayload
	}
	a, err := f.send(q)
	if err != nil {
		return err
	}
	defer a.Close()
	if a.Status != http.StatusOK {
		return f.failed(a)
	}
	return f.s.posted(f.exchange, strings.Trim(a.Header.Get("Etag"), `"`), a.Header.Get(versionHeader))
}
