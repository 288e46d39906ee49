package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// version2 is what a URL that is presigned with Signature Version 2 says
// (Amazon S3 User Guide, "Signing and authenticating REST requests", "Query
// string request authentication alternative").
//
// That version signs the method, Content-MD5, Content-Type, every x-amz-
// header, the path, and of the query only the sub-resources. It does not sign
// the host, and has no time of signing. So that nothing unsigned can change
// what a request means, any other parameter is refused.
type version2 struct {
	expires   string            // as sent, which is what is signed
	until     time.Time         // the same
	resources []string          // sub-resources as they are signed: name or name=value
	overrides int               // how many of them are response- overrides
	copies    map[string]string // of headers, by lower-case name
	unsigned  string            // a parameter that would not be signed, quoted
}

// useV4 ends the refusals of what Version 2 cannot do here.
const useV4 = " Sign it with Signature Version 4: set signature_version=s3v4 in the client."

func errV2(format string, args ...any) *Error {
	err := errorf(UnsupportedAlgorithm, format, args...)
	err.Message += useV4
	return err
}

// ofV2 tells the parameters that only Version 2 knows. The last two are what
// botocore makes of the headers of that name, besides asking for them.
func ofV2(name string) bool {
	switch name {
	case "AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token", "content-type", "content-md5":
		return true
	}
	return false
}

// subResource tells the parameters that Version 2 signs: those of AWS's text,
// and those that AWS's SDKs added (botocore, HmacV1Auth.QSAOfInterest), but for
// select, which is a POST. No name followed by = sorts otherwise than the name.
func subResource(name string) bool {
	switch name {
	case "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
		"logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
		"restore", "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId",
		"versioning", "versions", "website":
		return true
	}
	return override(name)
}

// override tells the parameters that change a header of the answer.
func override(name string) bool {
	switch name {
	case "response-cache-control", "response-content-disposition", "response-content-encoding",
		"response-content-language", "response-content-type", "response-expires":
		return true
	}
	return false
}

