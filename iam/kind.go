package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/policy"
)

// target is how requests name what they are about: roles and users by name,
// managed policies by ARN. It is also how answers do.
type target struct {
	RoleName  *string
	UserName  *string
	PolicyARN *string `query:"PolicyArn"`
}

func (t *target) self() *target { return t }

// entity is what questions and tags need to know of a role, a user or a managed
// policy.
type entity struct {
	name     string
	arn      string // with the path and the spelling that it has, whatever the request calls it
	tags     []thingpass.Tag
	boundary string // ARN of the permissions boundary, "" for none
}

// tagChange turns the tags that something has into those that it shall have.
type tagChange func([]thingpass.Tag) ([]thingpass.Tag, error)

// kind is one of the three kinds of noun that requests are about.
type kind struct {
	*service
	noun   string // Role, User or Policy, as in the names of operations
	member string // of requests, as errors name it
	rule   rule
	at     func(*target) **string
	find   func(ctx context.Context, name string) (entity, error)
	absent func(name string) string // the ARN to ask about when nothing has the name
	retag  func(ctx context.Context, name string, change tagChange) error
}

// holder is a kind that policies are given to: roles and users. The functions
// are the store's.
type holder struct {
	kind
	quota    int // characters of all inline policies together
	put      func(ctx context.Context, name string, p thingpass.InlinePolicy, check func(all []thingpass.InlinePolicy) error) error
	get      func(ctx context.Context, name, policy string) (thingpass.InlinePolicy, error)
	list     func(ctx context.Context, name string, page thingpass.Page) ([]string, error)
	remove   func(ctx context.Context, name, policy string) error
	attach   func(ctx context.Context, name, arn string) error
	detach   func(ctx context.Context, name, arn string) error
	attached func(ctx context.Context, name string, page thingpass.Page) ([]thingpass.ManagedPolicy, error)
	rebound  func(ctx context.Context, name, boundary string) error
}

// label is what logs and errors call the kind.
func (k *kind) label() string { return strings.ToLower(k.noun) }

// given is the name in a request, or "".
func (k *kind) given(t *target) string { return value(*k.at(t)) }

// named checks the name in a request and returns it.
func (k *kind) named(c *check, t *target) string { return c.required(k.member, *k.at(t), k.rule) }

// called is an answer's name of what it is about.
func (k *kind) called(name string) (t target) {
	*k.at(&t) = &name
	return t
}

// read finds what a request names.
func (k *kind) read(ctx context.Context, t *target) (entity, error) {
	var c check
	name := k.named(&c, t)
	if err := c.err(); err != nil {
		return entity{}, err
	}
	return k.find(ctx, name)
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (s *service) roles() *holder {
	db := s.Store
	return &holder{
		kind: kind{
			service: s, noun: "Role", member: "roleName", rule: roleNameRule,
			at:     func(t *target) **string { return &t.RoleName },
			absent: func(name string) string { return s.Place.Role("/", name) },
			find: func(ctx context.Context, name string) (entity, error) {
				r, err := db.Role(ctx, name)
				return entity{r.Name, s.Place.Role(r.Path, r.Name), r.Tags, r.PermissionsBoundary}, err
			},
			retag: func(ctx context.Context, name string, change tagChange) error {
				return db.UpdateRole(ctx, name, func(r *thingpass.Role) (err error) {
					r.Tags, err = change(slices.Clone(r.Tags))
					return err
				})
			},
		},
		quota: policy.MaxRoleInline,
		put:   db.PutRolePolicy, get: db.RolePolicy, list: db.RolePolicies, remove: db.DeleteRolePolicy,
		attach: db.AttachRolePolicy, detach: db.DetachRolePolicy, attached: db.AttachedRolePolicies,
		rebound: func(ctx context.Context, name, boundary string) error {
			return db.UpdateRole(ctx, name, func(r *thingpass.Role) error {
				r.PermissionsBoundary = boundary
				return nil
			})
		},
	}
}

func (s *service) users() *holder {
	db := s.Store
	return &holder{
		kind: kind{
			service: s, noun: "User", member: "userName", rule: userNameRule,
			at:     func(t *target) **string { return &t.UserName },
			absent: func(name string) string { return s.Place.User("/", name) },
			find: func(ctx context.Context, name string) (entity, error) {
				u, err := db.User(ctx, name)
				return entity{u.Name, s.Place.User(u.Path, u.Name), u.Tags, u.PermissionsBoundary}, err
			},
			retag: func(ctx context.Context, name string, change tagChange) error {
				return db.UpdateUser(ctx, name, func(u *thingpass.User) (err error) {
					u.Tags, err = change(slices.Clone(u.Tags))
					return err
				})
			},
		},
		quota: policy.MaxUserInline,
		put:   db.PutUserPolicy, get: db.UserPolicy, list: db.UserPolicies, remove: db.DeleteUserPolicy,
		attach: db.AttachUserPolicy, detach: db.DetachUserPolicy, attached: db.AttachedUserPolicies,
		rebound: func(ctx context.Context, name, boundary string) error {
			return db.UpdateUser(ctx, name, func(u *thingpass.User) error {
				u.PermissionsBoundary = boundary
				return nil
			})
		},
	}
}

func (s *service) policies() *kind {
	db := s.Store
	return &kind{
		service: s, noun: "Policy", member: "policyArn", rule: policyARNRule,
		at:     func(t *target) **string { return &t.PolicyARN },
		absent: func(arn string) string { return arn },
		find: func(ctx context.Context, arn string) (entity, error) {
			p, err := db.ManagedPolicy(ctx, arn)
			return entity{name: p.Name, arn: s.Place.ManagedPolicy(p.Path, p.Name), tags: p.Tags}, err
		},
		retag: func(ctx context.Context, arn string, change tagChange) error {
			return db.UpdateManagedPolicy(ctx, arn, func(p *thingpass.ManagedPolicy) (err error) {
				p.Tags, err = change(slices.Clone(p.Tags))
				return err
			})
		},
	}
}
