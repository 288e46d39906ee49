// Package objects is the embedded object store: an ordered index in SQLite, and
// a file for each object or part that is not small, in a folder on one machine.
//
// It owns the order of writes that makes an acknowledged object survive a
// crash, and an unfinished one leave nothing visible; versions and delete
// markers; listing; conditional writes; multipart uploads and the end of
// abandoned ones; comparing all of it with the disk. It does not own the S3
// protocol, permissions, bucket naming rules, or the meaning of tags and of the
// settings of buckets: those it stores as it is given them.
//
// It trusts its folder: whoever can write there can change objects. It trusts
// SQLite, in WAL mode with synchronous=FULL, to keep what it has committed. Keys
// are bytes and never become file names, so no key reaches another file.
//
// # Layout
//
//	lock            held by the one process that uses the folder
//	index.db        the index, and the bytes of small objects
//	blobs/ab/ab…    the bytes of others, named by 32 random hex digits
//	tmp/            files being written; emptied at start
//
// A file is written to tmp/, synced, renamed into blobs/, the directory is
// synced, and then one index transaction publishes the key. A removal is the
// reverse: the index forgets the file before it is unlinked. What a crash
// leaves between the two is a file that the index does not know, and Open
// removes it.
package objects

import (
	"errors"
	"fmt"
	"time"
)

// Limits, as Amazon S3 has them (Amazon S3 user guide, "Amazon S3 multipart
// upload limits" and "Naming Amazon S3 objects").
const (
	MaxKey      = 1024    // bytes of a key
	MaxPart     = 10000   // highest part number
	MinPartSize = 5 << 20 // bytes of every part but the last
)

// The errors that callers tell apart. Anything else is a failure of the disk
// or of the store.
var (
	ErrNoSuchBucket     = errors.New("no such bucket")
	ErrBucketExists     = errors.New("bucket exists")
	ErrBucketNotEmpty   = errors.New("bucket is not empty")
	ErrNoSuchKey        = errors.New("no such key")
	ErrNoSuchVersion    = errors.New("no such version")
	ErrNoSetting        = errors.New("bucket has no such setting")
	ErrKeyLength        = errors.New("key is empty or longer than 1024 bytes")
	ErrNoSuchUpload     = errors.New("no such upload")
	ErrInvalidPart      = errors.New("part is missing or does not match")
	ErrInvalidPartOrder = errors.New("parts are not in ascending order")
	ErrPartNumber       = errors.New("part number is not between 1 and 10000")
	ErrEntityTooSmall   = errors.New("a part other than the last is smaller than 5 MiB")
	ErrPrecondition     = errors.New("precondition failed")
	ErrInUse            = errors.New("folder is in use by another process")
	ErrClosed           = errors.New("store is closed")
)

// Versioning says what becomes of an object when its key is written again.
// Once a bucket had versions it never is Unversioned again.
type Versioning string

// The states of a bucket, by the words of PutBucketVersioning.
const (
	Unversioned Versioning = ""          // replaced
	Enabled     Versioning = "Enabled"   // kept as an older version
	Suspended   Versioning = "Suspended" // kept, but the null version, which is replaced
)

// Bucket is a set of objects.
type Bucket struct {
	Name       string
	Created    time.Time
	Versioning Versioning
}

// Name says where an object is. Keys are compared byte for byte.
type Name struct {
	Bucket string
	Key    string
}

// NullVersion names the version that was written while the bucket kept none.
const NullVersion = "null"

// Ref names one version of an object: "" is the current one, NullVersion the
// null version.
type Ref struct {
	Name
	Version string
}

// MarkerError says that what was asked for is a delete marker. Current tells
// that no version was asked for, and the key's current one is the marker; then
// the error is an ErrNoSuchKey.
type MarkerError struct {
	Version  string
	Modified time.Time
	Current  bool
}

func (e *MarkerError) Error() string { return "version is a delete marker" }

// Is makes a current marker the absence of the key.
func (e *MarkerError) Is(target error) bool { return e.Current && target == ErrNoSuchKey }

// Deleted says what a Delete did: Marker tells that Version is a delete marker
// that was made or, if a version was named, removed. Version is "" in a bucket
// without versions, if none was named.
type Deleted struct {
	Version string
	Marker  bool
}

// Meta is what is stored with an object besides its bytes.
type Meta struct {
	Headers      map[string]string // answered as they are: Content-Type, Cache-Control, …
	User         map[string]string // user metadata, names without their prefix
	Checksums    map[string]string // algorithm to value
	ChecksumType string            // "" or how Checksums cover the object
	Tags         map[string]string `json:",omitempty"`
}

// Object describes a stored object.
type Object struct {
	Name
	Meta
	Size     int64  // bytes
	ETag     string // without quotes: MD5 in hex, or "md5-of-md5s-N" for N parts
	Modified time.Time
	Parts    []Extent // the parts of a completed multipart upload, in order; else one or none
	Version  string   // "" in a bucket that never had versions, unless one was asked for
	Marker   bool     // a delete marker; only ListVersions shows them
	Latest   bool     // the current version of its key

	upload string // the upload it was completed from; behind a blank, the If-Match that it was completed with
}

// Extent is a run of an object's bytes in one file.
type Extent struct {
	Size      int64             `json:"s"`
	Number    int               `json:"n,omitempty"` // part number; 0 for an object put in one piece
	Checksums map[string]string `json:"c,omitempty"` // of the part
	blob      string
}

// Condition limits a write to a state of the object, decided in the
// transaction that publishes it.
type Condition struct {
	IfMatch     string    // an ETag, or * for any object; "" for no condition
	IfNoneMatch string    // an ETag, or * for any object; "" for no condition
	IfSize      *int64    // bytes; nil for no condition
	IfModified  time.Time // to the second; zero for no condition
}

// check compares with the present object, nil when there is none.
func (c Condition) check(o *Object) error {
	if o == nil {
		if c.IfMatch != "" || c.IfSize != nil || !c.IfModified.IsZero() {
			return ErrNoSuchKey
		}
		return nil
	}
	switch {
	case c.IfMatch != "" && c.IfMatch != "*" && c.IfMatch != o.ETag:
		return fmt.Errorf("If-Match: %w", ErrPrecondition)
	case c.IfNoneMatch != "" && (c.IfNoneMatch == "*" || c.IfNoneMatch == o.ETag):
		return fmt.Errorf("If-None-Match: %w", ErrPrecondition)
	case c.IfSize != nil && *c.IfSize != o.Size:
		return fmt.Errorf("size: %w", ErrPrecondition)
	case !c.IfModified.IsZero() && c.IfModified.Unix() != o.Modified.Unix():
		return fmt.Errorf("last modified: %w", ErrPrecondition)
	}
	return nil
}

func checkKey(key string) error {
	if key == "" || len(key) > MaxKey {
		return ErrKeyLength
	}
	return nil
}
