package s3

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/thingpass/thingpass/wire"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// text is a string that XML may not be able to carry: a control character
// becomes a character reference, as S3 writes it. A strict parser refuses that,
// which is better than a listing with another key in its place.
type text string

// MarshalXML implements xml.Marshaler.
func (t text) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(struct {
		Raw string `xml:",innerxml"`
	}{escapeXML(string(t))}, start)
}

func escapeXML(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '"':
			b.WriteString("&quot;")
		case c < 0x20, c == 0xfffe, c == 0xffff:
			fmt.Fprintf(&b, "&#x%x;", c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// encoder is what encoding-type asks for: names as they are, or URL-encoded.
type encoder func(string) text

func encoding(t *target) (encoder, string, error) {
	switch v := t.query.Get("encoding-type"); v {
	case "":
		return func(s string) text { return text(s) }, "", nil
	case "url":
		return func(s string) text { return text(escapeURL(s)) }, v, nil
	default:
		return nil, "", errArgument("encoding-type", v, "Invalid Encoding Method specified in Request")
	}
}

// escapeURL percent-encodes all but unreserved characters and the slash.
func escapeURL(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}

// stamp is a time as S3 lists it: in milliseconds that are always 0, so that it
// says the same as Last-Modified.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") + ".000Z" }

func quote(etag string) string { return `"` + etag + `"` }

func (x *exchange) answer(v any) error { return wire.WriteXML(x.w, http.StatusOK, v) }

// answerText answers a document that is written already.
func (x *exchange) answerText(document string) error {
	x.w.Header().Set("Content-Type", "application/xml")
	body := xml.Header + document
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err := io.WriteString(x.w, body)
	return err
}

// owner is an owner or initiator: the account.
type owner struct {
	ID          string
	DisplayName string `xml:",omitempty"`
}

// self is the account, under its number for those who read.
func (s *service) self() owner { return owner{ID: s.owner, DisplayName: s.Place.Account} }

type commonPrefix struct{ Prefix text }
