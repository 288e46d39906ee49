package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"sync"

	"github.com/maypok86/otter/v2"
)

// keyScope is what a signing key is derived from.
type keyScope struct {
	secret, date, region, service string
}

// signingKey signs texts with the key of one secret for one day, region and
// service. It may be used by any number of goroutines.
type signingKey struct {
	key  [sha256.Size]byte
	macs sync.Pool // of hash.Hash: a keyed hash that is used again costs half
}

func newSigningKey(scope keyScope) *signingKey {
	key := sum256([]byte("AWS4"+scope.secret), scope.date)
	key = sum256(key, scope.region)
	key = sum256(key, scope.service)
	k := &signingKey{key: [sha256.Size]byte(sum256(key, terminator))}
	k.macs.New = func() any { return hmac.New(sha256.New, k.key[:]) }
	return k
}

func sum256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(make([]byte, 0, sha256.Size))
}

// signatureSize is the length of a signature in hex.
const signatureSize = 2 * sha256.Size

// sign returns the signature of text in hex.
func (k *signingKey) sign(text []byte) (signature [signatureSize]byte) {
	h := k.macs.Get().(hash.Hash)
	h.Reset()
	h.Write(text)
	var sum [sha256.Size]byte
	hex.Encode(signature[:], h.Sum(sum[:0]))
	k.macs.Put(h)
	return signature
}

// verifies tells in constant time whether text has the signature.
func (k *signingKey) verifies(text []byte, signature string) bool {
	expected := k.sign(text)
	var given [signatureSize]byte
	copy(given[:], signature)
	return len(signature) == signatureSize && subtle.ConstantTimeCompare(expected[:], given[:]) == 1
}

// Keys remembers derived signing keys: deriving one costs more than verifying a
// signature with it. It keeps a bounded number of them. A nil Keys remembers
// none. It may be used by any number of goroutines.
type Keys struct {
	cache *otter.Cache[keyScope, *signingKey]
}

// NewKeys returns Keys for at most so many secrets, days, regions and services
// at a time.
func NewKeys(size int) *Keys {
	return &Keys{cache: otter.Must(&otter.Options[keyScope, *signingKey]{MaximumSize: size})}
}

func (k *Keys) get(scope keyScope) *signingKey {
	if k == nil {
		return newSigningKey(scope)
	}
	if key, ok := k.cache.GetIfPresent(scope); ok {
		return key
	}
	key := newSigningKey(scope)
	k.cache.Set(scope, key)
	return key
}

// signingKey derives the key of one secret for the signature's scope.
func (s *Signature) signingKey(secret string, keys *Keys) *signingKey {
	return keys.get(keyScope{secret, s.Date, s.Region, s.Service})
}

// appendToSign appends the head that every string to sign begins with.
func (s *Signature) appendToSign(dst []byte, algorithm string) []byte {
	dst = append(dst, algorithm...)
	dst = append(dst, '\n')
	dst = s.Time.AppendFormat(dst, isoBasic)
	dst = append(dst, '\n')
	for _, part := range [...]string{s.Date, "/", s.Region, "/", s.Service, "/", terminator, "\n"} {
		dst = append(dst, part...)
	}
	return dst
}

// appendStringToSign appends the text whose HMAC signs the canonical request.
func (s *Signature) appendStringToSign(dst, canonical []byte) []byte {
	hash := sha256.Sum256(canonical)
	return hex.AppendEncode(s.appendToSign(dst, algorithm), hash[:])
}
