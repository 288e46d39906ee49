package sigv4

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"net/url"
	"strings"
)

// check compares one digest of the body with what the client says it is.
type check struct {
	kind      Kind   // of the error when they differ
	text      string // of that error
	header    string // lower case; of a checksum
	algorithm string // lower case; empty for what is no x-amz-checksum
	inTrailer bool   // want comes at the end
	sum       hash.Hash
	want      []byte
	encode    func([]byte) string
}

// expect sets the wanted value from base64.
func (c *check) expect(value string) error {
	want, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || len(want) != c.sum.Size() {
		return errorf(InvalidChecksum, "Value for %s header is invalid.", c.header)
	}
	c.want = want
	return nil
}

func (c *check) compare() error {
	got := c.sum.Sum(nil)
	if bytes.Equal(got, c.want) {
		return nil
	}
	err := errorf(c.kind, "%s", c.text)
	err.Claimed, err.Computed = c.encode(c.want), c.encode(got)
	return err
}

const checksumPrefix = "x-amz-checksum-"

// crc64NVME is the table of CRC-64/NVME, its polynomial reversed as
// hash/crc64 wants it.
var crc64NVME = crc64.MakeTable(0x9a6c9329ac4bc9b5)

var crc32C = crc32.MakeTable(crc32.Castagnoli)

// newChecksum makes the check for a header or trailer x-amz-checksum-*.
func newChecksum(header string) (*check, error) {
	c := &check{kind: BadChecksum, header: header, algorithm: strings.TrimPrefix(header, checksumPrefix), encode: base64.StdEncoding.EncodeToString}
	switch c.algorithm {
	case "crc32":
		c.sum = crc32.NewIEEE()
	case "crc32c":
		c.sum = crc32.New(crc32C)
	case "crc64nvme":
		c.sum = crc64.New(crc64NVME)
	case "sha1":
		c.sum = sha1.New()
	case "sha256":
		c.sum = sha256.New()
	default:
		return nil, errorf(InvalidChecksum, "The checksum %s is not supported.", header)
	}
	c.text = "The " + strings.ToUpper(c.algorithm) + " you specified did not match the calculated checksum."
	return c, nil
}

// headerChecks makes the checks that r's headers ask for.
func headerChecks(r *http.Request) ([]*check, error) {
	checks, err := md5Check(r.Header)
	if err != nil || completesUpload(r) {
		return checks, err
	}
	seen := false
	for name := range r.Header {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, checksumPrefix) {
			continue
		}
		switch strings.TrimPrefix(lower, checksumPrefix) {
		case "algorithm", "type", "mode": // they speak about checksums, and hold none
			continue
		}
		if seen {
			return nil, errManyChecksums()
		}
		seen = true
		c, err := newChecksum(lower)
		if err != nil {
			return nil, err
		}
		value, err := single(r.Header, name)
		if err != nil {
			return nil, errManyChecksums()
		}
		if err := c.expect(value); err != nil {
			return nil, err
		}
		checks = append(checks, c)
	}
	return checks, nil
}

func errManyChecksums() error {
	return errorf(InvalidChecksum, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
}

// md5Check makes the check for Content-MD5 (RFC 1864), when it is there.
func md5Check(h http.Header) ([]*check, error) {
	if len(h["Content-Md5"]) == 0 {
		return nil, nil
	}
	value, err := single(h, "Content-Md5")
	if err != nil {
		return nil, err
	}
	c := &check{kind: BadDigest, sum: md5.New(), encode: base64.StdEncoding.EncodeToString,
		text: "The Content-MD5 you specified did not match what we received."}
	if c.expect(value) != nil {
		return nil, errorf(InvalidDigest, "The Content-MD5 you specified was invalid.")
	}
	return []*check{c}, nil
}

// completesUpload tells CompleteMultipartUpload, whose x-amz-checksum-* is that
// of the object and not that of the body.
func completesUpload(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	for name := range pairs(r.URL.RawQuery) {
		if decoded, err := url.QueryUnescape(name); err == nil && decoded == "uploadId" {
			return true
		}
	}
	return false
}
