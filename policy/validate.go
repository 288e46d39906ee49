package policy

import (
	"fmt"
	"regexp"
	"strings"
)

func legacyParsing(format string, args ...any) *Error {
	return &Error{Message: "The policy failed legacy parsing", Detail: fmt.Sprintf(format, args...)}
}

// validate makes the checks that follow syntax, in AWS's order; the first that
// fails ends it.
func (d *document) validate() error {
	if d.kind == Managed && d.version != version2012 {
		return &Error{Message: "Policy document must be version 2012-10-17 or greater."}
	}
	resourceErr, err := d.checkLegacy()
	checks := []func() *Error{
		func() *Error { return err },
		d.checkSids,
		d.checkElements,
		d.checkActionsExist,
		func() *Error { return resourceErr },
		d.checkActions,
		d.checkResourcesExist,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkLegacy makes the checks of "legacy parsing". On the way it meets the
// first other error of a resource, which AWS reports only after later checks
// and which keeps the resources after it from this one.
func (d *document) checkLegacy() (resourceErr, err *Error) {
	for i := range d.statements {
		s := &d.statements[i]
		if s.effect != "Allow" && s.effect != "Deny" {
			return nil, legacyParsing("Effect %q", s.effect)
		}
		for _, c := range s.conditions {
			for _, v := range c.values {
				if _, ok := parseInstant(v); c.op.family == dateFamily && !ok {
					return nil, legacyParsing("date %q", v)
				}
			}
		}
	}
	for i := range d.statements {
		for _, r := range d.statements[i].resources {
			if resourceErr == nil {
				resourceErr = d.checkResource(r)
			}
		}
		if d.kind == Resource {
			continue
		}
		for _, r := range d.statements[i].resources {
			if parts, n := splitARN(r); resourceErr == nil && r != "*" &&
				(parts[service] == "" || n < segments && strings.Contains(r, "::")) {
				return nil, legacyParsing("resource %q", r)
			}
		}
	}
	return resourceErr, nil
}

var sidPattern = regexp.MustCompile(`^[0-9A-Za-z]*$`)

// checkSids checks the statement ids as the service does that keeps this kind
// of policy. IAM and STS: letters and digits, each id once (IAM user guide, "IAM
// JSON policy elements: Sid"). S3: each id once; its guide has ids with blanks
// and punctuation. IoT says nothing of them.
func (d *document) checkSids() *Error {
	if d.kind == IoT {
		return nil
	}
	seen := map[string]bool{"": true}
	for i := range d.statements {
		sid := d.statements[i].sid
		if sid != "" && seen[sid] {
			return &Error{Message: "Statement IDs (SID) in a single policy must be unique."}
		}
		seen[sid] = true
	}
	for i := range d.statements {
		if d.kind != Resource && !sidPattern.MatchString(d.statements[i].sid) {
			return &Error{Message: "Statement IDs (SID) must be alpha-numeric. " +
				"Check that your input satisfies the regular expression [0-9A-Za-z]*"}
		}
	}
	return nil
}

// checkElements checks which elements this kind of policy may have.
func (d *document) checkElements() *Error {
	for i := range d.statements {
		s := &d.statements[i]
		if d.kind != Trust && d.kind != Resource {
			if s.principal != nil {
				return &Error{Message: "Policy document should not specify a principal."}
			}
			continue
		}
		switch {
		case d.kind == Trust && s.hasResource != "":
			return &Error{Message: "Has prohibited field " + s.hasResource}
		case d.kind == Trust && s.notPrincipal:
			return &Error{Message: "Has prohibited field NotPrincipal"}
		case s.principal == nil:
			return &Error{Message: "Missing required field Principal"}
		}
		p, err := d.readPrincipals(s.principal)
		if err != nil {
			return err
		}
		if p.empty() {
			return &Error{Message: "Missing required field Principal"}
		}
	}
	return nil
}

// missing is the error for an element that is not there, or is empty.
func (d *document) missing(element, iam string) *Error {
	if d.kind == Resource {
		return &Error{Message: "Missing required field " + element}
	}
	return &Error{Message: iam}
}

func (d *document) checkActionsExist() *Error {
	for i := range d.statements {
		if len(d.statements[i].actions) == 0 {
			return d.missing("Action", "Policy statement must contain actions.")
		}
	}
	return nil
}

func (d *document) checkResourcesExist() *Error {
	for i := range d.statements {
		if d.kind != Trust && len(d.statements[i].resources) == 0 {
			return d.missing("Resource", "Policy statement must contain resources.")
		}
	}
	return nil
}

var vendorPattern = regexp.MustCompile(`^[A-Za-z0-9.-]+$`)

func (d *document) checkActions() *Error {
	for i := range d.statements {
		for _, action := range d.statements[i].actions {
			err := checkAction(action)
			switch {
			case err != nil && d.kind == Resource:
				return &Error{Message: invalidAction, Detail: action}
			case err != nil:
				return err
			}
			if vendor, _, _ := strings.Cut(action, ":"); d.kind == Trust && (d.statements[i].notAction || !equalFold(vendor, "sts")) {
				return &Error{Message: "AssumeRole policy may only specify STS AssumeRole actions."}
			}
		}
	}
	return nil
}

// checkAction checks the form of one action.
func checkAction(action string) *Error {
	vendor, _, found := strings.Cut(action, ":")
	switch {
	case !found && action != "*":
		return &Error{Message: "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."}
	case strings.Count(action, ":") > 1:
		return &Error{Message: "Actions/Condition can contain only one colon."}
	case found && vendor != "*" && !vendorPattern.MatchString(vendor):
		return &Error{Message: "Vendor " + vendor + " is not valid"}
	}
	return nil
}

// iamPaths are how the sixth segment of an IAM resource may begin, as AWS's
// message lists them. It takes the forms of its reference besides: managed
// policies of AWS name the root user, for one.
var iamPaths = []string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
	"policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
}

// What S3 says of a policy for a bucket, where IAM has several messages.
const (
	invalidAction   = "Policy has invalid action"
	invalidResource = "Policy has invalid resource"
)

// checkResource checks the form of one resource.
func (d *document) checkResource(r string) *Error {
	err := d.checkForm(r)
	if err != nil && d.kind == Resource {
		return &Error{Message: invalidResource, Detail: r}
	}
	return err
}

func (d *document) checkForm(r string) *Error {
	if r == "*" {
		return nil
	}
	first, rest, found := strings.Cut(r, ":")
	if !found {
		return &Error{Message: "Resource " + r + ` must be in ARN format or "*".`}
	}
	parts, given := padARN(r)
	switch parts[1] {
	case "aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "*":
	default:
		padded := rest + strings.Repeat(":*", segments-given)
		return &Error{Message: `Partition "` + parts[1] + `" is not valid for resource "arn:` + padded + `".`}
	}
	if first != "arn" {
		return &Error{Message: "Resource " + r + ` must be in ARN format or "*".`}
	}
	if strings.ContainsAny(parts[service], "*?") {
		return &Error{Message: "Resource vendor must be fully qualified and cannot contain regexes."}
	}
	return checkService(r, parts, given)
}

// checkService makes the checks that depend on the service.
func checkService(r string, parts [segments]string, given int) *Error {
	regional := parts[region] != "" && given > region && (given > region+1 || parts[region] != "*")
	switch parts[service] {
	case "s3":
		if regional && !beginsAs(parts[path], s3Regional, true) {
			return &Error{Message: "Resource " + r + " can not contain region information."}
		}
	case "iam":
		if regional {
			return &Error{Message: "IAM resource " + r + " cannot contain region information."}
		}
		if parts[path] != "*" && !beginsAs(parts[path], iamPaths, false) && !beginsAs(parts[path], iamForms, false) {
			return &Error{Message: `IAM resource path must either be "*" or start with ` + strings.Join(iamPaths, ", ") + "."}
		}
	}
	return nil
}
