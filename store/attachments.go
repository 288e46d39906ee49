package store

import (
	"context"

	"github.com/thingpass/thingpass"
)

// both returns NotFound unless the thing and the certificate exist.
func (t *tx) both(thing, certificateID string) error {
	if _, err := t.thing(thing); err != nil {
		return err
	}
	_, err := t.status(certificateID)
	return err
}

func scanAttachment(row row) (a thingpass.Attachment, err error) {
	err = row.Scan(&a.Thing, &a.Exclusive)
	return a, err
}

// AttachThing attaches a thing to a certificate, exclusively if the certificate
// shall be attached to no other thing. Attaching again sets exclusive anew, and
// leaves the sessions issued for the attachment alone. The error is NotFound for
// either, or Invalid when exclusive contradicts another attachment of the
// certificate.
func (db *DB) AttachThing(ctx context.Context, thing, certificateID string, exclusive bool) error {
	return db.write(ctx, op{"attach thing", thing}, func(t *tx) error {
		if err := t.both(thing, certificateID); err != nil {
			return err
		}
		others, err := many(t, scanAttachment, `select thing, exclusive from thing_attachments
			where account = $1 and certificate = $2 and thing <> $3 order by thing limit 1`, certificateID, thing)
		if err != nil {
			return err
		}
		for _, other := range others {
			if exclusive || other.Exclusive {
				return thingpass.Errorf(thingpass.Invalid, "The principal is attached to thing %s and cannot be attached to another one exclusively", other.Thing)
			}
		}
		_, err = t.exec(`insert into thing_attachments (account, certificate, thing, exclusive, since) values ($1, $2, $3, $4, $5)
			on conflict (account, certificate, thing) do update set exclusive = excluded.exclusive`,
			certificateID, thing, flag(exclusive), millis(db.Now()))
		return err
	})
}

// DetachThing detaches a thing from a certificate; what is not attached needs
// no detaching. The error is NotFound for either.
func (db *DB) DetachThing(ctx context.Context, thing, certificateID string) error {
	return db.write(ctx, op{"detach thing", thing}, func(t *tx) error {
		if err := t.both(thing, certificateID); err != nil {
			return err
		}
		_, err := t.exec(`delete from thing_attachments where account = $1 and certificate = $2 and thing = $3`, certificateID, thing)
		return err
	})
}

// ThingCertificates lists the identifiers of the certificates that a thing is
// attached to, or NotFound.
func (db *DB) ThingCertificates(ctx context.Context, thing string, page thingpass.Page) ([]string, error) {
	return browse(ctx, db, op{"list certificates of thing", thing}, func(t *tx) ([]string, error) {
		if _, err := t.thing(thing); err != nil {
			return nil, err
		}
		l := listing{`select certificate from thing_attachments where account = $1 and thing = $2`, "certificate", page}
		return list(t, text, l, thing)
	})
}

// CertificateThings lists the names of the things that a certificate is
// attached to, or NotFound.
func (db *DB) CertificateThings(ctx context.Context, certificateID string, page thingpass.Page) ([]string, error) {
	return browse(ctx, db, op{"list things of certificate", certificateID}, func(t *tx) ([]string, error) {
		if _, err := t.status(certificateID); err != nil {
			return nil, err
		}
		l := listing{`select thing from thing_attachments where account = $1 and certificate = $2`, "thing", page}
		return list(t, text, l, certificateID)
	})
}
