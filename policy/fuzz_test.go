package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func addSeeds(f *testing.F, add func(text string)) {
	files, err := filepath.Glob(filepath.Join("testdata", "seeds", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatal("no seed policies", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		add(string(b))
	}
}

// FuzzParse: nothing panics, every refusal is an *Error, and a document that is
// accepted means the same without its white space.
func FuzzParse(f *testing.F) {
	addSeeds(f, func(text string) {
		for kind := Identity; kind <= Managed; kind++ {
			f.Add(uint8(kind), text)
		}
	})
	f.Add(uint8(Identity), with(`"Condition":{"ForAnyValue:StringLikeIfExists":{"k:k":["${a:b, 'c'}","${*}",1,true]},"DateLessThan":{"k":"2026-01-01T00:00:00Z"}}`))
	f.Add(uint8(Identity), with(`"Condition":{"IpAddress":{"k":"::/0"},"BinaryEquals":{"k":"AA=="},"ArnLike":{"k":"arn:aws:iam::${x}:*"}}`))
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		p, err := Parse(Kind(kind), text)
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Message == "" || p != nil {
				t.Fatalf("refused with %#v", err)
			}
			return
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := utf8.RuneCount(compact.Bytes()); p.Size() != got {
			t.Fatalf("Size %d, compact text has %d characters", p.Size(), got)
		}
		again, err := Parse(Kind(kind), compact.String())
		if err != nil {
			t.Fatalf("refused without white space: %v", err)
		}
		if !reflect.DeepEqual(withoutPlaces(p), withoutPlaces(again)) {
			t.Fatal("means something else without white space")
		}
		for _, w := range p.Warnings() {
			if w.Code == "" || w.Message == "" || strings.ContainsRune(w.Code, ' ') {
				t.Fatalf("%+v", w)
			}
		}
		p.ContextKeys()
		s := NewSet(Named{"p", p})
		for _, resource := range []string{"arn:aws:s3:::b/k", "*", "arn:aws:iot:r:123456789012:rolealias/a"} {
			agree(t, s, &Request{Action: "s3:GetObject", Resource: resource, Context: contextOf("iot:certificateId", "x", "aws:TagKeys[]", "a|b")})
		}
	})
}

// withoutPlaces forgets where in the text statements are.
func withoutPlaces(p *Policy) *Policy {
	p.text = ""
	for i := range p.doc.statements {
		p.doc.statements[i].start, p.doc.statements[i].end = 0, 0
	}
	forget := func(n *node) { n.start, n.end = 0, 0 }
	for i := range p.doc.statements {
		if n := p.doc.statements[i].principal; n != nil {
			forget(n)
		}
	}
	return p
}

// naive matches by filling a table of which suffix of the tokens fits which
// suffix of the text.
func naive(tokens []token, values []string, s string) bool {
	fits := make([][]bool, len(tokens)+1)
	for i := range fits {
		fits[i] = make([]bool, len(s)+1)
	}
	fits[len(tokens)][len(s)] = true
	value := len(values)
	for i := len(tokens) - 1; i >= 0; i-- {
		text := tokens[i].text
		if tokens[i].kind == variable {
			value--
			text = values[value]
		}
		for pos := len(s); pos >= 0; pos-- {
			_, n := utf8.DecodeRuneInString(s[pos:])
			switch tokens[i].kind {
			case star:
				fits[i][pos] = fits[i+1][pos] || n > 0 && fits[i][pos+n]
			case one:
				fits[i][pos] = n > 0 && fits[i+1][pos+n]
			default:
				fits[i][pos] = strings.HasPrefix(s[pos:], text) && fits[i+1][pos+len(text)]
			}
		}
	}
	return fits[0][0]
}

