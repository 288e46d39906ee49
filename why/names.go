package why

import (
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/credentials"
	"github.com/thingpass/thingpass/policy"
)

// looked is how many names are looked through for one that is meant.
const looked = 200

func (s *story) aliasNames() (names []string) {
	all, _ := s.cfg.Store.RoleAliases(s.ctx, thingpass.Page{Limit: looked})
	for _, a := range all {
		names = append(names, a.Name)
	}
	return names
}

// roleNames are those of roles that devices may obtain.
func (s *story) roleNames() (names []string) {
	all, _ := s.cfg.Store.Roles(s.ctx, "/", thingpass.Page{Limit: looked})
	for _, r := range all {
		if trustsExchange(r.TrustPolicy) {
			names = append(names, r.Name)
		}
	}
	return names
}

// trustsExchange tells whether a trust policy has a statement for the exchange.
func trustsExchange(document string) bool {
	p, err := policy.Parse(policy.Trust, document)
	if err != nil {
		return false
	}
	q := &policy.Request{Principal: policy.Principal{Service: credentials.Service}, Action: "sts:AssumeRole", Context: policy.NewContext()}
	return policy.NewSet(policy.Named{Policy: p}).Evaluate(q).Decision == policy.Allow
}

// somePolicy names the only IoT policy, or stands for one.
func (s *story) somePolicy() string {
	if all, err := s.cfg.Store.Policies(s.ctx, thingpass.Page{Limit: 2}); err == nil && len(all) == 1 {
		return shellQuote(all[0].Name)
	}
	return "POLICY"
}

// nearName says which names there are, the nearest alone if one is near.
func (s *story) nearName(name string, names []string) string {
	for _, n := range names {
		if distance(strings.ToLower(n), strings.ToLower(name)) <= 2 {
			return " There is " + quote(n) + "."
		}
	}
	if len(names) == 0 {
		return " There is none yet."
	}
	return " There is " + list(names) + "."
}

// distance is how many letters must be changed, put in or left out to make one
// text of another (Levenshtein). Texts of very different length are far.
func distance(a, b string) int {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 2 || len(b) > 256 {
		return 1 << 10
	}
	row := make([]int, len(a)+1)
	for i := range row {
		row[i] = i
	}
	for j := 1; j <= len(b); j++ {
		diagonal := row[0]
		row[0] = j
		for i := 1; i <= len(a); i++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[i], row[i-1])
			}
			diagonal, row[i] = row[i], cost
		}
	}
	return row[len(a)]
}
