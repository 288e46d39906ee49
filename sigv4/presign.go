package sigv4

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Presign returns the URL of r with its signature in the query. The URL is
// valid from at for expires, which is 1 s to 7 days in whole seconds. r itself
// stays as it is; the headers it has are signed by the rule of Sign, and
// whoever uses the URL must send them. The body is left open for service "s3",
// and must be empty for any other.
func Presign(r *http.Request, c Credentials, region, service string, at time.Time, expires time.Duration) string {
	s := newSignature(c, region, service, at)
	header := r.Header.Clone()
	for _, name := range []string{headerDate, headerToken, headerContentSHA256} {
		header.Del(name) // they go into the query, or are left open
	}
	s.SignedHeaders = headersToSign(header)

	parameters := [][2]string{
		{"X-Amz-Algorithm", algorithm},
		{"X-Amz-Credential", c.AccessKeyID + "/" + s.Scope()},
		{headerDate, s.Time.Format(isoBasic)},
		{"X-Amz-Expires", strconv.FormatInt(int64(expires/time.Second), 10)},
		{"X-Amz-SignedHeaders", strings.Join(s.SignedHeaders, ";")},
	}
	if c.SessionToken != "" {
		parameters = append(parameters, [2]string{headerToken, c.SessionToken})
	}
	raw := []byte(r.URL.RawQuery)
	for _, p := range parameters {
		if len(raw) > 0 {
			raw = append(raw, '&')
		}
		raw = append(append(raw, p[0]...), '=')
		raw = appendText(raw, p[1])
	}

	target := &url.URL{}
	*target = *r.URL
	target.RawQuery = string(raw)
	payload := emptyHash
	if service == serviceS3 {
		payload = UnsignedPayload
	}
	signed := &http.Request{Method: r.Method, Host: host(r), URL: target, Header: header}
	target.RawQuery += "&" + querySignature + "=" + s.signRequest(signed, c, payload)
	if target.Host == "" && target.Scheme != "" {
		target.Host = signed.Host
	}
	return target.String()
}
