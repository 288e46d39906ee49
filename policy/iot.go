package policy

import (
	"slices"
	"strings"
)

// assumeWithCertificate is the one action of AWS IoT that is decided here.
const assumeWithCertificate = "iot:AssumeRoleWithCertificate"

// exchangeKeys are the keys that a device's exchange has (package credentials).
var exchangeKeys = []string{
	"aws:currenttime", "aws:epochtime", "aws:securetransport", "aws:sourceip",
	"iot:connection.thing.thingname", "iot:connection.thing.thingtypename", "iot:connection.thing.isattached",
	"iot:certificate.serialnumber",
}

// certificateNames are the attributes of a certificate's subject and issuer
// that an exchange has (AWS IoT developer guide, "X.509 Certificate AWS IoT
// Core policy variables").
var certificateNames = []string{
	"distinguishednamequalifier", "country", "organization", "organizationalunit", "state", "commonname", "serialnumber",
	"title", "surname", "givenname", "initials", "pseudonym", "generationqualifier",
}

// inExchange tells whether an exchange may have a key.
func inExchange(name string) bool {
	name = lowerASCII(name)
	if slices.Contains(exchangeKeys, name) {
		return true
	}
	for _, side := range []string{"iot:certificate.subject.", "iot:certificate.issuer."} {
		if rest, ok := strings.CutPrefix(name, side); ok {
			attribute, index, indexed := strings.Cut(rest, ".")
			return slices.Contains(certificateNames, attribute) && (!indexed || len(index) == 1 && index[0] >= '1' && index[0] <= '4')
		}
	}
	return false
}

// checkExchange refuses a statement that would decide an exchange by a key that
// an exchange never has: a Deny by it would be ignored. Statements about other
// actions, such as iot:Connect, may say anything: nothing here decides by them.
func (d *document) checkExchange(i int, s *statement) *Error {
	if d.kind != IoT || !s.matchAction(assumeWithCertificate) {
		return nil
	}
	raw := &d.statements[i]
	texts := slices.Clone(raw.resources)
	keys := make([]string, 0, len(raw.conditions))
	for _, c := range raw.conditions {
		keys = append(keys, c.key)
		texts = append(texts, c.values...)
	}
	for _, text := range texts {
		tokens, err := scanner{variables: d.variables, iot: true}.scan(text)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			if t.kind == variable {
				keys = append(keys, t.key.name)
			}
		}
	}
	for _, key := range keys {
		if !inExchange(key) {
			return &Error{Message: "The key " + key + " is not evaluated for " + assumeWithCertificate +
				". Put the statement's other actions into a statement of their own, or decide by another key."}
		}
	}
	return nil
}
