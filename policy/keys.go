package policy

import (
	"slices"
	"strings"
)

// uses are the kinds of policy that are asked with a key.
type uses uint8

const (
	requests uses = 1 << iota // identity, session and resource policies: signed requests
	trusts                    // trust policies: sts:AssumeRole and the exchange
	devices                   // IoT policies: the exchange
)

// suppliedKey is a condition key that a decision here may have.
type suppliedKey struct {
	name   string // as AWS spells it; with …, a name of the caller's choice follows
	uses   uses
	multi  bool // it has several values, so it is no variable
	always bool // every signed request of a user or session has it
}

// suppliedKeys are what packages gate, authz, session, credentials, iot, iam,
// sts and s3 set; a test compares them with the sources of these. They are for
// warnings only: a key that is not here is absent, and one that is here may be.
var suppliedKeys = []suppliedKey{
	// of any request
	{"aws:CurrentTime", requests | trusts | devices, false, true},
	{"aws:EpochTime", requests | trusts | devices, false, true},
	{"aws:SecureTransport", requests | trusts | devices, false, true},
	{"aws:SourceIp", requests | trusts | devices, false, true},
	{"aws:UserAgent", requests | trusts, false, false},
	{"aws:Referer", requests | trusts, false, false},
	{"aws:RequestedRegion", requests | trusts, false, true},
	{"aws:ResourceAccount", requests | trusts, false, true},
	{"aws:ViaAWSService", requests | trusts, false, true},

	// of the principal
	{"aws:PrincipalAccount", requests | trusts, false, true},
	{"aws:PrincipalArn", requests | trusts, false, true},
	{"aws:PrincipalIsAWSService", requests | trusts, false, true},
	{"aws:PrincipalServiceName", trusts, false, false},
	{"aws:PrincipalType", requests | trusts, false, true},
	{"aws:PrincipalTag/…", requests | trusts, false, false},
	{"aws:userid", requests | trusts, false, true},
	{"aws:username", requests | trusts, false, false},
	{"aws:TokenIssueTime", requests | trusts, false, false},
	{"aws:MultiFactorAuthPresent", requests | trusts, false, false},
	{"aws:SourceIdentity", requests | trusts, false, false},
	{"aws:SourceAccount", trusts, false, false},
	{"aws:SourceArn", trusts, false, false},
	{"credentials-iot:AwsCertificateId", requests, false, false},
	{"credentials-iot:ThingName", requests, false, false},
	{"credentials-iot:ThingTypeName", requests, false, false},
	{"credentials-iot:ThingGroups", requests, true, false},
	{"credentials-iot:ThingAttribute/…", requests, false, false},
	{"credentials-iot:Certificate.Subject.…", requests, false, false},
	{"iot:certificateId", requests, false, false}, // the three in AWS's older spelling
	{"iot:thingName", requests, false, false},
	{"iot:thingType", requests, false, false},

	// of single operations
	{"aws:RequestTag/…", requests | trusts, false, false},
	{"aws:ResourceTag/…", requests | trusts, false, false},
	{"aws:TagKeys", requests | trusts, true, false},
	{"iam:PassedToService", requests, false, false},
	{"iam:PermissionsBoundary", requests, false, false},
	{"iam:PolicyARN", requests, false, false},
	{"iam:ResourceTag/…", requests | trusts, false, false},
	{"iot:thingArn", requests, false, false},
	{"sts:ExternalId", requests | trusts, false, false},
	{"sts:RoleSessionName", requests | trusts, false, false},
	{"sts:SourceIdentity", requests | trusts, false, false},
	{"sts:TransitiveTagKeys", requests | trusts, true, false},

	{"s3:authType", requests, false, false},
	{"s3:delimiter", requests, false, false},
	{"s3:ExistingObjectTag/…", requests, false, false},
	{"s3:if-match", requests, false, false},
	{"s3:if-none-match", requests, false, false},
	{"s3:LocationConstraint", requests, false, false},
	{"s3:max-keys", requests, false, false},
	{"s3:object-lock-legal-hold", requests, false, false},
	{"s3:object-lock-mode", requests, false, false},
	{"s3:object-lock-remaining-retention-days", requests, false, false},
	{"s3:object-lock-retain-until-date", requests, false, false},
	{"s3:ObjectCreationOperation", requests, false, false},
	{"s3:prefix", requests, false, false},
	{"s3:RequestObjectTag/…", requests, false, false},
	{"s3:RequestObjectTagKeys", requests, true, false},
	{"s3:ResourceAccount", requests, false, false},
	{"s3:signatureAge", requests, false, false},
	{"s3:signatureversion", requests, false, false},
	{"s3:TlsVersion", requests, false, false},
	{"s3:VersionId", requests, false, false},
	{"s3:x-amz-acl", requests, false, false},
	{"s3:x-amz-content-sha256", requests, false, false},
	{"s3:x-amz-copy-source", requests, false, false},
	{"s3:x-amz-grant-full-control", requests, false, false},
	{"s3:x-amz-grant-read", requests, false, false},
	{"s3:x-amz-grant-read-acp", requests, false, false},
	{"s3:x-amz-grant-write", requests, false, false},
	{"s3:x-amz-grant-write-acp", requests, false, false},
	{"s3:x-amz-metadata-directive", requests, false, false},
	{"s3:x-amz-object-ownership", requests, false, false},
	{"s3:x-amz-server-side-encryption", requests, false, false},
	{"s3:x-amz-server-side-encryption-aws-kms-key-id", requests, false, false},
	{"s3:x-amz-server-side-encryption-customer-algorithm", requests, false, false},
	{"s3:x-amz-storage-class", requests, false, false},
	{"s3:x-amz-website-redirect-location", requests, false, false},

	// of the device
	{"iot:Connection.Thing.ThingName", devices, false, false},
	{"iot:Connection.Thing.ThingTypeName", devices, false, false},
	{"iot:Connection.Thing.IsAttached", devices, false, false},
	{"iot:Connection.Thing.Attributes[…]", devices, false, false},
	{"iot:Certificate.AvailableKeys", devices, true, false},
	{"iot:Certificate.SerialNumber", devices, false, false},
	{"iot:Certificate.Subject.…", devices, false, false},
	{"iot:Certificate.Issuer.…", devices, false, false},
}

