package iot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

func (s *service) testRows() []gate.Operation {
	return []gate.Operation{
		askingRow("TestAuthorization", "POST /test-authorization", func(in *testInput) []gate.Access {
			return s.askTagged("TestAuthorization", text(in.Principal))
		}, s.testAuthorization),
	}
}

// Question is what TestAuthorization asks one policy.
type Question struct {
	Principal string // ARN of a certificate
	Action    string // iot:Name
	Resource  string
	Keys      map[string]string // condition keys with their values
}

// Judgement is what one policy by itself says to a Question. The zero value
// neither allows nor denies.
type Judgement struct {
	Allows  bool
	Denies  bool
	Missing []string // keys that statements about the action use and the question does not have
}

// testedActions are the actions by the names that TestAuthorization has for
// them. AWS has the first four, which are about its message broker; the last is
// ours, and is the one that decides here.
var testedActions = map[string]string{
	"CONNECT":   "iot:Connect",
	"PUBLISH":   "iot:Publish",
	"SUBSCRIBE": "iot:Subscribe",
	"RECEIVE":   "iot:Receive",
	exchanging:  "iot:AssumeRoleWithCertificate",
}

const exchanging = "ASSUME_ROLE_WITH_CERTIFICATE"

// Limits of a test: authInfos is the model's; what the model leaves open is
// bounded, as each resource is asked of each policy.
const (
	maxInfos     = 10
	maxResources = 100 // of a whole request
	maxNames     = 20  // of policies to add, or to skip

	// maxTesting is how long all questions of a request may take: a policy can be
	// written so that each costs a millisecond.
	maxTesting = 2 * time.Second
)

type authInfo struct {
	Action    *string  `json:"actionType"`
	Resources []string `json:"resources"`
}

type testInput struct {
	Principal *string    `json:"principal"`
	Pool      *string    `json:"cognitoIdentityPoolId"`
	Infos     []authInfo `json:"authInfos"`
	ClientID  *string    `query:"clientId"`
	Add       []string   `json:"policyNamesToAdd"`
	Skip      []string   `json:"policyNamesToSkip"`
}

type policyList struct {
	Policies []policyItem `json:"policies"`
}

func (l *policyList) add(p policyItem) { l.Policies = append(l.Policies, p) }

type deniedBy struct {
	Implicit policyList `json:"implicitDeny"`
	Explicit policyList `json:"explicitDeny"`
}

type authResult struct {
	Info     authInfo   `json:"authInfo"`
	Allowed  policyList `json:"allowed"`
	Denied   deniedBy   `json:"denied"`
	Decision string     `json:"authDecision"`
	Missing  []string   `json:"missingContextValues"`
}

type testOutput struct {
	Results []authResult `json:"authResults"`
}

func (in *testInput) check(c *check) {
	c.noPools(in.Pool)
	c.optional("clientId", in.ClientID, clientRule)
	if len(in.Infos) < 1 || len(in.Infos) > maxInfos {
		c.fail("(not repeated)", "authInfos", fmt.Sprintf("Member must have between 1 and %d items", maxInfos))
		return
	}
	resources := 0
	for i, info := range in.Infos {
		member := fmt.Sprintf("authInfos.%d.member", i+1)
		c.required(member+".actionType", info.Action, actionRule)
		if len(info.Resources) == 0 {
			c.fail("null", member+".resources", "Member must have at least one item")
		}
		if resources += len(info.Resources); resources > maxResources {
			c.fail("(not repeated)", "authInfos", fmt.Sprintf("Member must not have more than %d resources in all", maxResources))
			return
		}
		for k, resource := range info.Resources {
			c.text(fmt.Sprintf("%s.resources.%d.member", member, k+1), resource, resourceRule)
		}
	}
	checkPolicyNames(c, "policyNamesToAdd", in.Add)
	checkPolicyNames(c, "policyNamesToSkip", in.Skip)
}

func checkPolicyNames(c *check, member string, names []string) {
	if len(names) > maxNames {
		c.fail("(not repeated)", member, fmt.Sprintf("Member must have length less than or equal to %d", maxNames))
		return
	}
	for i, name := range names {
		c.text(fmt.Sprintf("%s.%d.member", member, i+1), name, policyNameRule)
	}
}

