package s3

import (
	"encoding/xml"
	"strings"
)

// Object locks are for engines. What is asked of the body of a request that
// sets one are its condition keys, and an engine is given a body with these and
// nothing else.

type retention struct {
	XMLName         xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Retention"`
	Mode            string   `xml:",omitempty"`
	RetainUntilDate string   `xml:",omitempty"`
}

type legalHold struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LegalHold"`
	Status  string   `xml:",omitempty"`
}

func (s *service) askRetention(x *exchange) error {
	a, out := s.onVersion(x.target, x.call, []string{"s3:PutObjectRetention"}), retention{}
	err := x.lock("Retention", map[string]func(string) error{
		"Mode": func(v string) error {
			out.Mode = v
			a.Context["s3:object-lock-mode"] = []string{v}
			return nil
		},
		"RetainUntilDate": func(v string) (err error) {
			if out.RetainUntilDate, err = exactDate("RetainUntilDate", v); err != nil {
				return errMalformedXML(err)
			}
			a.Context["s3:object-lock-retain-until-date"] = []string{out.RetainUntilDate}
			remainingDays(a, out.RetainUntilDate, s.Now())
			return nil
		},
	})
	if err != nil {
		return err
	}
	if err := x.instead(out); err != nil {
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
	a, out := s.onVersion(x.target, x.call, x.op.actions), legalHold{}
	err := x.lock("LegalHold", map[string]func(string) error{
		"Status": func(v string) error {
			out.Status = v
			a.Context["s3:object-lock-legal-hold"] = []string{v}
			return nil
		},
	})
	if err != nil {
		return err
	}
	if err := x.instead(out); err != nil {
		return err
	}
	return x.call.Demand(x.r.Context(), a)
}

// lock keeps the body, a document of texts, and hands them on.
func (x *exchange) lock(root string, set map[string]func(string) error) error {
	if err := x.keepBody(maxConfiguration); err != nil {
		return err
	}
	seen := map[string]bool{}
	found, err := x.document(maxConfiguration, root, func(d *document, name string) error {
		v, err := d.text()
		if err != nil {
			return err
		}
		if set[name] == nil || seen[name] {
			return errMalformedXML(nil)
		}
		seen[name] = true
		return set[name](strings.TrimSpace(v))
	})
	if err == nil && !found {
		err = errMalformedXML(nil)
	}
	return err
}
