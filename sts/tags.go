package sts

import (
	"net/http"
	"slices"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/wire"
)

// question is what must be allowed, from a request that has not been checked. It
// has the condition keys of all three actions (Service Authorization Reference,
// "AWS Security Token Service"): what the request passes, and the source identity
// that the new session would have.
func (in *assumeRoleInput) question(caller *thingpass.Principal) gate.Access {
	a := gate.Access{Action: assumeRole, Resource: "*", Context: map[string][]string{}, Lists: map[string][]string{}}
	if arn := value(in.RoleARN); arn != "" {
		a.Resource = arn
	}
	if in.RoleSessionName != nil {
		a.Context["sts:RoleSessionName"] = []string{*in.RoleSessionName}
	}
	if in.ExternalID != nil {
		a.Context["sts:ExternalId"] = []string{*in.ExternalID}
	}
	if identity := in.sourceIdentity(caller); identity != "" {
		a.Context["sts:SourceIdentity"] = []string{identity}
	}
	var keys []string
	for _, t := range in.Tags {
		if !containsFold(keys, value(t.Key)) { // a second one is refused by validate
			keys = append(keys, value(t.Key))
			a.Context["aws:RequestTag/"+value(t.Key)] = []string{value(t.Value)}
		}
	}
	if len(keys) > 0 {
		a.Lists["aws:TagKeys"] = keys
	}
	if len(in.TransitiveTagKeys) > 0 {
		a.Lists["sts:TransitiveTagKeys"] = in.TransitiveTagKeys
	}
	return a
}

// actions are what must be allowed on the role. Tags and a source identity that
// the caller's own session hands on count as passed (IAM user guide, "Chaining
// roles with session tags" and "Monitor and control actions taken with assumed
// roles").
func (in *assumeRoleInput) actions(caller *thingpass.Principal) []string {
	actions := []string{assumeRole}
	if len(in.Tags) > 0 || len(in.TransitiveTagKeys) > 0 || len(caller.Transitive) > 0 {
		actions = append(actions, tagSession)
	}
	if in.sourceIdentity(caller) != "" {
		actions = append(actions, setSourceIdentity)
	}
	return actions
}

// sourceIdentity is what the new session would have: as asked for, or as the
// caller's own session has it.
func (in *assumeRoleInput) sourceIdentity(caller *thingpass.Principal) string {
	if in.SourceIdentity != nil {
		return *in.SourceIdentity
	}
	return caller.SourceIdentity
}

// tag puts the tags into a grant: those that the caller's session hands on, and
// those of the request. It refuses what AWS refuses, in AWS's words.
func (in *assumeRoleInput) tag(g *session.Grant, caller *thingpass.Principal) error {
	if caller.SourceIdentity != "" && g.SourceIdentity != caller.SourceIdentity {
		return thingpass.Errorf(thingpass.Denied, "The source identity of a session cannot be changed: it is %s.", caller.SourceIdentity)
	}
	for _, t := range caller.Tags {
		if slices.Contains(caller.Transitive, t.Key) {
			g.Tags, g.Transitive = append(g.Tags, t), append(g.Transitive, t.Key)
		}
	}
	var keys []string
	for _, t := range in.Tags {
		if containsFold(keys, *t.Key) {
			return badValue("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if containsFold(caller.Transitive, *t.Key) {
			return badValue("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		keys = append(keys, *t.Key)
		g.Tags = append(g.Tags, thingpass.Tag{Key: *t.Key, Value: *t.Value})
		if containsFold(in.TransitiveTagKeys, *t.Key) {
			g.Transitive = append(g.Transitive, *t.Key)
		}
	}
	for _, key := range in.TransitiveTagKeys {
		if !containsFold(keys, key) {
			return badValue("The specified transitive tag key must be included in the requested tags.")
		}
	}
	return nil
}

func (in *assumeRoleInput) policyARNs() (arns []string) {
	for _, p := range in.PolicyARNs {
		arns = append(arns, *p.ARN)
	}
	return arns
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(other string) bool { return thingpass.SameKey(other, s) })
}

func badValue(message string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidParameterValue", Message: message}
}
