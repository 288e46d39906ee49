package thingpass

import "time"

// PrincipalKind says what kind of identity made a request.
type PrincipalKind uint8

// The kinds of principal. The zero value is nobody, and nobody may do anything.
const (
	Nobody PrincipalKind = iota
	UserPrincipal
	SessionPrincipal // an assumed role, by a device or through sts:AssumeRole
	ServicePrincipal // an AWS service name, for example credentials.iot.amazonaws.com
)

// Principal is who a request is made by.
type Principal struct {
	Kind     PrincipalKind
	Account  string
	ARN      string // user or assumed-role ARN; empty for a service
	UniqueID string // aws:userid: AIDA… for a user, AROA…:session for a session
	Service  string // ServicePrincipal only

	User string // UserPrincipal only: the user's name

	// Tags are what aws:PrincipalTag is about: of the user, or of the role
	// overlaid by those of the session.
	Tags []Tag

	// Temporary marks credentials of sts:GetSessionToken: a user's, with an
	// end. IAM does not take them, STS only for AssumeRole and
	// GetCallerIdentity.
	Temporary bool

	// SessionPrincipal only.
	RoleName       string
	RoleARN        string
	RoleID         string // AROA…
	SessionName    string
	Issued         time.Time
	Expires        time.Time
	SessionPolicy  string   // JSON, "" for none
	PolicyARNs     []string // managed policies that are session policies too, at most 10
	SourceIdentity string   // "" for none
	Transitive     []string // keys of the session tags that further sessions inherit
	CertificateID  string   // "" when the session was not issued to a device
	Thing          string   // "" when no thing was named
	ThingType      string   // "" when the thing has none

	// DeviceKeys are further condition keys of a device's session that were
	// sealed into it: credentials-iot:ThingGroups, credentials-iot:ThingAttribute/NAME
	// and credentials-iot:Certificate.Subject.NAME. Only those that the role's
	// policies mentioned when the session was issued.
	DeviceKeys []DeviceKey
}

// DeviceKey is a condition key with its values.
type DeviceKey struct {
	Name   string
	Values []string
	List   bool // multivalued
}
