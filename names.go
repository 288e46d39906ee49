package thingpass

import (
	"crypto/rand"
	"encoding/base32"
	"regexp"
	"time"
)

// Name rules, from the AWS IoT and IAM API references (botocore models
// iot/2015-05-28 and iam/2010-05-08).
var (
	aliasName  = regexp.MustCompile(`^[\w=,@-]{1,128}$`)
	policyName = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	thingName  = regexp.MustCompile(`^[a-zA-Z0-9:_-]{1,128}$`)
	roleName   = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	rolePath   = regexp.MustCompile(`^(/|/[\x21-\x7e]{0,510}/)$`)
	accountID  = regexp.MustCompile(`^\d{12}$`)
	regionName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	certID     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	session    = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// ValidRoleAlias tells whether s may name a role alias: 1 to 128 of [\w=,@-].
func ValidRoleAlias(s string) bool { return aliasName.MatchString(s) }

// ValidPolicyName tells whether s may name an IoT policy or an inline policy:
// 1 to 128 of [\w+=,.@-].
func ValidPolicyName(s string) bool { return policyName.MatchString(s) }

// ValidThingName tells whether s may name a thing or a thing type: 1 to 128 of
// [a-zA-Z0-9:_-].
func ValidThingName(s string) bool { return thingName.MatchString(s) }

// ValidRoleName tells whether s may name a role: 1 to 64 of [\w+=,.@-].
func ValidRoleName(s string) bool { return roleName.MatchString(s) }

// ValidPath tells whether s may be an IAM path: "/" or "/…/", at most 512.
func ValidPath(s string) bool { return rolePath.MatchString(s) }

// ValidAccount tells whether s is an account id: 12 digits.
func ValidAccount(s string) bool { return accountID.MatchString(s) }

// ValidRegion tells whether s may name a region.
func ValidRegion(s string) bool { return regionName.MatchString(s) }

// ValidCertificateID tells whether s is 64 lower-case hex digits.
func ValidCertificateID(s string) bool { return certID.MatchString(s) }

// ValidSessionName tells whether s may name a role session: 2 to 64 of
// [\w+=,.@-].
func ValidSessionName(s string) bool { return session.MatchString(s) }

// Limits of durations: AWS IoT CreateRoleAlias, IAM CreateRole, STS AssumeRole.
const (
	MinSession            = 900 * time.Second
	MaxSession            = 43200 * time.Second
	DefaultSession        = 3600 * time.Second
	MinMaxSessionDuration = 3600 * time.Second
)

var base32Upper = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewID makes a random identifier of the given prefix and 17 (AROA, AIDA) or
// 16 (AKIA) further characters, as AWS's are long.
func NewID(prefix string) string {
	n := 17
	if prefix == "AKIA" {
		n = 16
	}
	var b [11]byte
	_, _ = rand.Read(b[:])
	return prefix + base32Upper.EncodeToString(b[:])[:n]
}

// SameKey tells whether two names are one to policies, as condition keys, tag
// keys in them and actions are: they have no case, in ASCII. Other letters differ
// from each other, whatever Unicode folds.
func SameKey(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}
