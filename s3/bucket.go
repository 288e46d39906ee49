package s3

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/wire"
)

// classicRegion is the one region where creating one's own bucket again is no
// error, and whose buckets have an empty location (CreateBucket and
// GetBucketLocation).
const classicRegion = "us-east-1"

type listedBucket struct {
	Name         string
	CreationDate string
	BucketRegion string `xml:",omitempty"`
}

type listAllMyBucketsResult struct {
	XMLName           xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner             owner          `xml:"Owner"`
	Buckets           []listedBucket `xml:"Buckets>Bucket"`
	ContinuationToken string         `xml:",omitempty"`
	Prefix            string         `xml:",omitempty"`
}

func (s *service) listBuckets(x *exchange) error {
	all, err := s.Objects.Buckets(x.r.Context())
	if err != nil {
		return err
	}
	return s.answerBuckets(x, all)
}

// answerBuckets answers the page that is asked for of all buckets, which are in
// order.
func (s *service) answerBuckets(x *exchange, all []objects.Bucket) error {
	most, err := x.number("max-buckets", 10000, 10000)
	if err != nil {
		return err
	}
	after, err := x.token()
	if err != nil {
		return err
	}
	prefix, region := x.query.Get("prefix"), x.query.Get("bucket-region")
	out := listAllMyBucketsResult{Owner: s.self(), Prefix: prefix}
	for _, b := range all {
		if b.Name <= after || !strings.HasPrefix(b.Name, prefix) || region != "" && region != s.Place.Region {
			continue
		}
		if len(out.Buckets) == most {
			if most > 0 {
				out.ContinuationToken = encodeToken(out.Buckets[most-1].Name)
			}
			break
		}
		out.Buckets = append(out.Buckets, listedBucket{b.Name, stamp(b.Created), s.Place.Region})
	}
	return x.answer(out)
}

func (s *service) createBucket(x *exchange) error {
	location := ""
	_, err := x.document(maxConfiguration, "CreateBucketConfiguration", func(d *document, name string) (err error) {
		if name != "LocationConstraint" {
			return errNotImplemented(name)
		}
		location, err = d.text()
		return err
	})
	if err != nil {
		return err
	}
	if location != "" && location != s.Place.Region {
		return &wire.Error{Status: http.StatusBadRequest, Code: "IllegalLocationConstraintException",
			Message: "The " + location + " location constraint is incompatible for the region specific endpoint this request was sent to: buckets here are in " + s.Place.Region + "."}
	}
	err = s.begin(x.r.Context(), x.bucket)
	if v := x.r.Header.Get("X-Amz-Object-Ownership"); err == nil && v != "" {
		return s.keep(x, ownershipControls, ownership{ObjectOwnership: v})
	}
	if errors.Is(err, objects.ErrBucketExists) && s.Place.Region == classicRegion {
		err = nil
	}
	if err != nil {
		return s.onBucket(x, err)
	}
	x.w.Header().Set("Location", "/"+x.bucket)
	x.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *service) deleteBucket(x *exchange) error {
	if err := s.end(x.r.Context(), x.bucket); err != nil {
		return s.onBucket(x, err)
	}
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *service) headBucket(x *exchange) error {
	if _, err := s.Objects.Bucket(x.r.Context(), x.bucket); err != nil {
		return s.onBucket(x, err)
	}
	x.w.Header().Set("X-Amz-Bucket-Region", s.Place.Region)
	x.w.Header().Set("X-Amz-Access-Point-Alias", "false")
	x.w.Header().Set("Content-Type", "application/xml")
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// onBucket names the bucket in an error about it.
func (s *service) onBucket(x *exchange, err error) error {
	e := toWire(err)
	if e.Status < http.StatusInternalServerError {
		e.Fields = append(e.Fields, wire.Field{Name: "BucketName", Value: x.bucket})
	}
	return e
}

// number reads a whole number from the query: at least 0, and cut to most.
func (x *exchange) number(name string, otherwise, most int) (int, error) {
	if !x.query.Has(name) {
		return otherwise, nil
	}
	v := x.query.Get(name)
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 1<<31-1 {
		return 0, errArgument(name, v, "Provided "+name+" not an integer or within integer range")
	}
	return min(n, most), nil
}
