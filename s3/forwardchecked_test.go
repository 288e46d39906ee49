package s3_test

import (
	"strings"
	"testing"

	"github.com/thingpass/thingpass/upstream"
)

// TestForwardedDocuments: of a document that could have an engine write to
// another bucket, only what cannot is forwarded.
func TestForwardedDocuments(t *testing.T) {
	w, e := frontOf(t, upstream.AWS, nil)
	const ns = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`
	for _, q := range []struct {
		line, body string
		status     int
		code, seen string
	}{
		{"POST /cam-a/k?restore", "<RestoreRequest><Days>2</Days><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>", 200, "",
			"<RestoreRequest" + ns + "><Days>2</Days><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>"},
		{"POST /cam-a/k?restore", "<RestoreRequest><!-- x --><Days> 1 </Days></RestoreRequest>", 200, "", "<RestoreRequest" + ns + "><Days>1</Days></RestoreRequest>"},
		{"POST /cam-a/k?restore", "<RestoreRequest><Type>SELECT</Type><OutputLocation><S3><BucketName>other</BucketName></S3></OutputLocation></RestoreRequest>", 501, "NotImplemented", ""},
		{"POST /cam-a/k?restore", "<RestoreRequest><Days>1</Days><OutputLocation/></RestoreRequest>", 501, "NotImplemented", ""},
		{"POST /cam-a/k?restore", "<RestoreRequest><Days>0</Days></RestoreRequest>", 400, "MalformedXML", ""},
		{"POST /cam-a/k?restore", "<RestoreRequest><Tier>x</Tier></RestoreRequest>", 400, "MalformedXML", ""},
		{"POST /cam-a/k?restore", "", 400, "MalformedXML", ""},
		{"PUT /cam-a?replication", "<ReplicationConfiguration><Rule><Destination><Bucket>arn:aws:s3:::other</Bucket></Destination></Rule></ReplicationConfiguration>", 501, "NotImplemented", ""},
		{"PUT /cam-a?inventory&id=a", "<InventoryConfiguration/>", 501, "NotImplemented", ""},
		{"PUT /cam-a?analytics&id=a", "<AnalyticsConfiguration/>", 501, "NotImplemented", ""},
		{"PUT /cam-a?logging", "<BucketLoggingStatus><LoggingEnabled><TargetBucket>other</TargetBucket></LoggingEnabled></BucketLoggingStatus>", 501, "NotImplemented", ""},
		{"PUT /cam-a?logging", "<BucketLoggingStatus/>", 200, "", "<BucketLoggingStatus" + ns + "/>"},
		{"PUT /cam-a?cors", "<CORSConfiguration/>", 200, "", "<CORSConfiguration/>"},
	} {
		w.want(w.admin, q.line, q.body, q.status, q.code)
		got := e.last()
		if (got == nil) != (q.seen == "") || got != nil && got.body != q.seen {
			t.Errorf("%s %s: the engine saw %v", q.line, q.body, got)
		}
	}
}

// TestForwardedTaggingDirective: tags that a copy is allowed to have are not left
// to an engine that would copy the source's.
func TestForwardedTaggingDirective(t *testing.T) {
	for _, kind := range strings.Fields("aws minio seaweedfs ceph garage other") {
		w, e := frontOf(t, upstream.Kind(kind), documents)
		carried := strings.Contains("aws minio seaweedfs", kind)
		status, code := 501, "NotImplemented"
		if carried {
			status, code = 200, ""
		}
		w.want(w.admin, "PUT /cam-a/k", "", status, code, "X-Amz-Copy-Source", "/cam-a/s", "X-Amz-Tagging-Directive", "REPLACE", "X-Amz-Tagging", "class=public")
		if got := e.last(); (got != nil) != carried || got != nil && got.Header.Get("X-Amz-Tagging") != "class=public" {
			t.Errorf("%s: the engine saw %v", kind, got)
		}
		w.want(w.admin, "PUT /cam-a/k", "", 400, "InvalidArgument", "X-Amz-Copy-Source", "/cam-a/s", "X-Amz-Tagging", "class=public")
		w.want(w.admin, "PUT /cam-a/k", "", 200, "", "X-Amz-Copy-Source", "/cam-a/s", "X-Amz-Tagging-Directive", "COPY")
	}
}
