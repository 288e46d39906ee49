package s3_test

import (
	"strings"
	"testing"
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
	for _, v := range []string{"", `""`, `"abc"`, `"*"`, "abc"} {
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
