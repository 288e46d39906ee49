package iam

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
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

// parseManaged is parse for a managed policy, with its quota.
func parseManaged(document string) (*policy.Policy, error) {
	p, err := parse(policy.Managed, document)
	if err != nil {
		return nil, err
	}
	if p.Size() > maxManaged {
		return nil, thingpass.Errorf(thingpass.LimitExceeded, "Cannot exceed quota for PolicySize: %d", maxManaged)
	}
	return p, nil
}

// maxManaged is the size of a managed policy in characters, as policy.Size
// counts them (IAM quotas).
const maxManaged = 6144

// checkInline holds the inline policies of a role or user to their quota, which
// they share (IAM quotas: "The total aggregate policy size of all inline
// policies").
func (h *holder) checkInline(owner string, all []thingpass.InlinePolicy) error {
	size := 0
	for _, d := range all {
		p, err := policy.Parse(policy.Identity, d.Document)
		if err != nil {
			return fmt.Errorf("inline policy %q of %s %q: %w", d.Name, h.label(), owner, err)
		}
		size += p.Size()
	}
	if size > h.quota {
		return thingpass.Errorf(thingpass.LimitExceeded, "Maximum policy size of %d bytes exceeded for %s %s", h.quota, h.label(), owner)
	}
	return nil
}

// warn says what is odd about a policy that was saved. attrs say which policy it
// is.
func (s *service) warn(ctx context.Context, call *gate.Call, p *policy.Policy, attrs ...any) {
	call.Saved(ctx, policy.Lines(p.WarningsIn(s.Place.Account)), attrs...)
}

// escaped is how IAM answers with policy documents: percent-encoded after RFC
// 3986 (API reference, GetRolePolicy).
func escaped(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}
