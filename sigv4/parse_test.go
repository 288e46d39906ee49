package sigv4

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestParseErrors(t *testing.T) {
	const good = "AWS4-HMAC-SHA256 Credential=AKID/20130524/r/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=ab"
	const goodQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20130524%2Fr%2Fs3%2Faws4_request" +
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=ab"
	tests := []struct {
		authorization, date, query string
		want                       Kind
	}{
		{"", "", "", Missing},
		{"", "", "a=b&Signature=x", Incomplete},
		{"", "", "a=b&Expires=1&content-type=x", Missing},
		{good, "20130524T000000Z", "Expires=1", Ambiguous},
		{good, "20130524T000000Z", "content-type=text/plain", Ambiguous},
		{good, "20130524T000000Z", "", 0},
		{good, "Fri, 24 May 2013 00:00:00 GMT", "", 0}, // as the Date header
		{strings.ReplaceAll(good, ", ", ","), "20130524T000000Z", "", 0},
		{good, "", "", MissingDate},
		{good, "20130525T000000Z", "", BadDate},
		{good, "2013-05-24T00:00:00Z", "", MissingDate},
		{good, "20130524T000000.5Z", "", MissingDate},
		{good, "20130524T000000Z", goodQuery, Ambiguous},
		{good, "20130524T000000Z", "%58-Amz-Signature=a", Ambiguous},
		{good, "20130524T000000Z", "AWSAccessKeyId=a&Signature=b&Expires=1", Ambiguous},
		{"", "", "AWSAccessKeyId=a&Signature=b&Expires=1", 0},
		{"", "", "AWSAccessKeyId=%20&Signature=b&Expires=1", Incomplete},
		{"AWS AKID:abc", "20130524T000000Z", "", UnsupportedAlgorithm},
		{"AWS4-ECDSA-P256-SHA256 Credential=x", "20130524T000000Z", "", UnsupportedAlgorithm},
		{"Bearer abc", "", "", UnknownMechanism},
		{"AWS4-HMAC-SHA256", "20130524T000000Z", "", Incomplete},
		{good + ", Signature=cd", "20130524T000000Z", "", Incomplete},
		{good + ", Other=cd", "20130524T000000Z", "", Incomplete},
		{strings.Replace(good, "/r/", "/r/x/", 1), "20130524T000000Z", "", Incomplete},
		{strings.Replace(good, "/r/", "//", 1), "20130524T000000Z", "", Incomplete},
		{strings.Replace(good, "aws4_request", "aws5_request", 1), "20130524T000000Z", "", Incomplete},
		{strings.Replace(good, "host;", "Host;", 1), "20130524T000000Z", "", Incomplete},
		{strings.Replace(good, "host;x-amz-date", "x-amz-date;host", 1), "20130524T000000Z", "", Incomplete},
		{strings.Replace(good, "host;", "host;host;", 1), "20130524T000000Z", "", Incomplete},
		{strings.Replace(good, "host;", "host;;", 1), "20130524T000000Z", "", Incomplete},
		{"", "", goodQuery, 0},
		{"", "", goodQuery + "&X-Amz-Date=20130524T000000Z", Ambiguous},
		{"", "", goodQuery + "&x=%zz%", 0}, // Verify refuses it
		{"", "", goodQuery + "&%zz=x", Incomplete},
		{"", "", strings.Replace(goodQuery, "-SHA256", "-SHA1", 1), Incomplete},
		{"", "", strings.Replace(goodQuery, "X-Amz-Signature=ab", "", 1), Incomplete},
		{"", "", strings.Replace(goodQuery, "Expires=60", "Expires=604801", 1), BadExpires},
		{"", "", strings.Replace(goodQuery, "Expires=60", "Expires=0", 1), BadExpires},
		{"", "", strings.Replace(goodQuery, "Expires=60", "Expires=%2B1", 1), BadExpires},
		{"", "", strings.Replace(goodQuery, "Expires=60", "Expires=1h", 1), BadExpires},
		{"", "", strings.Replace(goodQuery, "Expires=60", "Expires=99999999999999999999", 1), BadExpires},
		{"", "", strings.Replace(goodQuery, "T000000Z", "", 1), BadDate},
	}
	for i, test := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = test.query
		if test.authorization != "" {
			r.Header.Set("Authorization", test.authorization)
		}
		switch {
		case strings.HasSuffix(test.date, "GMT"):
			r.Header.Set("Date", test.date)
		case test.date != "":
			r.Header.Set("X-Amz-Date", test.date)
			r.Header.Set("Date", "Fri, 01 Jan 1999 00:00:00 GMT")
		}
		if _, err := Parse(r); kindOf(t, err) != test.want {
			t.Errorf("case %d %+v: %v", i, test, err)
		}
	}
}

func TestParseTwice(t *testing.T) {
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		r := signedRequest("iam", nil)
		r.Header.Add(name, "1")
		r.Header.Add(name, "2")
		_, err := Parse(r)
		wantKind(t, err, Ambiguous)
	}
}

// Nothing that prints may print a secret.
func TestSecretsDoNotPrint(t *testing.T) {
	c := Credentials{AccessKeyID: "AKID", SecretAccessKey: "hush", SessionToken: "shush"}
	s := &Signature{AccessKeyID: "AKID", Token: "shush", provided: "hush"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, value := range []any{c, &c, s} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "hush") || strings.Contains(text, "68757368") {
				t.Errorf("%s of %T prints %s", verb, value, text)
			}
		}
	}
}

// TestISOTime: isoTime reads what package time reads.
func TestISOTime(t *testing.T) {
	for _, text := range []string{
		"20130524T000000Z", "20240229T235959Z", "20230229T000000Z", "20131301T000000Z", "20130001T000000Z", "20130132T000000Z",
		"20130100T000000Z", "20130524T240000Z", "20130524T006000Z", "20130524T000060Z", "20130524t000000Z", "20130524T000000z",
		"2013052aT000000Z", "00010101T000000Z", "00000101T000000Z", "99991231T235959Z", "20130524T00000Z", "20130524T0000000Z", "/0130524T000000Z", ":0130524T000000Z", "",
	} {
		want, err := time.Parse(isoBasic, text)
		got, ok := isoTime(text)
		if ok != (err == nil && len(text) == len(isoBasic)) || ok && !got.Equal(want) {
			t.Errorf("%q: %v %v, want %v %v", text, got, ok, want, err)
		}
	}
}
