package door

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/s3"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/store"
	"github.com/thingpass/thingpass/trail"
)

const (
	lampTrust  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	lampPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::fleet/${credentials-iot:AwsCertificateId}/*"}]}`
	lampID     = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// lamp is a door with a device's session and an object that it may read.
func lamp(b *testing.B) (http.Handler, sigv4.Credentials) {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx := context.Background()
	place, dir := thingpass.Place{Account: "123456789012", Region: "us-east-1"}, b.TempDir()
	db, err := store.Create(ctx, "sqlite:"+filepath.Join(dir, "test.db"), place)
	must(err)
	b.Cleanup(func() { _ = db.Close() })
	role := thingpass.Role{ID: "AROALAMP", Name: "Lamp", Path: "/", TrustPolicy: lampTrust, MaxSessionDuration: time.Hour}
	must(db.CreateRole(ctx, role))
	must(db.PutRolePolicy(ctx, "Lamp", thingpass.InlinePolicy{Name: "p", Document: lampPolicy}, func([]thingpass.InlinePolicy) error { return nil }))
	must(db.CreateCertificate(ctx, thingpass.Certificate{ID: lampID, Status: thingpass.Active, DER: []byte{0}, Mode: "DEFAULT", NotAfter: time.Now().Add(time.Hour), Version: 1, Generation: "1"}))
	device, err := db.Device(ctx, lampID)
	must(err)
	must(session.CreateRing(filepath.Join(dir, "ring"), time.Now()))
	ring, err := session.LoadRing(filepath.Join(dir, "ring"))
	must(err)
	bytes, err := objects.Create(filepath.Join(dir, "objects"))
	must(err)
	b.Cleanup(func() { _ = bytes.Close() })
	must(bytes.CreateBucket(ctx, "fleet"))
	recent, log := store.NewRecent(db), slog.New(slog.NewJSONHandler(io.Discard, nil))
	sessions := session.New(place, recent, ring)
	issued, err := sessions.Issue(session.Grant{Role: role, Device: &device, Duration: time.Hour})
	must(err)
	return gate.NewDoor(gate.Config{
			Sessions: sessions, Authz: authz.New(place, recent), Log: log, Now: time.Now, Trail: trail.New(trail.Config{}),
			Services: []gate.Service{s3.New(s3.Config{Place: place, Objects: bytes, Now: time.Now})},
		}), sigv4.Credentials{
			AccessKeyID: issued.AccessKeyID, SecretAccessKey: issued.SecretAccessKey.Reveal(), SessionToken: issued.SessionToken.Reveal(),
		}
}

// discard is the cheapest http.ResponseWriter.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header              { return d.header }
func (d *discard) WriteHeader(status int)           { d.status = status }
func (d *discard) Write(p []byte) (int, error)      { return len(p), nil }
func (d *discard) SetReadDeadline(time.Time) error  { return nil }
func (d *discard) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkHead is a signed HEAD of an object by a device, without net/http.
func BenchmarkHead(b *testing.B) { benchmark(b, http.MethodHead) }

// BenchmarkGet is a signed GET of 4 KiB.
func BenchmarkGet(b *testing.B) { benchmark(b, http.MethodGet) }

func benchmark(b *testing.B, method string) {
	door, keys := lamp(b)
	request := func(method string, body int) *http.Request {
		r, err := http.NewRequest(method, "http://localhost:9000/fleet/"+lampID+"/k", http.NoBody)
		if err != nil {
			b.Fatal(err)
		}
		r.RemoteAddr = "192.0.2.1:1234"
		r.Header.Set("User-Agent", "aws-cli/2.9.19 Python/3.11.2 Linux/6.1 source/x86_64.debian.12 prompt/off command/s3api.get-object")
		sigv4.Sign(r, keys, "us-east-1", "s3", time.Now(), sigv4.UnsignedPayload)
		if body > 0 {
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeros{}, int64(body))), int64(body)
		}
		return r
	}
	put := &discard{header: http.Header{}}
	door.ServeHTTP(put, request(http.MethodPut, 4096))
	if put.status != 0 && put.status != http.StatusOK {
		b.Fatal("put: ", put.status)
	}
	r := request(method, 0)
	b.ReportAllocs()
	for b.Loop() {
		w := &discard{header: make(http.Header, 8)}
		door.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
