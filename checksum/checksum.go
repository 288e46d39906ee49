// Package checksum knows the checksums that S3 has besides ETags: their names,
// how they are computed, and how those of parts make that of a whole.
//
// It owns the list of algorithms, which everybody who reads, verifies or stores
// checksums shares. It does not own where a checksum stands in a request, what is
// compared with it, or what is answered when the two differ. It trusts nobody, and
// keeps no state.
//
// Source: Amazon S3 User Guide, "Checking object integrity"; Amazon S3 API
// Reference, "Checksum".
package checksum

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/zeebo/xxh3"
)

// Algorithm is one way to compute a checksum. Its zero value is none.
type Algorithm struct {
	Name string           // lower case, as in the header x-amz-checksum-…
	Size int              // of a checksum, in bytes
	New  func() hash.Hash // its Sum is big-endian, as S3 has it
	poly uint64           // of a CRC, reversed as Go's tables want it; 0 for others
}

// The polynomials of NVM Express and of iSCSI; that of ISO-HDLC is Go's IEEE.
const nvme = 0x9a6c9329ac4bc9b5

// nvmeTable is made once: hash/crc64 keeps the tables of its own polynomials
// only. Nobody changes it.
var nvmeTable = crc64.MakeTable(nvme)

// algorithms lists them all, anew each time: nobody can change the list.
func algorithms() [10]Algorithm {
	return [...]Algorithm{
		{"crc32", crc32.Size, func() hash.Hash { return crc32.NewIEEE() }, crc32.IEEE},
		{"crc32c", crc32.Size, func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }, crc32.Castagnoli},
		{"crc64nvme", crc64.Size, func() hash.Hash { return crc64.New(nvmeTable) }, nvme},
		{"sha1", sha1.Size, sha1.New, 0},
		{"sha256", sha256.Size, sha256.New, 0},
		{"sha512", sha512.Size, sha512.New, 0},
		{"md5", md5.Size, md5.New, 0},
		{"xxhash64", 8, func() hash.Hash { return xxhash.New() }, 0},
		{"xxhash3", 8, func() hash.Hash { return xxh3.New() }, 0},
		{"xxhash128", 16, func() hash.Hash { return wide{xxh3.New()} }, 0},
	}
}

// wide is XXH3 with 128 bits.
type wide struct{ *xxh3.Hasher }

func (w wide) Size() int { return 16 }

func (w wide) Sum(b []byte) []byte {
	sum := w.Sum128().Bytes()
	return append(b, sum[:]...)
}

// Find returns the algorithm of a name in any case.
func Find(name string) (a Algorithm, ok bool) {
	for _, a := range algorithms() {
		if strings.EqualFold(a.Name, name) {
			return a, true
		}
	}
	return a, false
}

// Names lists the names of all algorithms, in lower case.
func Names() []string {
	var names []string
	for _, a := range algorithms() {
		names = append(names, a.Name)
	}
	return names
}

// Encode is a checksum as S3 writes it: in base64.
func Encode(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }

// Decode reads a checksum in base64; ok is false when it is none of a's. There
// is one text for a checksum, and no other is taken.
func (a Algorithm) Decode(text string) (sum []byte, ok bool) {
	sum, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(sum) != a.Size || Encode(sum) != text {
		return nil, false
	}
	return sum, true
}

// Joins tells whether the checksums of parts make the one that the parts in a
// row have.
func (a Algorithm) Joins() bool { return a.poly != 0 }

// Join returns the checksum of two texts in a row of which the first has the
// checksum first, and the second has so many bytes and the checksum second. a
// must be one that Joins, and both checksums must have its size.
//
// The checksum of a text is its remainder as a polynomial over GF(2), so that of
// two is that of the first, times x for each bit of the second, plus that of the
// second. Bits are reversed: the highest is x^0. Mark Adler describes it in zlib's
// crc32_combine.
func (a Algorithm) Join(first, second []byte, bytes int64) []byte {
	sum := a.multiply(number(first), a.power(8*uint64(bytes))) ^ number(second)
	return binary.BigEndian.AppendUint64(nil, sum)[8-a.Size:]
}

func number(sum []byte) (n uint64) {
	for _, b := range sum {
		n = n<<8 | uint64(b)
	}
	return n
}

// multiply multiplies modulo the polynomial.
func (a Algorithm) multiply(f, g uint64) (product uint64) {
	for m := uint64(1) << (8*a.Size - 1); m != 0; m >>= 1 {
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
func (a Algorithm) power(n uint64) uint64 {
	p, square := uint64(1)<<(8*a.Size-1), uint64(1)<<(8*a.Size-2)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			p = a.multiply(p, square)
		}
		square = a.multiply(square, square)
	}
	return p
}
