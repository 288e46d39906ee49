package why

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/credentials"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/trail"
)

// Question is a request that nobody sends: would a device obtain credentials,
// and could it do something with them?
type Question struct {
	Certificate string              `json:"certificate"`
	Alias       string              `json:"alias"`
	Thing       *string             `json:"thing,omitempty"` // value of x-amzn-iot-thingname; nil for no header
	Action      string              `json:"action,omitempty"`
	Resource    string              `json:"resource,omitempty"`
	Context     map[string][]string `json:"context,omitempty"` // condition keys of the request; several values make a multivalued key
}

func (q *Question) presented() credentials.Presented {
	return credentials.Presented{CertificateID: q.Certificate, Thing: q.Thing}
}

func (q *Question) check() error {
	switch {
	case q.Certificate == "" || q.Alias == "":
		return thingpass.Errorf(thingpass.Invalid, "a question needs a certificate and a role alias")
	case (q.Action == "") != (q.Resource == ""):
		return thingpass.Errorf(thingpass.Invalid, "a question about an action needs a resource too (\"*\" for none), and the other way round")
	case q.Action != "" && !strings.Contains(q.Action, ":"):
		return thingpass.Errorf(thingpass.Invalid, "%q is no action: one looks like s3:PutObject", q.Action)
	}
	if better, _ := betterAction(q.Action); better != "" {
		return thingpass.Errorf(thingpass.Invalid, "%s is no action: ask for %s", q.Action, better)
	}
	return nil
}

// Ask answers a question by the policies as they are now. Nothing is issued,
// kept or logged.
func (x *Explainer) Ask(ctx context.Context, q Question) (*Explanation, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	var err error
	if q.Certificate, err = x.certificate(ctx, q.Certificate); err != nil {
		return nil, err
	}
	rec, principal, err := x.cfg.Door.Ask(ctx, q.presented(), q.Alias)
	if err != nil {
		return nil, err
	}
	rec.ID, rec.Remote, rec.Status, rec.Code = "", "", 0, ""
	if q.Action == "" || rec.Denied() {
		return x.hypothetical(ctx, rec), nil
	}
	now := x.cfg.Now()
	keys := authz.NewContext()
	keys.Set("aws:CurrentTime", now.UTC().Format(time.RFC3339))
	keys.Set("aws:EpochTime", strconv.FormatInt(now.Unix(), 10))
	keys.Set("aws:SecureTransport", "true")
	for name, values := range q.Context {
		if len(values) == 1 {
			keys.Set(name, values[0])
		} else {
			keys.SetList(name, values)
		}
	}
	verdict, err := x.cfg.Authz.Decide(ctx, authz.Request{Principal: principal, Action: q.Action, Resource: q.Resource, Context: keys})
	if err != nil {
		return nil, err
	}
	asked := &trail.Record{At: now, Door: trail.SignedDoor, Principal: principal, Device: rec.Device, Alias: rec.Alias, Role: rec.Role}
	asked.Add(trail.Step{Name: trail.StepPermission, OK: verdict.Allowed(), Asked: verdict.Asked})
	return x.hypothetical(ctx, asked), nil
}

// shortestID is how many digits of a certificate id are enough to look it up.
const shortestID = 8

// certificate reads the id of a certificate: whole, as an ARN, or its beginning.
func (x *Explainer) certificate(ctx context.Context, text string) (string, error) {
	id := strings.ToLower(strings.TrimSuffix(text, "…"))
	if kind, name, ok := x.cfg.Place.ParseIoTARN(text); ok && kind == "cert" {
		id = strings.ToLower(name)
	}
	const whole = 64
	if len(id) < shortestID || len(id) > whole || strings.Trim(id, hexDigits) != "" {
		return "", thingpass.Errorf(thingpass.Invalid, "%q is no certificate: give its id (64 hex digits, or the first eight at least) or its ARN", text)
	}
	if len(id) == whole {
		return id, nil
	}
	found, err := x.cfg.Store.Certificates(ctx, thingpass.Page{After: id, Limit: 2})
	switch {
	case err != nil:
		return "", err
	case len(found) == 0 || !strings.HasPrefix(found[0].ID, id):
		return "", thingpass.Errorf(thingpass.NotFound, "no certificate here begins with %s", id)
	case len(found) == 2 && strings.HasPrefix(found[1].ID, id):
		return "", thingpass.Errorf(thingpass.Invalid, "several certificates begin with %s: give more of the id", id)
	}
	return found[0].ID, nil
}

