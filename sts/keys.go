package sts

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/wire"
)

const (
	getSessionToken  = "sts:GetSessionToken"
	getAccessKeyInfo = "sts:GetAccessKeyInfo"
	decodeMessage    = "sts:DecodeAuthorizationMessage"
)

type getSessionTokenInput struct {
	DurationSeconds *int64

	SerialNumber *string
	TokenCode    *string
}

type getSessionTokenOutput struct {
	Credentials credentials
}

// defaultUserSession is how long a user's temporary credentials last when
// nothing is said (API reference, GetSessionToken).
const defaultUserSession = 12 * time.Hour

// getSessionToken makes temporary credentials of the user who asks. A user needs
// no permission for it (IAM user guide, "Permissions for GetSessionToken"), but
// an explicit Deny counts. It writes nothing.
func (s *service) getSessionToken(ctx context.Context, call *gate.Call, in *getSessionTokenInput) (*getSessionTokenOutput, error) {
	ask := gate.Access{Action: getSessionToken, Resource: "*"}
	q, err := call.Question(ask)
	if err != nil {
		return nil, err
	}
	verdict, err := s.Authz.Decide(ctx, q)
	if err != nil {
		return nil, err
	}
	p := call.Principal
	longLived := p.Kind == thingpass.UserPrincipal && !p.Temporary
	if byStatement := verdict.Reason.Policy != ""; !verdict.Allowed() && (byStatement || !longLived) {
		return nil, call.Denied(q, verdict)
	}
	if longLived {
		verdict = authz.Verdict{Decision: authz.Allow, By: authz.ByNothing}
	}
	call.Decided(ask, verdict)
	if !longLived {
		return nil, thingpass.Errorf(thingpass.Denied, "Cannot call GetSessionToken with session credentials")
	}
	var problems problems
	problems.duration(in.DurationSeconds, session.MaxUserSession)
	if err := problems.err(); err != nil {
		return nil, err
	}
	if in.SerialNumber != nil {
		return nil, refuseUnsupported("SerialNumber")
	}
	if in.TokenCode != nil {
		return nil, refuseUnsupported("TokenCode")
	}
	key, _, err := s.Store.AccessKey(ctx, call.AccessKeyID)
	if err != nil {
		return nil, err
	}
	grant := session.Grant{User: thingpass.User{ID: p.UniqueID}, AccessKey: key, Duration: defaultUserSession}
	if in.DurationSeconds != nil {
		grant.Duration = time.Duration(*in.DurationSeconds) * time.Second
	}
	issued, err := s.Sessions.Issue(grant)
	if err != nil {
		return nil, err
	}
	return &getSessionTokenOutput{Credentials: reveal(issued)}, nil
}

type getAccessKeyInfoInput struct {
	AccessKeyID *string `query:"AccessKeyId"`
}

type getAccessKeyInfoOutput struct {
	Account string
}

// temporaryKey is what the access key ids of sessions look like.
var temporaryKey = regexp.MustCompile(`\AASIA[A-Z2-7]{16}\z`)

// getAccessKeyInfo tells that an access key is of this account. Long-lived keys
// are looked up, active or not. Temporary ones are stored nowhere: they are told
// by their form alone.
func (s *service) getAccessKeyInfo(ctx context.Context, _ *gate.Call, in *getAccessKeyInfoInput) (*getAccessKeyInfoOutput, error) {
	var problems problems
	problems.text("accessKeyId", in.AccessKeyID, accessKeyRule)
	if err := problems.err(); err != nil {
		return nil, err
	}
	if !temporaryKey.MatchString(*in.AccessKeyID) {
		_, _, err := s.Store.AccessKey(ctx, *in.AccessKeyID)
		if thingpass.KindOf(err) == thingpass.NotFound {
			return nil, invalid("The access key ID %s is not one of this account.", shorten(*in.AccessKeyID))
		}
		if err != nil {
			return nil, err
		}
	}
	return &getAccessKeyInfoOutput{Account: s.Place.Account}, nil
}

type decodeInput struct {
	EncodedMessage *string
}

type decodeOutput struct {
	DecodedMessage string
}

// decode explains a denial that this server still remembers. The message is the
// id of the denied request.
func (s *service) decode(_ context.Context, _ *gate.Call, in *decodeInput) (*decodeOutput, error) {
	var problems problems
	problems.text("encodedMessage", in.EncodedMessage, messageRule)
	if err := problems.err(); err != nil {
		return nil, err
	}
	if s.Decode != nil {
		if message, ok := s.Decode(*in.EncodedMessage); ok {
			return &decodeOutput{DecodedMessage: message}, nil
		}
	}
	return nil, &wire.Error{Status: http.StatusBadRequest, Code: "InvalidAuthorizationMessageException",
		Message: "The message is not the request id of a denial that this server remembers."}
}

// anything is the question of an operation that has no resource.
func anything[In any](action string) func(*In) []gate.Access {
	return func(*In) []gate.Access { return []gate.Access{{Action: action, Resource: "*"}} }
}
