package s3_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/upstream"
)

// groups are documents that let everybody read, however they are written.
var groups = []string{
	"<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>",
	"<URI>http://acs.amazonaws.com/groups/global/AuthenticatedUsers</URI>",
	"<URI>http://acs.amazonaws.com&#47;gro&#x75;ps/global/AllUsers</URI>",
	"<URI>http://acs.amazonaws.com/gro<!-- -->ups/global/AllUsers</URI>",
	"<URI>http://acs.amazonaws.com/gro<x>y</x>ups/global/AllUsers</URI>",
	"<URI><![CDATA[http://acs.amazonaws.com/groups/]]>global/AllUsers</URI>",
	"<a:URI xmlns:a='x'>http://acs.amazonaws.com/GROUPS/global/AllUsers</a:URI>",
}

func listOf(grantee string) string {
	return `<AccessControlPolicy><Owner><ID>x</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">` +
		grantee + `</Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`
}

// TestPublicLists: what an engine would let everybody read who reaches it takes
// the switch that lets anything be public.
func TestPublicLists(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, nil)
	const everybody = `uri="http://acs.amazonaws.com/groups/global/AllUsers"`
	lines := []string{"PUT /cam-b", "PUT /cam-a?acl", "PUT /cam-a/k", "PUT /cam-a/k?acl", "POST /cam-a/k?uploads"}
	for _, line := range lines {
		for _, header := range [][]string{
			{"X-Amz-Acl", "public-read"}, {"X-Amz-Acl", "public-read-write"}, {"X-Amz-Acl", "authenticated-read"}, {"X-Amz-Acl", "PUBLIC-READ"},
			{"X-Amz-Grant-Read", everybody}, {"X-Amz-Grant-Full-Control", `id="x", URI = ` + everybody}, {"X-Amz-Grant-Write-Acp", strings.ToUpper(everybody)},
		} {
			if strings.HasPrefix(line, "POST") && strings.HasPrefix(header[0], "X-Amz-Grant-Write-Acp") {
				continue
			}
			w.want(w.admin, line, "", 400, "AccessControlListNotSupported", header...)
			if got := e.last(); got != nil && got.Method != http.MethodHead { // whether there is the bucket
				t.Errorf("%s %s: the engine saw %s %s", line, header, got.Method, got.RequestURI)
			}
		}
	}
	for _, grantee := range groups {
		for _, line := range []string{"PUT /cam-a?acl", "PUT /cam-a/k?acl"} {
			w.want(w.admin, line, listOf(grantee), 400, "AccessControlListNotSupported")
			if got := e.last(); got != nil {
				t.Errorf("%s: the engine saw %s", grantee, got.body)
			}
		}
	}
	w.want(w.admin, "PUT /cam-a?acl", `<!DOCTYPE a [<!ENTITY b "AllUsers">]>`+listOf("<URI>&b;</URI>"), 400, "MalformedXML")
	w.want(w.admin, "PUT /cam-a/k", "x", 200, "", "X-Amz-Acl", "bucket-owner-full-control")
	w.want(w.admin, "PUT /cam-a?acl", listOf("<ID>other</ID>"), 200, "")
}

// TestPublicListsAllowed is the same with the switch.
func TestPublicListsAllowed(t *testing.T) {
	e := &engine{t: t}
	listening := httptest.NewServer(e)
	t.Cleanup(listening.Close)
	u, err := url.Parse(listening.URL)
	if err != nil {
		t.Fatal(err)
	}
	s, err := thingtest.Start(t.Context(), thingtest.Options{S3Public: true, S3Engines: []upstream.Config{{
		Name: "back", Endpoint: u, Region: "us-east-1", Kind: upstream.Ceph, AccessKeyID: "ENGINEKEY", SecretKey: thingpass.NewSecret(engineSecret)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &world{T: t, server: s, admin: s.Admin}
	w.want(w.admin, "PUT /cam-a/k", "x", 200, "", "X-Amz-Acl", "public-read")
	if got := e.last(); got.Header.Get("X-Amz-Acl") != "public-read" {
		t.Errorf("the engine saw %v", got.Header)
	}
	w.want(w.admin, "PUT /cam-a/k?acl", listOf(groups[0]), 200, "")
	if got := e.last(); !strings.Contains(got.body, "AllUsers") {
		t.Errorf("the engine saw %s", got.body)
	}
}
