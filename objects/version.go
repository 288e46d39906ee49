package objects

import (
	"context"
	"errors"
)

// VersionQuery asks for part of a bucket's versions and delete markers: keys in
// bytewise order, of each key the newest first.
type VersionQuery struct {
	Prefix        string // only keys that begin so
	Delimiter     string // keys with it after the prefix are grouped up to it; "" for no groups
	KeyMarker     string // only what comes after this key or group
	VersionMarker string // with KeyMarker: after this version of it
	Limit         int    // at most this many entries
}

// VersionResult is a page of such a listing. Versions carry no Meta but Marker
// and Latest, and no Parts.
type VersionResult struct {
	Versions       []Object
	CommonPrefixes []string
	Truncated      bool
	NextKey        string // the last entry of this page: a key, or a group
	NextVersion    string // its version; "" for a group
}

// ListVersions lists versions and delete markers.
func (s *Store) ListVersions(ctx context.Context, bucket string, q VersionQuery) (VersionResult, error) {
	r, err := s.List(ctx, bucket, ListQuery{q.Prefix, q.Delimiter, q.KeyMarker, q.Limit})
	out := VersionResult{Versions: r.Objects, CommonPrefixes: r.CommonPrefixes, Truncated: r.Truncated, NextKey: r.Next}
	for i := range out.Versions {
		out.Versions[i].Version, out.Versions[i].Latest = NullVersion, true
	}
	if n := len(r.Objects); n > 0 && r.Objects[n-1].Key == r.Next {
		out.NextVersion = NullVersion
	}
	return out, err
}

// SetVersioning turns the keeping of versions on or off.
func (s *Store) SetVersioning(context.Context, string, Versioning) error {
	return errors.ErrUnsupported
}

// SetTags replaces the tags of a version; nil removes them.
func (s *Store) SetTags(context.Context, Ref, map[string]string) (Object, error) {
	return Object{}, errors.ErrUnsupported
}

// Setting reads a small document that is kept with a bucket under a name, or
// fails with ErrNoSetting.
func (s *Store) Setting(ctx context.Context, bucket, _ string) (string, error) {
	if _, err := s.Bucket(ctx, bucket); err != nil {
		return "", err
	}
	return "", ErrNoSetting
}

// PutSetting keeps a document with a bucket; "" removes it.
func (s *Store) PutSetting(context.Context, string, string, string) error {
	return errors.ErrUnsupported
}
