package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

// UnsignedPayload stands in the place of the body's hash when the signature
// does not cover the body.
const UnsignedPayload = "UNSIGNED-PAYLOAD"

// The other words that S3 takes in the place of the body's hash.
const (
	streamSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// Streamed tells whether x-amz-content-sha256 says that the body comes in
// aws-chunked framing. S3 has that for PutObject and UploadPart.
func Streamed(contentSHA256 string) bool { return strings.HasPrefix(contentSHA256, "STREAMING-") }

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// PayloadHash is the hex SHA-256 of body, as Sign and Verify want it.
func PayloadHash(body []byte) string {
	hash := sha256.Sum256(body)
	return hex.EncodeToString(hash[:])
}

// SignedPayload is what the signer of a verified S3 request said of its body, as
// x-amz-content-sha256 has it. What an unsigned header says is the sender's word
// alone, and what nobody signed is UNSIGNED-PAYLOAD.
func (s *Signature) SignedPayload(r *http.Request) string {
	value, err := "", error(nil)
	switch {
	case s.Unsigned, s.Form:
	case s.v2 != nil:
		value, err = single(r.Header, headerContentSHA256) // Version 2 signs it if it is there
	default:
		value, err = s.signedPayload(r)
	}
	if err != nil || value == "" {
		return UnsignedPayload
	}
	return value
}

// signedPayload is what the signature of an S3 request says about the body:
// the x-amz-content-sha256 header, or for a presigned URL that header if it is
// signed, else the parameter of that name, else UNSIGNED-PAYLOAD.
func (s *Signature) signedPayload(r *http.Request) (string, error) {
	value, err := single(r.Header, headerContentSHA256)
	if err != nil {
		return "", err
	}
	_, covered := slices.BinarySearch(s.SignedHeaders, "x-amz-content-sha256")
	if s.Presigned && !covered {
		if value = s.payload; value == "" {
			value = UnsignedPayload
		}
	}
	return value, checkPayload(value)
}

// bodyPayload is how the body of an S3 request must be read. It is
// signedPayload, but where that leaves the body of a presigned request open,
// a header that is not signed may say more.
func (s *Signature) bodyPayload(r *http.Request) (string, error) {
	if s.Unsigned {
		return unsignedPayload(r)
	}
	signed, err := s.signedPayload(r)
	if err != nil || !s.Presigned || signed != UnsignedPayload {
		return signed, err
	}
	value, err := single(r.Header, headerContentSHA256)
	if err != nil || value == "" {
		return signed, err
	}
	return value, checkPayload(value)
}

// unsignedPayload is how the body of a request without a signature must be read.
func unsignedPayload(r *http.Request) (string, error) {
	value, err := single(r.Header, headerContentSHA256)
	switch {
	case err != nil:
		return "", err
	case value == "":
		return UnsignedPayload, nil
	case value == streamSigned, value == streamSignedTrailer:
		return "", errorf(BadPayloadHash, "The chunks of a request without a signature cannot be signed.")
	}
	return value, checkPayload(value)
}

func checkPayload(value string) error {
	switch {
	case value == "":
		return errorf(MissingPayloadHash, "Missing required header for this request: x-amz-content-sha256")
	case value == UnsignedPayload, value == streamSigned, value == streamSignedTrailer, value == streamUnsignedTrailer:
		return nil
	case strings.HasPrefix(value, "STREAMING-AWS4-ECDSA-"):
		return errorf(UnsupportedAlgorithm, "x-amz-content-sha256 %q is not supported.", value)
	}
	if hash, err := hex.DecodeString(value); err != nil || len(hash) != sha256.Size {
		return errorf(BadPayloadHash, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, %s, %s, %s or a valid sha256 value.",
			streamUnsignedTrailer, streamSigned, streamSignedTrailer)
	}
	return nil
}
