package store

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
)

// holder is the kind of what policies belong to: it is in the names of the
// tables and columns that hold them.
type holder string

const (
	roleHolder holder = "role"
	userHolder holder = "user"
)

// sql puts the kind of holder into a statement.
func (h holder) sql(statement string) string {
	return strings.ReplaceAll(statement, "HOLDER", string(h))
}

// The kinds of row that a query of grantsQuery answers, in the order in which
// they are put together.
const (
	holderRow   = 1
	inlineRow   = 2
	managedRow  = 3
	boundaryRow = 4
	keyRow      = 5
)

// Where the columns of a holder and of a key are in a grantRow.
const (
	roleSelf  = `h.id, h.name, h.path, h.tags, h.trust, h.trust_ids, h.description, h.created, h.max_session`
	userSelf  = `h.id, h.name, h.path, h.tags, '', '', '', h.created, 0`
	keySelf   = `k.id, k.secret, cast(k.valid_after as text), '', '', '', '', k.created, k.active`
	ofManaged = `m.name, v.document, m.path, '', '', '', '', 0, 0`

	// SQLite, which does not know how much is in a table, joins cross joins in
	// the order in which they are written.
	andManaged   = ` cross join managed_policies m cross join managed_policy_versions v`
	whereManaged = ` and a.account = h.account and a.HOLDER_id = h.id
		and m.account = a.account and m.id = a.policy_id
		and v.account = m.account and v.policy_id = m.id and v.version = m.version`
)

// The hot reads of roles, users and keys. They never change.
var (
	selectRoleByID   = grantsQuery(roleHolder, roleSelf, ` from roles h`, ` where h.account = $1 and h.id = $2`)
	selectRoleByName = grantsQuery(roleHolder, roleSelf, ` from roles h`, ` where h.account = $1 and h.name_key = $2`)
	selectUser       = grantsQuery(userHolder, userSelf, ` from users h`, ` where h.account = $1 and h.name_key = $2`)
	selectAccessKey  = grantsQuery(userHolder, userSelf, fromKey, whereKey) +
		` union all select 5, ` + keySelf + fromKey + whereKey
)

const (
	fromKey  = ` from access_keys k join users h on h.account = k.account and h.id = k.user_id`
	whereKey = ` where k.account = $1 and k.id = $2`
)

// grantsQuery reads a holder with everything that decides what it may do in one
// statement, so that it is one round trip and one state of the database.
func grantsQuery(h holder, self, from, where string) string {
	return h.sql(`select 1, ` + self + from + where +
		` union all select 2, p.name, p.document, '', '', '', '', '', 0, 0` + from +
		` cross join HOLDER_policies p` + where + ` and p.account = h.account and p.HOLDER_id = h.id` +
		` union all select 3, ` + ofManaged + from + ` cross join HOLDER_managed a` + andManaged + where + whereManaged +
		` union all select 4, ` + ofManaged + from + ` cross join HOLDER_boundaries a` + andManaged + where + whereManaged)
}

// grantRow is one row of a query of grantsQuery.
type grantRow struct {
	kind int64
	text [7]string
	m, n int64
}

func scanGrant(row row) (r grantRow, err error) {
	x := &r.text
	err = row.Scan(&r.kind, &x[0], &x[1], &x[2], &x[3], &x[4], &x[5], &x[6], &r.m, &r.n)
	return r, err
}

// granted runs a query of grantsQuery. The first row is the holder's.
func (t *tx) granted(missing *thingpass.Error, query, key string) ([]grantRow, error) {
	rows, err := many(t, scanGrant, query, key)
	if err != nil {
		return nil, err
	}
	// The order of a union is nowhere promised.
	slices.SortFunc(rows, func(x, y grantRow) int {
		return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.text[0], y.text[0]))
	})
	if len(rows) == 0 || rows[0].kind != holderRow {
		return nil, missing
	}
	return rows, nil
}

