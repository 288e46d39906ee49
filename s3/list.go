package s3

import (
	"encoding/base64"
	"encoding/xml"

	"github.com/thingpass/thingpass/objects"
)

// defaultPage is how many entries a listing has at most, and when the request
// does not say.
const defaultPage = 1000

type listedObject struct {
	Key          text
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
	Owner        *owner `xml:",omitempty"`
}

// A continuation token is the last entry of the page before, wrapped so that
// nobody takes it for a key.
func encodeToken(last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte("1" + last))
}

func (x *exchange) token() (string, error) {
	v := x.query.Get("continuation-token")
	if v == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(v)
	if err != nil || len(b) == 0 || b[0] != '1' {
		return "", errArgument("continuation-token", v, "The continuation token provided is incorrect")
	}
	return string(b[1:]), nil
}

// page lists one page and the parameters that both versions share.
func (s *service) page(x *exchange, after string) (objects.ListResult, objects.ListQuery, error) {
	most, err := x.number("max-keys", defaultPage, defaultPage)
	if err != nil {
		return objects.ListResult{}, objects.ListQuery{}, err
	}
	q := objects.ListQuery{Prefix: x.query.Get("prefix"), Delimiter: x.query.Get("delimiter"), After: after, Limit: most}
	result, err := s.Objects.List(x.r.Context(), x.bucket, q)
	if err != nil {
		return result, q, s.onBucket(x, err)
	}
	return result, q, nil
}

func (s *service) contents(r objects.ListResult, encode encoder, owned bool) (out []listedObject) {
	for _, o := range r.Objects {
		l := listedObject{Key: encode(o.Key), LastModified: stamp(o.Modified), ETag: quote(o.ETag), Size: o.Size, StorageClass: "STANDARD"}
		if owned {
			self := s.self()
			l.Owner = &self
		}
		out = append(out, l)
	}
	return out
}

func prefixes(groups []string, encode encoder) (out []commonPrefix) {
	for _, g := range groups {
		out = append(out, commonPrefix{encode(g)})
	}
	return out
}

type listBucketResult struct {
	XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name           string
	Prefix         text
	Marker         text
	NextMarker     text `xml:",omitempty"`
	MaxKeys        int
	Delimiter      text   `xml:",omitempty"`
	EncodingType   string `xml:",omitempty"`
	IsTruncated    bool
	Contents       []listedObject
	CommonPrefixes []commonPrefix
}

func (s *service) listObjects(x *exchange) error {
	encode, kind, err := encoding(x.target)
	if err != nil {
		return err
	}
	marker := x.query.Get("marker")
	r, q, err := s.page(x, marker)
	if err != nil {
		return err
	}
	out := listBucketResult{ // the prefix is not encoded in this version: botocore does not decode it
		Name: x.bucket, Prefix: text(q.Prefix), Marker: encode(marker), MaxKeys: q.Limit, Delimiter: encode(q.Delimiter),
		EncodingType: kind, IsTruncated: r.Truncated,
		Contents: s.contents(r, encode, true), CommonPrefixes: prefixes(r.CommonPrefixes, encode),
	}
	if r.Truncated && q.Delimiter != "" {
		out.NextMarker = encode(r.Next) // without a delimiter the last key says it
	}
	return x.answer(out)
}

type listBucketResultV2 struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                text
	StartAfter            text `xml:",omitempty"`
	ContinuationToken     *string
	NextContinuationToken string `xml:",omitempty"`
	KeyCount              int
	MaxKeys               int
	Delimiter             text   `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	Contents              []listedObject
	CommonPrefixes        []commonPrefix
}

func errListType(v string) error {
	return errArgument("list-type", v, "Invalid List Type specified in Request")
}

func (s *service) listObjectsV2(x *exchange) error {
	if v := x.query.Get("list-type"); v != "2" {
		return errListType(v)
	}
	encode, kind, err := encoding(x.target)
	if err != nil {
		return err
	}
	after, err := x.token()
	if err != nil {
		return err
	}
	start := x.query.Get("start-after")
	r, q, err := s.page(x, max(after, start)) // a token counts from the first page on
	if err != nil {
		return err
	}
	out := listBucketResultV2{
		Name: x.bucket, Prefix: encode(q.Prefix), StartAfter: encode(start),
		KeyCount: len(r.Objects) + len(r.CommonPrefixes), MaxKeys: q.Limit, Delimiter: encode(q.Delimiter),
		EncodingType: kind, IsTruncated: r.Truncated,
		Contents: s.contents(r, encode, x.query.Get("fetch-owner") == "true"), CommonPrefixes: prefixes(r.CommonPrefixes, encode),
	}
	if v := x.query.Get("continuation-token"); x.query.Has("continuation-token") {
		out.ContinuationToken = &v
	}
	if r.Truncated {
		out.NextContinuationToken = encodeToken(r.Next)
	}
	return x.answer(out)
}
