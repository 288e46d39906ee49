package store

import (
	"context"
	"time"

	"github.com/thingpass/thingpass"
)

// Limits of what is kept of uploads to S3 engines: who may upload makes rows.
const (
	// UploadAge is how long an upload is kept after its last change: as long as
	// unfinished uploads of the embedded store.
	UploadAge = 7 * 24 * time.Hour
	// EndedUploadAge is how long it is kept once it has ended, for clients that
	// lost the answer and ask again.
	EndedUploadAge = time.Hour
	// MaxUploads is how many uploads of an owner are kept, the latest.
	MaxUploads = 1000
)

// swept is how many uploads are forgotten at a time.
const swept = 100

// selectUpload is asked for every part of an upload.
const selectUpload = `select id, owner, algorithm, checksum_type, ended from uploads where account = $1 and id = $2`

func scanUpload(r row) (u thingpass.Upload, err error) {
	err = r.Scan(&u.ID, &u.Owner, &u.Algorithm, &u.ChecksumType, &u.Ended)
	return u, err
}

// Upload finds an upload by its id, or returns NotFound.
func (db *DB) Upload(ctx context.Context, id string) (thingpass.Upload, error) {
	return read(ctx, db, op{"read upload", ""}, func(t *tx) (thingpass.Upload, error) {
		u, err := one(t, scanUpload, selectUpload, id)
		return u, orMissing(err, thingpass.Errorf(thingpass.NotFound, "The upload does not exist"))
	})
}

// SaveUpload keeps an upload in the place of what was known of it, and forgets
// uploads that are too old or too many.
func (db *DB) SaveUpload(ctx context.Context, u thingpass.Upload) error {
	return db.write(ctx, op{"save upload", ""}, func(t *tx) error {
		age := UploadAge
		if u.Ended != "" {
			age = EndedUploadAge
		}
		now := t.Now()
		_, err := t.exec(`insert into uploads (account, id, owner, algorithm, checksum_type, ended, expires) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (account, id) do update set algorithm = excluded.algorithm, checksum_type = excluded.checksum_type,
				ended = excluded.ended, expires = excluded.expires`,
			u.ID, u.Owner, u.Algorithm, u.ChecksumType, u.Ended, millis(now.Add(age)))
		if err != nil {
			return err
		}
		return t.sweepUploads(u.Owner, now)
	})
}

// PutUploadPart keeps a part of an upload in the place of the one that had its
// number. owner is whose the upload is, if nothing is known of it.
func (db *DB) PutUploadPart(ctx context.Context, id, owner string, p thingpass.UploadPart) error {
	return db.write(ctx, op{"save part of upload", ""}, func(t *tx) error {
		now := t.Now()
		expires := now.Add(UploadAge)
		made, err := t.exec(`insert into uploads (account, id, owner, algorithm, checksum_type, ended, expires) values ($1, $2, $3, '', '', '', $4)
			on conflict (account, id) do nothing`, id, owner, millis(expires))
		if err != nil {
			return err
		}
		if made > 0 {
			err = t.sweepUploads(owner, now)
		} else { // once an hour, so that parts sent at once do not wait for each other
			_, err = t.exec(`update uploads set expires = $3 where account = $1 and id = $2 and ended = '' and expires < $4`,
				id, millis(expires), millis(expires.Add(-time.Hour)))
		}
		if err != nil {
			return err
		}
		_, err = t.exec(`insert into upload_parts (account, upload, number, etag, size, algorithm, checksum) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (account, upload, number) do update set etag = excluded.etag, size = excluded.size,
				algorithm = excluded.algorithm, checksum = excluded.checksum`,
			id, int64(p.Number), p.ETag, p.Size, p.Algorithm, p.Checksum)
		return err
	})
}

// UploadParts lists the parts of an upload by their numbers.
func (db *DB) UploadParts(ctx context.Context, id string) ([]thingpass.UploadPart, error) {
	return read(ctx, db, op{"list parts of upload", ""}, func(t *tx) ([]thingpass.UploadPart, error) {
		return many(t, func(r row) (p thingpass.UploadPart, err error) {
			err = r.Scan(&p.Number, &p.ETag, &p.Size, &p.Algorithm, &p.Checksum)
			return p, err
		}, `select number, etag, size, algorithm, checksum from upload_parts where account = $1 and upload = $2 order by number`, id)
	})
}

// sweepUploads forgets uploads that have expired, and those of an owner beyond
// MaxUploads.
func (t *tx) sweepUploads(owner string, now time.Time) error {
	old, err := many(t, text, `select id from uploads where account = $1 and expires < $2 order by expires, id limit $3`, millis(now), int64(swept))
	if err != nil {
		return err
	}
	more, err := many(t, text, `select id from uploads where account = $1 and owner = $2 order by expires desc, id desc limit $3 offset $4`,
		owner, int64(swept), int64(MaxUploads))
	if err != nil {
		return err
	}
	for _, id := range append(old, more...) {
		if _, err := t.exec(`delete from upload_parts where account = $1 and upload = $2`, id); err != nil {
			return err
		}
		if _, err := t.exec(`delete from uploads where account = $1 and id = $2`, id); err != nil {
			return err
		}
	}
	return nil
}