// FuzzMatch: the matcher agrees with the naive one, for texts of any bytes and
// patterns and values of any characters, in steps bounded by their lengths.
func FuzzMatch(f *testing.F) {
	f.Add("b/${k}/*", "b/ann/x", "ann")
	f.Add("*a*b*c", "aabbcc", "")
	f.Add("*??é?*${k}${k}*", "ééé\xffab€", "€")
	f.Add("${k}*${k}", "a*a", "a*")
	f.Add("*${*}${?}?${k, 'd'}", "x*?yd", "")
	f.Fuzz(func(t *testing.T, text, s, value string) {
		if !utf8.ValidString(text) || len(text) > 200 || len(s) > 200 {
			t.Skip()
		}
		tokens, err := scanner{variables: true, wild: true}.scan(text)
		if err != nil {
			t.Skip()
		}
		ctx := contextOf("k", value)
		p := newPattern(tokens)
		values, ok := resolve(tokens, ctx, nil)
		want := ok && naive(tokens, values, s)
		if got := p.match(s, ctx); got != want {
			t.Fatalf("%q for %q with %q: %v, naive %v", text, s, value, got, want)
		}
		if !ok {
			return
		}
		if got, steps := glob(tokens, values, s, false); got != want || steps > (len(tokens)+2)*(len(s)+2) {
			t.Fatalf("%q for %q with %q: %v in %d steps", text, s, value, got, steps)
		}
		if lowered := lowerASCII(s); !p.variables {
			low := newPattern(wildcards(lowerASCII(text)))
			if got, want := low.matchFold(s), naive(wildcards(lowerASCII(text)), nil, lowered); got != want {
				t.Fatalf("%q for %q ignoring case: %v", text, s, got)
			}
		}
	})
}

// FuzzEvaluate: adding a Deny never allows more, and a name that a device chose
// acts as if it stood in the policy with all its special characters escaped.
func FuzzEvaluate(f *testing.F) {
	f.Add("s3:*", "b/", "/*", "s3:PutObject", "b/x/y", "*")
	f.Add("*", "", "", "s3:PutObject", "b/x", "b/?")
	f.Add("s3:Put?bject", "?/", "*", "S3:PUTOBJECT", "b/secret", "${k:secret}")
	escape := strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")
	f.Fuzz(func(t *testing.T, action, before, after, asked, path, thing string) {
		if strings.Contains(before+after, "$") {
			t.Skip()
		}
		statement := func(effect, name string) string {
			b, err := json.Marshal(map[string]any{"Effect": effect, "Action": action, "Resource": "arn:aws:s3:::" + before + name + after,
				"Condition": map[string]any{"StringLike": map[string]string{"s3:prefix": before + name + after}}})
			if err != nil {
				t.Fatal(err)
			}
			return statements(string(b))
		}
		const name = "${iot:thingName}"
		allow, err := Parse(Identity, statement("Allow", name))
		if err != nil {
			t.Skip()
		}
		deny := mustParse(t, Identity, statement("Deny", name))
		req := &Request{Action: asked, Resource: "arn:aws:s3:::" + path, Context: contextOf("iot:thingName", thing, "k:secret", "secret", "s3:prefix", path)}
		allowed := decide(allow, req)
		if allowed == ExplicitDeny || decide(deny, req) == Allow || (allowed == Allow) != (decide(deny, req) == ExplicitDeny) {
			t.Fatal("an Allow denied, a Deny allowed, or they match differently")
		}
		all := mustParse(t, Identity, statements(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
		for _, set := range [][]Named{{{"a", allow}, {"d", deny}}, {{"d", deny}, {"a", allow}, {"all", all}}} {
			without := evaluate(slices.DeleteFunc(slices.Clone(set), func(n Named) bool { return n.Policy == deny }), req).Decision
			with := evaluate(set, req).Decision
			if with == Allow && without != Allow || allowed == Allow && with != ExplicitDeny {
				t.Fatalf("%v, without the Deny %v", with, without)
			}
		}
		if thing == "" || !utf8.ValidString(thing) {
			if allowed == Allow {
				t.Fatal("a name that is no value matched")
			}
			return
		}
		written, err := Parse(Identity, statement("Allow", escape.Replace(thing)))
		if err != nil {
			return // not every name can be written in a policy
		}
		if got := decide(written, req); got != allowed {
			t.Fatalf("name %q as value: %v, written: %v", thing, allowed, got)
		}
	})
}
