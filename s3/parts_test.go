package s3

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/checksum"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/wire"
)

func TestByteRange(t *testing.T) {
	const size = 10
	tests := map[string]string{
		"bytes=0-4": "0+5", "bytes=5-": "5+5", "bytes=-3": "7+3", "bytes=-30": "0+10", "bytes=9-9": "9+1", "bytes=3-99999999999999999999": "3+7",
		"bytes=0-0": "0+1", "bytes=10-": "416", "bytes=10-11": "416", "bytes=-0": "416", "bytes=99999999999999999999-": "416",
		"": "all", "bytes=": "all", "bytes=-": "all", "bytes=a-b": "all", "bytes=5-4": "all", "bytes=0-1,3-4": "all", "lines=1-2": "all", "bytes=+1-2": "all", "bytes=1-2x": "all",
	}
	for header, want := range tests {
		run, err := byteRange(header, size)
		got := fmt.Sprintf("%d+%d", run.offset, run.length)
		if err != nil {
			got = "416"
		} else if !run.partial {
			got = "all"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	for _, header := range []string{"bytes=0-", "bytes=0-0", "bytes=-0"} {
		if _, err := byteRange(header, 0); err == nil {
			t.Errorf("%q of nothing is satisfiable", header)
		}
	}
	if run, err := byteRange("bytes=-1", 0); err != nil || run != (span{}) { // RFC 9110, 14.1.2: all of it
		t.Errorf("a suffix of nothing: %+v, %v", run, err)
	}
}

func TestPreconditions(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)
	o := objects.Object{ETag: "abc", Modified: at}
	same, before, after := at.Format(http.TimeFormat), at.Add(-time.Hour).Format(http.TimeFormat), at.Add(time.Hour).Format(http.TimeFormat)
	tests := []struct {
		header []string
		want   string
	}{
		{nil, "200"},
		{[]string{"If-Match", `"abc"`}, "200"},
		{[]string{"If-Match", `abc`}, "200"},
		{[]string{"If-Match", `*`}, "200"},
		{[]string{"If-Match", `"x", "abc"`}, "200"},
		{[]string{"If-Match", `"x"`}, "412"},
		{[]string{"If-Match", `W/"abc"`}, "412"}, // RFC 9110, 13.1.1: compared strongly
		{[]string{"If-Match", `"abc"`, "If-Unmodified-Since", before}, "200"},
		{[]string{"If-Unmodified-Since", before}, "412"},
		{[]string{"If-Unmodified-Since", same}, "200"},
		{[]string{"If-Unmodified-Since", "nonsense"}, "200"},
		{[]string{"If-None-Match", `"abc"`}, "304"},
		{[]string{"If-None-Match", `W/"abc"`}, "304"},
		{[]string{"If-None-Match", `"x"`, "If-Modified-Since", after}, "200"},
		{[]string{"If-Modified-Since", same}, "304"},
		{[]string{"If-Modified-Since", before}, "200"},
	}
	for _, test := range tests {
		h := http.Header{}
		for i := 0; i < len(test.header); i += 2 {
			h.Set(test.header[i], test.header[i+1])
		}
		modified, err := preconditions{header: h}.hold(o)
		got := "200"
		if err != nil {
			got = "412"
		} else if !modified {
			got = "304"
		}
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.header, got, test.want)
		}
	}
	for v, want := range map[string]bool{"": true, `"abc"`: true, `"x"`: false, same: true, before: false, `W/"abc"`: false, `abc`: true} {
		if got := wantsRange(http.Header{"If-Range": {v}}, o); got != want {
			t.Errorf("If-Range %q: %v", v, got)
		}
	}
}

