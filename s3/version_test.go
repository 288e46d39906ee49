package s3_test

import (
	"strings"
	"testing"
)

const enabled = `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>`

func TestVersions(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	w.want(a, "PUT /fleet/k", "before", 200, "")
	w.want(a, "PUT /fleet?versioning", `<VersioningConfiguration><Status>On</Status></VersioningConfiguration>`, 400, "MalformedXML")
	w.want(a, "PUT /fleet?versioning", `<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>`, 501, "NotImplemented")
	w.want(a, "PUT /fleet?versioning", enabled, 200, "")
	w.contains(w.want(a, "GET /fleet?versioning", "", 200, ""), "<Status>Enabled</Status>")
	one := w.want(a, "PUT /fleet/k", "one", 200, "").Header.Get(versionID)
	two := w.want(a, "PUT /fleet/k", "two", 200, "").Header.Get(versionID)
	if one == "" || one == two {
		t.Fatalf("versions %q and %q", one, two)
	}
	for version, content := range map[string]string{one: "one", two: "two", "null": "before"} {
		r := w.want(a, "GET /fleet/k?versionId="+version, "", 200, "")
		if string(r.Body) != content || r.Header.Get(versionID) != version {
			t.Errorf("version %s: %q, %v", version, r.Body, r.Header)
		}
	}
	w.want(a, "GET /fleet/k?versionId=", "", 400, "InvalidArgument")
	gone := w.want(a, "DELETE /fleet/k", "", 204, "")
	marker := gone.Header.Get(versionID)
	if gone.Header.Get("X-Amz-Delete-Marker") != "true" || marker == "" {
		t.Errorf("deleted: %v", gone.Header)
	}
	if r := w.want(a, "GET /fleet/k", "", 404, "NoSuchKey"); r.Header.Get("X-Amz-Delete-Marker") != "true" || r.Header.Get(versionID) != marker {
		t.Errorf("after deletion: %v", r.Header)
	}
	if r := w.want(a, "GET /fleet/k?versionId="+marker, "", 405, "MethodNotAllowed"); r.Header.Get("X-Amz-Delete-Marker") != "true" || r.Header.Get("Last-Modified") == "" {
		t.Errorf("a marker: %v", r.Header)
	}
	list := string(w.want(a, "GET /fleet?versions", "", 200, "").Body)
	at := strings.Index(list, "<DeleteMarker><Key>k</Key><VersionId>"+marker+"</VersionId><IsLatest>true</IsLatest>")
	for _, version := range []string{two, one, "null"} {
		next := strings.Index(list, "<Version><Key>k</Key><VersionId>"+version+"</VersionId><IsLatest>false</IsLatest>")
		if at < 0 || next < at {
			t.Fatalf("%s is out of place in %s", version, list)
		}
		at = next
	}
	w.want(a, "PUT /own/copy", "", 200, "", "x-amz-copy-source", "/fleet/k?versionId="+one)
	if r := w.want(a, "GET /own/copy", "", 200, ""); string(r.Body) != "one" {
		t.Errorf("copy: %q", r.Body)
	}
	w.want(a, "PUT /own/copy", "", 400, "InvalidRequest", "x-amz-copy-source", "/fleet/k?versionId="+marker)
	w.contains(w.want(a, "POST /fleet?delete", `<Delete><Object><Key>k</Key><VersionId>`+marker+`</VersionId></Object></Delete>`, 200, ""),
		"<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>"+marker+"</DeleteMarkerVersionId>")
	if r := w.want(a, "GET /fleet/k", "", 200, ""); string(r.Body) != "two" {
		t.Errorf("without its marker: %q", r.Body)
	}
	w.want(a, "DELETE /fleet/k?versionId="+two, "", 204, "")
	if r := w.want(a, "GET /fleet/k", "", 200, ""); string(r.Body) != "one" {
		t.Errorf("without its newest version: %q", r.Body)
	}
}

const versionID = "X-Amz-Version-Id"

