package iam

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/wire"
)

// Config is what the operations work with. Place and Store are needed.
type Config struct {
	Place thingpass.Place
	Store *store.DB
	Now   func() time.Time // time.Now when nil
	Log   *slog.Logger     // told of what keeps a question from being put; nil for nobody

	// StrictVariables is as in package authz: simulated sessions of devices do
	// not have their keys in the older spelling.
	StrictVariables bool
}

// service carries out the operations.
type service struct{ Config }

// New is the table of the IAM operations.
func New(cfg Config) gate.Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &service{cfg}
	roles, users, policies := s.roles(), s.users(), s.policies()
	return gate.Service{
		Name:      "iam",
		Scopes:    []string{"iam"},
		Protocol:  wire.Query,
		Version:   "2010-05-08",
		Namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		Error:     wireError,
		Operations: slices.Concat(
			s.roleRows(roles), roles.inlineRows(), roles.attachRows(), roles.tagRows(),
			s.userRows(users), users.inlineRows(), users.attachRows(), users.tagRows(), s.keyRows(users),
			s.policyRows(policies), policies.tagRows(),
			s.simulateRows(roles, users),
		),
	}
}

// done is the answer of an operation without a result.
type done struct{}

// codes are the errors of IAM (API reference, "Common Errors" and those of
// each operation). What is not in the table is a failure of the service.
var codes = map[thingpass.Kind]wire.Error{
	thingpass.Invalid:         {Status: http.StatusBadRequest, Code: "ValidationError"},
	thingpass.MalformedPolicy: {Status: http.StatusBadRequest, Code: "MalformedPolicyDocument"},
	thingpass.Unmodifiable:    {Status: http.StatusBadRequest, Code: "UnmodifiableEntity"},
	thingpass.Denied:          {Status: http.StatusForbidden, Code: "AccessDenied"},
	thingpass.NotFound:        {Status: http.StatusNotFound, Code: "NoSuchEntity"},
	thingpass.Exists:          {Status: http.StatusConflict, Code: "EntityAlreadyExists"},
	thingpass.Conflict:        {Status: http.StatusConflict, Code: "DeleteConflict"},
	thingpass.VersionConflict: {Status: http.StatusConflict, Code: "ConcurrentModification"},
	thingpass.LimitExceeded:   {Status: http.StatusConflict, Code: "LimitExceeded"},
}

// wireError turns an error of a handler into what IAM clients expect. The text
// of an unforeseen error stays inside.
func wireError(err error) *wire.Error {
	if e, ok := errors.AsType[*thingpass.Error](err); ok {
		if shown, ok := codes[e.Kind]; ok {
			shown.Message, shown.Err = e.Message, e.Err
			for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
				shown.Fields = append(shown.Fields, wire.Field{Name: name, Value: e.Fields[name]})
			}
			return &shown
		}
	}
	return &wire.Error{
		Status:  http.StatusInternalServerError,
		Code:    "ServiceFailure",
		Message: "The request processing has failed because of an unknown error, exception or failure.",
		Err:     err,
	}
}

// invalidInput is the error for values that are well formed each but not
// together.
func invalidInput(message string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidInput", Message: message}
}
