package store

import (
	"context"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
)

// maxAttachedPolicies is how many IoT policies a certificate may have (quota of
// AWS IoT).
const maxAttachedPolicies = 10

const (
	policyColumns = `p.name, p.document, p.version, p.created, p.modified, p.generation`
	selectPolicy  = `select ` + policyColumns + ` from policies p where p.account = $1`
)

func scanPolicy(row row) (p thingpass.Policy, err error) {
	err = row.Scan(&p.Name, &p.Document, &p.VersionID, (*instant)(&p.Created), (*instant)(&p.Modified), &p.Generation)
	return p, err
}

func noPolicy(name string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "Policy not found (name=%s)", name)
}

func (t *tx) policy(name string) (thingpass.Policy, error) {
	p, err := one(t, scanPolicy, selectPolicy+` and p.name = $2`, name)
	return p, orMissing(err, noPolicy(name))
}

// CreatePolicy stores a new IoT policy with its tags and its Document as version
// 1, or Exists. What is empty of Created, Modified and Generation is filled in.
func (db *DB) CreatePolicy(ctx context.Context, p thingpass.Policy) error {
	p.Created = or(p.Created, db.Now)
	p.Modified = or(p.Modified, p.Created.UTC)
	p.Generation = or(p.Generation, newUUID)
	return db.write(ctx, op{"create policy", p.Name}, func(t *tx) error {
		n, err := t.exec(`insert into policies (account, name, document, version, created, modified, generation)
			values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
			p.Name, p.Document, "1", millis(p.Created), millis(p.Modified), p.Generation)
		exists := already(db.place.Policy(p.Name), p.Name, "Policy cannot be created - name already exists (name="+p.Name+")")
		if err := taken(n, err, exists); err != nil {
			return err
		}
		if err := t.addVersion(p.Name, p.Document, 1, millis(p.Created)); err != nil {
			return err
		}
		return t.tag(policyTags, p.Name, p.Tags)
	})
}

// Policy returns an IoT policy, or NotFound.
func (db *DB) Policy(ctx context.Context, name string) (thingpass.Policy, error) {
	return read(ctx, db, op{"read policy", name}, func(t *tx) (thingpass.Policy, error) { return t.policy(name) })
}

// Policies lists the IoT policies by name.
func (db *DB) Policies(ctx context.Context, page thingpass.Page) ([]thingpass.Policy, error) {
	return browse(ctx, db, op{verb: "list policies"}, func(t *tx) ([]thingpass.Policy, error) {
		return list(t, scanPolicy, listing{selectPolicy, "p.name", page})
	})
}

// DeletePolicy deletes an IoT policy with its only version and its tags:
// NotFound, or Conflict while it is attached or has further versions.
func (db *DB) DeletePolicy(ctx context.Context, name string) error {
	return db.write(ctx, op{"delete policy", name}, func(t *tx) error {
		if _, err := t.policy(name); err != nil {
			return err
		}
		attached, err := one(t, number, `select (select count(*) from (select 1 from policy_attachments where account = $1 and policy = $2 order by certificate limit 1) bounded) +
			(select count(*) from group_policy_attachments where account = $1 and policy = $2)`, name)
		if err != nil {
			return err
		}
		if attached > 0 {
			return thingpass.Errorf(thingpass.Conflict, "The policy cannot be deleted as the policy is attached to one or more principals (name=%s)", name)
		}
		versions, err := t.exec(`delete from policy_versions where account = $1 and policy = $2`, name)
		if err != nil {
			return err
		}
		if versions > 1 {
			return thingpass.Errorf(thingpass.Conflict, "Cannot delete the policy because it has one or more policy versions attached to it (name=%s)", name)
		}
		if _, err := t.exec(`delete from policies where account = $1 and name = $2`, name); err != nil {
			return err
		}
		return t.untagAll(policyTags, name)
	})
}

// AttachPolicy attaches an IoT policy to a certificate. Attaching it again does
// nothing. The error is NotFound for either, or LimitExceeded when the
// certificate has ten policies.
func (db *DB) AttachPolicy(ctx context.Context, policy, certificateID string) error {
	return db.write(ctx, op{"attach policy", policy}, func(t *tx) error {
		if _, err := t.policy(policy); err != nil {
			return err
		}
		if _, err := t.status(certificateID); err != nil {
			return err
		}
		n, err := t.exec(`insert into policy_attachments (account, certificate, policy) values ($1, $2, $3)
			on conflict do nothing`, certificateID, policy)
		if err != nil || n == 0 {
			return err
		}
		attached, err := one(t, number, `select count(*) from policy_attachments where account = $1 and certificate = $2`, certificateID)
		if err == nil && attached > maxAttachedPolicies {
			return thingpass.Errorf(thingpass.LimitExceeded, "The certificate already has the maximum number of attached policies (%d)", maxAttachedPolicies)
		}
		return err
	})
}

// DetachPolicy detaches an IoT policy from a certificate. What is not attached,
// or does not exist, needs no detaching: AWS models no NotFound here.
func (db *DB) DetachPolicy(ctx context.Context, policy, certificateID string) error {
	return db.write(ctx, op{"detach policy", policy}, func(t *tx) error {
		_, err := t.exec(`delete from policy_attachments where account = $1 and certificate = $2 and policy = $3`, certificateID, policy)
		return err
	})
}

// AttachedPolicies lists the policies of a certificate by name, or NotFound.
func (db *DB) AttachedPolicies(ctx context.Context, certificateID string, page thingpass.Page) ([]thingpass.Policy, error) {
	return browse(ctx, db, op{"list policies of certificate", certificateID}, func(t *tx) ([]thingpass.Policy, error) {
		if _, err := t.status(certificateID); err != nil {
			return nil, err
		}
		l := listing{`select ` + policyColumns + ` from policy_attachments a
			join policies p on p.account = a.account and p.name = a.policy
			where a.account = $1 and a.certificate = $2`, "a.policy", page}
		return list(t, scanPolicy, l, certificateID)
	})
}

// PolicyTargets lists the ARNs of the certificates and thing groups that a
// policy is attached to, or NotFound.
func (db *DB) PolicyTargets(ctx context.Context, policy string, page thingpass.Page) ([]string, error) {
	return browse(ctx, db, op{"list targets of policy", policy}, func(t *tx) (targets []string, err error) {
		if _, err := t.policy(policy); err != nil {
			return nil, err
		}
		// The ARNs of certificates come before those of thing groups.
		sources := []targetSource{
			{db.place.Certificate(""), listing{query: `select certificate from policy_attachments where account = $1 and policy = $2`, by: "certificate"}},
			{db.place.ThingGroup(""), listing{query: `select group_name from group_policy_attachments where account = $1 and policy = $2`, by: "group_name"}},
		}
		if page.Descending {
			slices.Reverse(sources)
		}
		for _, s := range sources {
			some, err := t.targets(s, policy, page)
			if err != nil {
				return nil, err
			}
			targets = append(targets, some...)
			if page.Limit > 0 {
				if page.Limit -= len(some); page.Limit == 0 {
					break
				}
			}
		}
		return targets, nil
	})
}

// targetSource is a list of names that become ARNs by putting prefix before
// them.
type targetSource struct {
	prefix string
	names  listing
}

// targets returns those of a source that are on a page of ARNs.
func (t *tx) targets(s targetSource, policy string, page thingpass.Page) ([]string, error) {
	after, inside := strings.CutPrefix(page.After, s.prefix)
	switch {
	case inside:
		page.After = after
	case page.After != "" && page.After > s.prefix != page.Descending:
		return nil, nil // the page begins behind them
	default:
		page.After = ""
	}
	s.names.page = page
	names, err := list(t, text, s.names, policy)
	for i := range names {
		names[i] = s.prefix + names[i]
	}
	return names, err
}
