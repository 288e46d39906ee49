package why

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/credentials"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/trail"
)

// changes proposes what would turn a denial into an allow. Each layer that
// refuses gets its own; what is proposed for one is taken as done when the next
// is asked, so that the list is complete.
func (s *story) changes(a *authz.Asked) {
	l := a.Layers
	for range 6 { // more layers than there are
		v := l.Decide(a.Request)
		switch {
		case v.Allowed():
			return
		case v.By == authz.ByUserSession:
			s.change(Change{Text: "Use the user's long-lived access key for this, or a role: sts:AssumeRole is allowed with these credentials."})
			return
		case v.Decision == policy.ExplicitDeny:
			s.undoDeny(a, v)
			if s.rec.Door == trail.SignedDoor && !s.anyAllow(&l, a) {
				s.change(Change{Text: "Then also: nothing allows it, so without that Deny it would still not be allowed."})
				s.grant(a, authz.ByIdentity, l.Identity)
			}
			return
		case s.byNamingThing(a, &l):
			return
		}
		s.grant(a, v.By, layerSet(&l, v.By))
		if !open(&l, v.By) {
			return
		}
	}
}

// open puts a statement that allows everything into a layer, and tells whether
// it knows how.
func open(l *authz.Layers, by string) bool {
	const identity = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Principal":"*"}]}`
	set, kind, document := &l.Identity, policy.Identity, identity
	switch by {
	case authz.ByBoundary:
		set = &l.Boundary
	case authz.BySession:
		set = &l.Session
	case authz.ByTrust:
		set, kind, document = &l.Trust, policy.Trust, trust
	case authz.ByIoT:
		set = &l.Device
	case authz.ByIdentity:
	default:
		return false
	}
	p, err := policy.Parse(kind, document)
	if err != nil {
		return false
	}
	*set = policy.NewSet(append((*set).Policies(), policy.Named{Name: "proposed", Policy: p})...)
	return true
}

// anyAllow tells whether an allowing statement applies.
func (s *story) anyAllow(l *authz.Layers, a *authz.Asked) bool {
	for _, set := range []*policy.Set{l.Identity, l.Resource, l.Trust} {
		if slices.ContainsFunc(set.Matching(a.Request), func(r policy.Reason) bool { return r.Effect == policy.EffectAllow }) {
			return true
		}
	}
	return false
}

// undoDeny proposes how a Deny would not apply.
func (s *story) undoDeny(a *authz.Asked, v authz.Verdict) {
	where := statementName(v)
	var f *policy.Finding
	for _, set := range []*policy.Set{layerSet(&a.Layers, v.By), a.Layers.OtherThings} {
		findings := set.Explain(asSeenBy(v.By, a))
		for i := range findings {
			if findings[i].Policy == v.Reason.Policy && findings[i].Reason.Statement == v.Reason.Statement {
				f = &findings[i]
			}
		}
	}
	if f == nil {
		return
	}
	for _, c := range f.Conditions {
		if strings.EqualFold(c.Key, "aws:TokenIssueTime") {
			s.change(Change{Text: "Fetch new credentials: this Deny is about those issued before " + wantedText(&c) + " (sessions of the role were revoked)."})
			return
		}
	}
	if group, ok := groupOf(v.Reason.Policy); ok {
		s.change(Change{Text: "If the device no longer belongs into group " + group + ", take its thing out:",
			Command: "aws iot remove-thing-from-thing-group --thing-group-name " + shellQuote(group) + " --thing-name " + shellQuote(s.thingName())})
		s.change(Change{Text: "Or: change " + where + " so that it does not apply, if it is not meant for this.", Command: s.save(v.By, v.Reason.Policy)})
		return
	}
	for i := range f.Conditions {
		if c := &f.Conditions[i]; c.Present {
			s.change(Change{Text: fmt.Sprintf("Make the request one that the Deny is not about: it applies because %s %s %s, and the request has %s.", c.Key, c.Operator, wantedText(c), list(quoted(c.Have)))})
		} else {
			s.change(Change{Text: fmt.Sprintf("Make the request one that the Deny is not about: it applies because the request has no %s (%s).", c.Key, s.noValue(c.Key))})
		}
	}
	text := "Change or remove " + where + ", if it is not meant for this:"
	if len(f.Conditions) > 0 {
		text = "Or: change or remove " + where + ", if it is not meant for this:"
	}
	s.change(Change{Text: text, Command: s.save(v.By, v.Reason.Policy)})
}

func wantedText(c *policy.Check) string {
	var out []string
	for _, t := range c.Wanted {
		out = append(out, quote(t.Pattern))
	}
	return strings.Join(out, " or ")
}

