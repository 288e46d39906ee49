package why

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/trail"
)

// Candidate is a policy that is not saved yet, and where it would go: exactly
// one of a role (with the name of the inline policy), an IoT policy and a
// managed policy.
type Candidate struct {
	Role      string `json:"role,omitempty"`
	Name      string `json:"name,omitempty"`
	IoTPolicy string `json:"iotPolicy,omitempty"`
	Managed   string `json:"managed,omitempty"` // ARN
	Document  string `json:"document"`
}

// Report is what a candidate would change for those who asked lately. Its JSON
// shape is stable as that of Explanation.
type Report struct {
	Policy   string    `json:"policy"`
	Since    time.Time `json:"since"`    // time of the oldest decision that was replayed
	Replayed int       `json:"replayed"` // decisions that the policy has a say in
	Callers  int       `json:"callers"`  // devices (one for each thing that a certificate named), sessions and users that asked for them
	Same     int       `json:"same"`     // decisions that stay as they are
	Failed   int       `json:"failed"`   // decisions that the candidate would deny, of exchanges that gave no credentials anyway
	Loses    []Effect  `json:"loses"`    // allowed now, and denied by the candidate
	Gains    []Effect  `json:"gains"`    // denied now, and allowed by the candidate
	Warnings []string  `json:"warnings"`
}

// Effect is a decision that the candidate would turn round.
type Effect struct {
	Who         string    `json:"who"` // ARN of the caller, or certificate id
	Thing       string    `json:"thing,omitempty"`
	Certificate string    `json:"certificate,omitempty"`
	Action      string    `json:"action"`
	Resource    string    `json:"resource"`
	Count       int       `json:"count"` // how often it was asked
	Last        time.Time `json:"last"`
	RequestID   string    `json:"requestId"` // of the last time, for thingpass why
	Reason      string    `json:"reason"`    // what would decide
}

// Try replays the kept decisions against the policies as they are now, and
// against the same with the candidate in place.
func (x *Explainer) Try(ctx context.Context, c Candidate) (*Report, error) {
	kind, err := c.kind()
	if err != nil {
		return nil, err
	}
	parsed, err := policy.Parse(kind, c.Document)
	if err != nil {
		return nil, thingpass.Errorf(thingpass.MalformedPolicy, "the policy would not be saved: %s", err.Error())
	}
	r := &Report{Policy: c.title(), Loses: []Effect{}, Gains: []Effect{}, Warnings: []string{}}
	for _, w := range parsed.Warnings() {
		r.Warnings = append(r.Warnings, w.String())
	}
	if err := x.exists(ctx, &c); err != nil {
		return nil, err
	}
	t := &trial{Explainer: x, ctx: ctx, c: &c, report: r, callers: map[caller]bool{}, found: map[effectKey]*Effect{}}
	x.cfg.Trail.Each(func(rec *trail.Record) bool {
		err = t.replay(rec)
		return err == nil && ctx.Err() == nil
	})
	if err := cmp.Or(err, ctx.Err()); err != nil {
		return nil, err
	}
	t.finish()
	return r, nil
}

func (c *Candidate) kind() (policy.Kind, error) {
	switch {
	case c.Role != "" && c.Name != "" && c.IoTPolicy == "" && c.Managed == "":
		return policy.Identity, nil
	case c.IoTPolicy != "" && c.Role == "" && c.Name == "" && c.Managed == "":
		return policy.IoT, nil
	case c.Managed != "" && c.Role == "" && c.Name == "" && c.IoTPolicy == "":
		return policy.Identity, nil
	}
	return 0, thingpass.Errorf(thingpass.Invalid, "say where the policy goes: a role and the name of its policy, or an IoT policy, or the ARN of a managed policy")
}

func (c *Candidate) title() string {
	switch {
	case c.Role != "":
		return fmt.Sprintf("policy %s of role %s", c.Name, c.Role)
	case c.IoTPolicy != "":
		return "IoT policy " + c.IoTPolicy
	}
	return "managed policy " + c.Managed
}

// exists refuses a name that is nobody's: it would look as if nobody lost
// anything.
func (x *Explainer) exists(ctx context.Context, c *Candidate) (err error) {
	switch {
	case c.Role != "":
		_, err = x.cfg.Store.Role(ctx, c.Role)
	case c.IoTPolicy != "":
		_, err = x.cfg.Store.Policy(ctx, c.IoTPolicy)
	default:
		_, err = x.cfg.Store.ManagedPolicy(ctx, c.Managed)
	}
	return err
}

// trial is a replay at work.
type trial struct {
	*Explainer
	ctx     context.Context
	c       *Candidate
	report  *Report
	callers map[caller]bool
	found   map[effectKey]*Effect
	cached  map[string]*pair
}

