package policy

import (
	"regexp"
	"slices"
	"strings"
)

// A fence keeps each device or user to its own part of something: a variable in
// a Resource or in a condition. What follows finds the mistakes that open one.

// narrows reports whether patterns of the statement say what is let through: of
// an Allow those it lists, of a Deny those it excepts.
func (l *linter) narrows(excepts bool) bool {
	return (l.raw.effect == "Allow") != excepts && (l.doc.kind == IoT || l.decides())
}

// sameForAll are keys with one value for all who are told apart by a fence, or
// with values of one length.
var sameForAll = []string{"aws:PrincipalAccount", "aws:ResourceAccount", "s3:ResourceAccount", "aws:SourceAccount", "aws:RequestedRegion", "aws:PrincipalType"}

// fence warns about a wildcard that stands in the same part of a pattern as a
// variable, no slash between them: names that only begin or end as the value does
// match, too.
func (l *linter) fence(text string) {
	sc := scanner{variables: l.doc.variables, wild: true, iot: l.doc.kind == IoT}
	tokens, _ := sc.scan(text) // what was compiled scans
	name, wild, after := "", false, false
	check := func() {
		if name != "" && wild {
			l.openFence("${"+name+"}", text, after)
		}
		name, wild, after = "", false, false
	}
	for _, t := range tokens {
		switch t.kind {
		case variable:
			if !slices.ContainsFunc(sameForAll, func(k string) bool { return equalFold(k, t.key.name) }) {
				name = t.key.name
			}
		case star, one:
			wild, after = true, after || name != ""
		case literal:
			if strings.Contains(t.text, "/") {
				check()
			}
		}
	}
	check()
}

func (l *linter) openFence(v, text string, after bool) {
	if after {
		l.warn("open-fence", "a wildcard follows "+v+" without a slash between them, so names that only begin with its value match, too: "+text,
			"write "+v+"/ before the wildcard")
		return
	}
	l.warn("open-fence", "a wildcard comes before "+v+" without a slash between them, so names that only end with its value match, too: "+text,
		"write a slash before "+v)
}

// deviceKey reports whether a key is of a device's session, or of the device at
// the exchange.
func deviceKey(name string) bool {
	return hasPrefixFold(name, "credentials-iot:") || hasPrefixFold(name, "iot:Connection.Thing.") || hasPrefixFold(name, "iot:Certificate.") ||
		oldKeys[lowerASCII(name)] != ""
}

// holdsAbsent reports whether a condition holds when its key is absent.
func (c *rawCondition) holdsAbsent() bool {
	switch {
	case c.op.family == nullFamily:
		return slices.ContainsFunc(c.values, func(v string) bool { return equalFold(v, "true") })
	case c.op.ifExists, c.op.set == forAll:
		return true
	}
	return c.op.negated && c.op.set == single
}

// demands reports whether the statement holds only when a key is present.
func (l *linter) demands(key string) bool {
	return slices.ContainsFunc(l.raw.conditions, func(c rawCondition) bool {
		return equalFold(c.key, key) && !c.holdsAbsent()
	})
}

// absent warns about a condition of an Allow that holds when its key is absent.
func (l *linter) absent(c *rawCondition) {
	if l.raw.effect != "Allow" || !c.holdsAbsent() || l.demands(c.key) {
		return
	}
	present := `add "Null": {"` + c.key + `": "false"}`
	plain, ifExists := strings.CutSuffix(c.name, "IfExists")
	if ifExists && !c.op.negated && c.op.set != forAll {
		present = "write " + plain
	}
	switch {
	case c.op.set == forAll:
		l.warn("all-of-nothing", c.name+" holds when "+c.key+" is absent", `add "Null": {"`+c.key+`": "false"} if it must be present`)
	case equalFold(c.key, "s3:prefix") && c.op.family != nullFamily:
		l.warn("whole-list", c.name+" holds when "+c.key+" is absent, so the whole bucket may be listed", present)
	case !deviceKey(c.key):
	case c.op.family == nullFamily:
		l.warn("absent-key", "this Allow holds when "+c.key+" is absent: for a device that does not say or does not have it, and for who is no device", `write "false" if it must be present`)
	default:
		l.warn("absent-key", c.name+" holds when "+c.key+" is absent: for a device that does not say or does not have it, and for who is no device", present)
	}
}

