package authz_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
)

const ownFolder = "arn:aws:s3:::vincent-iot/${credentials-iot:ThingName}/*"

// put is the seed's question: a device writes to its own folder.
func put(a *authz.Authz, p thingpass.Principal) authz.Request {
	keys := authz.NewContext()
	for k, v := range map[string]string{
		"aws:CurrentTime": "2026-05-01T12:00:00Z", "aws:EpochTime": "1777636800", "aws:SourceIp": "10.0.0.1",
		"aws:SecureTransport": "true", "aws:UserAgent": "curl", "s3:x-amz-acl": "private",
	} {
		keys.Set(k, v)
	}
	p.CertificateID, p.Thing = strings.Repeat("a", 64), "bulbthing"
	return authz.Request{Principal: p, Action: "s3:PutObject", Resource: "arn:aws:s3:::vincent-iot/bulbthing/log/1", Context: keys}
}

// BenchmarkDecide is Layers.Decide: the seed's policy alone, and with what
// narrows it.
func BenchmarkDecide(b *testing.B) {
	a, _, _, p := stored(b, "", statement("Allow", "s3:PutObject", ownFolder))
	v, err := a.Decide(b.Context(), put(a, p))
	must(b, err)
	plain := v.Asked.Layers
	limited := plain
	limited.Boundary = set(b, policy.Identity, statement("Allow", "s3:*", "*"))
	limited.Session = set(b, policy.Session, statement("Allow", "s3:PutObject", ownFolder))
	full := limited
	full.Resource = set(b, policy.Resource, bucketPolicy())
	for _, bm := range []struct {
		name   string
		layers authz.Layers
	}{{"Plain", plain}, {"BoundaryAndSession", limited}, {"BoundarySessionAndBucket", full}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !bm.layers.Decide(v.Asked.Request).Allowed() {
					b.Fatal("denied")
				}
			}
		})
	}
}

// bucketPolicy denies what is not encrypted in transit, as buckets do.
func bucketPolicy() string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::vincent-iot","arn:aws:s3:::vincent-iot/*"],` +
		`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
}

// BenchmarkRequest is all of Authz.Decide with everything kept: reading,
// looking up, the principal's keys, the decision.
func BenchmarkRequest(b *testing.B) {
	a, db, _, p := stored(b, "", statement("Allow", "s3:PutObject", ownFolder))
	limit(b, db, managed(b, db, "Limit", statement("Allow", "s3:*", "*")))
	must(b, db.PutBucketPolicy(b.Context(), "vincent-iot", bucketPolicy()))
	for _, session := range []string{"", statement("Allow", "s3:PutObject", ownFolder)} {
		q := put(a, p)
		q.Principal.SessionPolicy = session
		b.Run(fmt.Sprintf("SessionPolicy=%v", session != ""), func(b *testing.B) {
			b.ReportAllocs()
			ctx := b.Context()
			for b.Loop() {
				if v, err := a.Decide(ctx, q); err != nil || !v.Allowed() {
					b.Fatal(v, err)
				}
			}
		})
	}
}

// BenchmarkDevice is the IoT policies' part of an exchange.
func BenchmarkDevice(b *testing.B) {
	a, _, _, _ := stored(b, "", "")
	text := statement("Allow", "iot:AssumeRoleWithCertificate", "arn:aws:iot:us-east-1:123456789012:rolealias/A")
	device := &thingpass.Device{CertificateID: strings.Repeat("a", 64), Policies: []string{text}, PolicyNames: []string{"P"}}
	keys := authz.NewContext()
	b.ReportAllocs()
	for b.Loop() {
		if v, err := a.AssumeRoleWithCertificate(device, "", "arn:aws:iot:us-east-1:123456789012:rolealias/A", keys); err != nil || !v.Allowed() {
			b.Fatal(v, err)
		}
	}
}