// pair is the layers as they are, and with the candidate.
type pair struct{ now, then authz.Layers }

// caller is who asked, and for which thing.
type caller struct{ who, thing string }

func (e *Effect) caller() caller { return caller{e.Who, e.Thing} }

type effectKey struct {
	caller
	action, resource string
	gains            bool
}

func (t *trial) replay(rec *trail.Record) error {
	for i := range rec.Steps {
		a := rec.Steps[i].Asked
		if a == nil || !t.concerns(rec, a) {
			continue
		}
		p, err := t.layers(rec, a)
		if err != nil || p == nil {
			return err
		}
		before, after := p.now.Decide(a.Request), p.then.Decide(a.Request)
		t.note(rec, a, before, after)
	}
	return nil
}

// concerns tells whether the candidate could have a say.
func (t *trial) concerns(rec *trail.Record, a *authz.Asked) bool {
	switch {
	case t.c.IoTPolicy != "":
		return a.Kind == authz.KindIoT && rec.Device != nil
	case a.Kind == authz.KindIoT || rec.Door == trail.DeviceDoor:
		return false
	case t.c.Role != "":
		return rec.Principal.RoleName == t.c.Role
	}
	return true
}

// layers reads what applies to a caller now, and what would. It is nil for one
// that is gone, and for one that does not have the policy.
func (t *trial) layers(rec *trail.Record, a *authz.Asked) (*pair, error) {
	key := rec.Principal.UniqueID + "|" + rec.Principal.SessionPolicy + "|" + strings.Join(rec.Principal.PolicyARNs, " ")
	if rec.Principal.Kind == thingpass.SessionPrincipal {
		key = rec.Principal.RoleID + key[len(rec.Principal.UniqueID):]
	}
	if t.c.IoTPolicy != "" {
		key = rec.Device.CertificateID + "|" + rec.Device.Thing
	}
	p, known := t.cached[key]
	if !known {
		var err error
		if t.c.IoTPolicy != "" {
			p, err = t.device(rec)
		} else {
			p, err = t.principal(rec)
		}
		if err != nil {
			return nil, err
		}
		if t.cached == nil {
			t.cached = map[string]*pair{}
		}
		t.cached[key] = p
	}
	if p == nil || a.Kind == authz.KindIoT {
		return p, nil
	}
	own := *p // what belongs to the question, and not to the caller
	for _, l := range []*authz.Layers{&own.now, &own.then} {
		l.Resource, l.Trust, l.Owner = a.Layers.Resource, a.Layers.Trust, a.Layers.Owner
		l.TrustsARN, l.TrustsRole = a.Layers.TrustsARN, a.Layers.TrustsRole
	}
	return &own, nil
}

func (t *trial) principal(rec *trail.Record) (*pair, error) {
	if rec.Principal.Kind != thingpass.UserPrincipal && rec.Principal.Kind != thingpass.SessionPrincipal {
		return nil, nil
	}
	touched := t.c.Role != ""
	change := func(g thingpass.Grants) thingpass.Grants {
		if t.c.Role != "" {
			return authz.WithInline(g, t.c.Name, t.c.Document)
		}
		touched = g.Boundary != nil && g.Boundary.ARN == t.c.Managed ||
			slices.ContainsFunc(g.Managed, func(m thingpass.ManagedDocument) bool { return m.ARN == t.c.Managed })
		return authz.WithManaged(g, t.c.Managed, t.c.Document)
	}
	now, err := t.cfg.Authz.Layers(t.ctx, rec.Principal)
	if err != nil {
		return nil, nil //nolint:nilerr // the role or user is gone: nobody loses by the candidate
	}
	then, err := t.cfg.Authz.LayersWith(t.ctx, rec.Principal, change)
	if err != nil || !touched {
		return nil, err
	}
	return &pair{now, then}, nil
}

func (t *trial) device(rec *trail.Record) (*pair, error) {
	device, err := t.cfg.Recent.Device(t.ctx, rec.Device.CertificateID)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	changed, touched := withIoTPolicy(*device, t.c.IoTPolicy, t.c.Document)
	if !touched {
		return nil, nil
	}
	now, err := t.cfg.Authz.DeviceLayers(device, rec.Device.Thing)
	if err != nil {
		return nil, err
	}
	then, err := t.cfg.Authz.DeviceLayers(&changed, rec.Device.Thing)
	return &pair{now, then}, err
}

// withIoTPolicy returns a device with another text of an IoT policy, wherever it
// has it, and whether it has it.
func withIoTPolicy(d thingpass.Device, name, document string) (thingpass.Device, bool) {
	touched := false
	d.Policies = slices.Clone(d.Policies)
	for i := range d.PolicyNames {
		if d.PolicyNames[i] == name {
			d.Policies[i], touched = document, true
		}
	}
	d.Things = slices.Clone(d.Things)
	for i := range d.Things {
		groups := slices.Clone(d.Things[i].GroupPolicies)
		for j := range groups {
			if groups[j].Name == name {
				groups[j].Document, touched = document, true
			}
		}
		d.Things[i].GroupPolicies = groups
	}
	return d, touched
}

