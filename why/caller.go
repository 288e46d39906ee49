package why

import (
	"fmt"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/trail"
)

// caller tells who made a signed request, and how a device's session came to be.
func (s *story) caller() {
	p := &s.rec.Principal
	key := s.rec.AccessKeyID
	switch {
	case p.Kind == thingpass.UserPrincipal && p.Temporary:
		s.step("access key", true, "%s, temporary credentials of user %s", key, p.User)
	case p.Kind == thingpass.UserPrincipal:
		s.step("access key", true, "%s of user %s", key, p.User)
	case p.CertificateID == "":
		s.step("access key", true, "%s, session %q of role %s, issued %s, good until %s", key, p.SessionName, p.RoleName, moment(p.Issued), moment(p.Expires))
		if p.SessionPolicy != "" || len(p.PolicyARNs) > 0 {
			s.step("session", true, "limited by the session policies that AssumeRole was called with")
		}
	default:
		s.deviceCaller(p)
	}
}

func (s *story) deviceCaller(p *thingpass.Principal) {
	exchange := s.exchangeOf(s.rec.AccessKeyID)
	text := p.CertificateID + ", ACTIVE"
	s.e.Certificate = p.CertificateID
	if d, err := s.cfg.Recent.Device(s.ctx, p.CertificateID); err == nil {
		text += " until " + moment(d.NotAfter)
		if d.Status != thingpass.Active {
			text = fmt.Sprintf("%s, ACTIVE then and %s now", p.CertificateID, d.Status)
		}
	}
	s.step("certificate", true, "%s", text)
	switch {
	case p.Thing == "":
		s.step("thing", true, "none: when these credentials were fetched%s, no x-amzn-iot-thingname was sent", exchangeID(exchange))
	case p.ThingType == "":
		s.step("thing", true, "%s, of no type", p.Thing)
	default:
		s.step("thing", true, "%s, of type %s", p.Thing, p.ThingType)
	}
	role := p.RoleName
	switch {
	case exchange != nil:
		s.e.Alias = exchange.Alias
	case s.e.Hypothetical:
		s.e.Alias = s.rec.Alias
	}
	if exchange != nil {
		role += ", through role alias " + exchange.Alias
	}
	s.step("role", true, "%s", role)
	if s.rec.AccessKeyID != "" {
		s.step("access key", true, "%s, issued %s, good until %s", s.rec.AccessKeyID, moment(p.Issued), moment(p.Expires))
	}
}

func exchangeID(rec *trail.Record) string {
	if rec == nil {
		return ""
	}
	return " (request " + rec.ID + ")"
}

// exchangeOf finds the exchange that issued an access key, if it is still kept.
func (s *story) exchangeOf(key string) (found *trail.Record) {
	if !strings.HasPrefix(key, "ASIA") {
		return nil
	}
	s.cfg.Trail.Each(func(rec *trail.Record) bool {
		if rec.Door == trail.DeviceDoor && rec.AccessKeyID == key {
			found = rec
		}
		return found == nil
	})
	return found
}

// unproven tells about a request that was refused before policies were asked.
func (s *story) unproven(failed *trail.Step) {
	e := s.e
	switch {
	case failed != nil:
	case s.rec.Operation == "PreflightRequest" && e.Outcome == Allowed:
		e.Summary = "A browser asked beforehand, and the bucket's CORS rules let the page do it. No permission is asked of that; the request that follows is."
		return
	case s.rec.Operation == "PreflightRequest":
		s.failure(nil)
		return
	default:
		e.Summary = fmt.Sprintf("The server failed before it knew who asked. Its log has the cause: look for request_id %s.", e.RequestID)
		return
	}
	if failed.Name == trail.StepRequest {
		s.failure(failed)
		return
	}
	if s.rec.AccessKeyID != "" {
		s.keyFacts()
	}
	s.step(failed.Name, false, "%s", failed.Detail)
	switch failed.Name {
	case trail.StepSession:
		s.badSession(failed.Detail)
	case trail.StepSignature:
		s.badSignature(failed.Detail)
	default:
		e.Summary = failed.Detail
	}
}

