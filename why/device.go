package why

import (
	"fmt"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/trail"
)

// exchange tells about an exchange of a certificate for credentials.
func (s *story) exchange() {
	rec, e := s.rec, s.e
	id := "no certificate"
	if rec.Device != nil && rec.Device.CertificateID != "" {
		id = "certificate " + short(rec.Device.CertificateID)
		e.Principal, e.Certificate = rec.Device.CertificateID, rec.Device.CertificateID
	}
	e.Alias = rec.Alias
	if e.Alias != "" {
		e.Action, e.Resource = exchangeAction, s.cfg.Place.RoleAlias(e.Alias)
	}
	e.Operation = fmt.Sprintf("exchange of %s for credentials of role alias %s", id, quote(rec.Alias))
	failed := s.failed()
	for i := range rec.Steps {
		st := &rec.Steps[i]
		s.step(st.Name, st.OK, "%s", s.exchangeStep(st))
	}
	switch {
	case failed == nil:
		e.Summary = "Credentials were issued."
		if e.Hypothetical {
			e.Summary = "Credentials would be issued."
		}
		for i := range rec.Steps {
			if a := rec.Steps[i].Asked; a != nil {
				s.tell(a)
			}
		}
		e.Others = 0
	case rec.Status >= 500:
		e.Summary = "The server failed: " + failed.Detail
		s.change(Change{Text: "This is trouble of the server, not of the device. Look at its log and at the database."})
	case failed.Asked != nil:
		s.deniedExchange(failed.Asked)
	default:
		s.refusedExchange(failed)
	}
	s.exchangeAgain(failed)
}

// exchangeStep tells what a step found.
func (s *story) exchangeStep(st *trail.Step) string {
	d := s.rec.Device
	if !st.OK && st.Asked == nil {
		return st.Detail
	}
	switch {
	case st.Name == trail.StepCertificate && d != nil:
		return fmt.Sprintf("%s, ACTIVE until %s", d.CertificateID, moment(d.NotAfter))
	case st.Name == trail.StepThing && d != nil && d.Thing != "":
		text := d.Thing
		if d.ThingType != "" {
			text += " of type " + d.ThingType
		}
		return text + ", " + st.Detail
	case st.Name == trail.StepThing && d != nil:
		return "none: the device did not send x-amzn-iot-thingname" + attachedText(d.Things)
	case st.Name == trail.StepRoleAlias:
		return fmt.Sprintf("%s stands for role %s", s.rec.Alias, s.rec.Role)
	case st.Asked != nil:
		return st.Asked.Request.Action + " on " + st.Asked.Request.Resource + ": " + verdictText(st.Asked.Verdict)
	case st.Name == trail.StepDuration && s.rec.AccessKeyID != "":
		return "issued " + s.rec.AccessKeyID + ", good until " + moment(s.rec.Principal.Expires)
	}
	return st.Detail
}

func attachedText(things []string) string {
	switch len(things) {
	case 0:
		return " (no thing is attached to this certificate)"
	case 1:
		return " (attached to this certificate: " + things[0] + ")"
	}
	return fmt.Sprintf(" (attached to this certificate: %s)", list(things))
}

// deniedExchange tells about the IoT policies or the trust policy.
func (s *story) deniedExchange(a *authz.Asked) {
	s.tell(a)
	missing := a.Kind == authz.KindIoT && s.missingAlias(a)
	s.changes(a)
	switch {
	case a.Verdict.Decision == policy.ExplicitDeny:
		s.e.Summary = denySummary(a.Verdict)
	case a.Kind == authz.KindTrust:
		s.e.Summary = fmt.Sprintf("The trust policy of role %s does not let %s assume it. The device hears the same as for a role that does not exist.", s.rec.Role, a.Request.Principal.Service)
	case len(a.Layers.Device.Policies()) == 0:
		s.e.Summary = "No IoT policy is attached to this certificate, so it may use no role alias."
	default:
		s.e.Summary = s.implicit(a)
	}
	if missing {
		s.e.Summary += fmt.Sprintf(" Besides, there is no role alias %s.", quote(s.rec.Alias))
	}
}

// exchangeAction is what IoT policies are asked of an exchange, and what its
// audit line has.
const exchangeAction = "iot:AssumeRoleWithCertificate"

