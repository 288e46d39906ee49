package policy

// Decision is the outcome of an evaluation. The zero value denies.
type Decision uint8

// The decisions.
const (
	ImplicitDeny Decision = iota // no statement allows
	ExplicitDeny                 // a statement denies; nothing can override it
	Allow                        // a statement allows and none denies
)

// String names the decision as it appears in logs.
func (d Decision) String() string {
	switch d {
	case ExplicitDeny:
		return "explicit deny"
	case Allow:
		return "allow"
	default:
		return "implicit deny"
	}
}

// Effect is what a statement does. The zero value denies.
type Effect uint8

// The effects.
const (
	EffectDeny Effect = iota
	EffectAllow
)

// String spells the effect as a policy does.
func (e Effect) String() string {
	if e == EffectAllow {
		return "Allow"
	}
	return "Deny"
}

// Principal is who makes a request. Fields that do not apply are empty. The
// zero value is nobody in particular: only "*" matches it.
type Principal struct {
	Account   string // 12 digits
	ARN       string // of the user, or of the session itself
	RoleARN   string // for a session: of its role
	Service   string // for a service: for example credentials.iot.amazonaws.com
	Anonymous bool   // unsigned; nothing but "*" matches
}

// Grant says how the Principal element of an allowing statement named the
// caller. How far that reaches is the caller's business: an AccountGrant only
// delegates to the account, the others name the caller (IAM User Guide,
// "Policy evaluation logic").
type Grant uint8

// The ways of naming a principal.
const (
	NoPrincipal  Grant = iota // the statement has no Principal element
	Everyone                  // "*"
	AccountGrant              // the account id or its root ARN
	RoleGrant                 // the role of the session
	DirectGrant               // the user or the session itself
	ServiceGrant              // the service
)

// strength orders grants by how much they override: a grant to the account
// leaves the decision to the account, one to the role is still limited by
// boundary and session policy, "*" counts as naming the caller.
func (g Grant) strength() int {
	switch g {
	case AccountGrant:
		return 1
	case RoleGrant:
		return 2
	case Everyone:
		return 3
	case DirectGrant, ServiceGrant:
		return 4
	default:
		return 0
	}
}

// Named is a policy with the name that reasons show.
type Named struct {
	Name   string
	Policy *Policy
}

// Request is one question: may this principal do this to that?
type Request struct {
	Principal Principal
	Action    string   // for example s3:PutObject; case does not matter
	Resource  string   // an ARN, taken as literal text, or "*" for none
	Context   *Context // nil is an empty one
}

// Reason is a statement that took part in a decision.
type Reason struct {
	Policy    string // its name in the set
	Statement int    // counted from 0
	Sid       string
	Effect    Effect
	Grant     Grant
}

// Result is a decision and what made it.
type Result struct {
	Decision Decision
	// Grant is the strongest among the allowing statements: direct and service
	// before everyone, before role, before account.
	Grant Grant
	// Reason is a denying statement, or an allowing one with the Grant above.
	// It is zero for an implicit deny. Of several it is one of those that name
	// the action and the resource most closely.
	Reason Reason
}
