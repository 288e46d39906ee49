package objects

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// VersionQuery asks for part of a bucket's versions and delete markers: keys in
// bytewise order, of each key the newest first.
type VersionQuery struct {
	Prefix        string // only keys that begin so
	Delimiter     string // keys with it after the prefix are grouped up to it; "" for no groups
	KeyMarker     string // only what comes after this key or group
	VersionMarker string // with KeyMarker: after this version of that key
	Limit         int    // at most this many entries
}

// VersionResult is a page of such a listing. Versions carry no Meta and no
// Parts.
type VersionResult struct {
	Versions       []Object
	CommonPrefixes []string // the groups
	Truncated      bool     // there is more after NextKey and NextVersion
	NextKey        string   // the last entry of this page: a key or a group
	NextVersion    string   // its version; "" for a group
}

// ListVersions lists versions and delete markers. In a bucket that never had
// versions each object is the null version. Where the version of the marker is
// gone meanwhile, the page begins with the key's newest: what is read twice is
// better than what is missed.
func (s *Store) ListVersions(ctx context.Context, bucket string, q VersionQuery) (VersionResult, error) {
	l := versionLister{VersionQuery: q, bucket: bucket}
	err := s.read.view(ctx, func(v *session) error {
		id, err := v.bucketID(bucket)
		if err != nil {
			return err
		}
		from, more := q.list().start()
		seq := int64(-1)
		if _, grouped := q.list().group(q.KeyMarker); q.KeyMarker != "" && q.VersionMarker != "" && !grouped {
			if seq, err = v.seq(id, q.KeyMarker, hide(q.VersionMarker)); err != nil {
				return err
			}
			from, more = max(q.KeyMarker, q.Prefix), true
		}
		for ; more; more = from != "" {
			if from, err = l.run(ctx, v, id, place{from, seq}); err != nil {
				return err
			}
			seq = -1
		}
		return nil
	})
	if err != nil {
		return VersionResult{}, wrap("list object versions", err)
	}
	return l.result, nil
}

// list is the part of the query that is about keys.
func (q VersionQuery) list() ListQuery {
	return ListQuery{Prefix: q.Prefix, Delimiter: q.Delimiter, After: q.KeyMarker}
}

// seq is where a version stands among those of its key, -1 when it is gone.
func (s *session) seq(bucket int64, key, id string) (seq int64, err error) {
	err = s.get(`select seq from object where bucket = ?1 and key = ?2 and version = ?3
		union all select seq from noncurrent where bucket = ?1 and key = ?2 and version = ?3`,
		[]any{bucket, []byte(key), id}, []any{&seq})
	if errors.Is(err, sql.ErrNoRows) {
		return -1, nil
	}
	return seq, err
}

// place is where to read on: at a key, and after its version seq if that is not
// -1.
type place struct {
	key string
	seq int64
}

type versionLister struct {
	VersionQuery
	bucket string
	result VersionResult
	last   string // the group being stepped over
	steps  int
}

const listVersions = `
	select 1, key, seq, version, marker, size, etag, modified from object where bucket = ?1 and key >= ?2
	union all
	select 0, key, seq, version, marker, size, etag, modified from noncurrent where bucket = ?1 and key >= ?2
	order by 2, 3 desc`

// run reads from one place onwards and returns the key to read on at, "" when
// the listing is done.
func (l *versionLister) run(ctx context.Context, v *session, id int64, from place) (string, error) {
	rows, err := v.query(listVersions, id, []byte(from.key))
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() && ctx.Err() == nil {
		var key []byte
		var seq, modified int64
		o := Object{Name: Name{Bucket: l.bucket}}
		if err := rows.Scan(&o.Latest, &key, &seq, &o.Version, &o.Marker, &o.Size, &o.ETag, &modified); err != nil {
			return "", err
		}
		o.Key, o.Modified, o.Version = string(key), instant(modified), Enabled.show(o.Version)
		if from.seq >= 0 && o.Key == from.key && seq >= from.seq {
			continue
		}
		next, more := l.add(o)
		if next != "" || !more {
			return next, nil
		}
	}
	return "", errors.Join(ctx.Err(), rows.Err())
}

// add takes the next version into the page. It returns a key to seek to, or
// whether to go on with the next row.
func (l *versionLister) add(o Object) (seek string, more bool) {
	if !strings.HasPrefix(o.Key, l.Prefix) {
		return "", false
	}
	group, grouped := l.list().group(o.Key)
	if grouped && group == l.last {
		l.steps++
		if l.steps < groupSteps {
			return "", true
		}
		l.steps = 0
		seek = successor(group)
		return seek, seek != ""
	}
	if len(l.result.Versions)+len(l.result.CommonPrefixes) >= l.Limit {
		l.result.Truncated = l.Limit > 0
		return "", false
	}
	l.last, l.steps = group, 0
	if grouped {
		l.result.CommonPrefixes = append(l.result.CommonPrefixes, group)
		l.result.NextKey, l.result.NextVersion = group, ""
		return "", true
	}
	l.result.Versions = append(l.result.Versions, o)
	l.result.NextKey, l.result.NextVersion = o.Key, o.Version
	return "", true
}
