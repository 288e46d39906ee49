package s3_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/upstream"
)

// chain is a server in front of two others, each of which has the buckets of a
// prefix, over TLS. Each is given one request at a time: none may wait for another
// of its own.
func chain(t *testing.T) (front *world, backs [2]*thingtest.Server) {
	t.Helper()
	var engines []upstream.Config
	for i, prefix := range []string{"one-", "two-"} {
		s, err := thingtest.Start(t.Context(), thingtest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		at, err := url.Parse(s.APIURL())
		if err != nil {
			t.Fatal(err)
		}
		backs[i] = s
		engines = append(engines, upstream.Config{Name: prefix + "engine", Endpoint: at, Region: "us-east-1", Prefix: prefix, Kind: upstream.Other, Roots: s.CAs, Concurrency: 1,
			AccessKeyID: s.Admin.Credentials.AccessKeyID, SecretKey: thingpass.NewSecret(s.Admin.Credentials.SecretAccessKey)})
	}
	s, err := thingtest.Start(t.Context(), thingtest.Options{S3Engines: engines, S3Domains: []string{"s3.example.com"}, S3Public: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &world{T: t, server: s, admin: s.Admin}, backs
}

// TestChain: a server is an engine for another, so that what a client does here
// ends up as itself there, two times over.
func TestChain(t *testing.T) {
	w, backs := chain(t)
	a := w.admin
	for _, bucket := range []string{"one-a", "two-a", "own"} {
		w.want(a, "PUT /"+bucket, "", 200, "")
	}
	w.contains(w.want(a, "GET /", "", 200, ""), "<Name>one-a</Name>", "<Name>own</Name>", "<Name>two-a</Name>")
	for i, bucket := range []string{"one-a", "two-a"} {
		w.want(a, "PUT /"+bucket+"/a%2Fb%20%C3%BC", "hello", 200, "", "X-Amz-Meta-Colour", "red", "X-Amz-Tagging", "k=v")
		direct := &world{T: t, server: backs[i], admin: backs[i].Admin}
		for _, world := range []*world{w, direct} {
			r := world.want(world.admin, "GET /"+bucket+"/a/b%20%C3%BC", "", 206, "", "Range", "bytes=1-2")
			if string(r.Body) != "el" || r.Header.Get("X-Amz-Meta-Colour") != "red" {
				t.Errorf("%s: %q %v", bucket, r.Body, r.Header)
			}
			world.contains(world.want(world.admin, "GET /"+bucket+"/a/b%20%C3%BC?tagging", "", 200, ""), "<Key>k</Key><Value>v</Value>")
		}
		w.want(a, "PUT /"+bucket+"/copy", "", 200, "", "X-Amz-Copy-Source", "/"+bucket+"/a%2Fb%20%C3%BC")
		w.contains(direct.want(direct.admin, "GET /"+bucket+"?list-type=2", "", 200, ""), "<Key>copy</Key>")
		parts(w, bucket)
		w.contains(w.want(a, "POST /"+bucket+"?delete", "<Delete><Object><Key>copy</Key></Object><Object><Key>none</Key></Object></Delete>", 200, ""), "<Deleted><Key>copy</Key>")
		direct.want(direct.admin, "GET /"+bucket+"/copy", "", 404, "NoSuchKey")
	}
	for from, to := range map[string]string{"one-a": "two-a", "two-a": "own", "own": "one-a"} {
		w.want(a, "PUT /"+from+"/k", "x", 200, "")
		w.want(a, "PUT /"+to+"/k", "", 501, "NotImplemented", "X-Amz-Copy-Source", "/"+from+"/k")
	}
	hosts(w)
	crossOrigins(w)

	w.want(a, "PUT /one-a?policy", everybodys("one-a"), 204, "")
	direct := &world{T: t, server: backs[0], admin: backs[0].Admin}
	direct.want(direct.admin, "GET /one-a?policy", "", 404, "NoSuchBucketPolicy")
	w.eventually(func() bool { return w.unsigned("GET /one-a/k", "").Status == 200 })
	w.want(a, "DELETE /own/k", "", 204, "")
	w.want(a, "DELETE /own", "", 204, "")
	w.want(a, "DELETE /one-a", "", 409, "BucketNotEmpty")
}

// parts uploads an object in three parts, of which the second is a copy and the
// third ends in a checksum.
func parts(w *world, bucket string) {
	var made struct{ UploadId string }
	if err := xml.Unmarshal(w.want(w.admin, "POST /"+bucket+"/parts?uploads", "", 200, "", "X-Amz-Checksum-Algorithm", "CRC32", "X-Amz-Checksum-Type", "FULL_OBJECT").Body, &made); err != nil {
		w.Fatal(err)
	}
	at := "/" + bucket + "/parts?uploadId=" + made.UploadId
	first := strings.Repeat("x", 5<<20)
	one := w.want(w.admin, "PUT "+at+"&partNumber=1", first, 200, "").Header.Get("Etag")
	etag := w.want(w.admin, "PUT /"+bucket+"/source", first, 200, "").Header.Get("Etag")
	var two struct{ ETag string }
	if err := xml.Unmarshal(w.want(w.admin, "PUT "+at+"&partNumber=2", "", 200, "", "X-Amz-Copy-Source", "/"+bucket+"/source", "X-Amz-Copy-Source-If-Match", etag).Body, &two); err != nil {
		w.Fatal(err)
	}
	three := w.stream("PUT "+at+"&partNumber=3", "hello", "NhCmhg==").Header.Get("Etag")
	w.want(w.admin, "POST "+at, fmt.Sprintf("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part><Part><PartNumber>2</PartNumber><ETag>%s</ETag></Part>"+
		"<Part><PartNumber>3</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>", one, two.ETag, three), 200, "")
	if r := w.want(w.admin, "GET /"+bucket+"/parts", "", 200, ""); string(r.Body) != first+first+"hello" {
		w.Errorf("%d bytes", len(r.Body))
	}
}

// hosts names a bucket of an engine by the host.
func hosts(w *world) {
	for _, method := range []string{http.MethodPut, http.MethodGet, http.MethodDelete} {
		r, err := http.NewRequestWithContext(w.Context(), method, w.server.APIURL()+"/one-b/k", nil)
		if err != nil {
			w.Fatal(err)
		}
		r.Host = "one-a.s3.example.com"
		sigv4.Sign(r, w.admin.Credentials, "us-east-1", "s3", time.Now(), sigv4.PayloadHash(nil))
		resp, err := w.admin.HTTP.Do(r)
		if err != nil {
			w.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode/100 != 2 {
			w.Errorf("%s at the bucket's host: %d", method, resp.StatusCode)
		}
		status := map[string]int{http.MethodPut: 200, http.MethodGet: 200, http.MethodDelete: 404}[method]
		if r := w.do(w.admin, "GET /one-a/one-b/k", ""); r.Status != status {
			w.Errorf("after %s: %d", method, r.Status)
		}
	}
}

// crossOrigins keeps an engine's rules for browsers there.
func crossOrigins(w *world) {
	w.want(w.admin, "PUT /one-a?cors", "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://page.example</AllowedOrigin></CORSRule></CORSConfiguration>", 200, "")
	for origin, status := range map[string]int{"https://page.example": 200, "https://other.example": 403} {
		r := w.unsigned("OPTIONS /one-a/k", "", "Origin", origin, "Access-Control-Request-Method", "GET")
		if r.Status != status || (r.Header.Get("Access-Control-Allow-Origin") == origin) != (status == 200) {
			w.Errorf("%s: %d %v", origin, r.Status, r.Header)
		}
	}
	if r := w.want(w.admin, "GET /one-a/k", "", 200, "", "Origin", "https://page.example"); r.Header.Get("Access-Control-Allow-Origin") != "https://page.example" {
		w.Errorf("%v", r.Header)
	}
}
