package session

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thingpass/thingpass"
)

const account = "123456789012"

func newTestRing(t testing.TB) (*Ring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyring.json")
	if err := CreateRing(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	ring, err := LoadRing(path)
	if err != nil {
		t.Fatal(err)
	}
	return ring, path
}

func largest() record {
	issued := time.UnixMilli(1_700_000_000_999).UTC()
	return record{
		RoleID: "AROA" + strings.Repeat("A", 17), Issued: issued, Expires: issued.Truncate(time.Second).Add(thingpass.MaxSession),
		CertificateID: strings.Repeat("ab", 32), Thing: strings.Repeat("t", 128), ThingType: strings.Repeat("y", 128),
	}
}

// inside lets cmp look into records.
var inside = cmp.AllowUnexported(record{}, sessionTag{})

// samples is a record of each kind.
func samples() map[string]record {
	issued, expires := time.Unix(5, 0).UTC(), time.Unix(905, 0).UTC()
	keys := largest()
	keys.DeviceKeys = []thingpass.DeviceKey{
		{Name: ThingGroupsKey, Values: []string{"berlin", "tenant-a"}, List: true},
		{Name: ThingAttributeKey + "site", Values: []string{"*/${aws:userid}"}}, {Name: ThingAttributeKey + "floor"},
		{Name: SubjectKey + "CommonName", Values: []string{""}}, {Name: SubjectKey + "OrganizationalUnit.List", Values: []string{"a", "b"}, List: true},
	}
	none := largest()
	none.DeviceKeys = []thingpass.DeviceKey{{Name: ThingGroupsKey, List: true}}
	return map[string]record{
		"device": largest(), "device with keys": keys, "device in no group": none,
		"caller": {RoleID: "AROAX", SessionName: "ann@example.com", Issued: issued, Expires: expires, Policy: `{"Version":"2012-10-17"}`},
		"caller with everything": {RoleID: "AROAX", SessionName: "ann", Issued: issued, Expires: expires, extras: extras{
			Tags:           []sessionTag{{thingpass.Tag{Key: "team", Value: "blue"}, true}, {thingpass.Tag{Key: "cost", Value: ""}, false}},
			SourceIdentity: "ann", PolicyARNs: []string{"arn:aws:iam::123456789012:policy/a", "arn:aws:iam::123456789012:policy/b"},
		}},
		"user": {Issued: issued, Expires: expires, extras: extras{UserID: "AIDAX", AccessKeyID: "AKIAX"}},
	}
}

func TestTokenRoundTrip(t *testing.T) {
	ring, _ := newTestRing(t)
	for name, rec := range samples() {
		t.Run(name, func(t *testing.T) {
			token, id, secret, err := ring.seal(rec, account)
			if err != nil {
				t.Fatal(err)
			}
			got, gotID, gotSecret, err := ring.open(token, account)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(rec, got, inside); diff != "" {
				t.Error(diff)
			}
			if id != gotID || !secret.Equal(gotSecret) {
				t.Error("the derived keys differ")
			}
			if len(id) != 20 || !strings.HasPrefix(id, "ASIA") || len(secret.Reveal()) != 40 {
				t.Errorf("key lengths: %q, secret of %d characters", id, len(secret.Reveal()))
			}
		})
	}
}

func TestTokenSize(t *testing.T) {
	ring, _ := newTestRing(t)
	token, _, _, err := ring.seal(largest(), account)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("session token for a thing name and type of 128 characters: %d characters", len(token))
	if len(token) > 1000 {
		t.Errorf("the token has %d characters, at most 1000 are wanted", len(token))
	}
}

func TestTokensAreNeverAlike(t *testing.T) {
	ring, _ := newTestRing(t)
	seen := map[string]bool{}
	for range 100 {
		token, id, secret, err := ring.seal(largest(), account)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{token, id, secret.Reveal()} {
			if seen[s] {
				t.Fatal("a token or key was issued twice")
			}
			seen[s] = true
		}
	}
}

// TestTamperedToken flips every bit of a token, and opens it for another
// account and with another ring.
func TestTamperedToken(t *testing.T) {
	ring, _ := newTestRing(t)
	token, _, _, err := ring.seal(largest(), account)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for bit := range 8 {
			changed := append([]byte(nil), raw...)
			changed[i] ^= 1 << bit
			if _, _, _, err := ring.open(base64.RawURLEncoding.EncodeToString(changed), account); err == nil {
				t.Fatalf("byte %d bit %d changed, and the token still opens", i, bit)
			}
		}
	}
	if _, _, _, err := ring.open(token, "210987654321"); err == nil {
		t.Error("the token opens for another account")
	}
	other, _ := newTestRing(t)
	if _, _, _, err := other.open(token, account); err == nil {
		t.Error("the token opens with another ring")
	}
	for _, other := range []string{token + "=", token + "\n", token[:9] + "\r" + token[9:], token + " "} {
		if _, _, _, err := ring.open(other, account); err == nil {
			t.Errorf("the token opens as %q", other)
		}
	}
}

