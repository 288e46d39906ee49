package s3

import (
	"encoding/xml"
	"net/http"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/wire"
)

// configuration is a part of a bucket's configuration that cannot be set here.
// Reading it answers what S3 answers for a bucket where it never was set.
type configuration struct {
	operation string
	parameter string
	action    string
	serve     func(*service, *exchange) error
}

var configurations = []configuration{
	{"GetBucketAcl", "acl", "s3:GetBucketAcl", (*service).getBucketACL},
	{"GetBucketLocation", "location", "s3:GetBucketLocation", (*service).getBucketLocation},
	{"GetBucketVersioning", "versioning", "s3:GetBucketVersioning", empty("VersioningConfiguration")},
	{"GetBucketLogging", "logging", "s3:GetBucketLogging", empty("BucketLoggingStatus")},
	{"GetBucketAccelerateConfiguration", "accelerate", "s3:GetAccelerateConfiguration", empty("AccelerateConfiguration")},
	{"GetBucketNotificationConfiguration", "notification", "s3:GetBucketNotification", empty("NotificationConfiguration")},
	{"GetBucketRequestPayment", "requestPayment", "s3:GetBucketRequestPayment", (*service).getBucketRequestPayment},
	{"GetBucketPolicy", "policy", "s3:GetBucketPolicy", absent("NoSuchBucketPolicy", "The bucket policy does not exist")},
	{"GetBucketPolicyStatus", "policyStatus", "s3:GetBucketPolicyStatus", absent("NoSuchBucketPolicy", "The bucket policy does not exist")},
	{"GetBucketCors", "cors", "s3:GetBucketCORS", absent("NoSuchCORSConfiguration", "The CORS configuration does not exist")},
	{"GetBucketWebsite", "website", "s3:GetBucketWebsite", absent("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")},
	{"GetBucketLifecycleConfiguration", "lifecycle", "s3:GetLifecycleConfiguration", absent("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")},
	{"GetBucketReplication", "replication", "s3:GetReplicationConfiguration", absent("ReplicationConfigurationNotFoundError", "The replication configuration was not found")},
	{"GetObjectLockConfiguration", "object-lock", "s3:GetBucketObjectLockConfiguration", absent("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")},
	{"GetBucketTagging", "tagging", "s3:GetBucketTagging", absent("NoSuchTagSet", "The TagSet does not exist")},
	{"GetBucketEncryption", "encryption", "s3:GetEncryptionConfiguration", absent("ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found")},
	{"GetPublicAccessBlock", "publicAccessBlock", "s3:GetBucketPublicAccessBlock", absent("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")},
	{"GetBucketOwnershipControls", "ownershipControls", "s3:GetBucketOwnershipControls", absent("OwnershipControlsNotFoundError", "The bucket ownership controls were not found")},
}

// absent answers that a bucket has no such configuration.
func absent(code, message string) func(*service, *exchange) error {
	return func(s *service, x *exchange) error {
		if _, err := s.Objects.Bucket(x.r.Context(), x.bucket); err != nil {
			return s.onBucket(x, err)
		}
		return &wire.Error{Status: http.StatusNotFound, Code: code, Message: message,
			Fields: []wire.Field{{Name: "BucketName", Value: x.bucket}}}
	}
}

// empty answers a configuration with nothing in it.
func empty(element string) func(*service, *exchange) error {
	return func(s *service, x *exchange) error {
		return s.describe(x, struct{ XMLName xml.Name }{xml.Name{Space: namespace, Local: element}})
	}
}

// describe answers v when the bucket exists.
func (s *service) describe(x *exchange, v any) error {
	if _, err := s.Objects.Bucket(x.r.Context(), x.bucket); err != nil {
		return s.onBucket(x, err)
	}
	return x.answer(v)
}

func (s *service) getBucketLocation(x *exchange) error {
	region := s.Place.Region
	if region == classicRegion {
		region = ""
	}
	return s.describe(x, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region})
}

func (s *service) getBucketRequestPayment(x *exchange) error {
	return s.describe(x, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ RequestPaymentConfiguration"`
		Payer   string
	}{Payer: "BucketOwner"})
}

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
	return accessControlPolicy{Owner: owner{ID: s.owner}, Grants: []grant{{
		Grantee:    grantee{XMLNS: "http://www.w3.org/2001/XMLSchema-instance", Type: "CanonicalUser", ID: s.owner},
		Permission: "FULL_CONTROL",
	}}}
}

func (s *service) getBucketACL(x *exchange) error { return s.describe(x, s.acl()) }

func (s *service) getObjectACL(x *exchange) error {
	if _, err := s.Objects.Head(x.r.Context(), objects.Ref{Name: x.name()}); err != nil {
		return s.missing(x, x.target, err)
	}
	return x.answer(s.acl())
}

func (s *service) getObjectTagging(x *exchange) error {
	if _, err := s.Objects.Head(x.r.Context(), objects.Ref{Name: x.name()}); err != nil {
		return s.missing(x, x.target, err)
	}
	return x.answer(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
		TagSet  struct{}
	}{})
}
