package store

import (
	"context"
	"slices"

	"github.com/thingpass/thingpass/space"
)

// adding are the changes that a full disk may refuse: they make what was not
// there. All others take something away, or may: a policy can hold a Deny, and
// an access key or a user is what the administrator is recovered with.
var adding = []string{
	"create thing", "create thing type", "create thing group", "create certificate",
	"create role", "create role alias", "attach thing", "tag",
}

// inRoom is attempt on the file that is open and at its place, again when it met a full disk and some room could be made:
// first in the log of changes, by moving what it holds to where it belongs, and
// then by giving back steps of the reserve.
func (db *DB) inRoom(ctx context.Context, o op, f func(*tx) error) error {
	if err := db.Moved(); err != nil {
		return err
	}
	err := db.attempt(ctx, f)
	if err == nil {
		return db.Moved() // it could have been before the end
	}
	if db.Space == nil || o.verb == writeProbe || !space.Full(err) {
		return err
	}
	use := space.Removing
	if slices.Contains(adding, o.verb) {
		use = space.Adding
	}
	for {
		db.checkpoint(ctx)
		if err = db.attempt(ctx, f); err == nil {
			return db.Moved()
		}
		if !space.Full(err) || !db.Space.Relieve(use) {
			return err
		}
	}
}

// checkpoint moves changes from SQLite's log to the file, so that the log is
// written from its start again. It does what it can.
func (db *DB) checkpoint(ctx context.Context) {
	_, _ = db.writer.ExecContext(ctx, "pragma wal_checkpoint(passive)")
}
