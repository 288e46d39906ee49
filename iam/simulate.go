package iam

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/policy"
)

const (
	simulatePrincipal = "iam:SimulatePrincipalPolicy"
	keysPrincipal     = "iam:GetContextKeysForPrincipalPolicy"
)

// simulateRows are the operations of the policy simulator: what would be
// decided, without doing anything. They tell about the policies of others, so
// those that read stored policies are asked about the user or role they read.
func (s *service) simulateRows(roles, users *holder) []gate.Operation {
	return []gate.Operation{
		onAll("SimulateCustomPolicy", s.simulateCustomPolicy),
		gate.New(gate.Spec{Name: "SimulatePrincipalPolicy", Actions: []string{simulatePrincipal}},
			func(in *principalSimulationInput) []gate.Access {
				return askSource(simulatePrincipal, roles, users, in.PolicySourceArn)
			}, s.simulatePrincipalPolicy),
		onAll("GetContextKeysForCustomPolicy", s.contextKeysForCustomPolicy),
		gate.New(gate.Spec{Name: "GetContextKeysForPrincipalPolicy", Actions: []string{keysPrincipal}},
			func(in *principalContextKeysInput) []gate.Access {
				return askSource(keysPrincipal, roles, users, in.PolicySourceArn)
			}, s.contextKeysForPrincipalPolicy),
	}
}

// Rules of the members, from the botocore model iam/2010-05-08.
var (
	arnRule         = rule{20, 2048, anything, ""}
	actionRule      = rule{3, 128, anything, ""}
	resourceRule    = rule{1, 2048, anything, ""}
	contextKeyRule  = rule{5, 256, anything, ""}
	contextTypeRule = rule{0, 64, func(t string) bool { _, ok := contextTypes[t]; return ok },
		"[string, stringList, numeric, numericList, boolean, booleanList, ip, ipList, binary, binaryList, date, dateList]"}
)

func anything(string) bool { return true }

// contextTypes are the types of condition keys, and whether each is a list.
// What the values are is for the operators of the policies to say: AWS's
// simulator, too, compares the text that it is given.
var contextTypes = map[string]bool{
	"string": false, "numeric": false, "boolean": false, "ip": false, "binary": false, "date": false,
	"stringList": true, "numericList": true, "booleanList": true, "ipList": true, "binaryList": true, "dateList": true,
}

type contextEntry struct {
	ContextKeyName   *string
	ContextKeyValues []string
	ContextKeyType   *string
}

type simulationInput struct {
	PolicyInputList                    []string
	PermissionsBoundaryPolicyInputList []string
	ActionNames                        []string
	ResourceArns                       []string
	ResourcePolicy                     *string
	ResourceOwner                      *string
	CallerArn                          *string
	ContextEntries                     []contextEntry
	ResourceHandlingOption             *string
	pageInput
}

type principalSimulationInput struct {
	PolicySourceArn *string
	simulationInput
}

// check holds the members to the model, and says where the page begins.
func (in *simulationInput) check(c *check) (after, limit int) {
	documents(c, "policyInputList", in.PolicyInputList)
	documents(c, "permissionsBoundaryPolicyInputList", in.PermissionsBoundaryPolicyInputList)
	c.optional("resourcePolicy", in.ResourcePolicy, documentRule)
	c.optional("resourceOwner", in.ResourceOwner, resourceRule)
	c.optional("callerArn", in.CallerArn, resourceRule)
	if in.ActionNames == nil {
		c.fail("null", "actionNames", "Member must not be null")
	}
	for i := range in.ActionNames {
		c.optional("actionNames."+strconv.Itoa(i+1)+".member", &in.ActionNames[i], actionRule)
	}
	for i := range in.ResourceArns {
		c.optional("resourceArns."+strconv.Itoa(i+1)+".member", &in.ResourceArns[i], resourceRule)
	}
	for i, e := range in.ContextEntries {
		at := "contextEntries." + strconv.Itoa(i+1) + ".member."
		c.required(at+"contextKeyName", e.ContextKeyName, contextKeyRule)
		if e.ContextKeyType != nil {
			c.optional(at+"contextKeyType", e.ContextKeyType, contextTypeRule)
		}
	}
	page := in.page(c)
	if page.After != "" {
		var err error
		if after, err = strconv.Atoi(page.After); err != nil || after < 0 {
			c.fail("'"+value(in.Marker)+"'", "marker", "Member must be the Marker that an earlier page ended with")
		}
	}
	return after, page.Limit - 1
}

