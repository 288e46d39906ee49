package why

import (
	"encoding/json"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/credentials"
	"github.com/thingpass/thingpass/policy"
)

// prefixKey is the condition key by which listing is fenced.
const prefixKey = "s3:prefix"

// proposal is a statement to add.
type proposal struct {
	Effect    string
	Principal json.RawMessage `json:",omitempty"`
	Action    string
	Resource  string     `json:",omitempty"`
	Condition conditions `json:",omitempty"`
}

// conditions are operators, keys and values.
type conditions map[string]map[string]any

func (c conditions) add(operator, key string, values ...string) {
	if c[operator] == nil {
		c[operator] = map[string]any{}
	}
	c[operator][key] = values
	if len(values) == 1 {
		c[operator][key] = values[0]
	}
}

// place is where a statement would be added.
type place struct {
	by      string
	near    *policy.Finding // the statement that came nearest, or nil
	instead bool            // of what is proposed before
	widens  bool            // it would let a device out of its fence
	first   string          // what is to be done before
}

// propose gives the statement that would allow just this, or as much as each
// device may have of its own.
func (s *story) propose(a *authz.Asked, at *place) {
	q := a.Request
	fenced := at.near != nil && at.near.Action && len(at.near.Resources) > 0 && !at.near.Resource
	st := proposal{Effect: "Allow", Action: q.Action, Resource: s.general(at.by, q.Resource, fenced), Condition: carried(at.near)}
	switch at.by {
	case authz.ByTrust:
		st.Resource, st.Principal = "", trustedBy(&q.Principal)
	case authz.ByResource:
		st.Principal = trustedBy(&q.Principal)
	}
	if lists(q.Action) {
		s.fenceListing(a, at, &st)
	}
	if at.by == authz.BySession {
		raw, _ := json.Marshal(st) // strings always encode
		s.change(Change{Text: "Let whoever calls AssumeRole pass a session policy that allows it, or none: that of these credentials cannot be changed any more.", Document: document(raw)})
		return
	}
	s.addStatement(a, at, &st)
}

// carried are the conditions of the nearest statement, if they all hold: what is
// added beside it is fenced as it is.
func carried(f *policy.Finding) conditions {
	if f == nil {
		return nil
	}
	out := conditions{}
	for i := range f.Conditions {
		c := &f.Conditions[i]
		if !c.Holds {
			return nil
		}
		var values []string
		for _, t := range c.Wanted {
			values = append(values, t.Pattern)
		}
		out.add(c.Operator, c.Key, values...)
	}
	return out
}

// lists tells whether an action lists what is in a bucket.
func lists(action string) bool {
	return strings.EqualFold(action, "s3:ListBucket") || strings.EqualFold(action, "s3:ListBucketVersions")
}

// fenceListing limits a statement to the prefix that was asked for. A device
// that asked for none is proposed its own folder first.
func (s *story) fenceListing(a *authz.Asked, at *place, st *proposal) {
	p := &s.rec.Principal
	if st.Condition == nil {
		st.Condition = conditions{}
	}
	values, _, present := a.Request.Context.Lookup(prefixKey)
	own := at.by == authz.ByIdentity && p.Thing != ""
	const folder = "${credentials-iot:ThingName}/*"
	switch {
	case present && len(values) == 1 && own && strings.HasPrefix(values[0], p.Thing+"/") && !at.instead:
		st.Condition.add("StringLike", prefixKey, folder)
	case present && len(values) > 0:
		var exact []string
		for _, v := range values {
			exact = append(exact, literal(v))
		}
		st.Condition.add("StringEquals", prefixKey, exact...)
	case p.CertificateID == "":
	default:
		if own && (s.e.Hypothetical || strings.HasPrefix(s.rec.Operation, "List")) {
			narrow := *st
			narrow.Condition = conditions{"StringLike": {prefixKey: folder}}
			s.addStatement(a, &place{by: at.by, near: at.near, instead: at.instead, first: "Let the client list only its own folder, with the prefix " + p.Thing + "/, and "}, &narrow)
			at.instead = true
		}
		at.widens = true
		st.Condition.add("Null", prefixKey, "true")
	}
}

