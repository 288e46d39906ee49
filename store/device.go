package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/thingpass/thingpass"
)

// The kinds of row that selectDevice answers.
const (
	certificateRow = 1
	policyRow      = 2
	thingRow       = 3
)

// selectDevice reads all that an exchange needs of a certificate in one
// statement, so that it is one round trip and one state of the database.
const selectDevice = `select 1, status, '', not_before, not_after, valid_after from devices where account = $1 and id = $2
	union all
	select 2, a.policy, p.document, 0, 0, 0 from policy_attachments a
		join policies p on p.account = a.account and p.name = a.policy
		where a.account = $1 and a.certificate = $2
	union all
	select 3, a.thing, coalesce(t.type, ''), a.exclusive, 0, a.since from thing_attachments a
		join things t on t.account = a.account and t.name = a.thing
		where a.account = $1 and a.certificate = $2`

// deviceRow is one row of selectDevice.
type deviceRow struct {
	kind   int64
	a, b   string
	m, n   int64
	cutoff int64
}

func scanDevice(row row) (r deviceRow, err error) {
	err = row.Scan(&r.kind, &r.a, &r.b, &r.m, &r.n, &r.cutoff)
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
		slices.SortFunc(rows, func(x, y deviceRow) int { return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.a, y.a)) })
		if len(rows) == 0 || rows[0].kind != certificateRow {
			return thingpass.Device{}, noCertificate(certificateID)
		}
		return deviceOf(certificateID, rows), nil
	})
}

func deviceOf(id string, rows []deviceRow) thingpass.Device {
	d := thingpass.Device{CertificateID: id}
	for _, r := range rows {
		switch r.kind {
		case certificateRow:
			d.Status = thingpass.CertificateStatus(r.a)
			d.NotBefore, d.NotAfter = time.UnixMilli(r.m).UTC(), time.UnixMilli(r.n).UTC()
			d.ValidAfter = time.UnixMilli(r.cutoff).UTC()
		case policyRow:
			d.PolicyNames = append(d.PolicyNames, r.a)
			d.Policies = append(d.Policies, r.b)
		case thingRow:
			d.Things = append(d.Things, thingpass.Attachment{
				Thing: r.a, ThingType: r.b, Exclusive: r.m != 0, Since: time.UnixMilli(r.cutoff).UTC(),
			})
		}
	}
	return d
}
