package wire

import (
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoutes(t *testing.T) {
	var rs Routes[string]
	for _, r := range [][2]string{
		{"GET", "/endpoint"}, {"GET", "/role-aliases"}, {"GET", "/role-aliases/{roleAlias}"}, {"PUT", "/role-aliases/{roleAlias}"},
		{"POST", "/attached-policies/{target}"}, {"GET", "/things/{thingName}"}, {"GET", "/things/{thing}/principals"},
		{"GET", "/things/special"}, {"GET", "/{kind}/things"}, {"POST", "/"},
	} {
		rs.Add(r[0], r[1], r[0]+" "+r[1])
	}
	for _, tt := range []struct {
		method, path, want string
		labels             map[string]string
	}{
		{"GET", "/endpoint?endpointType=iot:Data", "GET /endpoint", nil},
		{"GET", "/role-aliases/a=,@b", "GET /role-aliases/{roleAlias}", map[string]string{"roleAlias": "a=,@b"}},
		{"PUT", "/role-aliases/a%3Db", "PUT /role-aliases/{roleAlias}", map[string]string{"roleAlias": "a=b"}},
		{"POST", "/attached-policies/arn%3Aaws%3Aiot%3Ar%3A1%3Acert%2Fx", "POST /attached-policies/{target}", map[string]string{"target": "arn:aws:iot:r:1:cert/x"}},
		{"GET", "/things/a%252Fb", "GET /things/{thingName}", map[string]string{"thingName": "a%2Fb"}},
		{"GET", "/things/a+b", "GET /things/{thingName}", map[string]string{"thingName": "a+b"}},
		{"GET", "/things/t/principals", "GET /things/{thing}/principals", map[string]string{"thing": "t"}},
		{"GET", "/things/special", "GET /things/special", nil},
		{"GET", "/things/special/principals", "GET /things/{thing}/principals", map[string]string{"thing": "special"}},
		{"GET", "/things/things", "GET /things/{thingName}", map[string]string{"thingName": "things"}},
		{"GET", "/principals/things", "GET /{kind}/things", map[string]string{"kind": "principals"}},
		{"POST", "/", "POST /", nil},
		{"GET", "/", "", nil},
		{"DELETE", "/endpoint", "", nil},
		{"HEAD", "/endpoint", "", nil},
		{"GET", "/endpoint/", "", nil},
		{"GET", "//endpoint", "", nil},
		{"GET", "/x/../endpoint", "", nil},
		{"GET", "/things//principals", "", nil},
		{"GET", "/role-aliases/", "", nil},
		{"GET", "/role-aliases/a/b", "", nil},
		{"GET", "/things/t/principals/x/y/z", "", nil},
	} {
		t.Run(tt.method+tt.path, func(t *testing.T) {
			got, labels, ok := rs.Match(httptest.NewRequest(tt.method, tt.path, nil))
			if got != tt.want || ok != (tt.want != "") {
				t.Fatalf("got %q, %v; want %q", got, ok, tt.want)
			}
			if diff := cmp.Diff(tt.labels, labels); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRoutesAddPanics(t *testing.T) {
	for name, add := range map[string]func(*Routes[int]){
		"no slash": func(rs *Routes[int]) { rs.Add("GET", "x", 1) },
		"taken":    func(rs *Routes[int]) { rs.Add("GET", "/x/{a}", 1); rs.Add("GET", "/x/{b}", 2) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			add(&Routes[int]{})
		})
	}
}
