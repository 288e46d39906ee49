package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/thingpass/thingpass"
)

// The kinds of row that selectDevice answers, in the order in which they are
// put together.
const (
	certificateRow = 1
	policyRow      = 2
	thingRow       = 3
	groupRow       = 4
	groupPolicyRow = 5
)

// selectDevice reads all that an exchange needs of a certificate in one
// statement, so that it is one round trip and one state of the database.
const selectDevice = `select 1, status, '', '', not_before, not_after, valid_after from devices where account = $1 and id = $2
	union all
	select 2, a.policy, p.document, '', 0, 0, 0 from policy_attachments a
		join policies p on p.account = a.account and p.name = a.policy
		where a.account = $1 and a.certificate = $2
	union all
	select 3, a.thing, coalesce(t.type, ''), t.attributes, a.exclusive, 0, a.since from thing_attachments a
		join things t on t.account = a.account and t.name = a.thing
		where a.account = $1 and a.certificate = $2
	union all
	select 4, a.thing, g.ancestor, '', 0, 0, 0 from thing_attachments a
		join thing_group_members m on m.account = a.account and m.thing = a.thing
		join thing_group_ancestors g on g.account = m.account and g.group_name = m.group_name
		where a.account = $1 and a.certificate = $2
	union all
	select 5, p.name, g.ancestor, p.document, 0, 0, 0 from thing_attachments a
		join thing_group_members m on m.account = a.account and m.thing = a.thing
		join thing_group_ancestors g on g.account = m.account and g.group_name = m.group_name
		join group_policy_attachments x on x.account = g.account and x.group_name = g.ancestor
		join policies p on p.account = x.account and p.name = x.policy
		where a.account = $1 and a.certificate = $2`

// deviceRow is one row of selectDevice.
type deviceRow struct {
	kind    int64
	a, b, c string
	m, n    int64
	cutoff  int64
}

func scanDevice(row row) (r deviceRow, err error) {
	err = row.Scan(&r.kind, &r.a, &r.b, &r.c, &r.m, &r.n, &r.cutoff)
	return r, err
}

// Device returns what decides about a certificate's requests, whatever its
// status, or NotFound. It is the hottest read and does not touch the DER.
func (db *DB) Device(ctx context.Context, certificateID string) (thingpass.Device, error) {
	return read(ctx, db, op{"read device", certificateID}, func(t *tx) (thingpass.Device, error) {
		rows, err := many(t, scanDevice, selectDevice, certificateID)
		if err != nil {
			return thingpass.Device{}, err
		}
		// The order of a union is nowhere promised.
		slices.SortFunc(rows, func(x, y deviceRow) int {
			return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
		})
		if len(rows) == 0 || rows[0].kind != certificateRow {
			return thingpass.Device{}, noCertificate(certificateID)
		}
		return deviceOf(certificateID, rows)
	})
}

func deviceOf(id string, rows []deviceRow) (thingpass.Device, error) {
	d := thingpass.Device{CertificateID: id}
	for _, r := range rows {
		switch r.kind {
		case certificateRow:
			d.Status = thingpass.CertificateStatus(r.a)
			d.NotBefore, d.NotAfter, d.ValidAfter = timeOf(r.m), timeOf(r.n), timeOf(r.cutoff)
		case policyRow:
			d.PolicyNames = append(d.PolicyNames, r.a)
			d.Policies = append(d.Policies, r.b)
		case thingRow:
			a := thingpass.Attachment{Thing: r.a, ThingType: r.b, Exclusive: r.m != 0, Since: timeOf(r.cutoff)}
			if err := json.Unmarshal([]byte(r.c), &a.Attributes); err != nil {
				return d, err
			}
			d.Things = append(d.Things, a)
		case groupRow:
			if i, ok := thingAt(&d, r.a); ok {
				d.Things[i].Groups = append(d.Things[i].Groups, r.b)
			}
		case groupPolicyRow:
			givePolicy(&d, thingpass.GroupPolicy{Group: r.b, Name: r.a, Document: r.c})
		}
	}
	return d, nil
}

// thingAt finds an attached thing, which are ordered by name.
func thingAt(d *thingpass.Device, name string) (int, bool) {
	return slices.BinarySearchFunc(d.Things, name, func(a thingpass.Attachment, name string) int { return cmp.Compare(a.Thing, name) })
}

// givePolicy gives a policy of a group to the things in the group, once:
// several things have a row each for it, one after the other.
func givePolicy(d *thingpass.Device, p thingpass.GroupPolicy) {
	for i := range d.Things {
		a := &d.Things[i]
		if _, in := slices.BinarySearch(a.Groups, p.Group); !in {
			continue
		}
		if n := len(a.GroupPolicies); n == 0 || a.GroupPolicies[n-1] != p {
			a.GroupPolicies = append(a.GroupPolicies, p)
		}
	}
}
