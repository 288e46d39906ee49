package wire

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type restPage struct {
	Size  *int64 `query:"pageSize"`
	Order bool   `query:"isAscendingOrder"`
}

type restTag struct {
	Key   string
	Value *string `json:"Value,omitempty"`
}

type restInput struct {
	restPage
	Name     string            `uri:"name"`
	Kinds    []string          `query:"kind"`
	Who      *string           `header:"x-amzn-principal"`
	ARN      *string           `json:"roleArn"`
	Seconds  *int64            `json:"credentialDurationSeconds"`
	Merge    bool              `json:"merge"`
	Tags     []restTag         `json:"tags"`
	Attr     map[string]string `json:"attributes"`
	Untagged string
	//lint:ignore U1000 a decoder must leave unexported fields alone
	hidden string
}

func TestDecodeREST(t *testing.T) {
	for _, tt := range []struct {
		name, url, body string
		want            restInput
	}{
		{"empty", "/", "", restInput{}},
		{"null members", "/", `{"roleArn":null,"tags":null}`, restInput{}},
		{
			"everything", "/?pageSize=7&isAscendingOrder=True&kind=a&kind=b",
			`{"roleArn":"r","credentialDurationSeconds":900,"merge":true,"tags":[{"Key":"k","Value":""},{"Key":"l"}],"attributes":{"a":"b"},"new":[1]}`,
			restInput{
				restPage: restPage{Size: new(int64(7)), Order: true}, Kinds: []string{"a", "b"}, ARN: new("r"), Seconds: new(int64(900)),
				Merge: true, Tags: []restTag{{"k", new("")}, {"l", nil}}, Attr: map[string]string{"a": "b"},
			},
		},
		// The URL's members are not the body's, and case counts.
		{"body cannot stand in", "/", `{"name":"x","Name":"x","pageSize":9,"ROLEARN":"x","Untagged":"x","hidden":"x","-":"x"}`, restInput{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got restInput
			if err := DecodeREST(httptest.NewRequest("GET", tt.url, nil), []byte(tt.body), nil, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(restInput{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Amzn-Principal", "arn")
	var got restInput
	if err := DecodeREST(r, nil, map[string]string{"name": "n"}, &got); err != nil || got.Name != "n" || got.Who == nil || *got.Who != "arn" {
		t.Errorf("labels and headers: %+v, %v", got, err)
	}
}

func TestDecodeRESTRefuses(t *testing.T) {
	for _, tt := range []struct{ name, url, body string }{
		{"not JSON", "/", "{"},
		{"not an object", "/", "[]"},
		{"two values", "/", "{} {}"},
		{"text for an integer", "/", `{"credentialDurationSeconds":"900"}`},
		{"fraction for an integer", "/", `{"credentialDurationSeconds":900.5}`},
		{"too large an integer", "/", `{"credentialDurationSeconds":9223372036854775808}`},
		{"number for a text", "/", `{"roleArn":1}`},
		{"object for a list", "/", `{"tags":{}}`},
		{"number deep inside", "/", `{"tags":[{"Key":1}]}`},
		{"not UTF-8", "/", "{\"roleArn\":\"\xff\"}"},
		{"query integer", "/?pageSize=x", ""},
		{"query boolean", "/?isAscendingOrder=1", ""},
		{"query twice", "/?pageSize=1&pageSize=2", ""},
		{"query broken", "/?pageSize=%zz", ""},
		{"query not UTF-8", "/?kind=%ff", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := DecodeREST(httptest.NewRequest("GET", tt.url, nil), []byte(tt.body), nil, &restInput{})
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Status != 400 || e.Code != "SerializationException" || e.Message == "" {
				t.Errorf("got %v", err)
			}
		})
	}
	if err := DecodeREST(httptest.NewRequest("GET", "/", nil), nil, nil, restInput{}); err == nil {
		t.Error("decoded into something that is no pointer")
	}
}

func TestEncodeREST(t *testing.T) {
	type output struct {
		Version string   `header:"x-version" json:"-"`
		Name    string   `json:"name"`
		Absent  *string  `json:"absent,omitempty"`
		Empty   []string `json:"empty"`
		At      Epoch    `json:"at"`
	}
	for _, tt := range []struct {
		name string
		in   any
		want string
	}{
		{"nil", nil, "{}"},
		{"nil pointer", (*output)(nil), "{}"},
		{"no members", &struct{}{}, "{}"},
		{
			"everything", &output{Version: "3", Name: "<a&b>", Empty: []string{}, At: Epoch(time.UnixMilli(1700000000123))},
			`{"name":"<a&b>","empty":[],"at":1700000000.123}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := EncodeREST(w, tt.in); err != nil {
				t.Fatal(err)
			}
			if w.Body.String() != tt.want || w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
			if _, ok := tt.in.(*output); ok && tt.name == "everything" && w.Header().Get("X-Version") != "3" {
				t.Error("header is missing")
			}
		})
	}
	if err := EncodeREST(httptest.NewRecorder(), func() {}); err == nil {
		t.Error("encoded a function")
	}
}

func TestEpoch(t *testing.T) {
	for _, tt := range []struct {
		ms   int64
		want string
	}{{0, "0.000"}, {1, "0.001"}, {-1, "-0.001"}, {-1500, "-1.500"}, {1700000000123, "1700000000.123"}, {2524607999000, "2524607999.000"}} {
		got, err := json.Marshal(Epoch(time.UnixMilli(tt.ms)))
		if err != nil || string(got) != tt.want {
			t.Errorf("%d: %s, %v", tt.ms, got, err)
		}
		var back Epoch
		if err := json.Unmarshal(got, &back); err != nil || time.Time(back).UnixMilli() != tt.ms {
			t.Errorf("%s: back as %v, %v", got, time.Time(back), err)
		}
	}
	var e Epoch
	for _, bad := range []string{`"x"`, `1e30`, `{}`} {
		if err := json.Unmarshal([]byte(bad), &e); err == nil {
			t.Errorf("%s is a time", bad)
		}
	}
}

// FuzzDecodeREST: no request panics, refusals are this package's, and what was
// decoded from a body decodes again from its own encoding.
func FuzzDecodeREST(f *testing.F) {
	f.Add("/x?pageSize=1&kind=a", "name", `{"roleArn":"r","tags":[{"Key":"k"}],"attributes":{"a":"b"}}`)
	f.Add("/?isAscendingOrder=false", "\xff", `{"credentialDurationSeconds":1e2}`)
	f.Fuzz(func(t *testing.T, rawURL, label, body string) {
		u, err := url.ParseRequestURI(rawURL)
		if err != nil {
			t.Skip()
		}
		r := &http.Request{Method: "GET", URL: u, Header: http.Header{"X-Amzn-Principal": {label}}}
		var in restInput
		if err := DecodeREST(r, []byte(body), map[string]string{"name": label}, &in); err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Status != 400 {
				t.Fatalf("a refusal of another kind: %v", err)
			}
			return
		}
		again, err := json.Marshal(map[string]any{
			"roleArn": in.ARN, "credentialDurationSeconds": in.Seconds, "merge": in.Merge, "tags": in.Tags, "attributes": in.Attr,
		})
		if err != nil {
			t.Fatal(err)
		}
		var back restInput
		if err := DecodeREST(r, again, map[string]string{"name": label}, &back); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if diff := cmp.Diff(in, back, cmp.AllowUnexported(restInput{})); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzRoutes: any path, and a label comes back as it was escaped.
func FuzzRoutes(f *testing.F) {
	var rs Routes[int]
	rs.Add("GET", "/a/{x}", 1)
	rs.Add("GET", "/a/{x}/b/{y}", 2)
	f.Add("arn:aws:iot:r:1:cert/x", "/a/%zz")
	f.Fuzz(func(t *testing.T, label, path string) {
		rs.Match(&http.Request{Method: "GET", URL: &url.URL{Path: path, RawPath: path}})
		if label == "" {
			return
		}
		u, err := url.ParseRequestURI("/a/" + url.PathEscape(label) + "/b/" + url.PathEscape(label))
		if err != nil {
			t.Fatal(err)
		}
		n, labels, ok := rs.Match(&http.Request{Method: "GET", URL: u})
		if !ok || n != 2 || labels["x"] != label || labels["y"] != label {
			t.Fatalf("%q: %d %v %v", label, n, labels, ok)
		}
	})
}
