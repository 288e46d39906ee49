package policy

import (
	"slices"
	"strings"
)

// notActions are names of API calls that people write as actions, with the
// action that AWS authorises the call by (Amazon S3 User Guide, "Required
// permissions for Amazon S3 API operations"). Keys are in lower case.
var notActions = map[string]string{
	"s3:headbucket":              "s3:ListBucket",
	"s3:listobjects":             "s3:ListBucket",
	"s3:listobjectsv2":           "s3:ListBucket",
	"s3:listobjectversions":      "s3:ListBucketVersions",
	"s3:listmultipartuploads":    "s3:ListBucketMultipartUploads",
	"s3:listparts":               "s3:ListMultipartUploadParts",
	"s3:listbuckets":             "s3:ListAllMyBuckets",
	"s3:headobject":              "s3:GetObject",
	"s3:selectobjectcontent":     "s3:GetObject",
	"s3:copyobject":              "s3:PutObject",
	"s3:uploadpart":              "s3:PutObject",
	"s3:uploadpartcopy":          "s3:PutObject",
	"s3:createmultipartupload":   "s3:PutObject",
	"s3:completemultipartupload": "s3:PutObject",
	"s3:deleteobjects":           "s3:DeleteObject",
}

// oldKeys are spellings from before the credentials provider's keys had their
// present names; both are keys of a device's session.
var oldKeys = map[string]string{
	"iot:certificateid": "credentials-iot:AwsCertificateId",
	"iot:thingname":     "credentials-iot:ThingName",
	"iot:thingtype":     "credentials-iot:ThingTypeName",
}

// counterparts are the keys of role policies and of IoT policies for the same
// thing, in lower case, both ways.
var counterparts = map[string]string{
	"credentials-iot:thingname":          "iot:Connection.Thing.ThingName",
	"credentials-iot:thingtypename":      "iot:Connection.Thing.ThingTypeName",
	"iot:thingname":                      "iot:Connection.Thing.ThingName",
	"iot:thingtype":                      "iot:Connection.Thing.ThingTypeName",
	"iot:connection.thing.thingname":     "credentials-iot:ThingName",
	"iot:connection.thing.thingtypename": "credentials-iot:ThingTypeName",
}

func (l *linter) actions() {
	for _, action := range l.raw.actions {
		vendor, name, _ := strings.Cut(action, ":")
		if strings.Contains(action, "${") {
			l.warn("literal-variable", "a variable in an action is plain text: "+action, "")
			continue
		}
		if equalFold(action, "iot:AssumeRoleWithCertificate") && l.doc.kind != IoT {
			l.warn("wrong-kind", action+" is decided by the IoT policies of the certificate only",
				"put it into an IoT policy that is attached to the certificate")
			continue
		}
		if l.doc.kind == IoT && !ofIoT(action) {
			l.warn("wrong-kind", action+" means nothing in an IoT policy", "put it into a policy of the role that the role alias stands for")
			continue
		}
		if better := notActions[lowerASCII(action)]; better != "" {
			l.warn("not-an-action", action+" is an API call and no action", "write "+better)
			continue
		}
		names := actionsOf(vendor)
		pattern := newPattern(wildcards(lowerASCII(name)))
		if len(names) == 0 || slices.ContainsFunc(names, pattern.matchFold) {
			continue
		}
		if strings.ContainsAny(name, "*?") {
			l.warn("unknown-action", "no action of "+lowerASCII(vendor)+" matches "+action, "")
			continue
		}
		suggest := ""
		if near := nearest(name, names); near != "" {
			suggest = "write " + vendor + ":" + near
		}
		l.warn("unknown-action", lowerASCII(vendor)+" has no action "+name, suggest)
	}
}

// ofIoT reports whether an action of an IoT policy can be one that AWS decides
// by such policies: those of IoT itself, of jobs over HTTPS (AWS IoT developer
// guide, "Authorizing your devices to securely use AWS IoT Jobs on the data
// plane"), and of Greengrass cores (AWS IoT Greengrass developer guide, "Minimal
// AWS IoT policy").
func ofIoT(action string) bool {
	vendor, _, _ := strings.Cut(lowerASCII(action), ":")
	return vendor == "iot" || vendor == "iotjobsdata" || vendor == "greengrass" || vendor == "*"
}

func (l *linter) resources() {
	for _, r := range l.raw.resources {
		parts, _ := padARN(r)
		if !l.doc.variables && strings.Contains(r, "${") {
			l.warn("literal-variable", "without Version 2012-10-17 a variable is plain text: "+r, `write "Version": "2012-10-17"`)
			continue
		}
		if head := strings.Join(parts[:path], ":"); strings.Contains(head, "${") {
			l.warn("literal-variable", "a variable before the fifth colon of an ARN is plain text: "+r, "write * or the value there")
		}
		if r == "*" {
			continue
		}
		l.spelling(parts[path])
		if l.narrows(l.raw.notResource()) {
			l.fence(parts[path])
		}
		if l.variables(parts[path]) && l.raw.effect == "Deny" && !l.raw.notResource() {
			l.warn("deny-loses-variable", "this Deny does not apply when a variable in its Resource has no value: "+r,
				"give the variable a default, or deny with NotResource or a negated condition")
		}
	}
	if !l.raw.notResource() && !l.raw.notAction && l.doc.kind != Trust && l.doc.kind != IoT {
		l.bucketOrObject()
	}
}

