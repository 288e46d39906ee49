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
)

// selectDevice reads all that an exchange needs of a certificate in one
// statement, so that it is one round trip and one state of the database. A group
// has a row for each of its policies, or one without a policy. SQLite, which does
// not know that the members of an account's groups are many, joins cross joins in
// the order in which they are written.
const selectDevice = `select 1, status, '', '', '', not_before, not_after, valid_after from devices where account = $1 and id = $2
	union all
	select 2, a.policy, '', '', p.document, 0, 0, 0 from policy_attachments a
		join policies p on p.account = a.account and p.name = a.policy
		where a.account = $1 and a.certificate = $2
	union all
	select 3, a.thing, coalesce(t.type, ''), '', t.attributes, a.exclusive, 0, a.since from thing_attachments a
		join things t on t.account = a.account and t.name = a.thing
		where a.account = $1 and a.certificate = $2
	union all
	select 4, a.thing, g.ancestor, coalesce(p.name, ''), coalesce(p.document, ''), 0, 0, 0 from thing_attachments a
		cross join thing_group_members m
		cross join thing_group_ancestors g
		left join group_policy_attachments x on x.account = g.account and x.group_name = g.ancestor
		left join policies p on p.account = x.account and p.name = x.policy
		where a.account = $1 and a.certificate = $2
			and m.account = a.account and m.thing = a.thing
			and g.account = m.account and g.group_name = m.group_name`

// deviceRow is one row of selectDevice.
type deviceRow struct {
	kind    int64
	a, b, c string // names
	text    string
	m, n    int64
	cutoff  int64
}

func scanDevice(row row) (r deviceRow, err error) {
	err = row.Scan(&r.kind, &r.a, &r.b, &r.c, &r.text, &r.m, &r.n, &r.cutoff)
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
			return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b), cmp.Compare(x.c, y.c))
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
			d.Policies = append(d.Policies, r.text)
		case thingRow:
			a := thingpass.Attachment{Thing: r.a, ThingType: r.b, Exclusive: r.m != 0, Since: timeOf(r.cutoff)}
			if r.text != "null" { // as most are; worth the look on this path
				if err := json.Unmarshal([]byte(r.text), &a.Attributes); err != nil {
					return d, err
				}
			}
			d.Things = append(d.Things, a)
		case groupRow:
			i, found := slices.BinarySearchFunc(d.Things, r.a, func(a thingpass.Attachment, thing string) int {
				return cmp.Compare(a.Thing, thing)
			})
			if found {
				grouped(&d.Things[i], r)
			}
		}
	}
	for _, a := range d.Things {
		slices.SortFunc(a.GroupPolicies, func(x, y thingpass.GroupPolicy) int {
			return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Group, y.Group))
		})
	}
	return d, nil
}

// grouped adds a row of a group, which come ordered by group, to a thing.
func grouped(a *thingpass.Attachment, r deviceRow) {
	if n := len(a.Groups); n == 0 || a.Groups[n-1] != r.b {
		a.Groups = append(a.Groups, r.b)
	}
	if r.c != "" {
		a.GroupPolicies = append(a.GroupPolicies, thingpass.GroupPolicy{Group: r.b, Name: r.c, Document: r.text})
	}
}
