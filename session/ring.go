package session

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	ringKeySize = 32
	keyIDSize   = 4
)

// Ring is a set of keys: the newest seals and derives, the others still open
// what they sealed. The zero Ring has no key and issues nothing.
type Ring struct {
	keys []ringKey // newest first
}

type ringKey struct {
	id      [keyIDSize]byte
	created time.Time
	seal    *macs // derives the cipher key of one token
	derive  *macs // derives access key id and secret access key
}

type ringFile struct {
	Keys []ringFileKey `json:"keys"`
}

type ringFileKey struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Secret  string    `json:"secret"`
}

// CreateRing writes a new key ring with one key to path, mode 0600. It fails
// when the file exists.
func CreateRing(path string, now time.Time) error {
	return writeRing(path, ringFile{Keys: []ringFileKey{newRingKey(now)}}, os.O_EXCL)
}

// LoadRing reads a key ring.
func LoadRing(path string) (*Ring, error) {
	file, err := readRing(path)
	if err != nil {
		return nil, err
	}
	ring := &Ring{}
	for _, k := range file.Keys {
		key, err := k.open()
		if err != nil {
			return nil, fmt.Errorf("key ring %s: %w", path, err)
		}
		ring.keys = append(ring.keys, key)
	}
	if len(ring.keys) == 0 {
		return nil, fmt.Errorf("key ring %s: it has no key: make one with thingpass rotate-keys", path)
	}
	return ring, nil
}

// RotateRing puts a new key in front and drops the keys that can no longer be
// needed: those replaced longer ago than the longest session lasts. Running
// servers take the new ring up by themselves.
func RotateRing(path string, now time.Time) error {
	file, err := readRing(path)
	if err != nil {
		return err
	}
	kept := []ringFileKey{newRingKey(now)}
	replaced := now
	for _, k := range file.Keys {
		if now.Sub(replaced) <= MaxUserSession+time.Hour {
			kept = append(kept, k)
		}
		replaced = k.Created
	}
	return writeRing(path, ringFile{Keys: kept}, 0)
}

func newRingKey(now time.Time) ringFileKey {
	var b [keyIDSize + ringKeySize]byte
	_, _ = rand.Read(b[:])
	return ringFileKey{
		ID:      base64.StdEncoding.EncodeToString(b[:keyIDSize]),
		Created: now.UTC().Truncate(time.Second),
		Secret:  base64.StdEncoding.EncodeToString(b[keyIDSize:]),
	}
}

// open checks a key's form and derives its two purposes. Its errors never
// quote the file.
func (k ringFileKey) open() (ringKey, error) {
	id, err1 := base64.StdEncoding.DecodeString(k.ID)
	secret, err2 := base64.StdEncoding.DecodeString(k.Secret)
	if err1 != nil || err2 != nil || len(id) != keyIDSize || len(secret) != ringKeySize {
		return ringKey{}, errors.New("a key is malformed")
	}
	seal, err1 := hkdf.Expand(sha256.New, secret, "thingpass token seal v1", 32)
	derive, err2 := hkdf.Expand(sha256.New, secret, "thingpass secret derivation v1", 32)
	return ringKey{id: [keyIDSize]byte(id), created: k.Created, seal: newMACs(seal), derive: newMACs(derive)}, errors.Join(err1, err2)
}

// Created is when the newest key was made.
func (r *Ring) Created() time.Time {
	key, _ := r.newest()
	return key.created
}

func (r *Ring) newest() (ringKey, error) {
	if r == nil || len(r.keys) == 0 {
		return ringKey{}, errors.New("the key ring has no key")
	}
	return r.keys[0], nil
}

func (r *Ring) find(id []byte) (ringKey, bool) {
	for _, k := range r.keys {
		if bytes.Equal(k.id[:], id) {
			return k, true
		}
	}
	return ringKey{}, false
}

func readRing(path string) (ringFile, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ringFile{}, fmt.Errorf("read key ring: %w", err)
	}
	var file ringFile
	if json.Unmarshal(raw, &file) != nil {
		return ringFile{}, fmt.Errorf("key ring %s: not valid JSON", path)
	}
	return file, nil
}

// writeRing replaces path in one step, durably; with os.O_EXCL it refuses to
// replace anything.
func writeRing(path string, file ringFile, flag int) error {
	raw, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	target := path
	if flag&os.O_EXCL == 0 {
		// A symbolic link stays one: what it leads to is replaced.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return fmt.Errorf("write key ring: %w", err)
		}
		target = path + ".new"
		flag = os.O_TRUNC
	}
	f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|flag, 0o600)
	if err != nil {
		return fmt.Errorf("write key ring: %w", err)
	}
	_, err = f.Write(append(raw, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil && target != path {
		err = os.Rename(target, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write key ring: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
