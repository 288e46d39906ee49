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
	return recall(ctx, r.devices, certificateID, loading(r.db,
		func(ctx context.Context, id string) (*thingpass.Device, error) {
			d, err := r.db.Device(ctx, id)
			return &d, err
		}))
}

// RoleByID is DB.RoleByID. The caller must not change what it returns.
func (r *Recent) RoleByID(ctx context.Context, id string) (*thingpass.RoleGrants, error) {
	return recall(ctx, r.roles, id, loading(r.db,
		func(ctx context.Context, id string) (*thingpass.RoleGrants, error) {
			g, err := r.db.RoleByID(ctx, id)
			return &g, err
		}))
}

// Role is DB.RoleGrants, by the role's name. The caller must not change what
// it returns.
func (r *Recent) Role(ctx context.Context, name string) (*thingpass.RoleGrants, error) {
	return recall(ctx, r.roles, "name/"+name, loading(r.db,
		func(ctx context.Context, _ string) (*thingpass.RoleGrants, error) {
			g, err := r.db.RoleGrants(ctx, name)
			return &g, err
		}))
}

// RoleAlias is DB.RoleAlias.
func (r *Recent) RoleAlias(ctx context.Context, name string) (thingpass.RoleAlias, error) {
	return recall(ctx, r.aliases, name, loading(r.db,
		func(ctx context.Context, name string) (thingpass.RoleAlias, error) {
			return r.db.RoleAlias(ctx, name)
		}))
}

// AccessKey is DB.AccessKey.
func (r *Recent) AccessKey(ctx context.Context, id string) (KeyOwner, error) {
	return recall(ctx, r.keys, id, loading(r.db,
		func(ctx context.Context, id string) (KeyOwner, error) {
			key, user, err := r.db.AccessKey(ctx, id)
			return KeyOwner{Key: key, User: user}, err
		}))
}

// User is DB.User with its policies.
func (r *Recent) User(ctx context.Context, name string) (thingpass.User, error) {
	return recall(ctx, r.users, name, loading(r.db,
		func(ctx context.Context, name string) (thingpass.User, error) {
			return r.db.User(ctx, name)
		}))
}

// ManagedPolicy is DB.ManagedDocument.
func (r *Recent) ManagedPolicy(ctx context.Context, arn string) (thingpass.ManagedDocument, error) {
	return recall(ctx, r.managed, arn, loading(r.db,
		func(ctx context.Context, arn string) (thingpass.ManagedDocument, error) {
			return r.db.ManagedDocument(ctx, arn)
		}))
}

// BucketPolicy is DB.BucketPolicy with "" for none. That there is none is kept
// as long as a policy is, because most buckets have none.
func (r *Recent) BucketPolicy(ctx context.Context, bucket string) (string, error) {
	return recall(ctx, r.buckets, bucket, loading(r.db,
		func(ctx context.Context, bucket string) (string, error) {
			return r.db.bucketPolicyOrNone(ctx, bucket)
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

// load is how a cache is filled.
type load[V any] struct {
	db   *DB
	read func(context.Context, string) (V, error)
}

func loading[V any](db *DB, read func(context.Context, string) (V, error)) load[V] {
	return load[V]{db, read}
}

// recall answers from memory, or from a load: its own or one that is under way
// for the same key. A load outlives the request that began it, up to a deadline:
// others wait for its answer, and one caller hanging up must not fail them. Who
// has joined a load that came to nothing begins one of its own with the time that
// it has left, so that a load that hung costs only those who were there when it
// began.
func recall[V any](ctx context.Context, cache *otter.Cache[string, V], key string, l load[V]) (V, error) {
	if v, ok := cache.GetIfPresent(key); ok {
		return v, nil
	}
	began, limit, own := time.Now(), l.db.Limits.read(), false
	loader := otter.LoaderFunc[string, V](func(ctx context.Context, key string) (V, error) {
		own = true
		left := limit - time.Since(began)
		return within(context.WithoutCancel(ctx), left, func(ctx context.Context) (V, error) { return l.read(ctx, key) })
	})
	v, err := cache.Get(ctx, key, loader)
	if err != nil && !own && thingpass.KindOf(err) == thingpass.Unavailable && time.Since(began) < limit {
		v, err = cache.Get(ctx, key, loader)
	}
	if own && time.Since(began) > Staleness { // it says what was true before that
		cache.Invalidate(key)
	}
	return v, err
}
