package why

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
)

// statement tells about one statement.
func (s *story) statement(by string, f *policy.Finding, a *authz.Asked) Statement {
	out := Statement{
		Layer: by, Policy: f.Policy, Number: f.Reason.Statement + 1, Sid: f.Sid, Effect: f.Effect.String(), Applies: f.Applies,
		Elements: []Element{},
	}
	if by == authz.ByTrust || by == authz.ByResource {
		out.Elements = append(out.Elements, s.principalElement(by, f, a))
	}
	out.Elements = append(out.Elements, actionElement(f, a.Request))
	out.Elements = append(out.Elements, s.resourceElements(f, a.Request)...)
	for i := range f.Conditions {
		out.Elements = append(out.Elements, s.conditionElement(&f.Conditions[i]))
	}
	return out
}

func (s *story) principalElement(by string, f *policy.Finding, a *authz.Asked) Element {
	name := "Principal"
	if f.NotPrincipal {
		name = "NotPrincipal"
	}
	p := a.Request.Principal
	who := p.ARN
	if who == "" {
		who = p.Service
	}
	el := Element{Name: name, Fits: f.Principal, Text: s.principalText(by, f)}
	if f.Principal {
		return el
	}
	el.Notes = append(el.Notes, "does not name "+who)
	if by == authz.ByTrust && strings.Contains(el.Text, quote(who)) {
		el.Notes = []string{"names " + who + " as it was when this policy was saved: that one was deleted, and the present one is another. Save the trust policy again."}
	}
	return el
}

func actionElement(f *policy.Finding, q *policy.Request) Element {
	el := Element{Name: "Action", Fits: f.Action, Text: list(f.Actions)}
	if f.NotAction {
		el.Name = "NotAction"
	}
	if !f.Action && !f.NotAction {
		el.Notes = append(el.Notes, "does not list "+q.Action)
		el.Notes = append(el.Notes, misnamed(f.Actions)...)
	}
	if !f.Action && f.NotAction {
		el.Notes = append(el.Notes, "excepts "+q.Action)
	}
	return el
}

// misnamed tells about entries that are no actions.
func misnamed(actions []string) (notes []string) {
	for _, a := range actions {
		switch better, code := betterAction(a); {
		case better == "":
		case code == "not-an-action":
			notes = append(notes, a+" is an API call and no action: AWS authorises it by "+better)
		default:
			notes = append(notes, "there is no action "+a+": did you mean "+better+"?")
		}
	}
	return notes
}

// meant is the entry of a statement that was probably meant for an action, or "".
func meant(f *policy.Finding, action string) string {
	if f.Action || f.NotAction {
		return ""
	}
	for _, a := range f.Actions {
		if better, _ := betterAction(a); strings.EqualFold(better, action) {
			return a
		}
	}
	return ""
}

// betterAction asks package policy what was meant by what is no action, and why
// it is none.
func betterAction(action string) (better, code string) {
	for _, w := range warnings(policy.Identity, map[string]any{"Action": action}) {
		if w.Code == "not-an-action" || w.Code == "unknown-action" {
			return strings.TrimPrefix(w.Suggest, "write "), w.Code
		}
	}
	return "", ""
}

// warnings are those of a statement.
func warnings(kind policy.Kind, statement map[string]any) []policy.Warning {
	for name, value := range map[string]string{"Effect": "Allow", "Action": "*", "Resource": "*"} {
		if statement[name] == nil {
			statement[name] = value
		}
	}
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
	if err != nil {
		return nil
	}
	p, err := policy.Parse(kind, string(document))
	if err != nil {
		return nil
	}
	return p.Warnings()
}

// resourceElements tells about the entries of Resource that matter: the first
// that matches, or those that come nearest.
func (s *story) resourceElements(f *policy.Finding, q *policy.Request) (els []Element) {
	name := "Resource"
	if f.NotResource {
		name = "NotResource"
	}
	const most = 3
	shown := 0
	for _, t := range nearestFirst(f.Resources, q.Resource) {
		if shown == most {
			els[len(els)-1].Notes = append(els[len(els)-1].Notes, plural(len(f.Resources)-most, "more entry", "more entries"))
			break
		}
		el := Element{Name: name, Fits: t.Matches != f.NotResource, Text: t.Pattern, Notes: s.variableNotes(t)}
		if !t.Matches && t.Resolved != "" && !f.NotResource {
			el.Notes = append(el.Notes, difference(t.Resolved, q))
		}
		if t.Matches && f.NotResource {
			el.Notes = append(el.Notes, "excepts "+q.Resource)
		}
		els = append(els, el)
		shown++
		if t.Matches {
			break
		}
	}
	return els
}

