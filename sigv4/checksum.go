package sigv4

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"hash"
	"net/http"
	"net/url"
	"strings"

	"github.com/thingpass/thingpass/checksum"
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
	only      bool // computed, and compared with nothing
	encode    func([]byte) string
}

// expect sets the wanted value from base64.
func (c *check) expect(value string) error {
	want, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || len(want) != c.sum.Size() || c.encode(want) != value {
		return errorf(InvalidChecksum, "Value for %s header is invalid.", c.header)
	}
	c.want = want
	return nil
}

func (c *check) compare() error {
	got := c.sum.Sum(nil)
	if c.only {
		c.want = got
	}
	if bytes.Equal(got, c.want) {
		return nil
	}
	err := errorf(c.kind, "%s", c.text)
	err.Claimed, err.Computed = c.encode(c.want), c.encode(got)
	return err
}

const checksumPrefix = "x-amz-checksum-"

// newChecksum makes the check for a header or trailer x-amz-checksum-*.
func newChecksum(header string) (*check, error) {
	a, ok := checksum.Find(strings.TrimPrefix(header, checksumPrefix))
	if !ok {
		return nil, errorf(InvalidChecksum, "The checksum %s is not supported.", header)
	}
	c := newCheck(a)
	c.header = header
	return c, nil
}

// newCheck makes the check for a checksum of an algorithm.
func newCheck(a checksum.Algorithm) *check {
	return &check{kind: BadChecksum, algorithm: a.Name, sum: a.New(), encode: checksum.Encode,
		text: "The " + strings.ToUpper(a.Name) + " you specified did not match the calculated checksum."}
}

// headerChecks makes the checks that r's headers ask for.
func headerChecks(r *http.Request) ([]*check, error) {
	if completesUpload(r) {
		return md5Check(r.Header)
	}
	return checksOf(r.Header)
}

// checksOf makes the checks that headers ask for which describe a body.
func checksOf(h http.Header) ([]*check, error) {
	checks, err := md5Check(h)
	if err != nil {
		return nil, err
	}
	seen := false
	for name := range h {
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
		value, err := single(h, name)
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

// sameAlgorithm refuses a request whose x-amz-sdk-checksum-algorithm names
// another algorithm than the checksum has that comes with it.
func sameAlgorithm(h http.Header, checks []*check) error {
	said, err := single(h, "X-Amz-Sdk-Checksum-Algorithm")
	if err != nil || said == "" {
		return err
	}
	for _, c := range checks {
		if c.algorithm != "" && !strings.EqualFold(c.algorithm, said) {
			return errorf(InvalidChecksum, "Value for x-amz-sdk-checksum-algorithm header is invalid.")
		}
	}
	return nil
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
