package s3

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/objects"
)

// How a checksum covers an object (user guide, "Checking object integrity"): of
// all its bytes, or of the checksums of its parts.
const (
	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE"
)

const checksumPrefix = "X-Amz-Checksum-"

// algorithm is a checksum algorithm, by its name in lower case.
type algorithm struct {
	name string
	new  func() hash.Hash
	poly uint64 // of a CRC, reversed; 0 for others
	bits int
}

// The polynomials are those of ISO-HDLC, iSCSI and NVME, reversed as Go's
// tables want them.
var algorithms = []algorithm{
	{"crc32", func() hash.Hash { return crc32.NewIEEE() }, crc32.IEEE, 32},
	{"crc32c", func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }, crc32.Castagnoli, 32},
	{"crc64nvme", func() hash.Hash { return crc64.New(crc64.MakeTable(nvme)) }, nvme, 64},
	{"sha1", sha1.New, 0, 160},
	{"sha256", sha256.New, 0, 256},
}

const nvme = 0x9a6c9329ac4bc9b5

func findAlgorithm(name string) (algorithm, error) {
	for _, a := range algorithms {
		if strings.EqualFold(a.name, name) {
			return a, nil
		}
	}
	return algorithm{}, errRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

// checksumPlan reads which checksum a multipart upload is to have.
func checksumPlan(name, kind string) (a algorithm, _ string, err error) {
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
		if a.name == "crc64nvme" {
			kind = fullObject
		}
	}
	possible := kind == fullObject && a.poly != 0 || kind == composite && a.name != "crc64nvme"
	if !possible {
		return a, "", errRequest("The " + kind + " checksum type cannot be used with the " + strings.ToUpper(a.name) + " checksum algorithm.")
	}
	return a, kind, nil
}

// whole makes the checksum of an object from those of its parts; ok is false
// when a part has none.
func (a algorithm) whole(kind string, parts []objects.Part) (sum string, ok bool) {
	all, crc := a.new(), uint64(0)
	for i, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.Checksums[a.name])
		if err != nil || len(raw) != a.bits/8 {
			return "", false
		}
		_, _ = all.Write(raw)
		if a.poly == 0 {
			continue
		}
		next := bigEndian(raw)
		if i > 0 {
			next ^= a.multiply(crc, a.power(8*uint64(p.Size)))
		}
		crc = next
	}
	if kind == composite {
		return base64.StdEncoding.EncodeToString(all.Sum(nil)) + "-" + strconv.Itoa(len(parts)), true
	}
	raw := binary.BigEndian.AppendUint64(nil, crc)[8-a.bits/8:]
	return base64.StdEncoding.EncodeToString(raw), true
}

func bigEndian(raw []byte) (n uint64) {
	for _, b := range raw {
		n = n<<8 | uint64(b)
	}
	return n
}

// The checksum of a text is its remainder as a polynomial over GF(2), so the
// checksum of two texts in a row is that of the first, times x for each bit of
// the second, plus that of the second. Bits are reversed: the highest is x^0.
// Mark Adler describes it in zlib's crc32_combine.

// multiply multiplies modulo the polynomial.
func (a algorithm) multiply(f, g uint64) (product uint64) {
	for m := uint64(1) << (a.bits - 1); m != 0; m >>= 1 {
		if f&m != 0 {
			product ^= g
		}
		if g&1 != 0 {
			g = g>>1 ^ a.poly
		} else {
			g >>= 1
		}
	}
	return product
}

// power is x to the n, modulo the polynomial.
func (a algorithm) power(n uint64) uint64 {
	p, square := uint64(1)<<(a.bits-1), uint64(1)<<(a.bits-2)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			p = a.multiply(p, square)
		}
		square = a.multiply(square, square)
	}
	return p
}
