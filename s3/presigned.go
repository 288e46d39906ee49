package s3

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// A presigned URL carries in its query what the request without one has in
// headers: presigners move x-amz- headers there, and S3 reads them as the headers
// that they are. Both versions of the signature cover them: Version 4 signs the
// whole query, and Version 2 signs an x-amz- parameter as the header that it
// stands for. In any other request an x-amz- parameter stays a parameter.

// presigned reports whether the signature of a verified request is in its query.
func presigned(query url.Values) bool {
	return query.Has("X-Amz-Signature") || query.Has("AWSAccessKeyId")
}

// takeParameters takes the x-amz- parameters of a presigned URL out of the query
// and makes them headers, which is what the operation and every condition key of
// a policy then see, and drops parameters that are for the access log alone. What
// is no header of a request stays a parameter.
func (t *target) takeParameters(h http.Header) error {
	signed := presigned(t.query)
	for name, values := range t.query {
		switch {
		case slices.Contains(signing, name):
		case loggedOnly(name):
			delete(t.query, name)
		case signed && hoisted(name):
			delete(t.query, name)
			if err := takeHeader(h, name, values[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// loggedOnly reports whether a parameter is a caller's own, for the access log:
// S3 ignores those that begin with x- but not with x-amz- (S3 user guide, "Server
// access log format", "Custom access log information").
func loggedOnly(name string) bool {
	return hasPrefixFold(name, "x-") && !hasPrefixFold(name, "x-amz-")
}

// notHoisted lists the headers that count only where they are expected: what the
// signature is about, and how the body is framed.
var notHoisted = []string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signedheaders", "X-Amz-Signature",
	"X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Amz-Decoded-Content-Length", "X-Amz-Trailer",
}

// hoisted reports whether a parameter is a header that was moved to the query.
func hoisted(name string) bool {
	return hasPrefixFold(name, "x-amz-") && !strings.ContainsFunc(name, notToken) &&
		!slices.Contains(notHoisted, textproto.CanonicalMIMEHeaderKey(name))
}

// takeHeader makes a parameter the header of its name. A header that says
// something else is refused, so that what was allowed is what is carried out. The
// value of a checksum is not acted on: presigners compute it of an empty body, and
// S3 ignores it in a query.
func takeHeader(h http.Header, name, value string) error {
	header := textproto.CanonicalMIMEHeaderKey(name)
	value = textproto.TrimString(value) // as a header's would be
	if strings.ContainsFunc(value, noHeader) {
		return errArgument(name, "", "The value of the parameter has a character that no header can have.")
	}
	if header == "X-Amz-Sdk-Checksum-Algorithm" || slices.Contains(checksumHeaders, header) {
		return nil
	}
	if said := h[header]; len(said) > 0 && (len(said) > 1 || said[0] != value) {
		return errArgument(name, "", "The query and the headers say two things of what one must say.")
	}
	h[header] = []string{value}
	return nil
}

// notToken reports whether a character cannot be in the name of a header (RFC
// 9110, 5.6.2).
func notToken(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", c))
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
