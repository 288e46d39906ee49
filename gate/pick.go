package gate

import (
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/wire"
)

// pick finds the service that a request is meant for. Which service an unsigned
// request seems to mean decides the shape of the refusal; only S3 has requests
// that need no signature. A preflight request has none: what a presigned URL
// carries is for the request that it asks about.
func (d *Door) pick(c *Call) (*service, error) {
	r := c.Request
	if r.Method == http.MethodOptions {
		if sv := d.guess(r); sv.Protocol == wire.RESTXML {
			c.service, c.Signature, c.preflight = &sv.Service, sigv4.Unsigned(), true
			return sv, nil
		}
	}
	sig, err := sigv4.Parse(r)
	if err != nil {
		sv := d.guess(r)
		c.service = &sv.Service
		if !missing(err) || sv.Protocol != wire.RESTXML {
			return nil, err
		}
		if sig, err = d.unsigned(c); err != nil {
			return nil, err
		}
		c.Signature, c.AccessKeyID = sig, sig.AccessKeyID
		if sig.Unsigned || d.byScope[sig.Service] == sv {
			return sv, nil
		}
		return nil, otherService(sv.Protocol, sig)
	}
	c.Signature, c.AccessKeyID = sig, sig.AccessKeyID
	if sv := d.byScope[sig.Service]; sv != nil {
		c.service = &sv.Service
		return sv, nil
	}
	c.service = &d.guess(r).Service
	return nil, otherService(c.service.Protocol, sig)
}

// missing tells whether there is no signature at all.
func missing(err error) bool {
	e, ok := errors.AsType[*sigv4.Error](err)
	return ok && e.Kind == sigv4.Missing
}

// plainPath refuses paths that mean another path once they are cleaned. The
// signature of every service but S3 is made over the cleaned path, so it does
// not say which of the two was meant.
func plainPath(sv *service, r *http.Request) error {
	if sv.Protocol == wire.RESTXML {
		return nil
	}
	segments := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	for i, s := range segments {
		if s == "." || s == ".." || s == "" && i > 0 {
			return unknownOperation(sv.Protocol, r.Method+" "+r.URL.EscapedPath())
		}
	}
	return nil
}

// guess names the service that a request without a readable signature seems to
// mean.
func (d *Door) guess(r *http.Request) *service {
	if scope, ok := scopeHint(r); ok && d.byScope[scope] != nil {
		return d.byScope[scope]
	}
	if r.Header.Get("X-Amz-Target") != "" {
		return &service{Service: Service{Name: "unknown", Protocol: wire.JSON11}}
	}
	version := r.URL.Query().Get("Version")
	for _, sv := range d.services {
		if sv.Protocol == wire.Query && r.URL.EscapedPath() == "/" && (version == sv.Version || version == "" && isForm(r) && r.Method == http.MethodPost) {
			return sv
		}
		if sv.Protocol == wire.RESTJSON {
			if _, _, ok := sv.routes.Match(r); ok {
				return sv
			}
		}
	}
	for _, sv := range d.services {
		if sv.Protocol == wire.RESTXML {
			return sv
		}
	}
	return &service{Service: Service{Name: "unknown", Protocol: wire.RESTJSON}}
}

// scopeHint reads the service out of a credential scope without trusting it.
func scopeHint(r *http.Request) (string, bool) {
	scope := r.URL.Query().Get("X-Amz-Credential")
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		scope, _, _ = strings.Cut(rest, ",")
	}
	parts := strings.Split(scope, "/")
	if len(parts) < 5 {
		return "", false
	}
	return parts[len(parts)-2], true
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "application/x-www-form-urlencoded" && (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter))
}
