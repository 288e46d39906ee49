package policy

import (
	"slices"
	"strings"
)

// s3On are kinds of resources of S3.
type s3On uint8

const (
	onBucket s3On = 1 << iota
	onObject
	onOther // access points, jobs, ...
)

// s3Action is an action of S3 (Service Authorization Reference).
type s3Action struct {
	name string
	on   s3On   // 0 when it has no resource
	keys string // condition keys besides s3CommonKeys and s3ResourceKeys
}

// s3Matching are the actions of S3 that a pattern without its prefix names.
func s3Matching(name string) []*s3Action {
	pattern := newPattern(wildcards(lowerASCII(name)))
	var all []*s3Action
	for i := range s3Actions {
		if pattern.matchFold(s3Actions[i].name) {
			all = append(all, &s3Actions[i])
		}
	}
	return all
}

// has reports whether requests for the action can have a condition key of S3.
func (a *s3Action) has(key string) bool {
	fits := func(known string) bool { return fitsKey(known, key) }
	keys := s3CommonKeys + " " + s3ResourceKeys + " " + a.keys
	if slices.Contains(ofEveryVersion, a.name) {
		keys += " s3:ExistingObjectTag/… s3:VersionId"
	}
	return slices.ContainsFunc(strings.Fields(keys), fits)
}

// ofEveryVersion are actions on objects without a form for versions. They have
// two keys here that the reference does not give them.
var ofEveryVersion = []string{
	"BypassGovernanceRetention", "GetObjectLegalHold", "GetObjectRetention", "PutObjectLegalHold", "PutObjectRetention", "RestoreObject",
}

// isS3Key reports whether some action of S3 has a condition key.
func isS3Key(key string) bool {
	return slices.ContainsFunc(s3Actions, func(a s3Action) bool { return a.has(key) })
}

// fitsKey reports whether a condition key is the known one, or one of a family
// whose names end with a name of the caller's choice.
func fitsKey(known, key string) bool {
	before, _, family := strings.Cut(known, "…")
	if family {
		return len(key) > len(before) && hasPrefixFold(key, before)
	}
	return equalFold(known, key)
}

// iotPolicyActions are actions of IoT that only IoT policies have (AWS IoT
// developer guide, "AWS IoT Core policy actions"), some of them also in the
// reference.
const iotPolicyActions = "AssumeRoleWithCertificate Connect DeleteConnection DeleteThingShadow DescribeJobExecution " +
	"GetPendingJobExecutions GetRetainedMessage GetThingShadow ListNamedShadowsForThing ListRetainedMessages Publish Receive " +
	"RetainPublish StartNextPendingJobExecution Subscribe UpdateJobExecution UpdateThingShadow"

// actionsOf are the actions of a service, or none when they are not known here.
func actionsOf(vendor string) []string {
	vendor = lowerASCII(vendor)
	names := serviceActions[vendor]
	if vendor == "iot" {
		names += " " + iotPolicyActions
	}
	return strings.Fields(names)
}

// beginsAs reports whether a resource, after the fifth colon, can be one of
// forms: those that end with a slash are how it begins, the others all of it.
// With open, it may have its first wildcard within the form.
func beginsAs(resource string, forms []string, open bool) bool {
	head := resource
	if i := strings.IndexAny(resource, "*?$"); i >= 0 {
		head = resource[:i]
	}
	return slices.ContainsFunc(forms, func(form string) bool {
		if strings.HasSuffix(form, "/") && strings.HasPrefix(resource, form) || resource == form {
			return true
		}
		return open && head != resource && strings.HasPrefix(form, head)
	})
}
