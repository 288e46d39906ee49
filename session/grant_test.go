package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thingpass/thingpass"
)

// TestSealedKeys: a key that a session carries must still be true of its thing.
func TestSealedKeys(t *testing.T) {
	groups := func(names ...string) thingpass.DeviceKey {
		return thingpass.DeviceKey{Name: ThingGroupsKey, Values: names, List: true}
	}
	attribute := func(name string, values ...string) thingpass.DeviceKey {
		return thingpass.DeviceKey{Name: ThingAttributeKey + name, Values: values}
	}
	a := thingpass.Attachment{
		Thing: "bulb", Groups: []string{"building", "floor"},
		Attributes: map[string]string{"site": "berlin", "Room": "1", "rOOM": "2", "none": ""},
	}
	for _, c := range []struct {
		name string
		key  thingpass.DeviceKey
		want string
	}{
		{"same groups", groups("building", "floor"), ""},
		{"left a group", groups("building", "floor", "tenant"), "thing bulb is no longer in group tenant"},
		{"joined a group", groups("building"), "thing bulb is now in group floor"},
		{"was in none", groups(), "thing bulb is now in group building"},
		{"another group", groups("building", "flour"), "thing bulb is no longer in group flour"},
		{"same attribute", attribute("site", "berlin"), ""},
		{"attribute by another spelling", attribute("SITE", "berlin"), ""},
		{"exact spelling wins", attribute("rOOM", "2"), ""},
		{"else the first", attribute("room", "1"), ""},
		{"another value", attribute("site", "Berlin"), "the attribute site of thing bulb is another now"},
		{"attribute gone", attribute("wing", "east"), "thing bulb no longer has the attribute wing"},
		{"attribute still missing", attribute("wing"), ""},
		{"attribute given since", attribute("site"), "thing bulb now has the attribute site"},
		{"empty attribute", attribute("none", ""), ""},
		{"empty attribute given since", attribute("none"), "thing bulb now has the attribute none"},
		{"subject", thingpass.DeviceKey{Name: SubjectKey + "CommonName", Values: []string{"x"}}, ""},
	} {
		rec := record{Thing: "bulb", extras: extras{DeviceKeys: []thingpass.DeviceKey{c.key}}}
		if got := attachmentGone(&a, &rec); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestDevicePrincipal: what is sealed into a device's session comes out of it,
// and a key that had no value stays out.
func TestDevicePrincipal(t *testing.T) {
	r := newRegistry(t)
	keys := []thingpass.DeviceKey{
		{Name: ThingGroupsKey, List: true}, {Name: ThingAttributeKey + "site"},
		{Name: SubjectKey + "CommonName", Values: []string{"*"}},
	}
	c := r.issueWith(Grant{Thing: "bulb", ThingType: "lamp", DeviceKeys: keys})
	p, _, err := r.Resolve(t.Context(), c.AccessKeyID, c.SessionToken.Reveal())
	r.must(err)
	if diff := cmp.Diff(keys[2:], p.DeviceKeys); diff != "" {
		t.Error(diff)
	}
	device, err := r.Recent.Device(t.Context(), r.id)
	r.must(err)
	would, err := r.Principal(Grant{Role: r.role, Duration: time.Hour, Device: device, Thing: "bulb", ThingType: "lamp", DeviceKeys: keys})
	r.must(err)
	if diff := cmp.Diff(p, would); diff != "" {
		t.Errorf("another principal without issuing: %s", diff)
	}
	_, err = r.UpdateThing(t.Context(), "bulb", 0, func(g *thingpass.Thing) error { g.Attributes = map[string]string{"floor": "1"}; return nil })
	r.must(err)
	r.fresh()
	if got := r.withdrawn(t.Context(), c); got != "" {
		t.Errorf("an attribute that no policy mentions ended the session: %s", got)
	}
}

// TestCallerPrincipal: session tags lie over those of the role, whatever their
// case.
func TestCallerPrincipal(t *testing.T) {
	r := newRegistry(t)
	role := thingpass.Role{Name: "Tagged", Path: "/", ID: "AROATAGGED", Tags: []thingpass.Tag{{Key: "Team", Value: "red"}, {Key: "site", Value: "berlin"}}}
	r.must(r.CreateRole(t.Context(), role))
	for _, c := range []struct {
		name  string
		grant Grant
		want  []thingpass.Tag
	}{
		{"none", Grant{}, role.Tags},
		{"one more", Grant{Tags: []thingpass.Tag{{Key: "cost", Value: ""}}}, append(role.Tags[:2:2], thingpass.Tag{Key: "cost"})},
		{"one over another", Grant{Tags: []thingpass.Tag{{Key: "team", Value: "blue"}, {Key: "x", Value: "y"}}, Transitive: []string{"team"}},
			[]thingpass.Tag{{Key: "site", Value: "berlin"}, {Key: "team", Value: "blue"}, {Key: "x", Value: "y"}}},
	} {
		g := c.grant
		g.Role, g.Name, g.Duration, g.SourceIdentity, g.PolicyARNs = role, "me", time.Hour, "ann", []string{"arn:aws:iam::123456789012:policy/p"}
		issued, err := r.Issue(g)
		r.must(err)
		p, _, err := r.Resolve(t.Context(), issued.AccessKeyID, issued.SessionToken.Reveal())
		r.must(err)
		if diff := cmp.Diff(c.want, p.Tags); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if p.SourceIdentity != "ann" || !cmp.Equal(p.PolicyARNs, g.PolicyARNs) || !cmp.Equal(p.Transitive, g.Transitive) {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

// TestTemporaryUser: a user's temporary credentials are the user's, and end with
// the access key that they were asked for with.
func TestTemporaryUser(t *testing.T) {
	const key = "AKIAEXAMPLE"
	for name, c := range map[string]struct {
		change func(r *registry)
		want   string
	}{
		"nothing":     {func(*registry) {}, ""},
		"deactivated": {func(r *registry) { r.must(r.UpdateAccessKey(t.Context(), "ann", key, false)) }, "the access key it was asked for with is inactive"},
		"deleted":     {func(r *registry) { r.must(r.DeleteAccessKey(t.Context(), "ann", key)) }, "the access key it was asked for with is gone"},
		"user replaced": {func(r *registry) {
			r.must(r.DeleteAccessKey(t.Context(), "ann", key))
			r.must(r.DeleteUser(t.Context(), "ann"))
			r.must(r.CreateUser(t.Context(), thingpass.User{Name: "ann", Path: "/", ID: "AIDAOTHER"}, thingpass.AccessKey{ID: key, Secret: thingpass.NewSecret("s"), Active: true}))
		}, "the access key it was asked for with belongs to another user"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			u := thingpass.User{Name: "ann", Path: "/staff/", ID: "AIDAANN"}
			r.must(r.CreateUser(t.Context(), u, thingpass.AccessKey{ID: key, Secret: thingpass.NewSecret("s"), Active: true}))
			issued, err := r.Issue(Grant{User: u, AccessKey: thingpass.AccessKey{ID: key}, Duration: MaxUserSession})
			r.must(err)
			p, secret, err := r.Resolve(t.Context(), issued.AccessKeyID, issued.SessionToken.Reveal())
			r.must(err)
			want := thingpass.Principal{
				Kind: thingpass.UserPrincipal, Account: account, User: "ann", ARN: place.User("/staff/", "ann"), UniqueID: "AIDAANN",
				Temporary: true, Issued: r.now, Expires: r.now.Add(MaxUserSession),
			}
			if diff := cmp.Diff(want, p); diff != "" || !secret.Equal(issued.SecretAccessKey) {
				t.Error(diff)
			}
			c.change(r)
			r.fresh()
			if got := r.withdrawn(t.Context(), issued); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestBounds: what does not fit is refused, never cut.
func TestBounds(t *testing.T) {
	r := newRegistry(t)
	device := &thingpass.Device{CertificateID: r.id}
	long := strings.Repeat("n", 128)
	grant := func(size int) Grant {
		return Grant{Role: r.role, Duration: time.Hour, Device: device, Thing: long, ThingType: long, DeviceKeys: []thingpass.DeviceKey{
			{Name: ThingAttributeKey + "site", Values: []string{strings.Repeat("v", size)}}, {Name: ThingGroupsKey, Values: []string{"a", "b"}, List: true},
		}}
	}
	room := 0
	for ; ; room++ {
		c, err := r.Issue(grant(room))
		if errors.Is(err, ErrTooLarge) {
			if !strings.Contains(err.Error(), "credentials-iot:ThingAttribute/site takes ") {
				t.Error(err)
			}
			break
		}
		r.must(err)
		if n := len(c.SessionToken.Reveal()); n > MaxDeviceToken {
			t.Fatalf("a token of %d characters", n)
		}
	}
	t.Logf("next to a thing and a type of 128 characters, an attribute of %d characters fits", room-1)
	if room < 300 {
		t.Errorf("an attribute of %d characters does not fit", room)
	}
	tags := func(bytes int) Grant {
		g := Grant{Role: r.role, Name: "me", Duration: time.Hour}
		for n := 0; n < bytes; n += 256 + 2*perText {
			g.Tags = append(g.Tags, thingpass.Tag{Key: "k", Value: strings.Repeat("v", min(255, bytes-n-1-2*perText))})
		}
		return g
	}
	c, err := r.Issue(tags(MaxPacked))
	r.must(err)
	if _, _, err := r.Resolve(t.Context(), c.AccessKeyID, c.SessionToken.Reveal()); err != nil {
		t.Errorf("a token of %d characters: %v", len(c.SessionToken.Reveal()), err)
	}
	if _, err := r.Issue(tags(MaxPacked + 1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
	for name, g := range map[string]Grant{
		"nobody": {}, "role only": {Role: r.role}, "name only": {Name: "me"}, "role and user": {Role: r.role, Name: "me", User: thingpass.User{ID: "A"}},
		"name and device": {Role: r.role, Name: "me", Device: device}, "user and device": {User: thingpass.User{ID: "A"}, Device: device},
		"keys without a device": {Role: r.role, Name: "me", DeviceKeys: []thingpass.DeviceKey{{Name: ThingGroupsKey, List: true}}},
		"unknown key":           {Role: r.role, Device: device, DeviceKeys: []thingpass.DeviceKey{{Name: "aws:userid", Values: []string{"x"}}}},
	} {
		if _, err := r.Issue(g); err == nil {
			t.Errorf("%s: issued", name)
		}
	}
}
