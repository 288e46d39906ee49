// Package credentials is the device door: it turns a device's certificate into
// temporary credentials, as the AWS IoT Core credentials provider does.
//
// It owns the exchange: the order of its checks, and the status and text of
// every answer. Both are AWS's where AWS's are known (AWS IoT Core developer
// guide, "Authorizing direct calls to AWS services using AWS IoT Core
// credential provider"; the statuses and texts were recorded by AWS Labs in
// aws-iot-core-credential-provider-session-helper). It does not own who a
// device is (package identity), what it may do (package authz), or what a
// session is (package session).
//
// Nothing a device sends is trusted but the proof of its private key that TLS
// has checked.
package credentials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/identity"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/wire"
)

// ThingNameHeader names the thing that a device speaks for.
const ThingNameHeader = "X-Amzn-Iot-Thingname"

// Service is the principal that a role's trust policy must let assume it.
const Service = "credentials.iot.amazonaws.com"

// Config is what the door is made of.
type Config struct {
	Place      thingpass.Place
	Identifier *identity.Identifier
	Authz      *authz.Authz
	Sessions   *session.Sessions
	Recent     *store.Recent // reads no older than a second
	Log        *slog.Logger
	Now        func() time.Time

	// Observe is told of every exchange when it is over; code is the status.
	Observe func(code string, took time.Duration)
}

// Door is the device door, an http.Handler.
type Door struct{ cfg Config }

// New makes a door.
func New(cfg Config) *Door { return &Door{cfg: cfg} }

// The answers of the door. Where two causes share one, a device cannot tell
// them apart, on purpose: the log can.
var (
	errCertificate = refusal(http.StatusForbidden, "Certificate is invalid on this endpoint")
	errThing       = refusal(http.StatusForbidden, "Invalid thing name passed")
	errDenied      = refusal(http.StatusForbidden, "Access Denied")
	errAlias       = refusal(http.StatusNotFound, "Role alias does not exist")
	errRole        = refusal(http.StatusBadRequest, "Unable to assume the role, or the role to assume does not exist")
	errDuration    = refusal(http.StatusBadRequest, "The requested CredentialDurationSeconds exceeds the MaxSessionDuration set for the role")
	errInternal    = wire.Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: "Internal failure. Try again later"}
)

// refusal builds an answer of the door: AWS sends the same x-amzn-ErrorType
// with 403, and the IoT exceptions of the status otherwise.
func refusal(status int, message string) wire.Error {
	code := "InvalidRequestException"
	switch status {
	case http.StatusForbidden:
		code = "AccessDeniedException"
	case http.StatusNotFound:
		code = "ResourceNotFoundException"
	}
	return wire.Error{Status: status, Code: code, Message: message}
}

// because is an answer with its reason, which only the log sees.
func because(answer wire.Error, reason error) error {
	answer.Err = reason
	return &answer
}

// exchange is one request on its way, and what the audit line says of it.
type exchange struct {
	requestID string
	request   *http.Request
	now       time.Time
	alias     string
	device    identity.Device
	role      string
	reason    string

	accessKeyID string // what was issued, to find its requests by
	expires     time.Time
}

// ServeHTTP carries out one exchange.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{requestID: uuid.NewString(), request: r, now: d.cfg.Now()}
	status := http.StatusInternalServerError
	defer func() {
		if p := recover(); p != nil {
			x.reason = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
			d.fail(w, x, &errInternal)
		}
		d.record(x, status)
	}()
	creds, err := d.exchange(r.Context(), x)
	if err != nil {
		status = d.fail(w, x, err)
		return
	}
	status = http.StatusOK
	answer(w, x.requestID, creds)
}

// exchange is the credentials provider's workflow, step by step as AWS
// describes it. The order of the checks decides which answer a device gets
// when several things are wrong, and that aliases cannot be guessed by those
// who may not use them.
func (d *Door) exchange(ctx context.Context, x *exchange) (session.Credentials, error) {
	var none session.Credentials
	var err error

	// 1. The device asks for a security token, over mutual TLS.
	if x.alias, err = aliasOf(x.request); err != nil {
		return none, err
	}
	names, named := x.request.Header[ThingNameHeader]
	name := ""
	if len(names) > 0 {
		name = names[0]
	}

	// 2. Its certificate is validated, and the thing it names is checked.
	x.device, err = d.cfg.Identifier.Identify(ctx, x.request.TLS, name, named)
	switch {
	case errors.Is(err, identity.ErrCertificate):
		return none, because(errCertificate, err)
	case errors.Is(err, identity.ErrThing):
		return none, because(errThing, err)
	case err != nil:
		return none, err
	case len(names) > 1:
		return none, because(errThing, errors.New("more than one thing was named"))
	}

	// 3. The IoT policies of the certificate must permit the role alias.
	if err := d.permit(x); err != nil {
		return none, err
	}

	// 4. The role behind the alias is assumed: it must exist, and trust us.
	if !thingpass.ValidRoleAlias(x.alias) {
		return none, because(errAlias, errors.New("no role alias can have this name"))
	}
	alias, err := d.cfg.Recent.RoleAlias(ctx, x.alias)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return none, because(errAlias, err)
	}
	if err != nil {
		return none, err
	}
	role, err := d.assume(ctx, x, alias)
	if err != nil {
		return none, err
	}
	if alias.Duration > role.MaxSessionDuration {
		return none, because(errDuration, fmt.Errorf("alias %s asks for %s, role %s allows %s", alias.Name, alias.Duration, role.Name, role.MaxSessionDuration))
	}

	// 5. A temporary, limited-privilege token is issued,
	// 6. and returned to the device. Steps 7 to 9, its use, are package gate's.
	creds, err := d.cfg.Sessions.Issue(session.Grant{
		Role: role.Role, Duration: alias.Duration, NotAfter: x.device.NotAfter,
		Device: x.device.Device, Thing: x.device.Thing, ThingType: x.device.ThingType,
	})
	x.expires, x.accessKeyID = creds.Expiration, creds.AccessKeyID
	return creds, err
}

