package s3

import (
	"net/http"
	"strings"

	"github.com/thingpass/thingpass/upstream"
)

// accessControl begins the names of CORS's headers (Fetch standard, "HTTP
// extensions").
const accessControl = "Access-Control-"

// preflight has the engine say what its rules for the bucket allow a page of
// another origin. Like a browser it asks without a signature, and with what the
// rules are about. A refusal says neither why nor whether there is such a bucket,
// nor of which kind the engine is.
func (f *forwarding) preflight() error {
	const refused = "CORSResponse: This CORS request is not allowed."
	if f.engine.Kind().Refuses(f.bucket, f.key) != "" {
		return f.errCORS(refused)
	}
	q := &upstream.Request{Method: http.MethodOptions, Bucket: f.bucket, Key: f.key, Header: http.Header{}, Unsigned: true}
	for _, name := range []string{"Origin", accessControl + "Request-Method", accessControl + "Request-Headers"} {
		if v := f.r.Header.Values(name); len(v) > 0 {
			q.Header[name] = []string{strings.Join(v, ", ")}
		}
	}
	a, err := f.send(q)
	if err != nil {
		return err
	}
	defer a.Close()
	switch {
	case a.Status/100 == 2 && a.Header.Get(accessControl+"Allow-Origin") != "":
		f.w.Header().Set("Content-Length", "0")
		f.w.WriteHeader(http.StatusOK)
		return nil
	case a.Status/100 == 5:
		return errEngineDown(&upstream.Refusal{Answered: upstream.ReadFailure(a)})
	}
	return f.errCORS(refused)
}

// crossOrigin shows the client, which sent an origin, what the engine says of
// it. Whoever sends none is told nothing.
func (f *forwarding) crossOrigin(a *upstream.Answer) {
	if f.r.Header["Origin"] == nil {
		return
	}
	for name, values := range a.Header {
		if strings.HasPrefix(name, accessControl) || name == "Vary" {
			f.w.Header()[name] = values
		}
	}
}
