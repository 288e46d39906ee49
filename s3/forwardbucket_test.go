package s3_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/thingpass/thingpass/upstream"
)

// TestSlowEngine: who makes a bucket on an engine that does not answer holds
// nobody up elsewhere.
func TestSlowEngine(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w, _ := frontOf(t, upstream.Ceph, func(http.ResponseWriter, *http.Request) {
		once.Do(func() { close(asked) })
		<-answer
	})
	var group sync.WaitGroup
	group.Go(func() { _, _ = w.admin.Do(t.Context(), "s3", "PUT", "/cam-slow", nil, nil) })
	<-asked
	w.want(w.admin, "PUT /own", "", 200, "")
	w.want(w.admin, "PUT /own?policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::own/no"}]}`, 204, "")
	close(answer)
	group.Wait()
}
