package wire

import (
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWriteError(t *testing.T) {
	e := &Error{
		Status: 409, Code: "Code", Message: "a <b> & \"c\"", Fields: []Field{{"resourceId", "x"}, {"Token-0", "<y>"}},
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/", Err: errors.New("inner"),
	}
	for _, tt := range []struct {
		name     string
		protocol Protocol
		err      *Error
		status   int
		headers  map[string]string
		body     string
	}{
		{
			"query", Query, e, 409, map[string]string{"Content-Type": "text/xml", "X-Amzn-Requestid": "id"},
			`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>Code</Code><Message>a &lt;b&gt; &amp; &#34;c&#34;</Message>` +
				`<resourceId>x</resourceId><Token-0>&lt;y&gt;</Token-0></Error><RequestId>id</RequestId></ErrorResponse>`,
		},
		{
			"query, server's fault", Query, &Error{Message: "m"}, 500, nil,
			`<ErrorResponse><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>m</Message></Error><RequestId>id</RequestId></ErrorResponse>`,
		},
		{
			"rest-json", RESTJSON, e, 409, map[string]string{"Content-Type": "application/json", "X-Amzn-Requestid": "id", "X-Amzn-Errortype": "Code"},
			`{"message":"a <b> & \"c\"","resourceId":"x","Token-0":"<y>"}`,
		},
		{
			"json 1.1", JSON11, e, 409, map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amzn-Requestid": "id"},
			`{"__type":"Code","message":"a <b> & \"c\"","resourceId":"x","Token-0":"<y>"}`,
		},
		{
			"s3", RESTXML, e, 409, map[string]string{"Content-Type": "application/xml", "X-Amz-Request-Id": "id", "X-Amz-Id-2": "id"},
			`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Error><Code>Code</Code><Message>a &lt;b&gt; &amp; &#34;c&#34;</Message><resourceId>x</resourceId>` +
				`<Token-0>&lt;y&gt;</Token-0><RequestId>id</RequestId><HostId>id</HostId></Error>`,
		},
		{"s3, not modified", RESTXML, &Error{Status: 304, Code: "NotModified"}, 304, map[string]string{"X-Amz-Request-Id": "id"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			WriteError(w, tt.protocol, "id", tt.err)
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			for name, want := range tt.headers {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
	if !strings.Contains(e.Error(), "inner") || !errors.Is(e, e.Err) {
		t.Error("the cause is lost")
	}
}

// A HEAD request is answered without a body by net/http itself.
func TestWriteErrorHead(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Id-2", "host")
		WriteError(w, RESTXML, "id", &Error{Status: 404, Code: "NoSuchBucket"})
	}))
	defer srv.Close()
	for range 2 { // the connection stays in step
		resp, err := srv.Client().Head(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 404 || resp.Header.Get("X-Amz-Id-2") != "host" {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
	}
}

func TestWriteXML(t *testing.T) {
	type result struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListResult"`
		Name    string
	}
	w := httptest.NewRecorder()
	if err := WriteXML(w, 200, result{Name: "b"}); err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<ListResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name></ListResult>`
	if w.Body.String() != want || w.Header().Get("Content-Type") != "application/xml" {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	if err := WriteXML(httptest.NewRecorder(), 200, func() {}); err == nil {
		t.Error("encoded a function")
	}
}