// fits tells whether the key is called so.
func (k *suppliedKey) fits(name string) bool {
	before, after, family := strings.Cut(k.name, "…")
	if !family {
		return equalFold(name, before)
	}
	if len(name) <= len(before)+len(after) || !hasPrefixFold(name, before) || !strings.HasSuffix(name, after) {
		return false
	}
	return !strings.HasSuffix(before, ".") || isCertificateName(name[len(before):])
}

// certificateNames are the attributes of a certificate's subject and issuer
// that an exchange has (AWS IoT developer guide, "X.509 Certificate AWS IoT
// Core policy variables").
var certificateNames = []string{
	"DistinguishedNameQualifier", "Country", "Organization", "OrganizationalUnit", "State", "CommonName", "SerialNumber",
	"Title", "Surname", "GivenName", "Initials", "Pseudonym", "GenerationQualifier",
	"AlternativeName.RFC822Name", "AlternativeName.DNSName", "AlternativeName.DirectoryName",
	"AlternativeName.UniformResourceIdentifier", "AlternativeName.IPAddress",
}

// isCertificateName tells whether rest names an attribute: its first value, a
// later one, as in CommonName.1, or all of them, as in CommonName.List.
func isCertificateName(rest string) bool {
	return slices.ContainsFunc(certificateNames, func(name string) bool {
		if !hasPrefixFold(rest, name) {
			return false
		}
		which := rest[len(name):]
		return which == "" || equalFold(which, ".List") || len(which) == 2 && which[0] == '.' && which[1] >= '1' && which[1] <= '4'
	})
}

// asked are the uses of the kind.
func (k Kind) asked() uses {
	switch k {
	case Trust:
		return trusts
	case IoT:
		return devices
	default:
		return requests
	}
}

// supplied finds what a decision by any kind of policy may have under a name.
func supplied(name string) (suppliedKey, bool) {
	for i := range suppliedKeys {
		if k := &suppliedKeys[i]; k.fits(name) {
			found := *k
			found.multi = k.multi || strings.HasSuffix(lowerASCII(name), ".list")
			return found, true
		}
	}
	return suppliedKey{}, false
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
