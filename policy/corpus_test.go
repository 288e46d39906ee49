package policy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// corpusCase is one line of a file NAME.cases: a request, and what the policies
// NAME.KIND.json must say: "allow" or "deny" with the policy, the statement and
// the grant if there is one, or "none".
type corpusCase struct {
	As struct {
		Account, ARN, Role, Service string
		Anonymous                   bool
	}
	Action, Resource, Want string
	Keys                   map[string]any
}

// TestCorpus asks the policies of testdata/corpus, both as they are and among
// many others, where they are found by the index.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "corpus", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	asked := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		archive := readArchive(string(text))
		for file, lines := range archive {
			if set, ok := strings.CutSuffix(file, ".cases"); ok {
				p := corpusPolicy(t, archive, set)
				for line := range strings.Lines(lines) {
					if strings.TrimSpace(line) != "" {
						askCorpus(t, set, p, line)
						asked++
					}
				}
			}
		}
	}
	if asked < 100 {
		t.Errorf("only %d cases", asked)
	}
}

// readArchive reads the txtar format: a comment, then files after lines
// "-- NAME --".
func readArchive(text string) map[string]string {
	files, name := map[string]string{}, ""
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok {
			name = strings.TrimSuffix(rest, " --")
			continue
		}
		if name != "" {
			files[name] += line
		}
	}
	return files
}

func corpusPolicy(t *testing.T, archive map[string]string, set string) *Policy {
	for _, kind := range []Kind{Identity, Trust, IoT, Session, Resource, Managed} {
		if text, ok := archive[set+"."+kind.String()+".json"]; ok {
			return mustParse(t, kind, text)
		}
	}
	t.Fatalf("no policy %s", set)
	return nil
}

func askCorpus(t *testing.T, set string, p *Policy, line string) {
	var c corpusCase
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	req := &Request{Action: c.Action, Resource: c.Resource, Context: NewContext(), Principal: Principal{
		Account: c.As.Account, ARN: c.As.ARN, RoleARN: c.As.Role, Service: c.As.Service, Anonymous: c.As.Anonymous}}
	for key, value := range c.Keys {
		switch v := value.(type) {
		case string:
			req.Context.Set(key, v)
		case []any:
			var list []string
			for _, item := range v {
				list = append(list, item.(string))
			}
			req.Context.SetList(key, list)
		default:
			t.Fatalf("%s: value of %s", line, key)
		}
	}
	var noise []string
	for i := range 40 {
		noise = append(noise, fmt.Sprintf(`{"Effect":"Deny","Action":["none:*","%s","%s*"],"Resource":["arn:aws:none:::x%d","arn:aws:s3:::b%d-/*"],`+
			`"Condition":{"Null":{"aws:made-up":"false"}}}`, c.Action, c.Action[:strings.Index(c.Action, ":")+1], i, i))
	}
	others := mustParse(t, Identity, statements(noise...))
	for _, s := range []*Set{NewSet(Named{set, p}), NewSet(Named{"others", others}, Named{set, p})} {
		got := described(s.Evaluate(req))
		if got != c.Want {
			t.Errorf("%s\n got  %s\n want %s", strings.TrimSpace(line), got, c.Want)
		}
		agree(t, s, req)
	}
}

func described(r Result) string {
	words := []string{"none"}
	switch r.Decision {
	case Allow:
		words = []string{"allow", fmt.Sprintf("%s#%d", r.Reason.Policy, r.Reason.Statement)}
		if r.Grant != NoPrincipal {
			words = append(words, []string{"", "everyone", "account", "role", "direct", "service"}[r.Grant])
		}
	case ExplicitDeny:
		words = []string{"deny", fmt.Sprintf("%s#%d", r.Reason.Policy, r.Reason.Statement)}
	}
	return strings.Join(words, " ")
}

// agree checks that the three ways to ask a set agree.
func agree(t *testing.T, s *Set, req *Request) {
	t.Helper()
	matching := decidesAsItMatches(t, s, req)
	applies := 0
	for i, f := range s.Explain(req) {
		if f.Applies {
			applies++
			if !slices.Contains(matching, f.Reason) || i >= len(matching) {
				t.Errorf("finding %d applies: %+v, but these match: %+v", i, f.Reason, matching)
			}
		}
	}
	if applies != len(matching) {
		t.Errorf("%d findings apply of %d matching statements", applies, len(matching))
	}
}

// decidesAsItMatches checks that a decision, which is made through the index, is
// the one of the statements that match when all are asked, and returns those.
func decidesAsItMatches(t *testing.T, s *Set, req *Request) []Reason {
	t.Helper()
	result, matching := s.Evaluate(req), s.Matching(req)
	want, grant := ImplicitDeny, NoPrincipal
	for _, m := range matching {
		switch {
		case m.Effect == EffectDeny:
			want = ExplicitDeny
		case want == ImplicitDeny || want == Allow:
			want = Allow
			if m.Grant.strength() > grant.strength() {
				grant = m.Grant
			}
		}
	}
	if result.Decision != want || want == Allow && (result.Grant != grant || result.Reason.Grant != grant) {
		t.Errorf("%+v, but these match: %+v", result, matching)
	}
	if want != ImplicitDeny && !slices.ContainsFunc(matching, func(m Reason) bool {
		return m.Policy == result.Reason.Policy && m.Statement == result.Reason.Statement && m.Effect == result.Reason.Effect
	}) {
		t.Errorf("the reason %+v is not among %+v", result.Reason, matching)
	}
	return matching
}
