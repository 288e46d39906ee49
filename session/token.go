package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/thingpass/thingpass"
)

// A token is, in unpadded base64url:
//
//	version (1) | key id (4) | salt (24) | AES-256-GCM(record)
//
// A record of version 2 has extras after what version 1 has. One without extras
// is sealed as version 1, so that replicas of an earlier release open it.
//
// The cipher key is HMAC-SHA256(ring key, salt), so it is used once and the
// nonce is constant: the number of tokens under one ring key has no limit that
// a fleet could reach. Version, key id, salt and account are authenticated.
const (
	plainVersion  = 1
	extrasVersion = 2
	saltSize      = 24
	headerSize    = 1 + keyIDSize + saltSize
	maxIssued     = 1 << 50 // milliseconds since 1970: far away, and safe to add to
	maxToken      = 8192    // characters: what MaxPacked allows, with room
)

// record is what a token seals.
type record struct {
	RoleID        string
	SessionName   string    // "" for a device: it is the certificate id
	Issued        time.Time // whole milliseconds
	Expires       time.Time // whole seconds
	CertificateID string
	Thing         string
	ThingType     string
	Policy        string
	extras
}

var errToken = errors.New("not a token of this installation")

// seal makes the token, and the keys that go with it.
func (r *Ring) seal(rec record, account string) (token, accessKeyID string, secret thingpass.Secret, err error) {
	key, err := r.newest()
	if err != nil {
		return "", "", thingpass.Secret{}, err
	}
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:])
	return key.sealWith(rec, account, salt)
}

// sealWith is seal with a given salt, which must never be used twice.
func (k ringKey) sealWith(rec record, account string, salt [saltSize]byte) (token, accessKeyID string, secret thingpass.Secret, err error) {
	plain, err := rec.encode()
	if err != nil {
		return "", "", thingpass.Secret{}, err
	}
	buf := make([]byte, headerSize, headerSize+len(plain)+16)
	buf[0] = rec.version()
	copy(buf[1:], k.id[:])
	copy(buf[1+keyIDSize:], salt[:])
	aead, err := k.aead(salt[:])
	if err != nil {
		return "", "", thingpass.Secret{}, err
	}
	sealed := aead.Seal(buf, make([]byte, aead.NonceSize()), plain, additional(buf[:headerSize], account))
	accessKeyID, secret = k.derived(salt[:])
	return base64.RawURLEncoding.EncodeToString(sealed), accessKeyID, secret, nil
}

// open authenticates a token and returns its record and keys.
func (r *Ring) open(token, account string) (rec record, accessKeyID string, secret thingpass.Secret, err error) {
	// The decoder of base64 skips line ends: a token has one spelling.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return record{}, "", thingpass.Secret{}, errToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < headerSize || raw[0] < plainVersion || raw[0] > extrasVersion {
		return record{}, "", thingpass.Secret{}, errToken
	}
	key, ok := r.find(raw[1 : 1+keyIDSize])
	if !ok {
		return record{}, "", thingpass.Secret{}, errToken
	}
	salt := raw[1+keyIDSize : headerSize]
	aead, err := key.aead(salt)
	if err != nil {
		return record{}, "", thingpass.Secret{}, err
	}
	plain, err := aead.Open(nil, make([]byte, aead.NonceSize()), raw[headerSize:], additional(raw[:headerSize], account))
	if err != nil {
		return record{}, "", thingpass.Secret{}, errToken
	}
	if rec, err = decodeRecord(raw[0], plain); err != nil {
		return record{}, "", thingpass.Secret{}, err
	}
	accessKeyID, secret = key.derived(salt)
	return rec, accessKeyID, secret, nil
}

func additional(header []byte, account string) []byte {
	return append(append(make([]byte, 0, len(header)+len(account)), header...), account...)
}

func (k ringKey) aead(salt []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.seal.sum(salt, "key"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// derived returns the key pair that belongs to a salt: ASIA and 16 characters
// of base32, and 40 characters of base64, as long as AWS's.
func (k ringKey) derived(salt []byte) (accessKeyID string, secret thingpass.Secret) {
	id := k.derive.sum(salt, "id")
	sec := k.derive.sum(salt, "secret")
	return "ASIA" + base32.StdEncoding.EncodeToString(id[:10]),
		thingpass.NewSecret(base64.StdEncoding.EncodeToString(sec[:30]))
}

// macs computes HMAC-SHA256 under one key. To make one costs more than to use
// it, so those that are done wait for the next use.
type macs struct{ idle sync.Pool }

func newMACs(key []byte) *macs {
	return &macs{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (m *macs) sum(salt []byte, purpose string) []byte {
	h := m.idle.Get().(hash.Hash)
	defer m.idle.Put(h)
	h.Reset()
	h.Write(salt)
	_, _ = io.WriteString(h, purpose)
	return h.Sum(make([]byte, 0, sha256.Size))
}

// encode lays a record out as: certificate flag, issue time in milliseconds,
// the whole seconds between the second of issue and expiry, then
// length-prefixed strings, then the extras.
func (r record) encode() ([]byte, error) {
	out := make([]byte, 0, 128+len(r.Thing)+len(r.ThingType)+len(r.Policy))
	if r.CertificateID != "" {
		id, err := hex.DecodeString(r.CertificateID)
		if err != nil || len(id) != sha256.Size {
			return nil, errors.New("the certificate id is malformed")
		}
		out = append(append(out, 1), id...)
	} else {
		out = append(out, 0)
	}
	life := r.Expires.Unix() - r.Issued.Unix()
	if r.Issued.Unix() < 0 || life < 0 || life > math.MaxInt32 {
		return nil, errors.New("the session's lifetime is out of range")
	}
	out = binary.AppendVarint(out, r.Issued.UnixMilli())
	out = binary.AppendUvarint(out, uint64(life))
	for _, s := range []string{r.RoleID, r.SessionName, r.Thing, r.ThingType, r.Policy} {
		out = appendText(out, s)
	}
	return r.extras.append(out)
}

func decodeRecord(version byte, b []byte) (record, error) {
	var r record
	if len(b) == 0 || b[0] > 1 {
		return r, errToken
	}
	hasCertificate := b[0] == 1
	b = b[1:]
	if hasCertificate {
		if len(b) < sha256.Size {
			return r, errToken
		}
		r.CertificateID, b = hex.EncodeToString(b[:sha256.Size]), b[sha256.Size:]
	}
	issued, n := binary.Varint(b)
	if n <= 0 || issued < 0 || issued > maxIssued {
		return r, errToken
	}
	b = b[n:]
	life, n := binary.Uvarint(b)
	if n <= 0 || life > math.MaxInt32 {
		return r, errToken
	}
	b = b[n:]
	r.Issued = time.UnixMilli(issued).UTC()
	r.Expires = time.Unix(r.Issued.Unix()+int64(life), 0).UTC()
	for _, s := range []*string{&r.RoleID, &r.SessionName, &r.Thing, &r.ThingType, &r.Policy} {
		var ok bool
		if *s, b, ok = cutText(b); !ok {
			return r, errToken
		}
	}
	if len(b) == 0 {
		return r, nil
	}
	if version < extrasVersion {
		return r, errToken
	}
	var err error
	r.extras, err = decodeExtras(b)
	return r, err
}

func appendText(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

func cutText(b []byte) (s string, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return "", nil, false
	}
	return string(b[n : n+int(size)]), b[n+int(size):], true
}