// note counts a decision.
func (t *trial) note(rec *trail.Record, a *authz.Asked, before, after authz.Verdict) {
	r := t.report
	r.Replayed++
	if r.Since.IsZero() || rec.At.Before(r.Since) {
		r.Since = rec.At.UTC()
	}
	e := Effect{
		Who: rec.Principal.ARN, Thing: rec.Principal.Thing, Certificate: rec.Principal.CertificateID, Action: a.Request.Action, Resource: a.Request.Resource,
		Last: rec.At.UTC(), RequestID: rec.ID, Reason: verdictText(after),
	}
	if rec.Device != nil {
		e.Who, e.Thing, e.Certificate = rec.Device.CertificateID, rec.Device.Thing, rec.Device.CertificateID
	}
	t.callers[e.caller()] = true
	switch {
	case before.Allowed() == after.Allowed():
		r.Same++
		return
	case before.Allowed() && futile(rec):
		r.Failed++
		return
	}
	key := effectKey{e.caller(), e.Action, e.Resource, after.Allowed()}
	old := t.found[key]
	if old == nil {
		old = &e
		t.found[key] = old
	}
	old.Count++
	if old.Last.Before(e.Last) {
		old.Last, old.RequestID = e.Last, e.RequestID
	}
}

// futile tells whether a record is of an exchange that the IoT policies allowed
// and that gave no credentials all the same: the alias or its role was not there,
// or did not fit. Whoever asked has nothing to lose.
func futile(rec *trail.Record) bool {
	switch rec.Failure {
	case trail.StepRoleAlias, trail.StepTrust, trail.StepDuration:
		return rec.Door == trail.DeviceDoor
	}
	return false
}

func (t *trial) finish() {
	r := t.report
	r.Callers = len(t.callers)
	for key, e := range t.found {
		if key.gains {
			r.Gains = append(r.Gains, *e)
		} else {
			r.Loses = append(r.Loses, *e)
		}
	}
	for _, l := range [][]Effect{r.Loses, r.Gains} {
		slices.SortFunc(l, func(a, b Effect) int {
			return cmp.Or(cmp.Compare(a.Thing, b.Thing), cmp.Compare(a.Who, b.Who), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource))
		})
	}
}

// told is how many effects are written as text, of each kind.
const told = 40

// WriteText writes a report for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	if r.Replayed == 0 {
		fmt.Fprintf(&b, "No kept decision is about %s: nobody who has it asked for anything lately, so nothing can be said about it.\n", clean(r.Policy))
	} else {
		fmt.Fprintf(&b, "Replayed %s of %s since %s against %s.\n", plural(r.Replayed, "decision", "decisions"), plural(r.Callers, "caller", "callers"), moment(r.Since), clean(r.Policy))
	}
	writeEffects(&b, "would lose", r.Loses)
	writeEffects(&b, "would gain", r.Gains)
	if r.Replayed > 0 && len(r.Loses)+len(r.Gains) == 0 {
		b.WriteString("Nobody would lose or gain anything.\n")
	}
	if r.Failed > 0 {
		fmt.Fprintf(&b, "\nNot counted as lost: %s that gave no credentials anyway, for want of the role alias, its role or the role's trust.\n", plural(r.Failed, "exchange", "exchanges"))
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", clean(warning))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeEffects(b *strings.Builder, what string, effects []Effect) {
	callers := map[caller]bool{}
	for i := range effects {
		callers[effects[i].caller()] = true
	}
	if len(effects) > 0 {
		fmt.Fprintf(b, "\n%s %s:\n", plural(len(callers), "caller", "callers"), what)
	}
	var last caller
	for i := range effects {
		e := &effects[i]
		if i == told {
			fmt.Fprintf(b, "  and %d more (--output json has all)\n", len(effects)-told)
			return
		}
		if e.caller() != last {
			name := e.Who
			switch {
			case e.Thing != "":
				name = e.Thing + "  (" + e.Who + ")"
			case e.Certificate != "":
				name = "without a thing  (" + e.Who + ")"
			}
			fmt.Fprintf(b, "  %s\n", clean(name))
			last = e.caller()
		}
		fmt.Fprintf(b, "    %s on %s\n      %s, last at %s (thingpass why %s); then: %s\n", e.Action, clean(e.Resource), plural(e.Count, "time", "times"), moment(e.Last), e.RequestID, clean(e.Reason))
	}
}
