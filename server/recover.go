package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/thingpass/thingpass"
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

// RecoverAdministrator gives the administrator a new access key, by way of the
// database: for when all keys are lost, or a policy locks everybody out. It makes
// the user again if it is gone, takes a permissions boundary off it, and puts its
// policy back. Other policies of it stay: one that denies is left to see.
//
// With replace, all keys that it had are deleted; without, it fails when there
// are two already. It needs the data folder and the database, and whoever has
// these needs no other permission. A running server takes it up within a second.
func (i *Installation) RecoverAdministrator(ctx context.Context, apiPort string, replace bool, now time.Time) (env AdminEnv, err error) {
	db, err := store.Open(ctx, i.dsn(), i.Place())
	if err != nil {
		return AdminEnv{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	key := newAdminKey(now)
	env = AdminEnv{
		AccessKeyID: key.ID, SecretAccessKey: key.Secret, Region: i.Region,
		EndpointURL: "https://" + net.JoinHostPort(i.Hosts[0], apiPort), CABundle: i.path(fileCA),
	}
	user := newAdministrator(now)
	if _, err = db.User(ctx, Administrator); thingpass.KindOf(err) == thingpass.NotFound {
		return env, db.CreateUser(ctx, user, key)
	}
	if err != nil {
		return AdminEnv{}, err
	}
	if err = unbind(ctx, db, user.Inline[0]); err != nil {
		return AdminEnv{}, err
	}
	if replace {
		err = deleteAdminKeys(ctx, db)
	}
	if err == nil {
		err = db.CreateAccessKey(ctx, Administrator, key)
	}
	if thingpass.KindOf(err) == thingpass.LimitExceeded {
		return AdminEnv{}, fmt.Errorf("user %s has two access keys already: have them deleted with --replace", Administrator)
	}
	return env, err
}

// unbind gives the administrator its policy and takes its boundary.
func unbind(ctx context.Context, db *store.DB, p thingpass.InlinePolicy) error {
	err := db.PutUserPolicy(ctx, Administrator, p, func([]thingpass.InlinePolicy) error { return nil })
	if err != nil {
		return err
	}
	return db.UpdateUser(ctx, Administrator, func(u *thingpass.User) error {
		u.PermissionsBoundary = ""
		return nil
	})
}

func deleteAdminKeys(ctx context.Context, db *store.DB) error {
	keys, err := db.AccessKeys(ctx, Administrator, thingpass.Page{})
	for _, k := range keys {
		err = errors.Join(err, db.DeleteAccessKey(ctx, Administrator, k.ID))
	}
	return err
}