// missingAlias tells whether the alias that a policy refused is none, which the
// device does not learn, and proposes those that its policies allow.
func (s *story) missingAlias(a *authz.Asked) bool {
	if _, err := s.cfg.Recent.RoleAlias(s.ctx, s.rec.Alias); thingpass.KindOf(err) != thingpass.NotFound {
		return false
	}
	var good []string
	for _, name := range s.aliasNames() {
		q := *a.Request
		q.Resource = s.cfg.Place.RoleAlias(name)
		if v := a.Layers.Decide(&q); v.Allowed() {
			good = append(good, quote(name))
		}
	}
	text := "There is no role alias " + quote(s.rec.Alias) + ", and the policies of this certificate allow none that there is."
	if len(good) > 0 {
		text = "There is no role alias " + quote(s.rec.Alias) + ". Let the device ask for one that there is: the policies of this certificate allow " + list(good) + "."
	}
	s.change(Change{Text: text})
	if !thingpass.ValidRoleAlias(s.rec.Alias) {
		return true
	}
	s.change(Change{Text: "Or: make the alias, and let the device use it as follows:", Command: "aws iot create-role-alias --role-alias " + shellQuote(s.rec.Alias) + " --role-arn ROLE-ARN"})
	return true
}

// refusedExchange tells about what no policy decided.
func (s *story) refusedExchange(failed *trail.Step) {
	switch failed.Name {
	case trail.StepRequest:
		s.e.Summary = "It is not a request that this door answers: " + failed.Detail + "."
		s.change(Change{Text: "Let the device send GET /role-aliases/ROLE-ALIAS/credentials."})
	case trail.StepCertificate:
		s.badCertificate()
	case trail.StepThing:
		s.badThing()
	case trail.StepRoleAlias:
		s.badAlias()
	case trail.StepDuration:
		s.badDuration(failed.Detail)
	default:
		s.e.Summary = failed.Detail
	}
}

func (s *story) badCertificate() {
	d, e := s.rec.Device, s.e
	switch {
	case d == nil || d.CertificateID == "":
		e.Summary = "The device presented no certificate."
		s.change(Change{Text: "Give the client its certificate and key, and see that it presents them to this host: curl --cert CERTIFICATE.pem --key KEY.pem. " +
			"A proxy that ends TLS in front of the device door takes the certificate away: let it pass TCP through."})
	case d.Status == "":
		e.Summary = "The certificate is not registered here" + issuerText(d) + "."
		s.change(Change{Text: "If the device should be known, register its certificate, active, and attach an IoT policy to it:",
			Command: "aws iot register-certificate-without-ca --status ACTIVE --certificate-pem file://CERTIFICATE.pem\n" +
				"aws iot attach-policy --policy-name " + s.somePolicy() + " --target " + s.cfg.Place.Certificate(d.CertificateID)})
		s.change(Change{Text: "Or: if it was registered, the device presents another one than you think. Compare the ids: openssl x509 -in CERTIFICATE.pem -outform DER | sha256sum"})
	case d.Status != thingpass.Active:
		e.Summary = fmt.Sprintf("The certificate is %s. Only an ACTIVE one obtains credentials.", d.Status)
		s.change(s.activate(d.CertificateID, d.Status))
	case !d.NotAfter.IsZero() && s.rec.At.After(d.NotAfter):
		e.Summary = "The certificate expired at " + moment(d.NotAfter) + "."
		s.change(Change{Text: "Give the device a new certificate, and attach to it what the old one has:",
			Command: s.renew(d.Policies, d.Things)})
	case s.rec.At.Before(d.NotBefore):
		e.Summary = "The certificate is not valid before " + moment(d.NotBefore) + "."
		s.change(Change{Text: "Wait, or check the clocks: of this server, and of the one that made the certificate."})
	default:
		e.Summary = s.failed().Detail
	}
}

func issuerText(d *trail.Device) string {
	if d.Issuer == "" {
		return ""
	}
	return " (it says that it was issued by " + quote(d.Issuer) + ")"
}

