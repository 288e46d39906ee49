package store

import (
	"context"

	"github.com/thingpass/thingpass"
)

// selectBucketPolicy is asked for every request to a bucket.
const selectBucketPolicy = `select document from bucket_policies where account = $1 and bucket = $2`

// PutBucketPolicy gives a bucket a policy, in the place of the one it had.
// Buckets are kept elsewhere: that there is one is not checked, and whoever
// deletes it deletes its policy.
func (db *DB) PutBucketPolicy(ctx context.Context, bucket, document string) error {
	return db.write(ctx, op{"put policy of bucket", bucket}, func(t *tx) error {
		_, err := t.exec(`insert into bucket_policies (account, bucket, document) values ($1, $2, $3)
			on conflict (account, bucket) do update set document = excluded.document`, bucket, document)
		return err
	})
}

// BucketPolicy returns the policy of a bucket, or NotFound. It is a hot read.
func (db *DB) BucketPolicy(ctx context.Context, bucket string) (string, error) {
	return read(ctx, db, op{"read policy of bucket", bucket}, func(t *tx) (string, error) {
		document, err := one(t, text, selectBucketPolicy, bucket)
		return document, orMissing(err, thingpass.Errorf(thingpass.NotFound, "The bucket policy does not exist"))
	})
}

// PolicedBuckets lists the names of the buckets that have a policy.
func (db *DB) PolicedBuckets(ctx context.Context) ([]string, error) {
	return browse(ctx, db, op{"list policies of buckets", ""}, func(t *tx) ([]string, error) {
		return many(t, text, `select bucket from bucket_policies where account = $1 order by bucket`)
	})
}

// DeleteBucketPolicy takes the policy of a bucket away; what is not there needs
// no deleting.
func (db *DB) DeleteBucketPolicy(ctx context.Context, bucket string) error {
	return db.write(ctx, op{"delete policy of bucket", bucket}, func(t *tx) error {
		_, err := t.exec(`delete from bucket_policies where account = $1 and bucket = $2`, bucket)
		return err
	})
}

// bucketPolicyOrNone is BucketPolicy with "" for none.
func (db *DB) bucketPolicyOrNone(ctx context.Context, bucket string) (string, error) {
	document, err := db.BucketPolicy(ctx, bucket)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return "", nil
	}
	return document, err
}
