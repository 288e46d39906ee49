package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"

	"github.com/thingpass/thingpass/objects"
)

type versioning struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
	Status  string   `xml:",omitempty"`
}

func (s *service) getVersioning(x *exchange) error {
	b, err := s.Objects.Bucket(x.r.Context(), x.bucket)
	if err != nil {
		return s.onBucket(x, err)
	}
	return x.answer(versioning{Status: string(b.Versioning)})
}

// putVersioning turns versioning on or off. Deleting with a second factor is not
// supported.
func (s *service) putVersioning(x *exchange) error {
	status := ""
	found, err := x.document(maxConfiguration, "VersioningConfiguration", func(d *document, name string) error {
		text, err := d.text()
		switch {
		case err != nil:
			return err
		case name == "Status" && status == "" && (text == string(objects.Enabled) || text == string(objects.Suspended)):
			status = text
		case name == "MfaDelete" && text == "Disabled":
		case name == "MfaDelete":
			return errNotImplemented("MfaDelete")
		default:
			return errMalformedXML(fmt.Errorf("%s %q", name, text))
		}
		return nil
	})
	if err == nil && (!found || status == "") {
		err = errMalformedXML(errors.New("no status"))
	}
	if err != nil {
		return err
	}
	if err := s.Objects.SetVersioning(x.r.Context(), x.bucket, objects.Versioning(status)); err != nil {
		return s.onBucket(x, err)
	}
	x.w.WriteHeader(http.StatusOK)
	return nil
}

type listedVersion struct {
	XMLName      xml.Name `xml:"Version"`
	Key          text
	VersionId    string
	IsLatest     bool
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
	Owner        owner
}

type listedMarker struct {
	XMLName      xml.Name `xml:"DeleteMarker"`
	Key          text
	VersionId    string
	IsLatest     bool
	LastModified string
	Owner        owner
}

type listVersionsResult struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string
	Prefix              text
	KeyMarker           text
	VersionIdMarker     text
	NextKeyMarker       text   `xml:",omitempty"`
	NextVersionIdMarker string `xml:",omitempty"`
	MaxKeys             int
	Delimiter           text   `xml:",omitempty"`
	EncodingType        string `xml:",omitempty"`
	IsTruncated         bool
	Entries             []any // versions and delete markers, in the order of the listing
	CommonPrefixes      []commonPrefix
}

func (s *service) listVersions(x *exchange) error {
	encode, kind, err := encoding(x.target)
	if err != nil {
		return err
	}
	most, err := x.number("max-keys", defaultPage, defaultPage)
	if err != nil {
		return err
	}
	q := objects.VersionQuery{
		Prefix: x.query.Get("prefix"), Delimiter: x.query.Get("delimiter"),
		KeyMarker: x.query.Get("key-marker"), VersionMarker: x.query.Get("version-id-marker"), Limit: most,
	}
	if q.VersionMarker != "" && q.KeyMarker == "" {
		return errArgument("version-id-marker", q.VersionMarker, "A version-id marker cannot be specified without a key marker.")
	}
	r, err := s.Objects.ListVersions(x.r.Context(), x.bucket, q)
	if err != nil {
		return s.onBucket(x, err)
	}
	out := listVersionsResult{
		Name: x.bucket, Prefix: encode(q.Prefix), KeyMarker: encode(q.KeyMarker), VersionIdMarker: text(q.VersionMarker),
		MaxKeys: most, Delimiter: encode(q.Delimiter), EncodingType: kind, IsTruncated: r.Truncated, CommonPrefixes: prefixes(r.CommonPrefixes, encode),
	}
	for _, o := range r.Versions {
		if o.Marker {
			out.Entries = append(out.Entries, listedMarker{Key: encode(o.Key), VersionId: o.Version, IsLatest: o.Latest, LastModified: stamp(o.Modified), Owner: s.self()})
			continue
		}
		out.Entries = append(out.Entries, listedVersion{
			Key: encode(o.Key), VersionId: o.Version, IsLatest: o.Latest, LastModified: stamp(o.Modified),
			ETag: quote(o.ETag), Size: o.Size, StorageClass: "STANDARD", Owner: s.self(),
		})
	}
	if r.Truncated {
		out.NextKeyMarker, out.NextVersionIdMarker = encode(r.NextKey), r.NextVersion
	}
	return x.answer(out)
}
