package trail

import (
	"encoding/binary"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
)

// decoder reads what encoder wrote. What it reads was written by this process, so
// that nothing in it can be wrong; if it were, the rest of the record is empty.
type decoder struct {
	in      []byte
	sources []*policy.Source
	said    []string
}

// decode builds a record, its policies compiled again where they are not in use
// any more.
func (d *decoder) decode(id string) *Record {
	r := &Record{ID: id}
	r.Steps = d.steps()
	r.At = d.time()
	for _, s := range [...]*string{
		&r.Door, &r.Service, &r.Operation, &r.Method, &r.Host, &r.Path, &r.Remote, &r.AccessKeyID, &r.Alias, &r.Role, &r.Code, &r.Failure, &r.Cause,
		&r.Engine, &r.Message, &r.Reason, &r.Note,
	} {
		*s = d.text()
	}
	r.Status = d.number()
	var was, device bool
	d.flags(&r.Cut, &was, &device)
	d.principal(&r.Principal)
	if was {
		r.Was = new(thingpass.Principal)
		d.principal(r.Was)
	}
	if device {
		r.Device = d.device()
	}
	return r
}

func (d *decoder) number() int {
	n, size := binary.Uvarint(d.in)
	d.in = d.in[max(0, size):]
	return int(n) //nolint:gosec // as it was written
}

func (d *decoder) byte() byte {
	if len(d.in) == 0 {
		return 0
	}
	b := d.in[0]
	d.in = d.in[1:]
	return b
}

func (d *decoder) flags(flags ...*bool) {
	b := d.byte()
	for i, f := range flags {
		*f = b&(1<<i) != 0
	}
}

func (d *decoder) text() string {
	n := d.number()
	if n&1 != 0 {
		if n >>= 1; n < len(d.said) {
			return d.said[n]
		}
		return ""
	}
	n = min(n>>1, len(d.in))
	s := string(d.in[:n])
	d.in = d.in[n:]
	if len(s) >= sayOnce && len(d.said) < maxSaid {
		d.said = append(d.said, s)
	}
	return s
}

func (d *decoder) texts() []string {
	n := min(d.number(), len(d.in))
	list := make([]string, n)
	for i := range list {
		list[i] = d.text()
	}
	return list
}

func (d *decoder) time() time.Time {
	var zero, utc bool
	if d.flags(&zero, &utc); zero {
		return time.Time{}
	}
	seconds, size := binary.Varint(d.in)
	d.in = d.in[max(0, size):]
	t := time.Unix(seconds, int64(d.number()))
	if utc {
		return t.UTC()
	}
	return t
}

func (d *decoder) principal(p *thingpass.Principal) {
	p.Kind = thingpass.PrincipalKind(d.byte())
	var tags, arns, transitive, keys, times bool
	d.flags(&p.Temporary, &tags, &arns, &transitive, &keys, &times)
	for _, s := range [...]*string{
		&p.Account, &p.ARN, &p.UniqueID, &p.Service, &p.User, &p.RoleName, &p.RoleARN, &p.RoleID, &p.SessionName, &p.SourceIdentity,
		&p.CertificateID, &p.Thing, &p.ThingType,
	} {
		*s = d.text()
	}
	p.SessionPolicy = d.sessionPolicy()
	if times {
		p.Issued, p.Expires = d.time(), d.time()
	}
	if tags {
		p.Tags = make([]thingpass.Tag, min(d.number(), len(d.in)))
		for i := range p.Tags {
			p.Tags[i] = thingpass.Tag{Key: d.text(), Value: d.text()}
		}
	}
	if arns {
		p.PolicyARNs = d.texts()
	}
	if transitive {
		p.Transitive = d.texts()
	}
	if keys {
		p.DeviceKeys = make([]thingpass.DeviceKey, min(d.number(), len(d.in)))
		for i := range p.DeviceKeys {
			k := &p.DeviceKeys[i]
			var values bool
			k.Name = d.text()
			d.flags(&k.List, &values)
			if k.Values = d.texts(); !values {
				k.Values = nil
			}
		}
	}
}

func (d *decoder) sessionPolicy() string {
	i := d.number()
	if i == 0 {
		return d.text()
	}
	at := d.number()
	if i > len(d.sources) {
		return ""
	}
	for j, text := range d.sources[i-1].Texts {
		if j == at {
			return text
		}
	}
	return ""
}

func (d *decoder) device() *Device {
	v := &Device{}
	var status string
	var things, policies bool
	d.flags(&v.Named, &things, &policies)
	for _, s := range [...]*string{&v.CertificateID, &status, &v.Issuer, &v.ThingNamed, &v.Thing, &v.ThingType} {
		*s = d.text()
	}
	v.Status = thingpass.CertificateStatus(status)
	v.NotBefore, v.NotAfter = d.time(), d.time()
	if v.Things = d.texts(); !things {
		v.Things = nil
	}
	if v.Policies = d.texts(); !policies {
		v.Policies = nil
	}
	return v
}

func (d *decoder) steps() []Step {
	n := min(d.number(), len(d.in))
	if n == 0 {
		return nil
	}
	steps := make([]Step, n)
	for i := range steps {
		s := &steps[i]
		var asked bool
		d.flags(&s.OK, &asked)
		s.Name, s.Detail = d.text(), d.text()
		if asked {
			s.Asked = d.asked()
		}
	}
	return steps
}

func (d *decoder) asked() *authz.Asked {
	q := &policy.Request{}
	a := &authz.Asked{Request: q}
	l, v := &a.Layers, &a.Verdict
	d.flags(&q.Principal.Anonymous, &l.TrustsARN, &l.TrustsRole, &l.UserSession, &l.Known)
	for _, s := range [...]*string{
		&q.Principal.Account, &q.Principal.ARN, &q.Principal.RoleARN, &q.Principal.Service, &q.Action, &q.Resource,
		&l.Owner, &a.Kind, &v.By, &v.Reason.Policy, &v.Reason.Sid,
	} {
		*s = d.text()
	}
	v.Decision, v.Reason.Effect, v.Reason.Grant = policy.Decision(d.byte()), policy.Effect(d.byte()), policy.Grant(d.byte())
	v.Reason.Statement = d.number()
	for _, set := range sets(l) {
		if i := d.number(); i > 0 && i <= len(d.sources) {
			*set = d.sources[i-1].Compile()
		}
	}
	var context bool
	d.flags(&context)
	keys, rest, ok := policy.ReadContext(d.in)
	if !ok {
		d.in = nil
		return a
	}
	if d.in = rest; context {
		q.Context = keys
	}
	return a
}
