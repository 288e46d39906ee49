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
// has checked. What its certificate says of it, and what the registry says of
// its thing, is always literal text to policies.
package credentials

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/identity"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/trail"
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
	Store      *store.DB     // for Ask, which has no certificate at hand
	Trail      *trail.Ring   // where decisions are kept to be explained; nil for nowhere
	Log        *slog.Logger
	Now        func() time.Time

	// Observe is told of every exchange when it is over: its status, and one of
	// Outcomes.
	Observe func(status, outcome string, took time.Duration)
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
	errHungUp      = wire.Error{Status: 499, Code: "ClientClosedRequest", Message: "The client closed the connection before the answer"} // as the signed door has it
	errInternal    = wire.Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: "Internal failure. Try again later"}

	// The database cannot be used. Devices try 503 again, as they do 500.
	errUnavailable = wire.Error{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailableException", Message: "Service is temporarily unavailable. Try again later"}
)

// retryAfter is the header Retry-After of a 503, in seconds.
const retryAfter = "1"

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

// ServeHTTP carries out one exchange.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{now: d.cfg.Now(), presented: identity.FromTLS(r.TLS)}
	x.record = newRecord(x.now, r.RemoteAddr)
	x.address, _, _ = net.SplitHostPort(r.RemoteAddr)
	status := http.StatusInternalServerError
	defer func() {
		if p := recover(); p != nil {
			d.fail(w, x, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
		d.finish(r.Context(), x, status)
	}()
	creds, err := d.serve(x, r)
	if err != nil {
		if errors.Is(err, context.Canceled) && errors.Is(r.Context().Err(), context.Canceled) {
			err = because(errHungUp, err)
		}
		status = d.fail(w, x, err)
		return
	}
	status = http.StatusOK
	answer(w, x.record.ID, creds)
}

// serve reads the request and carries the exchange out.
func (d *Door) serve(x *exchange, r *http.Request) (session.Credentials, error) {
	x.stage = trail.StepRequest
	var err error
	if x.alias, err = aliasOf(r); err != nil {
		return session.Credentials{}, err
	}
	if names := r.Header[ThingNameHeader]; len(names) > 0 {
		x.presented.Thing, x.severalThings = &names[0], len(names) > 1
	}
	return d.exchange(r.Context(), x)
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

// answer writes the credentials in one piece, with its length: some clients
// read only once.
func answer(w http.ResponseWriter, requestID string, c session.Credentials) {
	out := document(c)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(out)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Amzn-Requestid", requestID)
	_, _ = w.Write(out)
}

// document is the JSON of credentials. Its texts are made here, of base32,
// base64 and digits, so nothing in them needs an escape. The expiration has
// exactly 20 characters: some clients take nothing else.
func document(c session.Credentials) []byte {
	token := c.SessionToken.Reveal()
	out := make([]byte, 0, 192+len(token))
	out = append(out, `{"credentials":{"accessKeyId":"`...)
	out = append(out, c.AccessKeyID...)
	out = append(out, `","secretAccessKey":"`...)
	out = append(out, c.SecretAccessKey.Reveal()...)
	out = append(out, `","sessionToken":"`...)
	out = append(out, token...)
	out = append(out, `","expiration":"`...)
	out = c.Expiration.UTC().AppendFormat(out, "2006-01-02T15:04:05Z")
	return append(out, `"}}`...)
}

// fail answers with an error and returns its status. An unforeseen error is
// told to the log only.
func (d *Door) fail(w http.ResponseWriter, x *exchange, err error) int {
	shown := x.failed(err)
	if shown.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodGet)
	}
	if shown.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	wire.WriteError(w, wire.RESTJSON, x.record.ID, shown)
	return shown.Status
}
