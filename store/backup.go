package store

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Backup writes a copy of the SQLite database at path to a new file, mode 0600,
// and checks it. The copy is of one moment, also while servers write.
func Backup(ctx context.Context, path, to string) (err error) {
	if err := createFile(to); err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	defer func() {
		if err != nil {
			removeFile(to)
		}
	}()
	pool, err := sqlitePool(path, 1, "")
	if err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	_, err = pool.ExecContext(ctx, `vacuum into $1`, to) // takes an empty file
	if err = errors.Join(err, pool.Close()); err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	return Check(ctx, to)
}

// Check reads all of the SQLite database at path and reports what is damaged.
func Check(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("check store: %w", err)
	}
	pool, err := sqlitePool(path, 1, "_query_only=1")
	if err != nil {
		return fmt.Errorf("check store: %w", err)
	}
	var said string
	err = pool.QueryRowContext(ctx, `pragma integrity_check(1)`).Scan(&said)
	if err = errors.Join(err, pool.Close()); err != nil {
		return fmt.Errorf("check store: %w", err)
	}
	if said != "ok" {
		return fmt.Errorf("check store: %s: %s", path, said)
	}
	return nil
}