// keyFacts tells what is known of an access key that did not prove itself.
func (s *story) keyFacts() {
	if was := s.holder(); was != nil {
		who := "session " + quote(was.SessionName)
		if was.CertificateID != "" {
			who = "certificate " + was.CertificateID
		}
		if was.Thing != "" {
			who += " and thing " + was.Thing
		}
		if role, err := s.cfg.Recent.RoleByID(s.ctx, was.RoleID); err == nil {
			who += ", for role " + role.Name
		}
		s.step("issued", true, "%s to %s%s, good until %s", moment(was.Issued), who, exchangeID(s.exchangeOf(s.rec.AccessKeyID)), moment(was.Expires))
		return
	}
	if owner, err := s.cfg.Recent.AccessKey(s.ctx, s.rec.AccessKeyID); err == nil {
		s.step("access key", true, "%s is a key of user %s", s.rec.AccessKeyID, owner.User.Name)
	}
}

// holder is whose session it was: as sealed in a genuine token, or as the
// exchange remembers it.
func (s *story) holder() *thingpass.Principal {
	if s.rec.Was != nil {
		return s.rec.Was
	}
	x := s.exchangeOf(s.rec.AccessKeyID)
	if x == nil || x.Device == nil {
		return nil
	}
	p := x.Principal
	return &p
}

// badSession tells about an access key that is no good (any more).
func (s *story) badSession(reason string) {
	key := s.rec.AccessKeyID
	switch s.rec.Cause {
	case trail.CauseSessionExpired:
		s.e.Summary = "The credentials have expired: " + reason + "."
		s.change(Change{Text: "Fetch new credentials before the old ones expire: the answer of the exchange has the time in \"expiration\". " +
			"Also check the clock of the client, and that it does not keep the first credentials for ever."})
	case trail.CauseSessionWithdrawn:
		s.e.Summary = "What the credentials were issued for is gone: " + reason + "."
		s.change(Change{Text: "If that is as it should be, nothing. Else put it right, and let the client fetch new credentials: the old ones stay dead."})
		s.restore()
	case trail.CauseToken:
		s.e.Summary = "The session token was not made by this installation, or is damaged: " + reason + "."
		s.change(Change{Text: "Let the client fetch new credentials from this installation, and send the session token whole and unchanged. " +
			"If all clients fail so, compare keyring.json of the servers: each replica must have the same."})
	default:
		s.e.Summary = "The access key " + key + " is no good here: " + reason + "."
		s.unknownKey(key)
	}
}

func (s *story) unknownKey(key string) {
	if strings.HasPrefix(key, "ASIA") {
		s.change(Change{Text: "Send the session token that came with this access key (AWS_SESSION_TOKEN): a temporary key is nothing without its own."})
		return
	}
	s.change(Change{Text: "See which keys there are, and whether the client has one of another installation or of AWS itself:",
		Command: "aws iam list-access-keys --user-name USER"})
	if owner, err := s.cfg.Recent.AccessKey(s.ctx, key); err == nil && !owner.Key.Active {
		s.e.Changes = nil
		s.change(Change{Text: "Make the key active again, if it was not made inactive on purpose:",
			Command: fmt.Sprintf("aws iam update-access-key --user-name %s --access-key-id %s --status Active", shellQuote(owner.User.Name), key)})
	}
}

// restore proposes how to give a device back what its session has lost.
func (s *story) restore() {
	was := s.holder()
	if was == nil || was.CertificateID == "" {
		return
	}
	d, err := s.cfg.Recent.Device(s.ctx, was.CertificateID)
	switch {
	case err != nil:
	case d.Status != thingpass.Active:
		s.change(s.activate(d.CertificateID, d.Status))
	case was.Thing != "" && !attached(d, was.Thing):
		s.change(Change{Text: "Attach the thing again:", Command: s.attachThing(was.Thing, d.CertificateID)})
	}
}

