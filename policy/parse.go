package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The versions of the language. Variables exist only in the second.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

const syntaxErrors = "Syntax errors in policy."

// document is a policy whose shape is right but whose content is not yet
// validated.
type document struct {
	kind       Kind
	version    string // "" when there is none
	variables  bool   // Version 2012-10-17
	statements []rawStatement
}

type rawStatement struct {
	start, end   int // in the text
	sid          string
	effect       string
	actions      []string
	notAction    bool
	resources    []string
	hasResource  string // "Resource", "NotResource" or ""
	principal    *node
	notPrincipal bool
	conditions   []rawCondition
}

func (s *rawStatement) notResource() bool { return s.hasResource == "NotResource" }

type rawCondition struct {
	name   string // of the operator, as written
	op     operator
	key    string
	values []string
}

func syntaxError(format string, args ...any) *Error {
	return &Error{Message: syntaxErrors, Detail: fmt.Sprintf(format, args...)}
}

// read does the first of AWS's checks: JSON, known elements, right types.
func read(kind Kind, text string) (*document, error) {
	if kind < Identity || kind > Managed {
		return nil, &Error{Message: fmt.Sprintf("policy kind %d does not exist", kind)}
	}
	if len(text) > MaxText {
		return nil, syntaxError("longer than %d bytes", MaxText)
	}
	if kind != IoT && kind != Resource && utf8.ValidString(text) && !strings.HasPrefix(text, byteOrderMark) && strings.ContainsFunc(text, notPrintable) {
		return nil, syntaxError("only U+0009, U+000A, U+000D and U+0020 to U+00FF may be used")
	}
	root, err := readJSON(text)
	if err != nil {
		return nil, syntaxError("%v", err)
	}
	if root.kind != objectNode {
		return nil, syntaxError("not an object")
	}
	doc := &document{kind: kind}
	var statements *node
	for i := range root.fields {
		f := &root.fields[i]
		switch f.name {
		case "Version":
			if f.value.kind != stringNode || f.value.text != version2008 && f.value.text != version2012 {
				return nil, syntaxError("Version is %q or %q", version2008, version2012)
			}
			doc.version = f.value.text
			doc.variables = f.value.text == version2012
		case "Id":
			if f.value.kind != stringNode {
				return nil, syntaxError("Id is not a string")
			}
		case "Statement":
			statements = &f.value
		default:
			return nil, syntaxError("unknown element %q", f.name)
		}
	}
	if statements == nil {
		return nil, syntaxError("Statement is missing")
	}
	if err := doc.readStatements(statements); err != nil {
		return nil, err
	}
	return doc, nil
}

// notPrintable is the complement of the characters that the IAM and STS APIs
// take in a document (botocore iam/2010-05-08, policyDocumentType).
func notPrintable(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r > 0xff
}

func (d *document) readStatements(n *node) error {
	list := n.list
	switch {
	case n.kind == objectNode:
		list = []node{*n}
	case n.kind != listNode:
		return syntaxError("Statement is neither an object nor a list")
	case len(list) == 0 && d.kind == Resource:
		return &Error{Message: "Could not parse the policy: Statement is empty!"}
	case len(list) == 0:
		return syntaxError("Statement is empty")
	}
	for i := range list {
		s, err := readStatement(&list[i])
		if err == nil {
			err = d.checkEffect(s.effect)
		}
		if err != nil {
			if err.Detail != "" {
				err.Detail = fmt.Sprintf("statement %d: %s", i+1, err.Detail)
			}
			return err
		}
		d.statements = append(d.statements, s)
	}
	return nil
}

func readStatement(n *node) (rawStatement, *Error) {
	s := rawStatement{start: n.start, end: n.end}
	if n.kind != objectNode {
		return s, syntaxError("not an object")
	}
	hasAction := ""
	var notPrincipal *node
	for i := range n.fields {
		f := &n.fields[i]
		var err *Error
		switch f.name {
		case "Sid":
			s.sid, err = f.textValue()
		case "Effect":
			s.effect, err = f.textValue()
		case "Action", "NotAction":
			if hasAction != "" {
				return s, syntaxError("both Action and NotAction")
			}
			hasAction, s.notAction = f.name, f.name == "NotAction"
			s.actions, err = f.textList()
		case "Resource", "NotResource":
			if s.hasResource != "" {
				return s, syntaxError("both Resource and NotResource")
			}
			s.hasResource = f.name
			s.resources, err = f.resourceList()
		case "Principal":
			s.principal, err = &f.value, f.checkPrincipal()
		case "NotPrincipal":
			notPrincipal, err = &f.value, f.checkPrincipal()
		case "Condition":
			s.conditions, err = f.readConditions()
		default:
			err = syntaxError("unknown element %q", f.name)
		}
		if err != nil {
			return s, err
		}
	}
	if notPrincipal != nil {
		if s.principal != nil {
			return s, syntaxError("both Principal and NotPrincipal")
		}
		s.principal, s.notPrincipal = notPrincipal, true
	}
	return s, nil
}