// groupOf reads the thing group out of the name that package authz gives to a
// policy that a device has through one.
func groupOf(name string) (string, bool) {
	_, rest, ok := strings.Cut(name, " (thing group ")
	return strings.TrimSuffix(rest, ")"), ok
}

func (s *story) thingName() string {
	switch {
	case s.rec.Device != nil && s.rec.Device.Thing != "":
		return s.rec.Device.Thing
	case s.rec.Device != nil && len(s.rec.Device.Things) > 0:
		return s.rec.Device.Things[0]
	}
	return "THING"
}

// byNamingThing tries what would be if the device had named one of the things
// that are attached to its certificate.
func (s *story) byNamingThing(a *authz.Asked, l *authz.Layers) bool {
	certificate, named := s.rec.Principal.CertificateID, s.rec.Principal.Thing
	if s.rec.Door == trail.DeviceDoor {
		if s.rec.Device == nil || a.Kind != authz.KindIoT {
			return false
		}
		certificate, named = s.rec.Device.CertificateID, s.rec.Device.Thing
	}
	if certificate == "" || named != "" {
		return false
	}
	device, err := s.cfg.Recent.Device(s.ctx, certificate)
	if err != nil {
		return false
	}
	var good []string
	for i := range device.Things {
		if s.allowedAs(&device.Things[i], certificate, a, l) {
			good = append(good, device.Things[i].Thing)
		}
	}
	if len(good) == 0 {
		return false
	}
	header := "the header x-amzn-iot-thingname: " + strings.Join(good, ", or ") + " (attached to this certificate)"
	if s.rec.Door == trail.SignedDoor {
		s.change(Change{Text: "Let the device name its thing when it fetches credentials, with " + header + ", and fetch new credentials."})
	} else {
		s.change(Change{Text: "Let the device send " + header + "."})
	}
	return true
}

func (s *story) allowedAs(t *thingpass.Attachment, certificate string, a *authz.Asked, l *authz.Layers) bool {
	if s.rec.Door == trail.DeviceDoor {
		rec, _, err := s.cfg.Door.Ask(s.ctx, credentials.Presented{CertificateID: certificate, Thing: &t.Thing}, s.rec.Alias)
		return err == nil && !rec.Denied()
	}
	p := s.rec.Principal
	p.Thing, p.ThingType = t.Thing, t.ThingType
	q := *a.Request
	q.Context = a.Request.Context.Clone()
	s.cfg.Authz.PrincipalKeys(q.Context, &p)
	v := l.Decide(&q)
	return v.Allowed()
}

// grant proposes how a layer that does not allow would allow.
func (s *story) grant(a *authz.Asked, by string, set *policy.Set) {
	findings := set.Explain(asSeenBy(by, a))
	var best *policy.Finding
	for i := range findings {
		f := &findings[i]
		if f.Effect != policy.EffectAllow || f.Applies || !f.Action && !f.Resource {
			continue
		}
		if f.Resource && meant(f, a.Request.Action) != "" {
			best = f
			break
		}
		if best == nil {
			best = f
		}
	}
	before := len(s.e.Changes)
	if best != nil {
		s.adjust(a, by, best)
	}
	if by == authz.ByIoT {
		s.attachOther(a)
	}
	s.propose(a, by, best, len(s.e.Changes) > before)
}

// adjust proposes what is smaller than a new statement.
func (s *story) adjust(a *authz.Asked, by string, f *policy.Finding) {
	st := Statement{Layer: by, Policy: f.Policy, Number: f.Reason.Statement + 1, Sid: f.Sid}
	where := st.name()
	if wrong := meant(f, a.Request.Action); wrong != "" {
		s.change(Change{Text: fmt.Sprintf("Write %s instead of %s in %s, and save it:", a.Request.Action, wrong, where), Command: s.save(by, f.Policy)})
		return
	}
	if !f.Action || s.spelling(f, where, by) || s.missingValue(f) || f.Resource && s.conditions(f, where) || f.Resource || f.NotResource {
		return
	}
	bucket, _, _ := strings.Cut(strings.TrimPrefix(a.Request.Resource, "arn:aws:s3:::"), "/")
	for _, t := range nearestFirst(f.Resources, a.Request.Resource) {
		if t.Resolved == "" || len(t.Variables) == 0 || !strings.HasPrefix(a.Request.Resource, "arn:aws:s3:::"+bucket+"/") || !strings.HasPrefix(t.Resolved, "arn:aws:s3:::"+bucket+"/") {
			return
		}
		s.change(Change{Text: fmt.Sprintf("Let the client stay inside its fence, if that is right: by %s it may use %s.", where, t.Resolved)})
		return
	}
}

