package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/thingpass/thingpass"
)

// What managed policies are used for, as IAM spells it.
const (
	PermissionsPolicy   = "PermissionsPolicy"   // attached to roles and users
	PermissionsBoundary = "PermissionsBoundary" // the boundary of roles and users
)

// ManagedPolicyFilter narrows a list of managed policies. Empty members do not.
type ManagedPolicyFilter struct {
	PathPrefix   string
	OnlyAttached bool   // those attached to a role or user; with Usage, what Usage says
	Usage        string // those in use as PermissionsPolicy or PermissionsBoundary
}

// How many roles and users have a managed policy.
const (
	countAttachments = `((select count(*) from role_managed x where x.account = m.account and x.policy_id = m.id) +
		(select count(*) from user_managed x where x.account = m.account and x.policy_id = m.id))`
	countBoundaries = `((select count(*) from role_boundaries x where x.account = m.account and x.policy_id = m.id) +
		(select count(*) from user_boundaries x where x.account = m.account and x.policy_id = m.id))`
)

const (
	managedColumns = `m.name, m.path, m.id, m.description, m.version, v.document, m.created, m.modified, m.tags, ` +
		countAttachments + `, ` + countBoundaries
	managedTables = ` from managed_policies m
		join managed_policy_versions v on v.account = m.account and v.policy_id = m.id and v.version = m.version`
	selectManaged = `select ` + managedColumns + managedTables + ` where m.account = $1`

	// selectManagedDocument is narrow: requests under session policies wait for it.
	selectManagedDocument = `select v.document` + managedTables + ` where m.account = $1 and m.name_key = $2 and m.path = $3 and m.name = $4`
)

func scanManaged(row row) (p thingpass.ManagedPolicy, err error) {
	var version int64
	var tags string
	err = row.Scan(&p.Name, &p.Path, &p.ID, &p.Description, &version, &p.Document,
		(*instant)(&p.Created), (*instant)(&p.Modified), &tags, &p.Attachments, &p.Boundaries)
	if err != nil {
		return p, err
	}
	p.VersionID = managedVersion(version)
	return p, json.Unmarshal([]byte(tags), &p.Tags)
}

func noManaged(arn string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "Policy %s was not found.", arn)
}

// managed reads a policy by its ARN, whose spelling counts.
func (t *tx) managed(arn string, missing *thingpass.Error) (thingpass.ManagedPolicy, error) {
	path, name, ok := t.place.ParseManagedPolicyARN(arn)
	if !ok {
		return thingpass.ManagedPolicy{}, missing
	}
	p, err := one(t, scanManaged, selectManaged+` and m.name_key = $2 and m.path = $3 and m.name = $4`, nameKey(name), path, name)
	return p, orMissing(err, missing)
}

// CreateManagedPolicy stores a new managed policy with its Document as version
// v1, and returns it. What is empty of ID, Created and Modified is filled in.
// The error is Exists when another policy has the name in any spelling, whatever
// its path.
func (db *DB) CreateManagedPolicy(ctx context.Context, p thingpass.ManagedPolicy) (thingpass.ManagedPolicy, error) {
	p.ID = or(p.ID, func() string { return thingpass.NewID("ANPA") })
	p.Created = or(p.Created, db.Now)
	p.Modified = or(p.Modified, p.Created.UTC)
	return change(ctx, db, op{"create managed policy", p.Name}, func(t *tx) (thingpass.ManagedPolicy, error) {
		tags, err := jsonText(p.Tags)
		if err != nil {
			return p, err
		}
		n, err := t.exec(`insert into managed_policies (account, id, name_key, name, path, description, version, latest, created, modified, tags)
			values ($1, $2, $3, $4, $5, $6, 1, 1, $7, $8, $9) on conflict do nothing`,
			p.ID, nameKey(p.Name), p.Name, p.Path, p.Description, millis(p.Created), millis(p.Modified), tags)
		exists := thingpass.Errorf(thingpass.Exists, "A policy called %s already exists. Duplicate names are not allowed.", p.Name)
		if err := taken(n, err, exists); err != nil {
			return p, err
		}
		_, err = t.exec(`insert into managed_policy_versions (account, policy_id, version, document, created) values ($1, $2, 1, $3, $4)`,
			p.ID, p.Document, millis(p.Created))
		if err != nil {
			return p, err
		}
		arn := db.place.ManagedPolicy(p.Path, p.Name)
		return t.managed(arn, noManaged(arn))
	})
}

