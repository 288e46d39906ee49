package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// An access control list means nothing here, and everything to who reaches the
// engine past us: one that names everybody opens there what policies close here.
// So it takes the switch that opens anything to everybody.

// closedACLs are the canned lists that name nobody but owners ("Canned ACL" in the
// user guide of Amazon S3).
var closedACLs = []string{"", "private", "bucket-owner-read", "bucket-owner-full-control"}

// closed refuses headers that let groups use what is written; all groups that
// there are are larger than the account.
func (f *forwarding) closed(h http.Header) error {
	if f.s.Public {
		return nil
	}
	if !slices.Contains(closedACLs, h.Get("X-Amz-Acl")) {
		return errACL()
	}
	for _, name := range grantHeaders {
		if v := h[name]; len(v) > 0 && strings.Contains(strings.ToLower(v[0]), "uri") { // uri="…" is how a group is named
			return errACL()
		}
	}
	return nil
}

// closedList refuses a document that names a group. Groups are told by what is
// said in an element, whatever it is called and however it is written.
func (f *forwarding) closedList() error {
	if f.s.Public {
		return nil
	}
	d, texts := xml.NewDecoder(bytes.NewReader(f.kept)), []string{""}
	for {
		t, err := d.Token()
		switch t := t.(type) {
		case xml.StartElement:
			texts = append(texts, "")
		case xml.CharData:
			texts[len(texts)-1] += string(t)
		case xml.Directive: // which could define what a text stands for
			err = errors.New("a directive in an access control list")
		case xml.EndElement:
			if strings.Contains(strings.ToLower(texts[len(texts)-1]), "/groups/") {
				return errACL()
			}
			texts = texts[:len(texts)-1]
		}
		if err == io.EOF { //nolint:errorlint // xml.Decoder's contract
			return nil
		}
		if err != nil {
			return errMalformedXML(err)
		}
	}
}
