package store

import (
	"context"
	"slices"

	"github.com/thingpass/thingpass"
)

// Quotas of AWS IoT for thing groups.
const (
	maxGroupsOfThing = 10
	maxGroupPolicies = 2
)

// join puts a thing into a group, both of which exist.
func (t *tx) join(thing, group string) error {
	n, err := t.exec(`insert into thing_group_members (account, thing, group_name) values ($1, $2, $3) on conflict do nothing`, thing, group)
	if err != nil || n == 0 {
		return err
	}
	// What two groups of a hierarchy always share is the root.
	relatives, err := many(t, text, `select m.group_name from thing_group_members m
		cross join thing_group_ancestors a cross join thing_group_ancestors b
		where m.account = $1 and m.thing = $2 and m.group_name <> $3
			and a.account = m.account and a.group_name = m.group_name
			and b.account = a.account and b.ancestor = a.ancestor and b.group_name = $3
		order by 1 limit 1`, thing, group)
	if err != nil {
		return err
	}
	if len(relatives) > 0 {
		return thingpass.Errorf(thingpass.Invalid, "Thing %s cannot be in two groups of the same hierarchy: it is in %s", thing, relatives[0])
	}
	groups, err := one(t, number, `select count(*) from thing_group_members where account = $1 and thing = $2`, thing)
	if err == nil && groups > maxGroupsOfThing {
		return thingpass.Errorf(thingpass.LimitExceeded, "Thing %s cannot be in more than %d groups", thing, maxGroupsOfThing)
	}
	return err
}

// leave takes a thing out of a group.
func (t *tx) leave(thing, group string) error {
	_, err := t.exec(`delete from thing_group_members where account = $1 and thing = $2 and group_name = $3`, thing, group)
	return err
}

// AddThingToGroup puts a thing into a thing group; what is in it stays. The
// error is NotFound for either, LimitExceeded when the thing is in ten groups, or
// Invalid when it is in another group of the same hierarchy. Sessions issued
// before go on.
func (db *DB) AddThingToGroup(ctx context.Context, thing, group string) error {
	return db.UpdateThingGroups(ctx, thing, []string{group}, nil)
}

// RemoveThingFromGroup takes a thing out of a thing group; what is not in it
// needs no removing. The error is NotFound for either.
func (db *DB) RemoveThingFromGroup(ctx context.Context, thing, group string) error {
	return db.UpdateThingGroups(ctx, thing, nil, []string{group})
}

// UpdateThingGroups takes a thing out of some groups and then puts it into
// others, all or nothing, so that it can be moved inside a hierarchy. The errors
// are those of AddThingToGroup and RemoveThingFromGroup.
func (db *DB) UpdateThingGroups(ctx context.Context, thing string, add, remove []string) error {
	return db.write(ctx, op{"update thing groups of", thing}, func(t *tx) error {
		for _, group := range slices.Concat(remove, add) {
			if _, err := t.group(group); err != nil {
				return err
			}
		}
		if _, err := t.thing(thing); err != nil {
			return err
		}
		for _, group := range remove {
			if err := t.leave(thing, group); err != nil {
				return err
			}
		}
		for _, group := range add {
			if err := t.join(thing, group); err != nil {
				return err
			}
		}
		return nil
	})
}

// GroupThings lists the things in a thing group by name, recursive with those in
// groups below it, or NotFound.
func (db *DB) GroupThings(ctx context.Context, group string, recursive bool, page thingpass.Page) ([]string, error) {
	return browse(ctx, db, op{"list things of thing group", group}, func(t *tx) ([]string, error) {
		if _, err := t.group(group); err != nil {
			return nil, err
		}
		query := `select m.thing from thing_group_members m where m.account = $1 and m.group_name = $2`
		if recursive {
			// No thing is in two groups of a hierarchy.
			query = `select m.thing from thing_group_ancestors a cross join thing_group_members m
				where a.account = $1 and a.ancestor = $2 and m.account = a.account and m.group_name = a.group_name`
		}
		return list(t, text, listing{query, "m.thing", page}, group)
	})
}

// ThingGroupsOf lists the names of the thing groups that a thing is in, without
// those above them, or NotFound.
func (db *DB) ThingGroupsOf(ctx context.Context, thing string, page thingpass.Page) ([]string, error) {
	return browse(ctx, db, op{"list thing groups of", thing}, func(t *tx) ([]string, error) {
		if _, err := t.thing(thing); err != nil {
			return nil, err
		}
		l := listing{`select group_name from thing_group_members where account = $1 and thing = $2`, "group_name", page}
		return list(t, text, l, thing)
	})
}

// AttachPolicyToGroup attaches an IoT policy to a thing group, so that it counts
// for all things in it and in the groups below. Attaching it again does nothing.
// The error is NotFound for either, or LimitExceeded when the group has two.
func (db *DB) AttachPolicyToGroup(ctx context.Context, policy, group string) error {
	return db.write(ctx, op{"attach policy", policy}, func(t *tx) error {
		if _, err := t.policy(policy); err != nil {
			return err
		}
		if _, err := t.group(group); err != nil {
			return err
		}
		n, err := t.exec(`insert into group_policy_attachments (account, group_name, policy) values ($1, $2, $3) on conflict do nothing`, group, policy)
		if err != nil || n == 0 {
			return err
		}
		attached, err := one(t, number, `select count(*) from group_policy_attachments where account = $1 and group_name = $2`, group)
		if err == nil && attached > maxGroupPolicies {
			return thingpass.Errorf(thingpass.LimitExceeded, "The thing group already has the maximum number of attached policies (%d)", maxGroupPolicies)
		}
		return err
	})
}

// DetachPolicyFromGroup detaches an IoT policy from a thing group. What is not
// attached, or does not exist, needs no detaching, as with DetachPolicy.
func (db *DB) DetachPolicyFromGroup(ctx context.Context, policy, group string) error {
	return db.write(ctx, op{"detach policy", policy}, func(t *tx) error {
		_, err := t.exec(`delete from group_policy_attachments where account = $1 and group_name = $2 and policy = $3`, group, policy)
		return err
	})
}

// GroupPolicies lists the policies of a thing group by name, recursive with
// those of the groups above it, or NotFound.
func (db *DB) GroupPolicies(ctx context.Context, group string, recursive bool, page thingpass.Page) ([]thingpass.Policy, error) {
	return browse(ctx, db, op{"list policies of thing group", group}, func(t *tx) ([]thingpass.Policy, error) {
		if _, err := t.group(group); err != nil {
			return nil, err
		}
		reach := ` and a.distance = 0`
		if recursive {
			reach = ``
		}
		query := selectPolicy + ` and p.name in (select x.policy from thing_group_ancestors a cross join group_policy_attachments x
			where a.account = $1 and a.group_name = $2 and x.account = a.account and x.group_name = a.ancestor` + reach + `)`
		return list(t, scanPolicy, listing{query, "p.name", page}, group)
	})
}
