package policy

import (
	"regexp"
	"slices"
	"strings"
)

// principals is a Principal or NotPrincipal element. Federated and canonical
// users and CloudFront's identities are left out: nobody here is one.
type principals struct {
	everyone bool
	accounts []string
	arns     []string // users, roles, sessions
	services []string
	others   bool // federated and canonical users, identities of CloudFront: nobody here
}

// partition is the partition of a principal.
const partition = `(?:aws|aws-cn|aws-us-gov|aws-eusc|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f)`

// What may stand in a Principal element besides "*" (IAM User Guide, "AWS JSON
// policy elements: Principal"). Wildcards are not allowed in them. These
// expressions run when a policy is saved, never when one is evaluated.
var (
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	federated    = regexp.MustCompile(`^arn:[a-z-]+:sts::[0-9]{12}:federated-user/`)
	rootARN      = regexp.MustCompile(`^arn:` + partition + `:iam::([0-9]{12}):root$`)
	principalARN = regexp.MustCompile(`^arn:` + partition + `:` +
		`(?:iam::[0-9]{12}:(?:user|role)/(?:[!-~]+/)?[\w+=,.@-]+` +
		`|sts::[0-9]{12}:(?:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+|federated-user/[\w+=,.@-]+))$`)
	providerName = regexp.MustCompile(`^(?:arn:` + partition + `:iam::[0-9]{12}:(?:saml|oidc)-provider/[!-~]+|[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[\w./-]+)?)$`)
	serviceName  = regexp.MustCompile(`^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|amazon\.com|aws\.internal)$`)

	// Of bucket policies only. CloudFront's identities have canonical ids of 96
	// digits, and ARNs of an account that is none (CloudFront developer guide,
	// "Restricting access with an origin access identity").
	canonicalID    = regexp.MustCompile(`^[0-9a-f]{64}(?:[0-9a-f]{32})?$`)
	originIdentity = regexp.MustCompile(`^arn:` + partition + `:iam::cloudfront:user/CloudFront Origin Access Identity [A-Z0-9]+$`)
)

// readPrincipals compiles a Principal element whose types are right.
func (d *document) readPrincipals(n *node) (*principals, *Error) {
	var p principals
	if n.kind == stringNode {
		p.everyone = true
		return &p, nil
	}
	for i := range n.fields {
		f := &n.fields[i]
		values, err := f.textList()
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			if err := p.add(d.kind, f.name, v); err != nil {
				return nil, err
			}
		}
	}
	return &p, nil
}

func (p *principals) add(in Kind, kind, value string) *Error {
	switch kind {
	case "AWS":
		root := rootARN.FindStringSubmatch(value)
		switch {
		case value == "*":
			p.everyone = true
		case accountID.MatchString(value):
			p.accounts = append(p.accounts, value)
		case root != nil:
			p.accounts = append(p.accounts, root[1])
		case principalARN.MatchString(value) && !strings.ContainsAny(value, "*?"):
			p.arns = append(p.arns, value)
		case in == Resource && originIdentity.MatchString(value):
			p.others = true
		default:
			return invalidPrincipal(in, kind, value)
		}
	case "Service":
		if !serviceName.MatchString(value) {
			return invalidPrincipal(in, kind, value)
		}
		p.services = append(p.services, value)
	case "Federated":
		if !providerName.MatchString(value) {
			return invalidPrincipal(in, kind, value)
		}
		p.others = true
	default:
		// Canonical users are of S3, where no roles are assumed.
		if in != Resource || !canonicalID.MatchString(value) {
			return invalidPrincipal(in, kind, value)
		}
		p.others = true
	}
	return nil
}

func invalidPrincipal(in Kind, kind, value string) *Error {
	if in == Resource {
		return &Error{Message: "Invalid principal in policy", Detail: `"` + kind + `" : "` + value + `"`}
	}
	return &Error{Message: `Invalid principal in policy: "` + strings.ToUpper(kind) + `":"` + value + `"`}
}

// PrincipalARNs lists the ARNs of users, roles and role sessions that the
// policy names as principals, sorted, each once. They are ARNs by their form
// only: whether there is such a principal is for the caller to find out.
// Federated users are left out, since nothing keeps them.
func (p *Policy) PrincipalARNs() []string {
	var arns []string
	for _, s := range p.statements {
		if s.principals != nil {
			arns = append(arns, s.principals.arns...)
		}
	}
	slices.Sort(arns)
	return slices.DeleteFunc(slices.Compact(arns), federated.MatchString)
}

func (p *principals) empty() bool {
	return !p.everyone && !p.others && len(p.accounts) == 0 && len(p.arns) == 0 && len(p.services) == 0
}

// excepts tells whether a statement with these as NotPrincipal is about caller.
// To be left alone by a Deny, a caller must be listed in all of its forms: the
// account, the role of a session, and the user or session (IAM user guide, "AWS
// JSON policy elements: NotPrincipal"). To be left out by an Allow, one is
// enough.
func (p *principals) excepts(caller *Principal, effect Effect) bool {
	grant, listed := p.match(caller)
	if effect == EffectAllow || !listed || grant == Everyone || grant == ServiceGrant {
		return !listed
	}
	missing := func(list []string, s string) bool { return s != "" && !slices.Contains(list, s) }
	root := strings.HasSuffix(caller.ARN, ":root")
	return missing(p.accounts, caller.Account) || missing(p.arns, caller.RoleARN) || !root && missing(p.arns, caller.ARN)
}

// match returns the strongest way in which caller is named.
func (p *principals) match(caller *Principal) (Grant, bool) {
	grant, ok := NoPrincipal, false
	found := func(g Grant) {
		if !ok || g.strength() > grant.strength() {
			grant, ok = g, true
		}
	}
	if p.everyone {
		found(Everyone)
	}
	if caller.Anonymous {
		return grant, ok
	}
	for _, s := range p.services {
		if s == caller.Service {
			found(ServiceGrant)
		}
	}
	for _, arn := range p.arns {
		if arn == caller.ARN {
			found(DirectGrant)
		}
		if arn == caller.RoleARN {
			found(RoleGrant)
		}
	}
	for _, account := range p.accounts {
		if account == caller.Account && caller.Service == "" {
			found(AccountGrant)
		}
	}
	return grant, ok
}
