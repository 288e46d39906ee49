package store

import (
	"context"
	"strconv"

	"github.com/thingpass/thingpass"
)

// selectVersions reads the versions of an IoT policy.
const selectVersions = `select v.version, v.document, case when cast(v.version as text) = p.version then 1 else 0 end, v.created
	from policy_versions v join policies p on p.account = v.account and p.name = v.policy
	where v.account = $1 and v.policy = $2`

// policyVersion reads a version of an IoT policy, or NotFound for either.
func (t *tx) policyVersion(name, id string) (v thingpass.PolicyVersion, err error) {
	if _, err := t.policy(name); err != nil {
		return v, err
	}
	v, err = one(t, scanVersion(""), selectVersions+` and v.version = $3`, name, versionNumber("", id))
	return v, orMissing(err, thingpass.Errorf(thingpass.NotFound, "Policy version not found (name=%s, version=%s)", name, id))
}

// addVersion stores a version of an IoT policy.
func (t *tx) addVersion(policy, document string, n, created int64) error {
	_, err := t.exec(`insert into policy_versions (account, policy, version, document, created) values ($1, $2, $3, $4, $5)`,
		policy, n, document, created)
	return err
}

// makeDefault makes v the version of an IoT policy that counts.
func (t *tx) makeDefault(policy string, v thingpass.PolicyVersion) error {
	_, err := t.exec(`update policies set document = $3, version = $4, modified = $5 where account = $1 and name = $2`,
		policy, v.Document, v.ID, millis(t.Now()))
	return err
}

// CreatePolicyVersion adds a version to an IoT policy, under a number that was
// never used before. The error is NotFound, or VersionsLimit when it has five.
func (db *DB) CreatePolicyVersion(ctx context.Context, name, document string, setDefault bool) (thingpass.PolicyVersion, error) {
	return change(ctx, db, op{"create version of policy", name}, func(t *tx) (v thingpass.PolicyVersion, err error) {
		if _, err := t.policy(name); err != nil {
			return v, err
		}
		versions, err := one(t, number, `select count(*) from policy_versions where account = $1 and policy = $2`, name)
		if err != nil {
			return v, err
		}
		if versions >= maxVersions {
			return v, thingpass.Errorf(thingpass.VersionsLimit, "The policy %s already has the maximum number of versions (%d)", name, maxVersions)
		}
		now := millis(db.Now())
		n, err := one(t, number, `update policies set latest = latest + 1, modified = $3 where account = $1 and name = $2 returning latest`, name, now)
		if err != nil {
			return v, err
		}
		if err := t.addVersion(name, document, n, now); err != nil {
			return v, err
		}
		id := strconv.FormatInt(n, 10)
		if setDefault {
			if err := t.makeDefault(name, thingpass.PolicyVersion{ID: id, Document: document}); err != nil {
				return v, err
			}
		}
		return t.policyVersion(name, id)
	})
}

// PolicyVersion returns a version of an IoT policy. The error is NotFound for
// either.
func (db *DB) PolicyVersion(ctx context.Context, name, id string) (thingpass.PolicyVersion, error) {
	return snapshot(ctx, db, op{"read version of policy", name}, func(t *tx) (thingpass.PolicyVersion, error) {
		return t.policyVersion(name, id)
	})
}

// PolicyVersions lists the versions of an IoT policy, at most five, the newest
// first, or NotFound.
func (db *DB) PolicyVersions(ctx context.Context, name string) ([]thingpass.PolicyVersion, error) {
	return browse(ctx, db, op{"list versions of policy", name}, func(t *tx) ([]thingpass.PolicyVersion, error) {
		if _, err := t.policy(name); err != nil {
			return nil, err
		}
		return many(t, scanVersion(""), selectVersions+` order by v.version desc`, name)
	})
}

// SetDefaultPolicyVersion makes a version of an IoT policy the one that counts.
// The error is NotFound for either.
func (db *DB) SetDefaultPolicyVersion(ctx context.Context, name, id string) error {
	return db.write(ctx, op{"set default version of policy", name}, func(t *tx) error {
		v, err := t.policyVersion(name, id)
		if err != nil || v.Default {
			return err
		}
		return t.makeDefault(name, v)
	})
}

// DeletePolicyVersion deletes a version of an IoT policy. The error is NotFound
// for either, or Conflict for the default version.
func (db *DB) DeletePolicyVersion(ctx context.Context, name, id string) error {
	return db.write(ctx, op{"delete version of policy", name}, func(t *tx) error {
		v, err := t.policyVersion(name, id)
		if err != nil {
			return err
		}
		if v.Default {
			return thingpass.Errorf(thingpass.Conflict, "Cannot delete the default version of a policy")
		}
		_, err = t.exec(`delete from policy_versions where account = $1 and policy = $2 and version = $3`, name, versionNumber("", v.ID))
		return err
	})
}
