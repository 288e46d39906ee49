package door

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/gate"
)

const publicPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::fleet/open/*"}]}`

func (d *door) public() {
	d.Helper()
	if err := d.db.PutBucketPolicy(context.Background(), "fleet", publicPolicy); err != nil {
		d.Fatal(err)
	}
}

// do sends a request and returns status and text.
func (d *door) do(r *http.Request) (int, string) {
	d.Helper()
	resp, err := d.client(1).Do(r)
	if err != nil {
		d.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestPublicAccess: what a bucket's policy allows to everyone takes no signature
// if the switch is on, and nothing else does.
func TestPublicAccess(t *testing.T) {
	for _, on := range []bool{false, true} {
		d := openDoorWith(t, func(cfg *gate.Config) { cfg.Public = on })
		d.public()
		for _, name := range []string{"open/k", "own/k"} {
			if status, text := d.do(d.request(http.MethodPut, "/fleet/"+name, strings.NewReader("content"), 7)); status != http.StatusOK {
				t.Fatal(status, text)
			}
		}
		for _, q := range []struct {
			method, path, body string
			status             int
		}{
			{"GET", "/fleet/open/k", "", 200}, {"HEAD", "/fleet/open/k", "", 200}, {"PUT", "/fleet/open/new", "x", 200},
			{"GET", "/fleet/own/k", "", 403}, {"PUT", "/fleet/own/k", "x", 403}, {"DELETE", "/fleet/open/k", "", 403},
			{"GET", "/fleet", "", 403}, {"GET", "/", "", 403}, {"PUT", "/fleet2", "", 403}, {"GET", "/fleet?policy", "", 403},
			{"POST", "/?Action=ListUsers&Version=2010-05-08", "", 403},
		} {
			r, err := http.NewRequest(q.method, d.URL+q.path, strings.NewReader(q.body))
			if err != nil {
				t.Fatal(err)
			}
			want := q.status
			if !on {
				want = http.StatusForbidden
			}
			if status, text := d.do(r); status != want {
				t.Errorf("switch %v: %s %s: %d %s", on, q.method, q.path, status, text)
			}
		}
		for header, value := range map[string]string{
			"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
			"Authorization":        "AWS4-HMAC-SHA256 Credential=/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00",
		} {
			r, _ := http.NewRequest(http.MethodPut, d.URL+"/fleet/open/odd", strings.NewReader("x"))
			r.Header.Set(header, value)
			if status, text := d.do(r); status < 400 {
				t.Errorf("%s: %s: %d %s", header, value, status, text)
			}
		}
	}
}
