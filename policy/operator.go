package policy

import "strings"

// family is what a condition operator compares.
type family uint8

const (
	noFamily family = iota
	stringExact
	stringFold
	stringGlob
	arnFamily
	numericFamily
	dateFamily
	boolFamily
	binaryFamily
	ipFamily
	nullFamily
)

// relation orders numbers and dates.
type relation uint8

const (
	equals relation = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// holds tells whether the sign of a comparison satisfies the relation.
func (r relation) holds(sign int) bool {
	switch r {
	case less:
		return sign < 0
	case lessOrEqual:
		return sign <= 0
	case greater:
		return sign > 0
	case greaterOrEqual:
		return sign >= 0
	default:
		return sign == 0
	}
}

// quantifier is the set operator of a condition.
type quantifier uint8

const (
	single quantifier = iota
	forAll
	forAny
)

// operator is a condition operator taken apart.
type operator struct {
	family   family
	relation relation
	negated  bool
	ifExists bool
	set      quantifier
}

// operators are the names without set operator and IfExists (IAM User Guide,
// "IAM JSON policy elements: Condition operators"). Case matters.
var operators = map[string]operator{
	"StringEquals":              {family: stringExact},
	"StringNotEquals":           {family: stringExact, negated: true},
	"StringEqualsIgnoreCase":    {family: stringFold},
	"StringNotEqualsIgnoreCase": {family: stringFold, negated: true},
	"StringLike":                {family: stringGlob},
	"StringNotLike":             {family: stringGlob, negated: true},
	"ArnEquals":                 {family: arnFamily},
	"ArnLike":                   {family: arnFamily},
	"ArnNotEquals":              {family: arnFamily, negated: true},
	"ArnNotLike":                {family: arnFamily, negated: true},
	"NumericEquals":             {family: numericFamily},
	"NumericNotEquals":          {family: numericFamily, negated: true},
	"NumericLessThan":           {family: numericFamily, relation: less},
	"NumericLessThanEquals":     {family: numericFamily, relation: lessOrEqual},
	"NumericGreaterThan":        {family: numericFamily, relation: greater},
	"NumericGreaterThanEquals":  {family: numericFamily, relation: greaterOrEqual},
	"DateEquals":                {family: dateFamily},
	"DateNotEquals":             {family: dateFamily, negated: true},
	"DateLessThan":              {family: dateFamily, relation: less},
	"DateLessThanEquals":        {family: dateFamily, relation: lessOrEqual},
	"DateGreaterThan":           {family: dateFamily, relation: greater},
	"DateGreaterThanEquals":     {family: dateFamily, relation: greaterOrEqual},
	"Bool":                      {family: boolFamily},
	"BinaryEquals":              {family: binaryFamily},
	"IpAddress":                 {family: ipFamily},
	"NotIpAddress":              {family: ipFamily, negated: true},
	"Null":                      {family: nullFamily},
}

// takesVariables tells whether values of the operator may have variables. AWS's
// pages contradict each other about Bool.
func (op operator) takesVariables() bool {
	switch op.family {
	case stringExact, stringFold, stringGlob, arnFamily, boolFamily:
		return true
	}
	return false
}

// parseOperator reads for example ForAnyValue:StringLikeIfExists.
func parseOperator(name string) (operator, bool) {
	set := single
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		set, name = forAll, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		set, name = forAny, rest
	}
	name, ifExists := strings.CutSuffix(name, "IfExists")
	op, ok := operators[name]
	if !ok || op.family == nullFamily && (ifExists || set != single) {
		return operator{}, false
	}
	op.ifExists, op.set = ifExists, set
	return op, true
}
