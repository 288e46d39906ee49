package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/upstream"
)

// Names of settings that are kept with a bucket.
const (
	publicAccessBlock = "publicAccessBlock"
	ownershipControls = "ownershipControls"
)

func (s *service) getBucketLocation(x *exchange) error {
	return s.describe(x, newLocation(s.Place.Region))
}

type requestPayment struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ RequestPaymentConfiguration"`
	Payer   string
}

func (s *service) getRequestPayment(x *exchange) error {
	return s.describe(x, requestPayment{Payer: "BucketOwner"})
}

// putRequestPayment takes what is the case: nobody pays here.
func (s *service) putRequestPayment(x *exchange) error {
	payer, err := x.only("RequestPaymentConfiguration", "Payer")
	switch {
	case err != nil:
		return err
	case payer == "Requester":
		return errNotImplemented("Payer Requester")
	case payer != "BucketOwner":
		return errMalformedXML(fmt.Errorf("payer %q", payer))
	}
	return s.done(x, http.StatusOK)
}

// only reads a document with one text in it.
func (x *exchange) only(root, element string) (text string, err error) {
	found, err := x.document(maxConfiguration, root, func(d *document, name string) (err error) {
		if name != element || text != "" {
			return errMalformedXML(fmt.Errorf("element %s", name))
		}
		text, err = d.text()
		return err
	})
	if err == nil && (!found || text == "") {
		err = errMalformedXML(errors.New("no " + element))
	}
	return text, err
}

// accessBlock is a bucket's public access block (PutPublicAccessBlock). There
// are no public lists of access here, so that two of the four always hold; the
// others are held to: see putPolicy and restricted.
type accessBlock struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ PublicAccessBlockConfiguration"`
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

func (s *service) putPublicAccessBlock(x *exchange) error {
	var b accessBlock
	fields := map[string]*bool{
		"BlockPublicAcls": &b.BlockPublicAcls, "IgnorePublicAcls": &b.IgnorePublicAcls,
		"BlockPublicPolicy": &b.BlockPublicPolicy, "RestrictPublicBuckets": &b.RestrictPublicBuckets,
	}
	found, err := x.document(maxConfiguration, "PublicAccessBlockConfiguration", func(d *document, name string) error {
		text, err := d.text()
		if err != nil {
			return err
		}
		text = strings.ToLower(strings.TrimSpace(text))
		if fields[name] == nil || text != "true" && text != "false" {
			return errMalformedXML(fmt.Errorf("element %s", name))
		}
		*fields[name] = text == "true"
		return nil
	})
	if err == nil && !found {
		err = errMalformedXML(errors.New("no document"))
	}
	if err != nil {
		return err
	}
	return s.keep(x, publicAccessBlock, b)
}

// accessBlock reads a bucket's public access block, of an engine's bucket there;
// what was never set blocks nothing.
func (s *service) accessBlock(x *exchange) (b accessBlock, err error) {
	if e := upstream.Pick(s.Engines, x.bucket); e != nil {
		return engineAccessBlock(x.r.Context(), e, x.bucket)
	}
	text, err := s.Objects.Setting(x.r.Context(), x.bucket, publicAccessBlock)
	if errors.Is(err, objects.ErrNoSetting) {
		return b, nil
	}
	if err != nil {
		return b, err
	}
	return b, xml.Unmarshal([]byte(text), &b)
}

// engineAccessBlock asks an engine for a bucket's public access block. One that
// has no such thing has refused to be told of any.
func engineAccessBlock(ctx context.Context, e *upstream.Engine, bucket string) (b accessBlock, err error) {
	var out struct { // in any namespace
		BlockPublicPolicy     bool
		RestrictPublicBuckets bool
	}
	if _, err := question(ctx, e, &upstream.Request{Method: http.MethodGet, Bucket: bucket, Query: publicAccessBlock}, &out); err != nil {
		return b, err
	}
	return accessBlock{BlockPublicPolicy: out.BlockPublicPolicy, RestrictPublicBuckets: out.RestrictPublicBuckets}, nil
}

// restricted refuses a request that is not signed where the bucket's public
// access block says that a public policy lets in only who is known.
func (s *service) restricted(x *exchange) error {
	if !x.call.Signature.Unsigned || x.level == onService {
		return nil
	}
	block, err := s.accessBlock(x)
	if err != nil || !block.RestrictPublicBuckets {
		return err
	}
	text, err := s.Policies.BucketPolicy(x.r.Context(), x.bucket)
	if err == nil && public(text) {
		err = errForbidden(&reason{"public-bucket", "the bucket's public access block lets nobody in who is not known"})
	}
	return err
}

type ownership struct {
	XMLName         xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ OwnershipControls"`
	ObjectOwnership string   `xml:"Rule>ObjectOwnership"`
}

// putOwnershipControls keeps what a bucket says of ownership. All objects are
// the account's, whatever it says.
func (s *service) putOwnershipControls(x *exchange) error {
	rules, value := 0, ""
	found, err := x.document(maxConfiguration, "OwnershipControls", func(d *document, name string) error {
		if rules++; name != "Rule" || rules > 1 {
			return errMalformedXML(fmt.Errorf("element %s", name))
		}
		return d.fields(func(name, text string) error {
			if name != "ObjectOwnership" || !slices.Contains(ownerships, text) {
				return errMalformedXML(fmt.Errorf("%s %q", name, text))
			}
			value = text
			return nil
		})
	})
	if err == nil && (!found || value == "") {
		err = errMalformedXML(errors.New("no rule"))
	}
	if err != nil {
		return err
	}
	return s.keep(x, ownershipControls, ownership{ObjectOwnership: value})
}
