package s3

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/upstream"
)

// onVersion is the question about an object, or about the version of it that
// the request names: pair holds the action for the one and the other. Policies may
// look at the tags that it has.
func (s *service) onVersion(t *target, c *gate.Call, pair []string) gateAccess {
	a := s.access(t, c, pair[0])
	if v := t.version(); v != "" {
		a.Action = pair[len(pair)-1]
		a.Context["s3:VersionId"] = []string{v}
	}
	a.Late = s.existingTags(t)
	return a
}

// existingTags are the condition keys that tell an object's tags.
func (s *service) existingTags(t *target) *gate.Late {
	return &gate.Late{Prefix: "s3:ExistingObjectTag/", Keys: func(ctx context.Context) (map[string]string, error) {
		tags, err := s.tagsOf(ctx, t)
		if err != nil {
			return nil, err
		}
		keys := make(map[string]string, len(tags))
		for k, v := range tags {
			keys["s3:ExistingObjectTag/"+k] = v
		}
		return keys, nil
	}}
}

// tagsOf reads the tags of an object; what is not there has none.
func (s *service) tagsOf(ctx context.Context, t *target) (map[string]string, error) {
	if e := upstream.Pick(s.Engines, t.bucket); e != nil {
		return engineTags(ctx, e, t)
	}
	o, err := s.Objects.Head(ctx, t.ref())
	if _, marker := errors.AsType[*objects.MarkerError](err); marker || isMissing(err) {
		return nil, nil
	}
	return o.Tags, err
}

func isMissing(err error) bool {
	return errors.Is(err, objects.ErrNoSuchKey) || errors.Is(err, objects.ErrNoSuchVersion) || errors.Is(err, objects.ErrNoSuchBucket)
}

func versionAccess(pair []string) asking {
	return func(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
		return []gateAccess{s.onVersion(t, c, pair)}, nil
	}
}

// plainAccess asks for the one action of a row, which has no form for versions.
func plainAccess(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
	return []gateAccess{s.onVersion(t, c, t.op.actions[:1])}, nil
}

// aclAccess asks with the lists that are to be set.
func aclAccess(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
	a := s.onVersion(t, c, t.op.actions)
	say(a, t)
	return []gateAccess{a}, nil
}

func attributesAccess(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
	return []gateAccess{
		s.onVersion(t, c, []string{"s3:GetObject", "s3:GetObjectVersion"}),
		s.onVersion(t, c, []string{"s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"}),
	}, nil
}

// deleteAccess asks for a deletion, and for what its header would get around.
func deleteAccess(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
	all := s.deletionOf(t, c)
	conditionKey(all[0], c.Request.Header, "If-Match", "s3:if-match")
	return all, nil
}

// deletionOf are the questions about deleting an object, the deletion itself
// first. Its condition is for the caller to add: it may be a header, or an entry
// of a list.
func (s *service) deletionOf(t *target, c *gate.Call) []gateAccess {
	a := s.access(t, c, "s3:DeleteObject")
	if v := t.version(); v != "" {
		a.Action = "s3:DeleteObjectVersion"
		a.Context["s3:VersionId"] = []string{v}
	}
	all := []gateAccess{a}
	if bypasses(c.Request.Header) {
		all = append(all, s.onVersion(t, c, []string{"s3:BypassGovernanceRetention"}))
	}
	return all
}

func bypasses(h http.Header) bool {
	return strings.EqualFold(h.Get("X-Amz-Bypass-Governance-Retention"), "true")
}

// conditionKey adds a header whose value is a condition key.
func conditionKey(a gateAccess, h http.Header, name, key string) {
	if v := h[name]; len(v) == 1 {
		a.Context[key] = v
	}
}

// putAccess asks for what a request stores. Steps of a multipart upload before
// its completion do not create the object.
func putAccess(creates bool) asking {
	return func(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
		return s.storing(t, c, c.Request.Header, creates)
	}
}

// storing are the questions about storing an object that headers describe: each
// thing that is stored with it is a permission of its own.
func (s *service) storing(t *target, c *gate.Call, h http.Header, creates bool) ([]gateAccess, error) {
	a := s.access(t, c, "s3:PutObject")
	say(a, t)
	conditionKey(a, h, "If-Match", "s3:if-match")
	if h.Get("If-None-Match") == "*" { // with an ETag it is no condition that keeps what is there: a policy is not told of it
		conditionKey(a, h, "If-None-Match", "s3:if-none-match")
	}
	a.Context["s3:ObjectCreationOperation"] = []string{strconv.FormatBool(creates)}
	until := h.Get("X-Amz-Object-Lock-Retain-Until-Date")
	remainingDays(a, until, s.Now())
	var tags map[string]string
	if v := h.Get(taggingHeader); v != "" {
		var err error
		if tags, err = readTags(v); err != nil {
			return nil, err
		}
		tagKeys(&a, tags)
	}
	all := []gateAccess{a}
	also := func(action string) {
		extra := a
		extra.Action = action
		all = append(all, extra)
	}
	if t.says("s3:x-amz-acl") || t.grants() {
		also("s3:PutObjectAcl")
	}
	if tags != nil {
		also("s3:PutObjectTagging")
	}
	if until != "" || t.says("s3:object-lock-mode") {
		also("s3:PutObjectRetention")
	}
	if t.says("s3:object-lock-legal-hold") {
		also("s3:PutObjectLegalHold")
	}
	return all, nil
}

// remainingDays tells how long an object is to be locked.
func remainingDays(a gateAccess, until string, now time.Time) {
	if at, err := time.Parse(time.RFC3339, until); err == nil {
		a.Context["s3:object-lock-remaining-retention-days"] = []string{strconv.FormatInt(int64(at.Sub(now)/(24*time.Hour)), 10)}
	}
}

// tagKeys are the condition keys about tags that a request sets.
func tagKeys(a *gateAccess, tags map[string]string) {
	names := make([]string, 0, len(tags))
	for k, v := range tags {
		a.Context["s3:RequestObjectTag/"+k] = []string{v}
		names = append(names, k)
	}
	a.Lists = map[string][]string{"s3:RequestObjectTagKeys": names}
}

// copyAccess asks for the destination and the source. Whether the source has
// tags, which need permissions of their own, turns out when it is read.
func copyAccess(creates bool) asking {
	return func(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
		src, err := copySource(c.Request)
		if err != nil {
			return nil, err
		}
		all, err := s.storing(t, c, c.Request.Header, creates)
		if err != nil {
			return nil, err
		}
		// Without the slash before it, which is how AWS's examples are written and
		// which the header may have or not.
		all[0].Context["s3:x-amz-copy-source"] = []string{src.bucket + "/" + src.key}
		return append(all, s.onVersion(src, c, []string{"s3:GetObject", "s3:GetObjectVersion"})), nil
	}
}

// copyTagging are the questions about copying the tags of a source that has
// some.
func (s *service) copyTagging(x *exchange, src *target, tags map[string]string) []gateAccess {
	put := s.access(x.target, x.call, "s3:PutObjectTagging")
	tagKeys(&put, tags)
	return []gateAccess{s.onVersion(src, x.call, []string{"s3:GetObjectTagging", "s3:GetObjectVersionTagging"}), put}
}
