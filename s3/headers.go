package s3

// signing lists the query parameters of a presigned request and those that
// only say what the path and method say already.
var signing = []string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
	"X-Amz-Security-Token", "X-Amz-Content-Sha256", "x-id",
	"AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token", "content-type", "content-md5", // of Signature Version 2; sigv4 refuses them elsewhere
}

// harmless lists the x-amz- headers that any request may carry: about signing,
// about the framing of the body, or checked by themselves.
var harmless = []string{
	"X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Amz-Decoded-Content-Length", "X-Amz-Trailer",
	"X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Expected-Bucket-Owner", "X-Amz-Request-Payer", "X-Amz-User-Agent",
}

// metaPrefix begins the names of user metadata, as net/http writes them.
const metaPrefix = "X-Amz-Meta-"

// The headers that rows share (API reference, "PutObject", "CopyObject",
// "CreateBucket").
var (
	checksumHeaders = []string{ // that package sigv4 verifies
		"X-Amz-Checksum-Crc32", "X-Amz-Checksum-Crc32c", "X-Amz-Checksum-Crc64nvme", "X-Amz-Checksum-Sha1", "X-Amz-Checksum-Sha256",
		"X-Amz-Checksum-Sha512", "X-Amz-Checksum-Md5", "X-Amz-Checksum-Xxhash64", "X-Amz-Checksum-Xxhash3", "X-Amz-Checksum-Xxhash128",
	}
	grantHeaders = []string{
		"X-Amz-Grant-Full-Control", "X-Amz-Grant-Read", "X-Amz-Grant-Read-Acp", "X-Amz-Grant-Write", "X-Amz-Grant-Write-Acp",
	}
	customerKey = []string{
		"X-Amz-Server-Side-Encryption-Customer-Algorithm", "X-Amz-Server-Side-Encryption-Customer-Key", "X-Amz-Server-Side-Encryption-Customer-Key-Md5",
	}
	sourceCustomerKey = []string{
		"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm", "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key",
		"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key-Md5", "X-Amz-Source-Expected-Bucket-Owner",
	}
	copyConditions = []string{
		"X-Amz-Copy-Source-If-Match", "X-Amz-Copy-Source-If-None-Match",
		"X-Amz-Copy-Source-If-Modified-Since", "X-Amz-Copy-Source-If-Unmodified-Since",
	}
	lockHeaders = []string{"X-Amz-Object-Lock-Mode", "X-Amz-Object-Lock-Retain-Until-Date", "X-Amz-Object-Lock-Legal-Hold"}

	// stored are those of what is stored with an object.
	stored = and(grantHeaders, customerKey, lockHeaders, []string{
		metaPrefix + "*", "X-Amz-Acl", "X-Amz-Storage-Class", "X-Amz-Tagging", "X-Amz-Website-Redirect-Location",
		"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Server-Side-Encryption-Context",
		"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "X-Amz-Checksum-Algorithm",
	})
)

func and(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// specialHeader is a header whose value matters before the operation works.
type specialHeader struct {
	key    string   // the condition key that it is, "" for none
	values []string // the only values that there are; nil for any

	// exact gives the value in its one form, in which it is passed on; nil for any.
	exact func(name, value string) (string, error)

	// foreign tells that the embedded store does not carry the header out: with
	// any value but those of own, or with any.
	foreign bool
	own     []string
}

func (h *specialHeader) stranger(on level, value string) bool {
	if !h.foreign {
		return false
	}
	for _, v := range h.own {
		if v == value && (v != "bucket-owner-full-control" || on == onObject) {
			return false
		}
	}
	return true
}

// special lists such headers. Condition keys are those of the Service
// Authorization Reference; which action they are put to is for package access's
// functions.
var special = map[string]*specialHeader{
	"X-Amz-Acl":                {key: "s3:x-amz-acl", foreign: true, own: []string{"private", "bucket-owner-full-control"}},
	"X-Amz-Grant-Full-Control": {key: "s3:x-amz-grant-full-control", foreign: true},
	"X-Amz-Grant-Read":         {key: "s3:x-amz-grant-read", foreign: true},
	"X-Amz-Grant-Read-Acp":     {key: "s3:x-amz-grant-read-acp", foreign: true},
	"X-Amz-Grant-Write":        {key: "s3:x-amz-grant-write", foreign: true},
	"X-Amz-Grant-Write-Acp":    {key: "s3:x-amz-grant-write-acp", foreign: true},

	"X-Amz-Storage-Class":                             {key: "s3:x-amz-storage-class", foreign: true, own: []string{"STANDARD"}},
	"X-Amz-Website-Redirect-Location":                 {key: "s3:x-amz-website-redirect-location", foreign: true},
	"X-Amz-Server-Side-Encryption":                    {key: "s3:x-amz-server-side-encryption", foreign: true},
	"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id":     {key: "s3:x-amz-server-side-encryption-aws-kms-key-id", foreign: true},
	"X-Amz-Server-Side-Encryption-Context":            {foreign: true},
	"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled": {foreign: true},
	"X-Amz-Server-Side-Encryption-Customer-Algorithm": {key: "s3:x-amz-server-side-encryption-customer-algorithm", foreign: true},
	"X-Amz-Server-Side-Encryption-Customer-Key":       {foreign: true},
	"X-Amz-Server-Side-Encryption-Customer-Key-Md5":   {foreign: true},

	"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm": {foreign: true},
	"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key":       {foreign: true},
	"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key-Md5":   {foreign: true},

	"X-Amz-Object-Lock-Mode":              {key: "s3:object-lock-mode", values: []string{"GOVERNANCE", "COMPLIANCE"}, foreign: true},
	"X-Amz-Object-Lock-Retain-Until-Date": {key: "s3:object-lock-retain-until-date", exact: exactDate, foreign: true},
	"X-Amz-Object-Lock-Legal-Hold":        {key: "s3:object-lock-legal-hold", values: []string{"ON", "OFF"}, foreign: true},
	"X-Amz-Bucket-Object-Lock-Enabled":    {values: []string{"true", "True", "false", "False"}, foreign: true, own: []string{"false", "False"}},
	"X-Amz-Object-Ownership":              {key: "s3:x-amz-object-ownership", values: ownerships},

	"X-Amz-Metadata-Directive": {key: "s3:x-amz-metadata-directive", values: []string{"COPY", "REPLACE"}},
	"X-Amz-Tagging-Directive":  {values: []string{"COPY", "REPLACE"}},
	"X-Amz-Checksum-Mode":      {values: []string{"ENABLED"}},
	"X-Amz-Request-Payer":      {values: []string{"requester"}},

	"X-Amz-Max-Parts":          {exact: exactNumber},
	"X-Amz-Part-Number-Marker": {exact: exactNumber},

	"X-Amz-Bypass-Governance-Retention": {values: []string{"true", "True", "false", "False"}},
}

// ownerships are the settings of a bucket's ownership controls.
var ownerships = []string{"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}
