package gate

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/wire"
)

// Access is one question that must be answered with Allow before an operation
// runs.
type Access struct {
	Action   string
	Resource string              // ARN, decoded and never normalised; "*" for actions without a resource
	Context  map[string][]string // condition keys of this action: one value is single-valued, see Lists
	Lists    map[string][]string // multivalued condition keys
	Late     *Late               // condition keys that cost something to find out; nil for none

	// Err is why the question cannot be put, when what it is about cannot be read:
	// it ends the request. nil for a question.
	Err error
}

// Late is a family of single-valued condition keys that are found out only when
// a policy that has a say mentions one of them: the tags of an object, which have
// to be read. An error of Keys is a no.
type Late = authz.Late

// Spec is the declarative part of an operation's row.
type Spec struct {
	Name    string   // the operation's name in the AWS API, for example CreateRoleAlias
	Method  string   // REST protocols only
	Path    string   // REST protocols only, for example /role-aliases/{roleAlias}
	Actions []string // every action the row asks for, the main one first

	// Form marks the row of POST form uploads. It takes nothing else, and no other
	// row takes a form: its signature says nothing of path and query.
	Form bool

	// Preflight marks the row of what a browser asks before a page's request to
	// another origin (Fetch Standard, "CORS-preflight request"): it is never signed
	// as what it is, asks for no permission and has no action. It takes nothing else,
	// and no other row takes such a request.
	Preflight bool

	// Unconditional rows need no permission: sts:GetCallerIdentity.
	Unconditional bool

	// Decides marks a row whose handler asks by itself, through Call.Demand,
	// Call.Allowed or package authz, because what must be allowed is known only
	// then: sts:AssumeRole (the trust policy) and s3 DeleteObjects (each key).
	Decides bool
}

// Operation is a row of the table: an AWS operation, what it needs to be
// allowed, and how it is carried out. Build rows with New and NewRaw.
type Operation struct {
	Spec
	headers []string // request headers that decode reads, in lower case
	decode  func(c *Call, in *input) (any, error)
	access  func(c *Call, in any) ([]Access, error)
	serve   func(ctx context.Context, w http.ResponseWriter, c *Call, in any) error
}

// input is what a decoder may look at.
type input struct {
	body   []byte
	labels map[string]string
	form   url.Values
	routed any // what Service.Route found out
}

// New builds a row for an operation of the query or REST-JSON protocols. access
// names what must be allowed; it runs before anything is validated, so it must
// cope with empty members. Validation is the handler's. New panics when the
// row could be called without a decision: that is a mistake in the program.
func New[In, Out any](spec Spec, access func(*In) []Access, handle func(context.Context, *Call, *In) (*Out, error)) Operation {
	mustDecide(spec)
	return Operation{
		Spec:    spec,
		headers: headersOf(reflect.TypeFor[In]()),
		decode: func(c *Call, in *input) (any, error) {
			v := new(In)
			if in.form != nil {
				return v, wire.DecodeQuery(in.form, v)
			}
			return v, wire.DecodeREST(c.Request, in.body, in.labels, v)
		},
		access: func(_ *Call, in any) ([]Access, error) {
			if access == nil {
				return nil, nil
			}
			return access(in.(*In)), nil
		},
		serve: func(ctx context.Context, w http.ResponseWriter, c *Call, in any) error {
			out, err := handle(ctx, c, in.(*In))
			if err != nil {
				return err
			}
			if c.service.Protocol == wire.Query {
				return wire.EncodeQuery(w, wire.Action{Name: spec.Name, Namespace: c.service.Namespace, RequestID: c.RequestID}, out)
			}
			return wire.EncodeREST(w, out)
		},
	}
}

// NewRaw builds a row whose handler reads and writes HTTP itself: S3.
//
// access and serve are given what Service.Route found out about the request.
func NewRaw(spec Spec, access func(*Call, any) ([]Access, error), serve func(http.ResponseWriter, *http.Request, *Call, any) error) Operation {
	mustDecide(spec)
	return Operation{
		Spec:   spec,
		decode: func(_ *Call, in *input) (any, error) { return in.routed, nil },
		access: func(c *Call, in any) ([]Access, error) {
			if access == nil {
				return nil, nil
			}
			return access(c, in)
		},
		serve: func(_ context.Context, w http.ResponseWriter, c *Call, in any) error {
			return serve(w, c.Request, c, in)
		},
	}
}

func mustDecide(spec Spec) {
	if spec.Preflight {
		if spec.Method != http.MethodOptions || len(spec.Actions) > 0 {
			panic(fmt.Sprintf("gate: operation %q is more than a preflight", spec.Name))
		}
		return
	}
	if spec.Name == "" || len(spec.Actions) == 0 {
		panic(fmt.Sprintf("gate: operation %q has no action", spec.Name))
	}
	for _, a := range spec.Actions {
		if service, name, ok := strings.Cut(a, ":"); !ok || service == "" || name == "" {
			panic(fmt.Sprintf("gate: operation %q: %q is not an action", spec.Name, a))
		}
	}
}

// Service is a set of operations behind one signing name.
type Service struct {
	Name       string   // iot, iam, sts, s3
	Scopes     []string // names in the credential scope that mean it
	Protocol   wire.Protocol
	Version    string // API version, query protocol only
	Namespace  string // XML namespace, query protocol only
	Operations []Operation

	// AllNames has the names of the service's operations on AWS by method and path,
	// for the error about one that is not among Operations; nil for none.
	AllNames *wire.Routes[string]

	// Error turns an error of a handler into what the service's clients expect.
	Error func(error) *wire.Error

	// Route recognises requests where a path alone does not tell (S3). The
	// operation is named by its place in Operations; in is handed to its row, so
	// that a request is read once.
	Route func(*http.Request) (operation string, in any, err error)

	// Hosted is the bucket that a request's host names, "" for none (S3).
	Hosted func(host string) string

	// Cross adds to an answer what a browser must see before it shows the answer to
	// a page of another origin; nil for nothing. It is called for requests that name
	// an origin, before anything of them is verified, so that they hear of errors.
	Cross func(answer http.Header, r *http.Request)
}
