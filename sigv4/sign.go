package sigv4

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Sign signs r, which is about to be sent, for region and service at the given
// time. It sets X-Amz-Date, Authorization, X-Amz-Security-Token for a session,
// and for service "s3" X-Amz-Content-Sha256. payloadHash is PayloadHash of the
// body, or for S3 UnsignedPayload; empty means the hash of an empty body.
//
// Every header that r has by then is signed, except those that proxies and
// net/http change. Header names must be in canonical form, as Header.Set makes
// them.
func Sign(r *http.Request, c Credentials, region, service string, at time.Time, payloadHash string) {
	if payloadHash == "" {
		payloadHash = emptyHash
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	s := newSignature(c, region, service, at)
	r.Header.Del("Authorization")
	r.Header.Set(headerDate, s.Time.Format(isoBasic))
	if c.SessionToken != "" {
		r.Header.Set(headerToken, c.SessionToken)
	}
	if service == serviceS3 {
		r.Header.Set(headerContentSHA256, payloadHash)
	}
	s.SignedHeaders = headersToSign(r.Header)
	signature := s.signRequest(r, c, payloadHash)
	r.Header.Set("Authorization", algorithm+" Credential="+c.AccessKeyID+"/"+s.Scope()+
		", SignedHeaders="+strings.Join(s.SignedHeaders, ";")+", Signature="+signature)
}

const serviceS3 = "s3"

func newSignature(c Credentials, region, service string, at time.Time) *Signature {
	at = at.UTC().Truncate(time.Second)
	return &Signature{
		AccessKeyID: c.AccessKeyID, Token: c.SessionToken,
		Date: at.Format(isoDay), Region: region, Service: service, Time: at,
	}
}

// signRequest returns the signature of r over s.SignedHeaders, which are all
// there, because headersToSign chose them. A query with a broken escape, which
// no server can take, is signed as far as it goes.
func (s *Signature) signRequest(r *http.Request, c Credentials, payload string) string {
	message := canonical{request: r, headers: s.SignedHeaders, payload: payload}
	if s.Service == serviceS3 {
		message.path = s3Path(r.URL)
	} else {
		message.path = genericPath(r.URL.EscapedPath())
	}
	text, _ := message.append(make([]byte, 0, 1024))
	signature := s.signingKey(c.SecretAccessKey, c.Keys).sign(s.appendStringToSign(make([]byte, 0, 256), text))
	return string(signature[:])
}

// headersToSign lists host and the headers that reach the server unchanged.
func headersToSign(h http.Header) []string {
	names := []string{"host"}
	for name, values := range h {
		if len(values) > 0 && !changesOnTheWay(name) && http.CanonicalHeaderKey(name) == name {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	return names
}

// changesOnTheWay tells whether net/http or a proxy may set, change or drop
// the header, so that signing it would break the request.
func changesOnTheWay(name string) bool {
	switch name {
	case "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Expect", "Forwarded", "Host",
		"Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding",
		"Upgrade", "User-Agent", "Via", "X-Amzn-Trace-Id":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded-")
}