// addStatement proposes to add a statement to a policy, or to make one of it.
func (s *story) addStatement(a *authz.Asked, at *place, st *proposal) {
	raw, err := json.Marshal(st)
	if err != nil {
		return
	}
	name := newPolicy
	if at.near != nil {
		name = at.near.Policy
	} else if all := layerSet(&a.Layers, at.by).Policies(); len(all) > 0 {
		name = all[0].Name
	}
	note := "POLICY.json is the policy with it"
	if p := &s.rec.Principal; p.CertificateID != "" && (at.by == authz.ByIdentity || at.by == authz.ByBoundary || at.by == authz.ByResource) {
		note += "; all devices of role " + p.RoleName + " would get this"
	}
	c := Change{Statement: raw, Policy: name, Command: s.save(at.by, name)}
	switch {
	case at.by == authz.ByBoundary:
		c.Text = "add this statement to the permissions boundary, which limits what all other policies allow (" + note + ")"
	case name == newPolicy:
		c.Text = "make a policy with this statement for " + s.owner(at.by) + " (" + strings.TrimPrefix(note, "POLICY.json is the policy with it; ") + ")"
		c.Text = strings.Replace(c.Text, "(POLICY.json is the policy with it)", "(POLICY.json)", 1)
		c.Document, c.Statement = document(raw), nil
	default:
		c.Text = "add this statement to " + policyName(at.by, name) + " (" + note + ")"
	}
	c.Text = at.first + c.Text
	switch {
	case at.instead && at.widens:
		c.Text = "Or, if it is meant to be allowed: " + c.Text + ". This widens what devices may do:"
	case at.widens:
		c.Text = strings.ToUpper(c.Text[:1]) + c.Text[1:] + ". This widens what devices may do:"
	case at.instead:
		c.Text = "Or: " + strings.ToLower(c.Text[:1]) + c.Text[1:] + ":"
	default:
		c.Text = strings.ToUpper(c.Text[:1]) + c.Text[1:] + ":"
	}
	s.change(c)
}

// document is a whole policy of one statement.
func document(statement json.RawMessage) json.RawMessage {
	return json.RawMessage(`{"Version":"2012-10-17","Statement":[` + string(statement) + `]}`)
}

// newPolicy stands for the name of a policy that is to be made.
const newPolicy = "NEW"

// general writes a variable instead of the name of the thing, where that is a
// folder, so that the statement is good for each device. What is in the folder
// is left out, unless a fence inside of it may be meant.
func (s *story) general(by, resource string, exact bool) string {
	p := &s.rec.Principal
	if resource == "*" || resource == "arn:aws:s3:::*" {
		return resource
	}
	if by == authz.ByIdentity && p.Thing != "" && strings.HasPrefix(resource, "arn:aws:s3:::") {
		const variable = "/${credentials-iot:ThingName}"
		if head, rest, ok := strings.Cut(resource, "/"+p.Thing+"/"); ok && exact {
			return literal(head) + variable + "/" + literal(rest)
		} else if ok {
			return literal(head) + variable + "/*"
		}
		if head, ok := strings.CutSuffix(resource, "/"+p.Thing); ok {
			return literal(head) + variable
		}
	}
	return literal(resource)
}

// literal writes a text so that a policy takes it as it stands: what looks like
// a wildcard or a variable in a name is none.
func literal(s string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "${", "${$}{").Replace(s)
}

func trustedBy(p *policy.Principal) json.RawMessage {
	kind, who := "AWS", p.ARN
	if p.RoleARN != "" {
		who = p.RoleARN
	}
	if p.Service != "" {
		kind, who = "Service", p.Service
	}
	if who == "" { // the request was not signed: only everybody includes nobody
		return json.RawMessage(`"*"`)
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

// takeAway is the command that takes a whole policy from whoever has it, or "".
func (s *story) takeAway(by, name string) string {
	p := &s.rec.Principal
	kind, flag, who := "role", "--role-name", p.RoleName
	if p.Kind == thingpass.UserPrincipal {
		kind, flag, who = "user", "--user-name", p.User
	}
	owner := flag + " " + shellQuote(who)
	switch {
	case by == authz.ByBoundary:
		return "aws iam delete-" + kind + "-permissions-boundary " + owner
	case by == authz.ByIdentity && strings.HasPrefix(name, "arn:"):
		return "aws iam detach-" + kind + "-policy " + owner + " --policy-arn " + shellQuote(name)
	case by == authz.ByIdentity && !strings.Contains(name, " "):
		return "aws iam delete-" + kind + "-policy " + owner + " --policy-name " + shellQuote(name)
	case by == authz.ByIoT && s.rec.Device != nil && !strings.Contains(name, " "):
		return "aws iot detach-policy --policy-name " + shellQuote(name) + " --target " + s.cfg.Place.Certificate(s.rec.Device.CertificateID)
	case by == authz.ByResource:
		bucket, _, _ := strings.Cut(strings.TrimPrefix(s.e.Resource, "arn:aws:s3:::"), "/")
		return "aws s3api delete-bucket-policy --bucket " + shellQuote(bucket)
	}
	return ""
}
