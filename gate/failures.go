package gate

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/wire"
)

// What follows is one table in three columns: how each protocol's clients
// expect to hear that a signature, an access key or a session is no good.
// Where AWS was seen to answer, the answer is AWS's; docs/compatibility.md
// names the rest.

func unknownOperation(p wire.Protocol, what string) *wire.Error {
	switch p {
	case wire.Query:
		return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidAction", Message: "Unknown operation: " + what}
	case wire.RESTXML:
		return &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "A header or query you provided implies functionality that is not implemented: " + what}
	case wire.JSON11:
		return &wire.Error{Status: http.StatusBadRequest, Code: "UnknownOperationException", Message: "Unknown operation: " + what}
	}
	return &wire.Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: "Unknown operation: " + what}
}

// otherService is the answer to a request whose credential scope is of a service
// that is not here.
func otherService(p wire.Protocol, sig *sigv4.Signature) error {
	if p == wire.RESTXML && !sig.Form {
		return &sigv4.Error{Kind: sigv4.Incomplete, Query: sig.Presigned,
			Message: fmt.Sprintf("incorrect service %q. This endpoint belongs to \"s3\".", sig.Service)}
	}
	return unknownOperation(p, fmt.Sprintf("no service %q here", sig.Service))
}

// pick3 chooses the answer of a protocol. JSON 1.1 services answer 400 where
// the others answer 403.
func pick3(p wire.Protocol, query, json, s3 wire.Error) *wire.Error {
	e := query
	switch p {
	case wire.RESTJSON, wire.JSON11:
		e = json
	case wire.RESTXML:
		e = s3
	}
	if e.Status == 0 {
		e.Status = http.StatusForbidden
		if p == wire.JSON11 {
			e.Status = http.StatusBadRequest
		}
	}
	return &e
}

