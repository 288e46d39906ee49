package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/upstream"
)

// TestTagsOfMany: a list of keys whose tags policies want to know is decided in
// the time of some, each key by its own tags.
func TestTagsOfMany(t *testing.T) {
	const keys, each = 300, 20 * time.Millisecond
	var at, most, asked atomic.Int64
	w, e := frontOf(t, upstream.Ceph, func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.Query().Has("tagging") {
			if r.Method == http.MethodPost {
				_, _ = io.WriteString(w, "<DeleteResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'/>")
			}
			return
		}
		asked.Add(1)
		if n := at.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(each)
		at.Add(-1)
		switch {
		case strings.HasSuffix(r.URL.Path, "/k7"):
			_, _ = io.WriteString(w, "<Tagging><TagSet><Tag><Key>hold</Key><Value>yes</Value></Tag></TagSet></Tagging>")
		case strings.HasSuffix(r.URL.Path, "/k8"):
			w.WriteHeader(http.StatusBadGateway)
		default:
			_, _ = io.WriteString(w, "<Tagging><TagSet/></Tagging>")
		}
	})
	w.want(w.admin, "PUT /cam-a?policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:BypassGovernanceRetention",`+
		`"Resource":"arn:aws:s3:::cam-a/*","Condition":{"StringEquals":{"s3:ExistingObjectTag/hold":"yes"}}}]}`, 204, "")
	var list strings.Builder
	for i := range keys {
		fmt.Fprintf(&list, "<Object><Key>k%d</Key></Object>", i)
	}
	begun := time.Now()
	r := w.want(w.admin, "POST /cam-a?delete", "<Delete>"+list.String()+"</Delete>", 200, "", "X-Amz-Bypass-Governance-Retention", "true")
	if took := time.Since(begun); took > keys*each/2 || most.Load() > 40 || asked.Load() != keys {
		t.Errorf("%d questions took %v, %d at a time", asked.Load(), took, most.Load())
	}
	w.contains(r, "<Key>k7</Key>", "<Key>k8</Key>")
	if n := strings.Count(string(r.Body), "<Error>"); n != 2 {
		t.Errorf("%d keys are refused: %s", n, r.Body)
	}
	if got := e.last(); got == nil || strings.Count(got.body, "<Key>") != keys-2 || strings.Contains(got.body, "<Key>k7<") || strings.Contains(got.body, "<Key>k8<") {
		t.Errorf("the engine saw %v", got)
	}
}

// TestClaimedHash: a policy is told the hash that was signed, and what has another
// does not reach an engine.
func TestClaimedHash(t *testing.T) {
	w, e := frontOf(t, upstream.Ceph, nil)
	good, bad := []byte(strings.Repeat("good", 1<<18)), []byte(strings.Repeat("evil", 1<<18))
	hash := sigv4.PayloadHash(good)
	w.want(w.admin, "PUT /cam-a?policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject",`+
		`"Resource":"arn:aws:s3:::cam-a/*","Condition":{"StringNotEquals":{"s3:x-amz-content-sha256":"`+hash+`"}}}]}`, 204, "")
	for _, q := range []struct {
		body   []byte
		signed string
		also   [2]string
		status int
	}{
		{good, hash, [2]string{"X-Amz-Meta-A", "b"}, 200},
		{bad, hash, [2]string{"X-Amz-Meta-A", "b"}, 400},
		{bad, sigv4.PayloadHash(bad), [2]string{"X-Amz-Checksum-Sha256", "x"}, 403},
		{good, sigv4.UnsignedPayload, [2]string{"X-Amz-Meta-A", "b"}, 403},
		{good, hash, [2]string{"Content-Md5", "AAAAAAAAAAAAAAAAAAAAAA=="}, 400},
		{good, hash, [2]string{"X-Amz-Checksum-Crc32", "AAAAAA=="}, 400},
	} {
		_ = e.last()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.server.APIURL()+"/cam-a/k", bytes.NewReader(q.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(q.also[0], q.also[1])
		sigv4.Sign(r, w.admin.Credentials, "us-east-1", "s3", time.Now(), q.signed)
		resp, err := w.admin.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := e.last(); resp.StatusCode != q.status || (got != nil && got.Method == http.MethodPut) != (q.status == 200) {
			t.Errorf("%s %v: %d, the engine saw %v", q.signed, q.also, resp.StatusCode, got)
		}
	}
}
