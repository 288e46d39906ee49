package sigv4

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

type suite struct {
	AccessKey, Secret string
	Time              time.Time
	Cases             []struct {
		Name          string
		Normalize     bool
		Header, Query suiteVector
	}
}

type suiteVector struct{ Request, Canonical string }

func readSuite(t testing.TB) suite {
	t.Helper()
	text, err := os.ReadFile("testdata/aws-c-auth/v4.json")
	if err != nil {
		t.Fatal(err)
	}
	var all suite
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Cases) != 38 {
		t.Fatalf("%d cases, want 38", len(all.Cases))
	}
	return all
}

func (v suiteVector) verify(all suite, text string) error {
	r, err := received(text)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_, err = verifyRequest(r, Credentials{AccessKeyID: all.AccessKey, SecretAccessKey: all.Secret}, Rules{Now: all.Time}, PayloadHash(body))
	return err
}

// The two vectors whose token came after signing must be refused here: an
// unsigned token could be exchanged on the way.
func TestSuite(t *testing.T) {
	all := readSuite(t)
	for _, c := range all.Cases {
		if !c.Normalize {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			wantHeader, wantQuery := Kind(0), Kind(0)
			if c.Name == "post-sts-header-after" {
				wantHeader, wantQuery = UnsignedHeaders, Mismatch
			}
			wantKind(t, c.Header.verify(all, c.Header.Request), wantHeader)
			wantKind(t, c.Query.verify(all, c.Query.Request), wantQuery)
		})
	}
}

// Every canonical request is the published one, by the generic rules or, where
// nothing is to be normalised, by S3's.
func TestSuiteCanonical(t *testing.T) {
	all := readSuite(t)
	for _, c := range all.Cases {
		for _, v := range []suiteVector{c.Header, c.Query} {
			if c.Name == "post-sts-header-after" {
				continue
			}
			t.Run(c.Name, func(t *testing.T) {
				r := mustReceive(t, v.Request)
				s, err := Parse(r)
				if err != nil {
					t.Fatal(err)
				}
				_, payload, _ := cutLast(v.Canonical, "\n")
				message := canonical{request: r, headers: s.SignedHeaders, payload: payload, path: s3Path(r.URL)}
				if c.Normalize {
					message.path = genericPath(wirePath(r.URL))
				}
				text, err := message.append(nil)
				if err != nil || string(text) != v.Canonical {
					t.Errorf("canonical request: %v\n%s\nwant\n%s", err, text, v.Canonical)
				}
				if got := signHex(s.signingKey(all.Secret, nil), s.appendStringToSign(nil, text)); got != s.provided {
					t.Errorf("signature %s, want %s", got, s.provided)
				}
			})
		}
	}
}

func cutLast(text, sep string) (before, after string, found bool) {
	i := strings.LastIndex(text, sep)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(sep):], true
}

// No byte of a signed request can be changed.
func TestSuiteMutated(t *testing.T) {
	all := readSuite(t)
	for _, c := range all.Cases {
		switch {
		case !c.Normalize, strings.HasPrefix(c.Name, "get-slash"), strings.HasPrefix(c.Name, "get-relative"):
			continue // what normalising removes is not signed
		case c.Name == "post-sts-header-after":
			continue // its signature is good for a request without the token
		}
		for _, v := range []suiteVector{c.Header, c.Query} {
			eachMutation(v.Request, func(i int, text string) {
				if v.verify(all, text) == nil {
					t.Errorf("%s: accepted with byte %d changed:\n%s", c.Name, i, text)
				}
			})
		}
	}
}

// eachMutation calls f with each change of one byte, but in the HTTP version
// and in most of a long run of the same byte.
func eachMutation(text string, f func(i int, mutated string)) {
	version := strings.Index(text, " HTTP/1.1")
	for i := range len(text) {
		if i > 9 && i%997 != 0 && strings.Count(text[i-9:i+1], text[i:i+1]) == 10 {
			continue
		}
		if i >= version && i < version+len(" HTTP/1.1\n") || text[i] == '\n' || text[i] == '\r' {
			continue
		}
		f(i, text[:i]+string(rune(text[i]^1)&0x7f)+text[i+1:])
	}
}
