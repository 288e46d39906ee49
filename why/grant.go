package why

import (
	"encoding/json"
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
	enough, widens := false, false
	if best != nil {
		enough, widens = s.adjust(a, by, best)
	}
	if by == authz.ByIoT {
		s.attachOther(a, len(s.e.Changes) > before)
	}
	if !enough && !widens {
		widens = s.another(a)
	}
	if !enough {
		s.propose(a, &place{by: by, near: best, instead: len(s.e.Changes) > before, widens: widens})
	}
}

// adjust proposes what is smaller than a new statement. It tells whether that is
// all there is to propose, and whether a new statement would let a device out of
// its fence.
func (s *story) adjust(a *authz.Asked, by string, f *policy.Finding) (enough, widens bool) {
	st := Statement{Layer: by, Policy: f.Policy, Number: f.Reason.Statement + 1, Sid: f.Sid}
	where := st.name()
	if wrong := meant(f, a.Request.Action); wrong != "" {
		s.change(Change{Text: fmt.Sprintf("Write %s instead of %s in %s, and save it:", a.Request.Action, wrong, where), Command: s.save(by, f.Policy)})
		if f.Resource {
			s.conditions(f, where)
		}
		return f.Resource, false
	}
	switch {
	case !f.Action:
		return false, false
	case s.spelling(f, where, by):
		return s.corrected(a, f), false
	case s.missingValue(f):
		return false, true
	case f.Resource:
		return s.outsidePrefix(f, where, by)
	case f.NotResource:
		return false, false
	}
	return false, s.outside(nearestFirst(f.Resources, a.Request.Resource), a.Request.Resource, where)
}

// outsidePrefix is about a statement that only its conditions keep from
// applying. A statement without them would undo what they are for.
func (s *story) outsidePrefix(f *policy.Finding, where, by string) (enough, widens bool) {
	if len(f.Conditions) == 1 {
		c := &f.Conditions[0]
		if strings.EqualFold(c.Key, prefixKey) && len(c.Have) == 1 && s.outside(c.Wanted, c.Have[0], where) {
			return false, true
		}
	}
	if s.conditions(f, where) {
		s.change(Change{Text: "Or: change that condition of " + where + ", if it is narrower than it is meant to be:", Command: s.save(by, f.Policy)})
		return true, false
	}
	return false, false
}

// outside says that what is asked for is not in the folder that a text with a
// variable gives to the caller, and whether it is another's.
func (s *story) outside(fence []policy.Text, asked, where string) (foreign bool) {
	for _, t := range fence {
		if t.Resolved == "" || len(t.Variables) == 0 || t.Matches {
			continue
		}
		head, _, _ := strings.Cut(t.Pattern, "${")
		if strings.ContainsAny(head, "*?") || !strings.HasPrefix(asked, head) {
			continue
		}
		folder, _, _ := strings.Cut(asked[len(head):], "/")
		text := "This is not in the folder that the policy gives to the caller: the policy does what it says."
		foreign = true
		switch own := t.Variables[0].Values; {
		case len(own) == 1 && own[0] == folder:
			text, foreign = "This is not quite the folder that the policy gives to the caller.", false
		case s.isDevice(folder):
			text = "This is the folder of another device, " + folder + ": the policy does what it says."
		}
		s.change(Change{Text: fmt.Sprintf("%s Let the client stay inside its fence: by %s it may use %s.", text, where, t.Resolved)})
		return foreign
	}
	return false
}

// another says that a device asks for the folder of another one, where no
// statement with a variable came near.
func (s *story) another(a *authz.Asked) bool {
	p := &s.rec.Principal
	path := a.Request.Resource
	if values, _, ok := a.Request.Context.Lookup(prefixKey); ok && len(values) == 1 && lists(a.Request.Action) {
		path = path + "/" + values[0]
	}
	path, ok := strings.CutPrefix(path, "arn:aws:s3:::")
	_, key, _ := strings.Cut(path, "/")
	folder, _, _ := strings.Cut(key, "/")
	if !ok || p.CertificateID == "" || folder == "" || folder == p.Thing || folder == p.CertificateID || !s.isDevice(folder) {
		return false
	}
	s.change(Change{Text: "This is the folder of another device, " + folder + ": the policy does what it says."})
	return true
}

// isDevice tells whether a name is that of a thing or the id of a certificate.
func (s *story) isDevice(name string) bool {
	if _, err := s.cfg.Store.Thing(s.ctx, name); err == nil {
		return true
	}
	_, err := s.cfg.Recent.Device(s.ctx, name)
	return err == nil
}

// corrected tells whether a statement applies once its variables are spelt
// right.
func (s *story) corrected(a *authz.Asked, f *policy.Finding) bool {
	if f.Resource || f.NotResource {
		return true // what is misspelt is in its conditions
	}
	for i := range f.Conditions {
		if !f.Conditions[i].Holds {
			return false
		}
	}
	for _, t := range f.Resources {
		right := t.Pattern
		for _, v := range t.Variables {
			if better, _ := s.misspelt(v.Name); better != "" {
				right = strings.ReplaceAll(right, "${"+v.Name, "${"+better)
			}
		}
		raw, _ := json.Marshal(proposal{Effect: "Allow", Action: a.Request.Action, Resource: right}) // strings always encode
		p, err := policy.Parse(policy.Identity, string(document(raw)))
		if err == nil && len(policy.NewSet(policy.Named{Policy: p}).Matching(a.Request)) > 0 {
			return true
		}
	}
	return false
}

// spelling proposes to correct a variable or key that is nearly one that there
// is.
func (s *story) spelling(f *policy.Finding, where, by string) bool {
	for _, name := range missingNames(f) {
		better, _ := s.misspelt(name)
		if better == "" {
			continue
		}
		wrong, right := name, better
		for _, t := range f.Resources {
			if strings.Contains(t.Pattern, "${"+name) && !f.Resource {
				wrong, right = t.Pattern, strings.ReplaceAll(t.Pattern, "${"+name, "${"+better)
			}
		}
		s.change(Change{Text: fmt.Sprintf("Correct the spelling in %s: write %s instead of %s:", where, right, wrong), Command: s.save(by, f.Policy)})
		return true
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
func (s *story) attachOther(a *authz.Asked, instead bool) {
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
			text := "Attach"
			if instead {
				text = "Or: attach"
			}
			s.change(Change{Text: text + " an IoT policy that allows it to the certificate: " + candidate.Name + " does.",
				Command: "aws iot attach-policy --policy-name " + shellQuote(candidate.Name) + " --target " + s.cfg.Place.Certificate(s.rec.Device.CertificateID)})
			return
		}
	}
}
