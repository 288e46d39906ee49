package s3

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/space"
	"github.com/thingpass/thingpass/wire"
)

// failures turns errors of the object store into S3's (API reference, "Error
// responses").
var failures = []struct {
	is     error
	status int
	code   string
	text   string
}{
	{objects.ErrNoSuchBucket, 404, "NoSuchBucket", "The specified bucket does not exist"},
	{objects.ErrNoSuchKey, 404, "NoSuchKey", "The specified key does not exist."},
	{objects.ErrNoSuchVersion, 404, "NoSuchVersion", "The specified version does not exist."},
	{objects.ErrBucketExists, 409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it."},
	{objects.ErrBucketNotEmpty, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty"},
	{objects.ErrNoSuchUpload, 404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."},
	{objects.ErrInvalidPart, 400, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."},
	{objects.ErrInvalidPartOrder, 400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number."},
	{objects.ErrEntityTooSmall, 400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"},
	{objects.ErrPartNumber, 400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"},
	{objects.ErrPrecondition, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"},
	{objects.ErrKeyLength, 400, "KeyTooLongError", "Your key is too long"},
	{os.ErrDeadlineExceeded, 400, "RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed."},
	{objects.ErrMoved, 503, "ServiceUnavailable", "The storage is not available. Please try again later."},
	{objects.ErrClosed, 503, "ServiceUnavailable", "Please reduce your request rate."},
}

// toWire is the error table of the service. What it does not know is an
// internal error, whose text stays inside.
func toWire(err error) *wire.Error {
	if errors.Is(err, space.ErrShort) {
		return errShort(err)
	}
	for _, f := range failures {
		if errors.Is(err, f.is) {
			return &wire.Error{Status: f.status, Code: f.code, Message: f.text, Err: err}
		}
	}
	if objects.Busy(err) {
		return &wire.Error{Status: http.StatusServiceUnavailable, Code: "SlowDown", Message: "Please reduce your request rate.", Err: err}
	}
	if space.Full(err) {
		return errShort(err)
	}
	return &wire.Error{Status: http.StatusInternalServerError, Code: "InternalError",
		Message: "We encountered an internal error. Please try again.", Err: err}
}

// errShort refuses an upload because too little space is free: for a while,
// which every SDK waits and tries again on.
func errShort(err error) *wire.Error {
	return &wire.Error{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable",
		Message: "Too little space is free for uploads. Please try again later.", Err: err}
}

// bodyFailures turns what package sigv4 says of a body into S3's errors.
var bodyFailures = map[sigv4.Kind]struct {
	status int
	code   string
}{
	sigv4.PayloadMismatch:      {400, "XAmzContentSHA256Mismatch"},
	sigv4.BadPayloadHash:       {400, "InvalidArgument"},
	sigv4.MissingPayloadHash:   {400, "InvalidRequest"},
	sigv4.BadChunk:             {400, "InvalidChunkSizeError"},
	sigv4.Mismatch:             {403, "SignatureDoesNotMatch"},
	sigv4.BadLength:            {400, "IncompleteBody"},
	sigv4.MissingLength:        {411, "MissingContentLength"},
	sigv4.InvalidDigest:        {400, "InvalidDigest"},
	sigv4.BadDigest:            {400, "BadDigest"},
	sigv4.InvalidChecksum:      {400, "InvalidRequest"},
	sigv4.BadChecksum:          {400, "BadDigest"},
	sigv4.BadTrailer:           {400, "MalformedTrailerError"},
	sigv4.UnsupportedAlgorithm: {501, "NotImplemented"},
	sigv4.IncompleteBody:       {400, "IncompleteBody"},
}

// bodyError replaces an error of the body by S3's. Any other error it returns
// as it is.
func bodyError(err error) error {
	e, ok := errors.AsType[*sigv4.Error](err)
	if !ok {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return toWire(err)
	}
	f, ok := bodyFailures[e.Kind]
	if !ok {
		f.status, f.code = http.StatusBadRequest, "InvalidRequest"
	}
	out := &wire.Error{Status: f.status, Code: f.code, Message: e.Message, Err: err}
	if e.Claimed != "" && f.code == "XAmzContentSHA256Mismatch" {
		out.Fields = []wire.Field{{Name: "ClientComputedContentSHA256", Value: e.Claimed}, {Name: "S3ComputedContentSHA256", Value: e.Computed}}
	}
	return out
}

func errInvalidURI() error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidURI", Message: "Couldn't parse the specified URI."}
}

func errArgument(name, value, text string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidArgument", Message: text,
		Fields: []wire.Field{{Name: "ArgumentName", Value: name}, {Name: "ArgumentValue", Value: value}}}
}

func errRequest(text string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidRequest", Message: text}
}

func errDigest(text string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "BadDigest", Message: text}
}

func errBucketName(name string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidBucketName", Message: "The specified bucket is not valid.",
		Fields: []wire.Field{{Name: "BucketName", Value: name}}}
}

func errKeyTooLong(size int) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "KeyTooLongError", Message: "Your key is too long",
		Fields: []wire.Field{{Name: "Size", Value: strconv.Itoa(size)}, {Name: "MaxSizeAllowed", Value: strconv.Itoa(objects.MaxKey)}}}
}

func errMethod(method string) error {
	return &wire.Error{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed",
		Message: "The specified method is not allowed against this resource.", Fields: []wire.Field{{Name: "Method", Value: method}}}
}

func errNotImplemented(what string) *wire.Error {
	e := &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented",
		Message: "A header or query you provided implies functionality that is not implemented"}
	if what != "" {
		e.Message += ": " + what
	}
	return e
}

func errAccessDenied() error { return errForbidden(nil) }

// errForbidden is errAccessDenied with what the caller is not told.
func errForbidden(cause error) error {
	return &wire.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied", Err: cause}
}

func errMalformedXML(err error) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "MalformedXML",
		Message: "The XML you provided was not well-formed or did not validate against our published schema", Err: err}
}

func errTooLarge(size int64) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "EntityTooLarge", Message: "Your proposed upload exceeds the maximum allowed size",
		Fields: []wire.Field{{Name: "ProposedSize", Value: fmt.Sprint(size)}, {Name: "MaxSizeAllowed", Value: fmt.Sprint(int64(maxPut))}}}
}

func errPrecondition(condition string) error {
	return &wire.Error{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed",
		Message: "At least one of the pre-conditions you specified did not hold", Fields: []wire.Field{{Name: "Condition", Value: condition}}}
}

// errForeign is the error for a header that the embedded store does not carry
// out.
func errForeign(header string) error {
	if header == "X-Amz-Acl" || strings.HasPrefix(header, "X-Amz-Grant-") {
		return errACL()
	}
	return errNotImplemented(strings.ToLower(header))
}

// errACL is S3's for a bucket whose owner owns everything in it ("Controlling
// ownership of objects and disabling ACLs for your bucket").
func errACL() error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "AccessControlListNotSupported", Message: "The bucket does not allow ACLs"}
}

func errUnexpectedContent() error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "UnexpectedContent", Message: "This request does not support content"}
}
