package objects

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Inspection reads a store that a server may be using. It is for one goroutine.
type Inspection struct {
	dir  string
	read *readers
	buf  []byte
}

// Inspect opens the store in dir for reading. It takes no lock and sweeps
// nothing. A store of an earlier release must be opened once with this one
// before: it has no order of files to compare with.
func Inspect(dir string) (*Inspection, error) {
	fail := func(err error) (*Inspection, error) { return nil, fmt.Errorf("inspect object store %s: %w", dir, err) }
	if _, err := os.Stat(filepath.Join(dir, indexName)); err != nil {
		return fail(err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fail(err)
	}
	ctx := context.Background()
	read, err := openReaders(ctx, dir)
	if err != nil {
		return fail(err)
	}
	var version int
	if err = read.get(ctx, "pragma user_version", nil, []any{&version}); err == nil && version != schemaVersion {
		err = fmt.Errorf("index has schema %d, this release reads %d", version, schemaVersion)
	}
	if err != nil {
		return fail(errors.Join(err, read.close()))
	}
	return &Inspection{dir: dir, read: read, buf: make([]byte, 256<<10)}, nil
}

// Close ends the inspection.
func (i *Inspection) Close() error { return i.read.close() }

// Progress tells how far a verification is.
type Progress struct {
	Objects int64 // versions, markers and parts looked at
	Bytes   int64 // bytes read
}

// Problem is what is wrong with a version of an object or, if Upload is set,
// with a part of an unfinished upload.
type Problem struct {
	Bucket, Key string
	Version     string // "null" for the null version; "" of a part of an upload
	Upload      string
	Part        int    // part number, 0 if the problem is not of one part
	File        string // absolute path of the file with the bytes; "" if they are in the index or in several
	Text        string
}

// maxListed bounds the problems and the orphans that a Report lists.
const maxListed = 10000

// Report is the outcome of a verification.
type Report struct {
	Progress
	Problems    []Problem // at most 10000
	Failed      int64     // problems in all
	Damaged     int64     // versions and parts of uploads that have any
	Orphans     []string  // files that the index does not name, below the folder, at most 10000
	OrphanFiles int64     // such files in all
	OrphanBytes int64
}

// orphanAge is how old a file must be to be called an orphan: the index learns
// of a file only once it is complete and synced.
const orphanAge = 10 * time.Minute

// Verify compares the index with the files: that each is there and named in
// order, its size, and by reading it the ETag and the checksums that cover the
// whole object or a part. What a server changes meanwhile is looked at again
// before it is called a problem. Orphans are no problem: the next start of a
// server removes them.
//
// It asks ctx between two reads of files, and calls progress, if it is not nil,
// after each object and each part.
func (i *Inspection) Verify(ctx context.Context, progress func(Progress)) (Report, error) {
	v := &verification{Inspection: i, progress: progress}
	for _, pass := range []func(context.Context) error{v.current, v.noncurrent, v.parts, v.orphans} {
		if err := errors.Join(ctx.Err(), pass(ctx)); err != nil {
			return v.Report, wrap("verify object store", err)
		}
	}
	return v.Report, nil
}

type verification struct {
	*Inspection
	Report
	progress func(Progress)
}

// add reports what is wrong with one version or part.
func (v *verification) add(problems []Problem) {
	v.Damaged++
	v.Failed += int64(len(problems))
	v.Problems = append(v.Problems, problems[:min(len(problems), maxListed-len(v.Problems))]...)
}

// path is where a file is, "" for none.
func (v *verification) path(blob string) string {
	if len(blob) < 2 {
		return ""
	}
	return filepath.Join(v.dir, "blobs", blob[:2], blob)
}

// step counts one thing looked at.
func (v *verification) step() {
	v.Objects++
	v.tell()
}

func (v *verification) tell() {
	if v.progress != nil {
		v.progress(v.Progress)
	}
}

func (v *verification) orphans(ctx context.Context) error {
	young := time.Now().Add(-orphanAge)
	return orphans(ctx, v.read, filepath.Join(v.dir, "blobs"), func(path string, d fs.DirEntry) error {
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.ModTime().After(young) {
			return nil
		}
		if err != nil {
			return err
		}
		if named, err := v.named(ctx, d.Name()); err != nil || named {
			return err
		}
		v.OrphanFiles++
		v.OrphanBytes += info.Size()
		if len(v.Report.Orphans) < maxListed {
			name, err := filepath.Rel(v.dir, path)
			v.Report.Orphans = append(v.Report.Orphans, name)
			return err
		}
		return nil
	})
}

// named tells whether the index names a file.
func (v *verification) named(ctx context.Context, name string) (named bool, err error) {
	id, ok := blobID(name)
	if !ok {
		return false, nil
	}
	err = v.read.get(ctx, `select 1 from blob where name = ?`, []any{id[:]}, []any{&named})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return named, err
}
