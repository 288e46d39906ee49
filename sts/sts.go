package sts

import (
	"context"
	"errors"
	"net/http"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/wire"
)

// Config is what the operations work with. All fields are needed but Decode.
type Config struct {
	Place    thingpass.Place
	Store    *store.DB
	Sessions *session.Sessions
	Authz    *authz.Authz

	// ParseSessionPolicy tells whether a text is a session policy that can be
	// evaluated. Its errors are shown to the caller.
	ParseSessionPolicy func(text string) error

	// Decode explains a denial by the id of its request, as JSON. It may be nil:
	// then none is known.
	Decode func(id string) (message string, ok bool)
}

// service carries out the operations.
type service struct{ Config }

// New is the table of the STS operations.
func New(cfg Config) gate.Service {
	s := &service{cfg}
	return gate.Service{
		Name:      "sts",
		Scopes:    []string{"sts"},
		Protocol:  wire.Query,
		Version:   "2011-06-15",
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Error:     wireError,
		Operations: []gate.Operation{
			gate.New(gate.Spec{Name: "GetCallerIdentity", Actions: []string{"sts:GetCallerIdentity"}, Unconditional: true},
				nil, s.getCallerIdentity),
			gate.New(gate.Spec{Name: "AssumeRole", Actions: []string{assumeRole, tagSession, setSourceIdentity}, Decides: true}, nil, s.assumeRole),
			gate.New(gate.Spec{Name: "GetSessionToken", Actions: []string{getSessionToken}, Decides: true}, nil, s.getSessionToken),
			gate.New(gate.Spec{Name: "GetAccessKeyInfo", Actions: []string{getAccessKeyInfo}},
				anything[getAccessKeyInfoInput](getAccessKeyInfo), s.getAccessKeyInfo),
			gate.New(gate.Spec{Name: "DecodeAuthorizationMessage", Actions: []string{decodeMessage}},
				anything[decodeInput](decodeMessage), s.decode),
		},
	}
}

type getCallerIdentityInput struct{}

type getCallerIdentityOutput struct {
	ARN     string `query:"Arn"`
	UserID  string `query:"UserId"`
	Account string
}

// getCallerIdentity needs no permission, and no policy can deny it (API
// reference, GetCallerIdentity).
func (s *service) getCallerIdentity(_ context.Context, call *gate.Call, _ *getCallerIdentityInput) (*getCallerIdentityOutput, error) {
	p := call.Principal
	return &getCallerIdentityOutput{ARN: p.ARN, UserID: p.UniqueID, Account: p.Account}, nil
}

// wireError turns an error of a handler into what STS clients expect (API
// reference, "Common Errors"). The text of an unforeseen error stays inside.
func wireError(err error) *wire.Error {
	if e, ok := errors.AsType[*thingpass.Error](err); ok {
		shown := wire.Error{Status: http.StatusBadRequest, Message: e.Message, Err: e.Err}
		switch e.Kind {
		case thingpass.Invalid:
			shown.Code = "ValidationError"
			return &shown
		case thingpass.MalformedPolicy:
			shown.Code = "MalformedPolicyDocument"
			return &shown
		case thingpass.Denied:
			shown.Status, shown.Code = http.StatusForbidden, "AccessDenied"
			return &shown
		}
	}
	return &wire.Error{
		Status:  http.StatusInternalServerError,
		Code:    "InternalFailure",
		Message: "The request processing has failed because of an unknown error, exception or failure.",
		Err:     err,
	}
}