func documents(c *check, member string, texts []string) {
	for i := range texts {
		c.optional(member+"."+strconv.Itoa(i+1)+".member", &texts[i], documentRule)
	}
}

// together checks what the members are together.
func (in *simulationInput) together() error {
	if in.ResourceHandlingOption != nil {
		return invalidInput("ResourceHandlingOption is about Amazon EC2, which is not here.")
	}
	if len(in.PermissionsBoundaryPolicyInputList) > 1 {
		return invalidInput("PermissionsBoundaryPolicyInputList may hold only one policy.")
	}
	for _, a := range in.ActionNames {
		if service, name, ok := strings.Cut(a, ":"); !ok || service == "" || name == "" || strings.ContainsAny(a, "*? ") || strings.Contains(name, ":") {
			return invalidInput("ActionNames: " + a + " is not the name of an action: write it as service:Name, without wildcards.")
		}
	}
	for _, r := range in.ResourceArns {
		if r != "*" && (!strings.HasPrefix(r, "arn:") || strings.Count(r, ":") < 5) {
			return invalidInput(`ResourceArns: ` + r + ` must be in ARN format or "*".`)
		}
	}
	return nil
}

func (s *service) simulateCustomPolicy(ctx context.Context, _ *gate.Call, in *simulationInput) (*simulationOutput, error) {
	var c check
	if in.PolicyInputList == nil {
		c.fail("null", "policyInputList", "Member must not be null")
	}
	after, limit := in.check(&c)
	if err := cmp.Or(c.err(), in.together()); err != nil {
		return nil, err
	}
	m := newSimulation()
	if err := m.input(in); err != nil {
		return nil, err
	}
	if err := m.setCaller(value(in.CallerArn)); err != nil {
		return nil, err
	}
	if in.ResourcePolicy != nil && in.CallerArn == nil {
		return nil, invalidInput("CallerArn is required with ResourcePolicy, whose Principal is compared with it.")
	}
	return s.simulate(ctx, m, in, window{after, limit})
}

func (s *service) simulatePrincipalPolicy(ctx context.Context, _ *gate.Call, in *principalSimulationInput) (*simulationOutput, error) {
	var c check
	arn := c.required("policySourceArn", in.PolicySourceArn, arnRule)
	after, limit := in.check(&c)
	if err := cmp.Or(c.err(), in.together()); err != nil {
		return nil, err
	}
	who, err := s.source(ctx, arn)
	if err != nil {
		return nil, err
	}
	m := newSimulation()
	if err := m.stored(who); err != nil {
		return nil, err
	}
	if err := m.input(&in.simulationInput); err != nil {
		return nil, err
	}
	m.setSource(s.Place, who)
	if caller := value(in.CallerArn); caller != "" && caller != who.arn {
		if err := m.setCaller(caller); err != nil {
			return nil, err
		}
	}
	if in.ResourcePolicy != nil && !m.callerIsUser {
		return nil, invalidInput("Invalid caller - Caller must be an IAM user in this context.")
	}
	return s.simulate(ctx, m, &in.simulationInput, window{after, limit})
}

type contextKeysInput struct{ PolicyInputList []string }

type principalContextKeysInput struct {
	PolicySourceArn *string
	contextKeysInput
}

type contextKeysOutput struct{ ContextKeyNames []string }

func (s *service) contextKeysForCustomPolicy(_ context.Context, _ *gate.Call, in *contextKeysInput) (*contextKeysOutput, error) {
	var c check
	if in.PolicyInputList == nil {
		c.fail("null", "policyInputList", "Member must not be null")
	}
	documents(&c, "policyInputList", in.PolicyInputList)
	if err := c.err(); err != nil {
		return nil, err
	}
	return contextKeys(newSimulation(), in.PolicyInputList)
}

func (s *service) contextKeysForPrincipalPolicy(ctx context.Context, _ *gate.Call, in *principalContextKeysInput) (*contextKeysOutput, error) {
	var c check
	arn := c.required("policySourceArn", in.PolicySourceArn, arnRule)
	documents(&c, "policyInputList", in.PolicyInputList)
	if err := c.err(); err != nil {
		return nil, err
	}
	who, err := s.source(ctx, arn)
	if err != nil {
		return nil, err
	}
	m := newSimulation()
	if err := m.stored(who); err != nil {
		return nil, err
	}
	return contextKeys(m, in.PolicyInputList)
}

