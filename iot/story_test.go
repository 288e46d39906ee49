package iot_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/thingtest"
)

// step is one signed request and what it must be answered. {name} stands for a
// value that an earlier step kept. want is a JSON value: in objects every member
// is compared, "*" stands for any text and 0.5 for any number, and a text that
// begins with "=" keeps what is answered there under that name. For an error,
// want is the code, a colon and the message.
type step struct {
	request string // METHOD /path
	header  string // Name: value
	body    string
	status  int
	want    string
}

type story struct {
	t    *testing.T
	as   *thingtest.Client
	kept map[string]string
}

func newStory(t *testing.T) *story {
	t.Helper()
	s, err := thingtest.Start(t.Context(), thingtest.Options{DeviceEndpoint: "devices.example.com:443", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &story{t, s.Admin, map[string]string{
		"iot": "arn:aws:iot:us-east-1:123456789012:", "role": "arn:aws:iam::123456789012:role/CameraRole", "none": strings.Repeat("0", 64),
	}}
}

func (s *story) fill(text string, escape func(string) string) string {
	for _, name := range slices.Sorted(maps.Keys(s.kept)) {
		text = strings.ReplaceAll(text, "{"+name+"}", escape(s.kept[name]))
	}
	return text
}

func asIs(v string) string { return v }

// inJSON is v as it stands inside a JSON text.
func inJSON(v string) string {
	b, _ := json.Marshal(v)
	return string(b[1 : len(b)-1])
}

func (s *story) run(steps []step) {
	s.t.Helper()
	for i, st := range steps {
		name := fmt.Sprintf("%d: %s", i+1, st.request)
		method, path, _ := strings.Cut(s.fill(st.request, url.PathEscape), " ")
		header := http.Header{}
		if k, v, ok := strings.Cut(s.fill(st.header, asIs), ": "); ok {
			header.Set(k, v)
		}
		resp, err := s.as.Do(s.t.Context(), "iot", method, path, header, []byte(s.fill(st.body, inJSON)))
		if err != nil {
			s.t.Fatalf("%s: %v", name, err)
		}
		if st.status == 0 {
			st.status = http.StatusOK
		}
		if resp.Status != st.status {
			s.t.Fatalf("%s: status %d, want %d: %s", name, resp.Status, st.status, resp.Body)
		}
		if st.status >= 300 {
			s.refused(name, st, resp)
			continue
		}
		var want, got any
		if err := json.Unmarshal([]byte(s.fill(st.want, inJSON)), &want); err != nil {
			s.t.Fatalf("%s: the expectation is no JSON: %v", name, err)
		}
		if err := json.Unmarshal(resp.Body, &got); err != nil {
			s.t.Fatalf("%s: %v: %s", name, err, resp.Body)
		}
		if diff := s.differ(want, got); diff != "" {
			s.t.Fatalf("%s: %s\n%s", name, diff, resp.Body)
		}
	}
}

func (s *story) refused(name string, st step, resp *thingtest.Response) {
	s.t.Helper()
	var body map[string]string
	if err := json.Unmarshal(resp.Body, &body); err != nil {
		s.t.Fatalf("%s: %v: %s", name, err, resp.Body)
	}
	got := resp.Header.Get("X-Amzn-Errortype") + ": " + body["message"]
	for _, field := range []string{"resourceArn", "resourceId"} {
		if body[field] != "" {
			got += " " + field + "=" + body[field]
		}
	}
	want := s.fill(st.want, asIs)
	if before, cut := strings.CutSuffix(want, "*"); got != want && (!cut || !strings.HasPrefix(got, before)) {
		s.t.Fatalf("%s:\n got %s\nwant %s", name, got, want)
	}
}

// differ tells the first difference.
func (s *story) differ(want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		if names := slices.Sorted(maps.Keys(g)); !slices.Equal(names, slices.Sorted(maps.Keys(w))) {
			return fmt.Sprintf("members %v, want %v", names, slices.Sorted(maps.Keys(w)))
		}
		for _, name := range slices.Sorted(maps.Keys(w)) {
			if diff := s.differ(w[name], g[name]); diff != "" {
				return name + ": " + diff
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%v, want %v", got, want)
		}
		for i := range w {
			if diff := s.differ(w[i], g[i]); diff != "" {
				return fmt.Sprintf("[%d] %s", i, diff)
			}
		}
		return ""
	case string:
		g, ok := got.(string)
		if keep, found := strings.CutPrefix(w, "="); found && ok && g != "" {
			s.kept[keep] = g
			return ""
		}
		if w == "*" && ok && g != "" {
			return ""
		}
	case float64:
		if _, ok := got.(float64); ok && w == 0.5 {
			return ""
		}
	}
	if want != got {
		return fmt.Sprintf("%v, want %v", got, want)
	}
	return ""
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func selfSigned(t *testing.T) (der []byte, text string) {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func csr(t *testing.T) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}}, newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}
