package policy

import "strings"

// statement is compiled and ready to be matched.
type statement struct {
	number      int
	source      *rawStatement
	scan        scanner // of the resources
	sid         string
	effect      Effect
	actions     []pattern // lower case
	notAction   bool
	resources   []resource
	notResource bool
	everywhere  bool // no Resource element: a trust policy
	principals  *principals
	// notPrincipal tells that principals are those that the statement is not about.
	notPrincipal bool
	conditions   []condition
}

func (d *document) compile(text string) (*Policy, error) {
	p := &Policy{text: text, size: minifiedSize(text), doc: d}
	for i := range d.statements {
		s, err := d.compileStatement(i)
		if err != nil {
			return nil, err
		}
		p.statements = append(p.statements, s)
	}
	return p, nil
}

func (d *document) compileStatement(i int) (statement, error) {
	raw := &d.statements[i]
	sc := scanner{variables: d.variables, iot: d.kind == IoT}
	s := statement{
		number:      i,
		source:      raw,
		sid:         raw.sid,
		notAction:   raw.notAction,
		notResource: raw.notResource(),
		everywhere:  d.kind == Trust,
	}
	if raw.effect == "Allow" {
		s.effect = EffectAllow
	}
	for _, action := range raw.actions {
		s.actions = append(s.actions, newPattern(wildcards(lowerASCII(action))))
	}
	s.scan = sc
	s.scan.wild = true
	for _, text := range raw.resources {
		r, err := newResource(text, sc)
		if err != nil {
			return s, err
		}
		s.resources = append(s.resources, r)
	}
	for j := range raw.conditions {
		cond, err := newCondition(&raw.conditions[j], sc)
		if err != nil {
			return s, err
		}
		s.conditions = append(s.conditions, cond)
	}
	if raw.principal != nil {
		var err *Error
		if s.principals, err = d.readPrincipals(raw.principal); err != nil {
			return s, err
		}
		s.notPrincipal = raw.notPrincipal
	}
	return s, nil
}

// lowerASCII is strings.ToLower for ASCII only.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
