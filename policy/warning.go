package policy

import (
	"slices"
	"strings"
)

// notActions are names of API calls that people write as actions, with the
// action that AWS authorises the call by (Amazon S3 User Guide, "Required
// permissions for Amazon S3 API operations"). Keys are in lower case.
var notActions = map[string]string{
	"s3:headbucket":            "s3:ListBucket",
	"s3:listobjects":           "s3:ListBucket",
	"s3:listobjectsv2":         "s3:ListBucket",
	"s3:listbuckets":           "s3:ListAllMyBuckets",
	"s3:headobject":            "s3:GetObject",
	"s3:copyobject":            "s3:PutObject",
	"s3:uploadpart":            "s3:PutObject",
	"s3:createmultipartupload": "s3:PutObject",
}

// oldKeys are spellings from before the credentials provider's keys had their
// present names; both are keys of a device's session.
var oldKeys = map[string]string{
	"iot:certificateid": "credentials-iot:AwsCertificateId",
	"iot:thingname":     "credentials-iot:ThingName",
	"iot:thingtype":     "credentials-iot:ThingTypeName",
}

// Warning tells about a statement that saves, as on AWS, but probably does not
// do what its author meant.
type Warning struct {
	Code      string // what is odd, as one word with hyphens
	Statement int    // counted from 0
	Sid       string
	Message   string // what is odd
	Suggest   string // what to write instead; may be empty
}

// String is the warning on one line.
func (w Warning) String() string {
	if w.Suggest == "" {
		return w.Message
	}
	return w.Message + "; " + w.Suggest
}

// warnings looks for what saves but probably does not do what it seems to.
func (d *document) warnings() []Warning {
	var list []Warning
	for i := range d.statements {
		s := &d.statements[i]
		warn := func(code, message, suggest string) {
			w := Warning{code, i, s.sid, message, suggest}
			if !slices.Contains(list, w) {
				list = append(list, w)
			}
		}
		for _, action := range s.actions {
			if better := notActions[lowerASCII(action)]; better != "" {
				warn("not-an-action", action+" is an API call and no action", "write "+better)
			}
		}
		for _, r := range s.resources {
			if d.warnVariables(r, warn) && s.effect == "Deny" && !s.notResource() {
				warn("deny-loses-variable", r+": a Deny does not apply when a variable in its Resource has no value", "")
			}
		}
		for _, c := range s.conditions {
			for _, v := range c.values {
				d.warnVariables(v, warn)
			}
		}
	}
	return list
}

// warnVariables warns about the variables in a text and tells whether it has
// any.
func (d *document) warnVariables(text string, warn func(code, message, suggest string)) bool {
	if !d.variables {
		if strings.Contains(text, "${") {
			warn("literal-variable", text+" is literal text without Version "+version2012, "")
		}
		return false
	}
	// What does not scan is refused when the policy is compiled.
	tokens, _ := scanner{variables: true, iot: d.kind == IoT}.scan(text)
	found := false
	for _, t := range tokens {
		if t.kind != variable {
			continue
		}
		found = true
		if better := oldKeys[lowerASCII(t.key.name)]; better != "" && d.kind != IoT {
			warn("old-spelling", "${"+t.key.name+"} is an older spelling", "write ${"+better+"}")
		}
	}
	return found
}
