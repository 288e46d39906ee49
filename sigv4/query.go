package sigv4

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// querySignature is the one parameter that the signature does not cover.
const querySignature = "X-Amz-Signature"

// maxExpires is the longest life of a presigned URL.
const maxExpires = 7 * 24 * time.Hour

// query holds the parameters of a request that concern its signature.
type query struct {
	v4, v2                            bool // parameters of that version were seen
	algorithm, credential, date       string
	expires, headers, provided, token string
	payload                           string // X-Amz-Content-Sha256
}

func (q *query) signed() bool { return q.v4 || q.v2 }

// field returns where the parameter called name is kept, or nil.
func (q *query) field(name string) *string {
	switch name {
	case "X-Amz-Algorithm":
		return &q.algorithm
	case "X-Amz-Credential":
		return &q.credential
	case headerDate:
		return &q.date
	case "X-Amz-Expires":
		return &q.expires
	case "X-Amz-SignedHeaders":
		return &q.headers
	case querySignature:
		return &q.provided
	case headerToken:
		return &q.token
	case headerContentSHA256:
		return &q.payload
	}
	return nil
}

// readQuery picks the parameters of a signature out of a raw query. Names are
// compared decoded, because that is how they count everywhere else.
func readQuery(raw string) (*query, error) {
	q := &query{}
	for rawName, rawValue := range pairs(raw) {
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, errBadQuery()
		}
		q.v2 = q.v2 || ofV2(name)
		target := q.field(name)
		if target == nil {
			continue
		}
		if *target != "" {
			return nil, errorf(Ambiguous, "The query parameter %s is given more than once.", name)
		}
		if *target, err = url.QueryUnescape(rawValue); err != nil {
			return nil, errBadQuery()
		}
	}
	q.v4 = q.algorithm != "" || q.credential != "" || q.provided != ""
	return q, nil
}

func errBadQuery() error {
	return errorf(Incomplete, "The query has a broken percent-encoding.")
}

// signature is the presigned URL's signature.
func (q *query) signature() (*Signature, error) {
	if q.algorithm != algorithm && q.algorithm != "" {
		return nil, errorf(Incomplete, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"; %q is not supported.", q.algorithm)
	}
	if q.algorithm == "" || q.credential == "" || q.date == "" || q.headers == "" || q.provided == "" {
		return nil, errorf(Incomplete, "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "+
			"X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
	}
	s := &Signature{Presigned: true, Token: q.token, provided: q.provided, payload: q.payload}
	if err := s.setCredential(q.credential); err != nil {
		return nil, err
	}
	if err := s.setSignedHeaders(q.headers); err != nil {
		return nil, err
	}
	if err := s.setExpires(q.expires); err != nil {
		return nil, err
	}
	at, err := parseISO(q.date)
	if err != nil {
		return nil, err
	}
	return s, s.setTime(at)
}

// setExpires reads X-Amz-Expires. It may be absent: only S3 insists on it.
func (s *Signature) setExpires(text string) error {
	if text == "" {
		return nil
	}
	if strings.HasPrefix(text, "+") {
		return errorf(BadExpires, "X-Amz-Expires should be a number")
	}
	seconds, err := strconv.ParseInt(text, 10, 32)
	switch {
	case err != nil:
		return errorf(BadExpires, "X-Amz-Expires should be a number")
	case seconds < 1:
		return errorf(BadExpires, "X-Amz-Expires must be positive")
	case seconds > int64(maxExpires/time.Second):
		return errorf(BadExpires, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	s.Expires = time.Duration(seconds) * time.Second
	return nil
}
