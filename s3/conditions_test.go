package s3_test

import (
	"crypto/md5"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/upstream"
)

// become gives the device's role another policy, and waits until it counts:
// then probe, which no policy allowed before, is.
func (w *world) become(policy string) {
	w.Helper()
	const probe = `,{"Effect":"Allow","Action":"s3:GetBucketLocation","Resource":"arn:aws:s3:::fleet"}]}`
	w.query("iam", "PutRolePolicy", "RoleName", "Lamp", "PolicyName", "p", "PolicyDocument", strings.TrimSuffix(policy, "]}")+probe)
	w.eventually(func() bool { return w.do(w.device, "GET /fleet?location", "").Status == 200 })
}

// TestWriteOnce: a policy that demands a condition gets one that is carried out
// (user guide, "Enforce conditional writes on Amazon S3 buckets").
func TestWriteOnce(t *testing.T) {
	w := newWorld(t)
	d := w.device
	w.become(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::fleet/*","Condition":{"Null":{"s3:if-none-match":"false"}}},
		{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::own/*","Condition":{"Null":{"s3:if-match":"false"}}},
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)
	w.want(d, "PUT /fleet/k", "first", 403, "AccessDenied")
	w.want(d, "PUT /fleet/k", "first", 200, "", "If-None-Match", "*")
	w.want(w.admin, "PUT /own/k", "first", 200, "")
	for _, v := range []string{`"abc"`, "abc"} { // carried out, and no condition to a policy
		w.want(d, "PUT /fleet/k", "second", 403, "AccessDenied", "If-None-Match", v)
		w.want(d, "PUT /fleet/k", "", 403, "AccessDenied", "If-None-Match", v, "x-amz-copy-source", "/own/k")
	}
	etag := w.want(w.admin, "HEAD /fleet/k", "", 200, "").Header.Get("Etag")
	w.want(w.admin, "PUT /fleet/k", "second", 412, "PreconditionFailed", "If-None-Match", etag)
	for _, v := range []string{"", `""`, `"*"`, `"a","b"`} {
		w.want(d, "PUT /fleet/k", "second", 501, "NotImplemented", "If-None-Match", v)
		w.want(d, "PUT /fleet/k", "", 501, "NotImplemented", "If-None-Match", v, "x-amz-copy-source", "/own/k")
	}
	for _, v := range []string{"", `""`} {
		w.want(d, "PUT /own/k", "second", 400, "InvalidArgument", "If-Match", v)
	}
	w.want(d, "PUT /fleet/k", "second", 412, "PreconditionFailed", "If-None-Match", "*")
	for _, path := range []string{"/fleet/k", "/own/k"} {
		if r := w.want(w.admin, "GET "+path, "", 200, ""); string(r.Body) != "first" {
			t.Errorf("%s holds %q", path, r.Body)
		}
	}
}

// TestDeleteWithCondition: the condition of an entry is the entry's own.
func TestDeleteWithCondition(t *testing.T) {
	w := newWorld(t)
	w.become(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::fleet/*","Condition":{"Null":{"s3:if-match":"false"}}}]}`)
	w.want(w.admin, "PUT /fleet/a", "x", 200, "")
	etag := w.want(w.admin, "PUT /fleet/b", "x", 200, "").Header.Get("Etag")
	body := `<Delete><Object><Key>a</Key></Object><Object><Key>a</Key><ETag></ETag></Object><Object><Key>b</Key><ETag>` + etag + `</ETag></Object></Delete>`
	w.want(w.device, "POST /fleet?delete", body, 501, "NotImplemented", "If-Match", "*")
	r := w.want(w.device, "POST /fleet?delete", body, 200, "")
	w.contains(r, "<Deleted><Key>b</Key></Deleted>")
	if n := strings.Count(string(r.Body), "<Error><Key>a</Key><Code>AccessDenied</Code>"); n != 2 {
		t.Errorf("%d entries without a condition are refused:\n%s", n, r.Body)
	}
	w.want(w.admin, "GET /fleet/a", "", 200, "")
	w.want(w.device, "DELETE /fleet/a", "", 403, "AccessDenied")
	w.want(w.device, "DELETE /fleet/a", "", 400, "InvalidArgument", "If-Match", "")
	w.want(w.device, "DELETE /fleet/a", "", 204, "", "If-Match", etag)
}

// TestLockDate: an engine is given the date that policies were asked about, and
// none that it might read otherwise.
func TestLockDate(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, nil)
	a := w.admin
	const header, line = "X-Amz-Object-Lock-Retain-Until-Date", "PUT /cam-a/k"
	retention := func(date string) string {
		return `<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>` + date + `</RetainUntilDate></Retention>`
	}
	md5of := func(s string) string { sum := md5.Sum([]byte(s)); return base64.StdEncoding.EncodeToString(sum[:]) }
	for _, date := range []string{"2130-01-01", "2130-01-01T00:00:00", "Sun, 01 Jan 2130 00:00:00 GMT", ""} {
		w.want(a, line, "x", 400, "InvalidArgument", "X-Amz-Object-Lock-Mode", "GOVERNANCE", header, date)
		w.want(a, line+"?retention", retention(date), 400, "MalformedXML")
	}
	if got := e.last(); got != nil {
		t.Errorf("the engine saw %s", got.RequestURI)
	}
	w.want(a, line, "x", 200, "", "X-Amz-Object-Lock-Mode", "GOVERNANCE", header, "2130-01-01T02:00:00.000+02:00")
	if got := e.last(); got.Header.Get(header) != "2130-01-01T00:00:00Z" {
		t.Errorf("the engine saw %q", got.Header.Get(header))
	}
	body := retention("2130-01-01T02:00:00+02:00")
	w.want(a, line+"?retention", body, 200, "", "Content-MD5", md5of(body), "x-amz-checksum-crc32", crc(body))
	got := e.last()
	if !strings.Contains(got.body, ">2130-01-01T00:00:00Z</RetainUntilDate>") || !strings.Contains(got.body, "<Mode>GOVERNANCE</Mode>") {
		t.Errorf("the engine saw %s", got.body)
	}
	if got.Header.Get("Content-Md5") != md5of(got.body) || got.Header.Get("X-Amz-Checksum-Crc32") != "" {
		t.Errorf("the engine saw %v", got.Header)
	}
}

// TestDocumentsMadeAnew: an engine is given what policies were asked about, and
// nothing that it might read otherwise.
func TestDocumentsMadeAnew(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, nil)
	for line, body := range map[string]string{
		"PUT /cam-a/k?tagging":    `<Tagging xmlns:x="y"><TagSet><x:Tag><x:Key>a</x:Key><Value>&lt;b</Value></x:Tag></TagSet></Tagging>`,
		"PUT /cam-a/k?legal-hold": `<x:LegalHold xmlns:x="y"><!-- --><x:Status><![CDATA[ON]]></x:Status></x:LegalHold>`,
	} {
		w.want(w.admin, line, body, 200, "")
		if got := e.last(); strings.Contains(got.body, "x:") || strings.Contains(got.body, "<!") || !strings.Contains(got.body, "<Key>a</Key><Value>&lt;b</Value>") && !strings.Contains(got.body, "<Status>ON</Status>") {
			t.Errorf("%s: the engine saw %s", line, got.body)
		}
	}
}

// TestPagesOfEngines: a number that is no plain number reaches no engine.
func TestPagesOfEngines(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, nil)
	for _, line := range []string{"GET /cam-a?max-keys=3%20", "GET /cam-a?list-type=2&max-keys=%2B3", "GET /cam-a?uploads&max-uploads=1%20"} {
		w.want(w.admin, line, "", 400, "InvalidArgument")
	}
	if got := e.last(); got != nil {
		t.Errorf("the engine saw %s", got.RequestURI)
	}
}
