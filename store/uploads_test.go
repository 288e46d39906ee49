package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

func TestUploads(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		now := noon
		db.Now = func() time.Time { return now }
		_, err := db.Upload(ctx, "u")
		refused(t, err, thingpass.NotFound, "The upload does not exist")
		u := thingpass.Upload{ID: "u", Owner: "me", Algorithm: "crc32", ChecksumType: "COMPOSITE"}
		must(t, db.SaveUpload(ctx, u))
		same(t, got(db.Upload(ctx, "u"))(t), u)
		part := func(n int, sum string) thingpass.UploadPart {
			return thingpass.UploadPart{Number: n, ETag: "e", Size: 6 << 30, Algorithm: "crc32", Checksum: sum}
		}
		must(t, db.PutUploadPart(ctx, "u", "other", part(10000, "x")))
		must(t, db.PutUploadPart(ctx, "u", "me", part(1, "a")))
		must(t, db.PutUploadPart(ctx, "u", "me", part(1, "b")))
		must(t, db.PutUploadPart(ctx, "unplanned", "me", part(2, "c")))
		same(t, got(db.UploadParts(ctx, "u"))(t), []thingpass.UploadPart{part(1, "b"), part(10000, "x")})
		same(t, got(db.Upload(ctx, "u"))(t), u)
		same(t, got(db.Upload(ctx, "unplanned"))(t), thingpass.Upload{ID: "unplanned", Owner: "me"})

		// A part keeps its upload; one that has ended is kept for an hour.
		now = noon.Add(store.UploadAge - time.Minute)
		must(t, db.PutUploadPart(ctx, "u", "me", part(3, "d")))
		u.Ended = "as"
		now = now.Add(2 * time.Minute)
		must(t, db.SaveUpload(ctx, thingpass.Upload{ID: "new", Owner: "me"}))
		_, err = db.Upload(ctx, "unplanned")
		refused(t, err, thingpass.NotFound, "The upload does not exist")
		same(t, len(got(db.UploadParts(ctx, "unplanned"))(t)), 0)
		must(t, db.SaveUpload(ctx, u))
		same(t, got(db.Upload(ctx, "u"))(t), u)
		same(t, len(got(db.UploadParts(ctx, "u"))(t)), 3)
		now = now.Add(store.EndedUploadAge + time.Second)
		must(t, db.SaveUpload(ctx, thingpass.Upload{ID: "new", Owner: "me"}))
		_, err = db.Upload(ctx, "u")
		refused(t, err, thingpass.NotFound, "The upload does not exist")
	})
}

// Of one owner the latest are kept, and of others all.
func TestManyUploads(t *testing.T) {
	db := create(t, "sqlite:"+filepath.Join(t.TempDir(), "thingpass.db"))
	ctx := t.Context()
	now := noon
	db.Now = func() time.Time { return now }
	must(t, db.SaveUpload(ctx, thingpass.Upload{ID: "of another", Owner: "another"}))
	for i := range store.MaxUploads + 3 {
		now = now.Add(time.Second)
		must(t, db.PutUploadPart(ctx, fmt.Sprint(i), "me", thingpass.UploadPart{Number: 1}))
	}
	for id, kept := range map[string]bool{"0": false, "2": false, "3": true, fmt.Sprint(store.MaxUploads + 2): true, "of another": true} {
		if _, err := db.Upload(ctx, id); (err == nil) != kept {
			t.Errorf("%s: %v", id, err)
		}
		if parts := got(db.UploadParts(ctx, id))(t); !kept && len(parts) > 0 {
			t.Errorf("%s has parts", id)
		}
	}
}
