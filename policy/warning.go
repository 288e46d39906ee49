package policy

import "slices"

// Warning tells about a statement that saves, as on AWS, but probably does not
// do what its author meant.
type Warning struct {
	// Code says what is odd, for programs:
	//
	//	not-an-action        an API call is named, which is authorised by another action
	//	unknown-action       the service has no such action
	//	wrong-kind           the action is not decided by this kind of policy
	//	bucket-or-object     an action on buckets with objects as resources, or the other way round
	//	unknown-variable     nothing here gives the variable a value
	//	unsupplied-key       nothing here gives the condition key a value
	//	old-spelling         the key has another name today
	//	list-variable        the key has several values, so it is no variable
	//	list-without-set     such a key in a condition without ForAllValues or ForAnyValue
	//	literal-variable     a variable in a place where it is plain text
	//	no-default           a default that is not written as one
	//	deny-loses-variable  a Deny that does not apply when a variable has no value
	//	misspelt-variable    what looks like a variable and is plain text
	//	blank-in-variable    a variable here that is none on AWS
	//	open-fence           a wildcard beside a variable, with no slash between
	//	absent-key           an Allow that holds when a key of the device is absent
	//	all-of-nothing       an Allow with ForAllValues, which an absent key satisfies
	//	whole-list           an Allow of lists whose prefix may be left out
	//	strange-key          a condition key that an action beside it does not have
	//	literal-wildcard     * or ? with an operator that takes it as text
	//	no-number, no-boolean, no-address, no-base64, no-arn
	//	                     a value that compares with nothing
	//	no-values            a condition without values
	//	allow-not-principal  an Allow for everybody but some
	//	allow-not-resource   an Allow of everything but something
	//	allow-not-action     an Allow of all actions but some, on everything
	//	locks-out            a Deny of a bucket policy for everybody, its owner too
	Code      string
	Statement int // counted from 0
	Sid       string
	Message   string // what is odd
	Suggest   string // what to write instead; may be empty
}

// String is the warning on one line: what is odd, and what to write instead.
func (w Warning) String() string {
	if w.Suggest == "" {
		return w.Message
	}
	return w.Message + "; " + w.Suggest
}

// Lines are warnings as lines of text.
func Lines(warnings []Warning) []string {
	lines := make([]string, len(warnings))
	for i, w := range warnings {
		lines[i] = w.String()
	}
	return lines
}

// Warnings tells what saves, as on AWS, but probably does not do what it seems
// to, in the order of the statements, each thing once.
func (p *Policy) Warnings() []Warning { return p.WarningsIn("") }

// WarningsIn is Warnings where the account is known: principals of others are
// not there, and naming the account means all who are.
func (p *Policy) WarningsIn(account string) []Warning {
	if p == nil || p.doc == nil {
		return nil
	}
	l := linter{doc: p.doc, account: account}
	for i := range p.doc.statements {
		l.number, l.raw = i, &p.doc.statements[i]
		l.actions()
		l.resources()
		l.conditions()
		l.everythingElse()
		if l.raw.notPrincipal && l.raw.effect == "Allow" {
			l.warn("allow-not-principal", "Allow with NotPrincipal allows everybody else, anonymous callers too", "name those who may in Principal")
		}
		l.lockout()
	}
	return l.list
}

// maxWarnings is how many warnings about one policy there are at most.
const maxWarnings = 100

// linter looks for what is odd, one statement after the other.
type linter struct {
	doc     *document
	account string // "" when it is not known
	number  int
	raw     *rawStatement
	list    []Warning

	noPut, noDelete, lockedOut bool // what the statements so far deny everybody of the bucket's policy
}

func (l *linter) warn(code, message, suggest string) {
	w := Warning{Code: code, Statement: l.number, Sid: l.raw.sid, Message: message, Suggest: suggest}
	if len(l.list) < maxWarnings && !slices.Contains(l.list, w) {
		l.list = append(l.list, w)
	}
}
