package authz

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/policy"
)

func inline(document string) bundle {
	return bundle{kind: policy.Identity, inline: []thingpass.InlinePolicy{{Name: "p", Document: document}}}
}

func allow(resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"` + resource + `"}]}`
}

// TestSetsAreBounded: by the bytes of what is kept, broken policies included.
func TestSetsAreBounded(t *testing.T) {
	const bound = 64 << 10
	s := newSets(bound)
	for i := range 400 {
		good := inline(allow(fmt.Sprintf("arn:aws:s3:::%d/%s", i, strings.Repeat("x", 1000))))
		if c, err := s.get(s.shared(forIdentity, &good), &good); err != nil || c.set == nil {
			t.Fatal(err)
		}
		bad := inline(fmt.Sprintf("{%d%s", i, strings.Repeat(" ", 1000)))
		if _, err := s.get(s.shared(forIdentity, &bad), &bad); err == nil {
			t.Fatal("compiled")
		}
	}
	s.cache.CleanUp()
	if w := s.cache.WeightedSize(); w > bound || w == 0 {
		t.Errorf("%d bytes are kept, at most %d may be", w, bound)
	}
}

// TestSetsByContent: a key only finds an entry; the texts decide whether it is
// the right one. So neither a changed policy nor two with one hash are mixed up.
func TestSetsByContent(t *testing.T) {
	s := newSets(1 << 20)
	q := &policy.Request{Action: "s3:ListBucket", Resource: "arn:aws:s3:::a"}
	key := setKey{purpose: forIdentity, owner: "AROA"}
	for range 2 {
		for resource, want := range map[string]policy.Decision{"arn:aws:s3:::a": policy.Allow, "arn:aws:s3:::b": policy.ImplicitDeny} {
			b := inline(allow(resource))
			c, err := s.get(key, &b)
			if err != nil || c.set.Evaluate(q).Decision != want {
				t.Errorf("%s: %v, %v", resource, c.set.Evaluate(q).Decision, err)
			}
		}
	}
	// The same text of another kind, under another name, through another group.
	a := inline(allow("*"))
	for _, b := range []bundle{
		{kind: policy.Session, inline: a.inline},
		{kind: policy.Identity, inline: []thingpass.InlinePolicy{{Name: "q", Document: allow("*")}}},
		{managed: []thingpass.ManagedDocument{{ARN: "p", Document: allow("x")}}},
		{device: []string{allow("*")}, deviceNames: []string{"p"}},
		{groups: []thingpass.GroupPolicy{{Group: "g", Name: "p", Document: allow("*")}}},
		{kind: policy.Identity, single: a.inline[0], inline: a.inline},
		{},
	} {
		first, err := s.get(key, &a)
		if err != nil {
			t.Fatal(err)
		}
		if b.is(first.texts) {
			t.Errorf("%+v passes for %+v", b, a)
		}
	}
}

// TestBundleOrder: every source is reached, once.
func TestBundleOrder(t *testing.T) {
	b := bundle{
		single: thingpass.InlinePolicy{Name: "1", Document: "x"}, inline: []thingpass.InlinePolicy{{Name: "2"}, {Name: "3"}},
		managed: []thingpass.ManagedDocument{{ARN: "4"}, {ARN: "5"}}, device: []string{"", ""}, deviceNames: []string{"6", "7"},
		groups: []thingpass.GroupPolicy{{Name: "8", Group: "g"}, {Name: "9"}},
	}
	var names []string
	for i := range b.len() {
		text := b.at(i)
		names = append(names, text.title())
	}
	if got := strings.Join(names, " "); got != "1 2 3 4 5 6 7 8 (thing group g) 9" {
		t.Error(got)
	}
}
