package upstream_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/thingpass/thingpass/upstream"
)

// TestTurnsOfStrangers: requests without a signature have few of an engine's
// turns, and give them back.
func TestTurnsOfStrangers(t *testing.T) {
	asked, answer := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			asked <- struct{}{}
			<-answer
		}
	}))
	defer server.Close()
	endpoint, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	e := upstream.New(upstream.Config{Name: "e", Endpoint: endpoint, Kind: upstream.Other, Concurrency: 16})
	defer e.Close()
	send := func(method string) error {
		a, err := e.Send(t.Context(), &upstream.Request{Method: method, Bucket: "b", Unsigned: method == http.MethodOptions})
		if err == nil {
			a.Close()
		}
		return err
	}
	waiting := make(chan error)
	for range 2 {
		go func() { waiting <- send(http.MethodOptions) }()
		<-asked
	}
	if failed, ok := errors.AsType[*upstream.Error](send(http.MethodOptions)); !ok || failed.Failure != upstream.Busy {
		t.Errorf("a third stranger has a turn: %v", failed)
	}
	if err := send(http.MethodGet); err != nil {
		t.Errorf("strangers have all turns: %v", err)
	}
	close(answer)
	for range 2 {
		if err := <-waiting; err != nil {
			t.Error(err)
		}
	}
	for range 20 { // more than there are turns
		select {
		case <-asked:
		default:
		}
		if err := send(http.MethodOptions); err != nil {
			t.Fatalf("no turn was given back: %v", err)
		}
	}
}
