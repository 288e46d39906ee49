package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
)

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
