package s3

import (
	"crypto/tls"
	"strconv"
	"strings"
	"time"

	"github.com/thingpass/thingpass/gate"
)

type gateAccess = gate.Access

// asking says what must be allowed for a request.
type asking = func(*service, *target, *gate.Call) ([]gateAccess, error)

// words are values of condition keys that are the same for every request, made
// once.
type words struct {
	account, header, query, form, v4, v2, page []string
}

func newWords(account string) words {
	return words{
		account: []string{account}, header: []string{"REST-HEADER"}, query: []string{"REST-QUERY-STRING"}, form: []string{"POST"},
		v4: []string{"AWS4-HMAC-SHA256"}, v2: []string{"AWS"}, page: []string{strconv.Itoa(defaultPage)},
	}
}

// access is the question whether a request may use an action on its target.
func (s *service) access(t *target, c *gate.Call, action string) gateAccess {
	return s.accessOn(t.arn(), c, action)
}

// accessOn asks with the condition keys that every action has.
func (s *service) accessOn(arn string, c *gate.Call, action string) gateAccess {
	keys := make(map[string][]string, 8) // what most requests have, and what Go keeps in one piece
	keys["s3:ResourceAccount"] = s.words.account
	s.signedKeys(keys, c)
	if v := tlsVersion(c.Request.TLS); v != nil {
		keys["s3:TlsVersion"] = v
	}
	keys["s3:x-amz-content-sha256"] = signedPayload(c)
	return gateAccess{Action: action, Resource: arn, Context: keys}
}

// signedPayload is Signature.SignedPayload, which with a signature in a header is
// another header as it stands.
func signedPayload(c *gate.Call) []string {
	sig, said := c.Signature, c.Request.Header["X-Amz-Content-Sha256"]
	if len(said) == 1 && !sig.Unsigned && !sig.Presigned && !sig.Form {
		return said
	}
	return []string{sig.SignedPayload(c.Request)}
}

// signedKeys are the condition keys about the signature; of a request without
// one there are none.
func (s *service) signedKeys(keys map[string][]string, c *gate.Call) {
	if c.Signature.Unsigned {
		return
	}
	keys["s3:authType"], keys["s3:signatureversion"] = s.words.header, s.words.v4
	switch {
	case c.Form != nil:
		keys["s3:authType"] = s.words.form
	case c.Signature.Presigned:
		keys["s3:authType"] = s.words.query
	}
	signed, err := c.Signature.Time, error(nil)
	if signed.IsZero() { // Version 2
		keys["s3:signatureversion"] = s.words.v2
		signed, err = signedV2(c.Request.URL.Query().Get("Expires"))
	}
	if err == nil {
		keys["s3:signatureAge"] = []string{strconv.FormatInt(max(0, s.Now().Sub(signed).Milliseconds()), 10)}
	}
}

// signedV2 is when a URL was signed with Signature Version 2 at the earliest.
// It does not say when, and a policy that refuses old signatures must not pass
// it for that.
func signedV2(expires string) (time.Time, error) {
	seconds, err := strconv.ParseInt(expires, 10, 64)
	return time.Unix(seconds, 0).AddDate(0, 0, -7), err
}

var tls12, tls13 = []string{"1.2"}, []string{"1.3"}

func tlsVersion(state *tls.ConnectionState) []string {
	if state == nil {
		return nil
	}
	switch state.Version {
	case tls.VersionTLS12:
		return tls12
	case tls.VersionTLS13:
		return tls13
	}
	return nil
}

// listAccess asks with what is listed. A parameter that is absent leaves its
// key absent, except that there always is a maximum.
func listAccess(action string) asking {
	return func(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
		a := s.access(t, c, action)
		for _, p := range [...]struct{ name, key string }{{"prefix", "s3:prefix"}, {"delimiter", "s3:delimiter"}} {
			if t.query.Has(p.name) {
				a.Context[p.key] = t.query[p.name]
			}
		}
		a.Context["s3:max-keys"] = s.words.page
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

// saidAccess asks with the condition keys among the headers.
func saidAccess(action string) asking {
	return func(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
		a := s.access(t, c, action)
		say(a, t)
		return []gateAccess{a}, nil
	}
}

// say adds the condition keys that find saw among the headers.
func say(a gateAccess, t *target) {
	for _, c := range t.said {
		a.Context[c.key] = c.values
	}
}

func createBucketAccess(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
	all, err := saidAccess("s3:CreateBucket")(s, t, c)
	if c.Request.ContentLength != 0 {
		// The body is not read yet, but only this value will be taken.
		all[0].Context["s3:LocationConstraint"] = []string{s.Place.Region}
	}
	h := c.Request.Header
	acl := h.Get("X-Amz-Acl")
	if acl != "" && acl != "private" || t.grants() {
		a := s.access(t, c, "s3:PutBucketAcl")
		say(a, t)
		all = append(all, a)
	}
	if strings.EqualFold(h.Get("X-Amz-Bucket-Object-Lock-Enabled"), "true") {
		all = append(all, s.access(t, c, "s3:PutBucketObjectLockConfiguration"), s.access(t, c, "s3:PutBucketVersioning"))
	}
	if h.Get("X-Amz-Object-Ownership") != "" {
		all = append(all, s.access(t, c, "s3:PutBucketOwnershipControls"))
	}
	return all, err
}

// grants tells whether a header grants something to somebody.
func (t *target) grants() bool {
	for _, c := range t.said {
		if strings.HasPrefix(c.key, "s3:x-amz-grant-") {
			return true
		}
	}
	return false
}

func (t *target) says(key string) bool {
	for _, c := range t.said {
		if c.key == key {
			return true
		}
	}
	return false
}
