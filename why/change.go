package why

import (
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
	alone := 0
	for _, set := range []*policy.Set{layerSet(&a.Layers, v.By), a.Layers.OtherThings} {
		findings := set.Explain(asSeenBy(v.By, a))
		for i := range findings {
			if findings[i].Policy == v.Reason.Policy {
				alone++
			}
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
		verb := "Make"
		if i > 0 { // a Deny applies only when all of its conditions hold
			verb = "Or: make"
		}
		if c := &f.Conditions[i]; c.Present {
			s.change(Change{Text: fmt.Sprintf(verb+" the request one that the Deny is not about: it applies because %s %s %s, and the request has %s.", c.Key, c.Operator, wantedText(c), list(quoted(c.Have)))})
		} else {
			s.change(Change{Text: fmt.Sprintf(verb+" the request one that the Deny is not about: it applies because the request has no %s (%s).", c.Key, s.noValue(c.Key))})
		}
	}
	command := s.save(v.By, v.Reason.Policy)
	what := "change or remove " + where
	if undo := s.takeAway(v.By, v.Reason.Policy); alone == 1 && undo != "" {
		what, command = "take away "+policyName(v.By, v.Reason.Policy)+", which is this Deny alone", undo
	}
	text := strings.ToUpper(what[:1]) + what[1:] + ", if it is not meant for this:"
	if len(f.Conditions) > 0 {
		text = "Or: " + what + ", if it is not meant for this:"
	}
	s.change(Change{Text: text, Command: command})
	s.recoverBucket(a, v)
}

// recoverBucket says how a policy comes off a bucket where it denies the
// administrator that, too.
func (s *story) recoverBucket(a *authz.Asked, v authz.Verdict) {
	path, ok := strings.CutPrefix(a.Request.Resource, "arn:aws:s3:::")
	if v.By != authz.ByResource || !ok {
		return
	}
	bucket, _, _ := strings.Cut(path, "/")
	q := *a.Request
	q.Action, q.Resource = "s3:DeleteBucketPolicy", "arn:aws:s3:::"+bucket
	q.Principal = policy.Principal{Account: s.cfg.Place.Account, ARN: s.cfg.Place.User("/", "admin")}
	denies := func(r policy.Reason) bool { return r.Effect == policy.EffectDeny }
	if !slices.ContainsFunc(a.Layers.Resource.Matching(&q), denies) {
		return
	}
	s.change(Change{Text: "Or, if the administrator is denied that too, as this policy does for all that it is told of: print the policy and take it off on the server itself:",
		Command: "thingpass recover-bucket" + s.data() + " " + shellQuote(bucket)})
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