// nearestFirst orders entries: those that match, then those with most of the
// resource in common.
func nearestFirst(texts []policy.Text, resource string) []policy.Text {
	out := append([]policy.Text(nil), texts...)
	score := func(t policy.Text) int {
		if t.Matches {
			return 1 << 20
		}
		text := t.Resolved
		if text == "" {
			text = t.Pattern
		}
		return common(text, resource)
	}
	for i := 1; i < len(out); i++ {
		for j := i; j > 0 && score(out[j]) > score(out[j-1]); j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// variableNotes gives each variable of a text with its value.
func (s *story) variableNotes(t policy.Text) (notes []string) {
	for _, v := range t.Variables {
		name := "${" + v.Name + "}"
		switch {
		case v.Default:
			notes = append(notes, name+" has no value, and its default takes its place")
		case len(v.Values) > 1:
			notes = append(notes, fmt.Sprintf("%s has several values (%s): a variable can stand for one only; compare the key in a condition with ForAnyValue", name, list(v.Values)))
		case v.Present && len(v.Values) == 1 && v.Values[0] != "":
			notes = append(notes, fmt.Sprintf("%s is %q", name, v.Values[0]))
		default:
			notes = append(notes, s.emptyVariable(v.Name))
		}
	}
	return notes
}

// emptyVariable says why a variable has no value.
func (s *story) emptyVariable(name string) string {
	switch better, unknown := s.misspelt(name); {
	case better != "":
		return "${" + name + "}: no such variable; write ${" + better + "}"
	case unknown:
		return "${" + name + "}: no such variable"
	}
	return "${" + name + "} has no value: " + s.noValue(name)
}

// difference tells in what a resource differs from a pattern without variables.
func difference(pattern string, q *policy.Request) string {
	resource := q.Resource
	switch {
	case resource == "*":
		return "names one resource, and " + q.Action + " is about none: it needs " + quote("*")
	case strings.HasPrefix(pattern, resource+"/") && !strings.Contains(resource, "/"):
		return fmt.Sprintf("names what is in the bucket, and %s is about the bucket itself: %s", q.Action, resource)
	case strings.HasPrefix(resource, pattern+"/") && !strings.Contains(pattern, "/"):
		return fmt.Sprintf("names the bucket itself, and %s is about what is in it: %s/*", q.Action, pattern)
	case strings.EqualFold(pattern, resource):
		return "differs from " + resource + " in upper and lower case only"
	}
	head := pattern
	if i := strings.IndexAny(pattern, "*?"); i >= 0 {
		head = pattern[:i]
	}
	n := common(head, resource)
	switch {
	case n == len(head):
		return fmt.Sprintf("begins as it should, but does not match %s", quote(resource))
	case n < len("arn:aws:s3:::"):
		return "is about something else than " + resource
	}
	at := wordStart(resource, n)
	if at > len(head) {
		at = n
	}
	return fmt.Sprintf("has %s where the request has %s", quote(pattern[at:]), quote(resource[at:]))
}

// wordStart steps back to where the word begins that a place is in.
func wordStart(s string, n int) int {
	if i := strings.LastIndexAny(s[:n], "/:"); i >= 0 {
		return i + 1
	}
	return 0
}

// conditionElement tells about one condition.
func (s *story) conditionElement(c *policy.Check) Element {
	var wanted []string
	var notes []string
	for _, t := range c.Wanted {
		wanted = append(wanted, quote(t.Pattern))
		notes = append(notes, s.variableNotes(t)...)
	}
	el := Element{Name: "Condition", Fits: c.Holds, Text: c.Operator + " " + c.Key + ": " + strings.Join(wanted, " or ")}
	switch {
	case !c.Present:
		notes = append(notes, "the request has no "+c.Key+": "+s.noValue(c.Key))
	case len(c.Have) == 1:
		notes = append(notes, fmt.Sprintf("%s is %q", c.Key, c.Have[0]))
	default:
		notes = append(notes, fmt.Sprintf("%s is %s", c.Key, list(quoted(c.Have))))
	}
	el.Notes = notes
	return el
}

func quoted(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = quote(t)
	}
	return out
}
