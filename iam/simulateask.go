package iam

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
)

// Types of policy, as AWS's simulator names them in its answers. They are not
// those of the model's enumeration, which it does not use.
const (
	identityType = "IAM Policy"
	resourceType = "Resource Policy"
	boundaryType = "Permissions Boundary Policy"
)

// Bounds of the policies of a request, in characters without white space: of
// one, the widest quota that any policy of this kind has; of all together, as
// much as AWS takes in one. Matching costs time in proportion.
const (
	maxSimulated    = policy.MaxRoleInline
	maxSimulatedAll = 131072

	maxValues = 16384 // bytes of all context keys and values: each may be matched with each pattern
)

// simulation is what the questions of one call have in common.
type simulation struct {
	identity, boundary, resource []policy.Named
	sources                      []simulated // by the number that a policy in them is named after
	size                         int         // of the policies of the request

	caller       policy.Principal
	callerIsUser bool
	implied      *policy.Context // what follows from who the caller is
	owner        string          // account of resources whose ARN does not say

	layers  authz.Layers
	context *policy.Context
	missing []string
}

// simulated is a policy with what answers call it.
type simulated struct {
	id, kind string
	text     string
	policy   *policy.Policy
}

func newSimulation() *simulation {
	return &simulation{implied: policy.NewContext(), layers: authz.Layers{Known: true}}
}

// add gives a compiled policy the name by which its source is found again.
func (m *simulation) add(src simulated) policy.Named {
	m.sources = append(m.sources, src)
	return policy.Named{Name: strconv.Itoa(len(m.sources) - 1), Policy: src.policy}
}

// given compiles policies of the request, as they would be when saved.
func (m *simulation) given(id, kind string, texts []string) ([]policy.Named, error) {
	var set []policy.Named
	for i, text := range texts {
		name := id
		if strings.HasSuffix(id, ".") {
			name += strconv.Itoa(i + 1)
		}
		of := policy.Identity
		if kind == resourceType {
			of = policy.Resource
		}
		p, err := policy.Parse(of, text)
		if err != nil {
			return nil, invalidInput(name + ": " + err.Error())
		}
		if m.size += p.Size(); p.Size() > maxSimulated {
			return nil, invalidInput(name + ": Cannot exceed quota for PolicySize: " + strconv.Itoa(maxSimulated))
		}
		if m.size > maxSimulatedAll {
			return nil, invalidInput("The policies must not have more than " + strconv.Itoa(maxSimulatedAll) + " characters together.")
		}
		set = append(set, m.add(simulated{name, kind, text, p}))
	}
	return set, nil
}

// input compiles all policies of a request. A boundary in it takes the place of
// the one that the source has.
func (m *simulation) input(in *simulationInput) error {
	identity, err := m.given("PolicyInputList.", identityType, in.PolicyInputList)
	if err != nil {
		return err
	}
	m.identity = append(m.identity, identity...)
	if len(in.PermissionsBoundaryPolicyInputList) > 0 {
		m.boundary, err = m.given("PermissionsBoundaryPolicyInputList.", boundaryType, in.PermissionsBoundaryPolicyInputList)
		if err != nil {
			return err
		}
	}
	if in.ResourcePolicy != nil {
		m.resource, err = m.given("ResourcePolicy", resourceType, []string{*in.ResourcePolicy})
	}
	return err
}

// stored compiles the policies of a user or role.
func (m *simulation) stored(who policySource) error {
	compile := func(id, kind, text string) (policy.Named, error) {
		p, err := policy.Parse(policy.Identity, text)
		if err != nil {
			return policy.Named{}, policyEvaluation(id, err)
		}
		return m.add(simulated{id, kind, text, p}), nil
	}
	for _, d := range who.grants.Inline {
		named, err := compile(who.kind+"_"+who.name+"_"+d.Name, identityType, d.Document)
		if err != nil {
			return err
		}
		m.identity = append(m.identity, named)
	}
	for _, d := range who.grants.Managed {
		named, err := compile(managedName(d.ARN), identityType, d.Document)
		if err != nil {
			return err
		}
		m.identity = append(m.identity, named)
	}
	if b := who.grants.Boundary; b != nil {
		named, err := compile(managedName(b.ARN), boundaryType, b.Document)
		if err != nil {
			return err
		}
		m.boundary = []policy.Named{named}
	}
	return nil
}

func managedName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// setSource makes the source the caller, with the condition keys that follow
// from it. What depends on a session stays open: a role's simulation has no
// session.
func (m *simulation) setSource(place thingpass.Place, who policySource) {
	m.caller = policy.Principal{Account: place.Account}
	m.implied.Set("aws:PrincipalAccount", place.Account)
	m.implied.Set("aws:PrincipalArn", who.arn)
	if who.kind == "user" {
		m.caller.ARN, m.callerIsUser = who.arn, true
		m.implied.Set("aws:PrincipalType", "User")
		m.implied.Set("aws:username", who.name)
		m.implied.Set("aws:userid", who.id)
	} else {
		m.caller.RoleARN = who.arn
		m.implied.Set("aws:PrincipalType", "AssumedRole")
	}
	for _, t := range who.tags {
		m.implied.Set("aws:PrincipalTag/"+t.Key, t.Value)
	}
}

