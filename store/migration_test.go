package store_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/store/storetest"
)

// oldInstallation is what a program that knew only 0001 has left.
const oldInstallation = `
create table schema_migrations (version bigint not null primary key, name text not null, applied bigint not null);
insert into schema_migrations values (1, '0001_nouns', 0);
insert into installations values ('123456789012', 'us-east-1', 'aendpoint', 0);
insert into roles values ('123456789012', 'AROA1', 'role', 'Role', '/', '{}', 'null', '', 3600, 0, 'null');
insert into role_policies values ('123456789012', 'AROA1', 'inline', 'document');
insert into users values ('123456789012', 'AIDA1', 'admin', 'Admin', '/', 0);
insert into user_policies values ('123456789012', 'AIDA1', 'all', 'everything');
insert into access_keys values ('123456789012', 'AKIA1', 'AIDA1', 'secret', 1, 0);
insert into policies values ('123456789012', 'p', 'document of p', '1', 5000, 6000, 'g');
insert into policies values ('123456789012', 'q', 'document of q', '1', 5000, 6000, 'g');
insert into devices values ('123456789012', '%[1]s', 'ACTIVE', 0, 0, 0);
insert into policy_attachments values ('123456789012', '%[1]s', 'p');
insert into thing_types values ('123456789012', 'lamp', 'uuid', '', 'null', -62135596800000, 0);
insert into things values ('123456789012', 'thing', 'uuid', 'lamp', '{"a":"1"}', 1, 0);
insert into thing_attributes values ('123456789012', 'a', '1', 'thing');
insert into thing_attachments values ('123456789012', '%[1]s', 'thing', 0, 0);
insert into tags values ('123456789012', 'policy', 'p', 'k', 'v');
`

// An installation of the first schema is brought up to date with everything in
// it.
func TestMigrateFirstSchema(t *testing.T) {
	for _, engine := range storetest.Engines(t) {
		t.Run(engine.Name, func(t *testing.T) {
			dsn := engine.New(t)
			if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
				must(t, os.WriteFile(path, nil, 0o600))
			}
			first := got(os.ReadFile("migrations/0001_nouns.sql"))(t)
			raw(t, dsn, string(first)+fmt.Sprintf(oldInstallation, id(1)))
			for try := range 2 { // and again, when there is nothing left to do
				db := got(store.Open(t.Context(), dsn, here))(t)
				checkMigrated(t, db)
				if n := len(db.Applied); (n > 0) != (try == 0) || n > 0 && !strings.HasPrefix(db.Applied[0], "0002_") {
					t.Errorf("opened for the %d. time: applied %q", try+1, db.Applied)
				}
				must(t, db.Close())
			}
			db := got(store.Open(t.Context(), dsn, here))(t)
			defer func() { must(t, db.Close()) }()
			useMigrated(t, db)
		})
	}
}

func checkMigrated(t *testing.T, db *store.DB) {
	t.Helper()
	ctx, begin := t.Context(), time.UnixMilli(0).UTC()
	same(t, got(db.RoleByID(ctx, "AROA1"))(t), thingpass.RoleGrants{
		Role:   thingpass.Role{Name: "Role", Path: "/", ID: "AROA1", TrustPolicy: "{}", MaxSessionDuration: time.Hour, Created: begin},
		Grants: thingpass.Grants{Inline: []thingpass.InlinePolicy{{Name: "inline", Document: "document"}}},
	})
	key, user, err := db.AccessKey(ctx, "AKIA1")
	must(t, err)
	same(t, key, thingpass.AccessKey{ID: "AKIA1", Secret: thingpass.NewSecret("secret"), User: "Admin", Active: true, Created: begin})
	same(t, user, thingpass.User{
		Name: "Admin", Path: "/", ID: "AIDA1", Created: begin,
		Grants: thingpass.Grants{Inline: []thingpass.InlinePolicy{{Name: "all", Document: "everything"}}},
	})
	same(t, got(db.Device(ctx, id(1)))(t), thingpass.Device{
		CertificateID: id(1), Status: thingpass.Active, NotBefore: begin, NotAfter: begin, ValidAfter: begin,
		Policies: []string{"document of p"}, PolicyNames: []string{"p"},
		Things: []thingpass.Attachment{{Thing: "thing", ThingType: "lamp", Since: begin, Attributes: map[string]string{"a": "1"}}},
	})
	for _, name := range []string{"p", "q"} {
		same(t, got(db.PolicyVersions(ctx, name))(t), []thingpass.PolicyVersion{
			{ID: "1", Document: "document of " + name, Default: true, Created: time.UnixMilli(5000).UTC()},
		})
	}
	same(t, got(db.Tags(ctx, "policy", "p"))(t), []thingpass.Tag{{Key: "k", Value: "v"}})
}

// useMigrated does to old rows what only the new schema can.
func useMigrated(t *testing.T, db *store.DB) {
	t.Helper()
	ctx := t.Context()
	same(t, got(db.CreatePolicyVersion(ctx, "p", "two", true))(t).ID, "2")
	same(t, got(db.Device(ctx, id(1)))(t).Policies, []string{"two"})
	must(t, db.DeletePolicy(ctx, "q"))
	arn := managed(t, db, "m")
	must(t, db.AttachRolePolicy(ctx, "Role", arn))
	must(t, db.UpdateUser(ctx, "Admin", func(u *thingpass.User) error {
		u.Tags, u.PermissionsBoundary = []thingpass.Tag{{Key: "k", Value: "v"}}, arn
		return nil
	}))
	same(t, got(db.User(ctx, "Admin"))(t).Boundary.ARN, arn)
	group(t, db, "g", "")
	must(t, db.AddThingToGroup(ctx, "thing", "g"))
	same(t, got(db.Device(ctx, id(1)))(t).Things[0].Groups, []string{"g"})
}