// ManagedPolicy returns a managed policy by its ARN, or NotFound. The spelling
// of an ARN counts.
func (db *DB) ManagedPolicy(ctx context.Context, arn string) (thingpass.ManagedPolicy, error) {
	return read(ctx, db, op{"read managed policy", arn}, func(t *tx) (thingpass.ManagedPolicy, error) {
		return t.managed(arn, noManaged(arn))
	})
}

// ManagedDocument returns the default version of a managed policy by its ARN, or
// NotFound. It is a hot read.
func (db *DB) ManagedDocument(ctx context.Context, arn string) (thingpass.ManagedDocument, error) {
	return read(ctx, db, op{"read managed policy", arn}, func(t *tx) (thingpass.ManagedDocument, error) {
		path, name, ok := t.place.ParseManagedPolicyARN(arn)
		if !ok {
			return thingpass.ManagedDocument{}, noManaged(arn)
		}
		document, err := one(t, text, selectManagedDocument, nameKey(name), path, name)
		return thingpass.ManagedDocument{ARN: arn, Document: document}, orMissing(err, noManaged(arn))
	})
}

// ManagedPolicies lists the managed policies that pass the filter by name. The
// error is Invalid for an unknown Usage.
func (db *DB) ManagedPolicies(ctx context.Context, f ManagedPolicyFilter, page thingpass.Page) ([]thingpass.ManagedPolicy, error) {
	query := selectManaged + prefixed("m.path", 2)
	switch {
	case f.Usage == PermissionsBoundary:
		query += ` and ` + countBoundaries + ` > 0`
	case f.Usage == PermissionsPolicy, f.Usage == "" && f.OnlyAttached:
		query += ` and ` + countAttachments + ` > 0`
	case f.Usage != "":
		return nil, unknownUsage(f.Usage)
	}
	return browse(ctx, db, op{verb: "list managed policies"}, func(t *tx) ([]thingpass.ManagedPolicy, error) {
		return list(t, scanManaged, listing{query, "m.name", page}, f.PathPrefix)
	})
}

func unknownUsage(usage string) *thingpass.Error {
	return &thingpass.Error{Kind: thingpass.Invalid, Message: fmt.Sprintf("%q is neither %s nor %s", usage, PermissionsPolicy, PermissionsBoundary)}
}

// UpdateManagedPolicy reads a managed policy, lets modify change its Tags and
// writes them back. The error is NotFound or that of modify; then nothing is
// written.
func (db *DB) UpdateManagedPolicy(ctx context.Context, arn string, modify func(*thingpass.ManagedPolicy) error) error {
	return db.write(ctx, op{"update managed policy", arn}, func(t *tx) error {
		p, err := t.managed(arn, noManaged(arn))
		if err != nil {
			return err
		}
		id := p.ID
		if err := modify(&p); err != nil {
			return err
		}
		tags, err := jsonText(p.Tags)
		if err != nil {
			return err
		}
		_, err = t.exec(`update managed_policies set tags = $3 where account = $1 and id = $2`, id, tags)
		return err
	})
}

// DeleteManagedPolicy deletes a managed policy with its only version: NotFound,
// or Conflict while it is attached or a boundary, or has further versions.
func (db *DB) DeleteManagedPolicy(ctx context.Context, arn string) error {
	return db.write(ctx, op{"delete managed policy", arn}, func(t *tx) error {
		p, err := t.managed(arn, noManaged(arn))
		if err != nil {
			return err
		}
		if p.Attachments+p.Boundaries > 0 {
			return thingpass.Errorf(thingpass.Conflict, "Cannot delete a policy attached to entities.")
		}
		versions, err := t.exec(`delete from managed_policy_versions where account = $1 and policy_id = $2`, p.ID)
		if err != nil {
			return err
		}
		if versions > 1 {
			return thingpass.Errorf(thingpass.Conflict, "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		_, err = t.exec(`delete from managed_policies where account = $1 and id = $2`, p.ID)
		return err
	})
}