// setCaller makes a user, of any account and whether it exists or not, the
// caller, in place of the source. "" leaves it open who calls.
func (m *simulation) setCaller(arn string) error {
	if arn == "" {
		return nil
	}
	part := strings.SplitN(arn, ":", 6)
	if len(part) != 6 || part[0] != "arn" || part[2] != "iam" || !accountID(part[4]) || !strings.HasPrefix(part[5], "user/") || strings.HasSuffix(arn, "/") {
		return invalidInput("Invalid caller - Caller must be an IAM user in this context.")
	}
	m.caller = policy.Principal{Account: part[4], ARN: arn}
	m.callerIsUser = true
	m.implied = policy.NewContext()
	m.implied.Set("aws:PrincipalAccount", part[4])
	m.implied.Set("aws:PrincipalArn", arn)
	m.implied.Set("aws:PrincipalType", "User")
	m.implied.Set("aws:username", arn[strings.LastIndexByte(arn, '/')+1:])
	return nil
}

// setOwner reads the account that owns what does not say whose it is: its root
// ARN or, as the text of one of the two operations has it, its id.
func (m *simulation) setOwner(owner string) error {
	id := strings.TrimSuffix(strings.TrimPrefix(owner, "arn:aws:iam::"), ":root")
	switch {
	case owner == "":
		m.owner = m.caller.Account
	case !accountID(id):
		return invalidInput("ResourceOwner must be the ARN of an account: arn:aws:iam::123456789012:root.")
	default:
		m.owner = id
	}
	return nil
}

func accountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// maxValue bounds a value of a condition key in bytes: as long as what a real
// request may hold.
const maxValue = 2048

// setContext takes the condition keys of the request, which count before those
// that follow from the caller. A device's session has its keys in two
// spellings; giving one means both, unless strict.
func (m *simulation) setContext(entries []contextEntry, strict bool) error {
	m.context = m.implied.Clone()
	given := map[string]bool{}
	for _, e := range entries {
		key := *e.ContextKeyName
		if folded := strings.ToLower(key); given[folded] {
			return invalidInput("ContextEntries: the key " + key + " is given more than once.")
		} else {
			given[folded] = true
		}
		for _, v := range e.ContextKeyValues {
			if len(v) > maxValue || !utf8.ValidString(v) {
				return invalidInput("ContextEntries: a value of " + key + " is longer than " + strconv.Itoa(maxValue) + " bytes.")
			}
		}
		m.set(key, e)
	}
	if m.context.Bytes() > maxValues {
		return invalidInput("ContextEntries: all keys and values together are longer than " + strconv.Itoa(maxValues) + " bytes.")
	}
	if strict {
		return nil
	}
	for _, pair := range deviceKeys {
		for i, key := range pair {
			other := pair[1-i]
			if values, list, ok := m.context.Lookup(key); ok && !given[strings.ToLower(other)] && !list {
				m.context.Set(other, values[0])
			}
		}
	}
	return nil
}

// set puts one key into the context. Several values make a list whatever the
// type says; a single-valued key without a value is absent.
func (m *simulation) set(key string, e contextEntry) {
	switch {
	case contextTypes[value(e.ContextKeyType)] || len(e.ContextKeyValues) > 1:
		m.context.SetList(key, e.ContextKeyValues)
	case len(e.ContextKeyValues) == 1:
		m.context.Set(key, e.ContextKeyValues[0])
	default:
		m.context.SetList(key, nil)
	}
}

// deviceKeys are the keys of the credentials provider, in AWS's spelling and in
// that of its launch article.
var deviceKeys = [3][2]string{
	{"credentials-iot:AwsCertificateId", "iot:certificateId"},
	{"credentials-iot:ThingName", "iot:thingName"},
	{"credentials-iot:ThingTypeName", "iot:thingType"},
}

// finish makes layers out of the policies, and notes which keys they mention
// that nobody gave.
func (m *simulation) finish() {
	m.layers.Identity = policy.NewSet(m.identity...)
	if m.boundary != nil {
		m.layers.Boundary = policy.NewSet(m.boundary...)
	}
	if m.resource != nil {
		m.layers.Resource = policy.NewSet(m.resource...)
	}
	m.missing = []string{}
	for _, key := range sorted(policy.NewSet(slices.Concat(m.identity, m.boundary, m.resource)...).ContextKeys()) {
		if _, _, ok := m.context.Lookup(key); !ok {
			m.missing = append(m.missing, key)
		}
	}
}
