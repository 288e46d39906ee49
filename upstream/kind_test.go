package upstream_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/upstream"
)

func TestRefuses(t *testing.T) {
	for _, q := range []struct {
		kind        upstream.Kind
		bucket, key string
		refused     bool
	}{
		{upstream.Ceph, "b", "a/../b", false}, {upstream.AWS, "b", "//", false}, {upstream.Garage, "b", ".", false},
		{upstream.MinIO, "b", "a/../b", true}, {upstream.MinIO, "b", "a//b", true}, {upstream.MinIO, "b", "/a", true}, {upstream.MinIO, "b", "a/", false},
		{upstream.SeaweedFS, "b", "a/", true}, {upstream.Other, "b", "./a", true}, {upstream.Other, "b", "a/..", true}, {upstream.Other, "b", "a/.b/..c", false},
		{upstream.Ceph, "admin", "user", true}, {upstream.Ceph, "swift", "", true}, {upstream.MinIO, "minio", "", true}, {upstream.AWS, "admin", "", false},
		{upstream.Ceph, "administration", "", false},
	} {
		if why := q.kind.Refuses(q.bucket, q.key); (why != "") != q.refused {
			t.Errorf("%s %s/%s: %q", q.kind, q.bucket, q.key, why)
		}
	}
	if upstream.Ceph.RefusesPartSource("a%b") == "" || upstream.AWS.RefusesPartSource("a%b") != "" || upstream.Ceph.RefusesPartSource("ab") != "" {
		t.Error("the source of a part")
	}
	e := upstream.New(upstream.Config{Name: "e", Kind: upstream.Ceph, Endpoint: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}})
	for _, q := range []upstream.Request{
		{Bucket: "admin", Key: "user"}, {Bucket: "b", Key: "a", Upload: "b.2~x"}, {Bucket: "b", Key: "a", Version: "abcdefghijklmnopqrstuvwxyz0123_b"},
		{Bucket: "b", Key: "a", Source: &upstream.Object{Bucket: "b", Key: "a", Version: "x_b"}}, {Bucket: "b", Key: "a", Upload: "2~x", Source: &upstream.Object{Bucket: "b", Key: "%"}},
	} {
		q.Method = http.MethodGet
		if _, err := e.Send(t.Context(), &q); err == nil || !strings.Contains(err.Error(), "is not sent") {
			t.Errorf("%+v: %v", q, err)
		}
	}
}
