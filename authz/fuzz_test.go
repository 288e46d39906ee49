package authz_test

import (
	"testing"

	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
)

// dice chooses by the bytes of a fuzz input; when they are used up, the first.
type dice []byte

func (d *dice) pick(n int) int {
	if len(*d) == 0 {
		return 0
	}
	b := (*d)[0]
	*d = (*d)[1:]
	return int(b) % n
}

func (d *dice) one(of ...string) string { return of[d.pick(len(of))] }

// statement makes one from a small world, so that statements meet.
func (d *dice) statement(kind policy.Kind, effect string) string {
	text := `{"Effect":"` + effect + `",` + d.one(`"Action":"s3:ListBucket"`, `"Action":"s3:*"`, `"Action":"*"`, `"Action":"s3:GetObject"`,
		`"NotAction":"s3:GetObject"`, `"NotAction":"s3:*"`) + "," +
		d.one(`"Resource":"*"`, `"Resource":"arn:aws:s3:::b"`, `"Resource":"arn:aws:s3:::${aws:PrincipalTag/x}"`, `"Resource":"arn:aws:s3:::c"`,
			`"NotResource":"arn:aws:s3:::b"`, `"NotResource":"arn:aws:s3:::${aws:PrincipalTag/x}"`)
	if kind == policy.Resource {
		principals := []string{`"*"`, `{"AWS":"` + userARN + `"}`, `{"AWS":"` + sessionARN + `"}`, `{"AWS":"` + roleARN + `"}`, `{"AWS":"123456789012"}`,
			`{"Service":"logging.s3.amazonaws.com"}`}
		element := "Principal"
		if effect == "Deny" && d.pick(4) == 3 {
			element, principals = "NotPrincipal", principals[1:]
		}
		text += `,"` + element + `":` + d.one(principals...)
	}
	return text + d.one("", `,"Condition":{"StringEquals":{"aws:PrincipalTag/x":"b"}}`, `,"Condition":{"StringNotEquals":{"aws:PrincipalTag/x":"b"}}`,
		`,"Condition":{"Null":{"aws:PrincipalTag/x":"true"}}`) + "}"
}

// policies makes none or a few, and tells their texts.
func (d *dice) policies(kind policy.Kind) []string {
	var texts []string
	for range d.pick(4) {
		texts = append(texts, `{"Version":"2012-10-17","Statement":[`+d.statement(kind, d.one("Allow", "Deny"))+`]}`)
	}
	return texts
}

// FuzzNarrowing: whatever the layers are, a boundary, a session policy or a Deny
// more, a bucket of another account, and the credentials of GetSessionToken
// never allow what was not allowed.
func FuzzNarrowing(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3})
	f.Add([]byte("\x02\x03\x01\x02\x00\x01\x00\x00\x00\x02\x01\x00\x03\x02\x01\x02\x03\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		d := dice(input)
		caller := []policy.Principal{user, session, federated, root, service, anonymous, {}}[d.pick(7)]
		q := list(caller)
		q.Context = policy.NewContext()
		switch d.pick(3) {
		case 1:
			q.Context.Set("aws:PrincipalTag/x", "b")
		case 2:
			q.Context.Set("aws:PrincipalTag/x", "*")
		}
		texts := map[policy.Kind][]string{}
		build := func(kind policy.Kind, more ...string) *policy.Set {
			return set(t, kind, append(more, texts[kind]...)...)
		}
		for _, kind := range []policy.Kind{policy.Identity, policy.Session, policy.Resource} {
			texts[kind] = d.policies(kind)
		}
		boundary := d.policies(policy.Identity)
		base := authz.Layers{
			Identity: build(policy.Identity), Boundary: set(t, policy.Identity, boundary...), Session: build(policy.Session), Resource: build(policy.Resource),
		}
		before := base.Decide(q)

		narrower := map[string]authz.Layers{}
		add := func(name string, change func(l *authz.Layers)) {
			l := base
			change(&l)
			narrower[name] = l
		}
		deny := func(kind policy.Kind) string {
			return `{"Version":"2012-10-17","Statement":[` + d.statement(kind, "Deny") + `]}`
		}
		add("another owner", func(l *authz.Layers) { l.Owner = otherAccount })
		add("a user's session", func(l *authz.Layers) { l.UserSession = true })
		add("a Deny in identity", func(l *authz.Layers) { l.Identity = build(policy.Identity, deny(policy.Identity)) })
		add("a Deny in resource", func(l *authz.Layers) { l.Resource = build(policy.Resource, deny(policy.Resource)) })
		add("a Deny in boundary", func(l *authz.Layers) {
			l.Boundary = set(t, policy.Identity, append(boundary, deny(policy.Identity))...)
		})
		add("a Deny in session", func(l *authz.Layers) { l.Session = build(policy.Session, deny(policy.Session)) })
		if base.Boundary == nil {
			add("a boundary", func(l *authz.Layers) {
				l.Boundary = set(t, policy.Identity, append(d.policies(policy.Identity), says("allow"))...)
			})
		}
		if base.Session == nil {
			add("a session policy", func(l *authz.Layers) {
				l.Session = set(t, policy.Session, append(d.policies(policy.Session), says("allow"))...)
			})
		}
		for name, l := range narrower {
			after := l.Decide(q)
			if after.Allowed() && !before.Allowed() || before.Decision == policy.ExplicitDeny && after.Decision != policy.ExplicitDeny && name != "a user's session" {
				t.Errorf("%s: %v by %s became %v by %s\ncaller %+v\n%q boundary %q", name, before.Decision, before.By, after.Decision, after.By, caller, texts, boundary)
			}
		}
	})
}
