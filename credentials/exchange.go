package credentials

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/identity"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/trail"
	"github.com/thingpass/thingpass/wire"
)

// operation is the name of the exchange in audit lines and records, and after
// "iot:" the action that IoT policies allow.
const operation = "AssumeRoleWithCertificate"

// exchange is one exchange on its way.
type exchange struct {
	now           time.Time
	address       string // of the client; "" when there is none
	presented     identity.Presented
	severalThings bool // more than one header named a thing
	alias         string

	device identity.Device
	stage  string // the step of package trail that is being taken
	reason string // why it was allowed, or refused
	issued session.Grant
	expiry time.Time
	record *trail.Record
}

// exchange is the credentials provider's workflow, step by step as AWS
// describes it. The order of the checks decides which answer a device gets
// when several things are wrong, and that aliases cannot be guessed by those
// who may not use them.
func (d *Door) exchange(ctx context.Context, x *exchange) (session.Credentials, error) {
	var none session.Credentials
	x.record.Alias = strings.Clone(shorten(x.alias))

	// 1. The device asks for a security token, over mutual TLS.
	// 2. Its certificate is validated, and the thing it names is checked.
	if err := d.identify(ctx, x); err != nil {
		return none, err
	}

	// 3. The IoT policies must permit the role alias.
	connection := x.connectionKeys()
	if err := d.permit(x, authz.NewContextOver(connection, deviceKeys)); err != nil {
		return none, err
	}

	// 4. The role behind the alias is assumed: it must exist, and trust us.
	alias, role, err := d.role(ctx, x)
	if err != nil {
		return none, err
	}
	if err := d.trusted(ctx, x, role, connection); err != nil {
		return none, err
	}
	x.stage = trail.StepDuration
	if alias.Duration > role.MaxSessionDuration {
		return none, because(errDuration, fmt.Errorf("alias %s asks for %s, role %s allows %s", alias.Name, alias.Duration, role.Name, role.MaxSessionDuration))
	}

	// 5. A temporary, limited-privilege token is issued,
	// 6. and returned to the device. Steps 7 to 9, its use, are package gate's.
	return d.issue(ctx, x, alias, role)
}

func (d *Door) identify(ctx context.Context, x *exchange) (err error) {
	x.stage = trail.StepCertificate
	x.device, err = d.cfg.Identifier.Identify(ctx, x.presented)
	if errors.Is(err, identity.ErrCertificate) {
		return because(errCertificate, err)
	}
	if err != nil && !errors.Is(err, identity.ErrThing) {
		return err
	}
	x.passed("ACTIVE", nil)
	x.stage = trail.StepThing
	if err == nil && x.severalThings {
		err = errors.New("more than one thing was named")
	}
	if err != nil {
		return because(errThing, err)
	}
	switch {
	case x.presented.Thing != nil:
		x.passed("named in the header x-amzn-iot-thingname", nil)
	case x.device.Thing != "":
		x.passed("attached as EXCLUSIVE_THING", nil)
	default:
		x.passed("none was named", nil)
	}
	return nil
}

// maxAlias is how long an alias may be that policies are asked about, in bytes.
// None can be that long, and matching costs the product of the lengths of a
// pattern and a text.
const maxAlias = 2048

// deviceKeys is about how many condition keys a device has besides its
// connection's.
const deviceKeys = 12

// permit checks iot:AssumeRoleWithCertificate on the role alias.
func (d *Door) permit(x *exchange, keys *authz.Context) error {
	x.stage = trail.StepIoTPolicy
	if len(x.alias) > maxAlias {
		err := fmt.Errorf("an alias of %d bytes is asked for, and none can be that long", len(x.alias))
		x.record.Add(step(x.stage, false, err.Error(), nil))
		return because(errDenied, err)
	}
	x.deviceKeys(keys)
	verdict, err := d.cfg.Authz.AssumeRoleWithCertificate(x.device.Device, x.device.Thing, d.cfg.Place.RoleAlias(x.alias), keys)
	if err != nil {
		return err
	}
	if !verdict.Allowed() {
		return x.refused(errDenied, fmt.Errorf("%s by %s for iot:%s", verdict.Decision, verdict.Why(), operation), verdict)
	}
	x.reason = verdict.Why()
	x.passed("", &verdict)
	return nil
}

// role reads the alias and the role that it stands for.
func (d *Door) role(ctx context.Context, x *exchange) (alias thingpass.RoleAlias, role *thingpass.RoleGrants, err error) {
	x.stage = trail.StepRoleAlias
	if !thingpass.ValidRoleAlias(x.alias) {
		return alias, nil, because(errAlias, errors.New("no role alias can have this name"))
	}
	alias, err = d.cfg.Recent.RoleAlias(ctx, x.alias)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return alias, nil, because(errAlias, err)
	}
	if err != nil {
		return alias, nil, err
	}
	_, x.record.Role, _ = d.cfg.Place.ParseRoleARN(alias.RoleARN)
	role, err = d.cfg.Recent.Role(ctx, x.record.Role)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return alias, nil, because(errRole, fmt.Errorf("role alias %s stands for %s: %w", alias.Name, alias.RoleARN, err))
	}
	if err != nil {
		return alias, nil, err
	}
	if arn := d.cfg.Place.Role(role.Path, role.Name); arn != alias.RoleARN {
		return alias, nil, because(errRole, fmt.Errorf("the alias names %s, the role is %s", alias.RoleARN, arn))
	}
	x.passed("", nil)
	return alias, role, nil
}