func TestRotation(t *testing.T) {
	start := time.Now()
	old, path := newTestRing(t)
	token, _, _, err := old.seal(largest(), account)
	if err != nil {
		t.Fatal(err)
	}
	if err := RotateRing(path, start.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	ring, err := LoadRing(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := ring.open(token, account); err != nil {
		t.Errorf("a token from before the rotation: %v", err)
	}
	newer, _, _, err := ring.seal(largest(), account)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := old.open(newer, account); err == nil {
		t.Error("the new key is the old key")
	}
	// The first key was replaced 38 hours before the next rotation: no session
	// that it sealed can be alive.
	if err := RotateRing(path, start.Add(62*time.Hour)); err != nil {
		t.Fatal(err)
	}
	ring, err = LoadRing(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := ring.open(token, account); err == nil {
		t.Error("a key that no session can need is still in the ring")
	}
	if _, _, _, err := ring.open(newer, account); err != nil {
		t.Errorf("a key that a session may need is gone: %v", err)
	}
}

func TestRingFile(t *testing.T) {
	_, path := newTestRing(t)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if err := CreateRing(path, time.Now()); err == nil {
		t.Error("a second key ring was written over the first")
	}
	for name, text := range map[string]string{
		"no JSON": "x", "no key": `{"keys":[]}`, "short": `{"keys":[{"id":"AAAAAA==","secret":"AAAA"}]}`, "bad id": `{"keys":[{"id":"A","secret":""}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			bad := filepath.Join(t.TempDir(), "ring")
			if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := LoadRing(bad); err == nil {
				t.Error("it was loaded")
			}
		})
	}
	if _, _, _, err := (&Ring{}).seal(largest(), account); err == nil {
		t.Error("an empty ring issued a token")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	ring, _ := newTestRing(t)
	token, id, secret, err := ring.seal(largest(), account)
	if err != nil {
		t.Fatal(err)
	}
	c := Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: thingpass.NewSecret(token)}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%q", c)} {
		if strings.Contains(text, secret.Reveal()) || strings.Contains(text, token) {
			t.Errorf("a secret was printed: %s", text)
		}
	}
}

// TestEarlierTokens: a token that an earlier release sealed opens, and one that
// has nothing to say beyond it is of its version, so that it opens there.
func TestEarlierTokens(t *testing.T) {
	key, err := ringFileKey{ID: "AAAAAA==", Secret: base64.StdEncoding.EncodeToString(make([]byte, ringKeySize))}.open()
	if err != nil {
		t.Fatal(err)
	}
	const earlier = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACrAJq6oWWMLG1k_rIa8ufB8Tg_siLwIG5itbbo_2HAZrLuD7PkBiRI4vi4MvHw9Ak3JOVE5v8KHMFNWb02VvDrdbppCH8W"
	rec := record{RoleID: "AROAX", SessionName: "ann@example.com", Issued: time.Unix(5, 0).UTC(), Expires: time.Unix(905, 0).UTC(), Policy: `{"Version":"2012-10-17"}`}
	token, _, _, err := key.sealWith(rec, account, [saltSize]byte{})
	if err != nil || token != earlier {
		t.Errorf("sealed as %s: %v", token, err)
	}
	got, _, _, err := (&Ring{keys: []ringKey{key}}).open(earlier, account)
	if err != nil || !cmp.Equal(rec, got, inside) {
		t.Errorf("opened as %+v: %v", got, err)
	}
	for name, rec := range samples() {
		token, _, _, err := key.sealWith(rec, account, [saltSize]byte{})
		if err != nil {
			t.Fatal(err)
		}
		want := "AQ" // version 1 and a key id that begins with zeroes
		if strings.Contains(name, "with") || strings.Contains(name, "no group") || name == "user" {
			want = "Ag"
		}
		if !strings.HasPrefix(token, want) {
			t.Errorf("%s: a token that begins with %.2s, want %s", name, token, want)
		}
	}
}

// FuzzToken: no text opens but a token, and no text makes it panic. Key and
// salt are fixed, so that the token is the same in every process that fuzzes.
func FuzzToken(f *testing.F) {
	key, err := ringFileKey{ID: "AAAAAA==", Secret: base64.StdEncoding.EncodeToString(make([]byte, ringKeySize))}.open()
	if err != nil {
		f.Fatal(err)
	}
	ring := &Ring{keys: []ringKey{key}}
	token, _, _, err := key.sealWith(largest(), account, [saltSize]byte{})
	if err != nil {
		f.Fatal(err)
	}
	if _, _, _, err := ring.open(token, account); err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("")
	f.Add(strings.Repeat("A", 100))
	f.Fuzz(func(t *testing.T, text string) {
		if _, _, _, err := ring.open(text, account); err == nil && text != token {
			t.Errorf("%q opens", text)
		}
	})
}

// FuzzRecord: what decodes encodes to something that decodes to the same.
func FuzzRecord(f *testing.F) {
	for _, rec := range samples() {
		plain, err := rec.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(0), plain)
		f.Add(byte(1), plain)
	}
	f.Add(byte(0), []byte{0})
	f.Fuzz(func(t *testing.T, version byte, b []byte) {
		version = plainVersion + version%2
		rec, err := decodeRecord(version, b)
		if err != nil {
			return
		}
		if rec.version() > version {
			t.Errorf("a record of version %d was read as %d: %+v", rec.version(), version, rec)
		}
		again, err := rec.encode()
		if err != nil {
			t.Fatalf("%+v: %v", rec, err)
		}
		got, err := decodeRecord(rec.version(), again)
		if err != nil || !cmp.Equal(rec, got, inside) {
			t.Errorf("%+v became %+v: %v", rec, got, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	ring, _ := newTestRing(b)
	rec := largest()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := ring.seal(rec, account); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	ring, _ := newTestRing(b)
	token, _, _, err := ring.seal(largest(), account)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := ring.open(token, account); err != nil {
			b.Fatal(err)
		}
	}
}
