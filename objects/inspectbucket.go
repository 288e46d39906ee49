package objects

import "context"

// HasBucket tells whether there is a bucket.
func (i *Inspection) HasBucket(ctx context.Context, name string) (found bool, err error) {
	err = i.read.with(ctx, func(v *session) error {
		rows, err := v.query(`select 1 from bucket where name = ?`, name)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		found = rows.Next()
		return rows.Err()
	})
	return found, wrap("find bucket", err)
}
