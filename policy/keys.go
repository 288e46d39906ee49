package policy

import (
	"slices"
	"strings"
)

// uses are the kinds of policy that are asked with a key.
type uses uint8

const (
	requests uses = 1 << iota // identity and session policies: signed requests
	trusts                    // trust policies: sts:AssumeRole and the exchange
	devices                   // IoT policies: the exchange
)

// suppliedKeys are the condition keys that a decision here may have, in lower
// case: what packages gate, authz, credentials, iot, iam, sts and s3 set. One
// that is not set any more must go, or a Deny by it is ignored.
var suppliedKeys = map[string]uses{
	// of any request
	"aws:currenttime":     requests | trusts | devices,
	"aws:epochtime":       requests | trusts | devices,
	"aws:securetransport": requests | trusts | devices,
	"aws:sourceip":        requests | trusts | devices,
	"aws:useragent":       requests | trusts,
	"aws:referer":         requests | trusts,
	"aws:requestedregion": requests | trusts,
	"aws:resourceaccount": requests | trusts,
	"aws:viaawsservice":   requests | trusts,

	// of the principal
	"aws:principalaccount":             requests | trusts,
	"aws:principalarn":                 requests | trusts,
	"aws:principalisawsservice":        requests | trusts,
	"aws:principalservicename":         trusts,
	"aws:principaltype":                requests | trusts,
	"aws:userid":                       requests | trusts,
	"aws:username":                     requests | trusts,
	"aws:tokenissuetime":               requests | trusts,
	"aws:multifactorauthpresent":       requests | trusts,
	"aws:sourceaccount":                trusts,
	"aws:sourcearn":                    trusts,
	"credentials-iot:awscertificateid": requests,
	"credentials-iot:thingname":        requests,
	"credentials-iot:thingtypename":    requests,
	"iot:certificateid":                requests, // the three in AWS's older spelling
	"iot:thingname":                    requests,
	"iot:thingtype":                    requests,

	// of single operations
	"aws:tagkeys":         requests,
	"iam:passedtoservice": requests,
	"iot:thingarn":        requests,
	"sts:externalid":      requests | trusts,
	"sts:rolesessionname": requests | trusts,

	"s3:authtype":                 requests,
	"s3:delimiter":                requests,
	"s3:if-match":                 requests,
	"s3:if-none-match":            requests,
	"s3:locationconstraint":       requests,
	"s3:max-keys":                 requests,
	"s3:objectcreationoperation":  requests,
	"s3:prefix":                   requests,
	"s3:resourceaccount":          requests,
	"s3:signatureage":             requests,
	"s3:signatureversion":         requests,
	"s3:tlsversion":               requests,
	"s3:versionid":                requests,
	"s3:x-amz-acl":                requests,
	"s3:x-amz-content-sha256":     requests,
	"s3:x-amz-copy-source":        requests,
	"s3:x-amz-metadata-directive": requests,
	"s3:x-amz-storage-class":      requests,

	// of the device
	"iot:connection.thing.thingname":     devices,
	"iot:connection.thing.thingtypename": devices,
	"iot:connection.thing.isattached":    devices,
	"iot:certificate.serialnumber":       devices,
}

// suppliedFamilies are keys that end with a name of the caller's choice.
var suppliedFamilies = []struct {
	prefix string
	valid  func(rest string) bool
	uses   uses
}{
	{"aws:requesttag/", notEmpty, requests},
	{"aws:resourcetag/", notEmpty, requests},
	{"iam:resourcetag/", notEmpty, requests},
	{"iot:certificate.subject.", isCertificateName, devices},
	{"iot:certificate.issuer.", isCertificateName, devices},
}

func notEmpty(s string) bool { return s != "" }

// certificateNames are the attributes of a certificate's subject and issuer
// that an exchange has (AWS IoT developer guide, "X.509 Certificate AWS IoT
// Core policy variables").
var certificateNames = []string{
	"distinguishednamequalifier", "country", "organization", "organizationalunit", "state", "commonname", "serialnumber",
	"title", "surname", "givenname", "initials", "pseudonym", "generationqualifier",
}

func isCertificateName(rest string) bool {
	attribute, index, indexed := strings.Cut(rest, ".")
	return slices.Contains(certificateNames, attribute) && (!indexed || len(index) == 1 && index[0] >= '1' && index[0] <= '4')
}

// supplied tells whether a decision by this kind of policy may have a key.
func (k Kind) supplied(key string) bool {
	asked := requests
	switch k {
	case Trust:
		asked = trusts
	case IoT:
		asked = devices
	}
	key = lowerASCII(key)
	if suppliedKeys[key]&asked != 0 {
		return true
	}
	for _, f := range suppliedFamilies {
		if rest, ok := strings.CutPrefix(key, f.prefix); ok && f.uses&asked != 0 && f.valid(rest) {
			return true
		}
	}
	return false
}

// keys are the condition keys and variables of a statement.
func (s *statement) keys() []string {
	var keys []string
	add := func(text string, sc scanner) {
		tokens, _ := sc.scan(text) // what was compiled scans
		for _, t := range tokens {
			if t.kind == variable {
				keys = append(keys, t.key.name)
			}
		}
	}
	for i := range s.resources {
		add(s.resources[i].text, s.scan)
	}
	for i := range s.conditions {
		cond := &s.conditions[i]
		keys = append(keys, cond.source.key)
		for _, text := range cond.source.values {
			add(text, cond.scan)
		}
	}
	return keys
}

// ContextKeys are the condition keys and variables that the policy mentions, as
// they are written, each once, sorted.
func (p *Policy) ContextKeys() []string {
	if p == nil {
		return nil
	}
	var keys []string
	for i := range p.statements {
		keys = append(keys, p.statements[i].keys()...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