// contextKeys are the keys that the identity policies mention, boundaries left
// out, as AWS describes the operation.
func contextKeys(m *simulation, texts []string) (*contextKeysOutput, error) {
	identity, err := m.given("PolicyInputList.", identityType, texts)
	if err != nil {
		return nil, err
	}
	return &contextKeysOutput{policy.NewSet(append(m.identity, identity...)...).ContextKeys()}, nil
}

// policySource is a user or a role whose policies are simulated.
type policySource struct {
	kind   string // "user" or "role"
	name   string
	arn    string
	id     string
	tags   []thingpass.Tag
	grants thingpass.Grants
}

// source reads a user or a role by its ARN, which must be the true one. Groups
// of users do not exist here.
func (s *service) source(ctx context.Context, arn string) (policySource, error) {
	if _, name, ok := s.Place.ParseRoleARN(arn); ok {
		r, err := s.Store.RoleGrants(ctx, name)
		who := policySource{"role", r.Name, s.Place.Role(r.Path, r.Name), r.ID, r.Tags, r.Grants}
		if thingpass.KindOf(err) == thingpass.NotFound || err == nil && who.arn != arn {
			return policySource{}, thingpass.Errorf(thingpass.NotFound, "The role with name %s cannot be found.", name)
		}
		return who, err
	}
	if _, name, ok := s.Place.ParseUserARN(arn); ok {
		u, err := s.Store.User(ctx, name)
		who := policySource{"user", u.Name, s.Place.User(u.Path, u.Name), u.ID, u.Tags, u.Grants}
		if thingpass.KindOf(err) == thingpass.NotFound || err == nil && who.arn != arn {
			return policySource{}, thingpass.Errorf(thingpass.NotFound, "The user with name %s cannot be found.", name)
		}
		return who, err
	}
	if _, name, ok := strings.Cut(arn, ":group/"); ok {
		return policySource{}, thingpass.Errorf(thingpass.NotFound, "The group with name %s cannot be found.", name)
	}
	return policySource{}, invalidInput("PolicySourceArn must be the ARN of a user or of a role of this account.")
}

// askSource is the question whether an action is allowed on the user or role
// whose policies it would tell.
func askSource(action string, roles, users *holder, arn *string) []gate.Access {
	if _, name, ok := roles.Place.ParseRoleARN(value(arn)); ok {
		return roles.ask(action, name)
	}
	if _, name, ok := users.Place.ParseUserARN(value(arn)); ok {
		return users.ask(action, name)
	}
	return []gate.Access{{Action: action, Resource: cmp.Or(value(arn), "*")}}
}

// window is the part of the results that one answer shows.
type window struct{ after, limit int }

// Bounds of one page: how long it is worked on, and how much it says, in
// statements and keys. A page may be shorter than was asked for; IsTruncated says
// that there is more (API reference, "MaxItems").
const (
	simulating = 2 * time.Second
	maxSaid    = 4096
)

// simulate asks every action about every resource, in this order, as far as
// the window goes.
func (s *service) simulate(ctx context.Context, m *simulation, in *simulationInput, w window) (*simulationOutput, error) {
	if err := m.setContext(in.ContextEntries, s.StrictVariables); err != nil {
		return nil, err
	}
	if err := m.setOwner(value(in.ResourceOwner)); err != nil {
		return nil, err
	}
	m.finish()
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	all, start := len(in.ActionNames)*len(resources), s.Now()
	out, said := &simulationOutput{EvaluationResults: []evaluation{}}, 0
	for i := min(w.after, all); i < all; i++ {
		if n := len(out.EvaluationResults); n == w.limit || n > 0 && (said > maxSaid || s.Now().Sub(start) > simulating) {
			out.IsTruncated = true
			out.Marker = base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(i)))
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e := m.ask(in.ActionNames[i/len(resources)], resources[i%len(resources)])
		said += 1 + len(e.MatchedStatements) + len(e.MissingContextValues)
		out.EvaluationResults = append(out.EvaluationResults, e)
	}
	return out, nil
}

// sorted is a list of keys, each once whatever its case.
func sorted(keys []string) []string {
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
	})
	return slices.CompactFunc(keys, strings.EqualFold)
}
