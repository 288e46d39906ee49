package thingpass_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/thingpass/thingpass"
)

func TestNames(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	for _, c := range []struct {
		rule string
		ok   func(string) bool
		good []string
		bad  []string
	}{
		{"role alias", thingpass.ValidRoleAlias, []string{"a", "my_iot_role_alias", "a=b,c@d-e", long(128)}, []string{"", "a/b", "a b", "a.b", "a+b", "a\n", "ä", long(129)}},
		{"policy", thingpass.ValidPolicyName, []string{"a", "a+b=c,d.e@f-g", long(128)}, []string{"", "a/b", "a:b", "a\n", long(129)}},
		{"thing", thingpass.ValidThingName, []string{"a", "A:b_c-9", long(128)}, []string{"", "a.b", "a/b", "*", "${x}", "a\n", long(129)}},
		{"role", thingpass.ValidRoleName, []string{"a", "GreengrassV2TokenExchangeRole", long(64)}, []string{"", "a/b", "a\n", long(65)}},
		{"path", thingpass.ValidPath, []string{"/", "/a/", "/a/b/"}, []string{"", "a", "/a", "a/", "/ä/", "/a b/", "/" + long(511) + "/"}},
		{"account", thingpass.ValidAccount, []string{"123456789012"}, []string{"", "12345678901", "1234567890123", "12345678901x", "123456789012\n"}},
		{"region", thingpass.ValidRegion, []string{"us-east-1", "local-1"}, []string{"", "US", "a b", long(33)}},
		{"certificate id", thingpass.ValidCertificateID, []string{strings.Repeat("0f", 32)}, []string{"", strings.Repeat("0F", 32), long(63), long(65)}},
		{"session", thingpass.ValidSessionName, []string{"ab", strings.Repeat("0f", 32)}, []string{"a", "a b", "a/b", long(65)}},
	} {
		for _, s := range c.good {
			if !c.ok(s) {
				t.Errorf("%s: %q is refused", c.rule, s)
			}
		}
		for _, s := range c.bad {
			if c.ok(s) {
				t.Errorf("%s: %q is accepted", c.rule, s)
			}
		}
	}
}

func TestARNs(t *testing.T) {
	p := thingpass.Place{Account: "123456789012", Region: "ap-southeast-1"}
	for want, got := range map[string]string{
		"arn:aws:iam::123456789012:role/a/b/R":                p.Role("/a/b/", "R"),
		"arn:aws:iam::123456789012:root":                      p.Root(),
		"arn:aws:sts::123456789012:assumed-role/R/s":          p.AssumedRole("R", "s"),
		"arn:aws:iot:ap-southeast-1:123456789012:rolealias/x": p.RoleAlias("x"),
		"arn:aws:iot:ap-southeast-1:123456789012:cert/abc":    p.Certificate("abc"),
		"arn:aws:iot:ap-southeast-1:123456789012:thing/x":     p.Thing("x"),
		"arn:aws:iot:ap-southeast-1:123456789012:thingtype/x": p.ThingType("x"),
		"arn:aws:iot:ap-southeast-1:123456789012:policy/x":    p.Policy("x"),
		"arn:aws:iam::123456789012:user/admin":                p.User("/", "admin"),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for arn, want := range map[string]string{
		"arn:aws:iam::123456789012:role/R":     "/ R true",
		"arn:aws:iam::123456789012:role/a/b/R": "/a/b/ R true",
		"arn:aws:iam::210987654321:role/R":     "  false",
		"arn:aws:iam::123456789012:user/R":     "  false",
		"arn:aws:iam::123456789012:role/":      "  false",
		"R":                                    "  false",
	} {
		path, name, ok := p.ParseRoleARN(arn)
		if got := fmt.Sprint(path, " ", name, " ", ok); got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
	for arn, want := range map[string]string{
		"arn:aws:iam::123456789012:user/U":     "/ U true",
		"arn:aws:iam::123456789012:user/a/b/U": "/a/b/ U true",
		"arn:aws:iam::210987654321:user/U":     "  false",
		"arn:aws:iam::123456789012:role/U":     "  false",
	} {
		path, name, ok := p.ParseUserARN(arn)
		if got := fmt.Sprint(path, " ", name, " ", ok); got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
	for arn, want := range map[string]string{
		"arn:aws:sts::123456789012:assumed-role/R/s": "R s true",
		"arn:aws:sts::123456789012:assumed-role/R/":  "  false",
		"arn:aws:sts::123456789012:assumed-role/R":   "  false",
		"arn:aws:sts::123456789012:assumed-role//s":  "  false",
		"arn:aws:sts::210987654321:assumed-role/R/s": "  false",
		"arn:aws:iam::123456789012:role/R/s":         "  false",
	} {
		role, session, ok := p.ParseAssumedRoleARN(arn)
		if got := fmt.Sprint(role, " ", session, " ", ok); got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
	if kind, name, ok := p.ParseIoTARN(p.Certificate("abc")); kind != "cert" || name != "abc" || !ok {
		t.Error(kind, name, ok)
	}
	if _, _, ok := p.ParseIoTARN("arn:aws:iot:us-east-1:123456789012:cert/abc"); ok {
		t.Error("an ARN of another region was taken")
	}
}

// TestSecret: no way of printing shows the content.
func TestSecret(t *testing.T) {
	const content = "wJalrXUtnFEMI"
	s := thingpass.NewSecret(content)
	holder := struct{ S thingpass.Secret }{s}
	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		printed = append(printed, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, []thingpass.Secret{s}))
	}
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "holder", holder)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "holder", holder)
	for _, text := range append(printed, string(asJSON), log.String(), fmt.Sprint(errors.New(fmt.Sprint(s)))) {
		if strings.Contains(text, content) || strings.Contains(text, fmt.Sprintf("%x", content)) {
			t.Errorf("it was printed: %s", text)
		}
	}
	if !s.Equal(thingpass.NewSecret(content)) || s.Equal(thingpass.NewSecret(content+"x")) || s.Reveal() != content {
		t.Error("it compares wrong")
	}
}

func TestErrors(t *testing.T) {
	e := thingpass.Errorf(thingpass.NotFound, "no %s", "thing")
	if got := thingpass.KindOf(fmt.Errorf("while: %w", e)); got != thingpass.NotFound {
		t.Error(got)
	}
	if got := thingpass.KindOf(errors.New("x")); got != thingpass.Internal {
		t.Error(got)
	}
	e.Err = errors.New("cause")
	if e.Error() != "no thing: cause" || !errors.Is(e, e.Err) {
		t.Error(e)
	}
}

func TestNewID(t *testing.T) {
	for prefix, length := range map[string]int{"AROA": 21, "AIDA": 21, "AKIA": 20} {
		a, b := thingpass.NewID(prefix), thingpass.NewID(prefix)
		if len(a) != length || !strings.HasPrefix(a, prefix) || a == b {
			t.Errorf("%s %s", a, b)
		}
	}
}

// TestSameKey: as condition keys are compared, so that a policy about a tag is
// about the tag that a request changes.
func TestSameKey(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"site", "SITE", true}, {"site", "site", true}, {"", "", true},
		{"site", "\u017fite", false}, {"key", "\u212aey", false}, {"site", "sites", false},
	} {
		if thingpass.SameKey(c.a, c.b) != c.same {
			t.Errorf("SameKey(%q, %q) is %v", c.a, c.b, !c.same)
		}
	}
}
