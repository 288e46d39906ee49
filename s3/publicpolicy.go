package s3

import (
	"encoding/json"
	"net/netip"
	"strings"
)

// statement is a statement of a policy that has been parsed and found right by
// package policy: this only looks at it.
type statement struct {
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       texts
	NotAction    texts
	Resource     texts
	NotResource  texts
	Condition    map[string]map[string]texts
}

// texts is one or several texts.
type texts []string

// UnmarshalJSON takes what a policy may have as values.
func (t *texts) UnmarshalJSON(data []byte) error {
	var many []any
	if len(data) > 0 && data[0] != '[' {
		many = make([]any, 1)
		if err := json.Unmarshal(data, &many[0]); err != nil {
			return err
		}
	} else if err := json.Unmarshal(data, &many); err != nil {
		return err
	}
	for _, v := range many {
		s, ok := v.(string)
		if !ok {
			raw, err := json.Marshal(v) // a number or a boolean
			if err != nil {
				return err
			}
			s = string(raw)
		}
		*t = append(*t, s)
	}
	return nil
}

func readStatements(text string) ([]statement, error) {
	var doc struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, errMalformedPolicy("This policy contains invalid Json")
	}
	var many []statement
	if len(doc.Statement) > 0 && doc.Statement[0] == '[' {
		if err := json.Unmarshal(doc.Statement, &many); err != nil {
			return nil, errMalformedPolicy("This policy contains invalid Json")
		}
		return many, nil
	}
	var one statement
	if err := json.Unmarshal(doc.Statement, &one); err != nil {
		return nil, errMalformedPolicy("This policy contains invalid Json")
	}
	return []statement{one}, nil
}

// public tells whether a policy grants something to everyone, as S3 sees it
// (user guide, "The meaning of 'public'"): a policy is public until a fixed
// principal or a fixed value of one of a few condition keys limits each statement
// that allows. What cannot be read is public.
func public(text string) bool {
	statements, err := readStatements(text)
	if err != nil {
		return true
	}
	for _, st := range statements {
		if strings.EqualFold(st.Effect, "Allow") && (len(st.NotPrincipal) > 0 || everyone(st.Principal)) && !limitedBy(st.Condition) {
			return true
		}
	}
	return false
}

// everyone tells whether a principal is everybody.
func everyone(principal json.RawMessage) bool {
	var one string
	if json.Unmarshal(principal, &one) == nil {
		return true // only "*" may be a text
	}
	var kinds map[string]texts
	if json.Unmarshal(principal, &kinds) != nil {
		return true
	}
	for _, values := range kinds {
		for _, v := range values {
			if strings.ContainsAny(v, "*?") {
				return true
			}
		}
	}
	return false
}

// limits are the condition keys whose fixed values make a policy not public.
var limits = map[string]bool{
	"aws:sourcearn": true, "aws:sourcevpc": true, "aws:sourcevpce": true, "aws:sourceowner": true, "aws:sourceaccount": true,
	"aws:userid": true, "aws:principalarn": true, "aws:principalaccount": true, "aws:principalorgid": true,
	"s3:x-amz-server-side-encryption-aws-kms-key-id": true, "s3:dataaccesspointarn": true, "s3:dataaccesspointaccount": true,
}

// limitedBy tells whether a condition limits who is allowed to some that are
// known.
func limitedBy(conditions map[string]map[string]texts) bool {
	for operator, keys := range conditions {
		for key, values := range keys {
			switch key = strings.ToLower(key); {
			case len(values) == 0:
			case operator == "IpAddress" && key == "aws:sourceip":
				if narrow(values) {
					return true
				}
			case limits[key] && fixed(operator, values):
				return true
			}
		}
	}
	return false
}

// fixed tells whether an operator compares with values that have no wildcards
// and no variables.
func fixed(operator string, values texts) bool {
	switch operator {
	case "StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike":
	default:
		return false // not, or not always, or not there
	}
	for _, v := range values {
		if strings.ContainsAny(v, "*?") || strings.Contains(v, "${") {
			return false
		}
	}
	return true
}

// narrow tells whether all ranges of addresses are narrower than S3 takes for
// everybody: /8 of IPv4, /32 of IPv6.
func narrow(values texts) bool {
	for _, v := range values {
		p, err := netip.ParsePrefix(v)
		if err != nil {
			a, err := netip.ParseAddr(v)
			if err != nil {
				return false
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		least := 8
		if p.Addr().Is6() {
			least = 32
		}
		if p.Bits() < least {
			return false
		}
	}
	return true
}