// checkEffect checks an Effect but for its case, which IAM looks at later.
func (d *document) checkEffect(effect string) *Error {
	switch {
	case effect == "Allow" || effect == "Deny":
		return nil
	case d.kind == Resource && effect == "":
		return &Error{Message: "Missing required field Effect"}
	case d.kind == Resource:
		return &Error{Message: "Invalid effect: " + effect}
	case !strings.EqualFold(effect, "Allow") && !strings.EqualFold(effect, "Deny"):
		return syntaxError(`Effect is "Allow" or "Deny"`)
	}
	return nil
}

func (f *field) textValue() (string, *Error) {
	if f.value.kind != stringNode {
		return "", syntaxError("%s is not a string", f.name)
	}
	return f.value.text, nil
}

// textList reads a string or a list of strings.
func (f *field) textList() ([]string, *Error) {
	if f.value.kind == stringNode {
		return []string{f.value.text}, nil
	}
	if f.value.kind != listNode {
		return nil, syntaxError("%s is neither a string nor a list", f.name)
	}
	list := make([]string, len(f.value.list))
	for i := range f.value.list {
		if f.value.list[i].kind != stringNode {
			return nil, syntaxError("%s contains something else than strings", f.name)
		}
		list[i] = f.value.list[i].text
	}
	return list, nil
}

// resourceList is textList, but a null in the list is passed over: AWS takes it
// and it names no resource.
func (f *field) resourceList() ([]string, *Error) {
	kept := field{name: f.name, value: f.value}
	kept.value.list = nil
	for _, item := range f.value.list {
		if item.kind != nullNode {
			kept.value.list = append(kept.value.list, item)
		}
	}
	return kept.textList()
}

// checkPrincipal checks types only: "*", or an object of strings or lists.
func (f *field) checkPrincipal() *Error {
	if f.value.kind == stringNode {
		if f.value.text != "*" {
			return syntaxError(`%s is "*" or an object`, f.name)
		}
		return nil
	}
	if f.value.kind != objectNode {
		return syntaxError(`%s is "*" or an object`, f.name)
	}
	for i := range f.value.fields {
		m := &f.value.fields[i]
		switch m.name {
		case "AWS", "Service", "Federated", "CanonicalUser":
		default:
			return syntaxError("unknown principal type %q", m.name)
		}
		if _, err := m.textList(); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) readConditions() ([]rawCondition, *Error) {
	if f.value.kind != objectNode {
		return nil, syntaxError("Condition is not an object")
	}
	var conditions []rawCondition
	for i := range f.value.fields {
		byKey := &f.value.fields[i]
		if byKey.value.kind != objectNode {
			return nil, syntaxError("condition %s is not an object", byKey.name)
		}
		op, ok := parseOperator(byKey.name)
		if !ok && len(byKey.value.fields) > 0 {
			return nil, syntaxError("unknown condition operator %q", byKey.name)
		}
		for j := range byKey.value.fields {
			values, err := byKey.value.fields[j].conditionValues()
			if err != nil {
				return nil, err
			}
			if op.family == nullFamily && slices.ContainsFunc(values, notBool) {
				return nil, syntaxError("a value of Null is neither true nor false")
			}
			conditions = append(conditions, rawCondition{name: byKey.name, op: op, key: byKey.value.fields[j].name, values: values})
		}
	}
	return conditions, nil
}

func notBool(s string) bool {
	return !strings.EqualFold(s, "true") && !strings.EqualFold(s, "false")
}

// conditionValues reads a string, number or boolean, or a list of them. Numbers
// stay as they are written, but for an exponent.
func (f *field) conditionValues() ([]string, *Error) {
	list := f.value.list
	if f.value.kind != listNode {
		list = []node{f.value}
	}
	values := make([]string, len(list))
	for i := range list {
		switch list[i].kind {
		case stringNode, boolNode:
			values[i] = list[i].text
		case numberNode:
			values[i] = plainNumber(list[i].text)
		default:
			return nil, syntaxError("condition key %q has a value that is no string, number or boolean", f.name)
		}
	}
	return values, nil
}
