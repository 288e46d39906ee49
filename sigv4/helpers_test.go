package sigv4

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	docKey    = "AKIAIOSFODNN7EXAMPLE"
	docSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var (
	docCredentials = Credentials{AccessKeyID: docKey, SecretAccessKey: docSecret}
	docTime        = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
)

// received parses text as a request on the wire, more leniently than net/http
// does where the vectors need it: raw spaces in the target.
func received(text string) (*http.Request, error) {
	line, rest, _ := strings.Cut(text, "\n")
	line = strings.TrimSuffix(line, "\r")
	method, target, _ := strings.Cut(line, " ")
	target, ok := strings.CutSuffix(target, " HTTP/1.1")
	if !ok {
		return nil, errors.New("no HTTP/1.1")
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " / HTTP/1.1\r\n" + rest + "\r\n\r\n")))
	if err != nil {
		return nil, err
	}
	r.URL, err = url.ParseRequestURI(target)
	return r, err
}

func mustReceive(t testing.TB, text string) *http.Request {
	t.Helper()
	r, err := received(text)
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	return r
}

var errUnknownKey = errors.New("no such access key")

// verifyRequest parses, looks up the key, and verifies, as a server does.
func verifyRequest(r *http.Request, c Credentials, rules Rules, payload string) (*Signature, error) {
	s, err := Parse(r)
	if err != nil {
		return nil, err
	}
	if s.AccessKeyID != c.AccessKeyID {
		return nil, errUnknownKey
	}
	return s, s.Verify(r, c.SecretAccessKey, rules, payload)
}

func kindOf(t testing.TB, err error) Kind {
	t.Helper()
	if err == nil {
		return 0
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error %v (%T) is not an *Error", err, err)
	}
	if e.Kind == 0 || e.Message == "" {
		t.Fatalf("error %#v has no kind or no message", e)
	}
	return e.Kind
}

func wantKind(t testing.TB, err error, want Kind) {
	t.Helper()
	if got := kindOf(t, err); got != want {
		t.Errorf("kind %d, want %d; error: %v", got, want, err)
	}
}

// readBy reads all of src with a buffer of the given size, and returns what it
// released.
func readBy(src io.Reader, size int) ([]byte, error) {
	var all []byte
	buf := make([]byte, size)
	for {
		n, err := src.Read(buf)
		all = append(all, buf[:n]...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// signHex is the signature of text.
func signHex(k *signingKey, text []byte) string {
	signature := k.sign(text)
	return string(signature[:])
}
