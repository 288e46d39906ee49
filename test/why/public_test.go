package why_test

import (
	"net/http"
	"testing"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/thingtest"
)

// TestUnsignedRequest: with --s3-public the policy of the bucket is what is
// explained; nobody has no policies of its own.
func TestUnsignedRequest(t *testing.T) {
	s, err := thingtest.Start(t.Context(), thingtest.Options{Account: account, Configure: func(c *server.Config) { c.S3Public = true }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &world{t: t, Server: s, control: server.NewControl(s.Dir)}
	w.s3(http.MethodPut, "/vincent-iot", nil)
	w.s3(http.MethodPut, "/vincent-iot/open/page", []byte("content"))
	w.s3(http.MethodPut, "/vincent-iot?policy", []byte(`{"Version":"2012-10-17","Statement":[{"Sid":"Open","Effect":"Allow","Principal":"*",
		"Action":"s3:GetObject","Resource":"`+bucket+`/open/*"}]}`))
	w.settle()
	for _, c := range []struct {
		path   string
		status int
		want   []string
	}{
		{"/vincent-iot/open/page", http.StatusOK, []string{"ALLOWED", "the request is not signed", `"Open"`}},
		{"/vincent-iot/shut/page", http.StatusForbidden, []string{"DENIED", "the request is not signed", "would still be denied", `"Principal": "*"`}},
	} {
		resp, err := s.Admin.HTTP.Get(s.APIURL() + c.path)
		w.must(err)
		w.must(resp.Body.Close())
		if resp.StatusCode != c.status {
			t.Fatalf("%s: %s", c.path, resp.Status)
		}
		w.why([]string{resp.Header.Get("X-Amz-Request-Id")}, c.want...)
	}
}
