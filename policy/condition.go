package policy

import (
	"fmt"
	"strings"
)

// condition is one operator, one key and its values.
type condition struct {
	operator
	key    key
	values comparer
	absent []bool // Null only: whether each value wants the key to be absent
	source *rawCondition
	scan   scanner // of the values
}

// holds evaluates the condition. A missing key makes a positive operator false
// and a negated one true, IfExists and ForAllValues true, ForAnyValue false.
func (cond *condition) holds(c *Context) bool {
	e := c.find(cond.key)
	switch {
	case cond.family == nullFamily:
		for _, absent := range cond.absent {
			if absent == (e == nil) {
				return true
			}
		}
		return false
	case e == nil:
		return cond.set == forAll || cond.ifExists || cond.set == single && cond.negated
	case !e.multi:
		return cond.fits(e.value, c)
	case cond.set == forAll:
		for _, v := range e.list {
			if !cond.fits(v, c) {
				return false
			}
		}
		return true
	case cond.set == forAny:
		for _, v := range e.list {
			if cond.fits(v, c) {
				return true
			}
		}
	}
	return false // also: a list without a set operator never matches
}

func (cond *condition) fits(value string, c *Context) bool {
	return cond.values.match(value, c) != cond.negated
}

// newCondition types the values of a condition.
func newCondition(raw *rawCondition, sc scanner) (condition, *Error) {
	sc.variables = sc.variables && raw.op.takesVariables()
	sc.wild = raw.op.family == stringGlob || raw.op.family == arnFamily
	cond := condition{operator: raw.op, key: newKey(raw.key), source: raw, scan: sc}
	var err *Error
	switch raw.op.family {
	case stringExact, stringGlob, stringFold, boolFamily:
		cond.values, err = newTextValues(raw, sc)
	case arnFamily:
		cond.values, err = newARNValues(raw.values, sc)
	case numericFamily:
		v := &numericValues{relation: raw.op.relation}
		for _, text := range raw.values {
			if d, ok := parseDecimal(text); ok {
				v.numbers = append(v.numbers, d)
			}
		}
		cond.values = v
	case dateFamily:
		v := &dateValues{relation: raw.op.relation}
		for _, text := range raw.values {
			at, ok := parseInstant(text)
			if !ok {
				return cond, legacyParsing("date %q", text)
			}
			v.instants = append(v.instants, at)
		}
		cond.values = v
	case binaryFamily:
		cond.values = newBinaryValues(raw.values)
	case ipFamily:
		cond.values = newIPValues(raw.values)
	case nullFamily:
		for _, text := range raw.values {
			cond.absent = append(cond.absent, strings.EqualFold(text, "true"))
		}
	default:
		return cond, &Error{Message: fmt.Sprintf("Condition on %s is not supported.", raw.key)}
	}
	return cond, err
}

// newTextValues compiles the values of String operators and Bool.
func newTextValues(raw *rawCondition, sc scanner) (comparer, *Error) {
	patterns := make([]pattern, len(raw.values))
	plain := true
	for i, text := range raw.values {
		tokens, err := sc.scan(text)
		if err != nil {
			return nil, err
		}
		patterns[i] = newPattern(tokens)
		plain = plain && patterns[i].class == exact
	}
	switch {
	case raw.op.family == stringFold:
		return foldValues(patterns), nil
	case raw.op.family == boolFamily:
		return boolValues(patterns), nil
	case plain:
		texts := make(exactValues, len(patterns))
		for i := range patterns {
			texts[i] = patterns[i].text
		}
		return texts, nil
	}
	return patternValues(patterns), nil
}

func newARNValues(texts []string, sc scanner) (comparer, *Error) {
	values := make(arnValues, len(texts))
	for i, text := range texts {
		tokens, err := sc.scan(text)
		if err != nil {
			return nil, err
		}
		tokens = simplify(tokens)
		if len(tokens) == 1 && tokens[0].kind == star {
			values[i].any = true
			continue
		}
		values[i].tokens = tokens
		values[i].arn, values[i].split = splitTokens(tokens)
	}
	return values, nil
}
