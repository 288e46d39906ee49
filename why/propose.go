package why

import (
	"encoding/json"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/credentials"
	"github.com/thingpass/thingpass/policy"
)

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