// testAuthorization says what the policies of a certificate allow. The client
// id names the thing that it speaks for, as it does at AWS's broker.
func (s *service) testAuthorization(ctx context.Context, _ *gate.Call, in *testInput) (*testOutput, error) {
	var c check
	id := s.certificate(&c, "principal", in.Principal)
	in.check(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	set, err := s.candidates(ctx, id, text(in.ClientID))
	if err != nil {
		return nil, err
	}
	for _, name := range in.Skip {
		delete(set.full, name)
		delete(set.denying, name)
	}
	for _, name := range in.Add {
		p, err := s.Store.Policy(ctx, name)
		if err != nil {
			return nil, err
		}
		set.full[p.Name] = p.Document
	}
	keys := s.deviceKeys(set)
	ctx, cancel := context.WithTimeout(ctx, maxTesting)
	defer cancel()
	var out testOutput
	for _, info := range in.Infos {
		q := Question{Principal: *in.Principal, Action: testedActions[*info.Action], Keys: maps.Clone(keys)}
		if *info.Action != exchanging && in.ClientID != nil {
			q.Keys["iot:ClientId"] = *in.ClientID
		}
		result, err := s.test(ctx, set, info, q)
		if err != nil {
			return nil, err
		}
		out.Results = append(out.Results, *result)
	}
	return &out, nil
}

// deviceKeys are the condition keys that are known of a device without a
// connection: the address it would come from is not.
func (s *service) deviceKeys(set candidates) map[string]string {
	now := s.Now()
	keys := map[string]string{
		"aws:CurrentTime":     now.UTC().Format(time.RFC3339),
		"aws:EpochTime":       strconv.FormatInt(now.Unix(), 10),
		"aws:SecureTransport": "true",
	}
	if set.thing == nil {
		return keys
	}
	keys["iot:Connection.Thing.ThingName"] = set.thing.Thing
	keys["iot:Connection.Thing.IsAttached"] = "true"
	if set.thing.ThingType != "" {
		keys["iot:Connection.Thing.ThingTypeName"] = set.thing.ThingType
	}
	for name, value := range set.thing.Attributes {
		keys["iot:Connection.Thing.Attributes["+name+"]"] = value
	}
	return keys
}

// test asks every policy about every resource of one authInfo. All resources
// must be allowed; one that is denied denies all.
func (s *service) test(ctx context.Context, set candidates, info authInfo, q Question) (*authResult, error) {
	t := tally{ctx: ctx, resources: info.Resources, allowed: make([]bool, len(info.Resources)), missing: map[string]bool{}}
	empty := policyList{[]policyItem{}} // lists are never null
	r := &authResult{Info: info, Allowed: empty, Denied: deniedBy{empty, empty}}
	for _, name := range slices.Sorted(maps.Keys(set.full)) {
		denies, allows, err := s.hear(&t, set.full[name], q)
		if err != nil {
			return nil, inPolicy(name, err)
		}
		list := &r.Denied.Implicit
		switch {
		case denies:
			list = &r.Denied.Explicit
		case allows:
			list = &r.Allowed
		}
		list.add(s.policyItem(name))
	}
	allowed := !slices.Contains(t.allowed, false)
	for _, name := range slices.Sorted(maps.Keys(set.denying)) {
		denies, _, err := s.hear(&t, set.denying[name], q)
		if err != nil {
			return nil, inPolicy(name, err)
		}
		if denies {
			r.Denied.Explicit.add(s.policyItem(name))
		}
	}
	switch {
	case len(r.Denied.Explicit.Policies) > 0:
		r.Decision = "EXPLICIT_DENY"
	case allowed:
		r.Decision = "ALLOWED"
	default:
		r.Decision = "IMPLICIT_DENY"
	}
	r.Missing = each(slices.Sorted(maps.Keys(t.missing)), same)
	return r, nil
}

// inPolicy adds the policy to an error that is not the caller's doing.
func inPolicy(name string, err error) error {
	if thingpass.KindOf(err) != thingpass.Internal {
		return err
	}
	return fmt.Errorf("IoT policy %s: %w", name, err)
}

// tally gathers what policies say about resources.
type tally struct {
	ctx       context.Context // how long it may take
	resources []string
	allowed   []bool // by resource
	missing   map[string]bool
}

// hear tells whether a policy denies one of the resources, or allows all, and
// adds to the tally.
func (s *service) hear(t *tally, document string, q Question) (denies, allows bool, err error) {
	judge, err := s.Judge(document)
	if err != nil {
		return false, false, err
	}
	allows = true
	for i, resource := range t.resources {
		if t.ctx.Err() != nil {
			return false, false, thingpass.Errorf(thingpass.LimitExceeded, "The test takes too long: ask about fewer resources at a time")
		}
		q.Resource = resource
		j := judge(q)
		t.allowed[i] = t.allowed[i] || j.Allows
		denies, allows = denies || j.Denies, allows && j.Allows
		for _, key := range j.Missing {
			t.missing[key] = true
		}
	}
	return denies, allows, nil
}