// badSignature tells about a signature that does not prove anything.
func (s *story) badSignature(reason string) {
	switch s.rec.Cause {
	case trail.CauseUnsigned:
		s.e.Summary = "The request was not signed."
		s.change(Change{Text: "Give the client credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary ones, AWS_SESSION_TOKEN), and switch off options like --no-sign-request. Unsigned requests are answered by S3 alone, and only with --s3-public."})
	case trail.CauseMismatch:
		if strings.HasPrefix(reason, missingHeader) {
			s.e.Summary = "The signature is of another request: " + reason
			s.change(Change{Text: "Send the header as it was signed: " + presignedText})
			s.change(Change{Text: "Or: look for a proxy that takes it away."})
			return
		}
		s.e.Summary = "The signature is not the one that the secret of " + s.rec.AccessKeyID + " makes of this request: the secret is wrong, or the request was changed on its way."
		s.change(Change{Text: "Check the secret access key of the client: it must be the one that came with " + s.rec.AccessKeyID + ", whole, without quotes or line ends."})
		s.change(Change{Text: "Or: if the secret is right, look between client and server. A proxy must pass on the Host header, the path as it was sent (%2F, double slashes) and all signed headers unchanged."})
		s.change(Change{Text: "Or: " + presignedText})
	case trail.CauseClock:
		s.e.Summary = "The clocks of client and server do not agree: " + reason
		s.change(Change{Text: "Set the client's clock (NTP), or the server's. A device without a clock takes the time from the Date header of the exchange's answer.", Command: "date -u"})
	case trail.CausePresignExpired:
		s.e.Summary = "The presigned URL has had its time: " + reason
		s.change(Change{Text: "Make a new URL, or one that lives longer: aws s3 presign --expires-in SECONDS, at most 604800 and not longer than the credentials it is made with."})
	case trail.CauseUnsignedHeader:
		s.e.Summary = "A header that says what the request is about was not signed: " + reason
		s.change(Change{Text: "Let the client sign this header, or not send it; or look for a proxy that adds it."})
	default:
		if strings.HasPrefix(reason, otherHeader) {
			s.e.Summary = "The presigned URL is used with another header than it was made with: " + reason
			s.change(Change{Text: "Send the header with which the URL was made: " + presignedText})
			return
		}
		s.e.Summary = "The signature cannot be read: " + reason
		s.change(Change{Text: "Sign with AWS Signature Version 4 as an AWS SDK does. If an SDK did sign, look for a proxy that changes the Authorization header or the query."})
	}
}

// What package sigv4 says begins so of a header that was signed and did not come,
// and of one that is not what a URL of Version 2 has.
const (
	missingHeader = "The signed header "
	otherHeader   = "The query parameter content-"
)

const presignedText = "a presigned URL is good only as it is, with the method and the headers that it was made for: one for GET is none for HEAD, PUT or DELETE, and with a Content-Type in it that type must be sent (curl -H)."

func attached(d *thingpass.Device, thing string) bool {
	for i := range d.Things {
		if d.Things[i].Thing == thing {
			return true
		}
	}
	return false
}

// activate proposes how a certificate that is not active would be. One that is
// revoked never is again.
func (s *story) activate(id string, status thingpass.CertificateStatus) Change {
	if status != thingpass.Revoked {
		return Change{Text: fmt.Sprintf("The certificate is %s. If it should work, make it active:", status),
			Command: "aws iot update-certificate --certificate-id " + id + " --new-status ACTIVE"}
	}
	c := Change{Text: "The certificate is REVOKED: somebody meant it, and it is final. If the device is still trusted, give it a new certificate:", Command: s.renew(nil, nil)}
	if d, err := s.cfg.Recent.Device(s.ctx, id); err == nil {
		var things []string
		for i := range d.Things {
			things = append(things, d.Things[i].Thing)
		}
		c.Command = s.renew(d.PolicyNames, things)
	}
	return c
}

// renew is the commands that make a new certificate and give it what an old one
// has.
func (s *story) renew(policies, things []string) string {
	lines := []string{"aws iot create-certificate-from-csr --set-as-active --certificate-signing-request file://DEVICE.csr"}
	for _, p := range policies {
		if !strings.Contains(p, " ") { // those of thing groups come with the thing
			lines = append(lines, "aws iot attach-policy --policy-name "+shellQuote(p)+" --target NEW-CERTIFICATE-ARN")
		}
	}
	for _, t := range things {
		lines = append(lines, "aws iot attach-thing-principal --thing-name "+shellQuote(t)+" --principal NEW-CERTIFICATE-ARN")
	}
	return strings.Join(lines, "\n")
}

func (s *story) attachThing(thing, certificateID string) string {
	command := fmt.Sprintf("aws iot attach-thing-principal --thing-name %s --principal %s", shellQuote(thing), s.cfg.Place.Certificate(certificateID))
	if _, err := s.cfg.Store.Thing(s.ctx, thing); thingpass.KindOf(err) == thingpass.NotFound {
		command = "aws iot create-thing --thing-name " + shellQuote(thing) + "\n" + command
	}
	return command
}
