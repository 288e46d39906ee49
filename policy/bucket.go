package policy

import "strings"

// CheckBucket reports what S3 refuses of a policy of kind Resource for a bucket
// and Parse does not: what makes no difference to any decision, because it
// grants nothing. The error is an *Error with S3's message. With bucket "" it is
// for whatever bucket the policy names.
//
// The rules are those of S3's messages, seen in public reports: an action that
// there is not; a resource that is not of the bucket; an action that applies to
// none of the resources that stand beside it (ministryofjustice/
// modernisation-platform#10762); a condition key that an action beside it does
// not have, though another may (humanmade/S3-Uploads#239). Of a pattern of
// actions it is enough when one of them does.
func (p *Policy) CheckBucket(bucket string) error {
	for i := range p.doc.statements {
		s := &p.doc.statements[i]
		for _, action := range s.actions {
			if len(s3Named(action)) == 0 {
				return &Error{Message: invalidAction, Detail: action}
			}
		}
		for _, r := range s.resources {
			if !ofBucket(r, bucket) {
				return &Error{Message: invalidResource, Detail: r}
			}
		}
		on := s.s3On()
		for _, action := range s.actions {
			if !s.notAction && len(s3Applying(action, on)) == 0 {
				return &Error{Message: "Action does not apply to any resource(s) in statement", Detail: action}
			}
		}
		for _, c := range s.conditions {
			if err := s.checkBucketKey(c.key, on); err != nil {
				return err
			}
		}
	}
	return nil
}

// ofBucket reports whether a resource of a policy is the bucket or in it: its
// name stands there in full, so that no pattern reaches another.
func ofBucket(resource, bucket string) bool {
	rest, ok := strings.CutPrefix(resource, "arn:aws:s3:::"+bucket)
	return ok && (rest == "" || rest[0] == '/' || bucket == "")
}

// s3On are the kinds of resources that a statement of a bucket's policy names.
func (s *rawStatement) s3On() s3On {
	on := s3On(0)
	for _, r := range s.resources {
		switch {
		case s.notResource() || r == "*":
			return onBucket | onObject
		case strings.Contains(r, "/"):
			on |= onObject
		case strings.ContainsAny(r, "*?"): // of a policy for whatever bucket
			on |= onBucket | onObject
		default:
			on |= onBucket
		}
	}
	return on
}

// s3Named are the actions for buckets and objects that an action of a policy
// names: no policy of a bucket has others.
func s3Named(action string) []*s3Action { return s3Applying(action, onBucket|onObject) }

// s3Applying are those of them that apply to some kind of resource.
func s3Applying(action string, on s3On) (all []*s3Action) {
	service, name, found := strings.Cut(action, ":")
	switch {
	case action == "*":
		name = "*"
	case !found || !equalFold(service, "s3"):
		return nil
	}
	for _, a := range s3Matching(name) {
		if a.on&on != 0 {
			all = append(all, a)
		}
	}
	return all
}

// checkBucketKey checks one condition key. Those of other services than S3 fit
// any action.
func (s *rawStatement) checkBucketKey(key string, on s3On) error {
	if !hasPrefixFold(key, "s3:") {
		return nil
	}
	if !isS3Key(key) {
		return &Error{Message: "Policy has an invalid condition key", Detail: key}
	}
	for _, action := range s.actions {
		if !s.notAction && !s3Has(action, on, key) {
			return &Error{Message: "Conditions do not apply to combination of actions and resources in statement", Detail: key + " " + action}
		}
	}
	return nil
}

// s3Has reports whether some action that a pattern names, and that applies to
// some kind of resource, has a condition key.
func s3Has(action string, on s3On, key string) bool {
	for _, a := range s3Applying(action, on) {
		if a.has(key) {
			return true
		}
	}
	return false
}
