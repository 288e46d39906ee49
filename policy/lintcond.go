package policy

import (
	"encoding/base64"
	"strings"
)

func (l *linter) conditions() {
	for i := range l.raw.conditions {
		l.condition(&l.raw.conditions[i])
	}
}

func (l *linter) condition(c *rawCondition) {
	if strings.Contains(c.key, "${") {
		l.warn("literal-variable", "a variable in the name of a condition key is plain text: "+c.key, "")
	} else {
		l.key(c.key, "unsupplied-key", func(key string) string { return key })
	}
	if len(c.values) == 0 {
		l.warn("no-values", c.name+" on "+c.key+" has no values to compare with", "")
	}
	k, _ := supplied(c.key)
	if k.multi && c.op.set == single && c.op.family != nullFamily {
		l.warn("list-without-set", c.key+" has several values, so "+c.name+" never holds", "write ForAnyValue:"+c.name+" or ForAllValues:"+c.name)
	}
	l.absent(c)
	l.strangeKey(c)
	for _, v := range c.values {
		l.value(c, v)
	}
}

// value warns about one value of a condition.
func (l *linter) value(c *rawCondition, v string) {
	if strings.Contains(v, "${") && (!l.doc.variables || !c.op.takesVariables()) {
		why := "with " + c.name + " a variable is plain text: "
		suggest := ""
		if !l.doc.variables {
			why, suggest = "without Version 2012-10-17 a variable is plain text: ", `write "Version": "2012-10-17"`
		}
		l.warn("literal-variable", why+v, suggest)
		return
	}
	if c.op.takesVariables() {
		l.spelling(v)
	}
	if (c.op.family == stringGlob || c.op.family == arnFamily) && l.narrows(c.op.negated) {
		l.fence(afterColons(v, c.op.family == arnFamily))
	}
	losable := c.op.takesVariables() && l.variables(v)
	if losable && l.raw.effect == "Deny" && !c.op.negated {
		l.warn("deny-loses-variable", "this Deny does not apply when a variable in its condition has no value: "+v, "give the variable a default, or use a negated operator")
	}
	switch c.op.family {
	case numericFamily:
		if _, ok := parseDecimal(v); !ok {
			l.warn("no-number", v+" is no number, so it compares with nothing", "")
		}
	case ipFamily:
		if _, ok := parseRange(v); !ok {
			l.warn("no-address", v+" is neither an IP address nor a CIDR block, so it compares with nothing", "")
		}
	case binaryFamily:
		if _, err := base64.StdEncoding.DecodeString(v); err != nil {
			l.warn("no-base64", v+" is not base64, so it compares with nothing", "")
		}
	case boolFamily:
		if notBool(v) && !strings.Contains(v, "${") {
			l.warn("no-boolean", v+" is neither true nor false, so it compares with nothing", "")
		}
	case arnFamily:
		if v != "*" && strings.Count(v, ":") < path {
			l.warn("no-arn", v+" is no ARN of six segments, so "+c.name+" compares it with nothing", "write the first five colons")
		}
	case stringExact, stringFold:
		tokens, _ := scanner{variables: true}.scan(v)
		for _, t := range tokens {
			if t.kind == literal && strings.ContainsAny(t.text, "*?") && v != "*" && !isEscape(t.text) {
				l.warn("literal-wildcard", "with "+c.name+" a wildcard is plain text: "+v, "write "+strings.NewReplacer("EqualsIgnoreCase", "Like", "Equals", "Like").Replace(c.name))
				return
			}
		}
	}
}

// afterColons is the sixth segment of a value that is an ARN.
func afterColons(v string, arn bool) string {
	if parts, n := splitARN(v); arn && n == segments {
		return parts[path]
	}
	return v
}
