package policy

import (
	"fmt"
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

// warnings looks for what saves but probably does not do what it seems to.
func (d *document) warnings() []string {
	var list []string
	warn := func(format string, args ...any) {
		if w := fmt.Sprintf(format, args...); !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	for i := range d.statements {
		s := &d.statements[i]
		for _, action := range s.actions {
			if better := notActions[lowerASCII(action)]; better != "" {
				warn("%s: no such action; did you mean %s?", action, better)
			}
		}
		for _, r := range s.resources {
			if d.warnVariables(r, warn) && s.effect == "Deny" && !s.notResource() {
				warn("%s: a Deny does not apply when a variable in its Resource has no value", r)
			}
		}
		for _, c := range s.conditions {
			d.warnCondition(c, warn)
		}
	}
	return list
}

func (d *document) warnCondition(c rawCondition, warn func(string, ...any)) {
	if better := oldKeys[lowerASCII(c.key)]; better != "" && d.kind != IoT {
		warn("%s: the AWS name of this key is %s", c.key, better)
	}
	for _, v := range c.values {
		switch c.op.family {
		case stringExact, stringFold, stringGlob, arnFamily, boolFamily:
			d.warnVariables(v, warn)
		case numericFamily:
			if _, ok := parseDecimal(v); !ok {
				warn("%s: not a number, so it compares with nothing", v)
			}
		}
	}
}

// warnVariables warns about the variables in a text and tells whether it has
// any.
func (d *document) warnVariables(text string, warn func(string, ...any)) bool {
	if !d.variables {
		if strings.Contains(text, "${") {
			warn("%s: variables need Version %s; this is literal text", text, version2012)
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
			warn("${%s}: the AWS name of this variable is ${%s}", t.key.name, better)
		}
		if strings.Contains(t.key.name, ",") {
			warn("${%s}: a default is written ${key, 'text'}, with one space after the comma", t.key.name)
		}
	}
	return found
}
