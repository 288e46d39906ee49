package thingpass

import "time"

// CertificateStatus is the state of a registered certificate.
type CertificateStatus string

// The statuses of a certificate, spelled as AWS IoT spells them. Only an
// ACTIVE certificate obtains or keeps credentials.
const (
	Active            CertificateStatus = "ACTIVE"
	Inactive          CertificateStatus = "INACTIVE"
	Revoked           CertificateStatus = "REVOKED"
	PendingTransfer   CertificateStatus = "PENDING_TRANSFER"
	RegisterInactive  CertificateStatus = "REGISTER_INACTIVE"
	PendingActivation CertificateStatus = "PENDING_ACTIVATION"
)

// Certificate is a registered device certificate.
type Certificate struct {
	ID         string // lower-case hex SHA-256 of the DER
	DER        []byte
	Status     CertificateStatus
	Mode       string // DEFAULT or SNI_ONLY
	NotBefore  time.Time
	NotAfter   time.Time
	Created    time.Time
	Modified   time.Time
	Version    int64  // customerVersion: 1, and one more with each change of status
	Generation string // generationId: a UUID given at registration
}

// Device is the narrow view of a certificate that an exchange reads.
type Device struct {
	CertificateID string
	Status        CertificateStatus
	NotBefore     time.Time
	NotAfter      time.Time
	ValidAfter    time.Time    // sessions issued before it are over: when it was registered or last changed its status
	Policies      []string     // documents of the IoT policies attached to it, by policy name
	PolicyNames   []string     // their names, in the same order
	Things        []Attachment // things it is attached to, ordered by name
}

// GroupPolicy is an IoT policy that a thing has through a thing group.
type GroupPolicy struct {
	Group    string // the group it is attached to: one the thing is in, or one above
	Name     string
	Document string // of the default version
}

// Attachment is a thing that a certificate is attached to.
type Attachment struct {
	Thing     string
	ThingType string    // "" when the thing has none
	Exclusive bool      // attached as EXCLUSIVE_THING
	Since     time.Time // sessions issued for the thing before it are over: when it was attached or last changed its type

	Attributes    map[string]string // of the thing
	Groups        []string          // thing groups it is in, and all above them; sorted
	GroupPolicies []GroupPolicy     // attached to Groups; by policy, then group
}

// ThingGroup is a set of things. Groups form a hierarchy: what is attached to
// one counts for those below it.
type ThingGroup struct {
	Name        string
	ID          string // UUID
	Parent      string // "" for a root group; never changes
	Description string
	Attributes  map[string]string
	Version     int64 // 1, and one more with each update
	Created     time.Time
	Tags        []Tag // on creation only; read with Tags
}

// Thing is a device in the registry.
type Thing struct {
	Name       string
	ID         string // UUID
	Type       string // "" for none
	Attributes map[string]string
	Version    int64 // 1, and one more with each update
	Created    time.Time
}

// ThingType groups things that have attributes in common.
type ThingType struct {
	Name                 string
	ID                   string // UUID
	Description          string
	SearchableAttributes []string
	Deprecated           time.Time // zero when it is not
	Created              time.Time
	Tags                 []Tag // on creation only; read with Tags
}

// RoleAlias lets devices name a role without knowing its ARN.
type RoleAlias struct {
	Name     string
	RoleARN  string
	Duration time.Duration // whole seconds, 900 to 43200
	Created  time.Time
	Modified time.Time
	Tags     []Tag // on creation only; read with Tags
}

// Policy is an IoT policy: what a certificate may do.
type Policy struct {
	Name       string
	Document   string // of the default version
	VersionID  string // of the default version: "1", "2" and so on
	Created    time.Time
	Modified   time.Time
	Generation string // UUID
	Tags       []Tag  // on creation only; read with Tags
}

// PolicyVersion is one of up to five texts of an IoT policy or of a managed
// policy.
type PolicyVersion struct {
	ID       string // "3" of an IoT policy, "v3" of a managed one
	Document string
	Default  bool // the one that counts
	Created  time.Time
}

// Role is an IAM role.
type Role struct {
	Name                string
	Path                string // "/" or "/a/b/"
	ID                  string // AROA…, never used again for another role
	TrustPolicy         string
	TrustIDs            map[string]string // unique id, when TrustPolicy was saved, of each user, role and role session whose ARN it names
	Description         string
	MaxSessionDuration  time.Duration // 3600 to 43200 seconds
	Created             time.Time
	Tags                []Tag
	PermissionsBoundary string // ARN of a managed policy, "" for none
}

// ManagedPolicy is an IAM policy that stands by itself and is attached to roles
// and users.
type ManagedPolicy struct {
	Name        string // unique in the account, ignoring case
	Path        string // "/" or "/a/b/"
	ID          string // ANPA…
	Description string
	VersionID   string // of the default version: "v1"
	Document    string // of the default version
	Created     time.Time
	Modified    time.Time // when a version was added or another one made the default
	Attachments int64     // roles and users it is attached to
	Boundaries  int64     // roles and users whose permissions boundary it is
	Tags        []Tag
}

// ManagedDocument is a managed policy as it is read for authorisation.
type ManagedDocument struct {
	ARN      string
	Document string // of the default version
}

// Grants is everything that decides what a role's sessions or a user may do,
// resource policies and session policies aside.
type Grants struct {
	Inline   []InlinePolicy    // ordered by name
	Managed  []ManagedDocument // attached, ordered by ARN
	Boundary *ManagedDocument  // nil for none
}

// InlinePolicy is a policy document that belongs to one role or user.
type InlinePolicy struct {
	Name     string
	Document string
}

// RoleGrants is a role with everything that decides what its sessions may do.
type RoleGrants struct {
	Role
	Grants
}

// User is an IAM user.
type User struct {
	Name                string
	Path                string
	ID                  string // AIDA…
	Created             time.Time
	Tags                []Tag
	PermissionsBoundary string // ARN of a managed policy, "" for none

	Grants // filled by reads for authorisation
}

// AccessKey is a long-lived key of a user.
type AccessKey struct {
	ID      string // AKIA…
	Secret  Secret
	User    string // the user's name
	Active  bool
	Created time.Time

	// ValidAfter is when the key last changed its status: temporary credentials
	// that were asked for with it before are over. Zero for never.
	ValidAfter time.Time
}

// Tag is a key and a value on a resource.
type Tag struct {
	Key   string
	Value string
}

// Page asks for part of a list that is ordered by a unique name, bytewise.
type Page struct {
	After      string // continue after this name; "" for the beginning
	Limit      int    // at most this many; 0 for no limit
	Descending bool
}

// Upload is what is known of a multipart upload to an S3 engine that does not look
// at checksums.
type Upload struct {
	ID           string // any text that names it
	Owner        string // whose it is, of whose uploads so many are kept
	Algorithm    string // of the checksum that it was begun with, "" for none
	ChecksumType string // of that
	Ended        string // any text that tells what it was completed with, "" while it is not
}

// UploadPart is a part of an Upload, whose checksum was verified.
type UploadPart struct {
	Number    int
	ETag      string // without quotes
	Size      int64  // bytes
	Algorithm string
	Checksum  string // base64
}
