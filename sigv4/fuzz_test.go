package sigv4

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
)

func FuzzParse(f *testing.F) {
	for _, c := range readSuite(f).Cases {
		for _, text := range []string{c.Header.Request, c.Query.Request} {
			if r, err := received(text); err == nil {
				f.Add(r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date"), r.URL.RawQuery)
			}
		}
	}
	f.Add("", "", "AWSAccessKeyId=a&Signature=b")
	for _, v := range v2Vectors {
		_, query, _ := strings.Cut(v.target, "?")
		f.Add("", "", query)
	}
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		r.Header.Set("X-Amz-Date", date)
		s, err := Parse(r)
		if err != nil {
			kindOf(t, err)
			return
		}
		ok := s.AccessKeyID != "" && s.Service != ""
		if s.v2 != nil {
			ok = ok && s.Presigned && s.v2.until.Unix() >= 0 && slices.IsSorted(s.v2.resources)
		} else {
			ok = ok && s.Region != "" && s.Date == s.Time.Format(isoDay) && len(s.SignedHeaders) > 0 && s.Expires >= 0 && s.Expires <= maxExpires
		}
		if !ok {
			t.Errorf("%#v of %q %q %q", *s, authorization, date, query)
		}
		for _, s3 := range []bool{true, false} {
			kindOf(t, s.Verify(r, docSecret, Rules{S3: s3, Now: docTime}, emptyHash))
		}
	})
}

// What Sign signs verifies, and nothing else does.
func FuzzVerify(f *testing.F) {
	f.Add("/a b/../c//%2F", "x=1&y=a+b&acl", "X-Amz-Meta-A", " a  b ", "é", true, false)
	f.Add("", "", "Content-Type", "text/plain", "", false, true)
	f.Add("/é/+", "=&&==", "Range", "bytes=0-9", "/", true, true)
	f.Fuzz(func(t *testing.T, path, query, name, value, more string, s3, presign bool) {
		service := "iot"
		if s3 {
			service = "s3"
		}
		sent := &http.Request{Method: "PUT", Host: "h.example", Header: http.Header{},
			URL: &url.URL{Scheme: "https", Host: "h.example", Path: "/" + strings.TrimPrefix(path, "/"), RawQuery: query}}
		if strings.Contains(query, "#") || strings.ContainsFunc(value+more, unicode.IsControl) {
			return // no query, or no header, that net/http leaves as it is
		}
		if validName(strings.ToLower(name)) {
			sent.Header.Set(name, value)
		}
		c := Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: more}
		got := arrive(sent, c, service, presign)
		if got == nil {
			return // not a request that can be sent
		}
		if q, err := readQuery(query); err != nil || q.signed() {
			return // the query looks like a signature, or is broken
		}
		if _, err := appendQuery(nil, query); err != nil {
			return
		}
		rules := Rules{S3: s3, Now: docTime}
		_, err := verifyRequest(got, c, rules, emptyHash)
		if err != nil {
			t.Fatalf("%v\n%v\n%v", err, got.URL, got.Header)
		}
		for name, change := range map[string]func(r *http.Request){
			"method": func(r *http.Request) { r.Method = "DELETE" },
			"path":   func(r *http.Request) { r.URL.Path, r.URL.RawPath = r.URL.Path+"x", "" },
			"query":  func(r *http.Request) { r.URL.RawQuery += "&z=" },
			"host":   func(r *http.Request) { r.Host += "x" },
		} {
			changed := got.Clone(t.Context())
			change(changed)
			if _, err := verifyRequest(changed, c, rules, emptyHash); err == nil {
				t.Errorf("accepted with another %s: %v", name, changed.URL)
			}
		}
	})
}

// arrive signs sent and passes it through the wire form that net/http makes
// and reads; nil when it cannot.
func arrive(sent *http.Request, c Credentials, service string, presign bool) *http.Request {
	if presign {
		u, err := url.Parse(Presign(sent, c, "local-1", service, docTime, time.Hour))
		if err != nil {
			return nil
		}
		sent = &http.Request{Method: sent.Method, Host: sent.Host, Header: sent.Header, URL: u}
	} else {
		Sign(sent, c, "local-1", service, docTime, "")
	}
	var wire bytes.Buffer
	if sent.Write(&wire) != nil {
		return nil
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		return nil
	}
	return got
}

// The bytes of a body that verifies are those of the chunks, whatever else the
// wire holds; and whatever the wire holds, Read ends with io.EOF or an *Error.
func FuzzBody(f *testing.F) {
	data := streamed(100)
	for i, payload := range streamKinds {
		s := newStream(payload, data, 8192, trailerFor(payload, data))
		f.Add([]byte(strings.Join(s.chunks, "")+s.tail), uint8(i), len(data), uint16(7))
	}
	f.Add([]byte("0\r\nx-amz-checksum-crc32:AAAAAA==\n\r\n\r\n"), uint8(2), -1, uint16(1))
	f.Fuzz(func(t *testing.T, wire []byte, kind uint8, length int, size uint16) {
		s := newStream(streamKinds[int(kind)%len(streamKinds)], data, 8192, trailerFor(streamKinds[int(kind)%len(streamKinds)], data))
		if s.header[0][1] = ""; length >= 0 {
			s.header[0][1] = strconv.Itoa(length)
		}
		r := s.request()
		r.Body = io.NopCloser(bytes.NewReader(wire))
		b, err := open(r)
		if err != nil {
			kindOf(t, err)
			return
		}
		got, err := readBy(b, int(size)+1)
		if err != nil {
			kindOf(t, err)
			if b.Length() > 0 && int64(len(got)) >= b.Length() {
				t.Errorf("released all of %d bytes, then %v", b.Length(), err)
			}
			return
		}
		if b.Length() >= 0 && int64(len(got)) != b.Length() || s.payload != streamUnsignedTrailer && length == len(data) && string(got) != data {
			t.Errorf("verified %q, length %d", got, b.Length())
		}
	})
}
