package store

import (
	"context"
	"errors"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/anchor"
)

// Moved fails when the path of the SQLite file does not lead to the one that is
// open any more, nor that of its log: what is written then is gone with the next
// start.
func (db *DB) Moved() error {
	for _, f := range db.files {
		if err := f.Check(); err != nil {
			return &thingpass.Error{Kind: thingpass.Unavailable, Message: "the database is not where it was", Err: err}
		}
	}
	return nil
}

// hold remembers which file is open.
func (db *DB) hold(path string) error {
	file, err := anchor.Hold(path)
	if err == nil {
		db.files = []*anchor.File{file, anchor.Beside(path + "-wal")}
	}
	return err
}

// errReadOnly is that of a standby, and of a server that was told to be one.
var errReadOnly = errors.New("the database takes no changes: it is read-only, or a standby")

// Writable reports whether the database takes changes. On SQLite that is a small
// change, which waits for the disk; on PostgreSQL a question.
func (db *DB) Writable(ctx context.Context) error {
	if db.files != nil {
		return db.write(ctx, op{verb: writeProbe}, func(t *tx) error {
			_, err := t.exec(`update installations set created = created where account = $1`)
			return err
		})
	}
	state, err := read(ctx, db, op{verb: "ask whether changes are taken"}, func(t *tx) (string, error) {
		return one(t, text, `select case when pg_is_in_recovery() then 'on' else current_setting('transaction_read_only') end where $1 <> ''::text`)
	})
	if err == nil && state != "off" {
		err = errReadOnly
	}
	return err
}

// writeProbe is the verb of a change that changes nothing.
const writeProbe = "see whether changes are taken"
