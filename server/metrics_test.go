package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/thingpass/thingpass/gate"
)

// count sums a counter over the series that have this label.
func (m *metrics) count(t *testing.T, name, label, value string) (sum float64, series int) {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, s := range f.GetMetric() {
			for _, l := range s.GetLabel() {
				if l.GetName() == label && l.GetValue() == value {
					sum += s.GetCounter().GetValue()
					series++
				}
			}
		}
	}
	return sum, series
}

func TestRequestMetrics(t *testing.T) {
	m := newMetrics()
	for range 3 {
		m.request(gate.Observation{Service: "s3", Operation: "PutObject", Code: "OK", Decision: "allow", Engine: "rgw", Took: time.Second, Upstream: time.Millisecond, In: 5, Out: 7})
	}
	if n, _ := m.count(t, "thingpass_requests_total", "engine", "rgw"); n != 3 {
		t.Errorf("%v requests, not 3", n)
	}
	if n, _ := m.count(t, "thingpass_request_bytes_total", "direction", "in"); n != 15 {
		t.Errorf("%v bytes in, not 15", n)
	}
}

// TestMetricsAreBounded: an engine that makes error codes up costs no memory.
func TestMetricsAreBounded(t *testing.T) {
	m := newMetrics()
	for i := range 3 * maxKinds {
		m.request(gate.Observation{Service: "s3", Operation: "GetObject", Code: fmt.Sprint("Code", i), Engine: "rgw"})
	}
	if n, series := m.count(t, "thingpass_requests_total", "engine", "rgw"); n != 3*maxKinds || series > maxKinds+1 {
		t.Errorf("%v requests in %d series", n, series)
	}
}
