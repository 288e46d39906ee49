package iot

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestNamesOfOperations: every row of the tables is an operation of AWS by its
// method and path, and every operation of AWS is found by its name.
func TestNamesOfOperations(t *testing.T) {
	names := elsewhere()
	find := func(method, path string) string {
		name, _, _ := names.Match(&http.Request{Method: method, URL: &url.URL{Path: path}})
		return name
	}
	for _, op := range New(Config{}).Operations {
		if got := find(op.Method, strings.NewReplacer("{", "", "}", "").Replace(op.Path)); got != op.Name {
			t.Errorf("%s %s is %s on AWS, and %s here", op.Method, op.Path, got, op.Name)
		}
	}
	for request, want := range map[string]string{
		"GET /things/odd/principals-v2": "ListThingPrincipalsV2", "GET /principals/things-v2": "ListPrincipalThingsV2",
		"POST /certificate/register": "RegisterCertificate", "POST /cacertificate": "RegisterCACertificate", "POST /things": "RegisterThing",
		"POST /provisioning-templates": "CreateProvisioningTemplate", "POST /indices/search": "SearchIndex", "GET /registrationcode": "GetRegistrationCode",
		"PUT /things/a/b/c": "", "BREW /things": "",
	} {
		method, path, _ := strings.Cut(request, " ")
		if got := find(method, path); got != want {
			t.Errorf("%s is %q, want %q", request, got, want)
		}
	}
}
