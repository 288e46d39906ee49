package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/thingpass/thingpass"
)

// maxTags is how many tags a resource may have (AWS tagging rules).
const maxTags = 50

// The kinds of resource that have tags, spelled as in their ARNs.
const (
	roleAliasTags  = "rolealias"
	policyTags     = "policy"
	thingTypeTags  = "thingtype"
	thingGroupTags = "thinggroup"
)

func scanTag(row row) (tag thingpass.Tag, err error) {
	err = row.Scan(&tag.Key, &tag.Value)
	return tag, err
}

// tagged returns NotFound unless the resource exists, and Invalid for a kind
// without tags.
func (t *tx) tagged(kind, name string) (err error) {
	switch kind {
	case roleAliasTags:
		_, err = t.alias(name)
	case policyTags:
		_, err = t.policy(name)
	case thingTypeTags:
		_, err = t.thingType(name)
	case thingGroupTags:
		_, err = t.group(name)
	default:
		err = &thingpass.Error{Kind: thingpass.Invalid, Message: fmt.Sprintf("A resource of type %q cannot have tags", kind)}
	}
	return err
}

// tag sets tags of a resource that exists.
func (t *tx) tag(kind, name string, tags []thingpass.Tag) error {
	if len(tags) == 0 {
		return nil
	}
	for _, tag := range tags {
		_, err := t.exec(`insert into tags (account, kind, name, key, value) values ($1, $2, $3, $4, $5)
			on conflict (account, kind, name, key) do update set value = excluded.value`, kind, name, tag.Key, tag.Value)
		if err != nil {
			return err
		}
	}
	keys, err := many(t, text, `select key from tags where account = $1 and kind = $2 and name = $3`, kind, name)
	if err != nil {
		return err
	}
	if len(keys) > maxTags {
		return thingpass.Errorf(thingpass.LimitExceeded, "A resource cannot have more than %d tags", maxTags)
	}
	// Policies know tags by their keys without regard to case: two that differ
	// in case only could not be told apart.
	seen := map[string]bool{}
	for _, key := range keys {
		folded := strings.ToLower(key)
		if seen[folded] {
			return thingpass.Errorf(thingpass.Invalid, "Tag keys that differ only in case: %s", key)
		}
		seen[folded] = true
	}
	return nil
}

// untagAll deletes the tags of a resource that is deleted.
func (t *tx) untagAll(kind, name string) error {
	_, err := t.exec(`delete from tags where account = $1 and kind = $2 and name = $3`, kind, name)
	return err
}

// Tags lists the tags of a "rolealias", "policy", "thingtype" or "thinggroup" by
// key, or NotFound.
func (db *DB) Tags(ctx context.Context, kind, name string) ([]thingpass.Tag, error) {
	return snapshot(ctx, db, op{"list tags of", name}, func(t *tx) ([]thingpass.Tag, error) {
		if err := t.tagged(kind, name); err != nil {
			return nil, err
		}
		return many(t, scanTag, `select key, value from tags where account = $1 and kind = $2 and name = $3 order by key`, kind, name)
	})
}

// TagResource sets tags and replaces the values of those that are there. The
// error is NotFound, or LimitExceeded when there would be more than 50.
func (db *DB) TagResource(ctx context.Context, kind, name string, tags []thingpass.Tag) error {
	return db.write(ctx, op{"tag", name}, func(t *tx) error {
		if err := t.tagged(kind, name); err != nil {
			return err
		}
		return t.tag(kind, name, tags)
	})
}

// UntagResource removes the tags with the keys; those that are not there need
// no removing. The error is NotFound.
func (db *DB) UntagResource(ctx context.Context, kind, name string, keys []string) error {
	return db.write(ctx, op{"untag", name}, func(t *tx) error {
		if err := t.tagged(kind, name); err != nil {
			return err
		}
		for _, key := range keys {
			if _, err := t.exec(`delete from tags where account = $1 and kind = $2 and name = $3 and key = $4`, kind, name, key); err != nil {
				return err
			}
		}
		return nil
	})
}
