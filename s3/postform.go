package s3

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/wire"
)

// A form upload (API reference, "POST Object") is a put whose key and headers
// are fields of a form, which the policy that was signed must allow. The gate
// has verified who signed it; who did not sign is nobody, and needs none.

// postRow is the row of form uploads.
func postRow() row {
	return row{
		name: "PostObject", method: http.MethodPost, level: onBucket,
		actions: []string{"s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:PutObjectRetention", "s3:PutObjectLegalHold"},
		access:  postAccess, serve: (*service).postObject,
	}
}

// postFields lists the fields that become headers of the put, besides x-amz-
// ones.
var postFields = []string{"cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "content-md5", "expires"}

// postOnly lists the fields that are about the form.
var postOnly = []string{
	"key", "policy", "bucket", "file", "acl", "tagging", "success_action_status", "success_action_redirect", "redirect",
	"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token", "submit",
}

// postAccess turns the form into a put: target and headers, of which those are
// refused that a put would not take. They are what is asked for.
func postAccess(s *service, t *target, c *gate.Call) ([]gateAccess, error) {
	f := c.Form
	if f == nil {
		return nil, errMethod(c.Request.Method)
	}
	key, ok := f.Fields["key"]
	if !ok {
		return nil, errArgument("key", "", "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.")
	}
	limits := postPolicy{most: maxPut}
	if encoded, ok := f.Fields["policy"]; ok || !c.Signature.Unsigned {
		var err error
		if limits, err = parsePostPolicy(encoded); err != nil {
			return nil, err
		}
		if err := limits.check(f.Fields, t.bucket, c.Now); err != nil {
			return nil, err
		}
	}
	t.post = &post{header: http.Header{}, least: limits.least, most: min(limits.most, maxPut)}
	t.level, t.key = onObject, strings.ReplaceAll(key, "${filename}", f.FileName)
	if t.key == "" {
		return nil, errArgument("key", "", "User key must have a length greater than 0.")
	}
	if err := checkKey(t.key); err != nil {
		return nil, err
	}
	if err := t.post.read(f.Fields); err != nil {
		return nil, err
	}
	put := &row{headers: and(stored, checksumHeaders)}
	put.prepare()
	strange, err := put.look(t, &http.Request{Header: t.post.header})
	if err == nil && strange != "" {
		err = errNotImplemented(strange)
	}
	if err != nil {
		return nil, err
	}
	return s.storing(t, c, t.post.header, true)
}

// post is a form upload as the put that it stands for.
type post struct {
	header      http.Header
	least, most int64 // bytes of the file
}

// read turns fields into headers.
func (p *post) read(fields map[string]string) (err error) {
	for name, value := range fields {
		header := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case name == "acl":
			header = "X-Amz-Acl"
		case name == "tagging":
			header = taggingHeader
			if value, err = postTags(value); err != nil {
				return err
			}
		case slices.Contains(postOnly, name):
			continue
		case strings.HasPrefix(name, "if-"), strings.HasPrefix(name, "x-amz-") && header == name: // the latter cannot be the name of a header
			return errNotImplemented(name + " in a form")
		case !slices.Contains(postFields, name) && !strings.HasPrefix(name, "x-amz-"):
			continue // S3 keeps nothing of other fields, and the policy has allowed them
		}
		if strings.ContainsFunc(value, noHeader) {
			return errArgument(name, "", "The value of the field has a character that no header can have.")
		}
		if p.header[header] != nil {
			return errArgument(name, "", "The form says in two fields what one must say.")
		}
		p.header[header] = []string{value}
	}
	return nil
}

// noHeader tells the characters that a field could carry and a header cannot
// (RFC 9110, 5.5).
func noHeader(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// postTags turns the XML of a form's tags into what a header has.
func postTags(text string) (string, error) {
	var doc struct {
		XMLName xml.Name                      `xml:"Tagging"`
		Tags    []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		return "", errMalformedXML(err)
	}
	tags := url.Values{}
	for _, t := range doc.Tags {
		tags.Add(t.Key, t.Value) // twice is refused where it is read
	}
	return tags.Encode(), nil
}

// file is the file of the form, which is held to the checksums and the Content-MD5
// that the form has, and to the sizes that its policy allows.
func (x *exchange) file() (*sigv4.Body, error) {
	h := x.post.header
	body, err := sigv4.FileBody(h, &file{Reader: x.call.Form.File, post: x.post})
	if err != nil {
		return nil, err
	}
	if name := h.Get("X-Amz-Checksum-Algorithm"); name != "" {
		a, err := findAlgorithm(name)
		if err != nil {
			return nil, err
		}
		if claimed := body.Claims(); claimed != "" && claimed != a.Name {
			return nil, errRequest("Value for x-amz-checksum-algorithm header is invalid.")
		}
		body.Compute(a.Name)
	}
	return body, nil
}

// file is the file of a form, of which there must be neither too much nor too
// little: that is known only at its end.
type file struct {
	io.Reader
	*post
	size int64
}

func (f *file) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	if f.size += int64(n); f.size > f.most {
		return 0, postSize("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", f.size, f.most)
	}
	if err == io.EOF && f.size < f.least { //nolint:errorlint // io.Reader's contract
		return 0, postSize("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", f.size, f.least)
	}
	return n, err
}

func postSize(code, text string, size, limit int64) error {
	bound := "MaxSizeAllowed"
	if code == "EntityTooSmall" {
		bound = "MinSizeAllowed"
	}
	return &wire.Error{Status: http.StatusBadRequest, Code: code, Message: text,
		Fields: []wire.Field{{Name: "ProposedSize", Value: strconv.FormatInt(size, 10)}, {Name: bound, Value: strconv.FormatInt(limit, 10)}}}
}

func (s *service) postObject(x *exchange) error {
	if err := checkNewKey(x.key); err != nil {
		return err
	}
	meta, err := readMeta(x.post.header)
	if err != nil {
		return err
	}
	body, err := x.file()
	if err != nil {
		return err
	}
	meta.ChecksumType = fullObject
	o, err := s.Objects.Put(x.r.Context(), x.name(), body, objects.PutOptions{Meta: meta, Checksums: body.Checksums, Permit: x.permit})
	if err != nil {
		return err
	}
	return s.posted(x, o.ETag, o.Version)
}

type postResponse struct {
	XMLName  xml.Name `xml:"PostResponse"`
	Location string
	Bucket   string
	Key      text
	ETag     string
}

// posted answers a form as it asks to be answered.
func (s *service) posted(x *exchange, etag, version string) error {
	fields, h := x.call.Form.Fields, x.w.Header()
	h.Set("Etag", quote(etag))
	x.setMade(version)
	location := x.location()
	h.Set("Location", location)
	to := fields["success_action_redirect"]
	if to == "" {
		to = fields["redirect"]
	}
	if u, err := url.Parse(to); err == nil && to != "" && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		q := u.Query()
		q.Set("bucket", x.bucket)
		q.Set("key", x.key)
		q.Set("etag", quote(etag))
		u.RawQuery = q.Encode()
		h.Set("Location", u.String())
		x.w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	switch fields["success_action_status"] {
	case "200":
		x.w.WriteHeader(http.StatusOK)
	case "201":
		return wire.WriteXML(x.w, http.StatusCreated, postResponse{Location: location, Bucket: x.bucket, Key: text(x.key), ETag: quote(etag)})
	default:
		x.w.WriteHeader(http.StatusNoContent)
	}
	return nil
}
