package s3

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/thingpass/thingpass/wire"
)

// postPolicy is what the signer of a form lets its sender do (API reference,
// "Creating a POST policy"). It says of every field what it may be.
type postPolicy struct {
	expires    time.Time
	conditions []postCondition
	least      int64 // bytes of the file
	most       int64
}

type postCondition struct {
	field  string // in lower case
	value  string
	starts bool // the field begins with value; else it is value
}

func errPostPolicy(text string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidPolicyDocument", Message: "Invalid Policy: " + text}
}

// parsePostPolicy reads a policy as the field has it, in base64.
func parsePostPolicy(encoded string) (p postPolicy, err error) {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return p, errPostPolicy("Invalid Simple-Condition: not in Base64.")
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(text, &doc); err != nil {
		return p, errPostPolicy("Invalid JSON.")
	}
	var expiration string
	var conditions []json.RawMessage
	for name, raw := range doc {
		switch name {
		case "expiration":
			err = json.Unmarshal(raw, &expiration)
		case "conditions":
			err = json.Unmarshal(raw, &conditions)
		default:
			return p, errPostPolicy(fmt.Sprintf("Unexpected: '%s'.", name))
		}
		if err != nil {
			return p, errPostPolicy("Invalid JSON.")
		}
	}
	if p.expires, err = time.Parse(time.RFC3339, expiration); err != nil {
		return p, errPostPolicy("Policy missing expiration.")
	}
	if doc["conditions"] == nil {
		return p, errPostPolicy("Policy missing conditions.")
	}
	p.most = math.MaxInt64
	for _, raw := range conditions {
		if err := p.add(raw); err != nil {
			return p, err
		}
	}
	return p, nil
}

// add reads one condition: an object with one member, or a list that begins with
// what it does.
func (p *postPolicy) add(raw json.RawMessage) error {
	var simple map[string]string
	if json.Unmarshal(raw, &simple) == nil {
		if len(simple) != 1 {
			return errPostPolicy("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
		}
		for field, value := range simple {
			p.conditions = append(p.conditions, postCondition{field: strings.ToLower(field), value: value})
		}
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) != 3 {
		return errPostPolicy("Invalid condition: a condition is an object, or a list of three.")
	}
	var operator, field, value string
	if json.Unmarshal(list[0], &operator) != nil {
		return errPostPolicy("Invalid condition: it must begin with an operation.")
	}
	operator = strings.ToLower(operator)
	if operator == "content-length-range" {
		return p.addRange(list[1], list[2])
	}
	if operator != "eq" && operator != "starts-with" {
		return errPostPolicy("Invalid condition: unknown operation " + operator + ".")
	}
	name, ok := "", false
	if json.Unmarshal(list[1], &field) == nil && json.Unmarshal(list[2], &value) == nil {
		name, ok = strings.CutPrefix(field, "$")
	}
	if !ok || name == "" {
		return errPostPolicy("Invalid condition: the second value must be a field, as $key, and the third a text.")
	}
	p.conditions = append(p.conditions, postCondition{strings.ToLower(name), value, operator == "starts-with"})
	return nil
}

// addRange narrows the size of the file. Numbers may come as texts.
func (p *postPolicy) addRange(least, most json.RawMessage) error {
	low, okLow := postNumber(least)
	high, okHigh := postNumber(most)
	if !okLow || !okHigh || low > high {
		return errPostPolicy("Invalid content-length-range.")
	}
	p.least, p.most = max(p.least, low), min(p.most, high)
	return nil
}

func postNumber(raw json.RawMessage) (int64, bool) {
	return digits(strings.Trim(string(raw), `"`))
}

// unchecked lists the fields that need no condition: those of the signature,
// and the file.
var unchecked = map[string]bool{"x-amz-signature": true, "file": true, "policy": true, "awsaccesskeyid": true, "signature": true}

// check holds the fields of a form to the policy.
func (p *postPolicy) check(fields map[string]string, bucket string, now time.Time) error {
	if now.After(p.expires) {
		return errPostDenied("Invalid according to Policy: Policy expired.")
	}
	covered := map[string]bool{}
	for _, c := range p.conditions {
		value := fields[c.field]
		if c.field == "bucket" {
			value = bucket
		}
		covered[c.field] = true
		if c.starts && !startsWith(c, value) || !c.starts && value != c.value {
			return errPostDenied(fmt.Sprintf("Invalid according to Policy: Policy Condition failed: %s", c))
		}
	}
	if !covered["bucket"] { // it is in the URL, and what was signed must say where it counts all the same
		return errPostDenied("Invalid according to Policy: Extra input fields: bucket")
	}
	for name := range fields {
		if !covered[name] && !unchecked[name] && !strings.HasPrefix(name, "x-ignore-") {
			return errPostDenied("Invalid according to Policy: Extra input fields: " + name)
		}
	}
	return nil
}

// startsWith compares the beginning. Of a list of content types each must begin
// so.
func startsWith(c postCondition, value string) bool {
	if c.field != "content-type" {
		return strings.HasPrefix(value, c.value)
	}
	for v := range strings.SplitSeq(value, ",") {
		if !strings.HasPrefix(strings.TrimSpace(v), c.value) {
			return false
		}
	}
	return true
}

// String writes the condition as S3 names it in its refusal.
func (c postCondition) String() string {
	operator := "eq"
	if c.starts {
		operator = "starts-with"
	}
	return fmt.Sprintf("[%q, %q, %q]", operator, "$"+c.field, c.value)
}

func errPostDenied(text string) error {
	return &wire.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: text}
}