func sessionError(c *Call, e *session.Error) *wire.Error {
	p := c.service.Protocol
	const invalid = "The security token included in the request is invalid."
	unknown := pick3(p,
		wire.Error{Code: "InvalidClientTokenId", Message: invalid},
		wire.Error{Code: "UnrecognizedClientException", Message: invalid},
		wire.Error{Code: "InvalidAccessKeyId", Message: "The AWS Access Key Id you provided does not exist in our records.",
			Fields: []wire.Field{{Name: "AWSAccessKeyId", Value: shorten(c.AccessKeyID)}}})
	switch e.Failure {
	case session.Expired:
		return pick3(p,
			wire.Error{Code: "ExpiredToken", Message: "The security token included in the request is expired"},
			wire.Error{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"},
			wire.Error{Status: http.StatusBadRequest, Code: "ExpiredToken", Message: "The provided token has expired."})
	case session.Malformed:
		if p == wire.RESTXML {
			return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidToken", Message: "The provided token is malformed or otherwise invalid."}
		}
	}
	return unknown
}

// retryAfter is the header Retry-After of every 503, in seconds.
const retryAfter = "1"

// passing is the answer to an error that is no fault of the request and will
// pass, or nil for any other: the database cannot be used, or too many lists are
// read at once. SDKs try all of them again (IAM and STS API references, "Common
// Errors"; AWS IoT API reference, ServiceUnavailableException and
// ThrottlingException; S3 API reference, "Error responses", SlowDown).
func passing(p wire.Protocol, err error) *wire.Error {
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Status != 0 && e.Status < http.StatusInternalServerError {
		return nil
	}
	const slow = "Please reduce your request rate."
	switch thingpass.KindOf(err) {
	case thingpass.Unavailable:
		const text = "The service is temporarily unavailable. Try again."
		return pick3(p,
			wire.Error{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: text},
			wire.Error{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailableException", Message: text},
			wire.Error{Status: http.StatusServiceUnavailable, Code: "SlowDown", Message: slow})
	case thingpass.Throttled:
		const text = "Rate exceeded"
		return pick3(p,
			wire.Error{Status: http.StatusBadRequest, Code: "Throttling", Message: text},
			wire.Error{Status: http.StatusBadRequest, Code: "ThrottlingException", Message: text},
			wire.Error{Status: http.StatusServiceUnavailable, Code: "SlowDown", Message: slow})
	}
	return nil
}

const mismatchText = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// signatureError is the answer to a request whose signature is missing,
// malformed, wrong, or out of its time.
func signatureError(c *Call, e *sigv4.Error) *wire.Error {
	p := c.service.Protocol
	if p == wire.RESTXML {
		return s3SignatureError(c, e)
	}
	forbidden := func(query, json, text string) *wire.Error {
		return pick3(p, wire.Error{Code: query, Message: text}, wire.Error{Code: json, Message: text}, wire.Error{})
	}
	switch e.Kind {
	case sigv4.Missing:
		if p == wire.Query {
			return forbidden("MissingAuthenticationToken", "", "Request is missing Authentication Token")
		}
		return forbidden("", "MissingAuthenticationTokenException", "Missing Authentication Token")
	case sigv4.Mismatch:
		return forbidden("SignatureDoesNotMatch", "InvalidSignatureException", mismatchText)
	case sigv4.Expired, sigv4.NotYet, sigv4.PresignExpired:
		return forbidden("SignatureDoesNotMatch", "InvalidSignatureException", e.Message)
	}
	return forbidden("IncompleteSignature", "IncompleteSignatureException", e.Message)
}

// s3SignatureError follows the S3 API reference, "Error responses".
func s3SignatureError(c *Call, e *sigv4.Error) *wire.Error {
	out := &wire.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: e.Message}
	switch e.Kind {
	case sigv4.Missing:
		out.Message = "Access Denied"
	case sigv4.Mismatch:
		out.Code = "SignatureDoesNotMatch"
		out.Message = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
		canonical, toSign := hideToken(e.CanonicalRequest, c.Signature.Token), hideToken(e.StringToSign, c.Signature.Token)
		if c.Signature.Form { // the policy of a form, with the token in it, in base64
			toSign = hidden
		}
		out.Fields = []wire.Field{
			{Name: "AWSAccessKeyId", Value: c.AccessKeyID},
			{Name: "StringToSign", Value: toSign},
			{Name: "SignatureProvided", Value: e.Provided},
			{Name: "StringToSignBytes", Value: hexBytes(toSign)},
			{Name: "CanonicalRequest", Value: canonical},
			{Name: "CanonicalRequestBytes", Value: hexBytes(canonical)},
		}
	case sigv4.Expired, sigv4.NotYet:
		out.Code = "RequestTimeTooSkewed"
		out.Message = "The difference between the request time and the current time is too large."
		out.Fields = []wire.Field{
			{Name: "RequestTime", Value: c.Signature.Time.UTC().Format("20060102T150405Z")},
			{Name: "ServerTime", Value: c.Now.UTC().Format(time.RFC3339)},
			{Name: "MaxAllowedSkewMilliseconds", Value: "900000"},
		}
	case sigv4.PresignExpired:
		out.Message = "Request has expired"
		out.Fields = []wire.Field{
			{Name: "Expires", Value: e.Limit.UTC().Format(time.RFC3339)},
			{Name: "ServerTime", Value: c.Now.UTC().Format(time.RFC3339)},
		}
		if life := c.Signature.Expires; life > 0 { // Version 2 knows no such parameter
			out.Fields = append(out.Fields, wire.Field{Name: "X-Amz-Expires", Value: fmt.Sprint(int(life.Seconds()))})
		}
	case sigv4.MissingDate: // AccessDenied, with its text
	case sigv4.UnsignedHeaders:
		out.Message = "There were headers present in the request which were not signed"
		out.Fields = []wire.Field{{Name: "HeadersNotSigned", Value: strings.Join(e.Headers, ", ")}}
	default:
		return s3Malformed(e)
	}
	return out
}

// s3Malformed covers signatures that cannot be read. Errors of a body are
// package s3's: they come up while it streams.
func s3Malformed(e *sigv4.Error) *wire.Error {
	out := &wire.Error{Status: http.StatusBadRequest, Code: "InvalidRequest", Message: e.Message}
	switch e.Kind {
	case sigv4.BadForm:
		out.Code = "MalformedPOSTRequest"
	case sigv4.FormTooLarge:
		out.Code = "MaxPostPreDataLengthExceededError"
	case sigv4.IncompleteBody:
		out.Code = "IncompleteBody"
	case sigv4.MissingLength:
		out.Status, out.Code = http.StatusLengthRequired, "MissingContentLength"
	case sigv4.Incomplete, sigv4.BadDate, sigv4.BadExpires:
		out.Code = "AuthorizationHeaderMalformed"
		if e.Query {
			out.Code = "AuthorizationQueryParametersError"
		}
	case sigv4.Ambiguous, sigv4.BadPayloadHash, sigv4.IncompleteForm:
		out.Code = "InvalidArgument"
	case sigv4.UnknownMechanism:
		out.Code = "InvalidArgument"
		out.Fields = []wire.Field{{Name: "ArgumentName", Value: "Authorization"}} // its value may be a password
	}
	return out
}

// hideToken keeps a session token out of the signed texts that S3 shows: an
// error text ends up in logs.
func hideToken(signed, token string) string {
	if token == "" {
		return signed
	}
	return strings.ReplaceAll(signed, token, hidden)
}

const hidden = "REDACTED"

// hexBytes shows what a text is made of, as S3 does.
func hexBytes(s string) string { return fmt.Sprintf("% x", s) }
