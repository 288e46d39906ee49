package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// signingKey derives the key of one secret for one day, region and service.
func (s *Signature) signingKey(secret string) []byte {
	key := sum256([]byte("AWS4"+secret), s.Date)
	key = sum256(key, s.Region)
	key = sum256(key, s.Service)
	return sum256(key, terminator)
}

func sum256[T string | []byte](key []byte, text T) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(make([]byte, 0, sha256.Size))
}

// appendToSign appends the head that every string to sign begins with.
func (s *Signature) appendToSign(dst []byte, algorithm string) []byte {
	dst = append(dst, algorithm...)
	dst = append(dst, '\n')
	dst = s.Time.AppendFormat(dst, isoBasic)
	dst = append(dst, '\n')
	dst = append(dst, s.Scope()...)
	return append(dst, '\n')
}

// stringToSign is the text whose HMAC signs the canonical request.
func (s *Signature) stringToSign(canonical []byte) []byte {
	hash := sha256.Sum256(canonical)
	dst := s.appendToSign(make([]byte, 0, 192), algorithm)
	return hex.AppendEncode(dst, hash[:])
}

// sign returns the signature of text in hex.
func sign(key, text []byte) string {
	return hex.EncodeToString(sum256(key, text))
}
