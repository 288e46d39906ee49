package store

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/thingpass/thingpass"
)

// Staleness is how old an answer of Recent may be. Credentials must stop
// within one second of their certificate; half of that leaves room for the
// request itself.
const Staleness = 500 * time.Millisecond

// Entries kept by each cache of Recent: bounded, because a garbage collection
// over a million entries costs a second of CPU.
const (
	recentDevices = 1 << 16
	recentOthers  = 1 << 12
)

// Recent answers the questions that are asked for every request, from memory
// when it asked the database less than Staleness ago. What it does not find it
// asks for again each time, so a new row counts at once. A bucket's policy, or
// that it has none, counts at once on the server that writes it through
// BucketPolicies, and Staleness later on others with the same database: there a
// bucket may for so long have the policy of one that it has taken the name of.
type Recent struct {
	db      *DB
	devices *otter.Cache[string, *thingpass.Device]
	roles   *otter.Cache[string, *thingpass.RoleGrants]
	aliases *otter.Cache[string, thingpass.RoleAlias]
	keys    *otter.Cache[string, KeyOwner]
	users   *otter.Cache[string, thingpass.User]
	managed *otter.Cache[string, thingpass.ManagedDocument]
	buckets *otter.Cache[string, string]
}

// KeyOwner is an access key and the user it belongs to.
type KeyOwner struct {
	Key  thingpass.AccessKey
	User thingpass.User
}

// NewRecent returns a Recent in front of db.
func NewRecent(db *DB) *Recent {
	return &Recent{
		db:      db,
		devices: newRecentCache[*thingpass.Device](recentDevices),
		roles:   newRecentCache[*thingpass.RoleGrants](recentOthers),
		aliases: newRecentCache[thingpass.RoleAlias](recentOthers),
		keys:    newRecentCache[KeyOwner](recentOthers),
		users:   newRecentCache[thingpass.User](recentOthers),
		managed: newRecentCache[thingpass.ManagedDocument](recentOthers),
		buckets: newRecentCache[string](recentOthers),
	}
}

func newRecentCache[V any](size int) *otter.Cache[string, V] {
	return otter.Must(&otter.Options[string, V]{
		MaximumSize:      size,
		ExpiryCalculator: otter.ExpiryWriting[string, V](Staleness),
	})
}

// Device is DB.Device. The caller must not change what it returns.
func (r *Recent) Device(ctx context.Context, certificateID string) (*thingpass.Device, error) {
	return r.devices.Get(ctx, certificateID, otter.LoaderFunc[string, *thingpass.Device](
		func(ctx context.Context, id string) (*thingpass.Device, error) {
			d, err := r.db.Device(detach(ctx), id)
			return &d, err
		}))
}

// RoleByID is DB.RoleByID. The caller must not change what it returns.
func (r *Recent) RoleByID(ctx context.Context, id string) (*thingpass.RoleGrants, error) {
	return r.roles.Get(ctx, id, otter.LoaderFunc[string, *thingpass.RoleGrants](
		func(ctx context.Context, id string) (*thingpass.RoleGrants, error) {
			g, err := r.db.RoleByID(detach(ctx), id)
			return &g, err
		}))
}

// Role is DB.RoleGrants, by the role's name. The caller must not change what
// it returns.
func (r *Recent) Role(ctx context.Context, name string) (*thingpass.RoleGrants, error) {
	return r.roles.Get(ctx, "name/"+name, otter.LoaderFunc[string, *thingpass.RoleGrants](
		func(ctx context.Context, _ string) (*thingpass.RoleGrants, error) {
			g, err := r.db.RoleGrants(detach(ctx), name)
			return &g, err
		}))
}

// RoleAlias is DB.RoleAlias.
func (r *Recent) RoleAlias(ctx context.Context, name string) (thingpass.RoleAlias, error) {
	return r.aliases.Get(ctx, name, otter.LoaderFunc[string, thingpass.RoleAlias](
		func(ctx context.Context, name string) (thingpass.RoleAlias, error) {
			return r.db.RoleAlias(detach(ctx), name)
		}))
}

// AccessKey is DB.AccessKey.
func (r *Recent) AccessKey(ctx context.Context, id string) (KeyOwner, error) {
	return r.keys.Get(ctx, id, otter.LoaderFunc[string, KeyOwner](
		func(ctx context.Context, id string) (KeyOwner, error) {
			key, user, err := r.db.AccessKey(detach(ctx), id)
			return KeyOwner{Key: key, User: user}, err
		}))
}

// User is DB.User with its policies.
func (r *Recent) User(ctx context.Context, name string) (thingpass.User, error) {
	return r.users.Get(ctx, name, otter.LoaderFunc[string, thingpass.User](
		func(ctx context.Context, name string) (thingpass.User, error) {
			return r.db.User(detach(ctx), name)
		}))
}

// ManagedPolicy is DB.ManagedDocument.
func (r *Recent) ManagedPolicy(ctx context.Context, arn string) (thingpass.ManagedDocument, error) {
	return r.managed.Get(ctx, arn, otter.LoaderFunc[string, thingpass.ManagedDocument](
		func(ctx context.Context, arn string) (thingpass.ManagedDocument, error) {
			return r.db.ManagedDocument(detach(ctx), arn)
		}))
}

// BucketPolicy is DB.BucketPolicy with "" for none. That there is none is kept
// as long as a policy is, because most buckets have none.
func (r *Recent) BucketPolicy(ctx context.Context, bucket string) (string, error) {
	return r.buckets.Get(ctx, bucket, otter.LoaderFunc[string, string](
		func(ctx context.Context, bucket string) (string, error) {
			return r.db.bucketPolicyOrNone(detach(ctx), bucket)
		}))
}

// BucketPolicies are the policies of buckets as they are: reading does not look
// into r, and writing has r forget the bucket.
func (r *Recent) BucketPolicies() BucketPolicies { return BucketPolicies{r} }

// BucketPolicies reads and writes the policies of buckets: see
// Recent.BucketPolicies.
type BucketPolicies struct{ recent *Recent }

// BucketPolicy is DB.BucketPolicy.
func (b BucketPolicies) BucketPolicy(ctx context.Context, bucket string) (string, error) {
	return b.recent.db.BucketPolicy(ctx, bucket)
}

// PutBucketPolicy is DB.PutBucketPolicy.
func (b BucketPolicies) PutBucketPolicy(ctx context.Context, bucket, document string) error {
	defer b.recent.buckets.Invalidate(bucket) // and a reading that has begun, whatever became of the writing
	return b.recent.db.PutBucketPolicy(ctx, bucket, document)
}

// DeleteBucketPolicy is DB.DeleteBucketPolicy.
func (b BucketPolicies) DeleteBucketPolicy(ctx context.Context, bucket string) error {
	defer b.recent.buckets.Invalidate(bucket)
	return b.recent.db.DeleteBucketPolicy(ctx, bucket)
}

// detach lets a load outlive the request that began it: others wait for its
// answer, and one caller hanging up must not fail them.
func detach(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
