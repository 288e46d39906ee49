package session

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"github.com/thingpass/thingpass"
)

// Caller is who an access key belongs to, with the secret that must have signed.
// It must not be changed. While nothing about a session changes, its Caller is
// the same pointer each time.
type Caller struct {
	Principal thingpass.Principal
	Secret    thingpass.Secret

	once sync.Once
	memo any
}

// Memo returns what compute found out when it was called for this Caller first.
// It must depend on the Caller only, and must not change.
func (c *Caller) Memo(compute func(*Caller) any) any {
	c.once.Do(func() { c.memo = compute(c) })
	return c.memo
}

// openedBytes bounds the tokens that are kept open, by their estimated size in
// memory: some ten thousand.
const openedBytes = 32 << 20

// opening is a key ring with the tokens that it has opened. A token that is used
// again is not opened again: only what may have changed is asked.
type opening struct {
	ring   *Ring
	tokens *otter.Cache[string, *opened]
}

// opened is what a token says.
type opened struct {
	rec    record
	id     string // access key id
	secret thingpass.Secret
	last   atomic.Pointer[confirmed]
}

// confirmed is a caller with what confirmed it. These are answers of
// store.Recent, which are the same pointers until they are read again.
type confirmed struct {
	role   *thingpass.RoleGrants
	device *thingpass.Device // nil when the session is not a device's
	caller *Caller
}

func newOpening(ring *Ring) *opening {
	return &opening{ring: ring, tokens: otter.Must(&otter.Options[string, *opened]{
		MaximumWeight: openedBytes,
		Weigher:       func(token string, _ *opened) uint32 { return uint32(2048 + 2*len(token)) }, //nolint:gosec // a token has maxToken characters at most
	})}
}

// open is Ring.open, once for each token.
func (o *opening) open(token, account string) (*opened, error) {
	if t, ok := o.tokens.GetIfPresent(token); ok {
		return t, nil
	}
	rec, id, secret, err := o.ring.open(token, account)
	if err != nil {
		return nil, err
	}
	t := &opened{rec: rec, id: id, secret: secret}
	o.tokens.Set(strings.Clone(token), t) // it was cut out of a request
	return t, nil
}

// roleSession is the session of a role, if what it was issued for is still
// there.
func (s *Sessions) roleSession(ctx context.Context, t *opened) (*Caller, error) {
	role, err := s.Recent.RoleByID(ctx, t.rec.RoleID)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return nil, withdrawn("the role it was issued for is gone")
	}
	if err != nil {
		return nil, err
	}
	var device *thingpass.Device
	if t.rec.CertificateID != "" {
		device, err = s.Recent.Device(ctx, t.rec.CertificateID)
		if thingpass.KindOf(err) == thingpass.NotFound {
			return nil, withdrawn("its certificate is no longer registered")
		}
		if err != nil {
			return nil, err
		}
	}
	if last := t.last.Load(); last != nil && last.role == role && last.device == device {
		return last.caller, nil
	}
	if device != nil {
		if reason := deviceGone(device, &t.rec); reason != "" {
			return nil, withdrawn(reason)
		}
	}
	c := &Caller{Principal: s.session(&role.Role, t.rec), Secret: t.secret}
	c.Principal.Issued, c.Principal.Expires = t.rec.Issued, t.rec.Expires
	t.last.Store(&confirmed{role: role, device: device, caller: c})
	return c, nil
}