// trusted asks the role's trust policy whether the credentials provider may
// assume the role.
func (d *Door) trusted(ctx context.Context, x *exchange, role *thingpass.RoleGrants, connection *authz.Context) error {
	x.stage = trail.StepTrust
	caller := thingpass.Principal{Kind: thingpass.ServicePrincipal, Service: Service}
	keys := authz.NewContextOver(connection, 8)
	d.cfg.Authz.PrincipalKeys(keys, &caller)
	keys.Set("aws:SourceArn", d.cfg.Place.RoleAlias(x.alias))
	keys.Set("aws:SourceAccount", d.cfg.Place.Account)
	verdict, err := d.cfg.Authz.AssumeRole(ctx, role.Role, authz.Request{
		Principal: caller, Action: "sts:AssumeRole", Resource: d.cfg.Place.Role(role.Path, role.Name), Context: keys, Complete: true,
	})
	if err != nil {
		return err
	}
	if !verdict.Allowed() {
		return x.refused(errRole, fmt.Errorf("%s by the trust policy of role %s for %s", verdict.Decision, role.Name, Service), verdict)
	}
	x.passed("", &verdict)
	return nil
}

// issue makes the credentials. What the role's policies may ask about the device
// is sealed into them; what does not fit refuses the exchange, because a Deny
// that relies on a key must not lose it.
func (d *Door) issue(ctx context.Context, x *exchange, alias thingpass.RoleAlias, role *thingpass.RoleGrants) (session.Credentials, error) {
	names, err := d.cfg.Authz.DeviceKeyNames(ctx, role)
	if err != nil {
		return session.Credentials{}, err
	}
	x.issued = session.Grant{
		Role: role.Role, Duration: alias.Duration, NotAfter: x.device.NotAfter,
		Device: x.device.Device, Thing: x.device.Thing, ThingType: x.device.ThingType, DeviceKeys: x.sealed(names),
	}
	creds, err := d.cfg.Sessions.Issue(x.issued)
	if errors.Is(err, session.ErrTooLarge) {
		return creds, because(errRole, fmt.Errorf("what the policies of role %s ask about the device does not fit into a session token: %w", role.Name, err))
	}
	if err != nil {
		return creds, err
	}
	x.expiry, x.record.AccessKeyID = creds.Expiration, creds.AccessKeyID
	x.passed("", nil)
	return creds, nil
}

// Presented is what a device would show of itself in an exchange.
type Presented struct {
	CertificateID string
	Thing         *string // value of x-amzn-iot-thingname, nil for none
	Address       string  // of the device, "" for none: aws:SourceIp is absent then
}

// Ask carries out an exchange as if a device had asked for it, and throws the
// credentials away. It answers how it was decided, and who the credentials would
// belong to: nobody when it was refused. Nothing is kept, and no audit line is
// written. An error is one of the server: the record has it, too.
func (d *Door) Ask(ctx context.Context, who Presented, alias string) (*trail.Record, thingpass.Principal, error) {
	x := &exchange{now: d.cfg.Now(), address: who.Address, alias: alias}
	x.record = newRecord(x.now, who.Address)
	x.presented = identity.Presented{CertificateID: who.CertificateID, Thing: who.Thing}
	x.stage = trail.StepCertificate
	cert, err := d.cfg.Store.Certificate(ctx, who.CertificateID)
	if err == nil {
		x.presented.Certificate, err = x509.ParseCertificate(cert.DER)
	}
	if err == nil || thingpass.KindOf(err) == thingpass.NotFound {
		_, err = d.exchange(ctx, x)
	}
	if err != nil {
		shown := x.failed(err)
		d.describe(x, shown.Status)
		if shown.Status < http.StatusInternalServerError {
			err = nil
		}
		return x.record, thingpass.Principal{}, err
	}
	d.describe(x, http.StatusOK)
	return x.record, x.record.Principal, nil
}

// failed notes an error and returns what the device may hear of it.
func (x *exchange) failed(err error) *wire.Error {
	shown, ok := errors.AsType[*wire.Error](err)
	if !ok {
		shown = &errInternal
		if thingpass.KindOf(err) == thingpass.Unavailable {
			shown = &errUnavailable
		}
	} else if shown.Err != nil {
		err = shown.Err
	}
	x.reason, x.record.Cause, x.record.Code = err.Error(), err.Error(), shown.Code
	if x.record.Failure == "" {
		x.record.Add(trail.Step{Name: x.stage, Detail: err.Error()})
	}
	return shown
}
