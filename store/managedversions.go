package store

import (
	"context"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass"
)

// maxVersions is how many versions a policy may have (quotas of IAM and IoT).
const maxVersions = 5

// selectManagedVersions reads the versions of a managed policy.
const selectManagedVersions = `select v.version, v.document, case when v.version = m.version then 1 else 0 end, v.created
	from managed_policy_versions v join managed_policies m on m.account = v.account and m.id = v.policy_id
	where v.account = $1 and v.policy_id = $2`

func managedVersion(n int64) string { return "v" + strconv.FormatInt(n, 10) }

// versionNumber is the number in the identifier of a version, which is prefix
// and the number, or 0 when it is no such identifier.
func versionNumber(prefix, id string) int64 {
	digits, ok := strings.CutPrefix(id, prefix)
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 1 || strconv.FormatInt(n, 10) != digits {
		return 0
	}
	return n
}

// scanVersion scans a version whose identifier begins with prefix.
func scanVersion(prefix string) func(row) (thingpass.PolicyVersion, error) {
	return func(row row) (v thingpass.PolicyVersion, err error) {
		var n int64
		err = row.Scan(&n, &v.Document, &v.Default, (*instant)(&v.Created))
		v.ID = prefix + strconv.FormatInt(n, 10)
		return v, err
	}
}

func noManagedVersion(arn, id string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "Policy %s version %s does not exist or is not attachable.", arn, id)
}

// managedVersion reads a version of a managed policy, and the identifier of the
// policy.
func (t *tx) managedVersion(arn, id string) (policyID string, v thingpass.PolicyVersion, err error) {
	p, err := t.managed(arn, noManaged(arn))
	if err != nil {
		return "", v, err
	}
	v, err = one(t, scanVersion("v"), selectManagedVersions+` and v.version = $3`, p.ID, versionNumber("v", id))
	return p.ID, v, orMissing(err, noManagedVersion(arn, id))
}

// makeManagedDefault makes version n of a managed policy the one that counts.
func (t *tx) makeManagedDefault(policyID string, n int64) error {
	_, err := t.exec(`update managed_policies set version = $3, modified = $4 where account = $1 and id = $2`, policyID, n, millis(t.Now()))
	return err
}

// CreateManagedPolicyVersion adds a version to a managed policy, under a number
// that was never used before. The error is NotFound, or LimitExceeded when it
// has five.
func (db *DB) CreateManagedPolicyVersion(ctx context.Context, arn, document string, setDefault bool) (thingpass.PolicyVersion, error) {
	return change(ctx, db, op{"create version of managed policy", arn}, func(t *tx) (v thingpass.PolicyVersion, err error) {
		p, err := t.managed(arn, noManaged(arn))
		if err != nil {
			return v, err
		}
		versions, err := one(t, number, `select count(*) from managed_policy_versions where account = $1 and policy_id = $2`, p.ID)
		if err != nil {
			return v, err
		}
		if versions >= maxVersions {
			return v, thingpass.Errorf(thingpass.LimitExceeded, "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		now := db.Now()
		n, err := one(t, number, `update managed_policies set latest = latest + 1, modified = $3 where account = $1 and id = $2 returning latest`, p.ID, millis(now))
		if err != nil {
			return v, err
		}
		_, err = t.exec(`insert into managed_policy_versions (account, policy_id, version, document, created) values ($1, $2, $3, $4, $5)`,
			p.ID, n, document, millis(now))
		if err != nil {
			return v, err
		}
		if setDefault {
			if err := t.makeManagedDefault(p.ID, n); err != nil {
				return v, err
			}
		}
		_, v, err = t.managedVersion(arn, managedVersion(n))
		return v, err
	})
}

// ManagedPolicyVersion returns a version of a managed policy. The error is
// NotFound for either.
func (db *DB) ManagedPolicyVersion(ctx context.Context, arn, id string) (thingpass.PolicyVersion, error) {
	return snapshot(ctx, db, op{"read version of managed policy", arn}, func(t *tx) (thingpass.PolicyVersion, error) {
		_, v, err := t.managedVersion(arn, id)
		return v, err
	})
}

// ManagedPolicyVersions lists the versions of a managed policy, always the
// newest first, or NotFound. After is the identifier of a version, which need
// not exist any more; Descending does not count.
func (db *DB) ManagedPolicyVersions(ctx context.Context, arn string, page thingpass.Page) ([]thingpass.PolicyVersion, error) {
	return browse(ctx, db, op{"list versions of managed policy", arn}, func(t *tx) ([]thingpass.PolicyVersion, error) {
		p, err := t.managed(arn, noManaged(arn))
		if err != nil {
			return nil, err
		}
		all, err := many(t, scanVersion("v"), selectManagedVersions+` order by v.version desc`, p.ID)
		if err != nil {
			return nil, err
		}
		if after := versionNumber("v", page.After); page.After != "" {
			for len(all) > 0 && versionNumber("v", all[0].ID) >= after {
				all = all[1:]
			}
		}
		if page.Limit > 0 {
			all = all[:min(page.Limit, len(all))]
		}
		return all, nil
	})
}

// SetDefaultManagedPolicyVersion makes a version of a managed policy the one
// that counts. The error is NotFound for either.
func (db *DB) SetDefaultManagedPolicyVersion(ctx context.Context, arn, id string) error {
	return db.write(ctx, op{"set default version of managed policy", arn}, func(t *tx) error {
		policyID, v, err := t.managedVersion(arn, id)
		if err != nil || v.Default {
			return err
		}
		return t.makeManagedDefault(policyID, versionNumber("v", v.ID))
	})
}

// DeleteManagedPolicyVersion deletes a version of a managed policy. The error is
// NotFound for either, or Conflict for the default version.
func (db *DB) DeleteManagedPolicyVersion(ctx context.Context, arn, id string) error {
	return db.write(ctx, op{"delete version of managed policy", arn}, func(t *tx) error {
		policyID, v, err := t.managedVersion(arn, id)
		if err != nil {
			return err
		}
		if v.Default {
			return thingpass.Errorf(thingpass.Conflict, "Cannot delete the default version of a policy.")
		}
		_, err = t.exec(`delete from managed_policy_versions where account = $1 and policy_id = $2 and version = $3`, policyID, versionNumber("v", v.ID))
		return err
	})
}
