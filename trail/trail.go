// Package trail keeps the last decisions of both doors, so that somebody who
// holds the id of a denied request can be told why, and so that a changed policy
// can be tried on what was really asked.
//
// It owns the records and their bounds: how many, how old, how many bytes. It
// does not own what is put into a record (packages gate and credentials), nor
// how it is explained (package why).
//
// Records live in memory only and end with the process. A record holds no
// secret access key, no session token and no body; what a caller chose in it is
// cut to a bounded length by whoever fills it.
package trail

import (
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
)

// The doors.
const (
	DeviceDoor = "device" // an exchange of a certificate for credentials
	SignedDoor = "api"    // a signed request
)

// The steps by which a request is decided, in the order in which they are taken.
const (
	StepRequest     = "request"     // readable, and for something that there is
	StepCertificate = "certificate" // registered, active, in its time
	StepThing       = "thing"       // the named thing is attached
	StepIoTPolicy   = "iot-policy"  // allows the role alias
	StepRoleAlias   = "role-alias"  // exists, and its role
	StepTrust       = "trust"       // the role trusts who asks
	StepDuration    = "duration"    // alias within what the role allows; what is sealed fits
	StepSession     = "session"     // the access key is known and still good
	StepSignature   = "signature"   // made with its secret, in time
	StepPermission  = "permission"  // identity, boundary, session and resource policies
)

// The causes of a failed StepSession or StepSignature.
const (
	CauseUnsigned         = "unsigned"          // no signature at all
	CauseMalformed        = "malformed"         // a signature that cannot be read
	CauseMismatch         = "mismatch"          // not the one that the secret makes of this request
	CauseClock            = "clock"             // too old, or from the future
	CausePresignExpired   = "presign-expired"   // a presigned URL that has had its time
	CauseUnsignedHeader   = "unsigned-header"   // what must be signed is not
	CauseKey              = "access-key"        // no such key, or not of this token
	CauseToken            = "token"             // not a token of this installation
	CauseSessionExpired   = "session-expired"   // the credentials have had their time
	CauseSessionWithdrawn = "session-withdrawn" // what they were issued for is gone
)

// The causes of a request that was allowed and failed then, where the code of the
// answer does not tell.
const (
	CauseEngineUnreachable = "engine-unreachable" // no connection to the S3 engine came about
	CauseEngineBusy        = "engine-busy"        // it has all the requests that it may have
	CauseEngineStalled     = "engine-stalled"     // it stopped taking or giving bytes
	CauseEngineBroke       = "engine-broke"       // the connection broke, or what came is no answer
	CauseEngineAnswered    = "engine-answered"    // it answered with an error
	CauseEngineKind        = "engine-kind"        // it is of a kind that is not sent such a request
	CauseTwoEngines        = "two-engines"        // source and destination of a copy are in different places
	CauseSpoolFull         = "spool-full"         // too many bodies of unknown length wait for engines
	CausePublicPolicy      = "public-policy"      // the bucket's public access block forbids a public policy
	CausePublicBucket      = "public-bucket"      // it lets nobody in who is not known
	CauseOwner             = "owner"              // the request is meant for another account's bucket
)

// DetailHidden is the Detail of a permission that was asked for only because
// what was named does not exist: who may not list does not learn that.
const DetailHidden = "hidden"

// Record is one request and how it was decided. Ring.Keep takes it down; what
// Ring.Find returns is another that says the same.
type Record struct {
	ID          string    // the request id: in the answer, the audit line and here
	At          time.Time // when the request began
	Door        string    // DeviceDoor or SignedDoor
	Service     string    // signing name: iot, iam, sts, s3; "" when it is not known
	Operation   string    // name of the operation; "" when none was found
	Method      string    // of a signed request, as are Host and Path
	Host        string    // that the client asked for
	Path        string    // decoded, without the query
	Remote      string    // address of the client
	AccessKeyID string    // as presented; of an exchange: as issued
	Principal   thingpass.Principal
	Was         *thingpass.Principal // whose session it was that is over, if its token was genuine: not proven
	Device      *Device              // at the device door; nil when no certificate was presented
	Alias       string               // role alias asked for, at the device door
	Role        string               // name of the role it stands for, once known
	Steps       []Step               // those that were taken, in order; of a signed request only permissions and what failed
	Status      int                  // of the answer
	Code        string               // error code of the answer, "" for none
	Failure     string               // name of the step that ended the request, "" for none
	Cause       string               // one of the constants above, "" for none; at the device door: the reason for the log
	Engine      string               // name of the S3 engine that the request was forwarded to, "" for none
	Message     string               // of the error, as the caller was told
	Reason      string               // of the error, what the caller was not told and the log has
	Cut         bool                 // the answer had begun when it failed: the connection was closed
	Note        string               // remarks of the operation, as in the audit line

	few [4]Step // where the first Steps are kept
}

// Device is a device as the device door saw it.
type Device struct {
	CertificateID string // of what was presented, registered or not
	Status        thingpass.CertificateStatus
	NotBefore     time.Time // of what was presented
	NotAfter      time.Time
	Issuer        string // of what was presented, as RFC 2253 writes it
	Named         bool   // x-amzn-iot-thingname was sent
	ThingNamed    string // its value
	Thing         string // the thing that was chosen, "" for none
	ThingType     string
	Things        []string // names of those that were attached
	Policies      []string // names of the IoT policies that were attached, those of thing groups included
}

// Step is one thing that was checked.
type Step struct {
	Name   string // one of the constants above
	OK     bool
	Detail string       // what was found, in words; may be empty
	Asked  *authz.Asked // what policies were asked; nil when none was
}

// Add appends a step. A step that fails is noted as the one that ended the
// request, unless an earlier one did.
func (r *Record) Add(s Step) {
	if r.Steps == nil {
		r.Steps = r.few[:0]
	}
	r.Steps = append(r.Steps, s)
	if !s.OK && r.Failure == "" {
		r.Failure = s.Name
	}
}

// Denied tells whether a step refused the request. What was allowed and then
// did not work, because there is no such object for instance, is not denied.
func (r *Record) Denied() bool { return r.Failure != "" }

// stranger tells whether nobody stands behind the request: such records cost
// whoever sends them nothing.
func (r *Record) stranger() bool {
	return r.Principal.Kind == thingpass.Nobody && (r.Device == nil || r.Device.Status == "")
}
