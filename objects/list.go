package objects

import (
	"context"
	"errors"
	"strings"
)

// ListQuery asks for part of a bucket's keys in bytewise order.
type ListQuery struct {
	Prefix    string // only keys that begin so
	Delimiter string // keys with it after the prefix are grouped up to it; "" for no groups
	After     string // only entries, keys or groups, that come after this
	Limit     int    // at most this many entries
}

// ListResult is a page of a listing. Objects carry no Meta and no Parts.
type ListResult struct {
	Objects        []Object
	CommonPrefixes []string // the groups
	Truncated      bool     // there is more after Next
	Next           string   // the last entry of this page
}

// A group is stepped over row by row at first, which is cheap for small
// groups, and left with one seek when it turns out to be longer than this.
const groupSteps = 16

// List lists the objects of a bucket.
func (s *Store) List(ctx context.Context, bucket string, q ListQuery) (ListResult, error) {
	l := lister{ListQuery: q, bucket: bucket}
	// One snapshot, so that all seeks of a page see the same index.
	err := s.read.view(ctx, func(v *session) error {
		id, err := v.bucketID(bucket)
		if err != nil {
			return err
		}
		for from, more := q.start(); more; more = from != "" {
			if from, err = l.run(ctx, v, id, from); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return ListResult{}, wrap("list objects", err)
	}
	return l.result, nil
}

// start is the least key that can be on the page; ok is false when there is
// none.
func (q ListQuery) start() (from string, ok bool) {
	if q.After < q.Prefix || q.After == "" {
		return q.Prefix, true
	}
	// After a group, or a key inside it, comes what follows the group.
	if group, grouped := q.group(q.After); grouped {
		next := successor(group)
		return next, next != ""
	}
	return q.After + "\x00", true
}

// group is the entry that a key with the prefix is rolled up into.
func (q ListQuery) group(key string) (string, bool) {
	if q.Delimiter == "" || !strings.HasPrefix(key, q.Prefix) {
		return "", false
	}
	i := strings.Index(key[len(q.Prefix):], q.Delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(q.Prefix)+i+len(q.Delimiter)], true
}

// successor is the least string greater than all that begin with s, "" when
// there is none.
func successor(s string) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != 0xff {
			return s[:i] + string([]byte{s[i] + 1})
		}
	}
	return ""
}

type lister struct {
	ListQuery
	bucket string
	result ListResult
	last   string // the group being stepped over
	steps  int
}

// run reads from one place onwards and returns where to read on, "" when the
// listing is done.
func (l *lister) run(ctx context.Context, v *session, id int64, from string) (string, error) {
	rows, err := v.query(`select key, size, etag, modified from object
		where bucket = ? and key >= ? and not marker order by key`, id, []byte(from))
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() && ctx.Err() == nil {
		var key []byte
		var modified int64
		o := Object{Name: Name{Bucket: l.bucket}}
		if err := rows.Scan(&key, &o.Size, &o.ETag, &modified); err != nil {
			return "", err
		}
		o.Key, o.Modified = string(key), instant(modified)
		next, more := l.add(o)
		if next != "" || !more {
			return next, nil
		}
	}
	return "", errors.Join(ctx.Err(), rows.Err())
}

// add takes the next object into the page. It returns a key to seek to, or
// whether to go on with the next row.
func (l *lister) add(o Object) (seek string, more bool) {
	if !strings.HasPrefix(o.Key, l.Prefix) {
		return "", false
	}
	group, grouped := l.group(o.Key)
	if grouped && group == l.last {
		l.steps++
		if l.steps < groupSteps {
			return "", true
		}
		l.steps = 0
		seek = successor(group)
		return seek, seek != ""
	}
	if len(l.result.Objects)+len(l.result.CommonPrefixes) >= l.Limit {
		l.result.Truncated = l.Limit > 0
		return "", false
	}
	l.last, l.steps = group, 0
	if grouped {
		l.result.CommonPrefixes = append(l.result.CommonPrefixes, group)
		l.result.Next = group
		return "", true
	}
	l.result.Objects = append(l.result.Objects, o)
	l.result.Next = o.Key
	return "", true
}
