package trail

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
)

// encoder writes a record as bytes, so that what is kept of it holds no pointer
// for the garbage collector to follow, and no compiled policy. The form is for
// decode in the same process.
type encoder struct {
	out     []byte
	sources []*policy.Source // of the policies that were asked, each once
	said    []string         // texts that were written, to be written once
}

// A text of at least sayOnce bytes is written once; later ones are its number.
const (
	sayOnce = 8
	maxSaid = 48
)

// encode writes what is behind the record's id: it is kept in front.
func (e *encoder) encode(r *Record) {
	e.out, e.sources, e.said = e.out[:0], e.sources[:0], e.said[:0]
	e.steps(r.Steps)
	e.time(r.At)
	for _, s := range [...]string{
		r.Door, r.Service, r.Operation, r.Method, r.Host, r.Path, r.Remote, r.AccessKeyID, r.Alias, r.Role, r.Code, r.Failure, r.Cause,
		r.Engine, r.Message, r.Reason, r.Note,
	} {
		e.text(s)
	}
	e.number(uint64(r.Status)) //nolint:gosec // an HTTP status
	e.flags(r.Cut, r.Was != nil, r.Device != nil)
	e.principal(&r.Principal)
	if r.Was != nil {
		e.principal(r.Was)
	}
	if r.Device != nil {
		e.device(r.Device)
	}
}

// maxIdle is how large the buffer of an encoder may be that waits for its next use.
const maxIdle = 64 << 10

// release lets another record have the encoder.
func (e *encoder) release() {
	clear(e.sources)
	clear(e.said)
	if cap(e.out) <= maxIdle {
		encoders.Put(e)
	}
}

func (e *encoder) number(n uint64) { e.out = binary.AppendUvarint(e.out, n) }

func (e *encoder) flags(flags ...bool) {
	var b byte
	for i, f := range flags {
		if f {
			b |= 1 << i
		}
	}
	e.out = append(e.out, b)
}

// text writes an even number and a text, or an odd one for a text of before.
func (e *encoder) text(s string) {
	if len(s) < sayOnce {
		e.fresh(s)
		return
	}
	for i, said := range e.said {
		if said == s {
			e.number(uint64(i)<<1 | 1) //nolint:gosec // below maxSaid
			return
		}
	}
	if len(e.said) < maxSaid {
		e.said = append(e.said, s)
	}
	e.fresh(s)
}

func (e *encoder) fresh(s string) {
	e.number(uint64(len(s)) << 1)
	e.out = append(e.out, s...)
}

func (e *encoder) texts(list []string) {
	e.number(uint64(len(list)))
	for _, s := range list {
		e.text(s)
	}
}

func (e *encoder) time(t time.Time) {
	e.flags(t.IsZero(), t.Location() == time.UTC)
	if t.IsZero() {
		return
	}
	e.out = binary.AppendVarint(e.out, t.Unix())
	e.number(uint64(t.Nanosecond())) //nolint:gosec // not negative
}

func (e *encoder) principal(p *thingpass.Principal) {
	e.out = append(e.out, byte(p.Kind))
	e.flags(p.Temporary, p.Tags != nil, p.PolicyARNs != nil, p.Transitive != nil, p.DeviceKeys != nil, !p.Issued.IsZero() || !p.Expires.IsZero())
	for _, s := range [...]string{
		p.Account, p.ARN, p.UniqueID, p.Service, p.User, p.RoleName, p.RoleARN, p.RoleID, p.SessionName, p.SourceIdentity,
		p.CertificateID, p.Thing, p.ThingType,
	} {
		e.text(s)
	}
	e.sessionPolicy(p.SessionPolicy)
	if !p.Issued.IsZero() || !p.Expires.IsZero() {
		e.time(p.Issued)
		e.time(p.Expires)
	}
	if p.Tags != nil {
		e.number(uint64(len(p.Tags)))
		for i := range p.Tags {
			e.text(p.Tags[i].Key)
			e.text(p.Tags[i].Value)
		}
	}
	if p.PolicyARNs != nil {
		e.texts(p.PolicyARNs)
	}
	if p.Transitive != nil {
		e.texts(p.Transitive)
	}
	if p.DeviceKeys != nil {
		e.number(uint64(len(p.DeviceKeys)))
		for i := range p.DeviceKeys {
			k := &p.DeviceKeys[i]
			e.text(k.Name)
			e.flags(k.List, k.Values != nil)
			e.texts(k.Values)
		}
	}
}

// sessionPolicy writes where the text is among the sources, one more than the
// place, or 0 and the text.
func (e *encoder) sessionPolicy(document string) {
	if document != "" {
		for i, src := range e.sources {
			for j, text := range src.Texts {
				if text == document {
					e.number(uint64(i) + 1) //nolint:gosec // not negative
					e.number(uint64(j))     //nolint:gosec // not negative
					return
				}
			}
		}
	}
	e.number(0)
	e.text(document)
}

func (e *encoder) device(d *Device) {
	e.flags(d.Named, d.Things != nil, d.Policies != nil)
	for _, s := range [...]string{d.CertificateID, string(d.Status), d.Issuer, d.ThingNamed, d.Thing, d.ThingType} {
		e.text(s)
	}
	e.time(d.NotBefore)
	e.time(d.NotAfter)
	e.texts(d.Things)
	e.texts(d.Policies)
}

func (e *encoder) steps(steps []Step) {
	e.number(uint64(len(steps)))
	for i := range steps {
		s := &steps[i]
		e.flags(s.OK, s.Asked != nil)
		e.text(s.Name)
		e.text(s.Detail)
		if s.Asked != nil {
			e.asked(s.Asked)
		}
	}
}

func (e *encoder) asked(a *authz.Asked) {
	q, l, v := a.Request, &a.Layers, &a.Verdict
	e.flags(q.Principal.Anonymous, l.TrustsARN, l.TrustsRole, l.UserSession, l.Known)
	for _, s := range [...]string{
		q.Principal.Account, q.Principal.ARN, q.Principal.RoleARN, q.Principal.Service, q.Action, q.Resource,
		l.Owner, a.Kind, v.By, v.Reason.Policy, v.Reason.Sid,
	} {
		e.text(s)
	}
	e.out = append(e.out, byte(v.Decision), byte(v.Reason.Effect), byte(v.Reason.Grant))
	e.number(uint64(v.Reason.Statement)) //nolint:gosec // not negative
	for _, set := range sets(l) {
		e.source((*set).Source())
	}
	e.flags(q.Context != nil)
	e.out = q.Context.Append(e.out)
}

// sets are where layers have their sets of policies.
func sets(l *authz.Layers) [7]**policy.Set {
	return [...]**policy.Set{&l.Identity, &l.Boundary, &l.Session, &l.Resource, &l.Trust, &l.Device, &l.OtherThings}
}

// source writes one more than the source's place, 0 for none.
func (e *encoder) source(s *policy.Source) {
	if s == nil {
		e.number(0)
		return
	}
	at := slices.Index(e.sources, s)
	if at < 0 {
		at = len(e.sources)
		e.sources = append(e.sources, s)
	}
	e.number(uint64(at) + 1) //nolint:gosec // not negative
}
