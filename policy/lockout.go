package policy

import "strings"

// lockout warns of a Deny in the policy of a bucket after which nobody can
// change the policy any more: whoever owns the bucket is denied, too.
func (l *linter) lockout() {
	if l.doc.kind != Resource || !equalFold(l.raw.effect, "Deny") || len(l.raw.conditions) > 0 || l.raw.notPrincipal || !everybody(l.raw.principal) {
		return
	}
	if !l.matches("s3:putbucketpolicy") || !l.matches("s3:deletebucketpolicy") || !l.namesBucket() {
		return
	}
	l.warn("locks-out", "this Deny locks everybody out of the bucket, the administrator too: nobody could change or delete the policy again",
		"write a Condition, name whom it is about in Principal, or deny fewer actions")
}

// everybody tells whether a Principal includes all callers.
func everybody(principal *node) bool {
	if principal == nil {
		return false
	}
	if principal.kind == stringNode {
		return principal.text == "*"
	}
	for i := range principal.fields {
		f := &principal.fields[i]
		names, err := f.textList()
		if f.name != "AWS" || err != nil {
			continue
		}
		for _, name := range names {
			if name == "*" {
				return true
			}
		}
	}
	return false
}

// namesBucket tells whether the statement is about a bucket, and not only about
// what is in it.
func (l *linter) namesBucket() bool {
	named := false
	for _, r := range l.raw.resources {
		fixed := r
		if i := strings.IndexAny(r, "*?"); i >= 0 {
			fixed = r[:i]
		}
		named = named || !strings.ContainsAny(fixed, "/$")
	}
	return named != l.raw.notResource()
}
