package authz

import (
	"strings"

	"github.com/thingpass/thingpass/policy"
)

// Denial is the sentence AWS answers a denied request with (IAM user guide,
// "Troubleshoot access denied error messages"). It names one kind of policy
// and no policy.
func Denial(req Request, v Verdict) string {
	who := req.Principal.ARN
	if who == "" {
		who = req.Principal.Service
	}
	if who == "" {
		who = anonymous
	}
	var b strings.Builder
	b.WriteString("User: " + who + " is not authorized to perform: " + req.Action + " on resource: " + req.Resource)
	switch {
	case v.By == "":
	case v.Decision == policy.ExplicitDeny:
		b.WriteString(" with an explicit deny in " + article(v.By) + v.By)
	default:
		b.WriteString(" because no " + v.By + " allows the " + req.Action + " action")
	}
	return b.String()
}

// article goes before the name of a kind of policy.
func article(kind string) string {
	switch kind {
	case ByIdentity, ByIoT:
		return "an "
	case ByTrust:
		return "the "
	}
	return "a "
}
