package store

import (
	"context"

	"github.com/thingpass/thingpass"
)

// maxManaged is how many managed policies a role or user may have (quotas of
// IAM).
const maxManaged = 10

// NamedID is a role or user in short.
type NamedID struct {
	Name string
	ID   string
	Path string
}

// quota is the name of the quota for managed policies.
func (h holder) quota() string {
	if h == userHolder {
		return "PoliciesPerUser"
	}
	return "PoliciesPerRole"
}

func (db *DB) attachManaged(ctx context.Context, h holder, name, arn string) error {
	return db.write(ctx, op{"attach managed policy to " + string(h), name}, func(t *tx) error {
		id, err := t.holderID(h, name)
		if err != nil {
			return err
		}
		p, err := t.managed(arn, thingpass.Errorf(thingpass.NotFound, "Policy %s does not exist or is not attachable.", arn))
		if err != nil {
			return err
		}
		n, err := t.exec(h.sql(`insert into HOLDER_managed (account, HOLDER_id, policy_id) values ($1, $2, $3) on conflict do nothing`), id, p.ID)
		if err != nil || n == 0 {
			return err
		}
		attached, err := one(t, number, h.sql(`select count(*) from HOLDER_managed where account = $1 and HOLDER_id = $2`), id)
		if err == nil && attached > maxManaged {
			return thingpass.Errorf(thingpass.LimitExceeded, "Cannot exceed quota for %s: %d", h.quota(), maxManaged)
		}
		return err
	})
}

func (db *DB) detachManaged(ctx context.Context, h holder, name, arn string) error {
	return db.write(ctx, op{"detach managed policy from " + string(h), name}, func(t *tx) error {
		id, err := t.holderID(h, name)
		if err != nil {
			return err
		}
		p, err := t.managed(arn, noManaged(arn))
		if err != nil {
			return err
		}
		n, err := t.exec(h.sql(`delete from HOLDER_managed where account = $1 and HOLDER_id = $2 and policy_id = $3`), id, p.ID)
		return touched(n, err, noManaged(arn))
	})
}

func (db *DB) attachedManaged(ctx context.Context, h holder, name string, page thingpass.Page) ([]thingpass.ManagedPolicy, error) {
	return browse(ctx, db, op{"list managed policies of " + string(h), name}, func(t *tx) ([]thingpass.ManagedPolicy, error) {
		id, err := t.holderID(h, name)
		if err != nil {
			return nil, err
		}
		query := selectManaged + h.sql(` and m.id in (select policy_id from HOLDER_managed where account = $1 and HOLDER_id = $2)`)
		return list(t, scanManaged, listing{query, "m.name", page}, id)
	})
}

// AttachRolePolicy attaches a managed policy to a role. Attaching it again does
// nothing. The error is NotFound for either, or LimitExceeded when the role has
// ten.
func (db *DB) AttachRolePolicy(ctx context.Context, role, arn string) error {
	return db.attachManaged(ctx, roleHolder, role, arn)
}

// DetachRolePolicy detaches a managed policy from a role. The error is NotFound
// for either, and when it is not attached.
func (db *DB) DetachRolePolicy(ctx context.Context, role, arn string) error {
	return db.detachManaged(ctx, roleHolder, role, arn)
}

// AttachedRolePolicies lists the managed policies that are attached to a role by
// name, or NotFound.
func (db *DB) AttachedRolePolicies(ctx context.Context, role string, page thingpass.Page) ([]thingpass.ManagedPolicy, error) {
	return db.attachedManaged(ctx, roleHolder, role, page)
}

// AttachUserPolicy is AttachRolePolicy for a user.
func (db *DB) AttachUserPolicy(ctx context.Context, user, arn string) error {
	return db.attachManaged(ctx, userHolder, user, arn)
}

// DetachUserPolicy is DetachRolePolicy for a user.
func (db *DB) DetachUserPolicy(ctx context.Context, user, arn string) error {
	return db.detachManaged(ctx, userHolder, user, arn)
}

// AttachedUserPolicies is AttachedRolePolicies for a user.
func (db *DB) AttachedUserPolicies(ctx context.Context, user string, page thingpass.Page) ([]thingpass.ManagedPolicy, error) {
	return db.attachedManaged(ctx, userHolder, user, page)
}

func scanNamedID(row row) (n NamedID, err error) {
	err = row.Scan(&n.Name, &n.ID, &n.Path)
	return n, err
}

// usedBy lists the holders that use a managed policy.
func (t *tx) usedBy(h holder, policyID, usage string) ([]NamedID, error) {
	const attached = `h.id in (select HOLDER_id from HOLDER_managed where account = $1 and policy_id = $2)`
	const bounded = `h.id in (select HOLDER_id from HOLDER_boundaries where account = $1 and policy_id = $2)`
	var uses string
	switch usage {
	case "":
		uses = `(` + attached + ` or ` + bounded + `)`
	case PermissionsPolicy:
		uses = attached
	case PermissionsBoundary:
		uses = bounded
	default:
		return nil, unknownUsage(usage)
	}
	return many(t, scanNamedID, h.sql(`select h.name, h.id, h.path from HOLDERs h where h.account = $1 and `+uses+` order by h.name`), policyID)
}

// ManagedPolicyEntities lists the roles and users, by name, that a managed
// policy is attached to (usage PermissionsPolicy), that it is the boundary of
// (PermissionsBoundary), or either (""). The error is NotFound, or Invalid for
// another usage.
func (db *DB) ManagedPolicyEntities(ctx context.Context, arn, usage string) (roles, users []NamedID, err error) {
	both, err := browse(ctx, db, op{"list entities of managed policy", arn}, func(t *tx) (both [2][]NamedID, err error) {
		p, err := t.managed(arn, noManaged(arn))
		if err != nil {
			return both, err
		}
		for i, h := range []holder{roleHolder, userHolder} {
			if both[i], err = t.usedBy(h, p.ID, usage); err != nil {
				return both, err
			}
		}
		return both, nil
	})
	return both[0], both[1], err
}
