package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

func TestPolicyVersions(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c := certificate(t, db, 1, thingpass.Active)
		policy(t, db, "p")
		policy(t, db, "other")
		must(t, db.AttachPolicy(ctx, "p", c))
		document := func() string {
			t.Helper()
			p := got(db.Policy(ctx, "p"))(t)
			same(t, got(db.Device(ctx, c))(t).Policies, []string{p.Document})
			return p.VersionID + " " + p.Document
		}
		later := noon.Add(time.Minute)
		db.Now = func() time.Time { return later }
		same(t, got(db.CreatePolicyVersion(ctx, "p", "two", false))(t), thingpass.PolicyVersion{ID: "2", Document: "two", Created: later})
		same(t, document(), "1 document of p")
		same(t, got(db.CreatePolicyVersion(ctx, "p", "three", true))(t), thingpass.PolicyVersion{ID: "3", Document: "three", Default: true, Created: later})
		same(t, document(), "3 three")
		p := got(db.Policy(ctx, "p"))(t)
		same(t, []time.Time{p.Created, p.Modified}, []time.Time{noon, later})

		refused(t, db.DeletePolicyVersion(ctx, "p", "3"), thingpass.Conflict, "Cannot delete the default version of a policy")
		must(t, db.SetDefaultPolicyVersion(ctx, "p", "1"))
		must(t, db.SetDefaultPolicyVersion(ctx, "p", "1"))
		same(t, document(), "1 document of p")
		same(t, got(db.PolicyVersion(ctx, "p", "1"))(t), thingpass.PolicyVersion{ID: "1", Document: "document of p", Default: true, Created: noon})
		must(t, db.DeletePolicyVersion(ctx, "p", "3"))
		for want := 4; want <= 6; want++ { // numbers are never used again
			same(t, got(db.CreatePolicyVersion(ctx, "p", "more", false))(t).ID, fmt.Sprint(want))
		}
		_, err := db.CreatePolicyVersion(ctx, "p", "more", true)
		refused(t, err, thingpass.VersionsLimit, "The policy p already has the maximum number of versions (5)")
		same(t, document(), "1 document of p")

		ids := func(name string) []string {
			all, err := db.PolicyVersions(ctx, name)
			return got(named(all, err, func(v thingpass.PolicyVersion) string { return v.ID }))(t)
		}
		same(t, ids("p"), []string{"6", "5", "4", "2", "1"})
		same(t, ids("other"), []string{"1"})

		for _, id := range []string{"3", "7", "0", "01", "+1", "v1", "", "99999999999999999999"} {
			_, err := db.PolicyVersion(ctx, "p", id)
			for _, err := range []error{err, db.SetDefaultPolicyVersion(ctx, "p", id), db.DeletePolicyVersion(ctx, "p", id)} {
				refused(t, err, thingpass.NotFound, "Policy version not found (name=p, version="+id+")")
			}
		}
		_, read := db.PolicyVersion(ctx, "none", "1")
		_, list := db.PolicyVersions(ctx, "none")
		_, create := db.CreatePolicyVersion(ctx, "none", "", true)
		for _, err := range []error{read, list, create, db.SetDefaultPolicyVersion(ctx, "none", "1"), db.DeletePolicyVersion(ctx, "none", "1")} {
			refused(t, err, thingpass.NotFound, "Policy not found (name=none)")
		}

		must(t, db.DetachPolicy(ctx, "p", c))
		refused(t, db.DeletePolicy(ctx, "p"), thingpass.Conflict, "one or more policy versions attached to it (name=p)")
		same(t, ids("p"), []string{"6", "5", "4", "2", "1"})
		for _, id := range []string{"2", "4", "5", "6"} {
			must(t, db.DeletePolicyVersion(ctx, "p", id))
		}
		must(t, db.DeletePolicy(ctx, "p"))
		policy(t, db, "p")
		same(t, ids("p"), []string{"1"})
	})
}

func TestBucketPolicy(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		recent := store.NewRecent(db)
		same(t, got(recent.BucketPolicy(ctx, "b"))(t), "")
		_, err := db.BucketPolicy(ctx, "b")
		refused(t, err, thingpass.NotFound, "The bucket policy does not exist")
		must(t, db.DeleteBucketPolicy(ctx, "b"))
		for _, document := range []string{"one", "two"} {
			must(t, db.PutBucketPolicy(ctx, "b", document))
			same(t, got(db.BucketPolicy(ctx, "b"))(t), document)
			eventually(t, func() bool { return got(recent.BucketPolicy(ctx, "b"))(t) == document })
		}
		must(t, db.DeleteBucketPolicy(ctx, "b"))
		eventually(t, func() bool { return got(recent.BucketPolicy(ctx, "b"))(t) == "" })
	})
}

// eventually waits until what Recent keeps must be too old.
func eventually(t *testing.T, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * store.Staleness)
	for !f() {
		if time.Now().After(deadline) {
			t.Fatal("an answer is older than it may be")
		}
		time.Sleep(store.Staleness / 10)
	}
}

func TestRecentManagedPolicy(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		recent := store.NewRecent(db)
		arn := here.ManagedPolicy("/", "m")
		_, err := recent.ManagedPolicy(ctx, arn)
		refused(t, err, thingpass.NotFound, "Policy "+arn+" was not found.")
		managed(t, db, "m")
		same(t, got(recent.ManagedPolicy(ctx, arn))(t), thingpass.ManagedDocument{ARN: arn, Document: "document of m"})
		must(t, db.DeleteManagedPolicy(ctx, arn))
		eventually(t, func() bool {
			_, err := recent.ManagedPolicy(ctx, arn)
			return thingpass.KindOf(err) == thingpass.NotFound
		})
	})
}
