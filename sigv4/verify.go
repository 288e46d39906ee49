package sigv4

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// DefaultSkew is how far the time of a request may be from the server's when
// Rules says nothing: 15 minutes, as with AWS.
const DefaultSkew = 15 * time.Minute

// Rules are what depends on the service and the moment.
type Rules struct {
	S3   bool          // S3's rules for path, body hash and signed headers, and S3's texts
	Now  time.Time     // the server's time
	Skew time.Duration // 0 means DefaultSkew
	NoV2 bool          // refuse URLs presigned with Signature Version 2
	Keys *Keys         // derived signing keys that are used again; nil for none

	// Bucket is the one that the host names, "" in path style. Version 2 signs it
	// before the path, and not the host.
	Bucket string
}

// Verify proves that r was signed with secret, and at a time that rules
// allows. s must come from Parse of the same request. For S3 payloadHash is
// empty: the x-amz-content-sha256 header counts, and Body checks it. For any
// other service it is PayloadHash of the body, which the caller has read.
//
// The generic rules sign the path after removing empty and dot segments, so
// whoever routes such a request must refuse paths that have any: "/x/../y" is
// signed as "/y". S3's rules sign the path as it is.
//
// Its errors are *Error. Nothing else about the request may be believed before
// it returns nil; an empty secret never verifies.
func (s *Signature) Verify(r *http.Request, secret string, rules Rules, payloadHash string) error {
	if err := s.verify(r, secret, rules, payloadHash); err != nil {
		if s.Presigned {
			return inQuery(err)
		}
		return err
	}
	return nil
}

// Precheck is the part of Verify that needs neither the secret nor the body: what
// must be signed is, and the time is right. Who must read a body to verify it
// need not read one for what fails here.
func (s *Signature) Precheck(r *http.Request, rules Rules) error {
	if s.Unsigned || s.Form || s.v2 != nil {
		return nil // Verify has its own checks of these
	}
	err := s.checkHeaders(r, rules.S3)
	if err == nil {
		err = s.checkTime(rules)
	}
	if err != nil && s.Presigned {
		return inQuery(err)
	}
	return err
}

func (s *Signature) verify(r *http.Request, secret string, rules Rules, payloadHash string) error {
	switch {
	case s.Unsigned, s.Form:
		return errMissing()
	case s.v2 != nil:
		return s.verifyV2(r, secret, rules)
	}
	if err := s.checkHeaders(r, rules.S3); err != nil {
		return err
	}
	if err := s.checkTime(rules); err != nil {
		return err
	}
	message := canonical{request: r, headers: s.SignedHeaders, payload: payloadHash}
	if rules.S3 {
		var err error
		if message.payload, err = s.signedPayload(r); err != nil {
			return err
		}
		message.path = s3Path(r.URL)
	} else {
		message.path = genericPath(wirePath(r.URL))
	}
	var room [2048]byte
	text, err := message.append(room[:0])
	if err != nil {
		return err
	}
	var more [256]byte
	toSign := s.appendStringToSign(more[:0], text)
	key := s.signingKey(secret, rules.Keys)
	if secret == "" || !key.verifies(toSign, s.provided) {
		return &Error{
			Kind: Mismatch, Message: mismatchText(rules.S3),
			CanonicalRequest: string(text), StringToSign: string(toSign), Provided: s.provided,
		}
	}
	s.key = key
	return nil
}

func mismatchText(s3 bool) string {
	if s3 {
		return "The request signature we calculated does not match the signature you provided. Check your key and signing method."
	}
	return "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
}

// checkHeaders demands that what must be signed is signed: always host; with
// S3 every x-amz-* header (but x-amz-content-sha256 of a presigned request,
// which bodyPayload treats as unsigned); elsewhere the x-amz-* headers that
// say when, as whom and what.
func (s *Signature) checkHeaders(r *http.Request, s3 bool) error {
	var unsigned []string
	if !s.signs("host") {
		unsigned = append(unsigned, "host")
	}
	for name := range r.Header {
		if !strings.HasPrefix(name, "X-Amz-") || !s3 && !signedEverywhere(name) || s.Presigned && name == headerContentSHA256 {
			continue
		}
		if !s.signsHeader(name) {
			unsigned = append(unsigned, strings.ToLower(name))
		}
	}
	if unsigned == nil {
		return nil
	}
	slices.Sort(unsigned)
	err := errorf(UnsignedHeaders, "There were headers present in the request which were not signed")
	err.Headers = unsigned
	return err
}

func signedEverywhere(name string) bool {
	return name == headerDate || name == headerToken || name == "X-Amz-Target"
}

// signsHeader is signs for the name of a header as net/http writes it.
func (s *Signature) signsHeader(name string) bool {
	for _, signed := range s.SignedHeaders {
		if len(signed) == len(name) && sameName(signed, name) {
			return true
		}
	}
	return false
}

// sameName compares a lower-case name with one of the same length without regard
// to ASCII case.
func sameName(lower, name string) bool {
	for i := range len(lower) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func (s *Signature) signs(name string) bool {
	_, found := slices.BinarySearch(s.SignedHeaders, name)
	return found
}
