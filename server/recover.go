package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/store"
)

// newAdminKey makes an access key of the administrator. Nothing is stored.
func newAdminKey(now time.Time) thingpass.AccessKey {
	var random [30]byte
	_, _ = rand.Read(random[:])
	return thingpass.AccessKey{
		ID: thingpass.NewID("AKIA"), Secret: thingpass.NewSecret(base64.StdEncoding.EncodeToString(random[:])),
		User: Administrator, Active: true, Created: now,
	}
}

func newAdministrator(now time.Time) thingpass.User {
	return thingpass.User{
		Name: Administrator, Path: "/", ID: thingpass.NewID("AIDA"), Created: now,
		Grants: thingpass.Grants{Inline: []thingpass.InlinePolicy{{Name: administratorPolicyName, Document: administratorPolicy}}},
	}
}

// Recovery is what RecoverAdministrator did.
type Recovery struct {
	Env  AdminEnv // the new key, and the file that it was written to
	Text string   // what is in that file: it contains the secret
	Done []string // what was changed and what was left, in order
}

func (r *Recovery) did(format string, args ...any) {
	r.Done = append(r.Done, fmt.Sprintf(format, args...))
}

// RecoverAdministrator makes the administrator what Init made, with a new access
// key, by way of the database: for when all keys are lost, or a policy locks
// everybody out. Its inline policy is put back; other inline policies, attached
// ones and a permissions boundary are taken off. A user that is gone is made
// again. The key is written to the environment file, which otherwise stays as it
// is; apiPort, if not "", replaces the port in it.
//
// With replace, all keys that it had are deleted; without, it fails when there
// are two already, and changes nothing. It needs the data folder and the
// database, and whoever has these needs no other permission. A running server
// takes it up within a second. A Recovery that has a Text counts even with an
// error: the key is stored, and only the file is not.
func (i *Installation) RecoverAdministrator(ctx context.Context, apiPort string, replace bool, now time.Time) (r Recovery, err error) {
	if err := i.need(PartDatabase); err != nil {
		return r, err
	}
	file, err := i.readEnv(apiPort)
	if err != nil {
		return r, err
	}
	db, err := i.openStore(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	key := newAdminKey(now)
	old := file.get(envKeyID)
	if err := r.restore(ctx, db, restoring{newAdministrator(now), key, old, replace}); err != nil {
		return r, err
	}
	r.did("made the access key %s", key.ID)
	r.Env = AdminEnv{
		AccessKeyID: key.ID, SecretAccessKey: key.Secret, Region: file.get(envRegion),
		EndpointURL: file.get(envEndpoint), CABundle: file.get(envCA), Path: i.path(fileAdminEnv),
	}
	file.set(envKeyID, key.ID)
	file.set(envSecret, key.Secret.Reveal())
	r.Text = file.text()
	if err := os.Remove(r.Env.Path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) { // it could have another mode
		return r, err
	}
	if err := i.replaceFile(r.Env.Path, []byte(r.Text), 0o600); err != nil {
		return r, fmt.Errorf("the key is made, and is not in %s: %w", r.Env.Path, err)
	}
	r.did("wrote it to %s", r.Env.Path)
	return r, nil
}

// restoring is what restore is to bring about.
type restoring struct {
	user    thingpass.User
	key     thingpass.AccessKey
	oldKey  string // the key of the environment file, "" for none
	replace bool
}

// restore makes the user again, or what is there like it.
func (r *Recovery) restore(ctx context.Context, db *store.DB, to restoring) error {
	is, err := db.User(ctx, Administrator)
	if thingpass.KindOf(err) == thingpass.NotFound {
		if err := db.CreateUser(ctx, to.user, to.key); err != nil {
			return err
		}
		r.did("made the user %s anew, with the inline policy %s", Administrator, administratorPolicyName)
		if _, owner, err := db.AccessKey(ctx, to.oldKey); err == nil {
			r.did("left the access key %s of user %s, which the environment file had: the administrator may have been renamed to that", to.oldKey, owner.Name)
		}
		return nil
	}
	if err != nil {
		return err
	}
	keys, err := db.AccessKeys(ctx, Administrator, thingpass.Page{})
	if err != nil {
		return err
	}
	if len(keys) > 1 && !to.replace {
		return fmt.Errorf("user %s has two access keys already, %s and %s, and nothing was changed: have them deleted with --replace",
			Administrator, keyText(keys[0], " (%s)"), keyText(keys[1], " (%s)"))
	}
	if err := r.unbind(ctx, db, is); err != nil {
		return err
	}
	for _, k := range keys {
		if !to.replace {
			r.did("left the access key %s (delete it with --replace)", keyText(k, ", %s"))
			continue
		}
		if err := db.DeleteAccessKey(ctx, Administrator, k.ID); err != nil && thingpass.KindOf(err) != thingpass.NotFound {
			return err
		}
		r.did("deleted the access key %s", k.ID)
	}
	return db.CreateAccessKey(ctx, Administrator, to.key)
}

func keyText(k thingpass.AccessKey, format string) string {
	state := "inactive"
	if k.Active {
		state = "active"
	}
	return k.ID + fmt.Sprintf(format, state)
}

// unbind gives the administrator its name and its policy, and takes all else
// off it that could deny.
func (r *Recovery) unbind(ctx context.Context, db *store.DB, is thingpass.User) error {
	own := thingpass.InlinePolicy{Name: administratorPolicyName, Document: administratorPolicy}
	if !slices.Contains(is.Inline, own) {
		err := db.PutUserPolicy(ctx, Administrator, own, func([]thingpass.InlinePolicy) error { return nil })
		if err != nil {
			return err
		}
		r.did("put the inline policy %s back", own.Name)
	}
	for _, p := range is.Inline {
		if p.Name == own.Name {
			continue
		}
		if err := db.DeleteUserPolicy(ctx, Administrator, p.Name); err != nil && thingpass.KindOf(err) != thingpass.NotFound {
			return err
		}
		r.did("removed the inline policy %s, which was: %s", p.Name, p.Document)
	}
	for _, m := range is.Managed {
		if err := db.DetachUserPolicy(ctx, Administrator, m.ARN); err != nil && thingpass.KindOf(err) != thingpass.NotFound {
			return err
		}
		r.did("detached the managed policy %s", m.ARN)
	}
	if is.Boundary == nil && is.PermissionsBoundary == "" && is.Name == Administrator {
		return nil
	}
	return db.UpdateUser(ctx, Administrator, func(u *thingpass.User) error {
		if u.PermissionsBoundary != "" {
			r.did("removed the permissions boundary %s", u.PermissionsBoundary)
		}
		if u.Name != Administrator {
			r.did("called the user %s %s again", u.Name, Administrator)
		}
		u.Name, u.PermissionsBoundary = Administrator, ""
		return nil
	})
}

// RecoverBucket takes the policy of a bucket away, by way of the database, and
// returns what it was: for when it locks everybody out. It fails with NotFound,
// and says what there is, when no such bucket has one. A running server takes it
// up within a second.
func (i *Installation) RecoverBucket(ctx context.Context, bucket string) (policy string, err error) {
	db, err := i.openStore(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	policy, err = db.BucketPolicy(ctx, bucket)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return "", i.noPolicy(ctx, db, bucket)
	}
	if err != nil {
		return "", err
	}
	return policy, db.DeleteBucketPolicy(ctx, bucket)
}

// noPolicy tells a bucket without a policy from one that there is not. Which
// buckets S3 engines have only a running server knows.
func (i *Installation) noPolicy(ctx context.Context, db *store.DB, bucket string) error {
	text := fmt.Sprintf("there is no bucket %s in the embedded store, and no policy is kept for one of this name on an S3 engine", bucket)
	if has, err := i.hasBucket(ctx, bucket); err != nil {
		return err
	} else if has {
		text = fmt.Sprintf("bucket %s has no policy", bucket)
	}
	names, err := db.PolicedBuckets(ctx)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		text += "; no bucket has a policy"
	} else {
		text += "; buckets with a policy: " + strings.Join(names, ", ")
	}
	return thingpass.Errorf(thingpass.NotFound, "%s", text)
}

func (i *Installation) hasBucket(ctx context.Context, bucket string) (bool, error) {
	in, err := objects.Inspect(i.Objects())
	if errors.Is(err, os.ErrNotExist) { // never served
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = in.Close() }()
	return in.HasBucket(ctx, bucket)
}
