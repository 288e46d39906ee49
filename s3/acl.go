package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

type accessControlPolicy struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ AccessControlPolicy"`
	Owner   owner
	Grants  []grant `xml:"AccessControlList>Grant"`
}

type grant struct {
	Grantee    grantee
	Permission string
}

type grantee struct {
	XMLNS string `xml:"xmlns:xsi,attr"`
	Type  string `xml:"xsi:type,attr"`
	ID    string
}

// acl is the only access control list there is: all to the owner.
func (s *service) acl() accessControlPolicy {
	return accessControlPolicy{Owner: s.self(), Grants: []grant{{
		Grantee:    grantee{XMLNS: "http://www.w3.org/2001/XMLSchema-instance", Type: "CanonicalUser", ID: s.owner},
		Permission: "FULL_CONTROL",
	}}}
}

func (s *service) getBucketACL(x *exchange) error { return s.describe(x, s.acl()) }

func (s *service) getObjectACL(x *exchange) error {
	o, err := s.Objects.Head(x.r.Context(), x.ref())
	if err != nil {
		return s.missing(x, x.target, err)
	}
	x.setVersion(o.Version)
	return x.answer(s.acl())
}

func (s *service) putBucketACL(x *exchange) error {
	if err := s.sameACL(x); err != nil {
		return err
	}
	return s.done(x, http.StatusOK)
}

func (s *service) putObjectACL(x *exchange) error {
	if err := s.sameACL(x); err != nil {
		return err
	}
	o, err := s.Objects.Head(x.r.Context(), x.ref())
	if err != nil {
		return s.missing(x, x.target, err)
	}
	x.setVersion(o.Version)
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// sameACL takes a list that says what is the case, as a header or a document:
// the owner has full control, and nobody else is named.
func (s *service) sameACL(x *exchange) error {
	grants := 0
	found, err := x.document(maxConfiguration, "AccessControlPolicy", func(d *document, name string) error {
		switch name {
		case "Owner":
			return d.each(func(name string) error {
				id, err := d.text()
				if err == nil && name == "ID" && id != s.owner {
					err = errAccessDenied()
				}
				return err
			})
		case "AccessControlList":
			return d.each(func(name string) error {
				grants++
				return s.sameGrant(d, name)
			})
		}
		return errMalformedXML(fmt.Errorf("element %s", name))
	})
	canned := x.r.Header.Get("X-Amz-Acl") != ""
	switch {
	case err != nil:
		return err
	case found && canned:
		return errUnexpectedContent()
	case !found && !canned:
		return errMalformedXML(errors.New("no list"))
	case found && grants != 1:
		return errACL()
	}
	return nil
}

// sameGrant takes only the one grant there is.
func (s *service) sameGrant(d *document, element string) error {
	id, permission := "", ""
	if element != "Grant" {
		return errMalformedXML(fmt.Errorf("element %s", element))
	}
	err := d.each(func(name string) (err error) {
		switch name {
		case "Grantee":
			return d.each(func(name string) error {
				text, err := d.text()
				if name == "ID" {
					id = strings.TrimSpace(text)
				}
				return err
			})
		case "Permission":
			permission, err = d.text()
			return err
		}
		return errMalformedXML(fmt.Errorf("element %s", name))
	})
	if err != nil {
		return err
	}
	if id != s.owner || permission != "FULL_CONTROL" {
		return errACL()
	}
	return nil
}
