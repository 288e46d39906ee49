package sigv4

import (
	"fmt"
	"io"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	isoBasic   = "20060102T150405Z" // the form of X-Amz-Date
	isoDay     = "20060102"         // the form of the date in the credential scope
)

// Signature is what a request says about its own signing. Nothing of it is
// proven before Verify. Of a URL presigned with Version 2 the service is s3, and
// date, region, time, headers and expiry have their zero values.
type Signature struct {
	AccessKeyID   string
	Token         string        // session token; empty when there is none
	Date          string        // yyyymmdd, of the credential scope; the same day as Time
	Region        string        // of the credential scope
	Service       string        // of the credential scope
	Time          time.Time     // of signing, UTC, whole seconds
	SignedHeaders []string      // lower case, ascending
	Presigned     bool          // the signature is in the query
	Form          bool          // the signature is in the fields of a POST form, and covers its policy
	Unsigned      bool          // there is none, and no key: see Unsigned
	Expires       time.Duration // of a presigned URL, 1 s to 7 days; 0 when it gives none

	provided string      // the signature, as sent
	payload  string      // X-Amz-Content-Sha256 of the query, which the signature covers
	v2       *version2   // nil for Version 4
	key      *signingKey // set when Verify has proven the request
}

// Unsigned is what stands in for the signature of a request that nobody has
// signed. It never verifies; its body is checked against what the request itself
// says of it, and may not come in signed chunks.
func Unsigned() *Signature { return &Signature{Service: serviceS3, Unsigned: true} }

// Scope is the credential scope: date/region/service/aws4_request.
func (s *Signature) Scope() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/" + terminator
}

// Format implements fmt.Formatter: it leaves out the token and the signature,
// whatever the verb.
func (s *Signature) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, s.AccessKeyID+"/"+s.Scope())
}