// bucketOrObject warns about actions on buckets whose resources can only be
// objects, and the other way round.
func (l *linter) bucketOrObject() {
	bucket, object := false, false
	example := ""
	for _, r := range l.raw.resources {
		parts, _ := padARN(r)
		if r == "*" || parts[service] != "s3" || parts[region] != "" || parts[account] != "" { // of access points and others
			return
		}
		// What stands in braces counts as any text without a slash.
		text := parts[path]
		for {
			before, rest, found := strings.Cut(text, "${")
			if !found {
				break
			}
			_, after, _ := strings.Cut(rest, "}")
			text = before + "_" + after
		}
		fixed := text
		if i := strings.IndexAny(text, "*?"); i >= 0 {
			fixed = text[:i]
		}
		bucket = bucket || !strings.Contains(fixed, "/")
		object = object || strings.ContainsAny(text, "*?/")
		example = r
	}
	for _, action := range l.raw.actions {
		_, name, _ := strings.Cut(action, ":")
		is := func(on s3On) bool {
			return slices.ContainsFunc(s3Actions, func(a s3Action) bool { return equalFold(a.name, name) && a.on&(onBucket|onObject) == on })
		}
		switch {
		case !hasPrefixFold(action, "s3:"):
		case !bucket && is(onBucket):
			i := strings.Index(example, ":::") + 3
			name, _, _ := strings.Cut(example[i:], "/")
			l.warn("bucket-or-object", action+" is decided on the bucket, and only objects are named here", "add "+example[:i]+name)
		case !object && is(onObject):
			l.warn("bucket-or-object", action+" is decided on objects, and only buckets are named here", "add "+example+"/*")
		}
	}
}

// variables warns about the variables in a text, and tells whether one of them
// can lack a value without a default to take its place.
func (l *linter) variables(text string) (losable bool) {
	tokens, _ := scanner{variables: l.doc.variables, iot: l.doc.kind == IoT}.scan(text) // what was compiled scans
	for i := range tokens {
		t := &tokens[i]
		if t.kind != variable {
			continue
		}
		k, known := supplied(t.key.name)
		losable = losable || !t.fallback && (!known || !k.always || l.doc.kind == IoT)
		if plain, _, cut := strings.Cut(t.key.name, ","); cut {
			l.warn("no-default", "${"+t.key.name+"} is no variable", "write ${"+plain+", 'text'} for a default: a comma, one space, quotes")
			continue
		}
		if known && k.multi {
			l.warn("list-variable", "${"+t.key.name+"} has no value: a key with several values is no variable", "")
			continue
		}
		l.key(t.key.name, "unknown-variable", func(key string) string { return "${" + key + "}" })
	}
	return losable
}

// key warns about a key that has no value here. With show it is written as the
// policy has it.
func (l *linter) key(name, code string, show func(string) string) {
	k, known := supplied(name)
	if better := oldKeys[lowerASCII(name)]; better != "" && l.doc.kind.asked() == requests {
		l.warn("old-spelling", show(name)+" is an older spelling", "write "+show(better))
		return
	}
	ofRole := l.doc.kind == IoT && hasPrefixFold(name, "credentials-iot:") // whatever the action
	if known && k.uses&l.doc.kind.asked() != 0 || !ofRole && !l.decides() {
		return
	}
	suggest := ""
	better, counterpart := counterparts[lowerASCII(name)]
	switch {
	case counterpart:
		suggest = "write " + show(better)
	default:
		var names []string
		for _, k := range suppliedKeys {
			if k.uses&l.doc.kind.asked() != 0 {
				names = append(names, k.name)
			}
		}
		if near := nearest(name, names); near != "" {
			suggest = "write " + show(near)
		}
	}
	if ofRole {
		l.warn(code, show(name)+" works in policies of a role only", suggest)
		return
	}
	if known {
		l.warn(code, show(name)+" never has a value in policies of kind "+l.doc.kind.String(), suggest)
		return
	}
	l.warn(code, "nothing here gives "+show(name)+" a value", suggest)
}

// vendors are the services whose actions are decided here.
var vendors = []string{"s3", "iam", "sts", "iot"}

// decides tells whether the statement can match an action that is decided here.
// Statements about other actions, such as iot:Connect in an IoT policy or
// logs:PutLogEvents, may use any key.
func (l *linter) decides() bool {
	if l.doc.kind == IoT {
		return l.matches("iot:assumerolewithcertificate")
	}
	for _, v := range vendors {
		named := slices.ContainsFunc(l.raw.actions, func(action string) bool {
			vendor, name, _ := strings.Cut(action, ":")
			return action == "*" || (vendor == "*" || equalFold(vendor, v)) && (!l.raw.notAction || name == "*")
		})
		if named != l.raw.notAction {
			return true
		}
	}
	return false
}

func (l *linter) matches(action string) bool {
	named := slices.ContainsFunc(l.raw.actions, func(pattern string) bool {
		p := newPattern(wildcards(lowerASCII(pattern)))
		return p.matchFold(action)
	})
	return named != l.raw.notAction
}

// nearest is the name that a name is probably meant to be, or "": one that
// differs by a letter, or by two in a long name, ignoring case. Where names end
// with a text of the caller's choice, that is kept.
func nearest(name string, names []string) string {
	best, least := "", min(2, len(name)/8)+1
	try := func(typed, known, rest string) {
		if d := distance(lowerASCII(typed), lowerASCII(known)); d > 0 && d < least {
			best, least = known+rest, d
		}
	}
	for _, n := range names {
		before, after, family := strings.Cut(n, "…")
		if !family {
			try(name, n, "")
			continue
		}
		for i := range len(name) {
			if name[i] == before[len(before)-1] && strings.HasSuffix(name, after) && i+1 < len(name) {
				try(name[:i+1], before, name[i+1:])
			}
		}
	}
	return best
}

// distance is how many letters must be put in, left out, exchanged for another
// or with their neighbour to make b of a. When the lengths differ by more than
// two it is only large.
func distance(a, b string) int {
	if len(a) > len(b)+2 || len(b) > len(a)+2 {
		return len(a) + len(b)
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := last[j]
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
