package trail

// Estimated sizes in bytes of what every record has.
const (
	recordBytes = 1000
	stepBytes   = 64
	askedBytes  = 2500 // a question with some 25 condition keys, without their texts
	textBytes   = 16
)

// size estimates the memory that a record holds, to within a factor of two. What
// records share, compiled policies above all, is not counted.
func (r *Record) size() int {
	n := recordBytes + len(r.ID) + len(r.Operation) + len(r.Host) + len(r.Path) + len(r.Remote) + len(r.AccessKeyID) + len(r.Alias) + len(r.Role) + len(r.Cause) + len(r.Engine) + len(r.Message) + len(r.Reason) + len(r.Note)
	p := &r.Principal
	n += len(p.ARN) + len(p.UniqueID) + len(p.SessionName) + len(p.SessionPolicy) + len(p.RoleARN)
	for _, t := range p.Tags {
		n += len(t.Key) + len(t.Value) + 2*textBytes
	}
	for _, k := range p.DeviceKeys {
		n += len(k.Name) + texts(k.Values)
	}
	if d := r.Device; d != nil {
		n += 200 + len(d.CertificateID) + len(d.Issuer) + len(d.ThingNamed) + len(d.Thing) + len(d.ThingType) + texts(d.Things) + texts(d.Policies)
	}
	for i := range r.Steps {
		n += stepBytes + len(r.Steps[i].Detail)
		if a := r.Steps[i].Asked; a != nil {
			n += askedBytes + len(a.Request.Action) + len(a.Request.Resource) + a.Request.Context.Bytes()
		}
	}
	return n
}

func texts(list []string) int {
	n := textBytes * len(list)
	for _, s := range list {
		n += len(s)
	}
	return n
}