// methodV2 tells the methods that are taken: those whose body, if any, is an
// object. The body is not signed.
func methodV2(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// parseV2 reads the query of a URL presigned with Signature Version 2.
func parseV2(r *http.Request) (*Signature, error) {
	s := &Signature{Service: serviceS3, Presigned: true, v2: &version2{copies: map[string]string{}}}
	seen := map[string]bool{}
	for rawName, rawValue := range pairs(r.URL.RawQuery) {
		name, nameErr := url.QueryUnescape(rawName)
		value, valueErr := url.QueryUnescape(rawValue)
		switch {
		case nameErr != nil, valueErr != nil:
			return nil, errBadQuery()
		case seen[name]:
			return nil, errorf(Ambiguous, "The query parameter %s is given more than once.", name)
		}
		seen[name] = true
		s.setV2(name, value)
	}
	return s, s.checkV2(r)
}

func (s *Signature) setV2(name, value string) {
	switch {
	case name == "AWSAccessKeyId":
		s.AccessKeyID = value
	case name == "Signature":
		s.provided = value
	case name == "Expires":
		s.v2.expires = value
	case name == "x-amz-security-token":
		s.Token = value
	case ofV2(name):
		s.v2.copies[name] = value
	case subResource(name):
		if override(name) {
			s.v2.overrides++
		}
		if value != "" {
			name += "=" + value
		}
		s.v2.resources = append(s.v2.resources, name)
	default:
		s.v2.unsigned = strconv.Quote(name)
	}
}

// checkV2 checks the parts together.
func (s *Signature) checkV2(r *http.Request) error {
	switch {
	case s.AccessKeyID == "" && s.provided == "":
		return errMissing()
	case s.AccessKeyID == "" || s.provided == "" || s.v2.expires == "":
		return errorf(Incomplete, "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
	case !methodV2(r.Method):
		return errV2("%s is not supported with Signature Version 2.", r.Method)
	case s.v2.unsigned != "":
		return errV2("Signature Version 2 does not cover the query parameter %s.", s.v2.unsigned)
	}
	if !visible(s.AccessKeyID) || !visible(s.Token) {
		return errorf(Incomplete, "AWSAccessKeyId or x-amz-security-token has a character that is not allowed.")
	}
	seconds, err := strconv.ParseUint(s.v2.expires, 10, 40)
	if err != nil {
		return errorf(BadExpires, "Invalid date (should be seconds since epoch): %q", s.v2.expires)
	}
	s.v2.until = time.Unix(int64(seconds), 0).UTC()
	if len(r.Header[headerToken]) > 0 {
		return errorf(Ambiguous, "The token of a presigned URL belongs in its query only.")
	}
	// Values are signed decoded, so the text of an override with a & in it could
	// be taken apart into a sub-resource that nobody signed as one.
	if n := s.v2.overrides; n > 0 && n < len(s.v2.resources) {
		return errV2("Signature Version 2 cannot tell response- parameters from other parameters.")
	}
	for name, value := range s.v2.copies {
		if header, err := single(r.Header, textproto.CanonicalMIMEHeaderKey(name)); err != nil || header != value {
			return errorf(Ambiguous, "The query parameter %s and the header of that name must be the same.", name)
		}
	}
	slices.Sort(s.v2.resources)
	return nil
}

// verifyV2 is verify for Signature Version 2.
func (s *Signature) verifyV2(r *http.Request, secret string, rules Rules) error {
	if !rules.S3 || rules.NoV2 {
		return errV2("This URL is signed with Signature Version 2, which is not supported.")
	}
	if err := s.checkUntil(rules); err != nil {
		return err
	}
	payload, err := s.bodyPayload(r)
	switch {
	case err != nil:
		return err
	case strings.HasPrefix(payload, "STREAMING-"):
		return errV2("x-amz-content-sha256 %q is not supported with Signature Version 2.", payload)
	}
	failure := &Error{Kind: Mismatch, Message: mismatchText(true), Provided: s.provided}
	for _, path := range pathsV2(r.URL, rules.Bucket) {
		toSign, err := s.stringToSignV2(r, path)
		if err != nil {
			return err
		}
		mac := hmac.New(sha1.New, []byte(secret))
		mac.Write([]byte(toSign))
		expected := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if secret != "" && subtle.ConstantTimeCompare([]byte(expected), []byte(s.provided)) == 1 {
			return nil
		}
		if failure.StringToSign == "" {
			failure.StringToSign = toSign
		}
	}
	return failure
}

// checkUntil is the rule for Expires. AWS knows no longest life for Version 2;
// here it is that of Version 4.
func (s *Signature) checkUntil(rules Rules) error {
	skew := rules.Skew
	if skew == 0 {
		skew = DefaultSkew
	}
	now := rules.Now.UTC()
	if now.After(s.v2.until) {
		return &Error{Kind: PresignExpired, Message: "Request has expired", ServerTime: now, Limit: s.v2.until, Skew: skew}
	}
	if s.v2.until.After(now.Add(maxExpires + skew)) {
		return errorf(BadExpires, "Expires must be less than a week (604800 seconds) ahead")
	}
	return nil
}

// pathsV2 is the path as it was sent. A bucket alone is signed with a slash at
// its end by botocore, which sends none, and as sent by others; both name it. One
// that the host names stands before the path: else a URL would be good for the
// same path below every host.
func pathsV2(u *url.URL, bucket string) []string {
	path := wirePath(u)
	switch {
	case bucket != "":
		return []string{"/" + bucket + "/" + strings.TrimPrefix(path, "/")}
	case path == "":
		return []string{"/"}
	case len(path) > 1 && strings.Count(path, "/") == 1:
		return []string{path, path + "/"}
	}
	return []string{path}
}

// stringToSignV2 is AWS's StringToSign, Expires in the place of Date.
func (s *Signature) stringToSignV2(r *http.Request, path string) (string, error) {
	method := r.Method
	if method == "" {
		method = http.MethodGet // as net/http sends it
	}
	md5, err := single(r.Header, "Content-Md5")
	if err != nil {
		return "", err
	}
	mediaType, err := single(r.Header, "Content-Type")
	if err != nil {
		return "", err
	}
	lines := []string{method, md5, mediaType, s.v2.expires}
	lines = append(append(lines, s.headersV2(r.Header)...), path)
	text := strings.Join(lines, "\n")
	if len(s.v2.resources) > 0 {
		text += "?" + strings.Join(s.v2.resources, "&")
	}
	return text, nil
}

// headersV2 are the lines name:value of all x-amz- headers by name. The token
// counts as one, although it is in the query.
func (s *Signature) headersV2(h http.Header) []string {
	all := map[string]string{}
	if s.Token != "" {
		all[strings.ToLower(headerToken)] = s.Token
	}
	for name, values := range h {
		if !strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = textproto.TrimString(v)
		}
		all[strings.ToLower(name)] = strings.Join(trimmed, ",")
	}
	lines := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, name+":"+all[name])
	}
	return lines
}