func (x *Explainer) hypothetical(ctx context.Context, rec *trail.Record) *Explanation {
	e := &Explanation{
		Hypothetical: true, Time: rec.At.UTC(), Door: rec.Door, Principal: rec.Principal.ARN, FailedStep: rec.Failure, Outcome: outcome(rec),
		Steps: []Step{}, Statements: []Statement{}, Changes: []Change{},
	}
	s := &story{Explainer: x, ctx: ctx, rec: rec, e: e}
	if rec.Door == trail.DeviceDoor {
		s.exchange()
	} else {
		s.request()
	}
	return e
}

// Decode is the message behind the id of a kept denial, as
// sts:DecodeAuthorizationMessage answers it (AWS STS API reference). It tells
// what was asked and by whom, and the statement that denied if one did.
func (x *Explainer) Decode(id string) (string, bool) {
	rec, ok := x.cfg.Trail.Find(id)
	if !ok || !rec.Denied() {
		return "", false
	}
	for i := range rec.Steps {
		if a := rec.Steps[i].Asked; a != nil && !rec.Steps[i].OK {
			raw, err := json.Marshal(newMessage(&rec.Principal, a))
			return string(raw), err == nil
		}
	}
	return "", false
}

type message struct {
	Allowed           bool           `json:"allowed"`
	ExplicitDeny      bool           `json:"explicitDeny"`
	MatchedStatements items          `json:"matchedStatements"`
	Failures          items          `json:"failures"`
	Context           messageContext `json:"context"`
}

type items struct {
	Items []any `json:"items"`
}

type messageContext struct {
	Principal  messagePrincipal `json:"principal"`
	Action     string           `json:"action"`
	Resource   string           `json:"resource"`
	Conditions items            `json:"conditions"`
}

type messagePrincipal struct {
	ID  string `json:"id"`
	ARN string `json:"arn"`
}

type messageStatement struct {
	ID     string `json:"statementId"`
	Effect string `json:"effect"`
	Policy string `json:"sourcePolicyId"`
}

type messageCondition struct {
	Key    string `json:"key"`
	Values items  `json:"values"`
}

func newMessage(p *thingpass.Principal, a *authz.Asked) message {
	m := message{
		ExplicitDeny:      a.Verdict.Decision == policy.ExplicitDeny,
		MatchedStatements: items{Items: []any{}}, Failures: items{Items: []any{}},
		Context: messageContext{
			Principal: messagePrincipal{ID: p.UniqueID, ARN: p.ARN}, Action: a.Request.Action, Resource: a.Request.Resource,
			Conditions: items{Items: []any{}},
		},
	}
	if r := a.Verdict.Reason; m.ExplicitDeny {
		m.MatchedStatements.Items = append(m.MatchedStatements.Items, messageStatement{ID: r.Sid, Effect: "DENY", Policy: r.Policy})
	}
	for _, name := range messageKeys {
		values, _, ok := a.Request.Context.Lookup(name)
		if !ok {
			continue
		}
		c := messageCondition{Key: name}
		for _, v := range values {
			c.Values.Items = append(c.Values.Items, map[string]string{"value": v})
		}
		m.Context.Conditions.Items = append(m.Context.Conditions.Items, c)
	}
	return m
}

// messageKeys are the condition keys that a decoded message tells about: those
// of every request.
var messageKeys = [...]string{
	"aws:CurrentTime", "aws:EpochTime", "aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalType", "aws:SecureTransport",
	"aws:SourceIp", "aws:UserAgent", "aws:userid", "aws:username", "aws:TokenIssueTime",
	"credentials-iot:ThingName", "credentials-iot:ThingTypeName", "credentials-iot:AwsCertificateId",
}

// ParseContext reads KEY=VALUE arguments; a key given again becomes a list.
func ParseContext(arguments []string) (map[string][]string, error) {
	keys := map[string][]string{}
	for _, a := range arguments {
		name, value, ok := strings.Cut(a, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not KEY=VALUE", a)
		}
		keys[name] = append(slices.Clone(keys[name]), value)
	}
	return keys, nil
}
