package sigv4

import (
	"fmt"
	"time"
)

// Kind says what is wrong with a signed request.
type Kind uint8

// The kinds of error. The zero Kind is never used.
const (
	_                    Kind = iota
	Missing                   // no signature at all
	Incomplete                // the signature's parts are malformed or not all there
	Ambiguous                 // signed more than once: header and query, or a part given twice
	Mismatch                  // the signature of the request, of a chunk or of the trailer is wrong
	Expired                   // the request is older than the skew allows
	NotYet                    // the request is from the future by more than the skew
	PresignExpired            // the presigned URL has outlived X-Amz-Expires, or Expires
	BadExpires                // X-Amz-Expires is absent (S3), no number, or outside 1..604800; Expires is no number or too far
	UnsignedHeaders           // a header that must be signed is not; see Error.Headers
	BadDate                   // a URL's date is none, or the date is not of the day of the credential scope
	MissingDate               // a request that is signed in its headers has no date, or what is none
	BadPayloadHash            // x-amz-content-sha256 has a value that has no meaning
	MissingPayloadHash        // S3 without x-amz-content-sha256
	PayloadMismatch           // the body's SHA-256 is not x-amz-content-sha256
	BadChunk                  // a chunk is too large or too small
	BadLength                 // the decoded body is not as long as was said
	MissingLength             // no Content-Length, or no x-amz-decoded-content-length where needed, or it is no number
	InvalidDigest             // Content-MD5 is no MD5
	BadDigest                 // the body's MD5 is not Content-MD5
	InvalidChecksum           // x-amz-checksum-*: unknown algorithm, malformed value, more than one, or not of x-amz-sdk-checksum-algorithm
	BadChecksum               // the body's checksum is not x-amz-checksum-*
	BadTrailer                // the trailer is malformed, missing, or not what x-amz-trailer said
	UnsupportedAlgorithm      // SigV2 other than of plain presigned URLs, or SigV4a (ECDSA) in a header
	UnknownMechanism          // the Authorization header is of none of AWS's kinds
	BadForm                   // a POST form that is no well-formed form, has no file, or gives a field twice
	IncompleteForm            // a signed POST form without a field that it needs
	FormTooLarge              // the fields of a POST form, or what follows its file, are too large
	IncompleteBody            // the body ended, or could not be read, or lost its aws-chunked framing, before it was complete
)

// Error is why a request is refused.
type Error struct {
	Kind    Kind
	Message string // for the caller; AWS's text where AWS's text is known
	Query   bool   // the signature is in the query, not in the Authorization header

	// For Mismatch of the request. They hold the caller's own request,
	// session token included: answer with them as S3 does, never log them.
	CanonicalRequest string
	StringToSign     string
	Provided         string // the signature the caller sent

	// For Expired, NotYet and PresignExpired.
	RequestTime time.Time
	ServerTime  time.Time
	Limit       time.Time     // the earliest, for NotYet the latest, for PresignExpired the last good time
	Skew        time.Duration // how far RequestTime may be from ServerTime

	Headers []string // for UnsignedHeaders: their names in lower case, sorted

	// What the caller claimed and what was found, as text, for
	// PayloadMismatch, BadDigest, BadChecksum and BadLength.
	Claimed, Computed string

	Err error // the cause, for IncompleteBody: what reading the body said, or what is wrong with its framing
}

// Error gives the message alone; it holds no secret.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

func errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}