// spelling proposes to correct a variable or key that is nearly one that there is.
func (s *story) spelling(f *policy.Finding, where, by string) bool {
	for _, name := range missingNames(f) {
		if better, _ := s.misspelt(name); better != "" {
			s.change(Change{Text: fmt.Sprintf("Correct the spelling in %s: write %s instead of %s:", where, better, name), Command: s.save(by, f.Policy)})
			return true
		}
	}
	return false
}

// missingNames lists the keys without a value that keep a statement from
// applying.
func missingNames(f *policy.Finding) (names []string) {
	add := func(texts []policy.Text) {
		for _, t := range texts {
			for _, v := range t.Variables {
				if t.Resolved == "" && (!v.Present || len(v.Values) != 1 || v.Values[0] == "") {
					names = append(names, v.Name)
				}
			}
		}
	}
	if !f.Resource {
		add(f.Resources)
	}
	for i := range f.Conditions {
		if c := &f.Conditions[i]; !c.Holds {
			if !c.Present {
				names = append(names, c.Key)
			}
			add(c.Wanted)
		}
	}
	return names
}

// missingValue proposes how a key of a device would get a value.
func (s *story) missingValue(f *policy.Finding) bool {
	p := &s.rec.Principal
	if p.CertificateID == "" {
		return false
	}
	for _, name := range missingNames(f) {
		key := strings.ToLower(name)
		attribute, isAttribute := attributeOf(name)
		switch {
		case p.Thing == "" && (strings.HasPrefix(key, "credentials-iot:thing") || strings.HasPrefix(key, "iot:thing")):
			s.change(Change{Text: "Attach a thing to the certificate, let the device name it in the header x-amzn-iot-thingname, and fetch new credentials:",
				Command: "aws iot attach-thing-principal --thing-name THING --principal " + s.cfg.Place.Certificate(p.CertificateID)})
		case key == "credentials-iot:thingtypename" || key == "iot:thingtype":
			s.change(Change{Text: "Give the thing its type, and fetch new credentials:", Command: "aws iot update-thing --thing-type-name TYPE --thing-name " + shellQuote(p.Thing)})
		case key == "credentials-iot:thinggroups":
			s.change(Change{Text: "Put the thing into the group, and fetch new credentials:", Command: "aws iot add-thing-to-thing-group --thing-group-name GROUP --thing-name " + shellQuote(p.Thing)})
		case isAttribute && s.hasAttribute(attribute):
			s.change(Change{Text: "Let the device fetch new credentials: the thing has the attribute " + attribute + " by now."})
		case isAttribute:
			payload := shellQuote(fmt.Sprintf(`{"attributes":{%q:"VALUE"},"merge":true}`, attribute))
			s.change(Change{Text: "Give the thing the attribute, and fetch new credentials:", Command: "aws iot update-thing --thing-name " + shellQuote(p.Thing) + " --attribute-payload " + payload})
		default:
			continue
		}
		return true
	}
	return false
}

// conditions proposes a request that fits, when only conditions keep a statement
// from applying.
func (s *story) conditions(f *policy.Finding, where string) bool {
	any := false
	for i := range f.Conditions {
		c := &f.Conditions[i]
		if c.Holds {
			continue
		}
		any = true
		have := "has none"
		if c.Present {
			have = "has " + list(quoted(c.Have))
		}
		s.change(Change{Text: fmt.Sprintf("Make the request fit the condition of %s: %s %s: %s. It %s.", where, c.Operator, c.Key, wantedText(c), have)})
	}
	return any
}

// attachOther proposes to attach an IoT policy that there is and that would
// allow.
func (s *story) attachOther(a *authz.Asked) {
	all, err := s.cfg.Store.Policies(s.ctx, thingpass.Page{Limit: looked})
	if err != nil || s.rec.Device == nil {
		return
	}
	for _, candidate := range all {
		p, err := policy.Parse(policy.IoT, candidate.Document)
		if err != nil || slices.Contains(s.rec.Device.Policies, candidate.Name) {
			continue
		}
		l := a.Layers
		l.Device = policy.NewSet(append(l.Device.Policies(), policy.Named{Name: candidate.Name, Policy: p})...)
		if v := l.Decide(a.Request); v.Allowed() {
			s.change(Change{Text: "Attach an IoT policy that allows it to the certificate: " + candidate.Name + " does.",
				Command: "aws iot attach-policy --policy-name " + shellQuote(candidate.Name) + " --target " + s.cfg.Place.Certificate(s.rec.Device.CertificateID)})
			return
		}
	}
}

// proposal is a statement to add.
type proposal struct {
	Effect    string
	Principal json.RawMessage `json:",omitempty"`
	Action    string
	Resource  string `json:",omitempty"`
}