// The checksum that is made of the parts' is the one of the whole.
func TestWholeChecksum(t *testing.T) {
	texts := []string{strings.Repeat("first part ", 1000), "x", strings.Repeat("\x00", 4097), "last"}
	for _, name := range checksum.Names() {
		a, _ := checksum.Find(name)
		all := a.New()
		var parts []objects.Part
		for _, text := range texts {
			one := a.New()
			_, _ = one.Write([]byte(text))
			_, _ = all.Write([]byte(text))
			parts = append(parts, objects.Part{Size: int64(len(text)), Checksums: map[string]string{a.Name: encodeSum(one)}})
		}
		if a.Joins() {
			if got, ok := wholeChecksum(a, fullObject, parts); !ok || got != encodeSum(all) {
				t.Errorf("%s: %s, want %s", a.Name, got, encodeSum(all))
			}
		}
		ofSums := a.New()
		for _, p := range parts {
			raw, _ := base64.StdEncoding.DecodeString(p.Checksums[a.Name])
			_, _ = ofSums.Write(raw)
		}
		if got, ok := wholeChecksum(a, composite, parts); !ok || got != encodeSum(ofSums)+"-4" {
			t.Errorf("%s of %s: %s", a.Name, composite, got)
		}
		parts[1].Checksums = nil
		if got, ok := wholeChecksum(a, composite, parts); ok {
			t.Errorf("%s with a part without one: %s", a.Name, got)
		}
	}
}

func TestChecksumPlan(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"", ""}: "", {"CRC32", ""}: composite, {"crc32c", "FULL_OBJECT"}: fullObject, {"CRC64NVME", ""}: fullObject, {"SHA256", "COMPOSITE"}: composite,
		{"CRC64NVME", "COMPOSITE"}: "error", {"SHA1", "FULL_OBJECT"}: "error", {"MD5", ""}: composite, {"MD5", "FULL_OBJECT"}: "error", {"XXHASH3", ""}: composite, {"MD4", ""}: "error", {"", "COMPOSITE"}: "error", {"sha1", "composite"}: composite, {"crc32", "Full_Object"}: fullObject, {"CRC32", "x"}: "error",
	} {
		_, got, err := checksumPlan(in[0], in[1])
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestText(t *testing.T) {
	type answer struct {
		XMLName xml.Name `xml:"A"`
		Key     text
		None    text `xml:",omitempty"`
	}
	for in, want := range map[string]string{
		"a/b": "a/b", `<&>"'`: `&lt;&amp;&gt;&quot;'`, "a\x01\nb\r": "a&#x1;&#xa;b&#xd;", "é€": "é€", "": "",
	} {
		b, err := xml.Marshal(answer{Key: text(in)})
		if got := string(b); err != nil || got != "<A><Key>"+want+"</Key></A>" {
			t.Errorf("%q: %s, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{"a/b c+d%é~": "a/b%20c%2Bd%25%C3%A9~", "\x01": "%01", "A-z_0.9*": "A-z_0.9%2A"} {
		if got := escapeURL(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestMeta(t *testing.T) {
	meta, err := readMeta(http.Header{
		"X-Amz-Meta-Foo": {"a", "b"}, "Content-Encoding": {"aws-chunked,gzip"}, "Content-Type": {"text/plain"}, "X-Amz-Date": {"x"},
	})
	if err != nil || meta.User["foo"] != "a,b" || len(meta.User) != 1 || meta.Headers["Content-Encoding"] != "gzip" || len(meta.Headers) != 2 {
		t.Errorf("%+v, %v", meta, err)
	}
	for name, h := range map[string]http.Header{
		"too large": {"X-Amz-Meta-Foo": {strings.Repeat("a", maxMeta)}}, "no name": {"X-Amz-Meta-": {"a"}}, "not UTF-8": {"X-Amz-Meta-A": {"\xff"}},
	} {
		if _, err := readMeta(h); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for in, want := range map[string]string{"aws-chunked": "", "": "", "gzip": "gzip", "gzip, aws-chunked": "gzip", "AWS-Chunked,GZIP": "GZIP"} {
		if got := withoutFraming(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// No failure of a body may be answered as anything but a client's error.
func TestBodyErrors(t *testing.T) {
	for kind := sigv4.Missing; kind <= sigv4.IncompleteBody; kind++ {
		e, ok := errors.AsType[*wire.Error](bodyError(fmt.Errorf("put object: %w", &sigv4.Error{Kind: kind, Message: "m"})))
		if !ok || e.Status < 400 || e.Code == "" || e.Message != "m" {
			t.Errorf("kind %d: %+v", kind, e)
		}
	}
	if bodyError(nil) != nil || toWire(errors.New("disk on fire")).Status != 500 || strings.Contains(toWire(errors.New("disk on fire")).Message, "fire") {
		t.Error("other errors")
	}
}
