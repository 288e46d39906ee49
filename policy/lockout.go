package policy

import (
	"slices"
	"strings"
)

// lockout warns of Denies in the policy of a bucket after which nobody can
// change the policy any more: whoever owns the bucket is denied, too.
func (l *linter) lockout() {
	if l.doc.kind != Resource || l.raw.effect != "Deny" || !l.holdsAlways() || !l.namesBucket() {
		return
	}
	suggest := "write a Condition, name whom it is about in Principal, or deny fewer actions"
	if l.raw.notPrincipal {
		suggest = "list for each who is to be left alone all its forms: the account and the user, or the account, the role and the session"
	}
	if !l.everybody() {
		return
	}
	l.noPut = l.noPut || l.matches("s3:putbucketpolicy")
	l.noDelete = l.noDelete || l.matches("s3:deletebucketpolicy")
	if !l.noPut || !l.noDelete || l.lockedOut {
		return
	}
	l.lockedOut = true
	l.warn("locks-out", "this Deny locks everybody out of the bucket, the administrator too: nobody could change or delete the policy again", suggest)
}

// holdsAlways reports whether the statement has no condition that a request here
// could fail: those that there are hold when their key is absent, and nothing
// here gives it a value.
func (l *linter) holdsAlways() bool {
	return !slices.ContainsFunc(l.raw.conditions, func(c rawCondition) bool {
		k, known := supplied(c.key)
		return !c.holdsAbsent() || known && k.uses&l.doc.kind.asked() != 0
	})
}

// everybody reports whether a Deny is about all callers: everyone is named, or
// the account, or none is left out.
func (l *linter) everybody() bool {
	p, err := l.doc.readPrincipals(l.raw.principal)
	if err != nil {
		return false
	}
	if !l.raw.notPrincipal {
		return p.everyone || l.account != "" && slices.Contains(p.accounts, l.account)
	}
	return p.everyone || !slices.ContainsFunc(p.arns, func(arn string) bool { return l.leavesAlone(p, arn) })
}

// leavesAlone reports whether a Deny with p as NotPrincipal leaves alone who has
// an ARN: all of the forms must be listed (see excepts).
func (l *linter) leavesAlone(p *principals, arn string) bool {
	parts, _ := splitARN(arn)
	if l.account != "" && parts[account] != l.account || !slices.Contains(p.accounts, parts[account]) {
		return false
	}
	kind, rest, _ := strings.Cut(parts[path], "/")
	if kind != "assumed-role" {
		return kind == "user" || kind == "federated-user"
	}
	role, _, _ := strings.Cut(rest, "/")
	return slices.ContainsFunc(p.arns, func(other string) bool {
		o, _ := splitARN(other)
		return o[account] == parts[account] && strings.HasPrefix(o[path], "role/") && o[path][strings.LastIndexByte(o[path], '/')+1:] == role
	})
}

// namesBucket reports whether the statement is about a bucket, and not only
// about what is in it.
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
