package s3

import (
	"hash"
	"io"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/checksum"
	"github.com/thingpass/thingpass/objects"
)

// How a checksum covers an object (user guide, "Checking object integrity"): of
// all its bytes, or of the checksums of its parts.
const (
	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE"
)

const checksumPrefix = "X-Amz-Checksum-"

// defaultChecksum is what S3 computes of a body that comes without a checksum.
const defaultChecksum = "crc64nvme"

func findAlgorithm(name string) (checksum.Algorithm, error) {
	if a, ok := checksum.Find(name); ok {
		return a, nil
	}
	return checksum.Algorithm{}, errRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [" +
		strings.ToUpper(strings.Join(checksum.Names(), ", ")) + "]")
}

// checksumPlan reads which checksum a multipart upload is to have. Neither word
// has a case.
func checksumPlan(name, kind string) (a checksum.Algorithm, _ string, err error) {
	kind = strings.ToUpper(kind)
	if name == "" {
		if kind != "" {
			return a, "", errRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return a, "", nil
	}
	if a, err = findAlgorithm(name); err != nil {
		return a, "", err
	}
	if kind == "" {
		kind = composite
		if a.Name == defaultChecksum {
			kind = fullObject
		}
	}
	possible := kind == fullObject && a.Joins() || kind == composite && a.Name != defaultChecksum
	if !possible {
		return a, "", errRequest("The " + kind + " checksum type cannot be used with the " + strings.ToUpper(a.Name) + " checksum algorithm.")
	}
	return a, kind, nil
}

// wholeChecksum makes the checksum of an object from those of its parts; ok is
// false when a part has none.
func wholeChecksum(a checksum.Algorithm, kind string, parts []objects.Part) (sum string, ok bool) {
	all, joined := a.New(), []byte(nil)
	for i, p := range parts {
		one, ok := a.Decode(p.Checksums[a.Name])
		if !ok {
			return "", false
		}
		_, _ = all.Write(one)
		switch {
		case i == 0:
			joined = one
		case a.Joins():
			joined = a.Join(joined, one, p.Size)
		}
	}
	if kind == composite {
		return encodeSum(all) + "-" + strconv.Itoa(len(parts)), true
	}
	return checksum.Encode(joined), true
}

// sameChecksum reports whether a checksum that a client says an object has is
// the one that it has, or that one without the number of its parts: S3 takes both
// (minio/minio#19670, versity/versitygw#1589), and answers with the number.
func sameChecksum(said, kind, has string) bool {
	return said == has || kind == composite && said == withoutCount(has)
}

// withoutCount is a composite checksum without the number of parts.
func withoutCount(sum string) string {
	sum, _, _ = strings.Cut(sum, "-") // which base64 has not
	return sum
}

// tee computes a checksum of what is read through it.
func tee(a checksum.Algorithm, r io.Reader) (io.Reader, func() map[string]string) {
	h := a.New()
	return io.TeeReader(r, h), func() map[string]string { return map[string]string{a.Name: encodeSum(h)} }
}

func encodeSum(h hash.Hash) string { return checksum.Encode(h.Sum(nil)) }

// sums are checksums as elements of an answer.
type sums struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumSHA512    string `xml:",omitempty"`
	ChecksumMD5       string `xml:",omitempty"`
	ChecksumXXHASH64  string `xml:",omitempty"`
	ChecksumXXHASH3   string `xml:",omitempty"`
	ChecksumXXHASH128 string `xml:",omitempty"`
}

func newSums(c map[string]string) sums {
	return sums{
		ChecksumCRC32: c["crc32"], ChecksumCRC32C: c["crc32c"], ChecksumCRC64NVME: c["crc64nvme"],
		ChecksumSHA1: c["sha1"], ChecksumSHA256: c["sha256"], ChecksumSHA512: c["sha512"], ChecksumMD5: c["md5"],
		ChecksumXXHASH64: c["xxhash64"], ChecksumXXHASH3: c["xxhash3"], ChecksumXXHASH128: c["xxhash128"],
	}
}