// everythingElse warns about an Allow that says what it does not allow.
func (l *linter) everythingElse() {
	if l.raw.effect != "Allow" || l.doc.kind == Trust || l.doc.kind != IoT && !l.decides() {
		return
	}
	if l.raw.notResource() {
		l.warn("allow-not-resource", "Allow with NotResource allows everything else, also what is made later",
			"name in Resource what is allowed, or deny with NotResource")
	}
	if l.raw.notAction && (l.raw.notResource() || slices.Contains(l.raw.resources, "*")) && l.doc.kind != IoT {
		l.warn("allow-not-action", "Allow with NotAction allows every other action of every service, also those of IAM that it does not name",
			"name in Action what is allowed")
	}
}

// misspelt finds keys in brackets, or after a dollar, that are not written as
// variables are.
var misspelt = regexp.MustCompile(`(?i)((?:[$&#%@!]|%24)*(?:[({\[<]|%7b|&lt;)[ \t]*|\$)((?:` +
	`credentials-iot:[\w.]+(?:/[\w.:-]+)?` +
	`|iot:(?:thingName|thingType|certificateId|ClientId|Connection\.[\w.]+(?:\[[^\]]*\])?|Certificate\.[\w.]+)` +
	`|aws:(?:username|userid|SourceIdentity|PrincipalArn|PrincipalAccount|PrincipalType|(?:Principal|Request|Resource)Tag/[\w.:-]+)` +
	`|sts:RoleSessionName))[ \t]*(?:[)}\]>]|%7d|&gt;)?`)

// blankVariable finds variables with blanks around their keys.
var blankVariable = regexp.MustCompile(`\$\{([ \t\n\v\f\r]+[^}',]*|[^}',]*[ \t\n\v\f\r]+)\}`)

// spelling warns about what looks like a variable and is none, and about
// variables that are none on AWS.
func (l *linter) spelling(text string) {
	tokens, _ := scanner{variables: l.doc.variables, iot: l.doc.kind == IoT}.scan(text) // what was compiled scans
	for i, t := range tokens {
		if t.kind != literal {
			continue
		}
		if m := misspelt.FindStringSubmatch(t.text); m != nil && !strings.HasSuffix(m[1], "${") {
			l.warn("misspelt-variable", m[0]+" is plain text and no variable: "+text, "write ${"+m[2]+"}")
		}
		if i+1 < len(tokens) && tokens[i+1].kind == variable && strings.HasSuffix(t.text, "$") {
			v := "${" + tokens[i+1].key.name + "}"
			l.warn("misspelt-variable", "the first dollar of $"+v+" is plain text, and stands before the value: "+text, "write "+v)
		}
	}
	if !l.doc.variables {
		return
	}
	if m := blankVariable.FindStringSubmatch(text); m != nil && oldKeys[lowerASCII(trimKey(m[1]))] == "" && trimKey(m[1]) != "" {
		l.warn("blank-in-variable", "the blanks in "+m[0]+" are dropped here, and on AWS they are part of the name, which has no value: "+text,
			"write ${"+trimKey(m[1])+"}")
	}
}

// strangeKey warns about a condition key of S3 that actions of the statement do
// not have.
func (l *linter) strangeKey(c *rawCondition) {
	if !hasPrefixFold(c.key, "s3:") || l.raw.notAction || l.doc.kind == Trust || l.doc.kind == IoT || !isS3Key(c.key) {
		return
	}
	on := l.raw.s3On()
	for _, action := range l.raw.actions {
		applying := s3Applying(action, on)
		if len(applying) == 0 || s3Has(action, on, c.key) {
			continue
		}
		holds := "never holds for it"
		if c.holdsAbsent() {
			holds = "always holds for it"
		}
		l.warn("strange-key", action+" has no "+c.key+", so "+c.name+" "+holds, "put it into a statement of its own"+keptBy(c.key))
	}
}

// keptBy says what else narrows objects than keys about lists.
func keptBy(key string) string {
	switch lowerASCII(key) {
	case "s3:prefix", "s3:delimiter", "s3:max-keys":
		return ": that key is of lists only, and objects are narrowed by Resource"
	}
	return ""
}