// propose gives the statement that would allow just this.
func (s *story) propose(a *authz.Asked, by string, best *policy.Finding, instead bool) {
	q := a.Request
	st := proposal{Effect: "Allow", Action: q.Action, Resource: s.general(by, q.Resource)}
	name := newPolicy
	if best != nil {
		name = best.Policy
	} else if all := layerSet(&a.Layers, by).Policies(); len(all) > 0 {
		name = all[0].Name
	}
	switch by {
	case authz.ByTrust:
		st.Resource, st.Principal = "", trustedBy(&q.Principal)
	case authz.ByResource:
		st.Principal = trustedBy(&q.Principal)
	}
	raw, err := json.Marshal(st)
	if err != nil {
		return
	}
	const saved = " (POLICY.json is the policy with it)"
	text := "Add this statement to " + policyName(by, name) + saved + ":"
	switch {
	case by == authz.ByBoundary:
		text = "Add this statement to the permissions boundary, which limits what all other policies allow" + saved + ":"
	case by == authz.BySession:
		s.change(Change{Text: "Let whoever calls AssumeRole pass a session policy that allows it, or none: that of these credentials cannot be changed any more.", Statement: raw})
		return
	case name == newPolicy:
		text = "Make a policy with this statement for " + s.owner(by) + saved + ":"
	}
	if instead {
		text = "Or: " + strings.ToLower(text[:1]) + text[1:]
	}
	s.change(Change{Text: text, Statement: raw, Policy: name, Command: s.save(by, name)})
}

// newPolicy stands for the name of a policy that is to be made.
const newPolicy = "NEW"

// general writes a variable instead of the name of the thing, where a path
// begins with that, so that the statement is good for each device.
func (s *story) general(by, resource string) string {
	p := &s.rec.Principal
	if by != authz.ByIdentity || p.Thing == "" {
		return resource
	}
	if head, _, ok := strings.Cut(resource, "/"+p.Thing+"/"); ok && strings.HasPrefix(resource, "arn:aws:s3:::") {
		return head + "/${credentials-iot:ThingName}/*"
	}
	return resource
}

func trustedBy(p *policy.Principal) json.RawMessage {
	kind, who := "AWS", p.ARN
	if p.RoleARN != "" {
		who = p.RoleARN
	}
	if p.Service != "" {
		kind, who = "Service", p.Service
	}
	raw, _ := json.Marshal(map[string]string{kind: who}) // strings always encode
	return raw
}

func trustStatement() json.RawMessage {
	return json.RawMessage(`{"Effect":"Allow","Principal":{"Service":"` + credentials.Service + `"},"Action":"sts:AssumeRole"}`)
}

// data is the flag that names the data folder.
func (s *story) data() string {
	if s.cfg.Data == "" {
		return ""
	}
	return " --data " + shellQuote(s.cfg.Data)
}

// save is the commands that put a changed policy in place, tried before.
func (s *story) save(by, name string) string {
	const file = "file://POLICY.json"
	p := &s.rec.Principal
	managed := strings.HasPrefix(name, "arn:")
	inline := shellQuote(name)
	switch {
	case by == authz.ByTrust:
		role := s.rec.Role
		if role == "" {
			_, role, _ = s.cfg.Place.ParseRoleARN(s.e.Resource)
		}
		return "aws iam update-assume-role-policy --role-name " + shellQuote(role) + " --policy-document " + file
	case by == authz.ByResource:
		bucket, _, _ := strings.Cut(strings.TrimPrefix(s.e.Resource, "arn:aws:s3:::"), "/")
		return "aws s3api put-bucket-policy --bucket " + shellQuote(bucket) + " --policy " + file
	case by == authz.ByIoT && name == newPolicy:
		return "aws iot create-policy --policy-name NEW --policy-document " + file + "\naws iot attach-policy --policy-name NEW --target " + s.cfg.Place.Certificate(s.e.Principal)
	case by == authz.ByIoT:
		name, _, _ = strings.Cut(name, " (thing group ")
		return "thingpass policy try" + s.data() + " --iot-policy " + shellQuote(name) + " POLICY.json\naws iot create-policy-version --set-as-default --policy-name " + shellQuote(name) + " --policy-document " + file
	case managed:
		return "thingpass policy try" + s.data() + " --managed " + name + " POLICY.json\naws iam create-policy-version --set-as-default --policy-arn " + name + " --policy-document " + file
	case p.Kind == thingpass.UserPrincipal:
		return "aws iam put-user-policy --user-name " + shellQuote(p.User) + " --policy-name " + inline + " --policy-document " + file
	case p.Kind == thingpass.SessionPrincipal:
		return "thingpass policy try" + s.data() + " --role " + shellQuote(p.RoleName) + " --name " + inline + " POLICY.json\naws iam put-role-policy --role-name " + shellQuote(p.RoleName) + " --policy-name " + inline + " --policy-document " + file
	}
	return ""
}
