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

	// SessionPrincipal only.
	RoleName      string
	RoleARN       string
	RoleID        string // AROA…
	SessionName   string
	Issued        time.Time
	Expires       time.Time
	SessionPolicy string // JSON, "" for none
	CertificateID string // "" when the session was not issued to a device
	Thing         string // "" when no thing was named
	ThingType     string // "" when the thing has none
}
