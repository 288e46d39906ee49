package objects

import (
	"context"
	"errors"
)

// Inspection reads a store that a server may be using.
type Inspection struct{}

// Inspect opens the store in dir for reading. It takes no lock and changes
// nothing.
func Inspect(string) (*Inspection, error) { return nil, errors.ErrUnsupported }

// Close ends the inspection.
func (i *Inspection) Close() error { return nil }

// Progress tells how far a verification is.
type Progress struct {
	Objects int64 // versions and parts looked at
	Bytes   int64 // bytes read
}

// Problem is what is wrong with one version of an object or, if Upload is set,
// with a part of an unfinished upload.
type Problem struct {
	Bucket, Key, Version string
	Upload               string
	Part                 int // part number, 0 for none
	Text                 string
}

// Report is the outcome of a verification.
type Report struct {
	Progress
	Problems    []Problem // at most 10000
	Failed      int64     // problems in all
	Orphans     []string  // files that the index does not name, at most 10000
	OrphanFiles int64     // such files in all
	OrphanBytes int64
}

// Verify compares the index with the files.
func (i *Inspection) Verify(context.Context, func(Progress)) (Report, error) {
	return Report{}, errors.ErrUnsupported
}
