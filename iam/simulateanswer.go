package iam

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/wire"
)

type simulationOutput struct {
	EvaluationResults []evaluation
	pageOutput
}

type evaluation struct {
	EvalActionName                    string
	EvalResourceName                  string
	EvalDecision                      string
	MatchedStatements                 []matchedStatement
	MissingContextValues              []string
	PermissionsBoundaryDecisionDetail *boundaryDetail
	EvalDecisionDetails               *decisionDetails
	ResourceSpecificResults           []resourceEvaluation `query:",omitempty"`
}

type resourceEvaluation struct {
	EvalResourceName                  string
	EvalResourceDecision              string
	MatchedStatements                 []matchedStatement
	MissingContextValues              []string
	PermissionsBoundaryDecisionDetail *boundaryDetail
	EvalDecisionDetails               *decisionDetails
}

type matchedStatement struct {
	SourcePolicyID   string `query:"SourcePolicyId"`
	SourcePolicyType string
	StartPosition    position
	EndPosition      position
}

type position struct{ Line, Column int }

type boundaryDetail struct{ AllowedByPermissionsBoundary bool }

// decisionDetails is a map on the wire: an element for each entry.
type decisionDetails struct {
	Identity *decisionDetail `query:"entry"`
	Resource *decisionDetail `query:"entry"`
	Boundary *decisionDetail `query:"entry"`
}

type decisionDetail struct {
	Type     string `query:"key"`
	Decision string `query:"value"`
}

// spelled is a decision in the words of PolicyEvaluationDecisionType.
func spelled(d policy.Decision) string {
	switch d {
	case policy.Allow:
		return "allowed"
	case policy.ExplicitDeny:
		return "explicitDeny"
	default:
		return "implicitDeny"
	}
}

// ListBuckets is about no resource, and yet policies name one for it: this is
// what it is asked about in a real request.
const (
	listBuckets = "s3:ListAllMyBuckets"
	everyBucket = "arn:aws:s3:::*"
)

// ask is one question and its answer. Whose the resource is matters together
// with a resource policy only: without one there is nothing to ask its account,
// and the caller's side alone is simulated.
func (m *simulation) ask(action, resource string) evaluation {
	q := &policy.Request{Principal: m.caller, Action: action, Resource: resource, Context: m.context}
	if resource == "*" && strings.EqualFold(action, listBuckets) {
		q.Resource = everyBucket
	}
	layers := m.layers
	foreign := false
	if m.resource != nil && resource != "*" {
		layers.Owner = cmp.Or(strings.SplitN(resource, ":", 6)[4], m.owner)
		foreign = layers.Owner != m.caller.Account
	}
	verdict := layers.Decide(q)
	e := evaluation{
		EvalActionName: action, EvalResourceName: resource, EvalDecision: spelled(verdict.Decision),
		MatchedStatements: m.matched(q, verdict), MissingContextValues: m.missing,
	}
	if layers.Boundary != nil {
		e.PermissionsBoundaryDecisionDetail = &boundaryDetail{layers.Boundary.Evaluate(q).Decision == policy.Allow}
	}
	if resource == "*" {
		return e
	}
	r := resourceEvaluation{
		EvalResourceName: resource, EvalResourceDecision: e.EvalDecision, MatchedStatements: e.MatchedStatements,
		MissingContextValues: m.missing, PermissionsBoundaryDecisionDetail: e.PermissionsBoundaryDecisionDetail,
	}
	e.EvalDecisionDetails = &decisionDetails{} // empty within one account
	if foreign {
		e.EvalDecisionDetails = details(&layers, q)
		r.EvalDecisionDetails = e.EvalDecisionDetails
	}
	e.ResourceSpecificResults = []resourceEvaluation{r}
	return e
}

// details say what each type of policy came to by itself.
func details(l *authz.Layers, q *policy.Request) *decisionDetails {
	of := func(kind string, set *policy.Set) *decisionDetail {
		if set == nil {
			return nil
		}
		return &decisionDetail{kind, spelled(set.Evaluate(q).Decision)}
	}
	return &decisionDetails{of(identityType, l.Identity), of(resourceType, l.Resource), of(boundaryType, l.Boundary)}
}

// matched are the statements that determined the decision: those that deny, or
// else those that allow; those of a boundary only when they deny, because a
// boundary grants nothing (API reference, "MatchedStatements").
func (m *simulation) matched(q *policy.Request, v authz.Verdict) []matchedStatement {
	found := []matchedStatement{}
	collect := func(set *policy.Set, effect policy.Effect) {
		for _, r := range set.Matching(q) {
			if r.Effect == effect {
				found = append(found, m.statement(r))
			}
		}
	}
	switch v.Decision {
	case policy.ExplicitDeny:
		for _, set := range []*policy.Set{m.layers.Identity, m.layers.Boundary, m.layers.Resource} {
			collect(set, policy.EffectDeny)
		}
		if len(found) == 0 { // a NotPrincipal that denies whoever has a boundary
			found = append(found, m.statement(v.Reason))
		}
	case policy.Allow:
		collect(m.layers.Identity, policy.EffectAllow)
		collect(m.layers.Resource, policy.EffectAllow)
	}
	return found
}

func (m *simulation) statement(r policy.Reason) matchedStatement {
	n, err := strconv.Atoi(r.Policy)
	if err != nil || n >= len(m.sources) {
		return matchedStatement{SourcePolicyID: r.Policy}
	}
	src := m.sources[n]
	start, end := src.policy.Span(r.Statement)
	return matchedStatement{src.id, src.kind, shownStart(src.text, start), position(end)}
}

// shownStart turns the place of a statement into the one that AWS answers with:
// where its parser stood before, which is after "[" or after the statement
// before; a statement that is not in a list has been entered already, and begins
// after its "{". For what follows its end there is nothing to turn.
func shownStart(text string, at policy.Position) position {
	chars := []rune(text)
	i := 0
	for line := 1; line < at.Line && i < len(chars); i++ {
		if chars[i] == '\n' {
			line++
		}
	}
	before := trimSpace(chars[:min(i+at.Column-1, len(chars))])
	n := len(before)
	if n > 0 && before[n-1] == ',' {
		before = trimSpace(before[:n-1])
	} else if n == 0 || before[n-1] != '[' {
		return position{at.Line, at.Column + 1}
	}
	p := position{1, 1}
	for _, c := range before {
		p.Column++
		if c == '\n' {
			p = position{p.Line + 1, 1}
		}
	}
	return p
}

func trimSpace(chars []rune) []rune {
	for len(chars) > 0 && strings.ContainsRune(" \t\r\n", chars[len(chars)-1]) {
		chars = chars[:len(chars)-1]
	}
	return chars
}

// policyEvaluation is the error for a stored policy that cannot be evaluated.
func policyEvaluation(name string, err error) error {
	return &wire.Error{Status: http.StatusInternalServerError, Code: "PolicyEvaluation", Message: "The policy " + name + " could not be evaluated.", Err: err}
}
