package sigv4

import (
	"errors"
	"net/http"
	"strings"
)

// Names of headers that carry the signature or change what it covers.
const (
	headerDate          = "X-Amz-Date"
	headerToken         = "X-Amz-Security-Token"
	headerContentSHA256 = "X-Amz-Content-Sha256"
)

// Parse reads how r says it is signed: by the Authorization header or by the
// query. It needs no secret and proves nothing; see Verify. Its errors are
// *Error: Missing when r is not signed, UnsupportedAlgorithm for SigV4a and for
// what SigV2 cannot do, UnknownMechanism, Incomplete, Ambiguous, BadDate,
// MissingDate or BadExpires.
func Parse(r *http.Request) (*Signature, error) {
	q, err := readQuery(r.URL.RawQuery)
	if err != nil {
		return nil, inQuery(err)
	}
	values := r.Header["Authorization"]
	switch {
	case len(values) > 1, len(values) == 1 && q.signed(), q.v4 && q.v2:
		return nil, errorf(Ambiguous, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "+
			"Signature query string parameter or the Authorization header should be specified")
	case len(values) == 1:
		return parseHeader(r, values[0])
	case q.v4:
		s, err := q.signature()
		if err != nil {
			return nil, inQuery(err)
		}
		return s, nil
	case q.v2:
		s, err := parseV2(r)
		if err != nil {
			return nil, inQuery(err)
		}
		return s, nil
	}
	return nil, errMissing()
}

func errMissing() error { return errorf(Missing, "Missing Authentication Token") }

func parseHeader(r *http.Request, authorization string) (*Signature, error) {
	name, rest, _ := strings.Cut(authorization, " ")
	switch {
	case name == algorithm:
	case name == "AWS":
		return nil, errorf(UnsupportedAlgorithm, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	case strings.HasPrefix(name, "AWS4-"):
		return nil, errorf(UnsupportedAlgorithm, "The algorithm %q is not supported. Please use AWS4-HMAC-SHA256.", name)
	default:
		return nil, errorf(UnknownMechanism, "Unsupported Authorization Type")
	}
	s := &Signature{}
	credential, headers, err := s.readParts(rest)
	if err != nil {
		return nil, err
	}
	if err := s.setCredential(credential); err != nil {
		return nil, err
	}
	if err := s.setSignedHeaders(headers); err != nil {
		return nil, err
	}
	if s.Token, err = single(r.Header, headerToken); err != nil {
		return nil, err
	}
	at, err := headerTime(r.Header)
	if err != nil {
		return nil, err
	}
	return s, s.setTime(at)
}

// inQuery marks err as one of a signature in the query.
func inQuery(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Query = true
	}
	return err
}
