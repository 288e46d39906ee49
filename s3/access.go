package s3

import (
	"crypto/tls"
	"strconv"
	"strings"
	"time"

	"github.com/thingpass/thingpass/gate"
)

type gateAccess = gate.Access

// requestKeys are headers whose value is the condition key s3:<lower case>.
var requestKeys = []string{
	"X-Amz-Content-Sha256", "X-Amz-Acl", "X-Amz-Storage-Class", "X-Amz-Metadata-Directive",
	"If-Match", "If-None-Match",
}

// access is the question whether a request may use an action on its target.
func (s *service) access(t *target, c *gate.Call, action string) gateAccess {
	return s.accessOn(t.arn(), c, action)
}

func (s *service) accessOn(arn string, c *gate.Call, action string) gateAccess {
	keys := map[string][]string{
		"s3:authType":         {"REST-HEADER"},
		"s3:signatureversion": {"AWS4-HMAC-SHA256"},
		"s3:ResourceAccount":  {s.Place.Account},
	}
	signed, err := c.Signature.Time, error(nil)
	if c.Signature.Presigned {
		keys["s3:authType"] = []string{"REST-QUERY-STRING"}
	}
	r := c.Request
	if signed.IsZero() { // Version 2
		keys["s3:signatureversion"] = []string{"AWS"}
		signed, err = signedV2(r.URL.Query().Get("Expires"))
	}
	if err == nil {
		keys["s3:signatureAge"] = []string{strconv.FormatInt(max(0, s.Now().Sub(signed).Milliseconds()), 10)}
	}
	if v := tlsVersion(r.TLS); v != "" {
		keys["s3:TlsVersion"] = []string{v}
	}
	for _, name := range requestKeys {
		if v := r.Header.Get(name); v != "" {
			keys["s3:"+strings.ToLower(name)] = []string{v}
		}
	}
	return gateAccess{Action: action, Resource: arn, Context: keys}
}

// signedV2 is when a URL was signed with Signature Version 2 at the earliest.
// It does not say when, and a policy that refuses old signatures must not pass
// it for that.
func signedV2(expires string) (time.Time, error) {
	seconds, err := strconv.ParseInt(expires, 10, 64)
	return time.Unix(seconds, 0).AddDate(0, 0, -7), err
}

func tlsVersion(state *tls.ConnectionState) string {
	if state == nil {
		return ""
	}
	switch state.Version {
	case tls.VersionTLS12:
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return ""
}

// listAccess asks with what is listed. A parameter that is absent leaves its
// key absent, except that there always is a maximum.
func listAccess(action string) func(*service, *target, *gate.Call) ([]gateAccess, error) {
	return func(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
		a := s.access(t, c, action)
		for _, name := range []string{"prefix", "delimiter"} {
			if t.query.Has(name) {
				a.Context["s3:"+name] = []string{t.query.Get(name)}
			}
		}
		a.Context["s3:max-keys"] = []string{strconv.Itoa(defaultPage)}
		if v := t.query.Get("max-keys"); v != "" {
			a.Context["s3:max-keys"] = []string{v}
		}
		return []gateAccess{a}, nil
	}
}

// bucketsAccess is for all buckets at once: which there are, is the answer.
func bucketsAccess(s *service, _ *target, c *gate.Call) ([]gateAccess, error) {
	return []gateAccess{s.accessOn("arn:aws:s3:::*", c, "s3:ListAllMyBuckets")}, nil
}

func createBucketAccess(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
	a := s.access(t, c, "s3:CreateBucket")
	if c.Request.ContentLength != 0 {
		// The body is not read yet, but only this value will be taken.
		a.Context["s3:LocationConstraint"] = []string{s.Place.Region}
	}
	return []gateAccess{a}, nil
}

// putAccess asks for s3:PutObject. Steps of a multipart upload before its
// completion do not create the object.
func putAccess(creates bool) func(*service, *target, *gate.Call) ([]gateAccess, error) {
	return func(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
		a := s.access(t, c, "s3:PutObject")
		a.Context["s3:ObjectCreationOperation"] = []string{strconv.FormatBool(creates)}
		return []gateAccess{a}, nil
	}
}

// copyAccess asks for the destination and the source.
func copyAccess(creates bool) func(*service, *target, *gate.Call) ([]gateAccess, error) {
	return func(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
		src, err := copySource(c.Request)
		if err != nil {
			return nil, err
		}
		all, err := putAccess(creates)(s, t, c)
		all[0].Context["s3:x-amz-copy-source"] = []string{"/" + src.bucket + "/" + src.key}
		return append(all, s.access(src, c, "s3:GetObject")), err
	}
}
