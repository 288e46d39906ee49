package s3

import (
	"strings"
)

// Object locks are for engines. What is asked of the body of a request that
// sets one are its condition keys.

func (s *service) askRetention(x *exchange) error {
	a := s.onVersion(x.target, x.call, []string{"s3:PutObjectRetention"})
	err := x.lock("Retention", map[string]func(string){
		"Mode": func(v string) { a.Context["s3:object-lock-mode"] = []string{v} },
		"RetainUntilDate": func(v string) {
			a.Context["s3:object-lock-retain-until-date"] = []string{v}
			remainingDays(a, v, s.Now())
		},
	})
	if err != nil {
		return err
	}
	if err := x.call.Demand(x.r.Context(), a); err != nil {
		return err
	}
	if bypasses(x.r.Header) {
		a.Action = "s3:BypassGovernanceRetention"
		return x.call.Demand(x.r.Context(), a)
	}
	return nil
}

func (s *service) askLegalHold(x *exchange) error {
	a := s.onVersion(x.target, x.call, x.op.actions)
	err := x.lock("LegalHold", map[string]func(string){
		"Status": func(v string) { a.Context["s3:object-lock-legal-hold"] = []string{v} },
	})
	if err != nil {
		return err
	}
	return x.call.Demand(x.r.Context(), a)
}

// lock keeps the body, a document of texts, and hands them on.
func (x *exchange) lock(root string, set map[string]func(string)) error {
	if err := x.keepBody(maxConfiguration); err != nil {
		return err
	}
	seen := map[string]bool{}
	_, err := x.document(maxConfiguration, root, func(d *document, name string) error {
		v, err := d.text()
		if err != nil {
			return err
		}
		if set[name] == nil || seen[name] {
			return errMalformedXML(nil)
		}
		seen[name] = true
		set[name](strings.TrimSpace(v))
		return nil
	})
	return err
}
