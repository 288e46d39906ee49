package test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/test/rig"
)

// TestAuditNamesTheDevice: the lines of what a device asked for with its
// credentials carry its thing and its certificate, allowed or refused, so that
// one search finds all that it did. Those of others have neither.
func TestAuditNamesTheDevice(t *testing.T) {
	s := serve(t, install(t))
	admin := s.Client(s.Admin)
	devices, err := rig.Prepare(t.Context(), admin, rig.SetUp{
		Role: "R", Alias: "A", IoTPolicy: "P", Devices: 2,
		Permissions: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.Call(t.Context(), http.MethodPost, "/things/lamp", map[string]any{}, nil); err != nil {
		t.Fatal(err)
	}
	err = admin.CallWith(t.Context(), http.MethodPut, "/things/lamp/principals", http.Header{"X-Amzn-Principal": {devices[0].ARN}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, thing := range []string{"lamp", ""} {
		keys, _, err := s.Device(devices[n].Certificate).Credentials(t.Context(), "A", thing)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Client(keys).S3(t.Context(), http.MethodGet, "/", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Client(keys).S3(t.Context(), http.MethodGet, "/none/key", nil); err == nil {
			t.Fatal("the device may read what it should not")
		}
	}
	lines := auditLines(t, s.Data+".log")
	for n, thing := range []string{"lamp", ""} {
		for _, decision := range []string{"allow", "implicit deny"} {
			found := 0
			for _, l := range lines {
				if l["certificate"] == devices[n].ID && l["decision"] == decision {
					found++
					if l["thing"] != thing {
						t.Errorf("thing %q instead of %q: %v", l["thing"], thing, l)
					}
				}
			}
			if found != 1 {
				t.Errorf("device %d: %d lines with decision %q", n, found, decision)
			}
		}
	}
	for _, l := range lines {
		if _, has := l["certificate"]; has && strings.HasSuffix(l["principal"].(string), ":user/admin") {
			t.Errorf("the administrator has a certificate: %v", l)
		}
	}
}

// auditLines reads the lines of signed requests in a log.
func auditLines(t *testing.T, file string) (lines []map[string]any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(raw)) {
		var line map[string]any
		if json.Unmarshal([]byte(text), &line) == nil && line["msg"] == "request" {
			lines = append(lines, line)
		}
	}
	return lines
}