// Permission for objects is none for their versions.
func TestVersionPermissions(t *testing.T) {
	w := newWorld(t)
	w.want(w.admin, "PUT /fleet?versioning", enabled, 200, "")
	version := w.want(w.admin, "PUT /fleet/lamp/k", "x", 200, "").Header.Get(versionID)
	d := w.device
	w.want(d, "GET /fleet/lamp/k", "", 200, "")
	for _, line := range []string{
		"GET /fleet/lamp/k?versionId=" + version, "HEAD /fleet/lamp/k?versionId=" + version, "DELETE /fleet/lamp/k?versionId=" + version,
		"GET /fleet?versions&prefix=lamp/", "PUT /fleet?versioning", "GET /fleet/lamp/k?tagging", "DELETE /fleet/lamp/k?tagging", "GET /fleet/lamp/k?attributes",
	} {
		code := "AccessDenied"
		if strings.HasPrefix(line, "HEAD") {
			code = ""
		}
		w.want(d, line, "", 403, code)
	}
	w.want(d, "PUT /fleet/lamp/copy", "", 403, "AccessDenied", "x-amz-copy-source", "/fleet/lamp/k?versionId="+version)
	w.want(d, "PUT /fleet/lamp/k", "x", 403, "AccessDenied", "x-amz-tagging", "a=b")
	w.want(d, "PUT /fleet/lamp/k", "x", 403, "AccessDenied", "x-amz-acl", "private")
	w.want(d, "PUT /fleet/lamp/k?tagging", `<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>`, 403, "AccessDenied")
	w.want(d, "DELETE /fleet/lamp/k", "", 403, "AccessDenied", "x-amz-bypass-governance-retention", "true")
	w.want(d, "DELETE /fleet/lamp/k", "", 204, "")
	w.want(d, "GET /fleet/lamp/k", "", 403, "AccessDenied") // may not list: does not learn that it was deleted
	if r := w.want(d, "GET /fleet/lamp/k", "", 403, "AccessDenied"); r.Header.Get("X-Amz-Delete-Marker") != "" {
		t.Errorf("a marker is told: %v", r.Header)
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	tags := func(k, v string) string {
		return "<Tagging><TagSet><Tag><Key>" + k + "</Key><Value>" + v + "</Value></Tag></TagSet></Tagging>"
	}
	w.want(a, "PUT /fleet/k", "x", 200, "", "x-amz-tagging", "colour=red&size=%C3%BC")
	if r := w.want(a, "HEAD /fleet/k", "", 200, ""); r.Header.Get("X-Amz-Tagging-Count") != "2" {
		t.Errorf("%v", r.Header)
	}
	w.contains(w.want(a, "GET /fleet/k?tagging", "", 200, ""), "<Tag><Key>colour</Key><Value>red</Value></Tag><Tag><Key>size</Key><Value>ü</Value></Tag>")
	w.want(a, "PUT /own/k", "", 200, "", "x-amz-copy-source", "/fleet/k")
	w.contains(w.want(a, "GET /own/k?tagging", "", 200, ""), "<Value>red</Value>")
	w.want(w.device, "PUT /own/device", "", 403, "AccessDenied", "x-amz-copy-source", "/fleet/k")
	w.want(a, "PUT /own/k", "", 200, "", "x-amz-copy-source", "/fleet/k", "x-amz-tagging-directive", "REPLACE", "x-amz-tagging", "a=b")
	w.contains(w.want(a, "GET /own/k?tagging", "", 200, ""), "<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>")
	w.want(a, "PUT /fleet/k?tagging", tags("colour", "blue"), 200, "")
	w.contains(w.want(a, "GET /fleet/k?tagging", "", 200, ""), "<TagSet><Tag><Key>colour</Key><Value>blue</Value></Tag></TagSet>")
	w.want(a, "PUT /fleet/k?tagging", tags(strings.Repeat("k", 129), "v"), 400, "InvalidTag")
	w.want(a, "PUT /fleet/k?tagging", tags("aws:x", "v"), 400, "InvalidTag")
	w.want(a, "PUT /fleet/k?tagging", "<Tagging/>", 400, "MalformedXML")
	w.want(a, "PUT /fleet/k", "x", 400, "InvalidTag", "x-amz-tagging", "a&b&c&d&e&f&g&h&i&j&k")
	w.want(a, "PUT /fleet/k", "x", 400, "InvalidArgument", "x-amz-tagging", "a=1&a=2")
	w.want(a, "DELETE /fleet/k?tagging", "", 204, "")
	w.contains(w.want(a, "GET /fleet/k?tagging", "", 200, ""), "<TagSet></TagSet>")
	w.want(a, "PUT /fleet?tagging", tags("team", "a"), 200, "")
	w.contains(w.want(a, "GET /fleet?tagging", "", 200, ""), "<Key>team</Key>")
	w.want(a, "DELETE /fleet?tagging", "", 204, "")
	w.want(a, "GET /fleet?tagging", "", 404, "NoSuchTagSet")
	// What an object is tagged as, and is to be tagged as, is what policies are about.
	w.query("iam", "PutRolePolicy", "RoleName", "Lamp", "PolicyName", "p", "PolicyDocument", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:PutObjectTagging","s3:GetObjectTagging"],"Resource":"*"},
		{"Effect":"Deny","Action":["s3:GetObject","s3:GetObjectTagging"],"Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/secret":"yes"}}},
		{"Effect":"Deny","Action":"s3:PutObjectTagging","Resource":"*","Condition":{"ForAnyValue:StringNotEquals":{"s3:RequestObjectTagKeys":"colour"}}},
		{"Effect":"Deny","Action":"s3:PutObject","Resource":"*","Condition":{"StringEquals":{"s3:RequestObjectTag/colour":"black"}}}]}`)
	w.want(a, "PUT /fleet/s", "x", 200, "", "x-amz-tagging", "secret=yes")
	w.want(a, "PUT /fleet/open", "x", 200, "", "x-amz-tagging", "secret=no")
	w.eventually(func() bool { return w.do(w.device, "GET /fleet/open", "").Status == 200 })
	w.want(w.device, "GET /fleet/s", "", 403, "AccessDenied")
	w.want(w.device, "GET /fleet/s?tagging", "", 403, "AccessDenied")
	w.want(w.device, "PUT /fleet/k?tagging", tags("colour", "blue"), 200, "")
	w.want(w.device, "PUT /fleet/k?tagging", tags("other", "blue"), 403, "AccessDenied")
	w.want(w.device, "PUT /fleet/k", "x", 403, "AccessDenied", "x-amz-tagging", "colour=black")
	w.want(w.device, "PUT /fleet/k", "x", 200, "", "x-amz-tagging", "colour=white")
}

func TestAttributes(t *testing.T) {
	w := newWorld(t)
	w.want(w.admin, "PUT /fleet/k", "hello world", 200, "", "x-amz-checksum-crc32", "DUoRhQ==")
	r := w.want(w.admin, "GET /fleet/k?attributes", "", 200, "", "x-amz-object-attributes", "ETag,Checksum,ObjectSize,StorageClass,ObjectParts")
	w.contains(r, "<ETag>5eb63bbbe01eeed093cb22bb8f5acdc3</ETag>", "<ChecksumCRC32>DUoRhQ==</ChecksumCRC32>", "<ObjectSize>11</ObjectSize>", "<StorageClass>STANDARD</StorageClass>")
	w.want(w.admin, "GET /fleet/k?attributes", "", 400, "InvalidRequest")
	w.want(w.admin, "GET /fleet/k?attributes", "", 400, "InvalidArgument", "x-amz-object-attributes", "Colour")
	w.want(w.admin, "GET /fleet/none?attributes", "", 404, "NoSuchKey", "x-amz-object-attributes", "ETag")
}
