package iam

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/policy"
)

// parse tells whether a document may be saved as a policy of its kind.
func parse(kind policy.Kind, document string) (*policy.Policy, error) {
	p, err := policy.Parse(kind, document)
	if err != nil {
		return nil, thingpass.Errorf(thingpass.MalformedPolicy, "%s", err.Error())
	}
	return p, nil
}

// parseTrust is parse for a trust policy, with its quota.
func parseTrust(document string) (*policy.Policy, error) {
	p, err := parse(policy.Trust, document)
	if err != nil {
		return nil, err
	}
	if p.Size() > policy.MaxTrust {
		return nil, thingpass.Errorf(thingpass.LimitExceeded, "Cannot exceed quota for ACLSizePerRole: %d", policy.MaxTrust)
	}
	return p, nil
}

// checkInline holds the inline policies of a role to their quota, which they
// share (IAM quotas: "The total aggregate policy size of all inline policies").
func checkInline(role string, all []thingpass.InlinePolicy) error {
	size := 0
	for _, d := range all {
		p, err := policy.Parse(policy.Identity, d.Document)
		if err != nil {
			return fmt.Errorf("inline policy %q of role %q: %w", d.Name, role, err)
		}
		size += p.Size()
	}
	if size > policy.MaxRoleInline {
		return thingpass.Errorf(thingpass.LimitExceeded, "Maximum policy size of %d bytes exceeded for role %s", policy.MaxRoleInline, role)
	}
	return nil
}

// warn logs what is odd about a policy that was saved.
func (s *service) warn(ctx context.Context, role, name string, p *policy.Policy) {
	for _, w := range p.Warnings() {
		s.Log.WarnContext(ctx, "policy saved with a warning", "role", role, "policy", name, "warning", w)
	}
}

// escaped is how IAM answers with policy documents: percent-encoded after RFC
// 3986 (API reference, GetRolePolicy).
func escaped(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}
