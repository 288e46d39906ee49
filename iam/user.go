package iam

import (
	"cmp"
	"context"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

const getUser = "iam:GetUser"

// userRows holds one row that asks by itself: which user a request means
// depends on who makes it.
func (s *service) userRows() []gate.Operation {
	return []gate.Operation{
		gate.New(gate.Spec{Name: "GetUser", Actions: []string{getUser}, Decides: true}, nil, s.getUser),
	}
}

type getUserInput struct{ UserName *string }

// user is a user in an answer.
type user struct {
	Path       string
	UserName   string
	UserID     string `query:"UserId"`
	ARN        string `query:"Arn"`
	CreateDate time.Time
}

type getUserOutput struct{ User user }

// getUser answers about the named user, or about the caller. The question is
// about the user's true ARN, which has the path and the spelling that the
// request lacks; it comes before anything is told, existence included.
func (s *service) getUser(ctx context.Context, call *gate.Call, in *getUserInput) (*getUserOutput, error) {
	name, resource := value(in.UserName), "*"
	if in.UserName == nil {
		name = call.Principal.User
	}
	u, missing := s.Store.User(ctx, name)
	switch kind := thingpass.KindOf(missing); {
	case missing == nil:
		resource = s.Place.User(u.Path, u.Name)
	case kind != thingpass.NotFound && kind != thingpass.Invalid:
		return nil, missing
	case name != "":
		resource = s.Place.User("/", name)
	}
	if err := call.Demand(ctx, gate.Access{Action: getUser, Resource: resource}); err != nil {
		return nil, err
	}
	var c check
	c.optional("userName", in.UserName, userNameRule)
	if name == "" && in.UserName == nil {
		return nil, invalid("Must specify userName when calling with non-User credentials")
	}
	if err := cmp.Or(c.err(), missing); err != nil {
		return nil, err
	}
	return &getUserOutput{user{
		Path: u.Path, UserName: u.Name, UserID: u.ID, ARN: s.Place.User(u.Path, u.Name), CreateDate: u.Created,
	}}, nil
}
