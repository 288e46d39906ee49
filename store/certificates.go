package store

import (
	"context"

	"github.com/thingpass/thingpass"
)

const (
	certificateColumns = `d.id, d.status, c.mode, d.not_before, d.not_after, c.created, c.modified, c.version, c.generation`
	certificateTables  = ` from devices d join certificates c on c.account = d.account and c.id = d.id where d.account = $1`
)

func certificateDest(c *thingpass.Certificate) []any {
	return []any{&c.ID, &c.Status, &c.Mode, (*instant)(&c.NotBefore), (*instant)(&c.NotAfter),
		(*instant)(&c.Created), (*instant)(&c.Modified), &c.Version, &c.Generation}
}

func scanCertificate(row row) (c thingpass.Certificate, err error) {
	err = row.Scan(certificateDest(&c)...)
	return c, err
}

func scanWholeCertificate(row row) (c thingpass.Certificate, err error) {
	err = row.Scan(append(certificateDest(&c), &c.DER)...)
	return c, err
}

func noCertificate(id string) *thingpass.Error {
	return thingpass.Errorf(thingpass.NotFound, "Certificate not found (id=%s)", id)
}

// status reads the status of a certificate, or NotFound.
func (t *tx) status(id string) (thingpass.CertificateStatus, error) {
	s, err := one(t, text, `select status from devices where account = $1 and id = $2`, id)
	return thingpass.CertificateStatus(s), orMissing(err, noCertificate(id))
}

// CreateCertificate registers a certificate, or Exists. What is empty of
// Created, Modified, Version and Generation is filled in. The ID and the DER
// must not be empty.
func (db *DB) CreateCertificate(ctx context.Context, c thingpass.Certificate) error {
	c.Created = or(c.Created, db.Now)
	c.Modified = or(c.Modified, c.Created.UTC)
	c.Version = max(c.Version, 1)
	c.Generation = or(c.Generation, newUUID)
	if c.ID == "" || len(c.DER) == 0 {
		return thingpass.Errorf(thingpass.Invalid, "create certificate %q: the certificate is empty", c.ID)
	}
	return db.write(ctx, op{"create certificate", c.ID}, func(t *tx) error {
		n, err := t.exec(`insert into devices (account, id, status, not_before, not_after, valid_after)
			values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
			c.ID, string(c.Status), millis(c.NotBefore), millis(c.NotAfter), millis(db.Now()))
		exists := already(db.place.Certificate(c.ID), c.ID, "The certificate is already provisioned or registered")
		if err := taken(n, err, exists); err != nil {
			return err
		}
		_, err = t.exec(`insert into certificates (account, id, mode, created, modified, version, generation, der)
			values ($1, $2, $3, $4, $5, $6, $7, $8)`,
			c.ID, c.Mode, millis(c.Created), millis(c.Modified), c.Version, c.Generation, c.DER)
		return err
	})
}

// Certificate returns a certificate with its DER, or NotFound.
func (db *DB) Certificate(ctx context.Context, id string) (thingpass.Certificate, error) {
	return read(ctx, db, op{"read certificate", id}, func(t *tx) (thingpass.Certificate, error) {
		c, err := one(t, scanWholeCertificate, `select `+certificateColumns+`, c.der`+certificateTables+` and d.id = $2`, id)
		return c, orMissing(err, noCertificate(id))
	})
}

// Certificates lists the certificates by identifier, without their DER.
func (db *DB) Certificates(ctx context.Context, page thingpass.Page) ([]thingpass.Certificate, error) {
	return browse(ctx, db, op{verb: "list certificates"}, func(t *tx) ([]thingpass.Certificate, error) {
		return list(t, scanCertificate, listing{`select ` + certificateColumns + certificateTables, "d.id", page})
	})
}

// UpdateCertificateStatus sets the status of a certificate, and ends the
// sessions issued before: a certificate that is ACTIVE again does not bring back
// what it had. Setting the status it has does nothing. The error is NotFound, or
// CertificateState because a revoked certificate stays revoked.
func (db *DB) UpdateCertificateStatus(ctx context.Context, id string, status thingpass.CertificateStatus) error {
	return db.write(ctx, op{"update certificate", id}, func(t *tx) error {
		current, err := t.status(id)
		if err != nil || current == status {
			return err
		}
		if current == thingpass.Revoked {
			return thingpass.Errorf(thingpass.CertificateState, "The status of a revoked certificate cannot be changed. Id: %s", id)
		}
		now := millis(db.Now())
		_, err = t.exec(`update devices set status = $3, valid_after = `+later("valid_after", 4)+` where account = $1 and id = $2`,
			id, string(status), now)
		if err != nil {
			return err
		}
		_, err = t.exec(`update certificates set version = version + 1, modified = $3 where account = $1 and id = $2`, id, now)
		return err
	})
}

// DeleteCertificate deletes a certificate. The error is NotFound,
// CertificateState while it is ACTIVE, or Conflict while things are attached,
// or policies unless force, which detaches them.
func (db *DB) DeleteCertificate(ctx context.Context, id string, force bool) error {
	return db.write(ctx, op{"delete certificate", id}, func(t *tx) error {
		status, err := t.status(id)
		if err != nil {
			return err
		}
		if status == thingpass.Active {
			return thingpass.Errorf(thingpass.CertificateState, "Certificate must be deactivated (not ACTIVE) before deletion. Id: %s", id)
		}
		things, err := one(t, number, `select count(*) from thing_attachments where account = $1 and certificate = $2`, id)
		if err != nil {
			return err
		}
		if things > 0 {
			return thingpass.Errorf(thingpass.Conflict, "Things must be detached before deletion (arn: %s)", db.place.Certificate(id))
		}
		policies, err := t.exec(`delete from policy_attachments where account = $1 and certificate = $2`, id)
		if err != nil {
			return err
		}
		if policies > 0 && !force {
			return thingpass.Errorf(thingpass.Conflict, "Certificate policies must be detached before deletion (arn: %s)", db.place.Certificate(id))
		}
		if _, err := t.exec(`delete from certificates where account = $1 and id = $2`, id); err != nil {
			return err
		}
		_, err = t.exec(`delete from devices where account = $1 and id = $2`, id)
		return err
	})
}
