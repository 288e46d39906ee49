package iot

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/identity"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/wire"
)

// Config is what the operations work with. All fields but Now and Log are
// needed.
type Config struct {
	Place  thingpass.Place
	Store  *store.DB
	Issuer *identity.Issuer

	// DeviceEndpoint is the public name of the device door, host[:port], which
	// DescribeEndpoint gives to devices.
	DeviceEndpoint string

	// ParsePolicy tells whether a text is an IoT policy that can be evaluated,
	// and what is odd about it. Its errors are shown to the caller.
	ParsePolicy func(text string) (warnings []string, err error)

	// Judge reads an IoT policy, and returns what says what that policy by
	// itself says to a question.
	Judge func(document string) (func(Question) Judgement, error)

	Now func() time.Time // time.Now when nil
	Log *slog.Logger     // told of odd policies; nil for nobody
}

// service carries out the operations.
type service struct{ Config }

// New is the table of the IoT operations. Older AWS CLIs sign IoT requests as
// "execute-api".
func New(cfg Config) gate.Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &service{cfg}
	return gate.Service{
		Name:     "iot",
		Scopes:   []string{"iot", "execute-api"},
		Protocol: wire.RESTJSON,
		Error:    wireError,
		AllNames: elsewhere(),
		Operations: slices.Concat(
			s.endpointRows(), s.aliasRows(), s.policyRows(), s.versionRows(), s.attachmentRows(), s.effectiveRows(), s.testRows(),
			s.certificateRows(), s.thingRows(), s.thingTypeRows(), s.groupRows(), s.membershipRows(), s.principalRows(), s.tagRows(),
		),
	}
}

// handler is what carries out one operation.
type handler[In, Out any] func(context.Context, *gate.Call, *In) (*Out, error)

// none is the answer of an operation without output.
type none struct{}

// row builds the row of an operation that needs the permission of its own name
// on one resource; with resource nil, or naming nothing, on "*". route is
// "METHOD /path".
func row[In, Out any](name, route string, resource func(*In) string, handle handler[In, Out]) gate.Operation {
	return askingRow(name, route, func(in *In) []gate.Access {
		arn := ""
		if resource != nil {
			arn = resource(in)
		}
		return []gate.Access{ask(name, arn)}
	}, handle)
}

// askingRow builds a row with questions of its own. Actions of other services
// that it may ask for are listed in further.
func askingRow[In, Out any](name, route string, access func(*In) []gate.Access, handle handler[In, Out], further ...string) gate.Operation {
	method, path, _ := strings.Cut(route, " ")
	spec := gate.Spec{Name: name, Method: method, Path: path, Actions: append([]string{"iot:" + name}, further...)}
	return gate.New(spec, access, handle)
}

// ask is the question whether the operation is allowed on a resource. A
// request that names nothing is refused after the question; until then it is
// about everything.
func ask(operation, resource string) gate.Access {
	return gate.Access{Action: "iot:" + operation, Resource: cmp.Or(resource, "*")}
}

// codes are the errors of AWS IoT (API reference, "Common Errors" and those of
// each operation). What is not in the table is an internal failure.
var codes = map[thingpass.Kind]wire.Error{
	thingpass.Invalid:            {Status: http.StatusBadRequest, Code: "InvalidRequestException"},
	thingpass.Unmodifiable:       {Status: http.StatusBadRequest, Code: "InvalidRequestException"},
	thingpass.MalformedPolicy:    {Status: http.StatusBadRequest, Code: "MalformedPolicyException"},
	thingpass.CertificateInvalid: {Status: http.StatusBadRequest, Code: "CertificateValidationException"},
	thingpass.Denied:             {Status: http.StatusForbidden, Code: "AccessDeniedException"},
	thingpass.NotFound:           {Status: http.StatusNotFound, Code: "ResourceNotFoundException"},
	thingpass.CertificateState:   {Status: http.StatusNotAcceptable, Code: "CertificateStateException"},
	thingpass.Exists:             {Status: http.StatusConflict, Code: "ResourceAlreadyExistsException"},
	thingpass.Conflict:           {Status: http.StatusConflict, Code: "DeleteConflictException"},
	thingpass.VersionConflict:    {Status: http.StatusConflict, Code: "VersionConflictException"},
	thingpass.VersionsLimit:      {Status: http.StatusConflict, Code: "VersionsLimitExceededException"},
	thingpass.LimitExceeded:      {Status: http.StatusGone, Code: "LimitExceededException"},
}

// wireError turns an error of a handler into what IoT clients expect. The text
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
		Code:    "InternalFailureException",
		Message: "An internal failure occurred.",
		Err:     err,
	}
}