func (s *story) badThing() {
	d, e := s.rec.Device, s.e
	if d == nil {
		e.Summary = s.failed().Detail
		return
	}
	e.Summary = fmt.Sprintf("The device says it is thing %s, and no thing of this name is attached to its certificate%s.", quote(d.ThingNamed), attachedText(d.Things))
	for _, t := range d.Things {
		if distance(strings.ToLower(t), strings.ToLower(d.ThingNamed)) <= 2 {
			s.change(Change{Text: fmt.Sprintf("Let the device send x-amzn-iot-thingname: %s instead of %s: names are compared exactly, upper and lower case too.", t, d.ThingNamed)})
			return
		}
	}
	if d.ThingNamed != "" {
		s.change(Change{Text: "If the device is this thing, attach it:", Command: s.attachThing(d.ThingNamed, d.CertificateID)})
	}
	switch {
	case d.ThingNamed == "" && len(d.Things) > 0:
		s.change(Change{Text: "Let the device send x-amzn-iot-thingname: " + strings.Join(d.Things, ", or ") + ", or no such header."})
	case d.ThingNamed == "":
		s.change(Change{Text: "Let the device not send x-amzn-iot-thingname at all: it is empty."})
	case len(d.Things) > 0:
		s.change(Change{Text: "Or: let the device send x-amzn-iot-thingname: " + strings.Join(d.Things, ", or ") + "."})
	default:
		s.change(Change{Text: "Or: let the device not send x-amzn-iot-thingname at all, if no policy needs the thing's name."})
	}
}

func (s *story) badAlias() {
	alias, role := s.rec.Alias, s.rec.Role
	if role != "" {
		s.e.Summary = fmt.Sprintf("Role alias %s stands for role %s, and there is no such role.", quote(alias), role)
		s.change(Change{Text: "Point the alias to another role." + s.nearName(role, s.roleNames()),
			Command: "aws iot update-role-alias --role-alias " + shellQuote(alias) + " --role-arn ROLE-ARN"})
		s.change(Change{Text: "Or: make the role again, with this trust policy:", Document: document(trustStatement()), Policy: "trust policy of role " + role,
			Command: "aws iam create-role --role-name " + shellQuote(role) + " --assume-role-policy-document file://TRUST.json"})
		return
	}
	s.e.Summary = fmt.Sprintf("There is no role alias %s. The IoT policy would let the device use it.", quote(alias))
	s.change(Change{Text: "Correct the alias in the device's request, if it is misspelt: names are compared exactly, upper and lower case too." + s.nearName(alias, s.aliasNames())})
	if !thingpass.ValidRoleAlias(alias) {
		return
	}
	s.change(Change{Text: "Or: make the alias:", Command: "aws iot create-role-alias --role-alias " + shellQuote(alias) + " --role-arn ROLE-ARN"})
}

func (s *story) badDuration(detail string) {
	alias, err := s.cfg.Recent.RoleAlias(s.ctx, s.rec.Alias)
	role, roleErr := s.cfg.Recent.Role(s.ctx, s.rec.Role)
	if err != nil || roleErr != nil || alias.Duration <= role.MaxSessionDuration {
		s.e.Summary = "The credentials could not be issued: " + detail + "."
		s.change(Change{Text: "Let the role's policies mention fewer of the keys credentials-iot:ThingGroups, ThingAttribute/… and Certificate.Subject.…, or shorten the attributes: all of them travel in the session token."})
		return
	}
	s.e.Summary = fmt.Sprintf("Role alias %s asks for credentials of %d seconds, and role %s allows %d.",
		alias.Name, int(alias.Duration.Seconds()), role.Name, int(role.MaxSessionDuration.Seconds()))
	s.change(Change{Text: "Ask for less:", Command: fmt.Sprintf("aws iot update-role-alias --role-alias %s --credential-duration-seconds %d", shellQuote(alias.Name), int(role.MaxSessionDuration.Seconds()))})
	s.change(Change{Text: "Or: allow more:", Command: fmt.Sprintf("aws iam update-role --role-name %s --max-session-duration %d", shellQuote(role.Name), int(alias.Duration.Seconds()))})
}

// exchangeAgain asks the same once more.
func (s *story) exchangeAgain(failed *trail.Step) {
	d := s.rec.Device
	if failed == nil || d == nil || d.CertificateID == "" || s.e.Hypothetical || failed.Name == trail.StepRequest {
		return
	}
	q := Question{Certificate: d.CertificateID, Alias: s.rec.Alias}
	if d.Named {
		q.Thing = &d.ThingNamed
	}
	rec, _, err := s.cfg.Door.Ask(s.ctx, q.presented(), q.Alias)
	switch {
	case err != nil:
		s.e.Now = "the same question cannot be answered: " + err.Error()
	case rec.Denied():
		s.e.Now = "the same exchange would still be refused, at step " + rec.Failure + "."
	default:
		s.e.Now = "the same exchange would succeed: the cause is gone."
	}
}
