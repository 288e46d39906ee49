package s3_test

import (
	"strings"
	"testing"
)

// TestNotUTF8: a key that is not UTF-8 is refused wherever a key can stand. XML
// could not name it, and one bad byte must not mean another.
func TestNotUTF8(t *testing.T) {
	w := newWorld(t)
	w.want(w.admin, "PUT /own/k", "x", 200, "")
	for _, bad := range []string{"%ff", "a%c3", "%c3%28", "%ed%a0%80"} {
		for _, method := range []string{"GET", "PUT", "DELETE", "POST"} {
			query := ""
			if method == "POST" {
				query = "?uploads"
			}
			w.want(w.admin, method+" /own/"+bad+query, "", 400, "InvalidURI")
		}
		for _, query := range []string{"prefix=", "delimiter=", "marker=", "list-type=2&start-after=", "list-type=2&prefix=", "versions&key-marker=",
			"versions&prefix=", "uploads&prefix=", "uploads&key-marker="} {
			w.want(w.admin, "GET /own?"+query+bad, "", 400, "InvalidURI")
		}
		w.want(w.admin, "PUT /own/copy", "", 400, "InvalidURI", "x-amz-copy-source", "/own/"+bad)
	}
	for _, bad := range []string{"\xff", "a\xc3", "\xed\xa0\x80", "\x00", "&#0;"} {
		w.want(w.admin, "POST /own?delete", "<Delete><Object><Key>"+bad+"</Key></Object></Delete>", 400, "MalformedXML")
		if strings.HasPrefix(bad, "&") {
			continue
		}
		form := formOf(w.admin.Credentials, `{"bucket":"own"},["starts-with","$key",""],`+signatureFields)
		if r := w.post("own", append(form, [2]string{"key", bad}), "f", "x"); r.Status != 400 || codeOf(r) != "InvalidURI" {
			t.Errorf("form with %q: %d %s", bad, r.Status, r.Body)
		}
	}
	if r := w.want(w.admin, "GET /own", "", 200, ""); strings.Count(string(r.Body), "<Key>") != 1 {
		t.Errorf("stored: %s", r.Body)
	}
}