const hint = "Use GET /role-aliases/{role-alias}/credentials with the device certificate, and name the thing in the header x-amzn-iot-thingname"

// aliasOf reads the role alias out of the path, raw or percent-encoded.
func aliasOf(r *http.Request) (string, error) {
	rest, ok1 := strings.CutPrefix(r.URL.EscapedPath(), "/role-aliases/")
	escaped, ok2 := strings.CutSuffix(rest, "/credentials")
	alias, err := url.PathUnescape(escaped)
	if !ok1 || !ok2 || err != nil || alias == "" || strings.Contains(escaped, "/") {
		return "", because(refusal(http.StatusNotFound, "There is nothing at this path. "+hint), errors.New("unknown path"))
	}
	if r.Method != http.MethodGet {
		e := refusal(http.StatusMethodNotAllowed, "The method "+r.Method+" is not supported. "+hint)
		return "", because(e, errors.New("unknown method"))
	}
	return alias, nil
}

// permit checks iot:AssumeRoleWithCertificate on the role alias.
func (d *Door) permit(x *exchange) error {
	verdict, err := d.cfg.Authz.AssumeRoleWithCertificate(x.device.Device, x.device.Thing, d.cfg.Place.RoleAlias(x.alias), x.deviceKeys(x.keys(authz.NewContext())))
	if err != nil {
		return err
	}
	if !verdict.Allowed() {
		return because(errDenied, fmt.Errorf("%s by %s for iot:AssumeRoleWithCertificate", verdict.Decision, verdict.By))
	}
	x.reason = verdict.Why()
	return nil
}

// assume reads the role and asks its trust policy whether the credentials
// provider may assume it.
func (d *Door) assume(ctx context.Context, x *exchange, alias thingpass.RoleAlias) (*thingpass.RoleGrants, error) {
	_, x.role, _ = d.cfg.Place.ParseRoleARN(alias.RoleARN)
	role, err := d.cfg.Recent.Role(ctx, x.role)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return nil, because(errRole, err)
	}
	if err != nil {
		return nil, err
	}
	if arn := d.cfg.Place.Role(role.Path, role.Name); arn != alias.RoleARN {
		return nil, because(errRole, fmt.Errorf("the alias names %s, the role is %s", alias.RoleARN, arn))
	}
	keys := x.keys(authz.NewContext())
	keys.Set("aws:SourceArn", d.cfg.Place.RoleAlias(alias.Name))
	keys.Set("aws:SourceAccount", d.cfg.Place.Account)
	verdict, err := d.cfg.Authz.AssumeRole(ctx, role.Role, authz.Request{
		Principal: thingpass.Principal{Kind: thingpass.ServicePrincipal, Service: Service},
		Action:    "sts:AssumeRole", Resource: alias.RoleARN, Context: keys,
	})
	if err != nil {
		return nil, err
	}
	if !verdict.Allowed() {
		return nil, because(errRole, fmt.Errorf("%s by the trust policy of role %s for %s", verdict.Decision, role.Name, Service))
	}
	return role, nil
}

type body struct {
	Credentials keys `json:"credentials"`
}

type keys struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	Expiration      string `json:"expiration"` // exactly 20 characters: some clients take nothing else
}

// answer writes the credentials in one piece, with its length: some clients
// read only once.
func answer(w http.ResponseWriter, requestID string, c session.Credentials) {
	out, _ := json.Marshal(body{keys{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
		Expiration: c.Expiration.UTC().Format("2006-01-02T15:04:05Z"),
	}})
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(out)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Amzn-Requestid", requestID)
	_, _ = w.Write(out)
}

// fail answers with an error and returns its status. An unforeseen error is
// told to the log only.
func (d *Door) fail(w http.ResponseWriter, x *exchange, err error) int {
	shown, ok := errors.AsType[*wire.Error](err)
	if !ok {
		shown, x.reason = &errInternal, err.Error()
	} else if shown.Err != nil {
		x.reason = shown.Err.Error()
	}
	if shown.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodGet)
	}
	wire.WriteError(w, wire.RESTJSON, x.requestID, shown)
	return shown.Status
}

// record writes the audit line of an exchange.
func (d *Door) record(x *exchange, status int) {
	took := d.cfg.Now().Sub(x.now)
	if d.cfg.Observe != nil {
		d.cfg.Observe(strconv.Itoa(status), took)
	}
	level, decision := slog.LevelInfo, "allow"
	if status != http.StatusOK {
		decision = "deny"
	}
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	certificate := ""
	if x.device.Device != nil {
		certificate = x.device.CertificateID
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.requestID),
		slog.String("remote", x.request.RemoteAddr),
		slog.String("principal", certificate),
		slog.String("thing", x.device.Thing),
		slog.String("action", "iot:AssumeRoleWithCertificate"),
		slog.String("resource", d.cfg.Place.RoleAlias(shorten(x.alias))),
		slog.String("role", x.role),
		slog.String("decision", decision),
		slog.String("reason", x.reason),
		slog.Int("status", status),
		slog.Duration("took", took),
	}
	if !x.expires.IsZero() {
		attrs = append(attrs, slog.String("access_key", x.accessKeyID), slog.Time("expires", x.expires))
	}
	d.cfg.Log.LogAttrs(x.request.Context(), level, "exchange", attrs...)
}

// shorten bounds a text that a caller chose.
func shorten(s string) string {
	if len(s) <= 128 {
		return s
	}
	return s[:128] + "…"
}