// grantsOf puts together what rows say of policies.
func (db *DB) grantsOf(rows []grantRow) (g thingpass.Grants) {
	for _, r := range rows {
		switch r.kind {
		case inlineRow:
			g.Inline = append(g.Inline, thingpass.InlinePolicy{Name: r.text[0], Document: r.text[1]})
		case managedRow:
			g.Managed = append(g.Managed, db.managedDocument(r))
		case boundaryRow:
			boundary := db.managedDocument(r)
			g.Boundary = &boundary
		}
	}
	slices.SortFunc(g.Managed, func(x, y thingpass.ManagedDocument) int { return cmp.Compare(x.ARN, y.ARN) })
	return g
}

func (db *DB) managedDocument(r grantRow) thingpass.ManagedDocument {
	return thingpass.ManagedDocument{ARN: db.place.ManagedPolicy(r.text[2], r.text[0]), Document: r.text[1]}
}

// boundaryARN is the boundary of grants, or "".
func boundaryARN(g thingpass.Grants) string {
	if g.Boundary == nil {
		return ""
	}
	return g.Boundary.ARN
}

// roleOf puts a role together.
func (db *DB) roleOf(rows []grantRow) (g thingpass.RoleGrants, err error) {
	x := &rows[0].text
	g.Grants = db.grantsOf(rows)
	g.Role = thingpass.Role{
		ID: x[0], Name: x[1], Path: x[2], TrustPolicy: x[4], Description: x[6],
		Created: timeOf(rows[0].m), MaxSessionDuration: durationOf(rows[0].n), PermissionsBoundary: boundaryARN(g.Grants),
	}
	return g, roleTexts{trustIDs: x[5], tags: x[3]}.into(&g.Role)
}

// userOf puts a user together.
func (db *DB) userOf(rows []grantRow) (u thingpass.User, err error) {
	x := &rows[0].text
	u = thingpass.User{ID: x[0], Name: x[1], Path: x[2], Created: timeOf(rows[0].m), Grants: db.grantsOf(rows)}
	u.PermissionsBoundary = boundaryARN(u.Grants)
	return u, json.Unmarshal([]byte(x[3]), &u.Tags)
}

// The boundary of a holder, to be joined to h in lists.
const (
	boundaryColumns = `coalesce(m.path, ''), coalesce(m.name, '')`
	joinBoundary    = ` left join HOLDER_boundaries b on b.account = h.account and b.HOLDER_id = h.id
		left join managed_policies m on m.account = b.account and m.id = b.policy_id`
)

// named is the ARN of the managed policy with that path and name, or "" for
// none.
func (db *DB) named(path, name string) string {
	if name == "" {
		return ""
	}
	return db.place.ManagedPolicy(path, name)
}

// bound makes a managed policy the boundary of a holder, or with "" takes the
// boundary away.
func (t *tx) bound(h holder, id, arn string) error {
	if arn == "" {
		_, err := t.exec(h.sql(`delete from HOLDER_boundaries where account = $1 and HOLDER_id = $2`), id)
		return err
	}
	policy, err := t.managed(arn, thingpass.Errorf(thingpass.NotFound, "Scope ARN: %s does not exist or is not attachable.", arn))
	if err != nil {
		return err
	}
	_, err = t.exec(h.sql(`insert into HOLDER_boundaries (account, HOLDER_id, policy_id) values ($1, $2, $3)
		on conflict (account, HOLDER_id) do update set policy_id = excluded.policy_id`), id, policy.ID)
	return err
}

// unused returns Conflict while a holder has policies. Its boundary does not
// hold it.
func unused(g thingpass.Grants) error {
	switch {
	case len(g.Inline) > 0:
		return thingpass.Errorf(thingpass.Conflict, "Cannot delete entity, must delete policies first.")
	case len(g.Managed) > 0:
		return thingpass.Errorf(thingpass.Conflict, "Cannot delete entity, must detach all policies first.")
	}
	return nil
}

// remove deletes a holder that has no policies.
func (t *tx) remove(h holder, id string) error {
	if err := t.bound(h, id, ""); err != nil {
		return err
	}
	_, err := t.exec(h.sql(`delete from HOLDERs where account = $1 and id = $2`), id)
	return err
}
