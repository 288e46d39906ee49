package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/objects"
)

type objectAttributes struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
	ETag         string   `xml:",omitempty"`
	Checksum     *objectChecksum
	ObjectParts  *objectParts
	StorageClass string `xml:",omitempty"`
	ObjectSize   *int64
}

type objectChecksum struct {
	sums
	ChecksumType string `xml:",omitempty"`
}

type objectParts struct {
	TotalPartsCount      int `xml:"PartsCount"`
	PartNumberMarker     int
	NextPartNumberMarker int
	MaxParts             int
	IsTruncated          bool
	Parts                []partAttributes `xml:"Part"`
}

type partAttributes struct {
	PartNumber int
	Size       int64
	sums
}

// getAttributes answers those attributes of an object that are asked for.
func (s *service) getAttributes(x *exchange) error {
	asked, err := x.askedAttributes()
	if err != nil {
		return err
	}
	o, err := s.Objects.Head(x.r.Context(), x.ref())
	if err != nil {
		return s.missing(x, x.target, err)
	}
	out := objectAttributes{}
	for _, name := range asked {
		switch name {
		case "ETag":
			out.ETag = o.ETag // without quotes, unlike everywhere else
		case "Checksum":
			if len(o.Checksums) > 0 {
				out.Checksum = &objectChecksum{newSums(bareSums(o.Meta)), o.ChecksumType}
			}
		case "ObjectParts":
			if out.ObjectParts, err = x.objectParts(o); err != nil {
				return err
			}
		case "StorageClass":
			out.StorageClass = "STANDARD"
		case "ObjectSize":
			out.ObjectSize = &o.Size
		default:
			return errArgument("x-amz-object-attributes", name, "Invalid attribute name specified.")
		}
	}
	x.setVersion(o.Version)
	x.w.Header().Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	return x.answer(out)
}

// bareSums are an object's checksums without the number of its parts, which S3
// has everywhere but in GetObjectAttributes (measured: floci-io/floci#3083).
func bareSums(meta objects.Meta) map[string]string {
	if meta.ChecksumType != composite {
		return meta.Checksums
	}
	bare := map[string]string{}
	for name, sum := range meta.Checksums {
		bare[name] = withoutCount(sum)
	}
	return bare
}

// getTorrent answers that there is none: S3 has stopped making them, too.
func (s *service) getTorrent(x *exchange) error {
	_, err := s.Objects.Head(x.r.Context(), x.ref())
	if err == nil {
		err = objects.ErrNoSuchKey
	}
	return s.missing(x, x.target, err)
}

// askedAttributes reads the header that lists them; it may come as several.
func (x *exchange) askedAttributes() (names []string, err error) {
	for name := range strings.SplitSeq(x.r.Header.Get("X-Amz-Object-Attributes"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, errRequest("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	return names, nil
}

// objectParts describes the parts of an object that was uploaded in parts; nil
// for any other. As in S3 they are listed only if they have checksums.
func (x *exchange) objectParts(o objects.Object) (*objectParts, error) {
	if !inParts(o) {
		return nil, nil
	}
	most, err := x.headerNumber("X-Amz-Max-Parts", defaultPage)
	if err != nil {
		return nil, err
	}
	marker, err := x.headerNumber("X-Amz-Part-Number-Marker", 0)
	if err != nil {
		return nil, err
	}
	out := &objectParts{TotalPartsCount: len(o.Parts), PartNumberMarker: marker, NextPartNumberMarker: marker, MaxParts: min(most, defaultPage)}
	for _, p := range o.Parts {
		switch {
		case p.Number <= marker || len(p.Checksums) == 0:
		case len(out.Parts) == out.MaxParts:
			out.IsTruncated = true
			return out, nil
		default:
			out.Parts = append(out.Parts, partAttributes{PartNumber: p.Number, Size: p.Size, sums: newSums(p.Checksums)})
			out.NextPartNumberMarker = p.Number
		}
	}
	return out, nil
}

// inParts tells whether an object was uploaded in parts.
func inParts(o objects.Object) bool { return len(o.Parts) > 0 && o.Parts[0].Number > 0 }

func (x *exchange) headerNumber(name string, otherwise int) (int, error) {
	v := x.r.Header.Get(name)
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 1<<31-1 {
		return 0, errArgument(strings.ToLower(name), v, fmt.Sprintf("Provided %s not an integer or within integer range", strings.ToLower(name)))
	}
	return n, nil
}
