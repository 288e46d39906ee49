package iam

import (
	"cmp"
	"context"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

// userRows are the operations on users but for those that they share with
// roles.
func (s *service) userRows(h *holder) []gate.Operation {
	k := &h.kind
	create := gate.Spec{Name: "CreateUser", Actions: []string{"iam:CreateUser", "iam:TagUser"}}
	update := gate.Spec{Name: "UpdateUser", Actions: []string{"iam:UpdateUser"}}
	return []gate.Operation{
		gate.New(create, s.askCreateUser(k), s.createUser),
		own(k, "GetUser", s.getUser),
		onAll("ListUsers", s.listUsers),
		gate.New(update, s.askUpdateUser(k), s.updateUser),
		on(k, "DeleteUser", s.deleteUser),
		on(k, "ListGroupsForUser", s.listGroupsForUser),
	}
}

// own builds the row of an operation on the named user or, when none is named,
// on the user who calls. The question is the handler's to ask, because which
// user is meant depends on who calls; it comes before anything is told,
// existence included.
func own[In, Out any, P about[In]](k *kind, name string, handle func(context.Context, entity, *In) (*Out, error)) gate.Operation {
	action := "iam:" + name
	decide := func(ctx context.Context, call *gate.Call, in *In) (*Out, error) {
		named := P(in).self().UserName
		user := call.Principal.User
		if named != nil {
			user = *named
		}
		e, missing := k.find(ctx, user)
		switch kind := thingpass.KindOf(missing); {
		case missing == nil:
		case kind != thingpass.NotFound && kind != thingpass.Invalid:
			return nil, missing
		case user != "":
			e.arn = k.absent(user)
		default:
			e.arn = "*"
		}
		if err := call.Demand(ctx, k.question(action, e)); err != nil {
			return nil, err
		}
		var c check
		c.optional(k.member, named, k.rule)
		if user == "" && named == nil {
			return nil, invalid("Must specify userName when calling with non-User credentials")
		}
		if err := cmp.Or(c.err(), missing); err != nil {
			return nil, err
		}
		return handle(ctx, e, in)
	}
	return gate.New(gate.Spec{Name: name, Actions: []string{action}, Decides: true}, nil, decide)
}

// user is a user in an answer.
type user struct {
	Path                string
	UserName            string
	UserID              string `query:"UserId"`
	ARN                 string `query:"Arn"`
	CreateDate          time.Time
	PermissionsBoundary *boundary
	Tags                []tag `query:",omitempty"`
}

func (s *service) shownUser(u thingpass.User) user {
	return user{
		Path: u.Path, UserName: u.Name, UserID: u.ID, ARN: s.Place.User(u.Path, u.Name), CreateDate: u.Created,
		PermissionsBoundary: shownBoundary(u.PermissionsBoundary), Tags: shownTags(u.Tags),
	}
}

type userOutput struct{ User user }

type createUserInput struct {
	target
	Path                *string
	PermissionsBoundary *string
	Tags                []tagInput
}

func (s *service) askCreateUser(k *kind) func(*createUserInput) []gate.Access {
	return func(in *createUserInput) []gate.Access {
		arn := s.Place.User(cmp.Or(value(in.Path), "/"), value(in.UserName))
		return k.creating(arn, in.Tags, value(in.PermissionsBoundary))
	}
}

func (s *service) createUser(ctx context.Context, _ *gate.Call, in *createUserInput) (*userOutput, error) {
	var c check
	u := thingpass.User{
		ID:                  thingpass.NewID("AIDA"),
		Name:                c.required("userName", in.UserName, newUserNameRule),
		Path:                cmp.Or(c.optional("path", in.Path, pathRule), "/"),
		Created:             s.Now().UTC(),
		Tags:                checkTags(&c, in.Tags),
		PermissionsBoundary: c.optional("permissionsBoundary", in.PermissionsBoundary, policyARNRule),
	}
	if err := cmp.Or(c.err(), checkARN(u.PermissionsBoundary), checkTagKeys(u.Tags)); err != nil {
		return nil, err
	}
	if err := s.Store.CreateUser(ctx, u); err != nil {
		return nil, err
	}
	return &userOutput{s.shownUser(u)}, nil
}

func (s *service) getUser(ctx context.Context, e entity, _ *target) (*userOutput, error) {
	u, err := s.Store.User(ctx, e.name)
	if err != nil {
		return nil, err
	}
	return &userOutput{s.shownUser(u)}, nil
}

type pathListInput struct {
	pageInput
	PathPrefix *string
}

type listUsersOutput struct {
	Users []user
	pageOutput
}

// listUsers leaves tags and boundaries out, as AWS does (API reference,
// ListUsers).
func (s *service) listUsers(ctx context.Context, _ *gate.Call, in *pathListInput) (*listUsersOutput, error) {
	var c check
	prefix := cmp.Or(c.optional("pathPrefix", in.PathPrefix, pathPrefixRule), "/")
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.Users(ctx, prefix, page)
	if err != nil {
		return nil, err
	}
	some, more := cut(all, page, func(u thingpass.User) string { return u.Name })
	out := &listUsersOutput{pageOutput: more}
	for _, u := range some {
		u.Tags, u.PermissionsBoundary = nil, ""
		out.Users = append(out.Users, s.shownUser(u))
	}
	return out, nil
}

type updateUserInput struct {
	target
	NewPath     *string
	NewUserName *string
}

// askUpdateUser asks about the user as it is and as it will be (API reference,
// UpdateUser): nobody moves a user to where they may not, nor from there.
func (s *service) askUpdateUser(k *kind) func(*updateUserInput) []gate.Access {
	return func(in *updateUserInput) []gate.Access {
		const action = "iam:UpdateUser"
		e, err := k.subject(action, value(in.UserName))
		if err != nil {
			return []gate.Access{{Err: err}}
		}
		questions := []gate.Access{k.question(action, e)}
		path, name, _ := s.Place.ParseUserARN(e.arn)
		if in.NewPath != nil {
			path = *in.NewPath
		}
		if in.NewUserName != nil {
			name = *in.NewUserName
		}
		if arn := s.Place.User(path, name); arn != e.arn {
			e.arn = arn
			questions = append(questions, k.question(action, e))
		}
		return questions
	}
}

func (s *service) updateUser(ctx context.Context, _ *gate.Call, in *updateUserInput) (*done, error) {
	var c check
	name := c.required("userName", in.UserName, userNameRule)
	c.optional("newPath", in.NewPath, pathRule)
	c.optional("newUserName", in.NewUserName, newUserNameRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, s.Store.UpdateUser(ctx, name, func(u *thingpass.User) error {
		if in.NewPath != nil {
			u.Path = *in.NewPath
		}
		if in.NewUserName != nil {
			u.Name = *in.NewUserName
		}
		return nil
	})
}

func (s *service) deleteUser(ctx context.Context, _ *gate.Call, in *target) (*done, error) {
	var c check
	name := c.required("userName", in.UserName, userNameRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteUser(ctx, name)
}

type listGroupsOutput struct {
	Groups []done
	pageOutput
}

// listGroupsForUser answers what is true: there are no groups of users. Clients
// ask before they delete a user.
func (s *service) listGroupsForUser(ctx context.Context, _ *gate.Call, in *listInput) (*listGroupsOutput, error) {
	var c check
	name := c.required("userName", in.UserName, userNameRule)
	in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	if _, err := s.Store.User(ctx, name); err != nil {
		return nil, err
	}
	return &listGroupsOutput{}, nil
}
