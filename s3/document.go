package s3

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/thingpass/thingpass/wire"
)

const (
	maxConfiguration = 64 << 10 // bytes of CreateBucket's document
	maxDeletion      = 2 << 20  // of DeleteObjects': 1,000 keys of 1,024 bytes, half of them escaped
	maxCompletion    = 4 << 20  // of CompleteMultipartUpload's: 10,000 parts with a checksum each
	maxToken         = 16 << 10 // of one tag or text in any of them
)

// document is an XML body that is read element by element, so that what is kept
// of it is what its reader asks for. It knows nothing of namespaces, and it has
// no document types.
type document struct {
	decoder *xml.Decoder
	meter   *meter
}

// meter bounds what the decoder reads for one token: it would keep any number
// of attributes, and a text of any length.
type meter struct {
	*bufio.Reader
	left int
}

var errToken = errors.New("a tag or text is too long")

// ReadByte implements io.ByteReader, which the decoder prefers.
func (m *meter) ReadByte() (byte, error) {
	if m.left--; m.left < 0 {
		return 0, errToken
	}
	return m.Reader.ReadByte()
}

func newDocument(r io.Reader) *document {
	m := &meter{Reader: bufio.NewReader(r)}
	return &document{decoder: xml.NewDecoder(m), meter: m}
}

// next is the next start, end or text; io.EOF at the end of the document.
func (d *document) next() (xml.Token, error) {
	for {
		d.meter.left = maxToken
		t, err := d.decoder.Token()
		if err != nil {
			return nil, d.failure(err)
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, errMalformedXML(errors.New("a document type"))
		case xml.StartElement, xml.EndElement, xml.CharData:
			return t, nil
		}
	}
}

// failure tells what is wrong with the XML from what is wrong with the body.
func (d *document) failure(err error) error {
	if _, ok := errors.AsType[*xml.SyntaxError](err); ok || errors.Is(err, errToken) {
		return errMalformedXML(err)
	}
	return err
}

// element is the next element among blanks; ok is false at the end of the
// element that it would be in, or of the document.
func (d *document) element() (name string, ok bool, err error) {
	for {
		t, err := d.next()
		if err == io.EOF { //nolint:errorlint // a wrapped io.EOF is a body cut short
			return "", false, nil
		}
		if err != nil {
			return "", false, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t.Name.Local, true, nil
		case xml.EndElement:
			return "", false, nil
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return "", false, errMalformedXML(errors.New("text between elements"))
			}
		}
	}
}

// text is what is in an element that has been begun, and holds no others.
func (d *document) text() (string, error) {
	var b strings.Builder
	for {
		t, err := d.next()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return "", errMalformedXML(fmt.Errorf("an element %s in a text", t.Name.Local))
		case xml.EndElement:
			return b.String(), nil
		case xml.CharData:
			if b.Len()+len(t) > maxToken {
				return "", errMalformedXML(errToken)
			}
			b.Write(t)
		}
	}
}

// fields hands the elements of one that has been begun to set, with their text.
// None may come twice.
func (d *document) fields(set func(name, text string) error) error {
	var seen []string
	for {
		name, ok, err := d.element()
		if err != nil || !ok {
			return err
		}
		for _, s := range seen {
			if s == name {
				return errMalformedXML(fmt.Errorf("%s is given twice", name))
			}
		}
		seen = append(seen, name)
		text, err := d.text()
		if err != nil {
			return err
		}
		if err := set(name, text); err != nil {
			return err
		}
	}
}

// each calls f for every element in one that has been begun; f must read it to
// its end.
func (d *document) each(f func(name string) error) error {
	for {
		name, ok, err := d.element()
		if err != nil || !ok {
			return err
		}
		if err := f(name); err != nil {
			return err
		}
	}
}

// read reads a whole document with this root; each is called for every element
// in it, which it must read to its end. found is false when there is nothing.
func (d *document) read(root string, each func(name string) error) (found bool, err error) {
	name, ok, err := d.element()
	if err != nil || !ok {
		return false, err
	}
	if name != root {
		return false, errMalformedXML(fmt.Errorf("root element %s", name))
	}
	if err := d.each(each); err != nil {
		return false, err
	}
	if _, more, err := d.element(); err != nil || more {
		return false, errors.Join(err, extra(more))
	}
	return true, nil
}

func extra(more bool) error {
	if more {
		return errMalformedXML(errors.New("a second root element"))
	}
	return nil
}

// document reads the body of a request, to its verified end, as XML of at most
// so many bytes, and asks once more whether the request is permitted. See
// document.read.
func (x *exchange) document(most int64, root string, each func(d *document, name string) error) (found bool, err error) {
	body, err := x.bounded(most)
	if err != nil {
		return false, err
	}
	d := newDocument(body)
	if found, err = d.read(root, func(name string) error { return each(d, name) }); err != nil {
		return false, err
	}
	return found, x.permit()
}

// bounded is the body of a request that may have so many bytes.
func (x *exchange) bounded(most int64) (io.Reader, error) {
	if x.kept != nil {
		return bytes.NewReader(x.kept), nil
	}
	body, err := x.call.Body()
	if err != nil {
		return nil, err
	}
	if body.Length() > most {
		return nil, errMessageLength(most)
	}
	return &bounded{body, most}, nil
}

// keepBody reads the body, to its verified end, into memory, for a request whose
// body is needed twice.
func (x *exchange) keepBody(most int64) error {
	body, err := x.bounded(most)
	if err != nil {
		return err
	}
	kept, err := io.ReadAll(body)
	if err == nil {
		x.kept = append([]byte{}, kept...) // not nil, even when empty
	}
	return err
}

// instead makes v the body that was kept, in the place of the one that the client
// sent and that has verified: an engine might read that one otherwise.
func (x *exchange) instead(v any) error {
	body, err := xml.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a body: %w", err)
	}
	x.kept = body
	for _, name := range checksumHeaders {
		x.r.Header.Del(name)
	}
	sum := md5.Sum(body)
	x.r.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	return nil
}

// bounded ends a document whose length is not known beforehand.
type bounded struct {
	io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errMessageLength(0)
	}
	return n, err
}

func errMessageLength(most int64) error {
	e := &wire.Error{Status: http.StatusBadRequest, Code: "MaxMessageLengthExceeded", Message: "Your request was too big."}
	if most > 0 {
		e.Fields = []wire.Field{{Name: "MaxMessageLengthBytes", Value: fmt.Sprint(most)}}
	}
	return e
}
